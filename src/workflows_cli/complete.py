"""`workflows complete`: a task done, in one line or by answering what its form asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import click

from workflows_cli import inputs
from workflows_cli.acting import acting_as
from workflows_cli.asking import ask_form, ask_option, ask_outcome, is_asked
from workflows_cli.hosts import explained, rested, with_engine
from workflows_cli.options import app, as_json, database_url, wait
from workflows_cli.printing import note
from workflows_cli.refusals import told
from workflows_cli.tasks import print_task, read_task
from workflows_cli.telling import tell_instance
from workflows_core.errors import FormValidationError, InvalidDataError

if TYPE_CHECKING:
    from workflows_core.actors import Actor
    from workflows_core.data import Json, JsonObject
    from workflows_core.engine import ExecutionEngine
    from workflows_core.explanation import InstanceExplanation
    from workflows_core.instance import Instance
    from workflows_core.registry import WorkflowRegistry


@click.command()
@click.argument("task_id", type=click.UUID, metavar="ID")
@click.option("--outcome", metavar="NAME", help="How it is decided, where it has named outcomes.")
@inputs.data
@inputs.assignments
@click.option("--comment", metavar="TEXT", help="What else there is to say.")
@click.option(
    "--revision",
    type=click.IntRange(min=1),
    metavar="NUMBER",
    help="The revision of the task that was seen: if it has changed since, nothing happens.",
)
@ask_option
@wait
@acting_as
@database_url
@app
@as_json
def complete(
    *,
    task_id: UUID,
    outcome: str | None,
    data: JsonObject | None,
    assignments: tuple[tuple[str, Json], ...],
    comment: str | None,
    revision: int | None,
    ask: bool | None,
    wait: float,
    actor: Actor,
    database_url: str,
    registry: WorkflowRegistry,
    as_json: bool,
) -> None:
    """Complete a task, in the name of `--as`.

    At a terminal you are asked for its outcome and its form, unless you give one of them. With --wait it ends with 1 if
    the instance has failed then, and with 3 if it still goes on.
    """
    given = inputs.merged(data, assignments)

    def do(outcome: str | None, given: JsonObject, revision: int | None) -> None:
        async def work(engine: ExecutionEngine) -> tuple[Instance, InstanceExplanation]:
            done = await engine.complete_task(
                task_id, given, outcome=outcome, comment=comment, revision=revision, actor=actor
            )
            instance = await rested(engine, done, wait)
            return instance, await explained(engine, instance)

        instance, explanation = with_engine(work, database_url, registry)
        tell_instance(instance, explanation, as_json=as_json, waited=wait)

    is_said = outcome is not None or bool(given)
    if is_said or not is_asked(ask, as_json=as_json):
        do(outcome, given, revision)
        return
    task, explanation = read_task(task_id, database_url)
    print_task(task, explanation)
    while True:
        click.echo()
        said = (ask_outcome(task), ask_form(task)) if task.is_open else (None, {})
        try:
            do(*said, revision or task.revision)
        except (FormValidationError, InvalidDataError) as error:
            note(told(error))
        else:
            return
