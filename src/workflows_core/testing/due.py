"""The duties of a storage about time: what is due, and who takes it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from uuid import UUID, uuid4

from attrs import evolve

from workflows_core import commands as cmd
from workflows_core.instance import Instance
from workflows_core.ports import Storage
from workflows_core.testing.samples import (
    AT,
    EVER,
    HOUR,
    SECOND,
    begin_step,
    course,
    definition,
    move,
    open_task,
    start,
)
from workflows_core.testing.writes import Write, assert_same, both_ways, found, stored
from workflows_core.transition import Transition


def of(change: Transition, name: str, version: str = "1") -> Transition:
    """Return the start of an instance of another definition."""
    renamed = evolve(change.instance, definition_name=name, definition_version=version)
    return evolve(change, instance=renamed)


class DueSuite:
    """Part of `storage.StorageSuite`."""

    async def test_due_instances_are_taken_earliest_first_up_to_a_limit(self, storage: Storage) -> None:
        moments = [3, 1, 4, 2]
        instances = await stored(storage, [start(AT + moment * SECOND) for moment in moments])
        by_time = [
            instance for _, instance in sorted(zip(moments, instances, strict=True), key=lambda pair: pair[0])
        ]
        until = AT + HOUR

        assert await storage.next_due() == AT + SECOND
        first = await storage.claim_due(AT + 3 * SECOND, until, 2)
        assert [instance.id for instance in first] == [instance.id for instance in by_time[:2]]
        assert await storage.next_due() == AT + 3 * SECOND
        second = await storage.claim_due(AT + 3 * SECOND, until, 10)
        assert [instance.id for instance in second] == [by_time[2].id]
        assert list(await storage.claim_due(AT + 3 * SECOND, until, 10)) == []
        assert await storage.next_due() == AT + 4 * SECOND

    @both_ways
    async def test_taking_an_instance_changes_nothing_but_when_it_is_due(
        self, storage: Storage, write: Write
    ) -> None:
        changes = course({"a": 1.0})[:-1]
        (*_, last) = await stored(storage, changes)
        until = last.updated_at + HOUR
        (claimed,) = await storage.claim_due(last.updated_at, until, 10)

        assert_same(evolve(last, wake_at=until), claimed)
        assert_same(claimed, await found(storage, last.id))
        change = open_task(last)
        assert not await write(storage, [change])
        assert_same(change.instance, await found(storage, last.id))
        assert await storage.next_due() is None

    async def test_an_instance_with_open_tasks_is_taken_whole(self, storage: Storage) -> None:
        changes = course()
        last = evolve(changes[-1], instance=evolve(changes[-1].instance, wake_at=AT))
        await stored(storage, [*changes[:-1], last])

        (claimed,) = await storage.claim_due(AT, AT + HOUR, 10)
        assert_same(evolve(last.instance, wake_at=AT + HOUR), claimed)

    async def test_a_due_instance_goes_to_one_caller_only(self, storage: Storage) -> None:
        instances = await stored(storage, [start() for _ in range(30)])

        async def take() -> list[UUID]:
            taken: list[UUID] = []
            while claimed := await storage.claim_due(AT, AT + HOUR, 3):
                assert len(claimed) <= 3
                taken += [instance.id for instance in claimed]
            return taken

        taken = [id_ for ids in await asyncio.gather(*(take() for _ in range(6))) for id_ in ids]
        assert sorted(taken) == sorted(instance.id for instance in instances)

    async def test_nothing_is_due_once_it_waits_or_ended(self, storage: Storage) -> None:
        (*_, waiting) = await stored(storage, course())
        assert await storage.next_due() is None
        await stored(storage, [move(waiting, cmd.Cancel(at=AT + HOUR, reason="enough"))])
        assert await storage.next_due() is None
        assert list(await storage.claim_due(EVER, EVER, 10)) == []

    # By definition

    async def test_only_what_is_served_is_taken(self, storage: Storage) -> None:
        """However much of the rest is due, and was due before."""
        await stored(storage, [of(start(AT - number * SECOND), "foreign") for number in range(1, 20)])
        known = await stored(storage, [of(start(AT), "a"), of(start(AT), "a", "2"), of(start(AT), "b", "2")])

        served = [("a", "1"), ("b", "2"), ("b", "1"), ("quote \" '", "x")]
        assert await storage.next_due(served) == AT
        claimed = await storage.claim_due(AT, AT + HOUR, 10, served)
        assert {instance.id for instance in claimed} == {known[0].id, known[2].id}
        assert await storage.next_due(served) == AT + HOUR
        assert list(await storage.claim_due(AT, EVER, 10, served)) == []
        assert list(await storage.claim_due(AT, EVER, 10, [])) == []
        assert await storage.next_due([]) is None
        assert await storage.next_due([("c", "1")]) is None
        assert await storage.next_due() == AT - 19 * SECOND

    async def test_many_definitions_may_be_served(self, storage: Storage) -> None:
        instances = await stored(storage, [of(start(AT), f"n{number}") for number in range(0, 300, 50)])
        served = [(f"n{number}", "1") for number in range(300)]
        claimed = await storage.claim_due(AT, AT + HOUR, 10, served)
        assert {instance.id for instance in claimed} == {instance.id for instance in instances}

    async def test_every_definition_gets_its_share(self, storage: Storage) -> None:
        """And what one does not need goes to the others; of each the earliest is taken first."""
        crowd = await stored(storage, [of(start(AT + number * SECOND), "crowd") for number in range(10)])
        few = await stored(storage, [of(start(AT + HOUR), "few"), of(start(AT - HOUR), "one")])

        served = [("crowd", "1"), ("few", "1"), ("one", "1")]
        claimed = await storage.claim_due(AT + HOUR, EVER, 6, served)
        taken = {instance.id for instance in claimed}
        assert taken.issuperset(instance.id for instance in few)
        assert taken - {instance.id for instance in few} == {
            instance.id for instance in crowd[: len(taken) - 2]
        }
        assert len(taken) >= 5
        rest = await storage.claim_due(AT + HOUR, EVER, 100, served)
        assert {instance.id for instance in (*claimed, *rest)} == {instance.id for instance in (*crowd, *few)}

    async def test_stored_definitions_that_are_due_are_named(self, storage: Storage) -> None:
        async with storage.unit_of_work() as unit:
            for key in (("a", "1"), ("a", "2"), ("b", "1")):
                await unit.definitions.add(definition(*key))
            await unit.commit()
        await stored(
            storage, [of(start(AT), "a", "2"), of(start(AT + HOUR), "b"), of(start(AT), "never stored")]
        )

        assert await storage.due_definitions(AT - SECOND) == frozenset()
        assert await storage.due_definitions(AT) == {("a", "2")}
        assert await storage.due_definitions(AT + HOUR) == {("a", "2"), ("b", "1")}

    # What was claimed for nothing

    async def test_what_was_claimed_for_nothing_is_put_off(self, storage: Storage) -> None:
        await stored(storage, [start(AT), start(AT)])
        first, second = await storage.claim_due(AT, AT + HOUR, 2)
        await storage.put_off(first, AT + 2 * HOUR)
        await storage.put_off(second, None)

        assert await storage.next_due() == AT + 2 * HOUR
        assert_same(evolve(first, wake_at=AT + 2 * HOUR), await found(storage, first.id))
        assert_same(evolve(second, wake_at=None), await found(storage, second.id))
        assert list(await storage.claim_due(AT + HOUR, EVER, 2)) == []

    @both_ways
    async def test_what_changed_since_it_was_claimed_is_not_put_off(
        self, storage: Storage, write: Write
    ) -> None:
        changed: list[Callable[[Instance], Transition]] = [
            begin_step,
            lambda instance: move(instance, cmd.Cancel(at=AT, reason="enough")),
        ]
        for change in changed:
            await stored(storage, [start(AT)])
            (claimed,) = await storage.claim_due(AT, AT + HOUR, 1)
            after = change(claimed)
            assert not await write(storage, [after])
            await storage.put_off(claimed, EVER)
            assert_same(after.instance, await found(storage, claimed.id))

    async def test_what_was_claimed_again_is_not_put_off(self, storage: Storage) -> None:
        await stored(storage, [start(AT)])
        (claimed,) = await storage.claim_due(AT, AT + HOUR, 1)
        (again,) = await storage.claim_due(AT + HOUR, AT + 2 * HOUR, 1)
        await storage.put_off(claimed, None)
        assert_same(again, await found(storage, claimed.id))

    # What is told

    @both_ways
    async def test_it_is_told_when_something_is_due_that_nobody_holds(
        self, storage: Storage, write: Write
    ) -> None:
        news: asyncio.Queue[UUID | None] = asyncio.Queue()
        async with storage.changes(news.put_nowait):
            assert not await write(storage, [start()])
            async with asyncio.timeout(10):
                while await news.get() is not None:
                    pass

    async def test_the_changes_of_what_is_watched_are_told(self, storage: Storage) -> None:
        news: asyncio.Queue[UUID | None] = asyncio.Queue()
        async with storage.changes(news.put_nowait) as changes:
            (instance,) = await stored(storage, [start()])
            await changes.watch(uuid4())
            await changes.watch(instance.id)
            async with asyncio.timeout(10):
                await self._told_in_the_end(storage, instance, news)

    async def _told_in_the_end(
        self, storage: Storage, instance: Instance, news: asyncio.Queue[UUID | None]
    ) -> None:
        """Change the instance again and again: a watch that was just begun may not be known everywhere yet."""
        while True:
            suspended = move(instance, cmd.Suspend(at=instance.updated_at, reason="once more"))
            (instance,) = await stored(storage, [suspended])
            (instance,) = await stored(storage, [move(instance, cmd.Resume(at=instance.updated_at))])
            while not news.empty():
                if news.get_nowait() == instance.id:
                    return
            await asyncio.sleep(0)

    @both_ways
    async def test_it_is_told_that_a_running_step_was_taken_away(
        self, storage: Storage, write: Write
    ) -> None:
        news: asyncio.Queue[UUID | None] = asyncio.Queue()
        async with storage.changes(news.put_nowait):
            (_, instance) = await stored(storage, [begun := start(), begin_step(begun.instance)])
            assert not await write(storage, [move(instance, cmd.Cancel(at=AT + HOUR, reason="enough"))])
            async with asyncio.timeout(10):
                while await news.get() != instance.id:
                    pass
