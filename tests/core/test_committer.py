"""Who writes, when, and what happens to the others if it goes wrong."""

import asyncio
import gc
import weakref
from collections.abc import Callable, Sequence
from uuid import UUID

import pytest

from workflows_core import committer as committing
from workflows_core.committer import Committer, committer_for
from workflows_core.errors import InvalidDataError, StorageError
from workflows_core.instance import Instance
from workflows_core.memory import MemoryStorage
from workflows_core.testing.samples import begin_step, course, start
from workflows_core.transition import Transition

Fault = Callable[[Sequence[Transition]], None]


class Slow(MemoryStorage):
    """Begins to write when it is told to; notes the batches it got, and fails as it is told to."""

    def __init__(self, parallel_flushes: int = 1) -> None:
        super().__init__()
        self.most = parallel_flushes
        self.batches: list[list[UUID]] = []
        self.may_write = asyncio.Event()
        self.faults: list[Fault] = []

    @property
    def parallel_flushes(self) -> int:
        return self.most

    async def flush(self, transitions: Sequence[Transition]) -> frozenset[UUID]:
        self.batches.append([each.instance.id for each in transitions])
        await self.may_write.wait()
        if self.faults:
            self.faults.pop(0)(transitions)
        return await super().flush(transitions)


def unreachable(_: Sequence[Transition]) -> None:
    raise StorageError("gone")


@pytest.fixture
def storage() -> Slow:
    return Slow()


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(committing, "BACKOFF", (0.0,))


async def begun(storage: Slow, changes: Sequence[Transition], **options: bool) -> list[asyncio.Task[bool]]:
    """Begin to commit, so far that nothing happens any more by itself."""
    committer = committer_for(storage)
    tasks = [asyncio.create_task(committer.commit(storage, each, **options)) for each in changes]
    await turns()
    return tasks


async def committed(storage: Slow, changes: Sequence[Transition]) -> Instance:
    """Commit what happens to one instance, and return how it is then."""
    for each in changes:
        assert await committer_for(storage).commit(storage, each)
    return changes[-1].instance


async def turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def ids(changes: Sequence[Transition]) -> list[UUID]:
    return [each.instance.id for each in changes]


async def test_the_first_writes_at_once_and_the_others_together_after_it(storage: Slow) -> None:
    changes = [start() for _ in range(5)]
    tasks = await begun(storage, changes)
    assert storage.batches == [ids(changes[:1])]

    storage.may_write.set()
    assert await asyncio.gather(*tasks) == [True] * 5
    assert storage.batches == [ids(changes[:1]), ids(changes[1:])]


async def test_all_who_write_to_a_storage_share_one(storage: Slow) -> None:
    assert committer_for(storage) is committer_for(storage.detached())
    assert committer_for(storage) is not committer_for(Slow())
    other = await asyncio.to_thread(lambda: asyncio.run(_committer_of(storage)))
    assert other is not committer_for(storage)


async def _committer_of(storage: Slow) -> Committer:
    return committer_for(storage)


async def test_of_two_transitions_of_one_instance_the_second_is_told_that_it_lost(storage: Slow) -> None:
    blocker, first = start(), start()
    storage.may_write.set()
    await storage.flush([first])
    storage.may_write.clear()
    rivals = [begin_step(first.instance, owner=owner) for owner in ("one", "two")]
    tasks = await begun(storage, [blocker, *rivals, last := start()])

    storage.may_write.set()
    assert await asyncio.gather(*tasks) == [True, True, False, True]
    assert storage.batches[1:] == [ids([blocker]), ids([rivals[0], last]), ids([rivals[1]])]


async def test_a_batch_has_an_end(storage: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(committing, "MOST", 2)
    tasks = await begun(storage, [start() for _ in range(6)])
    storage.may_write.set()
    assert all(await asyncio.gather(*tasks))
    assert [len(batch) for batch in storage.batches] == [1, 2, 2, 1]


@pytest.mark.parametrize("is_first", [True, False])
async def test_who_does_not_insist_hears_that_the_storage_is_gone(storage: Slow, is_first: bool) -> None:
    changes = [start(), start()]
    tasks = await begun(storage, changes)
    storage.faults = [unreachable] if is_first else [lambda _: None, unreachable]
    storage.may_write.set()
    failed, written = tasks if is_first else tasks[::-1]

    with pytest.raises(StorageError, match="gone"):
        await failed
    assert await written


async def test_who_insists_is_written_as_soon_as_it_can_be(storage: Slow) -> None:
    storage.faults = [unreachable] * 5
    storage.may_write.set()
    committer = committer_for(storage)
    insisting, asking = start(), start()
    insists = asyncio.create_task(committer.commit(storage, insisting, insists=True))
    asks = asyncio.create_task(committer.commit(storage, asking))

    with pytest.raises(StorageError, match="gone"):
        await asks
    assert await insists
    assert storage.batches[-1] == ids([insisting])


async def test_what_cannot_be_written_is_found_and_the_others_are_written(storage: Slow) -> None:
    changes = [start() for _ in range(4)]
    bad = changes[2].instance.id

    def refuse(transitions: Sequence[Transition]) -> None:
        storage.faults.append(refuse)
        if bad in ids(transitions):
            raise InvalidDataError("/a", "no")

    storage.faults = [refuse]
    tasks = await begun(storage, changes)
    storage.may_write.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [outcome is True for outcome in outcomes] == [True, True, False, True]
    assert isinstance(outcomes[2], InvalidDataError)


async def test_who_is_canceled_while_waiting_is_not_written(storage: Slow) -> None:
    changes = [start() for _ in range(3)]
    tasks = await begun(storage, changes)
    tasks[1].cancel()
    storage.may_write.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert outcomes[::2] == [True, True]
    assert isinstance(outcomes[1], asyncio.CancelledError)
    assert storage.batches == [ids(changes[:1]), ids(changes[2:])]


async def test_who_is_canceled_while_writing_leaves_the_others_alone(storage: Slow) -> None:
    changes = [start() for _ in range(3)]
    tasks = await begun(storage, changes)
    tasks[0].cancel()
    await turns()
    storage.may_write.set()
    assert await asyncio.gather(*tasks[1:]) == [True, True]
    assert storage.batches == [ids(changes[:1]), ids(changes[1:])]


async def test_it_does_not_keep_a_storage_alive() -> None:
    storage = MemoryStorage()
    await committer_for(storage).commit(storage, start())
    gone = weakref.ref(storage)
    del storage
    gc.collect()
    assert gone() is None


async def test_another_flush_begins_as_soon_as_it_carries_as_much_as_those_under_way() -> None:
    storage, changes = Slow(parallel_flushes=2), [start() for _ in range(9)]
    tasks = await begun(storage, changes[:2])
    assert storage.batches == [ids(changes[:1]), ids(changes[1:2])]  # one beside one

    tasks += await begun(storage, changes[2:6])
    assert len(storage.batches) == 2  # there is room for two
    storage.may_write.set()
    await asyncio.gather(*tasks)
    assert storage.batches[2:] == [ids(changes[2:6])]


async def test_a_few_wait_for_a_large_flush_instead_of_making_a_small_one() -> None:
    storage, blocker, changes = Slow(), start(), [start() for _ in range(8)]
    tasks = await begun(storage, [blocker, *changes[:4]])
    storage.most, blocked, storage.may_write = 2, storage.may_write, asyncio.Event()
    blocked.set()
    await turns()
    assert storage.batches[1:] == [ids(changes[:4])]

    tasks += await begun(storage, changes[4:7])
    assert len(storage.batches) == 2
    tasks += await begun(storage, changes[7:])
    assert storage.batches[2:] == [ids(changes[4:])]
    storage.may_write.set()
    assert all(await asyncio.gather(*tasks))


async def test_no_instance_is_in_two_flushes_at_the_same_time() -> None:
    """The second would wait in the database for the first, with all others that go with it."""
    storage, first = Slow(parallel_flushes=2), start()
    storage.may_write.set()
    await storage.flush([first])
    storage.may_write.clear()
    rivals = [begin_step(first.instance, owner=owner) for owner in ("one", "two")]
    tasks = await begun(storage, [*rivals, other := start()])
    assert storage.batches[1:] == [ids(rivals[:1]), ids([other])]

    storage.may_write.set()
    assert await asyncio.gather(*tasks) == [True, False, True]
    assert storage.batches[3:] == [ids(rivals[1:])]


async def test_what_was_written_is_forgotten_when_the_storage_was_gone(storage: Slow) -> None:
    """Behind the same address there may be another one afterwards, which does not have it."""
    storage.may_write.set()
    committer = committer_for(storage)
    opened = await committed(storage, course())
    assert committer.recent.get(opened.id) == opened

    storage.faults = [unreachable]
    with pytest.raises(StorageError, match="gone"):
        await committer.commit(storage, start())
    assert committer.recent.get(opened.id) is None


async def test_after_an_outage_that_is_over_the_first_pause_is_a_short_one_again(
    storage: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever wrote first after it: a flush of its own, or one of many."""
    monkeypatch.setattr(committing, "BACKOFF", (0.0, 3600.0))
    for insists in (False, True):
        storage.may_write.clear()
        storage.faults = [lambda _: None, unreachable]
        first, second = await begun(storage, [start(), start()], insists=insists)
        storage.may_write.set()
        assert await first
        if insists:
            async with asyncio.timeout(10):
                assert await second
        else:
            with pytest.raises(StorageError, match="gone"):
                await second
        await turns()  # its pause is over, so that the next one is flushed by itself
        assert await committer_for(storage).commit(storage, start())
