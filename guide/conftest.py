"""Runs the plugin's guide: every Python snippet, every curl, every script, against the product.

The guide is beside the clone (`WORKFLOWS_GUIDE` names another place). What is changed in it, and what is compared
how, stands where it is done: `snippets.py`, `curl.py`, `answers.py`, `scripts.py`.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

import workflows_sqla
from guide.prepared import snippets_use
from guide.rst import path
from guide.scripts import HOW
from tests import places
from tests.postgres import PostgresServer

places.prefer_memory()


def pytest_report_header() -> list[str]:
    """Say what is run, and how."""
    return [f"guide: {path()}", f"scripts of the guide: {HOW}"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say it again where `-q` hides the header."""
    terminalreporter.write_line(f"The scripts of the guide: {HOW}.")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server


def _fill(url: str) -> None:
    async def upgrade() -> None:
        engine = create_async_engine(url)
        await workflows_sqla.upgrade(engine)
        await engine.dispose()

    asyncio.run(upgrade())


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """A PostgreSQL database of its own for the test, with our tables."""
    url = postgres.create_database(postgres.template("guide", _fill))
    yield url
    postgres.drop_database(url)


@pytest.fixture
def engines(postgres_url: str) -> Iterator[list[AsyncEngine]]:
    """What snippets connect with: a prepared database in the place of the one that the guide names."""
    with snippets_use(postgres_url) as made:
        yield made


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str | None:
    """Each place where the plugin can keep instances; `None` is its own memory."""
    match request.param:
        case "memory":
            return None
        case "sqlite":
            return f"sqlite+aiosqlite:///{tmp_path / 'guide.db'}"
        case _:
            return str(request.getfixturevalue("postgres_url"))
