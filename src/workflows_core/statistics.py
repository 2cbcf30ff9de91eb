"""How things stand, in numbers: for dashboards and alarms."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from workflows_core.ports import InstanceQuery, InstanceTally, StepTally, TaskOrder, TaskQuery
from workflows_core.states import FINAL, InstanceStatus, TaskStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workflows_core.actors import Actor
    from workflows_core.engine import ExecutionEngine
    from workflows_core.ports import DefinitionKey


@frozen(kw_only=True)
class Statistics:
    """How things stand at one moment.

    Attributes:
        at: The moment (UTC).
        tallies: How many instances there are, by definition and status.
        open_tasks: How many tasks are open.
        overdue_tasks: How many of them should have been done.
        oldest_task_at: When the oldest open task was opened (UTC); `None` if there is none.
        known: The definitions that the process knows which answers, by name and version.
    """

    at: datetime
    tallies: tuple[InstanceTally, ...]
    open_tasks: int
    overdue_tasks: int
    oldest_task_at: datetime | None
    known: frozenset[DefinitionKey]

    @property
    def by_status(self) -> Mapping[InstanceStatus, int]:
        """How many instances are in each status."""
        return {
            status: sum(each.count for each in self.tallies if each.status is status)
            for status in InstanceStatus
        }

    @property
    def unknown(self) -> tuple[DefinitionKey, ...]:
        """The definitions that the process does not know, and of which instances live."""
        living = {
            (each.definition_name, each.definition_version)
            for each in self.tallies
            if each.status not in FINAL
        }
        return tuple(sorted(living - self.known))

    @property
    def oldest_instance_at(self) -> datetime | None:
        """When the oldest of the instances was started that have not ended (UTC); `None` if there is none."""
        return min((each.oldest for each in self.tallies if each.status not in FINAL), default=None)


async def statistics(engine: ExecutionEngine, actor: Actor | None) -> Statistics:
    """Count what there is; to an actor, what they may see. The number of statements does not grow with it."""
    visible = None if actor is None else await engine.visibility(actor)
    now = engine.clock.now()
    tasks = TaskQuery(status=TaskStatus.PENDING, visible_to=visible)
    async with engine.storage.unit_of_work() as unit:
        tallies = await unit.instances.tally(InstanceQuery(visible_to=visible))
        open_tasks = await unit.tasks.count(tasks)
        overdue = await unit.tasks.count(evolve(tasks, due_before=now))
        oldest = await unit.tasks.find(evolve(tasks, order=TaskOrder.OLDEST, limit=1))
    return Statistics(
        at=now,
        tallies=tuple(tallies),
        open_tasks=open_tasks,
        overdue_tasks=overdue,
        oldest_task_at=oldest[0].created_at if oldest else None,
        known=frozenset(engine.registry.list_keys()),
    )


@frozen(kw_only=True)
class Flow:
    """Where instances are, and how many get to their end.

    Attributes:
        at: The moment (UTC).
        steps: How many instances are at which step, and for how long.
        ended: Day (UTC) to how many ended on it, canceled ones included; every day is there, oldest first.
    """

    at: datetime
    steps: tuple[StepTally, ...]
    ended: Mapping[date, int]


async def flow(
    engine: ExecutionEngine, actor: Actor | None, *, workflow: str | None = None, days: int = 14
) -> Flow:
    """Look where instances are; to an actor, those that they may see. Likewise with a fixed number of statements.

    Args:
        engine: The engine.
        actor: Who asks.
        workflow: The one workflow it is about; by default all.
        days: How many days to look back, today included.
    """
    visible = None if actor is None else await engine.visibility(actor)
    now, query = engine.clock.now(), InstanceQuery(definition_name=workflow, visible_to=visible)
    first = now.astimezone(UTC).date() - timedelta(days=days - 1)
    async with engine.storage.unit_of_work() as unit:
        steps = await unit.instances.tally_steps(query)
        ended = Counter(await unit.instances.tally_days(query, datetime.combine(first, time(), UTC)))
    every = (first + timedelta(days=number) for number in range(days))
    return Flow(at=now, steps=tuple(steps), ended={day: ended[day] for day in every})
