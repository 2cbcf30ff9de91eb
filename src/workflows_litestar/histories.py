"""Histories, as answers show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Self

from workflows_core.serialization import shown_events
from workflows_litestar.fields import about

if TYPE_CHECKING:
    from workflows_core.transition import HistoryEntry


@dataclass(frozen=True)
class HistoryEntryDTO:
    """What was committed together: one transition of an instance."""

    revision: Annotated[int, about("The revision it led to, counted from 1 without gaps.")]
    at: Annotated[datetime, about("When it happened.")]
    actor: Annotated[str | None, about("Who caused it; null for the engine itself.")]
    events: Annotated[
        list[dict[str, Any]],
        about(
            "What happened, in order; `event` names the kind. What somebody has put aside as a draft is "
            "left out."
        ),
    ]

    @classmethod
    def from_domain(cls, entry: HistoryEntry) -> Self:
        """Show an entry."""
        return cls(
            revision=entry.revision,
            at=entry.at,
            actor=entry.actor,
            events=shown_events(entry.events),
        )
