"""`workflows instances`: the instances in a database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import click
from attrs import evolve

from workflows_cli import documents
from workflows_cli.filters import instance_filter
from workflows_cli.finding import find_workflows
from workflows_cli.hosts import with_engine
from workflows_cli.options import as_json, database_url, maybe_app
from workflows_cli.printing import note, print_json
from workflows_cli.tables import Column, print_table
from workflows_cli.times import span
from workflows_core.ports import InstanceOrder

if TYPE_CHECKING:
    from datetime import datetime

    from workflows_core.engine import ExecutionEngine
    from workflows_core.ports import InstanceQuery, InstanceSummary

_COLUMNS: Final = (
    Column("ID"),
    Column("STATUS", is_status=True),
    Column("WORKFLOW", least=8),
    Column("STEP", least=6),
    Column("AGE"),
)


@click.command()
@instance_filter
@click.option(
    "--order",
    type=click.Choice([str(each) for each in InstanceOrder]),
    default=str(InstanceOrder.NEWEST),
    show_default=True,
    help="In which order: by their start, or by their last change.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="NUMBER",
    default=50,
    show_default=True,
    help="At most so many.",
)
@click.option(
    "--offset",
    type=click.IntRange(min=0),
    metavar="NUMBER",
    default=0,
    help="Leave out so many at the front.",
)
@database_url
@maybe_app
@as_json
def instances(
    *,
    query: InstanceQuery,
    order: str,
    limit: int,
    offset: int,
    database_url: str,
    place: str | None,
    as_json: bool,
) -> None:
    """List instances, the newest first.

    Only --where needs --app: the code of workflows says what is searchable.
    """
    if query.data and place is None:
        raise click.UsageError("--where needs --app: the code of workflows says what is searchable.")
    registry = find_workflows(place) if query.data and place is not None else None
    asked = evolve(query, order=InstanceOrder(order), limit=limit + 1, offset=offset)

    async def work(engine: ExecutionEngine) -> tuple[Sequence[InstanceSummary], datetime]:
        return await engine.find_instances(asked), engine.clock.now()

    found, now = with_engine(work, database_url, registry)
    if as_json:
        print_json([documents.of_instance(each) for each in found[:limit]])
        return
    if not found:
        note("There are none.")
        return
    print_table(_COLUMNS, [_row(each, now) for each in found[:limit]])
    if len(found) > limit:
        note(f"There are more: --offset {offset + limit}.")


def _row(instance: InstanceSummary, now: datetime) -> list[object]:
    return [
        instance.id,
        instance.status,
        f"{instance.definition_name} {instance.definition_version}",
        instance.current_step,
        span(now - instance.started_at),
    ]
