"""The duties of a storage, as tests.

Whoever writes a storage derives a class and says how to make one; pytest does the rest. The tests are
coroutines: pytest-asyncio runs them in its `auto` mode.

    class TestMyStorage(StorageSuite):
        @pytest.fixture
        async def storage(self):
            storage = MyStorage(...)  # empty
            yield storage
            await storage.close()
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Any, get_args
from uuid import uuid4

import pytest
from attrs import evolve, fields

from workflows_core import commands as cmd
from workflows_core import events as ev
from workflows_core.actors import Substitution
from workflows_core.data import JsonObject
from workflows_core.errors import (
    DefinitionConflictError,
    InstanceNotFoundError,
    SubstitutionNotFoundError,
    TaskNotFoundError,
)
from workflows_core.ports import InstanceQuery, Storage, SubstitutionQuery, TaskQuery, summarize
from workflows_core.states import InstanceStatus, TaskState, TaskStatus
from workflows_core.testing.due import DueSuite
from workflows_core.testing.feeds import FeedSuite
from workflows_core.testing.messages import MessageSuite
from workflows_core.testing.reservations import ReservationSuite
from workflows_core.testing.samples import (
    AT,
    DOCUMENTS,
    EVER,
    HOUR,
    SECOND,
    begin_step,
    complete_step,
    course,
    definition,
    full_start,
    full_task,
    give_up,
    move,
    open_task,
    start,
    written,
)
from workflows_core.testing.tallies import TallySuite
from workflows_core.testing.writes import Write, applied, assert_same, both_ways, flushed, found, stored
from workflows_core.transition import HistoryEntry, Transition

__all__ = ["StorageSuite", "applied", "assert_same", "flushed", "found", "stored"]


def matches(value: object, query: dict[str, Any]) -> bool:
    """Say whether a listed value is among those a query asks for."""
    checks: dict[str, Callable[[Any], bool]] = {
        "due_before": lambda moment: value.due_at is not None and value.due_at < moment,  # type: ignore[attr-defined]
    }
    return all(
        checks[name](wanted) if name in checks else getattr(value, name) == wanted
        for name, wanted in query.items()
    )


def data_after(entries: Sequence[HistoryEntry]) -> JsonObject:
    """Return the data that the history leads to; only patches and forms of one level."""
    data: JsonObject = {}
    for entry in entries:
        for event in entry.events:
            if isinstance(event, ev.TaskCompleted):
                data |= event.data
            elif isinstance(event, ev.StepCompleted):
                data |= {path[0]: value for path, value in event.patch.changed}
    return data


class StorageSuite(MessageSuite, DueSuite, TallySuite, FeedSuite, ReservationSuite):
    """What every storage must do. Override `storage`; each test wants an empty one."""

    @pytest.fixture
    async def storage(self) -> Storage:
        """Return an empty storage."""
        raise NotImplementedError

    # What is written is read

    @both_ways
    async def test_a_value_is_read_as_it_was_written(self, storage: Storage, write: Write) -> None:
        change = full_start()
        assert not await write(storage, [change])

        async with storage.unit_of_work() as unit:
            assert_same(change.instance, await unit.instances.get(change.instance.id))
            assert list(await unit.history.get(change.instance.id)) == [change.entry]
            for task in change.tasks:
                assert await unit.tasks.get(task.id) == task
            assert list(await unit.instances.find(InstanceQuery())) == [summarize(change.instance)]

    def test_the_value_has_every_field_set(self) -> None:
        change = full_start()
        values = (change.instance, change.entry, change.tasks[1], *change.entry.events)

        assert {type(event) for event in change.entry.events} == set(get_args(ev.Event))
        for value in values:
            for field in fields(type(value)):
                assert getattr(value, field.name) != field.default, field

    @pytest.mark.parametrize("name", DOCUMENTS)
    async def test_data_is_the_same_after_a_reload(self, storage: Storage, name: str) -> None:
        document = DOCUMENTS[name]
        begun = begin_step((first := start(data=document, metadata=document)).instance)
        done = complete_step(begun.instance, written("patched", document))
        (*_, last) = await stored(storage, [first, begun, done])

        assert_same(last, await found(storage, last.id))
        async with storage.unit_of_work() as unit:
            entries = await unit.history.get(last.id)
        assert json.dumps(entries[0].events[0].data) == json.dumps(document)  # type: ignore[union-attr]
        assert json.dumps(entries[2].events[0].patch.changed[0][1]) == json.dumps(document)  # type: ignore[union-attr]

    @both_ways
    async def test_patches_since_the_snapshot_are_applied(self, storage: Storage, write: Write) -> None:
        changes = course({"kept": [1.0]})
        assert [change.saves_data for change in changes] == [True, False, False, False, False, True]

        for change in changes:
            assert not await write(storage, [change])
            assert_same(change.instance, await found(storage, change.instance.id))

    async def test_forms_are_kept_with_and_without_a_snapshot(self, storage: Storage) -> None:
        (*_, waiting) = await stored(storage, course())
        (task,) = waiting.tasks
        done = move(
            waiting,
            cmd.CompleteTask(
                at=AT + HOUR,
                task_id=task,
                data={"z": 1.0, "a": "x" * 2000},
                size=2020,
                outcome="no",
                actor="ann",
            ),
        )
        for saves_data in (False, True):
            copy = evolve(done, saves_data=saves_data)
            async with storage.unit_of_work() as unit:  # left without commit
                assert not await unit.apply([copy])
                assert_same(done.instance, await unit.instances.get(waiting.id))

    async def test_history_begins_after_a_revision(self, storage: Storage) -> None:
        changes = course()
        await stored(storage, changes)
        await stored(storage, course())
        entries = [change.entry for change in changes]
        id_ = entries[0].instance_id

        async with storage.unit_of_work() as unit:
            assert list(await unit.history.get(id_)) == entries
            assert list(await unit.history.get(id_, after=4)) == entries[4:]
            assert list(await unit.history.get(id_, after=99)) == []
            assert list(await unit.history.get(uuid4())) == []

    @both_ways
    async def test_a_task_is_changed_with_its_instance(self, storage: Storage, write: Write) -> None:
        (*_, waiting) = await stored(storage, course(assignee="ann"))
        (task,) = waiting.tasks.values()
        given = move(waiting, cmd.ReassignTask(at=AT + HOUR, task_id=task.id, assignee="bob"))
        done = move(
            given.instance,
            cmd.CompleteTask(at=AT + 2 * HOUR, task_id=task.id, data={"a": 1.0}, outcome="yes", actor="bob"),
        )
        for change in (given, done):
            assert not await write(storage, [change])
            async with storage.unit_of_work() as unit:
                assert await unit.tasks.get(task.id) == change.tasks[0]
                assert_same(change.instance, await unit.instances.get(waiting.id))
                assert_same(change.instance, await unit.instances.get_of_task(task.id))

    async def test_what_is_absent_is_reported(self, storage: Storage) -> None:
        nobody = uuid4()
        async with storage.unit_of_work() as unit:
            with pytest.raises(InstanceNotFoundError, match=str(nobody)):
                await unit.instances.get(nobody)
            with pytest.raises(TaskNotFoundError, match=str(nobody)):
                await unit.tasks.get(nobody)
            with pytest.raises(TaskNotFoundError, match=str(nobody)):
                await unit.instances.get_of_task(nobody)
            assert await unit.instances.find_started("unknown") is None
            assert list(await unit.instances.find(InstanceQuery())) == []
            assert list(await unit.tasks.find(TaskQuery())) == []
            assert list(await unit.definitions.find()) == []

    async def test_an_instance_is_found_by_its_idempotency_key(self, storage: Storage) -> None:
        (instance, _) = await stored(storage, [start(idempotency_key="k"), start()])
        async with storage.unit_of_work() as unit:
            assert await unit.instances.find_started("k") == instance.id

    # All of it or nothing

    async def test_leaving_without_commit_undoes_everything(self, storage: Storage) -> None:
        change = full_start()
        async with storage.unit_of_work() as unit:
            assert not await unit.apply([change])
            await unit.definitions.add(definition())
            assert_same(change.instance, await unit.instances.get(change.instance.id))
        await self._nothing_of(storage, change)

    async def test_an_error_undoes_everything(self, storage: Storage) -> None:
        change = full_start()

        async def fail() -> None:
            async with storage.unit_of_work() as unit:
                await unit.apply([change])
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await fail()
        await self._nothing_of(storage, change)

    async def _nothing_of(self, storage: Storage, change: Transition) -> None:
        async with storage.unit_of_work() as unit:
            with pytest.raises(InstanceNotFoundError):
                await unit.instances.get(change.instance.id)
            assert list(await unit.history.get(change.instance.id)) == []
            assert list(await unit.tasks.find(TaskQuery())) == []
            assert list(await unit.definitions.find()) == []
        assert await storage.next_due() is None

    async def test_what_was_flushed_is_seen_by_all_at_once(self, storage: Storage) -> None:
        change = start()
        assert not await storage.flush([change])
        assert_same(change.instance, await found(storage, change.instance.id))
        assert await storage.next_due() == change.instance.wake_at

    async def test_a_flush_does_not_wait_for_those_who_only_read(self, storage: Storage) -> None:
        (instance,) = await stored(storage, [start()])
        change = begin_step(instance)
        async with storage.unit_of_work() as unit:
            await unit.instances.get(instance.id)
            assert not await storage.flush([change])
        assert_same(change.instance, await found(storage, instance.id))

    async def test_others_see_it_after_the_commit_and_not_before(self, storage: Storage) -> None:
        change = start()
        async with storage.unit_of_work() as unit:
            await unit.apply([change])
            with pytest.raises(InstanceNotFoundError):
                await found(storage, change.instance.id)
            await unit.commit()
            assert_same(change.instance, await found(storage, change.instance.id))

    @both_ways
    async def test_writing_nothing_is_nothing(self, storage: Storage, write: Write) -> None:
        assert await write(storage, []) == frozenset()

    # Who lost

    @both_ways
    async def test_a_transition_on_an_older_revision_loses(self, storage: Storage, write: Write) -> None:
        changes = course()
        (*_, waiting) = await stored(storage, changes)
        (task,) = waiting.tasks.values()
        winner = move(waiting, cmd.Cancel(at=AT + HOUR, reason="first", actor="ann"))
        loser = move(waiting, cmd.CompleteTask(at=AT + HOUR, task_id=task.id, data={"b": 1}, outcome="yes"))
        await stored(storage, [winner])

        assert await write(storage, [loser]) == {waiting.id}
        assert_same(winner.instance, await found(storage, waiting.id))
        async with storage.unit_of_work() as unit:
            assert await unit.tasks.get(task.id) == winner.tasks[0]
            assert list(await unit.history.get(waiting.id)) == [change.entry for change in (*changes, winner)]

    @both_ways
    async def test_a_transition_of_an_unknown_instance_loses(self, storage: Storage, write: Write) -> None:
        change = begin_step(start().instance)
        assert await write(storage, [change]) == {change.instance.id}
        await self._nothing_of(storage, change)

    @both_ways
    async def test_a_second_start_loses(self, storage: Storage, write: Write) -> None:
        first = start(data={"a": 1})
        second = start(instance_id=first.instance.id, data={"b": 2})
        await stored(storage, [first])

        assert await write(storage, [second]) == {first.instance.id}
        assert_same(first.instance, await found(storage, first.instance.id))

    @both_ways
    async def test_a_second_start_under_one_key_loses(self, storage: Storage, write: Write) -> None:
        first, second = start(idempotency_key="k"), start(idempotency_key="k")
        await stored(storage, [first, start(), start()])

        assert await write(storage, [second]) == {second.instance.id}
        async with storage.unit_of_work() as unit:
            assert await unit.instances.find_started("k") == first.instance.id
            with pytest.raises(InstanceNotFoundError):
                await unit.instances.get(second.instance.id)

    @both_ways
    async def test_of_two_starts_under_one_key_in_one_batch_one_loses(
        self, storage: Storage, write: Write
    ) -> None:
        twins = [start(idempotency_key="k"), start(idempotency_key="k")]
        (lost,) = await write(storage, [*twins, start()])

        async with storage.unit_of_work() as unit:
            kept = await unit.instances.find_started("k")
            assert {kept, lost} == {twin.instance.id for twin in twins}
            assert len(await unit.instances.find(InstanceQuery())) == 2

    @both_ways
    async def test_losers_do_not_disturb_the_others(self, storage: Storage, write: Write) -> None:
        old = await stored(storage, [start() for _ in range(4)])
        ready = [course()[-2].instance for _ in range(2)]
        changes = [begin_step(instance) for instance in old]
        await stored(storage, [begin_step(old[1])])
        strangers = [open_task(instance) for instance in ready]
        fresh = [start(), start(instance_id=old[0].id)]

        batch = [changes[0], strangers[0], changes[1], fresh[0], changes[2], strangers[1], changes[3]]
        assert await write(storage, batch) == {old[1].id, *(instance.id for instance in ready)}
        assert await write(storage, [fresh[1]]) == {old[0].id}
        async with storage.unit_of_work() as unit:
            for change in (changes[0], fresh[0], changes[2], changes[3]):
                assert_same(change.instance, await unit.instances.get(change.instance.id))
            assert list(await unit.tasks.find(TaskQuery())) == []
            assert len(await unit.history.get(old[1].id)) == 2

    @both_ways
    async def test_a_batch_writes_patches_snapshots_and_tasks(self, storage: Storage, write: Write) -> None:
        courses = [course({"n": number}) for number in range(5)]
        for step, changes in enumerate(zip(*courses, strict=True)):
            mixed = [*changes, start()] if step % 2 else list(changes)
            assert not await write(storage, mixed)
        async with storage.unit_of_work() as unit:
            for *_, last in courses:
                assert_same(last.instance, await unit.instances.get(last.instance.id))
            assert len(await unit.tasks.find(TaskQuery())) == 5

    @both_ways
    async def test_of_many_at_the_same_time_exactly_one_wins(self, storage: Storage, write: Write) -> None:
        (instance,) = await stored(storage, [start()])
        for round_ in range(4):
            at = AT + (round_ + 1) * SECOND
            rivals = [
                evolve(change, instance=evolve(change.instance, data={"winner": number}), saves_data=True)
                for number in range(8)
                for change in [
                    begin_step(instance, at, owner=f"runner {number}")
                    if round_ % 2 == 0
                    else give_up(instance, at)
                ]
            ]
            lost = await asyncio.gather(*(write(storage, [rival]) for rival in rivals))
            (winner,) = [rival for rival, losers in zip(rivals, lost, strict=True) if not losers]
            instance = await found(storage, instance.id)
            assert_same(winner.instance, instance)

    @both_ways
    async def test_batches_that_meet_do_not_wait_for_each_other(self, storage: Storage, write: Write) -> None:
        instances = await stored(storage, [start() for _ in range(10)])
        batches = [[begin_step(each, owner=f"runner {number}") for each in instances] for number in range(6)]
        orders = [batch if number % 2 else batch[::-1] for number, batch in enumerate(batches)]
        lost = await asyncio.gather(*(write(storage, batch) for batch in orders))

        for instance in instances:
            assert sum(instance.id in losers for losers in lost) == 5

    async def test_as_many_flushes_as_it_says_are_done_at_the_same_time(self, storage: Storage) -> None:
        """Each with instances of its own."""
        assert storage.parallel_flushes >= 1
        batches = [[start() for _ in range(5)] for _ in range(storage.parallel_flushes)]
        assert not any(await asyncio.gather(*map(storage.flush, batches)))
        for change in chain.from_iterable(batches):
            assert_same(change.instance, await found(storage, change.instance.id))

    @both_ways
    async def test_of_many_starts_under_one_key_exactly_one_wins(
        self, storage: Storage, write: Write
    ) -> None:
        rivals = [start(idempotency_key="k") for _ in range(8)]
        lost = await asyncio.gather(*(write(storage, [rival]) for rival in rivals))

        assert sum(map(len, lost)) == 7
        async with storage.unit_of_work() as unit:
            (only,) = await unit.instances.find(InstanceQuery())
        assert {rival.instance.id for rival in rivals} - frozenset().union(*lost) == {only.id}

    async def test_what_is_read_fits_together_while_others_write(self, storage: Storage) -> None:
        (*_, waiting) = await stored(storage, course())
        is_over = asyncio.Event()

        async def write() -> None:
            instance = waiting
            for _ in range(15):
                (task,) = instance.tasks
                done = move(
                    instance,
                    cmd.CompleteTask(
                        at=instance.updated_at,
                        task_id=task,
                        data={"round": instance.revision},
                        size=2,
                        outcome="no",
                    ),
                )
                again = [done]
                for _ in range(2):
                    again.append(begin_step(again[-1].instance))
                    again.append(
                        complete_step(again[-1].instance, written("revision", again[-1].instance.revision))
                    )
                (*_, instance) = await stored(storage, [*again, open_task(again[-1].instance)])
            is_over.set()

        async def read() -> None:
            while not is_over.is_set():
                instance = await found(storage, waiting.id)
                async with storage.unit_of_work() as unit:
                    entries = await unit.history.get(waiting.id)
                assert {token.task_id for token in instance.tokens.values()} - {None} == set(instance.tasks)
                folded = [entry for entry in entries if entry.revision <= instance.revision]
                assert instance.data == data_after(folded)

        await asyncio.gather(write(), *(read() for _ in range(3)))

    # Lists

    async def test_instances_are_listed_newest_first(self, storage: Storage) -> None:
        ids = sorted((uuid4() for _ in range(6)), key=lambda id_: id_.bytes)
        moments = [AT + SECOND, AT, AT, AT + HOUR, AT, AT - HOUR]
        everyone = [start(moment, instance_id=id_) for moment, id_ in zip(moments, ids, strict=True)]
        await stored(storage, everyone)
        newest = [ids[number] for number in (3, 0, 4, 2, 1, 5)]

        async with storage.unit_of_work() as unit:
            for limit, offset in [
                (None, 0),
                (2, 0),
                (2, 1),
                (10, 4),
                (1, 6),
                (None, 4),
                (3, 10**9),
                (10**9, 0),
            ]:
                listed = await unit.instances.find(InstanceQuery(limit=limit, offset=offset))
                assert [each.id for each in listed] == newest[offset:][:limit]

    async def test_instances_are_listed_by_what_is_asked(self, storage: Storage) -> None:
        marks: list[dict[str, Any]] = [
            {"created_by": "ann", "tenant_id": "t", "correlation_id": "c"},
            {"created_by": "bob", "tenant_id": "t"},
            {"created_by": "ann", "correlation_id": "C"},
            {},
        ]
        instances = await stored(
            storage, [start(AT - number * SECOND, **mark) for number, mark in enumerate(marks)]
        )
        instances[1] = (await stored(storage, [move(instances[1], cmd.Cancel(at=AT + HOUR, reason="no"))]))[0]
        other = evolve(
            full := full_start(),
            instance=evolve(full.instance, definition_name="other", started_at=AT - HOUR),
        )
        instances += await stored(storage, [other])
        expected = [summarize(instance) for instance in instances]

        queries: list[dict[str, Any]] = [
            *({"status": status} for status in InstanceStatus),
            *({"definition_name": name} for name in ("conformance", "other", "Other")),
            *({"created_by": name} for name in ("ann", "bob", "nobody", "")),
            *({"tenant_id": name} for name in ("t", "T", "u")),
            *({"correlation_id": name} for name in ("c", "C")),
            {
                "created_by": "ann",
                "tenant_id": "t",
                "status": InstanceStatus.RUNNING,
                "definition_name": "conformance",
            },
            {"created_by": "ann", "tenant_id": "u"},
        ]
        for query in queries:
            async with storage.unit_of_work() as unit:
                listed = await unit.instances.find(InstanceQuery(**query))
            assert list(listed) == [each for each in expected if matches(each, query)], query

    async def test_tasks_are_listed_most_pressing_first(self, storage: Storage) -> None:
        ids = sorted((uuid4() for _ in range(6)), key=lambda id_: id_.bytes)
        times = [
            (None, AT),
            (AT + HOUR, AT + SECOND),
            (AT + HOUR, AT),
            (None, AT - HOUR),
            (AT, AT),
            (AT + HOUR, AT),
        ]
        made = [
            full_task(id=id_, due_at=due, created_at=at) for id_, (due, at) in zip(ids, times, strict=True)
        ]
        await stored(storage, [evolve(full_start(), tasks=tuple(made))])
        pressing = [ids[number] for number in (4, 2, 5, 1, 3, 0)]

        async with storage.unit_of_work() as unit:
            for limit, offset in [
                (None, 0),
                (2, 0),
                (2, 1),
                (10, 4),
                (1, 6),
                (None, 4),
                (3, 10**9),
                (10**9, 0),
            ]:
                listed = await unit.tasks.find(TaskQuery(limit=limit, offset=offset))
                assert [each.id for each in listed] == pressing[offset:][:limit]

    async def test_tasks_are_listed_by_what_is_asked(self, storage: Storage) -> None:
        made = [
            full_task(due_at=AT, created_at=AT),
            full_task(due_at=AT + SECOND, state=TaskState.ASSIGNED, assignee="bob", assignee_group=None),
            full_task(due_at=AT + HOUR, state=TaskState.OFFERED, assignee=None, tenant_id="u"),
            full_task(
                due_at=None, state=TaskState.CANCELED, assignee=None, assignee_group=None, tenant_id=None
            ),
        ]
        await stored(storage, [evolve(full_start(), tasks=tuple(made))])
        queries: list[dict[str, Any]] = [
            *({"status": status} for status in TaskStatus),
            *({"assignee": name} for name in ("ann", "bob", "Bob", "")),
            *({"assignee_group": name} for name in ("boards", "none")),
            *({"tenant_id": name} for name in ("t", "u", "v")),
            *({"instance_id": id_} for id_ in (made[0].instance_id, uuid4())),
            *({"due_before": moment} for moment in (AT, AT + SECOND, EVER)),
            *({"is_free": free} for free in (True, False)),
            {"status": TaskStatus.PENDING, "is_free": True, "assignee": "ann"},
            {"status": TaskStatus.PENDING, "assignee_group": "boards", "due_before": EVER, "tenant_id": "u"},
        ]
        for query in queries:
            async with storage.unit_of_work() as unit:
                listed = await unit.tasks.find(TaskQuery(**query))
            assert list(listed) == [task for task in made if matches(task, query)], query

    # Definitions

    async def test_definitions_are_listed_by_name_and_age(self, storage: Storage) -> None:
        added = [
            definition("b", "10", created_at=AT),
            definition("a", "1", created_at=AT + SECOND),
            definition("B", "1"),
            definition("b", "9", created_at=AT - SECOND, specification=DOCUMENTS["text"]),
        ]
        async with storage.unit_of_work() as unit:
            for each in added:
                await unit.definitions.add(each)
            await unit.commit()
        async with storage.unit_of_work() as unit:
            assert list(await unit.definitions.find()) == [added[2], added[1], added[3], added[0]]
            assert list(await unit.definitions.find("b")) == [added[3], added[0]]
            assert list(await unit.definitions.find("c")) == []

    async def test_a_definition_is_kept_as_it_was_first_added(self, storage: Storage) -> None:
        first = definition(specification=DOCUMENTS["numbers"])
        for each in (first, evolve(first, created_at=AT + HOUR)):
            async with storage.unit_of_work() as unit:
                await unit.definitions.add(each)
                await unit.commit()
        async with storage.unit_of_work() as unit:
            with pytest.raises(DefinitionConflictError, match="'n' version '1'"):
                await unit.definitions.add(evolve(first, content_hash="other"))
        async with storage.unit_of_work() as unit:
            (kept,) = await unit.definitions.find()
        assert kept == first
        assert json.dumps(kept.specification) == json.dumps(first.specification)

    async def test_many_may_add_the_same_definition_at_the_same_time(self, storage: Storage) -> None:
        async def add() -> None:
            async with storage.unit_of_work() as unit:
                await unit.definitions.add(definition())
                await unit.commit()

        await asyncio.gather(*(add() for _ in range(6)))
        async with storage.unit_of_work() as unit:
            assert list(await unit.definitions.find()) == [definition()]

    # Runners

    async def test_a_runner_is_on_the_list_until_it_signs_off(self, storage: Storage) -> None:
        for runner in ("one", "two/../ö"):
            await storage.enlist(runner, EVER)
        assert await storage.runners() == {"one", "two/../ö"}
        assert await storage.renew("one", EVER + SECOND)

        await storage.discharge("one")
        await storage.discharge("unknown")
        assert await storage.runners() == {"two/../ö"}
        assert not await storage.renew("one", EVER)
        assert await storage.runners() == {"two/../ö"}
        await storage.discharge("two/../ö")

    async def test_enlisting_again_extends_the_lease(self, storage: Storage) -> None:
        await storage.enlist("one", AT)
        await storage.enlist("one", AT + HOUR)
        assert await storage.strike_off(AT + SECOND) == frozenset()
        await storage.discharge("one")

    async def test_runners_whose_lease_ended_are_struck_off(self, storage: Storage) -> None:
        for runner, until in (("late", AT), ("in time", AT + SECOND), ("renewed", AT)):
            await storage.enlist(runner, until)
        await storage.renew("renewed", AT + HOUR)

        assert await storage.strike_off(AT) == {"late"}
        assert await storage.runners() == {"in time", "renewed"}
        assert not await storage.renew("late", EVER)
        assert await storage.strike_off(AT) == frozenset()
        assert await storage.strike_off(AT + HOUR) == {"in time", "renewed"}

    async def test_a_runner_is_struck_off_by_one_caller(self, storage: Storage) -> None:
        await storage.enlist("late", AT)
        struck_off = await asyncio.gather(*(storage.strike_off(AT) for _ in range(6)))
        assert sorted(map(sorted, struck_off)) == [[], [], [], [], [], ["late"]]

    @pytest.mark.parametrize("strikes_off", [False, True])
    async def test_the_work_of_a_runner_that_is_gone_is_due_at_once(
        self,
        storage: Storage,
        *,
        strikes_off: bool,
    ) -> None:
        at = datetime.now(UTC) - SECOND
        running = begin_step((ready := start(at)).instance, at)
        (*_, instance) = await stored(storage, [ready, running])
        (*_, waiting) = await stored(storage, course())
        await storage.enlist("runner", at)
        assert list(await storage.claim_due(datetime.now(UTC), EVER, 10)) == []

        if strikes_off:
            assert await storage.strike_off(at) == {"runner"}
        else:
            await storage.discharge("runner")
        (claimed,) = await storage.claim_due(datetime.now(UTC), EVER, 10)
        assert_same(evolve(instance, wake_at=EVER), claimed)
        assert_same(waiting, await found(storage, waiting.id))

    # Substitutions

    async def test_substitutions_are_listed_by_what_is_asked(self, storage: Storage) -> None:
        def noted(absent: str, substitute: str, begin: int, end: int, tenant: str | None) -> Substitution:
            return Substitution(
                id=uuid4(), absent=absent, substitute=substitute, since=AT + begin * HOUR, until=AT + end * HOUR,
                definitions=["b", "a"], groups=["g"], tenant_id=tenant, created_at=AT, created_by="ann",
            )  # fmt: skip

        every = [
            noted("ann", "bob", 0, 2, "t"),
            noted("ann", "cy", 1, 3, "t"),
            noted("bob", "ann", 2, 3, "t"),
            noted("ann", "bob", 3, 4, None),
        ]
        async with storage.unit_of_work() as unit:
            for each in reversed(every):
                await unit.substitutions.save(evolve(each, until=EVER))
                await unit.substitutions.save(each)
            await unit.commit()
        async with storage.unit_of_work() as unit:
            for query, expected in (
                (SubstitutionQuery(tenant_id="t"), [0, 1, 2]),
                (SubstitutionQuery(), [3]),
                (SubstitutionQuery(tenant_id="u"), []),
                (SubstitutionQuery(tenant_id="t", absent="ann"), [0, 1]),
                (SubstitutionQuery(tenant_id="t", substitute="ann"), [2]),
                (SubstitutionQuery(tenant_id="t", at=AT + HOUR), [0, 1]),
                (SubstitutionQuery(tenant_id="t", at=AT + 2 * HOUR), [1, 2]),
                (SubstitutionQuery(tenant_id="t", not_over_at=AT), [0, 1, 2]),
                (SubstitutionQuery(tenant_id="t", not_over_at=AT + 2 * HOUR), [1, 2]),
                (SubstitutionQuery(tenant_id="t", not_over_at=AT + 3 * HOUR), []),
            ):
                assert list(await unit.substitutions.find(query)) == [every[number] for number in expected], (
                    query
                )
            assert await unit.substitutions.get(every[2].id) == every[2]
            with pytest.raises(SubstitutionNotFoundError):
                await unit.substitutions.get(uuid4())

    # The object itself

    async def test_preparing_again_changes_nothing(self, storage: Storage) -> None:
        (instance,) = await stored(storage, [start()])
        await asyncio.gather(storage.prepare(), storage.prepare())
        assert_same(instance, await found(storage, instance.id))

    async def test_what_is_detached_is_the_same_storage(self, storage: Storage) -> None:
        (instance,) = await stored(storage, [start()])
        detached = storage.detached()
        assert detached.identity == storage.identity
        assert_same(instance, await found(detached, instance.id))
