"""An office for tests: one instance, moved by the machine and user code on a clock that stands still."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from workflows_core import commands as cmd
from workflows_core import events as ev
from workflows_core.actors import Actor
from workflows_core.definitions import WorkflowDefinition
from workflows_core.evolution import fold
from workflows_core.instance import Instance
from workflows_core.settling import carry_out
from workflows_core.tasks import Task
from workflows_core.testing.clock import NumberedIds, VirtualClock
from workflows_core.transition import HistoryEntry, Transition, transition


class Office:
    """One instance of a workflow. After every move it checks that the history folds to the state."""

    def __init__(self, definition: WorkflowDefinition, clock: VirtualClock | None = None) -> None:
        self.definition = definition
        self.clock = clock or VirtualClock()
        self.ids = NumberedIds()
        self.entries: list[HistoryEntry] = []
        self.closed: dict[UUID, Task] = {}
        self._instance: Instance | None = None

    @property
    def instance(self) -> Instance:
        assert self._instance is not None
        return self._instance

    @property
    def task(self) -> Task:
        """The only open task."""
        (task,) = self.instance.tasks.values()
        return task

    def task_of(self, user: str) -> Task:
        """The open task that is with somebody."""
        (task,) = [task for task in self.instance.tasks.values() if task.assignee == user]
        return task

    async def start(
        self, data: Mapping[str, Any] | None = None, by: str | None = "ann", **fields: Any
    ) -> Instance:
        return await self.do(
            cmd.Start(
                at=self.clock.now(),
                instance_id=self.ids.new_id(),
                data=dict(data or {}),
                created_by=by,
                **fields,
            )
        )

    async def ask(
        self, kind: type, by: str | Actor | None, task: Task | None = None, **fields: Any
    ) -> Instance:
        """Ask something of a task, as the application in somebody's name or as an actor."""
        identity = by if isinstance(by, Actor) else None
        name = by.user_id if isinstance(by, Actor) else by
        id_ = (task or self.task).id
        command = kind(at=self.clock.now(), task_id=id_, actor=name, identity=identity, **fields)
        return await self.do(command)

    async def complete(
        self, by: str | Actor | None, outcome: str | None = None, task: Task | None = None, **fields: Any
    ) -> Instance:
        return await self.ask(cmd.CompleteTask, by, task, outcome=outcome, **({"data": {}} | fields))

    async def order(self, kind: type, by: str | Actor | None, **fields: Any) -> Instance:
        """Ask something of the instance."""
        identity = by if isinstance(by, Actor) else None
        name = by.user_id if isinstance(by, Actor) else by
        return await self.do(kind(at=self.clock.now(), actor=name, identity=identity, **fields))

    async def do(self, *commands: cmd.Command) -> Instance:
        before, at = self._instance, self.clock.now()
        events, after = await carry_out(self.definition, before, commands, at=at, ids=self.ids, owner=None)
        if events:
            self._keep(transition(before, after, events, actor=commands[0].actor if commands else None))
        return self.instance

    def _keep(self, change: Transition) -> None:
        self._instance = change.instance
        self.entries.append(change.entry)
        assert fold(None, [entry.events for entry in self.entries]) == change.instance
        self.closed |= {task.id: task for task in change.tasks if not task.is_open}
        assert {task.id for task in change.tasks} <= self.instance.tasks.keys() | self.closed.keys()

    async def wait(self, duration: timedelta | None = None, **parts: float) -> list[ev.Event]:
        """Let time pass while nothing runs, then wake up; return what happened then."""
        self.clock.advance(duration, **parts)
        return await self.wake()

    async def wait_until(self, moment: datetime) -> list[ev.Event]:
        self.clock.advance_to(moment)
        return await self.wake()

    async def wake(self) -> list[ev.Event]:
        count = len(self.entries)
        if self.instance.wake_at is not None and self.instance.wake_at <= self.clock.now():
            await self.do()
        return [event for entry in self.entries[count:] for event in entry.events]

    def events(self, *kinds: type) -> list[Any]:
        """Everything of these kinds that ever happened."""
        return [event for entry in self.entries for event in entry.events if isinstance(event, kinds)]
