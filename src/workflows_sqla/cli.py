"""`workflows db`: the tables in a database, from the command line."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import click
from sqlalchemy.ext.asyncio import AsyncEngine

from workflows_cli.options import as_json, database_url
from workflows_cli.printing import print_json
from workflows_core.errors import WorkflowError
from workflows_sqla import schema
from workflows_sqla.storage import open_storage

T = TypeVar("T")


@click.group()
def db() -> None:
    """Create, upgrade and check the tables."""


@db.command()
@click.option("--revision", default="head", show_default=True, help="Upgrade no further than to this one.")
@database_url
@as_json
def upgrade(*, database_url: str, revision: str, as_json: bool) -> None:
    """Create the tables, or upgrade them. Safe to run again, and from several places at once."""

    async def run(engine: AsyncEngine) -> str | None:
        await schema.upgrade(engine, revision)
        return await schema.current(engine)

    reached = _with_engine(database_url, run)
    if as_json:
        print_json({"revision": reached})
    else:
        click.echo(f"The tables are at revision {reached}.")


@db.command()
@database_url
@as_json
def current(*, database_url: str, as_json: bool) -> None:
    """Print the revision of the tables."""
    revision = _with_engine(database_url, schema.current)
    if as_json:
        print_json({"revision": revision})
    else:
        click.echo(revision or "There are no tables yet: run `workflows db upgrade`.")


@db.command()
@database_url
@as_json
def check(*, database_url: str, as_json: bool) -> None:
    """Compare the tables with what this version expects; exit with 1 if they differ."""
    differences = _with_engine(database_url, schema.check)
    if as_json:
        print_json({"differences": [*differences]})
    else:
        for difference in differences or ["The tables are as expected."]:
            click.echo(difference)
    if differences:
        raise click.ClickException("The tables differ: run `workflows db upgrade`.")


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
