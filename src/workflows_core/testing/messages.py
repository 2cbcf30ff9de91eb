"""The duties of a storage about messages: kept until they are taken, and taken once."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from attrs import evolve

from workflows_core import commands as cmd
from workflows_core.errors import InstanceNotFoundError
from workflows_core.instance import Instance
from workflows_core.messages import Message, Wait
from workflows_core.ports import Storage
from workflows_core.testing.samples import (
    AT,
    DOCUMENTS,
    EVER,
    HOUR,
    LISTENING,
    SECOND,
    listening,
    message,
    move,
    start,
    take,
)
from workflows_core.testing.writes import Write, assert_same, both_ways, found, stored

LATER = AT + HOUR


async def sent(storage: Storage, *messages: Message) -> list[Message]:
    """Keep messages, each in its own unit of work, and return what became of them."""
    kept = []
    for each in messages:
        async with storage.unit_of_work() as unit:
            kept.append(await unit.messages.add(each))
            await unit.commit()
    return kept


async def mail(storage: Storage, *instances: Instance) -> list[tuple[UUID, int, str]]:
    """Return which messages lie there for which tokens, by their ids."""
    async with storage.unit_of_work() as unit:
        there = await unit.messages.find_mail([instance.id for instance in instances], LATER)
    return [(wait.instance_id, wait.token, each.id) for wait, each in there]


async def kept(storage: Storage, message_id: str) -> Message | None:
    """Read a message."""
    async with storage.unit_of_work() as unit:
        return await unit.messages.find(message_id)


async def taken(storage: Storage, instance: Instance) -> frozenset[UUID]:
    """Hand an instance all its mail; return whether it came too late for it."""
    async with storage.unit_of_work() as unit:
        there = await unit.messages.find_mail([instance.id], LATER)
        if not there:
            return frozenset({instance.id})
        lost = await unit.apply([take(instance, there)])
        await unit.commit()
    return lost


class MessageSuite:
    """Part of `storage.StorageSuite`."""

    @pytest.mark.parametrize("name", DOCUMENTS)
    async def test_a_message_is_read_as_it_was_written(self, storage: Storage, name: str) -> None:
        (instance,) = await stored(storage, [start()])
        messages = [
            message(payload=DOCUMENTS[name], tenant_id="t", sent_by="ann", size=7),
            message(key=None, instance_id=instance.id, payload=None, id='quote " \\ 🚲'),
        ]
        assert await sent(storage, *messages) == messages
        assert [await kept(storage, each.id) for each in messages] == messages
        assert await kept(storage, "unknown") is None

    async def test_a_message_is_kept_with_the_commit(self, storage: Storage) -> None:
        (*_, waiting) = await stored(storage, listening())
        async with storage.unit_of_work() as unit:
            await unit.messages.add(message(id="m"))
            assert await unit.messages.find("m") is not None
            assert len(await unit.messages.find_mail([waiting.id], LATER)) == 1
        assert await kept(storage, "m") is None
        assert await mail(storage, waiting) == []
        assert await storage.next_due() is None

    async def test_waits_come_and_go_with_the_transitions(self, storage: Storage) -> None:
        """Those of an instance that ends are gone."""
        (*_, waiting) = await stored(storage, listening(tenant_id="t"))
        first, second = (
            Wait(
                instance_id=waiting.id,
                token=token.id,
                name=token.step,
                correlation_key="order 7",
                tenant_id="t",
            )
            for token in waiting.tokens.values()
        )
        async with storage.unit_of_work() as unit:
            assert list(await unit.messages.find_waits("paid", "order 7")) == [first]
            assert list(await unit.messages.find_waits("shipped", "order 7")) == [second]
            assert list(await unit.messages.find_waits("paid", "order 8")) == []

        await sent(storage, message())
        assert not await taken(storage, waiting)
        async with storage.unit_of_work() as unit:
            assert list(await unit.messages.find_waits("paid", "order 7")) == []
            assert list(await unit.messages.find_waits("shipped", "order 7")) == [second]

        half = await found(storage, waiting.id)
        await stored(storage, [move(half, cmd.Cancel(at=LATER, reason="enough"), LISTENING)])
        async with storage.unit_of_work() as unit:
            assert list(await unit.messages.find_waits("shipped", "order 7")) == []

    async def test_a_message_makes_those_due_that_wait_for_it(self, storage: Storage) -> None:
        (*_, waiting) = await stored(storage, listening())
        (*_, other) = await stored(storage, listening("order 8"))
        assert await storage.next_due() is None

        await sent(storage, message(id="m", sent_at=LATER))
        assert_same(evolve(waiting, wake_at=LATER), await found(storage, waiting.id))
        assert_same(other, await found(storage, other.id))
        assert await mail(storage, waiting, other) == [(waiting.id, 2, "m")]

    async def test_a_message_moves_no_one_who_is_due_before(self, storage: Storage) -> None:
        early = listening()
        early[-1] = evolve(early[-1], instance=evolve(early[-1].instance, wake_at=AT - HOUR))
        (*_, waiting) = await stored(storage, early)
        await sent(storage, message())
        assert (await found(storage, waiting.id)).wake_at == AT - HOUR

    async def test_a_wait_finds_the_message_that_came_before(self, storage: Storage) -> None:
        """The transition that begins it makes the instance due."""
        await sent(storage, message(id="m"))
        (*_, waiting) = await stored(storage, listening())
        assert (await found(storage, waiting.id)).wake_at == waiting.updated_at
        assert await mail(storage, waiting) == [(waiting.id, 2, "m")]

    async def test_every_transition_of_one_who_listens_finds_its_mail(self, storage: Storage) -> None:
        """Though it was decided before the message came, and writes another moment."""
        changes = listening()
        (*_, waiting) = await stored(storage, changes)
        await sent(storage, message(id="m"), message(name="shipped", id="s"))
        async with storage.unit_of_work() as unit:
            there = list(await unit.messages.find_mail([waiting.id], LATER))
        paid = take(waiting, there[:1])
        assert paid.instance.wake_at != paid.instance.updated_at or paid.listens
        begun = move(
            paid.instance,
            cmd.Suspend(at=LATER, reason="wait"),
            LISTENING,
        )
        await stored(storage, [paid])
        assert (await found(storage, waiting.id)).wake_at == paid.instance.updated_at
        assert await mail(storage, waiting) == [(waiting.id, 3, "s")]

        await stored(storage, [begun])  # one that is suspended does not listen
        assert (await found(storage, waiting.id)).wake_at == begun.instance.wake_at
        resumed = move(begun.instance, cmd.Resume(at=LATER + SECOND), LISTENING)
        await stored(storage, [resumed])
        assert (await found(storage, waiting.id)).wake_at == LATER + SECOND

    async def test_the_oldest_message_is_first(self, storage: Storage) -> None:
        (*_, waiting) = await stored(storage, listening())
        moments = {"b": 3, "a": 2, "d": 1, "c": 1}
        await sent(storage, *(message(id=id_, sent_at=AT + at * SECOND) for id_, at in moments.items()))
        assert await mail(storage, waiting) == [(waiting.id, 2, "c")]
        await taken(storage, waiting)
        (*_, another) = await stored(storage, listening())
        assert await mail(storage, another) == [(another.id, 2, "d")]

    async def test_a_message_to_an_instance_is_for_it_alone(self, storage: Storage) -> None:
        (*_, waiting) = await stored(storage, listening())
        (*_, other) = await stored(storage, listening())
        await sent(storage, message(id="m", key=None, instance_id=waiting.id, sent_at=LATER - SECOND))

        assert await mail(storage, waiting, other) == [(waiting.id, 2, "m")]
        assert (await found(storage, waiting.id)).wake_at == LATER - SECOND
        assert (await found(storage, other.id)).wake_at is None
        with pytest.raises(InstanceNotFoundError):
            await sent(storage, message(key=None, instance_id=uuid4()))

    async def test_a_message_to_an_instance_is_kept_for_its_wait(self, storage: Storage) -> None:
        (first, *rest) = listening()
        (ready,) = await stored(storage, [first])
        await sent(storage, message(id="m", key=None, instance_id=ready.id))
        (*_, waiting) = await stored(storage, rest)
        assert (await found(storage, ready.id)).wake_at == waiting.updated_at
        assert await mail(storage, waiting) == [(waiting.id, 2, "m")]

    @pytest.mark.parametrize(
        ("of_message", "of_instance", "suits"),
        [(None, None, True), (None, "t", True), ("t", "t", True), ("t", "u", False), ("t", None, False)],
    )
    async def test_tenants_are_kept_apart(
        self, storage: Storage, of_message: str | None, of_instance: str | None, *, suits: bool
    ) -> None:
        await sent(storage, message(id="early", tenant_id=of_message))
        (*_, waiting) = await stored(storage, listening(tenant_id=of_instance))
        assert (await found(storage, waiting.id)).wake_at == (waiting.updated_at if suits else None)
        await sent(storage, message("shipped", tenant_id=of_message, id="late"))
        assert (await found(storage, waiting.id)).wake_at == (AT if suits else None)
        assert len(await mail(storage, waiting)) == (2 if suits else 0)

    async def test_the_same_id_again_changes_nothing(self, storage: Storage) -> None:
        """Not before and not after it was taken."""
        (*_, waiting) = await stored(storage, listening())
        first, again = message(id="m", payload={"n": 1}), message(id="m", payload={"n": 2}, name="shipped")
        assert await sent(storage, first, again) == [first, first]
        await taken(storage, waiting)
        done = await found(storage, waiting.id)

        assert await sent(storage, again) == [evolve(first, taken_by=waiting.id)]
        assert await mail(storage, waiting) == []
        assert_same(done, await found(storage, waiting.id))

    async def test_of_many_under_one_id_one_is_kept(self, storage: Storage) -> None:
        rivals = [message(id="m", payload={"n": number}) for number in range(6)]
        answers = await asyncio.gather(*(sent(storage, rival) for rival in rivals))
        (only,) = {repr(answer) for (answer,) in answers}
        assert only == repr(await kept(storage, "m"))

    async def test_expired_messages_are_not_delivered_and_are_forgotten(self, storage: Storage) -> None:
        early, late = AT + timedelta(minutes=1), LATER + SECOND
        await sent(storage, message(id="early", expires_at=early), message(id="late", expires_at=late))
        (*_, waiting) = await stored(storage, listening())
        assert await mail(storage, waiting) == [(waiting.id, 2, "late")]

        assert await storage.purge(AT) == 0
        assert await storage.purge(early) == 1
        assert await kept(storage, "early") is None
        assert await storage.purge(EVER - SECOND) == 1
        assert await mail(storage, waiting) == []

    async def test_it_is_told_that_a_message_is_there_for_somebody(self, storage: Storage) -> None:
        news: asyncio.Queue[UUID | None] = asyncio.Queue()
        await stored(storage, listening())
        async with storage.changes(news.put_nowait):
            await sent(storage, message())
            async with asyncio.timeout(10):
                while await news.get() is not None:
                    pass

    async def test_an_expired_id_is_free_again(self, storage: Storage) -> None:
        (*_, waiting) = await stored(storage, listening())
        old = message(id="m", expires_at=AT + SECOND)
        await sent(storage, old)
        await taken(storage, waiting)
        new = message(id="m", sent_at=AT + SECOND, payload=None)
        assert await sent(storage, new) == [new]
        assert await kept(storage, "m") == new

    async def test_a_message_is_taken_once(self, storage: Storage) -> None:
        """Of many that want it one gets it; the others lose, and write nothing."""
        waiting = [(await stored(storage, listening()))[-1] for _ in range(6)]
        await sent(storage, message(id="m"))
        lost = await asyncio.gather(*(taken(storage, instance) for instance in waiting))

        losers = frozenset().union(*lost)
        (winner,) = [instance for instance in waiting if instance.id not in losers]
        assert (await kept(storage, "m") or message()).taken_by == winner.id
        for instance in waiting:
            after = await found(storage, instance.id)
            assert (after.revision > instance.revision) == (instance.id == winner.id)
        assert await mail(storage, *waiting) == []

    @both_ways
    async def test_of_one_batch_too_one_gets_it(self, storage: Storage, write: Write) -> None:
        """And one that is unknown nobody gets."""
        waiting = [(await stored(storage, listening()))[-1] for _ in range(3)]
        (kept_one,) = await sent(storage, message(id="m"))
        batch = [
            take(instance, [(waiting_for(instance), each)])
            for instance, each in zip(waiting, (kept_one, kept_one, message(id="unknown")), strict=True)
        ]
        lost = await write(storage, [*batch, start()])
        assert len(lost) == 2
        assert waiting[2].id in lost

    @both_ways
    async def test_one_who_loses_takes_nothing(self, storage: Storage, write: Write) -> None:
        (*_, waiting) = await stored(storage, listening())
        await sent(storage, message(id="m"))
        late = take(waiting, [(waiting_for(waiting), message(id="m"))])
        await stored(storage, [move(waiting, cmd.Suspend(at=AT + SECOND, reason="wait"), LISTENING)])

        assert await write(storage, [late]) == {waiting.id}
        assert (await kept(storage, "m") or late).taken_by is None  # type: ignore[union-attr]

    @both_ways
    async def test_a_publisher_and_a_waiter_never_miss_each_other(
        self, storage: Storage, write: Write
    ) -> None:
        """However they meet, the instance is due in the end, and the message lies there for it."""
        for round_ in range(12):
            key = f"order {round_}"
            *before, waits = listening(key)
            await stored(storage, before)
            each = message(key=key) if round_ % 3 else message(key=None, instance_id=waits.instance.id)
            await asyncio.gather(write(storage, [waits]), sent(storage, each))

            waiting = await found(storage, waits.instance.id)
            assert waiting.wake_at is not None
            assert await mail(storage, waiting) == [(waiting.id, 2, each.id)]

    @both_ways
    async def test_publishers_and_batches_do_not_block_each_other(
        self, storage: Storage, write: Write
    ) -> None:
        """All of them lock in the same order."""
        keys = [f"order {number}" for number in range(8)]
        courses = [listening(key) for key in keys]
        for changes in courses:
            await stored(storage, changes[:-1])
        batches = [[changes[-1] for changes in courses[part::2]] for part in (0, 1)]
        await asyncio.gather(
            *(write(storage, batch[:: 1 if part else -1]) for part, batch in enumerate(batches)),
            *(sent(storage, message(key=key)) for key in reversed(keys)),
            *(sent(storage, message("shipped", key)) for key in keys),
        )
        for changes in courses:
            waiting = await found(storage, changes[-1].instance.id)
            assert len(await mail(storage, waiting)) == 2
            assert waiting.wake_at is not None


def waiting_for(instance: Instance, name: str = "paid") -> Wait:
    """Return the wait of an instance for a message."""
    (token,) = [token for token in instance.tokens.values() if token.step == name]
    return Wait(instance_id=instance.id, token=token.id, name=name, correlation_key="order 7")
