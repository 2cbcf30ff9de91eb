"""What can be wrong with a definition."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypeAlias

from attrs import frozen

from workflows_core.assembly import NAMELESS
from workflows_core.data import pointer


class Severity(StrEnum):
    """How much it matters: an error refuses the definition, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


_E, _W = Severity.ERROR, Severity.WARNING

CODES: Final[Mapping[str, Severity]] = MappingProxyType(
    {
        # The definition and its steps
        "bad-name": _E,
        "bad-version": _E,
        "no-steps": _E,
        "not-a-step": _E,
        "empty-group": _E,
        "duplicate-name": _E,
        "name-mismatch": _E,
        "slash-in-name": _W,
        "bad-option": _E,
        "bad-schema": _E,
        "unknown-policy-step": _E,
        "no-execute": _W,
        "not-json": _E,
        # Where it begins and ends
        "no-initial-step": _E,
        "unknown-initial-step": _E,
        "no-terminal-step": _E,
        "unknown-terminal-step": _E,
        # Edges
        "not-an-edge": _E,
        "unknown-source": _E,
        "unknown-target": _E,
        "unknown-outcome": _E,
        "bad-condition": _E,
        "bad-expression": _E,
        "duplicate-edge": _W,
        # The ways out of a step
        "unhandled-outcome": _E,
        "several-defaults": _E,
        "conditional-default": _E,
        "needless-default": _W,
        "never-taken": _E,
        "ignored-condition": _E,
        "gateway-without-ways": _E,
        "no-otherwise": _W,
        "join-beyond-edges": _W,
        # The shape as a whole
        "terminal-with-ways-out": _E,
        "dead-end": _E,
        "unreachable": _E,
        "no-way-to-end": _E,
        "endless-cycle": _E,
    }
)
"""Every code there is, and how much it matters. Codes never change their meaning."""

Path: TypeAlias = tuple[str | int, ...]


@frozen(kw_only=True)
class Problem:
    """One thing that is wrong with a definition.

    Attributes:
        code: Which kind of problem it is: one of `CODES`.
        severity: How much it matters.
        path: Where it is, written like a JSON pointer: `/edges/3/target`, `/steps/review/join`. Edges are
            counted from 0, as are steps that have no name of their own. Empty for the whole definition.
        step: The name of the step it concerns, `None` if it concerns no step or several.
        detail: What is wrong, in one sentence.
        hint: How to mend it.
    """

    code: str
    severity: Severity
    path: str
    step: str | None = None
    detail: str
    hint: str = ""

    @property
    def is_error(self) -> bool:
        """Whether a definition with this problem is refused."""
        return self.severity is Severity.ERROR

    def __str__(self) -> str:
        return " ".join(filter(None, [f"{self.path or '/'}:", self.detail, self.hint, f"[{self.code}]"]))


class Report:
    """The problems found so far."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._suggestions = 0

    def add(self, code: str, path: Path, detail: str, hint: str = "", *, step: str | None = None) -> None:
        """Note a problem."""
        self.problems.append(
            Problem(code=code, severity=CODES[code], path=pointer(path), step=step, detail=detail, hint=hint)
        )

    def meant(self, name: object, known: Iterable[str], otherwise: str) -> str:
        """Return the hint for a name that is not known: the one that was probably meant."""
        if isinstance(name, str) and self._suggestions < _MAX_SUGGESTIONS:
            self._suggestions += 1
            named = (each for each in known if isinstance(each, str) and not each.startswith(NAMELESS))
            found = get_close_matches(name[:200], named, 1)
            if found:
                return f"Did you mean {found[0]!r}?"
        return otherwise


_MAX_SUGGESTIONS: Final = 10
"""Looking for what was meant takes time; where everything is wrong it would not help."""


def shown(value: object) -> str:
    """Return a value as it may stand in a sentence."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - it is the author's object, and nothing here may raise
        text = f"an object of type {type(value).__name__}"
    return text if len(text) <= 80 else text[:79] + "…"


def listed(names: Iterable[str]) -> str:
    """Return names as they may stand in a sentence; many are cut short."""
    quoted = [shown(name) for name in names]
    if len(quoted) > 6:
        quoted[5:] = [f"{len(quoted) - 5} more"]
    return " and ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)
