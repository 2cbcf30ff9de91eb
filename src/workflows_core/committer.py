"""The committer: writes the transitions of many instances together.

What is ready while a flush is under way waits for the next one, so a batch is as large as the storage is
slow and nobody waits for a timer.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from workflows_core.errors import StorageError

if TYPE_CHECKING:
    from uuid import UUID

    from workflows_core.ports import Storage
    from workflows_core.transition import Transition

logger = logging.getLogger("workflows")

BACKOFF: Final = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0)
"""Seconds to wait between attempts while the storage cannot be reached; the last repeats."""


class Committer:
    """Writes whatever transitions have piled up since the last flush in one transaction."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._waiting: list[tuple[Transition, asyncio.Future[bool]]] = []
        self._filled = asyncio.Event()

    async def commit(self, change: Transition) -> bool:
        """Wait until the transition is durable; return `False` if it lost."""
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((change, done))
        self._filled.set()
        return await done

    async def run(self) -> None:
        """Flush for ever."""
        while True:
            await self._filled.wait()
            self._filled.clear()
            batch, self._waiting = self._waiting, []
            await self._flush([(change, done) for change, done in batch if not done.done()])

    async def _flush(self, batch: list[tuple[Transition, asyncio.Future[bool]]]) -> None:
        try:
            lost = await self._apply([change for change, _ in batch])
        except Exception as error:  # noqa: BLE001 - handed to those who wait for it
            if len(batch) == 1:
                _settle(batch[0][1], error)
                return
            for each in batch:  # find out which of them it is
                await self._flush([each])
            return
        for change, done in batch:
            _settle(done, change.instance.id not in lost)

    async def _apply(self, changes: list[Transition]) -> frozenset[UUID]:
        """Apply and commit; while the storage cannot be reached the results wait here.

        Trying again is safe even if the connection broke during the commit: a transition that was
        written after all has lost against itself, and its run then finds its step done.
        """
        failures = 0
        while True:
            try:
                return await self._storage.flush(changes)
            except StorageError as error:
                pause = BACKOFF[min(failures, len(BACKOFF) - 1)]
                failures += 1
                logger.warning(
                    "%d transitions could not be stored, trying again in %s s: %s", len(changes), pause, error
                )
                await asyncio.sleep(pause)


def _settle(done: asyncio.Future[bool], outcome: bool | Exception) -> None:  # noqa: FBT001
    if done.done():
        return
    if isinstance(outcome, Exception):
        done.set_exception(outcome)
    else:
        done.set_result(outcome)
