"""What the harness puts in the place of a database server that exists only in the guide."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import make_url
from sqlalchemy.ext import asyncio as sqlalchemy_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

_database: str | None = None
_made: list[AsyncEngine] = []


def create_async_engine(url: str, **options: Any) -> AsyncEngine:
    """SQLAlchemy's function, on the prepared database instead of the PostgreSQL that the guide names."""
    if make_url(url).drivername != "postgresql+asyncpg":
        raise ValueError(f"Not the PostgreSQL of the guide: {url}")
    if _database is None:
        raise RuntimeError("No database is prepared for this snippet.")
    engine = sqlalchemy_asyncio.create_async_engine(_database, **options)
    _made.append(engine)
    return engine


@contextmanager
def snippets_use(database: str) -> Iterator[list[AsyncEngine]]:
    """Let snippets connect to a database; yields the engines they make, for whoever has to dispose of them."""
    global _database  # noqa: PLW0603 - a snippet can only reach what it imports
    _database = database
    _made.clear()
    try:
        yield _made
    finally:
        _database = None
