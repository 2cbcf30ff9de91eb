"""The kinds of steps, and what an author can say about each.

A step is a small object that users subclass. Every option can be given as a class attribute
or as a constructor argument; the argument wins. Steps hold no state of a run: the same object
serves all instances of its definition, at the same time.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from workflows_core.calendar import WorkingCalendar, WorkingTime
from workflows_core.deadlines import AddCandidates, Expire, HandOver, Remind
from workflows_core.policies import Policies
from workflows_core.quorum import Quorum
from workflows_core.retry import RetryPolicy
from workflows_core.steps.base import STEP_NAME, Join, Step, StepKind
from workflows_core.steps.decision import DecisionStep
from workflows_core.steps.gateways import ExclusiveGateway, Gateway, InclusiveGateway, ParallelGateway
from workflows_core.steps.human import BaseHumanStep
from workflows_core.steps.machine import BaseMachineStep
from workflows_core.steps.waits import DelayStep, MessageStep, ScheduledStep, TimerStep, WebhookStep

__all__ = [
    "OPTION_TYPES",
    "STEP_NAME",
    "STEP_TYPES",
    "BaseHumanStep",
    "BaseMachineStep",
    "DecisionStep",
    "DelayStep",
    "ExclusiveGateway",
    "Gateway",
    "InclusiveGateway",
    "Join",
    "MessageStep",
    "ParallelGateway",
    "RetryPolicy",
    "ScheduledStep",
    "Step",
    "StepKind",
    "TimerStep",
    "WebhookStep",
    "base_of",
]

STEP_TYPES: Final[Mapping[str, type[Step]]] = MappingProxyType(
    {
        kind.__name__: kind
        for kind in (
            BaseHumanStep,
            BaseMachineStep,
            DecisionStep,
            DelayStep,
            ExclusiveGateway,
            InclusiveGateway,
            MessageStep,
            ParallelGateway,
            ScheduledStep,
            TimerStep,
            WebhookStep,
        )
    }
)
"""The classes that authors use or derive from, by name."""

OPTION_TYPES: Final[Mapping[str, type]] = MappingProxyType(
    {
        kind.__name__: kind
        for kind in (
            AddCandidates,
            Expire,
            HandOver,
            Policies,
            Quorum,
            Remind,
            RetryPolicy,
            WorkingCalendar,
            WorkingTime,
        )
    }
)
"""The classes of values that options take, by name."""


def base_of(kind: type[Step]) -> type[Step]:
    """Return the nearest of `STEP_TYPES` that a class of steps is derived from."""
    return next(base for base in kind.__mro__ if STEP_TYPES.get(base.__name__) is base)
