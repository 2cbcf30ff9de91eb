"""`workflows instance`: everything about one instance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final
from uuid import UUID

import click

from workflows_cli import documents
from workflows_cli.hosts import explained, with_engine
from workflows_cli.options import as_json, database_url
from workflows_cli.printing import print_json, say
from workflows_cli.tables import Column, print_table
from workflows_cli.telling import heading, with_whom
from workflows_cli.times import moment

if TYPE_CHECKING:
    from workflows_core.engine import ExecutionEngine, Record
    from workflows_core.explanation import InstanceExplanation
    from workflows_core.history import StepExecution
    from workflows_core.instance import Instance
    from workflows_core.transition import HistoryEntry

_STEPS: Final = (
    Column("STEP", least=12),
    Column("STATUS", is_status=True),
    Column("BEGAN (UTC)"),
    Column("WHAT CAME OF IT", least=20),
)
_TASKS: Final = (Column("OPEN TASK"), Column("TITLE", least=12), Column("WITH", least=6))
_HISTORY: Final = (
    Column("#"),
    Column("AT (UTC)"),
    Column("BY", least=6),
    Column("WHAT HAPPENED", least=20),
)


@click.command()
@click.argument("instance_id", type=click.UUID, metavar="ID")
@click.option("--history", is_flag=True, help="Show every transition as well, and who caused it.")
@database_url
@as_json
def instance(*, instance_id: UUID, history: bool, database_url: str, as_json: bool) -> None:
    """Show everything about an instance.

    How it stands, what it waits for, what was done in it, and its data.
    """

    async def work(engine: ExecutionEngine) -> tuple[Record, InstanceExplanation]:
        record = await engine.get_record(instance_id)
        return record, await explained(engine, record.instance)

    record, explanation = with_engine(work, database_url)
    if as_json:
        document = documents.of_record(record, explanation)
        if history:
            document["history"] = [documents.of_entry(each) for each in record.entries]
        print_json(document)
        return
    click.echo(heading(record.instance))
    for line in (*_about(record.instance), *explanation.sentences):
        say(line)
    _print_steps(record.step_executions)
    _print_tasks(record.instance)
    if history:
        _print_history(record.entries)
    click.echo()
    click.secho("DATA", bold=True)
    print_json(record.instance.data)


def _about(instance: Instance) -> Iterator[str]:
    by = f" by {instance.created_by}" if instance.created_by else ""
    yield f"Started at {moment(instance.started_at)} UTC{by}."
    if instance.correlation_id:
        yield f"Its mark is {instance.correlation_id}."
    if instance.tenant_id:
        yield f"It belongs to the tenant {instance.tenant_id}."


def _print_steps(executions: Iterable[StepExecution]) -> None:
    rows = [[each.step_name, each.status, moment(each.started_at), _result(each)] for each in executions]
    if rows:
        click.echo()
        print_table(_STEPS, rows)


def _result(execution: StepExecution) -> str:
    said = [execution.outcome, f"by {execution.completed_by}" if execution.completed_by else None]
    if execution.attempt > 1:
        said.append(f"attempt {execution.attempt}")
    if execution.error is not None:
        said.append(str(execution.error))
    return " ".join(filter(None, said))


def _print_tasks(instance: Instance) -> None:
    rows = [[task.id, task.title, with_whom(task)] for task in instance.tasks.values()]
    if rows:
        click.echo()
        print_table(_TASKS, rows)


def _print_history(entries: Iterable[HistoryEntry]) -> None:
    click.echo()
    print_table(
        _HISTORY,
        [
            [
                entry.revision,
                moment(entry.at),
                entry.actor,
                ", ".join(dict.fromkeys(type(event).__name__ for event in entry.events)),
            ]
            for entry in entries
        ],
    )
