"""Prepared databases, one for each test: copies of one that is prepared once per run."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from tests.postgres import PostgresServer
from workflows_sqla import upgrade


def prepare(url: str) -> None:
    """Create the tables in an empty database."""

    async def fill() -> None:
        engine = create_async_engine(url)
        await upgrade(engine)
        await engine.dispose()

    with ThreadPoolExecutor(1) as thread:  # the fixtures that ask for it may be async themselves
        thread.submit(asyncio.run, fill()).result()


def sqlite_url(request: pytest.FixtureRequest) -> str:
    """A file of the test's own."""
    path = request.getfixturevalue("tmp_path") / "workflows.db"
    path.write_bytes(request.getfixturevalue("sqlite_template").read_bytes())
    return f"sqlite+aiosqlite:///{path}"


def postgres_url(request: pytest.FixtureRequest) -> str:
    """A database of the test's own; it is dropped when the test ends."""
    server: PostgresServer = request.getfixturevalue("postgres_server")
    url = server.create_database(server.template("schema", prepare))
    request.addfinalizer(lambda: server.drop_database(url))
    return url


URLS: Mapping[str, Callable[[pytest.FixtureRequest], str]] = {"sqlite": sqlite_url, "postgres": postgres_url}
