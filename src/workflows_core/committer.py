"""The committer: writes the transitions of many instances together.

Whoever comes first writes at once and alone. What comes while a flush is under way waits for the next one, so a
batch is as large as the storage is slow, and nobody waits for a timer.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from attrs import define

from workflows_core.errors import StorageError
from workflows_core.recent import Recent

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
    from uuid import UUID

    from workflows_core.ports import Storage
    from workflows_core.transition import Transition

logger = logging.getLogger("workflows")

BACKOFF: Final = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0)
"""Seconds to wait between attempts while the storage cannot be reached; the last repeats."""

MOST: Final = 1000
"""How many transitions are written at once; others wait, but not for a transaction without end."""


def committer_for(storage: Storage) -> Committer:
    """Return the committer of a storage in this event loop: all who write to it share one."""
    loop = asyncio.get_running_loop()
    committers = _committers.get(loop)
    if committers is None:
        committers = _committers[loop] = WeakKeyDictionary()
    committer = committers.get(storage.identity)
    if committer is None:
        committer = committers[storage.identity] = Committer()
    return committer


_committers: WeakKeyDictionary[asyncio.AbstractEventLoop, WeakKeyDictionary[Hashable, Committer]] = (
    WeakKeyDictionary()
)


@define(eq=False)
class _Waiting:
    """A transition that waits to be written."""

    storage: Storage
    change: Transition
    insists: bool
    done: asyncio.Future[bool]

    def settle(self, outcome: bool | Exception) -> None:  # noqa: FBT001
        if self.done.done():  # canceled
            return
        if isinstance(outcome, Exception):
            self.done.set_exception(outcome)
        else:
            self.done.set_result(outcome)


class Committer:
    """Writes whatever transitions have piled up since the last flush in one transaction.

    Where the storage can do several flushes at the same time, another begins as soon as it carries as much as those under
    way. No instance is in two of them.

    Attributes:
        recent: What it wrote last, of instances that wait for people.
    """

    def __init__(self) -> None:
        self.recent = Recent()
        # It keeps no storage alive: each transition brings the one to write it with, all of them the same.
        self._waiting: list[_Waiting] = []
        self._under_way: set[UUID] = set()
        """The instances that are being written."""
        self._flushes = 0
        self._failures = 0
        """How many flushes failed since one succeeded."""
        self._writers: set[asyncio.Task[None]] = set()

    async def commit(self, storage: Storage, change: Transition, *, insists: bool = False) -> bool:
        """Write a transition; return `True` once it is durable, `False` if it lost.

        Args:
            storage: Where to write, detached from what the caller may close.
            change: The transition.
            insists: Try again for as long as the storage cannot be reached.

        Raises:
            StorageError: If it could not be stored, and the caller does not insist.
        """
        if not self._flushes:  # it needs no task of its own
            self._begin([change.instance.id])
            try:
                return self._noted(change, await self._flush(storage, [change]))
            except StorageError:
                if not insists:
                    raise
            finally:
                self._end(storage, [change.instance.id])
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(storage, change, insists, done))
        self._go_on(storage)
        return await done

    def _begin(self, instance_ids: Iterable[UUID]) -> None:
        self._flushes += 1
        self._under_way.update(instance_ids)

    def _end(self, storage: Storage, instance_ids: Iterable[UUID]) -> None:
        self._flushes -= 1
        self._under_way.difference_update(instance_ids)
        self._go_on(storage)

    def _go_on(self, storage: Storage) -> None:
        """Begin a flush of what waits: if none is under way, or beside others if it carries as much as they do."""
        waiting = len(self._waiting)
        if self._flushes and (self._flushes >= storage.parallel_flushes or waiting < len(self._under_way)):
            return
        batch = self._next_batch() if waiting else {}
        if batch:
            self._begin(batch)
            writer = asyncio.create_task(self._write(batch), name="workflows-commit")
            self._writers.add(writer)
            writer.add_done_callback(self._writers.discard)

    async def _write(self, batch: Mapping[UUID, _Waiting]) -> None:
        waiting = [*batch.values()]
        storage = waiting[0].storage
        try:
            lost = await self._flush(storage, [each.change for each in waiting])
        except StorageError as error:
            pause = BACKOFF[min(self._failures, len(BACKOFF) - 1)]
            self._failures += 1
            self._put_back(waiting, error)
            logger.warning(
                "%d transitions could not be stored, trying again in %s s: %s", len(batch), pause, error
            )
            await asyncio.sleep(pause)
        except Exception as error:  # noqa: BLE001 - handed to those who wait for it
            await self._write_singly(waiting, error)
        else:
            for each in waiting:
                each.settle(self._noted(each.change, lost))
        finally:
            self._end(storage, batch)

    async def _flush(self, storage: Storage, changes: Sequence[Transition]) -> Collection[UUID]:
        """Flush, and return the instances whose transitions lost."""
        try:
            lost = await storage.flush(changes)
        except StorageError:
            self.recent.clear()
            raise
        self._failures = 0
        return lost

    def _noted(self, change: Transition, lost: Collection[UUID]) -> bool:
        """Note what came of a transition before anybody is told; return whether it won."""
        has_won = change.instance.id not in lost
        if has_won:
            self.recent.note(change.instance)
        else:
            self.recent.forget(change.instance.id)
        return has_won

    def _next_batch(self) -> dict[UUID, _Waiting]:
        """Take what waits, one transition of each instance: of two decided on one revision, one is lost."""
        batch: dict[UUID, _Waiting] = {}
        left = []
        for each in self._waiting:
            if each.done.done():  # canceled
                continue
            id_ = each.change.instance.id
            if id_ in batch or id_ in self._under_way or len(batch) == MOST:
                left.append(each)
            else:
                batch[id_] = each
        self._waiting = left
        return batch

    async def _write_singly(self, batch: list[_Waiting], error: Exception) -> None:
        """Find out which transition it is that cannot be written."""
        if len(batch) == 1:
            batch[0].settle(error)
            return
        for each in batch:
            try:
                lost = await self._flush(each.storage, [each.change])
            except StorageError as fault:
                self._put_back([each], fault)
            except Exception as own:  # noqa: BLE001 - handed to those who wait for it
                each.settle(own)
            else:
                each.settle(self._noted(each.change, lost))

    def _put_back(self, batch: list[_Waiting], error: StorageError) -> None:
        for each in batch:
            if not each.insists:
                each.settle(error)
        self._waiting[:0] = [each for each in batch if each.insists]
