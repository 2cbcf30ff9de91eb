"""What requests about instances hold, beyond those of the guide. The names of fields are those of the engine's arguments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from litestar.params import KwargDefinition
from msgspec import Meta

from workflows_litestar.fields import NAME, PROSE, Name
from workflows_litestar.task_requests import UserId


@dataclass(frozen=True)
class SkipStepDTO:
    """Which step is to be gone past."""

    step: Annotated[
        str, Meta(**NAME), KwargDefinition(description="The step; something has to be at it.", **NAME)
    ]
    reason: Annotated[str, Meta(**PROSE), KwargDefinition(description="Why; the history keeps it.", **PROSE)]
    outcome: Annotated[
        Name | None, KwargDefinition(description="The outcome to go on with, where the step has named ones.")
    ] = None
    user_id: UserId = None


@dataclass(frozen=True)
class MoveInstanceDTO:
    """Where an instance is to go on."""

    target: Annotated[str, Meta(**NAME), KwargDefinition(description="The step to go on at.", **NAME)]
    reason: Annotated[str, Meta(**PROSE), KwargDefinition(description="Why; the history keeps it.", **PROSE)]
    source: Annotated[
        Name | None,
        KwargDefinition(description="Give up what is at this step alone; by default all that is going on."),
    ] = None
    user_id: UserId = None
