"""The duties of a storage about the feed: every transition once, those of an instance in their order."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from workflows_core.actors import Actor
from workflows_core.errors import InvalidDataError
from workflows_core.ports import FeedEntry, Storage
from workflows_core.testing.samples import course, start
from workflows_core.testing.writes import Write, both_ways, stored
from workflows_core.visibility import visibility

if TYPE_CHECKING:
    from workflows_core.visibility import Visibility


async def place_of_end(storage: Storage) -> str:
    """Return the end of the feed as it is now."""
    async with storage.unit_of_work() as unit:
        page = await unit.history.feed(None, 1)
    assert page.entries == ()
    return page.place


async def read_on(
    storage: Storage, place: str, count: int, *, limit: int = 3, seen: Visibility | None = None
) -> tuple[list[FeedEntry], str]:
    """Read until so many entries have come; others may be held back for a moment."""
    found: list[FeedEntry] = []
    async with asyncio.timeout(30):
        while True:
            async with storage.unit_of_work() as unit:
                page = await unit.history.feed(place, limit, seen)
            assert len(page.entries) <= limit
            found += page.entries
            place = page.place
            if len(found) >= count and not page.entries:
                return found, place
            if not page.entries:
                await asyncio.sleep(0.01)


class FeedSuite:
    """Part of `storage.StorageSuite`."""

    @both_ways
    async def test_the_feed_holds_every_transition_once_and_in_order(
        self, storage: Storage, write: Write
    ) -> None:
        begin = await place_of_end(storage)
        courses = [course({"number": number}) for number in range(3)]
        for changes in zip(*courses, strict=True):
            assert not await write(storage, changes)
        written = [change.entry for changes in courses for change in changes]

        found, place = await read_on(storage, begin, len(written))

        by_instance: dict[UUID, list[int]] = defaultdict(list)
        for each in found:
            by_instance[each.entry.instance_id].append(each.entry.revision)
        assert len(found) == len(written)
        assert all(revisions == sorted(revisions) for revisions in by_instance.values())
        assert sorted(map(repr, written)) == sorted(repr(each.entry) for each in found)
        assert {each.definition_name for each in found} == {courses[0][0].instance.definition_name}
        assert (await read_on(storage, place, 0))[0] == []
        for number, each in enumerate(found):  # every place is good to go on from
            rest, _ = await read_on(storage, each.place, len(found) - number - 1, limit=100)
            assert [other.place for other in rest] == [other.place for other in found[number + 1 :]]

    async def test_what_is_not_committed_is_not_in_the_feed_and_not_missed(self, storage: Storage) -> None:
        begin = await place_of_end(storage)
        early, late, undone = start(), start(), start()
        async with storage.unit_of_work() as unit:
            assert not await unit.apply([undone])
        async with storage.unit_of_work() as unit:
            assert not await unit.apply([early])
            others = asyncio.create_task(storage.flush([late]))
            await asyncio.sleep(0)
            before, place = await read_on(storage, begin, 0)
            await unit.commit()
        await others
        after, _ = await read_on(storage, place, 2 - len(before))
        ids = [each.entry.instance_id for each in (*before, *after)]
        assert sorted(ids, key=str) == sorted((early.instance.id, late.instance.id), key=str)

    async def test_the_feed_of_somebody_holds_what_they_may_see(self, storage: Storage) -> None:
        begin = await place_of_end(storage)
        hers, his = start(created_by="ann", tenant_id="a"), start(created_by="bob", tenant_id="a")
        await stored(storage, [hers])
        await stored(storage, [his])
        await stored(storage, [start(created_by="ann", tenant_id="b")])
        await read_on(storage, begin, 3)

        found, _ = await read_on(storage, begin, 1, seen=visibility(Actor("ann", tenant_id="a"), {}))
        assert [each.entry.instance_id for each in found] == [hers.instance.id]

    @pytest.mark.parametrize("place", ["", "x", "-1", "1.2", "1.2.3", "9" * 30, "١"])
    async def test_what_is_no_place_is_refused(self, storage: Storage, place: str) -> None:
        async with storage.unit_of_work() as unit:
            with pytest.raises(InvalidDataError):
                await unit.history.feed(place, 1)
