"""Statements in the form that a driver takes.

The write path calls the drivers themselves. SQLAlchemy builds the statements, once; executing them through it
costs several times what a driver's own call does, and a round trip or a change of threads for each.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, Self, TypeAlias

from attrs import frozen
from sqlalchemy import ClauseElement, Dialect
from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.dialects.sqlite import aiosqlite
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.util import greenlet_spawn

Encoder: TypeAlias = Callable[[Any], Any]

POSTGRESQL: Final[Dialect] = asyncpg.dialect()  # type: ignore[no-untyped-call]
SQLITE: Final[Dialect] = aiosqlite.dialect()
"""The dialects of our own: statements are compiled once for all engines."""


@frozen
class DriverStatement:
    """A statement as a driver takes it.

    Attributes:
        text: The statement in the driver's own style.
        parameters: In the driver's order: the name of each, and what turns a value into one that the driver
            takes; `None` where it takes the value itself.
    """

    text: str
    parameters: tuple[tuple[str, Encoder | None], ...]

    @classmethod
    def of(cls, statement: ClauseElement, dialect: Dialect) -> Self:
        """Compile a statement that names all its parameters."""
        compiled = statement.compile(dialect=dialect)
        assert isinstance(compiled, SQLCompiler)  # noqa: S101 - as for all that is not DDL
        types = {name: bound.type.dialect_impl(dialect) for name, bound in compiled.binds.items()}
        names = compiled.positiontup or ()
        return cls(str(compiled), tuple((name, types[name].bind_processor(dialect)) for name in names))

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        """Return the arguments; `values` may hold more than they need."""
        return [values[name] if encode is None else encode(values[name]) for name, encode in self.parameters]


@asynccontextmanager
async def lent(engine: AsyncEngine) -> AsyncIterator[PoolProxiedConnection]:
    """Borrow a connection from the pool; its `driver_connection` is the driver's own, in no transaction of SQLAlchemy's.

    To make an `AsyncConnection` of it, and to close that, takes as long as to write a transition.
    """
    connection = await engine.raw_connection()
    try:
        yield connection
    finally:
        await greenlet_spawn(connection.close)


async def give_up(connection: PoolProxiedConnection) -> None:
    """Let the pool forget a connection that is of no use any more, and what it was in the middle of."""
    await greenlet_spawn(connection.invalidate)
