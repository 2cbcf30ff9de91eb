"""Databases of each kind."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

import workflows_sqla

REVISIONS = [
    script.revision
    for script in ScriptDirectory(str(Path(workflows_sqla.__file__).parent / "migrations")).walk_revisions()
][::-1]
"""All revisions of the tables, the first one first."""

HEAD = REVISIONS[-1]


@pytest.fixture
def url(database_url: str) -> str:
    """A database with its tables."""
    return database_url


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/workflows.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
async def engine(url: str) -> AsyncIterator[AsyncEngine]:
    """An engine on it, as an application makes it."""
    engine = create_async_engine(url)
    yield engine
    await engine.dispose()
