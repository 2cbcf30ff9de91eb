"""The duties of a storage about reserved keys."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

from attrs import evolve

from workflows_core.ports import Storage
from workflows_core.reservations import Reservation
from workflows_core.testing.samples import AT, DOCUMENTS, HOUR, SECOND


def reservation(key: str = "key", *, holder: UUID | None = None) -> Reservation:
    """Return a reservation with every field set but the answer."""
    return Reservation(
        key=key,
        fingerprint="fingerprint",
        id=uuid4(),
        holder=holder or uuid4(),
        since=AT,
        held_until=AT + SECOND,
        expires_at=AT + HOUR,
    )


async def swapped(storage: Storage, old: Reservation | None, new: Reservation) -> bool:
    """Put a reservation in the place of another one, for good."""
    async with storage.unit_of_work() as unit:
        is_written = await unit.reservations.swap(old, new)
        await unit.commit()
    return is_written


async def reserved(storage: Storage, key: str = "key") -> Reservation | None:
    """Return what is stored."""
    async with storage.unit_of_work() as unit:
        return await unit.reservations.find(key)


class ReservationSuite:
    """Part of `storage.StorageSuite`."""

    async def test_a_reservation_is_read_as_it_was_written(self, storage: Storage) -> None:
        first, other = reservation(), reservation("other")
        assert await reserved(storage) is None
        assert await swapped(storage, None, first)
        assert await swapped(storage, None, other)
        assert (await reserved(storage), await reserved(storage, "other")) == (first, other)

        answered = evolve(first, holder=uuid4(), held_until=AT + HOUR, answer=DOCUMENTS["text"])
        assert await swapped(storage, first, answered)
        assert (await reserved(storage), await reserved(storage, "other")) == (answered, other)

    async def test_a_reservation_is_kept_with_the_commit(self, storage: Storage) -> None:
        async with storage.unit_of_work() as unit:
            assert await unit.reservations.swap(None, mine := reservation())
            assert await unit.reservations.find("key") == mine
            assert not await unit.reservations.swap(None, reservation())
        assert await reserved(storage) is None

    async def test_only_what_is_expected_is_replaced(self, storage: Storage) -> None:
        first = reservation()
        answered = evolve(first, answer={"status": 201})
        assert not await swapped(storage, first, answered)
        assert await reserved(storage) is None

        assert await swapped(storage, None, first)
        for wrong in (None, evolve(first, holder=uuid4()), answered):
            assert not await swapped(storage, wrong, evolve(first, fingerprint="other"))
            assert await reserved(storage) == first

        assert await swapped(storage, first, answered)
        assert not await swapped(storage, first, evolve(first, fingerprint="other"))
        assert await reserved(storage) == answered
        assert await swapped(storage, answered, following := reservation())
        assert await reserved(storage) == following

    async def test_of_many_at_once_one_succeeds(self, storage: Storage) -> None:
        first = reservation()
        for old in (None, first):
            rivals = [first if old is None else reservation() for _ in range(6)]
            results = await asyncio.gather(*(swapped(storage, old, rival) for rival in rivals))
            assert sorted(results) == [False] * 5 + [True]
            assert await reserved(storage) == rivals[results.index(True)]

    async def test_expired_reservations_are_forgotten(self, storage: Storage) -> None:
        early, late = reservation("early"), evolve(reservation("late"), expires_at=AT + 2 * HOUR)
        for each in (early, late):
            assert await swapped(storage, None, each)
        assert await storage.purge(early.expires_at - timedelta(microseconds=1)) == 0
        assert await storage.purge(early.expires_at) == 1
        assert (await reserved(storage, "early"), await reserved(storage, "late")) == (None, late)
        assert await swapped(storage, None, early)
