"""What is committed, told to all processes on the database.

A transition tells in its own transaction, and only where somebody must hear of it: something is due that no runner
holds, a running step was taken away from its runner, or the instance is watched. Most transitions tell nothing,
and pay nothing.

PostgreSQL delivers it (NOTIFY). On SQLite it is a row in a small table; that somebody wrote to the database is seen
in `PRAGMA data_version`, which is asked a hundred times a second and costs some microseconds. What is watched is
made known to the writers by a notification too; on SQLite, those who watch look at the revisions themselves.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Any, Final, Protocol, TypeAlias
from uuid import UUID
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from workflows_core.errors import StorageError
from workflows_core.ports import WATCHED, Changes
from workflows_core.transition import Transition
from workflows_sqla import change_statements as statements
from workflows_sqla.feed import LATEST, SINCE
from workflows_sqla.side import SideConnection
from workflows_sqla.sqlite import database_file
from workflows_sqla.transactions import Transaction

logger = logging.getLogger("workflows")

Heard: TypeAlias = Callable[[UUID | None], None]

SOON: Final = timedelta(seconds=1)
"""What is due so soon is told at once: whoever looks for work may sleep as long."""

INTERVAL: Final = 0.01
"""Seconds between looks at an SQLite database."""

CHANNEL: Final = "workflows"
_DUE: Final = "due"
_WATCH: Final = "watch "
_ALL: Final = "all"
_BACKOFF: Final = (0.1, 0.5, 1.0, 2.0, 5.0)


class Watched:
    """The instances of one database that somebody, here or in another process, watches."""

    def __init__(self) -> None:
        self._until: dict[UUID | None, float] = {}

    def __bool__(self) -> bool:
        return bool(self._until)

    def __contains__(self, instance_id: UUID) -> bool:
        return instance_id in self._until or (None in self._until and self.are_all)

    @property
    def are_all(self) -> bool:
        """Whether all instances are watched."""
        return self._until.get(None, 0.0) > monotonic()

    def add(self, instance_id: UUID | None) -> None:
        """Note that an instance (`None`: each of them) is watched from now on, and forget those that are not any more."""
        now = monotonic()
        self._until = {id_: until for id_, until in self._until.items() if until > now}
        self._until[instance_id] = now + WATCHED.total_seconds()

    def needs_renewal(self, instance_id: UUID | None) -> bool:
        """Say whether half of its time is over."""
        return self._until.get(instance_id, 0.0) < monotonic() + WATCHED.total_seconds() / 2

    @property
    def ids(self) -> list[UUID]:
        """All that are watched."""
        return [each for each in self._until if each is not None]


NOBODY: Final = Watched()
"""What the writers of SQLite know to be watched: those who watch look for themselves."""

_watched: WeakKeyDictionary[Engine, Watched] = WeakKeyDictionary()


def watched_in(engine: AsyncEngine) -> Watched:
    """Return what is watched in a database, as far as this process knows."""
    return _watched.setdefault(engine.sync_engine, Watched())


def news(change: Transition, watched: Watched) -> list[UUID | None]:
    """Return what others must hear of a transition once it is committed, as `ports.Storage.changes` tells it."""
    instance = change.instance
    told: list[UUID | None] = []
    if instance.wake_at is not None and instance.wake_at <= change.entry.at + SOON:
        told.append(None)
    if change.disturbs or instance.id in watched:
        told.append(instance.id)
    return told


def payload(told: UUID | None) -> str:
    """Return what PostgreSQL carries."""
    return _DUE if told is None else str(told)


async def tell_due(transaction: Transaction) -> None:
    """Tell, as soon as the transaction is committed, that something is due that nobody holds."""
    if transaction.dialect == "postgresql":
        await transaction.execute(statements.notify(), {"channel": CHANNEL, "payload": payload(None)})
    else:
        await transaction.execute(statements.add_signal(), {"told_id": None})


class ChangeFeed(Protocol):
    """The changes of one database."""

    def open(self, heard: Heard) -> contextlib.AbstractAsyncContextManager[Changes]:
        """Begin to listen; see `ports.Storage.changes`."""
        ...


def change_feed(engine: AsyncEngine, side: SideConnection) -> ChangeFeed:
    """Return the kind of feed that suits the database."""
    if engine.dialect.name == "sqlite":
        return PollingFeed(database_file(engine.url), watched_in(engine))
    return ListeningFeed(side, watched_in(engine))


class ListeningFeed:
    """The notifications of PostgreSQL, on the connection beside the pool."""

    def __init__(self, side: SideConnection, watched: Watched) -> None:
        self._side = side
        self._watched = watched
        self._listeners: list[Heard] = []
        self._lost = asyncio.Event()

    @asynccontextmanager
    async def open(self, heard: Heard) -> AsyncIterator[ListeningFeed]:
        """Begin to listen, and go on after the connection was lost."""
        self._listeners.append(heard)
        with suppress(StorageError):  # tried again below
            await self._side.need(self, self._listen)
        keeping = asyncio.create_task(self._keep_listening(), name="workflows-listen")
        try:
            yield self
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            self._listeners.remove(heard)
            if not self._listeners:
                await self._side.release(self, self._stop_listening)

    async def watch(self, instance_id: UUID | None) -> None:
        """Ask all processes to tell of an instance; see `ports.Changes`."""
        if self._watched.needs_renewal(instance_id):
            self._watched.add(instance_id)
            asked = {"channel": CHANNEL, "payload": f"{_WATCH}{instance_id or _ALL}"}
            with suppress(StorageError):  # whoever watches looks now and then by himself
                async with self._side.use() as connection:
                    await connection.execute(statements.notify(), asked)

    async def _keep_listening(self) -> None:
        failures = 0
        while True:
            if not failures:
                await self._lost.wait()
            try:
                await self._side.need(self, self._listen)
            except StorageError as error:
                pause = _BACKOFF[min(failures, len(_BACKOFF) - 1)]
                failures += 1
                logger.warning("Not listening to the database, trying again in %s s: %s", pause, error)
                await asyncio.sleep(pause)
            else:
                failures = 0
                self._tell(None)  # who knows what was missed
                for instance_id in self._watched.ids:
                    self._tell(instance_id)

    async def _listen(self, connection: AsyncConnection) -> None:
        self._lost.clear()
        # The connection commits at once; not even an acknowledgement needs the disk.
        await connection.execute(text("SET synchronous_commit = off"))
        raw = await _driver(connection)
        raw.add_termination_listener(lambda _: self._lost.set())
        await raw.add_listener(CHANNEL, self._receive)

    async def _stop_listening(self, connection: AsyncConnection) -> None:
        await (await _driver(connection)).remove_listener(CHANNEL, self._receive)

    def _receive(self, _: object, __: int, ___: str, payload: str) -> None:
        if payload.startswith(_WATCH):
            watched = payload.removeprefix(_WATCH)
            self._watched.add(None if watched == _ALL else UUID(watched))
        else:
            self._tell(None if payload == _DUE else UUID(payload))

    def _tell(self, news: UUID | None) -> None:
        for heard in [*self._listeners]:
            heard(news)


async def _driver(connection: AsyncConnection) -> Any:
    """Return asyncpg's own connection. SQLAlchemy's shortcut to it is lost with the place in the pool."""
    adapted: Any = (await connection.get_raw_connection()).dbapi_connection
    return adapted.driver_connection


class PollingFeed:
    """An SQLite database, looked at again and again.

    The looks are made in the event loop: they take microseconds, less than a hop to another thread.
    """

    def __init__(self, database: Path, watched: Watched) -> None:
        self._database = database
        self._watched = watched
        self._look: _Look | None = None

    @asynccontextmanager
    async def open(self, heard: Heard) -> AsyncIterator[PollingFeed]:
        """Begin to look."""
        look = self._look = _Look(self._database, self._watched)
        look.begin()
        looking = asyncio.create_task(self._keep_looking(look, heard), name="workflows-look")
        try:
            yield self
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
            look.close()

    async def watch(self, instance_id: UUID | None) -> None:
        """Look at the revision of an instance from now on; see `ports.Changes`."""
        self._watched.add(instance_id)
        if self._look is not None and instance_id is not None:
            self._look.remember(instance_id)

    async def _keep_looking(self, look: _Look, heard: Heard) -> None:
        while True:
            await asyncio.sleep(INTERVAL)
            for news in look.news():
                heard(news)


class _Look:
    """A connection that only reads, and what it saw the last time."""

    def __init__(self, database: Path, watched: Watched) -> None:
        self._database = database
        self._watched = watched
        self._connection: sqlite3.Connection | None = None
        self._version = 0
        self._last_signal = 0
        self._last_number: int | None = None
        self._revisions: dict[UUID, int] = {}

    def begin(self) -> None:
        """Remember how things are now."""
        with suppress(sqlite3.Error):
            self._open()

    def news(self) -> Iterable[UUID | None]:
        """Return what happened since the last time; nothing while the database cannot be read."""
        try:
            connection = self._connection or self._open()
            (version,) = connection.execute("PRAGMA data_version").fetchone()
            if version == self._version:
                return ()
            news = {*self._signals(connection), *self._changed(connection), *self._all(connection)}
        except sqlite3.Error:
            self.close()
            return ()
        self._version = version
        return news

    def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"file:{self._database}?mode=rw", uri=True, timeout=0, isolation_level=None
        )
        try:
            connection.execute("PRAGMA query_only = ON")
            (self._version,) = connection.execute("PRAGMA data_version").fetchone()
            self._signals(connection)
        except sqlite3.Error:
            connection.close()
            raise
        self._connection = connection
        return connection

    def remember(self, instance_id: UUID) -> None:
        """Look at an instance that is watched from now on."""
        with suppress(sqlite3.Error):
            self._revisions.setdefault(
                instance_id, self._revision(self._connection or self._open(), instance_id)
            )

    def _signals(self, connection: sqlite3.Connection) -> list[UUID | None]:
        rows: list[Any] = connection.execute(statements.SIGNALS_AFTER, (self._last_signal,)).fetchall()
        if rows:
            self._last_signal = rows[-1][0]
        return [None if instance_id is None else UUID(bytes=instance_id) for _, instance_id in rows]

    def _all(self, connection: sqlite3.Connection) -> list[UUID]:
        """Return the instances of the transitions since the last time, if all are watched."""
        if not self._watched.are_all:
            self._last_number = None
            return []
        if self._last_number is None:  # it begins now, and the last one may have been missed
            (latest,) = connection.execute(LATEST).fetchone()
            self._last_number = latest - 1
        rows: list[Any] = connection.execute(SINCE, (self._last_number,)).fetchall()
        if rows:
            self._last_number = rows[-1][0]
        return [UUID(bytes=instance_id) for _, instance_id in rows]

    def _changed(self, connection: sqlite3.Connection) -> list[UUID]:
        """Return the watched instances whose revision is another than before."""
        revisions = {id_: self._revision(connection, id_) for id_ in self._watched.ids}
        changed = [
            id_ for id_, revision in revisions.items() if self._revisions.get(id_, revision) != revision
        ]
        self._revisions = revisions
        return changed

    def _revision(self, connection: sqlite3.Connection, instance_id: UUID) -> int:
        row = connection.execute(statements.REVISION, (instance_id.bytes,)).fetchone()
        return 0 if row is None else int(row[0])
