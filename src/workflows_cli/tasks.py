"""`workflows tasks`, `task` and `claim`: what waits for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final
from uuid import UUID

import click

from workflows_cli import documents
from workflows_cli.acting import acting_as
from workflows_cli.each import Answer, tell_each, with_each
from workflows_cli.hosts import with_engine
from workflows_cli.listing import Part, in_parts
from workflows_cli.options import app, as_json, database_url
from workflows_cli.printing import clean, print_json, say, styled
from workflows_cli.tables import Column, print_table
from workflows_cli.telling import with_whom
from workflows_cli.times import due
from workflows_core.actors import Actor
from workflows_core.ports import TaskOrder, TaskQuery
from workflows_core.states import TaskStatus

if TYPE_CHECKING:
    from datetime import datetime

    from workflows_core.engine import ExecutionEngine
    from workflows_core.explanation import TaskExplanation
    from workflows_core.registry import WorkflowRegistry
    from workflows_core.tasks import Task

_COLUMNS: Final = (
    Column("ID"),
    Column("TITLE", least=12),
    Column("WORKFLOW", least=8),
    Column("WITH", least=6),
    Column("DUE"),
)
_ANY: Final = "any"


@click.command()
@click.option(
    "--status",
    type=click.Choice([*map(str, TaskStatus), _ANY]),
    default=str(TaskStatus.PENDING),
    show_default=True,
    help="Only those in this status.",
)
@click.option("--for", "user", metavar="NAME", help="Only those that this user holds, or could take by name.")
@click.option("--assignee", metavar="NAME", help="Only those that this user holds.")
@click.option("--group", metavar="NAME", help="Only those that are offered to this group.")
@click.option("--workflow", metavar="NAME", help="Only those of this workflow, any version.")
@click.option("--instance", type=click.UUID, metavar="ID", help="Only those of this instance.")
@click.option("--overdue", is_flag=True, help="Only those that should have been done before now.")
@click.option("--search", metavar="TEXT", help="Only those with these words in their title.")
@click.option("--tenant", metavar="NAME", help="Only those of this tenant.")
@click.option(
    "--order",
    type=click.Choice([*map(str, TaskOrder)]),
    default=str(TaskOrder.DUE),
    show_default=True,
    help="In which order.",
)
@in_parts
@database_url
@as_json
def tasks(
    *,
    status: str,
    user: str | None,
    assignee: str | None,
    group: str | None,
    workflow: str | None,
    instance: UUID | None,
    overdue: bool,
    search: str | None,
    tenant: str | None,
    order: str,
    part: Part,
    database_url: str,
    as_json: bool,
) -> None:
    """List what waits for people, the most urgent first."""

    async def work(engine: ExecutionEngine) -> tuple[Sequence[Task], datetime]:
        now = engine.clock.now()
        query = TaskQuery(
            status=None if status == _ANY else TaskStatus(status),
            for_actor=None if user is None else Actor(user),
            assignee=assignee,
            assignee_group=group,
            definition_name=workflow,
            instance_id=instance,
            due_before=now if overdue else None,
            text=search,
            tenant_id=tenant,
            order=TaskOrder(order),
        )
        return await engine.find_tasks(part.of(query)), now

    found, now = with_engine(work, database_url)
    part.show(
        found, as_json=as_json, document=documents.of_task, columns=_COLUMNS, row=lambda each: _row(each, now)
    )


def _row(task: Task, now: datetime) -> list[object]:
    ending = due(task.due_at, now) if task.is_open else str(task.status)
    return [task.id, task.title, task.definition_name, with_whom(task), ending]


@click.command()
@click.argument("task_id", type=click.UUID, metavar="ID")
@database_url
@as_json
def task(*, task_id: UUID, database_url: str, as_json: bool) -> None:
    """Show a task.

    What is to be decided, with whom it is, and what would follow.
    """
    found, explanation = read_task(task_id, database_url)
    if as_json:
        print_json({**documents.of_task(found), "explanation": [*_sentences(explanation)]})
    else:
        print_task(found, explanation)


def read_task(task_id: UUID, database_url: str) -> tuple[Task, TaskExplanation]:
    """Read a task, and what is to be known about it."""

    async def work(engine: ExecutionEngine) -> tuple[Task, TaskExplanation]:
        return await engine.get_task(task_id), await engine.tasks.explain(task_id, Actor.trusted(None))

    return with_engine(work, database_url)


def print_task(task: Task, explanation: TaskExplanation) -> None:
    """Show a task to people."""
    click.echo(f"{task.id}  {click.style(clean(task.title), bold=True)}  {styled(task.status)}")
    if task.description:
        say(task.description)
    for sentence in _sentences(explanation):
        say(sentence)
    fields = [*_fields(task)]
    if fields:
        click.echo()
        print_table((Column("FIELD", least=8), Column("TYPE", least=6), Column("WHAT", least=12)), fields)


def _sentences(explanation: TaskExplanation) -> Iterator[str]:
    """All of it but what one person may do: who acts is said only when something is done."""
    yield explanation.summary
    for consequence in explanation.consequences:
        yield consequence.sentence


def _fields(task: Task) -> Iterator[tuple[str, str, str]]:
    schema = task.form_schema if task.is_open and task.form_schema is not None else {}
    fields, required = schema.get("properties"), schema.get("required")
    for name, said in fields.items() if isinstance(fields, dict) else ():
        about = said if isinstance(said, dict) else {}
        needed = "required" if isinstance(required, list) and name in required else ""
        title = str(about.get("title", ""))
        yield name, str(about.get("type", "JSON")), ", ".join(filter(None, (title, needed)))


@click.command()
@click.argument("ids", type=click.UUID, nargs=-1, required=True, metavar="ID...")
@click.option("--reason", metavar="TEXT", help="Why; the history keeps it.")
@acting_as
@database_url
@app
@as_json
def claim(
    *,
    ids: tuple[UUID, ...],
    reason: str | None,
    actor: Actor,
    database_url: str,
    registry: WorkflowRegistry,
    as_json: bool,
) -> None:
    """Take tasks that nobody holds, in the name of `--as`."""

    async def work(engine: ExecutionEngine) -> list[Answer[Task]]:
        return await with_each(ids, lambda each: engine.tasks.claim(each, reason=reason, actor=actor))

    answers = with_engine(work, database_url, registry)
    tell_each(
        answers,
        as_json=as_json,
        document=documents.of_task,
        summary=lambda task: (str(task.state), f"to {task.assignee}"),
    )
