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
from workflows_cli.listing import Part, in_parts
from workflows_cli.options import as_json, database_url, maybe_app
from workflows_cli.tables import Column
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
@in_parts
@database_url
@maybe_app
@as_json
def instances(
    *,
    query: InstanceQuery,
    order: str,
    part: Part,
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
    asked = part.of(evolve(query, order=InstanceOrder(order)))

    async def work(engine: ExecutionEngine) -> tuple[Sequence[InstanceSummary], datetime]:
        return await engine.find_instances(asked), engine.clock.now()

    found, now = with_engine(work, database_url, registry)
    part.show(
        found,
        as_json=as_json,
        document=documents.of_instance,
        columns=_COLUMNS,
        row=lambda each: _row(each, now),
    )


def _row(instance: InstanceSummary, now: datetime) -> list[object]:
    return [
        instance.id,
        instance.status,
        f"{instance.definition_name} {instance.definition_version}",
        instance.current_step,
        span(now - instance.started_at),
    ]
