"""Transactions on an engine or on a caller's session, as repositories and the write side use them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol, Self

from attrs import frozen
from sqlalchemy import Executable, Result
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

from workflows_sqla.faults import faults_translated
from workflows_sqla.sqlite import BEGIN
from workflows_sqla.tables import instances

_WRITING: Final[Mapping[str, Mapping[str, str]]] = {
    "sqlite": {BEGIN: "IMMEDIATE"},
    "postgresql": {"isolation_level": "READ COMMITTED"},
}
_READING: Final[Mapping[str, Mapping[str, str]]] = {
    "sqlite": {BEGIN: "NOT"},
    "postgresql": {"isolation_level": "AUTOCOMMIT"},
}
"""Execution options, whatever the engine's owner chose: the statements are made for these."""


@frozen
class Modes:
    """An engine as transactions read and write on it: its connections, with other options.

    Attributes:
        reading: To read.
        writing: To write.
        dialect: `sqlite` or `postgresql`.
    """

    reading: AsyncEngine
    writing: AsyncEngine
    dialect: str

    @classmethod
    def of(cls, engine: AsyncEngine) -> Self:
        """Prepare an engine."""
        name = engine.dialect.name
        return cls(
            engine.execution_options(**_READING[name]), engine.execution_options(**_WRITING[name]), name
        )


class Reader(Protocol):
    """Whatever answers statements: a transaction here, or a plain connection or session."""

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        ...

    async def execute(self, statement: Executable, parameters: Any = None, /) -> Result[Any]:
        """Execute a statement; many times where a list of parameters is given."""
        ...


class Transaction(Reader, Protocol):
    """A transaction that begins with its first statement."""

    async def for_writing(self) -> None:
        """Make sure that what is written from now on cannot be refused because somebody else wrote.

        What was read before in this transaction may be of an earlier state; a write carries the revision
        that it is based on and tells.
        """

    async def connection(self) -> AsyncConnection:
        """Return the connection it happens on; for writing, as above."""
        ...

    async def commit(self) -> None:
        """Make the writes durable."""


class OwnTransaction:
    """A transaction on a connection of its own, which goes back to the pool as soon as it ends.

    As long as it only reads, the database is not told of it: each statement sees what is committed when it begins. On
    PostgreSQL it does so within a transaction as well, and to begin and to end one would take as long as to read. On SQLite
    who reads for long keeps the write-ahead log from being begun anew.
    """

    def __init__(self, modes: Modes) -> None:
        self._modes = modes
        self._connection: AsyncConnection | None = None
        self._writes = False
        self.dialect = modes.dialect

    async def execute(self, statement: Executable, parameters: Any = None, /) -> Result[Any]:
        """Execute a statement; the first one begins the transaction."""
        with faults_translated():
            connection = self._connection or await self._begin(self._modes.reading)
            return await connection.execute(statement, parameters)

    async def for_writing(self) -> None:
        """Begin a transaction, with the write lock of SQLite: a reader cannot be promoted to one once others wrote."""
        if not self._writes:
            with faults_translated():
                await self.close()
                connection = await self._begin(self._modes.writing)
                await connection.begin()
                self._writes = True

    async def connection(self) -> AsyncConnection:
        """Return the connection, with the transaction begun."""
        await self.for_writing()
        assert self._connection is not None  # noqa: S101 - it was just begun
        return self._connection

    async def _begin(self, engine: AsyncEngine) -> AsyncConnection:
        self._connection = connection = await engine.connect()
        return connection

    async def commit(self) -> None:
        """Commit, and end."""
        if self._connection is not None:
            with faults_translated():
                await self._connection.commit()
                await self.close()

    async def close(self) -> None:
        """End; what was not committed is undone."""
        connection, self._connection, self._writes = self._connection, None, False
        if connection is not None:
            await connection.close()


class SessionTransaction:
    """A transaction on the caller's session: the caller's own if one is open, else one that is begun here.

    Args:
        session: Where it happens.
        autocommit: Whether `commit` commits the session, with everything in it; if not, that is left to
            the caller.
    """

    def __init__(self, session: AsyncSession, *, autocommit: bool) -> None:
        self._session = session
        self._autocommit = autocommit
        self._is_ours = not session.in_transaction()
        self.dialect = session.get_bind(clause=instances).dialect.name

    async def execute(self, statement: Executable, parameters: Any = None, /) -> Result[Any]:
        """Execute a statement in the session."""
        with faults_translated():
            await self._begin()
            # Not every statement names a table, and the session may have several databases.
            return await self._session.execute(statement, parameters, bind_arguments={"clause": instances})

    async def for_writing(self) -> None:
        """Begin, so that SQLite's write lock is taken; in the caller's transaction it is taken when it can be."""
        with faults_translated():
            await self._begin()

    async def connection(self) -> AsyncConnection:
        """Return the session's connection to the workflow tables."""
        await self.for_writing()
        with faults_translated():
            return await self._session.connection({"clause": instances})

    async def _begin(self) -> None:
        if self.dialect == "sqlite" and not self._session.in_transaction():
            # Whether there will be writes is not known yet, and beginning again would expire the caller's objects.
            await self._session.connection({"clause": instances}, {BEGIN: "IMMEDIATE"})

    async def commit(self) -> None:
        """Commit the session's transaction, or leave it to the caller."""
        self._is_ours = False
        if self._autocommit:
            with faults_translated():
                await self._session.commit()

    async def close(self) -> None:
        """Undo what was begun here and not committed; never touch what the caller began."""
        if self._is_ours and self._session.in_transaction():
            await self._session.rollback()


class SessionReader:
    """Answers on the caller's session, whatever transaction it is in."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._session.get_bind(clause=instances).dialect.name

    async def execute(self, statement: Executable, parameters: Any = None, /) -> Result[Any]:
        """Execute a statement in the session."""
        with faults_translated():
            return await self._session.execute(statement, parameters)
