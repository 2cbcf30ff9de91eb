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
    from collections.abc import Collection, Hashable
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

    Attributes:
        recent: What it wrote last, of instances that wait for people.
    """

    def __init__(self) -> None:
        self.recent = Recent()
        # It keeps no storage alive: each transition brings the one to write it with, all of them the same.
        self._waiting: list[_Waiting] = []
        self._writing: asyncio.Task[None] | None = None
        self._is_flushing = False

    async def commit(self, storage: Storage, change: Transition, *, insists: bool = False) -> bool:
        """Write a transition; return `True` once it is durable, `False` if it lost.

        Args:
            storage: Where to write, detached from what the caller may close.
            change: The transition.
            insists: Try again for as long as the storage cannot be reached.

        Raises:
            StorageError: If it could not be stored, and the caller does not insist.
        """
        if not self._is_flushing:
            self._is_flushing = True
            try:
                return self._noted(change, lost=await storage.flush([change]))
            except StorageError:
                self.recent.clear()
                if not insists:
                    raise
            finally:
                self._go_on()
        return await self._queue(storage, change, insists=insists)

    async def _queue(self, storage: Storage, change: Transition, *, insists: bool) -> bool:
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(storage, change, insists, done))
        if not self._is_flushing:
            self._go_on()
        return await done

    def _go_on(self) -> None:
        """Let the next flush begin, if anything waits for it."""
        self._is_flushing = bool(self._waiting)
        if self._is_flushing:
            self._writing = asyncio.create_task(self._write(), name="workflows-commit")

    async def _write(self) -> None:
        """Flush until nothing waits any more."""
        failures = 0
        while batch := self._next_batch():
            try:
                lost = await batch[0].storage.flush([each.change for each in batch])
            except StorageError as error:
                pause = BACKOFF[min(failures, len(BACKOFF) - 1)]
                failures += 1
                self.recent.clear()
                self._put_back(batch, error)
                logger.warning(
                    "%d transitions could not be stored, trying again in %s s: %s", len(batch), pause, error
                )
                await asyncio.sleep(pause)
            except Exception as error:  # noqa: BLE001 - handed to those who wait for it
                await self._write_singly(batch, error)
            else:
                failures = 0
                for each in batch:
                    each.settle(self._noted(each.change, lost))
        self._is_flushing = False

    def _noted(self, change: Transition, lost: Collection[UUID]) -> bool:
        """Note what came of a transition before anybody is told; return whether it won."""
        has_won = change.instance.id not in lost
        if has_won:
            self.recent.note(change.instance)
        else:
            self.recent.forget(change.instance.id)
        return has_won

    def _next_batch(self) -> list[_Waiting]:
        """Take what waits, one transition of each instance: of two decided on one revision, one is lost."""
        batch: dict[UUID, _Waiting] = {}
        left = []
        for each in self._waiting:
            if each.done.done():  # canceled
                continue
            if each.change.instance.id in batch or len(batch) == MOST:
                left.append(each)
            else:
                batch[each.change.instance.id] = each
        self._waiting = left
        return [*batch.values()]

    async def _write_singly(self, batch: list[_Waiting], error: Exception) -> None:
        """Find out which transition it is that cannot be written."""
        if len(batch) == 1:
            batch[0].settle(error)
            return
        for each in batch:
            try:
                lost = await each.storage.flush([each.change])
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
