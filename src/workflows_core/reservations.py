"""Requests that are answered once, however often they come.

A request that may come again carries a key. The first attempt reserves the key, carries the request out, and keeps the
answer; every later one is given that answer. The reservation is committed before anything is done: where a process dies
in between, the next attempt knows that it is not the first, and does nothing twice.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from itertools import chain, repeat
from math import ceil
from typing import TYPE_CHECKING, Final
from uuid import UUID

from attrs import evolve, frozen

from workflows_core.data import JsonObject
from workflows_core.errors import (
    KeyReusedError,
    OutcomeUnknownError,
    RequestInProgressError,
)

if TYPE_CHECKING:
    from workflows_core.engine import ExecutionEngine
    from workflows_core.instance import Instance

KEPT_FOR: Final = timedelta(hours=24)
"""How long an answer is kept, from the first attempt on."""

HOLD: Final = timedelta(seconds=30)
"""For how long the others leave a request to an attempt, if it is not to wait for something."""

PATIENCE: Final = 5.0
"""How many seconds an attempt waits for the answer of another one."""

_PAUSES: Final = (0.02, 0.05, 0.1, 0.2)
"""Seconds between looks for that answer; the last one again and again."""


@frozen(kw_only=True)
class Reservation:
    """A key that is reserved for a request.

    Attributes:
        key: Who sends the request, and under which key: a digest.
        fingerprint: What it asks for: a digest.
        id: Names the reservation; what is done for the request may be named after it.
        holder: The attempt that carries it out, or did. The first attempt is called like the reservation.
        since: When the first attempt began (UTC).
        held_until: Until when the others leave the request to the attempt (UTC), while there is no answer.
        expires_at: From when on the key is free again (UTC), and may be forgotten.
        answer: What was answered; `None` as long as nothing was.
    """

    key: str
    fingerprint: str
    id: UUID
    holder: UUID
    since: datetime
    held_until: datetime
    expires_at: datetime
    answer: JsonObject | None = None

    @property
    def is_first(self) -> bool:
        """Whether nobody tried before."""
        return self.holder == self.id

    def check(self, instance: Instance, now: datetime) -> None:
        """Refuse to change an instance that another attempt may have changed already, or may be changing.

        Who is asked before every change, and writes only what nobody else has written to since, does nothing twice.

        Raises:
            OutcomeUnknownError: If there was an attempt before, and the instance has changed since that began.
            RequestInProgressError: If this one took so long that another one may have taken over.
        """
        if not self.is_first and instance.updated_at >= self.since:
            raise OutcomeUnknownError(instance.id)
        if now >= self.held_until:
            raise RequestInProgressError(1)


def attempt(stored: Reservation | None, new: Reservation) -> Reservation | None:
    """Return what an attempt puts in the place of what is stored; `None` if it has to leave the request to another.

    Args:
        stored: What is stored under the key.
        new: The attempt, as the first one.

    Raises:
        KeyReusedError: If the key is reserved for another request.
    """
    now = new.since
    if stored is None or stored.expires_at <= now:
        return new
    if stored.fingerprint != new.fingerprint:
        raise KeyReusedError(stored.expires_at)
    if stored.answer is None and stored.held_until <= now:
        return evolve(stored, holder=new.holder, held_until=new.held_until)
    return None


class Reservations:
    """Reserves keys for the requests to one engine."""

    def __init__(self, engine: ExecutionEngine) -> None:
        self._engine = engine
        # What is reserved has to be seen by others at once, whatever becomes of a transaction that the caller has open.
        self._storage = engine.storage.detached()

    async def reserve(self, key: str, fingerprint: str, on_purpose: timedelta = timedelta(0)) -> Reservation:
        """Reserve a key for an attempt; or return what was answered, where there is an answer.

        If another attempt is being made, its answer is waited for. Without an answer it is the caller who carries the
        request out now, and says afterwards what became of it: `keep`, `forget` or `let_go`. Who says nothing for `HOLD`
        is believed dead, and the next attempt takes over.

        Args:
            key: Who sends the request, and under which key.
            fingerprint: What it asks for.
            on_purpose: How long it may take besides, because it is to wait for something.

        Raises:
            KeyReusedError: If the key is reserved for another request.
            RequestInProgressError: If the other attempt has no answer yet.
        """
        id_ = self._engine.new_id()
        deadline = asyncio.get_running_loop().time() + PATIENCE
        pauses = chain(_PAUSES, repeat(_PAUSES[-1]))
        stored: Reservation | None = None
        while True:
            now = self._engine.clock.now()
            mine = attempt(stored, _first(key, fingerprint, id_, now, HOLD + on_purpose))
            if mine is None and stored is not None:
                if stored.answer is not None:
                    return stored
                if asyncio.get_running_loop().time() >= deadline:
                    raise RequestInProgressError(ceil((stored.held_until - now).total_seconds()))
                await asyncio.sleep(next(pauses))
            async with self._storage.unit_of_work() as unit:
                if mine is not None and await unit.reservations.swap(stored, mine):
                    await unit.commit()
                    return mine
                stored = await unit.reservations.find(key)

    async def keep(self, mine: Reservation, answer: JsonObject) -> JsonObject:
        """Keep what was answered, and return it; or what an attempt answered before that had taken over.

        Where the caller has a transaction open, the answer is committed with it.
        """
        stored: Reservation | None = mine
        while stored is not None and stored.id == mine.id:
            if stored.answer is not None:
                return stored.answer
            async with self._engine.storage.unit_of_work() as unit:
                if await unit.reservations.swap(stored, evolve(stored, answer=answer)):
                    await unit.commit()
                    return answer
                stored = await unit.reservations.find(mine.key)
        return answer  # it has expired

    async def forget(self, mine: Reservation) -> None:
        """Give back the key for any request, as nothing was done; unless an earlier attempt may have done something."""
        if mine.is_first:
            await self._replace(mine, evolve(mine, expires_at=mine.since))
        else:
            await self.let_go(mine)

    async def let_go(self, mine: Reservation) -> None:
        """Let the next attempt take over at once, as it is not known what was done."""
        await self._replace(mine, evolve(mine, held_until=mine.since))

    async def _replace(self, mine: Reservation, new: Reservation) -> None:
        """Write what became of an attempt, unless another one has taken over."""
        async with self._storage.unit_of_work() as unit:
            if await unit.reservations.swap(mine, new):
                await unit.commit()


def _first(key: str, fingerprint: str, id_: UUID, now: datetime, hold: timedelta) -> Reservation:
    return Reservation(
        key=key,
        fingerprint=fingerprint,
        id=id_,
        holder=id_,
        since=now,
        held_until=now + hold,
        expires_at=now + KEPT_FOR,
    )
