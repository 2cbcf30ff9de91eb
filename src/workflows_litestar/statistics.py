"""What answers about how things stand hold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Self

from workflows_core.states import FINAL
from workflows_litestar.fields import about

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workflows_core.health import Health
    from workflows_core.ports import InstanceTally
    from workflows_core.statistics import Statistics


@dataclass(frozen=True)
class WorkflowCountsDTO:
    """The instances of one version of a workflow."""

    definition_name: str
    definition_version: str
    is_known: Annotated[
        bool, about("Whether the process that answers knows this version, and can go on with it.")
    ]
    instances: Annotated[
        dict[str, int], about("Status to the number of instances in it; those without any are left out.")
    ]
    oldest_started_at: Annotated[
        datetime | None, about("When the oldest of the instances was started that have not ended.")
    ]

    @classmethod
    def from_domain(cls, tallies: Sequence[InstanceTally], *, is_known: bool) -> Self:
        """Show what was counted of one version."""
        return cls(
            definition_name=tallies[0].definition_name,
            definition_version=tallies[0].definition_version,
            is_known=is_known,
            instances={str(each.status): each.count for each in tallies},
            oldest_started_at=min(
                (each.oldest for each in tallies if each.status not in FINAL), default=None
            ),
        )


@dataclass(frozen=True)
class StatisticsDTO:
    """How things stand, in numbers."""

    at: Annotated[datetime, about("When it was counted.")]
    instances: Annotated[dict[str, int], about("Status to the number of instances in it.")]
    workflows: Annotated[list[WorkflowCountsDTO], about("The same for each version of a workflow.")]
    oldest_instance_started_at: Annotated[
        datetime | None, about("When the oldest of the instances was started that have not ended.")
    ]
    open_tasks: int
    overdue_tasks: Annotated[int, about("Open tasks that should have been done.")]
    oldest_task_created_at: Annotated[datetime | None, about("When the oldest open task was opened.")]
    unknown_versions: Annotated[
        list[str],
        about(
            "Versions (`name@version`) with instances that live, and which the process that answers does not know."
        ),
    ]

    @classmethod
    def from_domain(cls, statistics: Statistics) -> Self:
        """Show how things stand."""
        versions = groupby(statistics.tallies, lambda each: (each.definition_name, each.definition_version))
        return cls(
            at=statistics.at,
            instances={str(status): count for status, count in statistics.by_status.items()},
            workflows=[
                WorkflowCountsDTO.from_domain([*tallies], is_known=key in statistics.known)
                for key, tallies in versions
            ],
            oldest_instance_started_at=statistics.oldest_instance_at,
            open_tasks=statistics.open_tasks,
            overdue_tasks=statistics.overdue_tasks,
            oldest_task_created_at=statistics.oldest_task_at,
            unknown_versions=["@".join(key) for key in statistics.unknown],
        )


@dataclass(frozen=True)
class HealthDTO:
    """All is well."""

    runners: Annotated[int, about("How many processes execute steps.")]

    @classmethod
    def from_domain(cls, health: Health) -> Self:
        """Show that all is well."""
        return cls(runners=health.runners)
