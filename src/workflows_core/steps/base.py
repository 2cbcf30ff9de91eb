"""What all steps have in common."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

Join: TypeAlias = Literal["all", "any"] | int

STEP_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,200}")
"""What a step may be called: up to 200 characters, none of them a control character."""


class StepKind(StrEnum):
    """What a step is, for graphs and for the engine."""

    MACHINE = "machine"
    HUMAN = "human"
    DECISION = "decision"
    GATEWAY = "gateway"
    TIMER = "timer"
    MESSAGE = "message"
    WEBHOOK = "webhook"


def in_order(names: Iterable[str] | None) -> Iterable[str] | None:
    """Keep the order of names; what has none (a set), or is no list of names, is left for the validation to report."""
    if isinstance(names, str | set | frozenset) or not isinstance(names, Iterable):
        return names
    return tuple(names)


class Step:
    """What all steps have in common.

    Attributes:
        name: The step's name, unique in its definition. Where it is not given, the key under which
            the step stands in the definition is its name.
        title: What people read; made from the name where it is not given.
        description: More about it, for people.
        join: When a step with several incoming edges begins: `"all"` waits for every branch that
            can still come, `"any"` begins once for each that comes, a number begins at that
            arrival and cancels what was still on its way.
        terminate: Completing this step ends all other branches of the instance at once.
    """

    kind: ClassVar[StepKind]
    specified: ClassVar[tuple[str, ...]] = ("title", "description", "join", "terminate")
    """The attributes that are part of what a definition says."""

    name: str = ""
    title: str = ""
    description: str = ""
    join: Join = "all"
    terminate: bool = False

    def __init__(
        self,
        name: str | None = None,
        description: str | None = None,
        *,
        title: str | None = None,
        join: Join | None = None,
        terminate: bool | None = None,
    ) -> None:
        given = {
            "name": name,
            "description": description,
            "title": title,
            "join": join,
            "terminate": terminate,
        }
        self._set(given)

    def _set(self, given: Mapping[str, object]) -> None:
        """Keep the arguments that were given; the class attributes stand for the others."""
        for attribute, value in given.items():
            if value is not None:
                setattr(self, attribute, value)

    @property
    def label(self) -> str:
        """The title, or the name written for people."""
        return self.title or self.name.replace("_", " ").title()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"
