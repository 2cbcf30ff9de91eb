"""The tables: made by migrations, as the program expects them."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from tests.sqla.conftest import HEAD
from workflows_core.errors import StorageError
from workflows_sqla import check, current, upgrade


@pytest.fixture
def url(empty_url: str) -> str:
    """Nothing is made yet."""
    return empty_url


async def execute(engine: AsyncEngine, *statements: str) -> None:
    async with engine.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement))


async def test_the_migrations_make_what_is_expected(engine: AsyncEngine) -> None:
    assert await current(engine) is None
    assert len(await check(engine)) > 5

    await upgrade(engine)
    assert await current(engine) == HEAD
    assert await check(engine) == ()


async def test_upgrading_again_changes_nothing(engine: AsyncEngine) -> None:
    await upgrade(engine)
    await execute(engine, "INSERT INTO workflow_runners (id, lease_until) VALUES ('one', CURRENT_TIMESTAMP)")
    await upgrade(engine)

    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT id FROM workflow_runners"))).scalars().all() == ["one"]


async def test_many_may_upgrade_at_the_same_time(engine: AsyncEngine) -> None:
    await asyncio.gather(*(upgrade(engine) for _ in range(6)))
    assert await check(engine) == ()


async def test_many_processes_may_upgrade_at_the_same_time(engine: AsyncEngine, url: str) -> None:
    command = (
        "-W",
        "error",
        "-c",
        "from workflows_sqla.cli import db; db()",
        "upgrade",
        "--database-url",
        url,
    )
    processes = [
        await asyncio.create_subprocess_exec(sys.executable, *command, stdout=PIPE, stderr=PIPE)
        for _ in range(4)
    ]
    ended = await asyncio.gather(*(process.communicate() for process in processes))

    assert ended == [(f"The tables are at revision {HEAD}.\n".encode(), b"")] * 4
    assert await check(engine) == ()


async def test_a_failed_upgrade_leaves_nothing(engine: AsyncEngine) -> None:
    await execute(engine, "CREATE TABLE workflow_runners (mine INTEGER)")
    with pytest.raises(StorageError, match="workflow_runners"):
        await upgrade(engine)
    assert await current(engine) is None
    async with engine.connect() as connection:
        with pytest.raises(Exception, match="workflow_tasks"):
            await connection.execute(text("SELECT * FROM workflow_tasks"))


async def test_tables_of_a_newer_version_are_left_alone(engine: AsyncEngine) -> None:
    await upgrade(engine)
    await execute(engine, "UPDATE workflow_alembic_version SET version_num = '9999'")
    with pytest.raises(StorageError, match="newer version"):
        await upgrade(engine)


async def test_the_check_names_what_differs(engine: AsyncEngine) -> None:
    await upgrade(engine)
    await execute(
        engine, "ALTER TABLE workflow_runners ADD COLUMN extra INTEGER", "DROP TABLE workflow_tasks"
    )

    differences = "\n".join(await check(engine))
    assert "extra" in differences
    assert "workflow_tasks" in differences


async def test_other_tables_and_indexes_are_nobodys_business(engine: AsyncEngine) -> None:
    await execute(
        engine, "CREATE TABLE theirs (id INTEGER)", "CREATE TABLE alembic_version (version_num VARCHAR(32))"
    )
    await upgrade(engine)
    await execute(engine, "CREATE INDEX mine ON workflow_tasks (title)")

    assert await check(engine) == ()
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT * FROM alembic_version"))).all() == []


async def test_an_unreachable_database_is_one_clear_error(tmp_path: Path) -> None:
    for url, reason in (
        (f"sqlite+aiosqlite:///{tmp_path}/missing/workflows.db", "does its folder exist"),
        ("postgresql+asyncpg://postgres@127.0.0.1:1/postgres", "cannot be reached"),
    ):
        with pytest.raises(StorageError, match=reason):
            await upgrade(create_async_engine(url))
