"""What became of an instance, told by the command that did something to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from workflows_cli import documents
from workflows_cli.exits import REFUSED, STILL_GOING
from workflows_cli.printing import clean, print_json, say, styled
from workflows_core.states import InstanceStatus

if TYPE_CHECKING:
    from workflows_core.explanation import InstanceExplanation
    from workflows_core.instance import Instance
    from workflows_core.tasks import Task


def tell_instance(
    instance: Instance, explanation: InstanceExplanation, *, as_json: bool, waited: float = 0
) -> None:
    """Tell how an instance stands, and end with what that means for somebody who has waited for it.

    Raises:
        click.exceptions.Exit: If it has failed, or still goes on, in spite of waiting.
    """
    if as_json:
        print_json(documents.of_instance(instance))
    else:
        click.echo(heading(instance))
        for sentence in explanation.sentences:
            say(sentence)
    if waited and instance.status is InstanceStatus.FAILED:
        raise click.exceptions.Exit(REFUSED)
    if waited and not instance.is_resting:
        raise click.exceptions.Exit(STILL_GOING)


def heading(instance: Instance) -> str:
    """Return the line that names an instance."""
    name = click.style(clean(f"{instance.definition_name} {instance.definition_version}"), bold=True)
    return f"{instance.id}  {name}  {styled(instance.status)}"


def with_whom(task: Task) -> str:
    """Say who holds a task, or could take it."""
    offered = ", ".join((*task.candidate_users, *task.groups)) or ("anybody" if task.for_anyone else "nobody")
    return task.assignee or offered
