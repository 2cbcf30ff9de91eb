"""`workflows message`: something from outside, sent to whoever waits for it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import click

from workflows_cli.acting import acting_as
from workflows_cli.hosts import with_engine
from workflows_cli.inputs import JsonValue
from workflows_cli.options import app, as_json, database_url
from workflows_cli.printing import clean, moment_json, print_json
from workflows_cli.times import moment
from workflows_core.messages import TIME_TO_LIVE

if TYPE_CHECKING:
    from workflows_core.actors import Actor
    from workflows_core.data import Json
    from workflows_core.engine import ExecutionEngine
    from workflows_core.messages import Receipt
    from workflows_core.registry import WorkflowRegistry


@click.command()
@click.argument("name")
@click.option("--to", type=click.UUID, metavar="ID", help="The one instance that it is for.")
@click.option("--key", metavar="TEXT", help="Or else: the correlation key of the case that it is about.")
@click.option(
    "-d",
    "--data",
    "payload",
    type=JsonValue(),
    metavar="JSON",
    help="What it says: any JSON, @FILE that holds it, or - (standard input).",
)
@click.option(
    "--id", "message_id", metavar="TEXT", help="Names it: sent again under this id it changes nothing."
)
@click.option(
    "--ttl",
    type=click.FloatRange(min=0, min_open=True),
    default=TIME_TO_LIVE.total_seconds(),
    show_default=True,
    metavar="SECONDS",
    help="How long it is kept for somebody who will wait for it.",
)
@click.option("--tenant", metavar="NAME", help="Only instances of this tenant may take it.")
@acting_as
@database_url
@app
@as_json
def message(
    *,
    name: str,
    to: UUID | None,
    key: str | None,
    payload: Json,
    message_id: str | None,
    ttl: float,
    tenant: str | None,
    actor: Actor,
    database_url: str,
    registry: WorkflowRegistry,
    as_json: bool,
) -> None:
    """Send a message NAME to a step that waits for it, now or later."""
    if (to is None) == (key is None):
        raise click.UsageError("Say to whom: either --to ID, or --key TEXT.")

    async def work(engine: ExecutionEngine) -> Receipt:
        return await engine.publish_message(
            name,
            key,
            payload,
            message_id=message_id,
            ttl=timedelta(seconds=ttl),
            instance_id=to,
            tenant_id=tenant,
            user_id=actor.user_id,
        )

    receipt = with_engine(work, database_url, registry)
    if as_json:
        print_json(
            {
                "message_id": receipt.message_id,
                "instance_id": None if receipt.instance_id is None else str(receipt.instance_id),
                "expires_at": moment_json(receipt.expires_at),
            }
        )
    elif receipt.instance_id is not None:
        click.echo(f"{receipt.instance_id} took {clean(name)}.")
    else:
        click.echo(f"Nobody waits for {clean(name)} yet: it is kept until {moment(receipt.expires_at)} UTC.")
