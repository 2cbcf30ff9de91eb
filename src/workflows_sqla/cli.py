"""`workflows db`: the tables in a database, from the command line."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import click
from sqlalchemy.ext.asyncio import AsyncEngine

from workflows_core.errors import WorkflowError
from workflows_sqla import schema
from workflows_sqla.storage import open_storage

T = TypeVar("T")

database_url = click.option(
    "--database-url",
    envvar="WORKFLOWS_DATABASE_URL",
    show_envvar=True,
    required=True,
    metavar="URL",
    help="Such as sqlite+aiosqlite:///workflows.db or postgresql+asyncpg://user:password@host/name.",
)


@click.group()
def db() -> None:
    """Create, upgrade and check the tables."""


@db.command()
@database_url
@click.option("--revision", default="head", show_default=True, help="Upgrade no further than to this one.")
def upgrade(database_url: str, revision: str) -> None:
    """Create the tables, or upgrade them. Safe to run again, and from several places at once."""

    async def run(engine: AsyncEngine) -> str | None:
        await schema.upgrade(engine, revision)
        return await schema.current(engine)

    click.echo(f"The tables are at revision {_with_engine(database_url, run)}.")


@db.command()
@database_url
def current(database_url: str) -> None:
    """Print the revision of the tables."""
    revision = _with_engine(database_url, schema.current)
    click.echo(revision or "There are no tables yet: run `workflows db upgrade`.")


@db.command()
@database_url
def check(database_url: str) -> None:
    """Compare the tables with what this version expects; exit with 1 if they differ."""
    differences = _with_engine(database_url, schema.check)
    for difference in differences:
        click.echo(difference)
    if differences:
        raise click.ClickException("The tables differ: run `workflows db upgrade`.")
    click.echo("The tables are as expected.")


def _with_engine(url: str, work: Callable[[AsyncEngine], Awaitable[T]]) -> T:
    async def run() -> T:
        storage = open_storage(url)
        if storage is None:
            raise click.BadParameter("neither SQLite nor PostgreSQL", param_hint="--database-url")
        try:
            return await work(storage.engine)
        finally:
            await storage.close()

    try:
        return asyncio.run(run())
    except WorkflowError as error:
        raise click.ClickException(str(error)) from error
