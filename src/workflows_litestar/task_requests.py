"""What requests about tasks hold, beyond those of the guide.

The names of fields are those of the engine's arguments, so what it says about one leads to the field.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final, TypedDict
from uuid import UUID

from msgspec import UNSET, UnsetType

from workflows_core.human_tasks import UNCHANGED, Unchanged
from workflows_litestar.fields import (
    NAME,
    PROSE,
    Moment,
    Name,
    Prose,
    Reason,
    Small,
    UserId,
    about,
    several,
    text_about,
)

MOST_AT_ONCE: Final = 100
"""How many tasks one request can be about."""


@dataclass(frozen=True)
class ReasonDTO:
    """Why something is done, if there is anything to say."""

    reason: Reason = None
    user_id: UserId = None


NOTHING: Final = ReasonDTO()
"""What a body says that is left out."""


@dataclass(frozen=True)
class DelegateTaskDTO:
    """Who is to work on a task, until they give it back."""

    to: Annotated[str, *text_about("Who is to work on it.", **NAME, min_length=1)]
    reason: Reason = None
    user_id: UserId = None


@dataclass(frozen=True)
class ResolveTaskDTO:
    """What a delegate has to say on giving a task back."""

    comment: Annotated[Prose | None, about("What there is to say.")] = None
    user_id: UserId = None


@dataclass(frozen=True)
class RequestInformationDTO:
    """What has to be known before a task can go on."""

    question: Annotated[str, *text_about("What is asked.", **PROSE, min_length=1)]
    of: Annotated[Name | None, about("Who is asked; by default whoever started the instance.")] = None
    user_id: UserId = None


@dataclass(frozen=True)
class AnswerDTO:
    """What somebody answers who was asked."""

    answer: Annotated[str, *text_about("The answer.", **PROSE, min_length=1)]
    user_id: UserId = None


@dataclass(frozen=True)
class CommentDTO:
    """What somebody says about a task."""

    text: Annotated[str, *text_about("What there is to say.", **PROSE, min_length=1)]
    user_id: UserId = None


@dataclass(frozen=True)
class DraftDTO:
    """What somebody has filled in so far."""

    data: Annotated[dict[str, Any], about("It need not fit the form. It takes the place of what was there.")]
    user_id: UserId = None


@dataclass(frozen=True)
class UpdateTaskDTO:
    """What is to change about a task; what is left out stays."""

    due_date: Annotated[
        Moment | UnsetType | None,
        about("When it should be done, with a time zone; null for never."),
    ] = UNSET
    priority: Annotated[Small | UnsetType, about("Higher comes first; 0 is ordinary.")] = UNSET
    follow_up_date: Annotated[
        Moment | UnsetType | None,
        about("When whoever holds it wants to see it again, with a time zone; null for now."),
    ] = UNSET
    reason: Reason = None
    user_id: UserId = None


class Changes(TypedDict):
    """What is to change about a task, as the engine takes it."""

    due_at: datetime | Unchanged | None
    priority: int | Unchanged
    follow_up_at: datetime | Unchanged | None


def changes_in(data: UpdateTaskDTO) -> Changes:
    """Return what is to change about a task."""
    return {
        "due_at": UNCHANGED if data.due_date is UNSET else data.due_date,
        "priority": UNCHANGED if data.priority is UNSET else data.priority,
        "follow_up_at": UNCHANGED if data.follow_up_date is UNSET else data.follow_up_date,
    }


class BulkAction(StrEnum):
    """What can be done with many tasks at once."""

    CLAIM = "claim"
    COMPLETE = "complete"
    REASSIGN = "reassign"


@dataclass(frozen=True)
class BulkTasksDTO:
    """What is to be done with many tasks: with each for itself, as if it were asked for alone."""

    action: Annotated[BulkAction, about("What is to be done with each.")]
    task_ids: Annotated[list[UUID], *several("The tasks.", least=1, most=MOST_AT_ONCE)]
    output_data: Annotated[dict[str, Any] | None, about("To complete: the form, the same for each.")] = None
    outcome: Annotated[Name | None, about("To complete: the outcome of each.")] = None
    comment: Annotated[Prose | None, about("To complete: what there is to say about each.")] = None
    revisions: Annotated[
        dict[UUID, int], about("To complete: task to the `revision` of it that was seen.")
    ] = field(default_factory=dict)
    new_assignee: Annotated[Name | None, about("To reassign: who is to do them.")] = None
    reason: Annotated[Prose | None, about("To claim or reassign: why; the history keeps it.")] = None
    user_id: UserId = None
