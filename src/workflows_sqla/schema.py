"""The tables in a database: created and upgraded by migrations, and compared with what we expect."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from sqlalchemy import Connection, MetaData, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.sql.schema import SchemaItem

from workflows_core.errors import StorageError
from workflows_sqla import sqlite
from workflows_sqla.faults import faults_translated
from workflows_sqla.tables import metadata

VERSION_TABLE: Final = "workflow_alembic_version"
"""Where the revision is noted: not Alembic's default, which the application may use for its own tables."""

_LOCK: Final = 0x776F726B666C6F77
"""The advisory lock under which PostgreSQL is upgraded."""


async def upgrade(engine: AsyncEngine, revision: str = "head") -> None:
    """Create the tables, or bring them from any earlier revision to this one, in one transaction.

    Safe when several processes do it at once, and a no-op where nothing is to be done.

    Raises:
        StorageError: If the database cannot be used, or was made by a newer version of this package.
    """
    async with _locked(engine) as connection:
        await connection.run_sync(_upgrade, revision)
        await connection.commit()


async def current(engine: AsyncEngine) -> str | None:
    """Return the revision of the tables, `None` if there are none."""
    with faults_translated():
        async with engine.connect() as connection:
            return await connection.run_sync(_current)


async def check(engine: AsyncEngine) -> tuple[str, ...]:
    """Return the differences between the tables and what this version expects, in words; none if they agree.

    Other tables, and indexes that were added to ours, are nobody's business here.
    """
    with faults_translated():
        async with engine.connect() as connection:
            return await connection.run_sync(_differences)


@asynccontextmanager
async def _locked(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Begin a transaction in which nobody else upgrades."""
    with faults_translated():
        if engine.dialect.name == "sqlite":
            sqlite.instruct(engine.sync_engine)
            sqlite.make_file(engine.url)
        async with engine.connect() as connection:
            if engine.dialect.name == "sqlite":
                await connection.execution_options(**{sqlite.BEGIN: "IMMEDIATE"})
                await connection.begin()
            else:
                await connection.execution_options(isolation_level="READ COMMITTED")
                await connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
            yield connection


# Alembic is imported where it is needed: it takes long, and logs while it is. Most processes never need it.


def _upgrade(connection: Connection, revision: str) -> None:
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "workflows_sqla:migrations")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, revision)
    except CommandError as error:
        raise StorageError(
            f"The database cannot be upgraded: {error}. If a newer version of this package made it, install that one."
        ) from error


def _current(connection: Connection) -> str | None:
    from alembic.migration import MigrationContext  # noqa: PLC0415

    return MigrationContext.configure(
        connection, opts={"version_table": VERSION_TABLE}
    ).get_current_revision()


def _differences(connection: Connection) -> tuple[str, ...]:
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415
    from alembic.migration import MigrationContext  # noqa: PLC0415

    options = {"version_table": VERSION_TABLE, "include_name": _is_ours, "include_object": _matters}
    context = MigrationContext.configure(connection, opts=options | {"compare_type": True})
    expected = MetaData(naming_convention=metadata.naming_convention)
    for table in metadata.tables.values():
        if _is_for(table, connection):
            copied = table.to_metadata(expected)
            others = {each.name for each in table.indexes if not _is_for(each, connection)}
            copied.indexes = {each for each in copied.indexes if each.name not in others}
    return tuple(map(_described, compare_metadata(context, expected)))


def _is_for(item: SchemaItem, connection: Connection) -> bool:
    """Say whether something is there on the database of a connection."""
    return item.info.get("dialect") in {None, connection.dialect.name}


def _is_ours(name: str | None, kind: str, _: object) -> bool:
    return kind != "table" or name in metadata.tables


def _matters(_: SchemaItem, __: str | None, kind: str, is_found: bool, expected: SchemaItem | None) -> bool:  # noqa: FBT001
    return not (kind == "index" and is_found and expected is None)


def _described(difference: object) -> str:
    """Say what is to be done: Alembic gives a verb and its objects, in a list if they concern one column."""
    if isinstance(difference, list):
        return "; ".join(map(_described, difference))
    verb, *rest = difference if isinstance(difference, tuple) else (difference,)
    return f"{verb}: {', '.join(str(part) for part in rest if part is not None and part != {})}"
