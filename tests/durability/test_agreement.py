"""Memory, SQLite and PostgreSQL come to the same, whatever is asked of them and by how many at once."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import TypeVar
from uuid import UUID

import pytest
from attrs import evolve, frozen
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy.ext.asyncio import create_async_engine

from tests.databases import URLS
from workflows_core import commands as cmd
from workflows_core.definitions import WorkflowDefinition
from workflows_core.errors import InstanceNotFoundError
from workflows_core.instance import Instance
from workflows_core.machine import advance
from workflows_core.memory import MemoryStorage
from workflows_core.messages import Message
from workflows_core.ports import InstanceQuery, InstanceSummary, Storage, TaskQuery
from workflows_core.tasks import Task
from workflows_core.testing import strategies as workflows
from workflows_core.testing.clock import BEGINNING
from workflows_core.testing.strategies.commands import allowed_commands
from workflows_core.testing.writes import assert_same
from workflows_core.transition import HistoryEntry, Transition, transition
from workflows_sqla import SqlStorage

T = TypeVar("T")

DAY = timedelta(days=1)

NUMBERS = count(1)
"""Of the instances; all examples share the databases, and none sees the instances of another."""


class Agreement(RuleBasedStateMachine):
    """Three storages that are told the same, and compared after every word."""

    storages: tuple[Storage, ...]
    runner: asyncio.Runner
    instances: Bundle[UUID] = Bundle("instances")

    def __init__(self) -> None:
        super().__init__()
        self.at = BEGINNING
        self.known: dict[UUID, Instance] = {}

    @initialize(definition=workflows.definitions(max_steps=6))
    def begin(self, definition: WorkflowDefinition) -> None:
        """Give the definition a name that no other example uses: whoever asks what is due asks for that."""
        self.definition = evolve(definition, name=f"example-{next(NUMBERS)}")
        self.key = (self.definition.name, self.definition.version)

    def ask(self, question: Callable[[Storage], Awaitable[T]]) -> list[T]:
        """Ask every storage the same."""

        async def asked() -> list[T]:
            return [await question(storage) for storage in self.storages]

        return self.runner.run(asked())

    def agreed(self, question: Callable[[Storage], Awaitable[T]]) -> T:
        """Ask every storage the same, and return what all of them answer."""
        first, *others = self.ask(question)
        for other in others:
            assert other == first
        return first

    def decided(self, instance: Instance | None, command: cmd.Command) -> Transition:
        events, after = advance(self.definition, instance, command)
        return transition(instance, after, events, actor="somebody")

    def posted(self, command: cmd.Command) -> cmd.Command:
        """See to it that the message is there that a command delivers; sent to nobody, so that nobody is woken for it."""
        if not isinstance(command, cmd.DeliverMessage):
            return command
        message = Message(
            id=command.message_id,
            name="any",
            correlation_key="nobody",
            sent_at=self.at,
            expires_at=self.at + DAY,
        )

        async def post(storage: Storage) -> Message:
            async with storage.unit_of_work() as unit:
                added = await unit.messages.add(message)
                await unit.commit()
            return added

        assert self.agreed(post) == message
        return command

    def commit(self, change: Transition) -> None:
        assert self.agreed(lambda storage: storage.flush([change])) == frozenset()
        self.written(change)

    def written(self, change: Transition) -> None:
        self.known[change.instance.id] = change.instance

    def next_moves(self, data: st.DataObject, number: UUID, how_many: int = 1) -> list[Transition]:
        """Decide on something that is allowed; what two decide on the same state is two transitions."""
        instance = self.known[number]
        allowed = list(allowed_commands(self.definition, instance, self.at))
        if not allowed:
            return []
        chosen = [data.draw(st.sampled_from(allowed)) for _ in range(how_many)]
        changes = [self.decided(instance, self.posted(_made_unique(command))) for command in chosen]
        return [change for change in changes if change.entry.events]

    @rule(target=instances, seconds=st.integers(0, 90))
    def start(self, seconds: int) -> UUID:
        """Start an instance."""
        self.at += timedelta(seconds=seconds)
        number = UUID(int=next(NUMBERS))
        change = self.decided(None, cmd.Start(at=self.at, instance_id=number, data={"n": 1}, actor="ann"))
        self.commit(change)
        return number

    @rule(number=instances, data=st.data(), seconds=st.integers(0, 90))
    def move(self, number: UUID, data: st.DataObject, seconds: int) -> None:
        """Do something that is allowed."""
        self.at += timedelta(seconds=seconds)
        for change in self.next_moves(data, number):
            self.commit(change)

    @rule(number=instances, data=st.data())
    def give_up(self, number: UUID, data: st.DataObject) -> None:
        """Do something, and leave the transaction without a commit: that changes nothing."""
        changes = self.next_moves(data, number)

        async def dropped(storage: Storage) -> frozenset[UUID]:
            async with storage.unit_of_work() as unit:
                return await unit.apply(changes)

        assert self.agreed(dropped) == frozenset()

    @rule(number=instances, data=st.data())
    def race(self, number: UUID, data: st.DataObject) -> None:
        """Have several do the same to one instance at once: one of them does it."""
        for change in self.next_moves(data, number):

            async def raced(storage: Storage, change: Transition = change) -> int:
                lost = await asyncio.gather(*(storage.flush([change]) for _ in range(3)))
                return sum(map(len, lost))

            assert self.agreed(raced) == 2
            self.written(change)

    @rule(numbers=st.lists(instances, min_size=2, max_size=4, unique=True), data=st.data())
    def together(self, numbers: list[UUID], data: st.DataObject) -> None:
        """Write to several instances at once, each by itself: nobody loses."""
        changes = [change for number in numbers for change in self.next_moves(data, number)]

        async def at_once(storage: Storage) -> list[frozenset[UUID]]:
            return await asyncio.gather(*(storage.flush([change]) for change in changes))

        assert self.agreed(at_once) == [frozenset()] * len(changes)
        for change in changes:
            self.written(change)

    @rule(number=instances, data=st.data())
    def come_late(self, number: UUID, data: st.DataObject) -> None:
        """Decide on an old state: whoever comes second loses, and may be in one batch with others."""
        changes = self.next_moves(data, number, how_many=2)
        if len(changes) == 2:
            self.commit(changes[0])
            assert self.agreed(lambda storage: storage.flush(changes[1:])) == {number}

    @rule(seconds=st.integers(0, 90), limit=st.integers(1, 3))
    def claim(self, seconds: int, limit: int) -> None:
        """Take what is due, earliest first."""
        self.at += timedelta(seconds=seconds)
        until = self.at + timedelta(seconds=30)
        claimed = self.ask(lambda storage: storage.claim_due(self.at, until, limit, {self.key}))
        for one in claimed[1:]:
            assert ids(one) == ids(claimed[0])
        for instance in claimed[0]:
            self.known[instance.id] = instance

    @invariant()
    def nothing_differs(self) -> None:
        """Compare all there is."""
        if not self.known:
            return
        due = self.agreed(lambda storage: storage.next_due({self.key}))
        assert due == earliest(self.known.values())
        for number, expected in self.known.items():
            first, *others = self.ask(partial(read, number=number))
            for found in (first, *others):
                assert_same(expected, found.instance)
                assert found.instance.wake_at == expected.wake_at
                assert (found.history, found.tasks) == (first.history, first.tasks)
            assert len(first.history) == expected.revision
            assert expected.tasks.keys() <= {task.id for task in first.tasks}
        self.agreed(partial(listed, name=self.definition.name))

    def teardown(self) -> None:
        """See that an instance that nobody started is nowhere."""

        async def is_absent(storage: Storage) -> bool:
            async with storage.unit_of_work() as unit:
                with pytest.raises(InstanceNotFoundError):
                    await unit.instances.get(UUID(int=0))
            return True

        assert self.agreed(is_absent)


def _made_unique(command: cmd.Command) -> cmd.Command:
    """Give the tasks that a command opens, and the message that it brings, ids that nothing else has."""
    match command:
        case cmd.DeliverMessage():
            return evolve(command, message_id=str(next(NUMBERS)))
        case cmd.OpenTask():
            return evolve(command, task_id=UUID(int=next(NUMBERS)))
        case cmd.OpenDecision():
            return evolve(
                command, seats=tuple(evolve(seat, task_id=UUID(int=next(NUMBERS))) for seat in command.seats)
            )
    return command


def ids(instances: Sequence[Instance]) -> list[UUID]:
    return [instance.id for instance in instances]


def earliest(instances: Iterable[Instance]) -> datetime | None:
    return min((each.wake_at for each in instances if each.wake_at is not None), default=None)


@frozen
class Found:
    """What a storage knows of an instance."""

    instance: Instance
    history: list[HistoryEntry]
    tasks: list[Task]


async def read(storage: Storage, number: UUID) -> Found:
    async with storage.unit_of_work() as unit:
        tasks = await unit.tasks.find(TaskQuery(instance_id=number))
        return Found(
            await unit.instances.get(number),
            list(await unit.history.get(number)),
            sorted(tasks, key=lambda task: task.id.int),
        )


async def listed(storage: Storage, name: str) -> list[InstanceSummary]:
    async with storage.unit_of_work() as unit:
        return list(await unit.instances.find(InstanceQuery(definition_name=name)))


def test_all_storages_agree(request: pytest.FixtureRequest) -> None:
    databases = [create_async_engine(URLS[kind](request)) for kind in ("sqlite", "postgres")]
    with asyncio.Runner() as runner:

        class Machine(Agreement):
            storages = (MemoryStorage(), *map(SqlStorage, databases))

        Machine.runner = runner
        try:
            run_state_machine_as_test(Machine, settings=settings(max_examples=12, stateful_step_count=12))
        finally:
            for database in databases:
                runner.run(database.dispose())
