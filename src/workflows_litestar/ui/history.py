"""What happened, in words: one line for each event that means something to people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Final

from attrs import frozen

from workflows_core import events as ev
from workflows_core.history import entries_of

if TYPE_CHECKING:
    from workflows_core.definitions import WorkflowDefinition
    from workflows_core.transition import HistoryEntry
    from workflows_litestar.ui.view import View


@frozen(kw_only=True)
class Line:
    """Something that happened.

    Attributes:
        at: When.
        who: Who did it; empty for the engine itself.
        text: What it was, in words.
        more: What was said with it; may be empty.
        kind: `good`, `bad`, `note` or `plain`: what stands beside the line; the words say it as well.
    """

    at: datetime
    who: str
    text: str
    more: str
    kind: str


_BAD: Final = (
    ev.StepFailed,
    ev.ErrorCaught,
    ev.AttemptFailed,
    ev.InstanceCanceled,
    ev.TaskExpired,
    ev.StepLost,
)
_GOOD: Final = (ev.TaskCompleted, ev.StepCompleted, ev.VoteCast, ev.DecisionReached)
_NOTES: Final = (ev.TaskCommented, ev.InformationRequested, ev.InformationGiven)
_SILENT: Final = (ev.StepLeft, ev.JoinFired, ev.DraftSaved)
_SAID: Final = ("reason", "comment", "text", "question", "answer", "message", "detail")


def told(view: View, entries: Iterable[HistoryEntry], steps: dict[int, str] | None = None) -> list[Line]:
    """Return what happened, oldest first."""
    return [line for entry in entries for line in _lines(view, entry, steps or {})]


def _lines(view: View, entry: HistoryEntry, steps: dict[int, str]) -> Iterator[Line]:
    for event in entry.events:
        key = f"event.{type(event).__name__}"
        if isinstance(event, _SILENT) or key not in view.texts:
            continue
        yield Line(
            at=event.at,
            who=_who(event),
            text=view.texts(key, **_values(event, steps)),
            more=next((str(said) for name in _SAID if (said := getattr(event, name, None))), ""),
            kind=_kind(event),
        )


def _who(event: ev.Event) -> str:
    name = getattr(event, "by", None) or getattr(event, "created_by", None)
    for_whom = getattr(event, "on_behalf_of", None)
    return f"{name} ({for_whom})" if name and for_whom else name or ""


def _values(event: ev.Event, steps: dict[int, str]) -> dict[str, object]:
    """Return everything that a text may want to say."""
    outcome, due = getattr(event, "outcome", None), getattr(event, "due_at", None)
    token = getattr(event, "token", None)
    step = getattr(event, "step", None) or steps.get(token or 0, "")
    return {
        "step": step,
        "title": getattr(event, "title", step),
        "outcome": "" if outcome is None else f": {outcome_text(outcome)}",
        "assignee": getattr(event, "assignee", None) or "",
        "asked": getattr(event, "asked", ""),
        "priority": getattr(event, "priority", ""),
        "due": "–" if due is None else f"{due:%Y-%m-%d %H:%M} UTC",
        "names": ", ".join((*getattr(event, "users", ()), *getattr(event, "groups", ()))),
        "name": getattr(event, "name", ""),
    }


def outcome_text(outcome: str) -> str:
    """Return what people call an outcome."""
    words = outcome.replace("_", " ").replace("-", " ").strip()
    return words[:1].upper() + words[1:]


def _kind(event: ev.Event) -> str:
    if isinstance(event, _BAD):
        return "bad"
    if isinstance(event, _GOOD):
        return "good"
    return "note" if isinstance(event, _NOTES) else "plain"


def places(definition: WorkflowDefinition, entries: Iterable[HistoryEntry]) -> dict[int, str]:
    """Return at which step each token was, as people call that."""
    found = (entry for each in entries for event in each.events for entry in entries_of(event))
    return {
        entry.token: step.label if (step := definition.steps.get(entry.step)) is not None else entry.step
        for entry in found
    }
