"""`workflows run`: one instance in memory, from its start to its end or to where it waits for the world."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from workflows_cli import inputs
from workflows_cli.acting import acting_as
from workflows_cli.asking import ask_form, ask_option, ask_outcome, is_asked
from workflows_cli.inputs import Completion
from workflows_cli.options import Application, as_json, chosen
from workflows_cli.printing import clean, note
from workflows_cli.trial import Trial
from workflows_core.engine import LocalExecutionEngine
from workflows_core.errors import WorkflowError
from workflows_core.states import InstanceStatus

if TYPE_CHECKING:
    from workflows_core.actors import Actor
    from workflows_core.data import Json, JsonObject
    from workflows_core.definitions import WorkflowDefinition
    from workflows_core.registry import WorkflowRegistry
    from workflows_core.tasks import Task


@click.command(epilog="PLACE is a file of Python, file.py:name, a module, or module:name.")
@click.argument("registry", type=Application(), metavar="PLACE")
@inputs.data
@inputs.assignments
@click.option("--workflow", metavar="NAME[@VERSION]", help="Which one, where several are in the PLACE.")
@click.option(
    "-c",
    "--complete",
    "completions",
    type=inputs.CompletionOf(),
    multiple=True,
    metavar="[USER@]STEP[=OUTCOME][:JSON]",
    help="Complete the task of this step when it is reached; may be given several times, also for one step.",
)
@click.option(
    "-m",
    "--message",
    "messages",
    type=inputs.MessageOf(),
    multiple=True,
    metavar="NAME[:JSON]",
    help="Send it this message.",
)
@click.option(
    "--patience",
    type=click.FloatRange(min=0),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for timers, and for pauses between attempts.",
)
@ask_option
@acting_as
@as_json
def run(
    *,
    registry: WorkflowRegistry,
    data: JsonObject | None,
    assignments: tuple[tuple[str, Json], ...],
    workflow: str | None,
    completions: tuple[Completion, ...],
    messages: tuple[tuple[str, Json], ...],
    patience: float,
    ask: bool | None,
    actor: Actor,
    as_json: bool,
) -> None:
    """Run a workflow in memory, to its end or to where it waits.

    Nothing is kept. At a terminal you are asked for what the tasks need, whoever they are for.

    Exits with 0 if it completed or waits, with 1 if it failed.
    """
    definition = chosen(tuple(registry.get_definition(*key) for key in registry.list_keys()), workflow)
    _check(completions, definition)
    engine = LocalExecutionEngine(registry)
    trial = Trial(engine, actor, completions, messages, patience=patience, is_quiet=as_json)
    asks = is_asked(ask, as_json=as_json)
    with asyncio.Runner() as runner:  # people are asked between its runs: Ctrl-C is theirs there
        try:
            runner.run(trial.start(definition, inputs.merged(data, assignments)))
            while (task := runner.run(trial.go_on())) is not None and asks:
                _ask(runner, trial, task)
            status = runner.run(trial.tell())
        finally:
            runner.run(trial.end())
    if status is InstanceStatus.FAILED:
        raise click.exceptions.Exit(1)


def _check(completions: Iterable[Completion], definition: WorkflowDefinition) -> None:
    unknown = [each.step for each in completions if each.step not in definition.steps]
    if unknown:
        raise click.BadParameter(
            f"{definition.name!r} has no step {unknown[0]!r}. There are: {', '.join(definition.steps)}.",
            param_hint="--complete",
        )


def _ask(runner: asyncio.Runner, trial: Trial, task: Task) -> None:
    """Ask for what a task needs until it is accepted."""
    click.echo()
    click.secho(clean(task.title), bold=True)
    if task.description:
        click.echo(clean(task.description))
    while True:
        user = click.prompt("Who does it", default=trial.who_does(task))
        answer = Completion(task.step_name, ask_outcome(task), ask_form(task), user)
        try:
            runner.run(trial.complete(task, answer))
        except WorkflowError as error:
            note(f"{error}")
        else:
            return
