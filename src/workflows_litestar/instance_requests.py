"""What requests about instances hold, beyond those of the guide. The names of fields are those of the engine's arguments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

from workflows_core.searchable import Scalar, read_value
from workflows_litestar.fields import NAME, PROSE, GivenReason, Name, UserId, about, text_about
from workflows_litestar.problems import DATA, Complaint, InvalidRequestError

if TYPE_CHECKING:
    from litestar.connection import Request

WITH_ZONE: Final = ", with its time zone: `2026-11-29T14:00:00Z`."


def values_asked_for(request: Request[Any, Any, Any]) -> Mapping[str, Scalar]:
    """Return the values that instances are to have in their data, by path.

    Raises:
        InvalidRequestError: If one is longer than anything that is ever looked for.
    """
    asked = [(name, value) for name, value in request.query_params.items() if name.startswith(DATA)]
    too_long = tuple(_too_long(asked))
    if too_long:
        raise InvalidRequestError(*too_long)
    return {name.removeprefix(DATA): read_value(value) for name, value in asked}


def _too_long(asked: list[tuple[str, str]]) -> Iterator[Complaint]:
    longest = PROSE["max_length"]
    for name, value in asked:
        if len(value) > longest:
            yield Complaint(f"It is longer than {longest} characters.", parameter=name)


@dataclass(frozen=True)
class SkipStepDTO:
    """Which step is to be gone past."""

    step: Annotated[str, *text_about("The step; something has to be at it.", **NAME)]
    reason: GivenReason
    outcome: Annotated[Name | None, about("The outcome to go on with, where the step has named ones.")] = None
    user_id: UserId = None


@dataclass(frozen=True)
class MoveInstanceDTO:
    """Where an instance is to go on."""

    target: Annotated[str, *text_about("The step to go on at.", **NAME)]
    reason: GivenReason
    source: Annotated[
        Name | None,
        about("Give up what is at this step alone; by default all that is going on."),
    ] = None
    user_id: UserId = None
