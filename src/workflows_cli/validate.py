"""`workflows validate`: everything that is wrong with definitions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click
from attrs import frozen

from workflows_cli.options import PLACE, Definitions, as_json
from workflows_cli.printing import clean, print_json, styled
from workflows_cli.problems import print_problems, problem_document
from workflows_core.errors import InvalidDefinitionError
from workflows_core.validation import Problem, validate

if TYPE_CHECKING:
    from workflows_core.data import JsonObject
    from workflows_core.definitions import WorkflowDefinition


@frozen
class Finding:
    """A definition with what is wrong with it."""

    name: str
    version: str | None
    problems: Sequence[Problem]

    @property
    def is_valid(self) -> bool:
        """Whether it can be registered."""
        return not any(problem.is_error for problem in self.problems)


@click.command(
    "validate", epilog=f"PLACE is {PLACE}, or a specification (JSON; - reads it from standard input)."
)
@click.argument("places", type=str, nargs=-1, required=True, metavar="PLACE...")
@click.option("--strict", is_flag=True, help="Count warnings as errors.")
@as_json
def validate_workflows(*, places: tuple[str, ...], strict: bool, as_json: bool) -> None:
    """Check workflow definitions.

    Prints everything that is wrong with them.

    Exits with 0 if all can be registered, with 1 if there are errors, with 2 if there is nothing to check in a PLACE.
    """
    findings = [finding for place in places for finding in _checked(place)]
    if as_json:
        print_json([_document(finding) for finding in findings])
    else:
        for finding in findings:
            _print(finding)
    if not all(finding.is_valid and not (strict and finding.problems) for finding in findings):
        raise click.exceptions.Exit(1)


def _checked(place: str) -> Iterator[Finding]:
    try:
        definitions: tuple[WorkflowDefinition, ...] = Definitions().convert(
            place, None, click.get_current_context()
        )
    except InvalidDefinitionError as error:  # the application registers it while it is imported
        yield Finding(error.name, None, error.problems)
        return
    for each in definitions:
        yield Finding(str(each.name), str(each.version), validate(each))


def _print(finding: Finding) -> None:
    name = clean(" ".join(filter(None, [finding.name, finding.version])))
    if not finding.problems:
        click.echo(f"{name}: {styled('completed', 'valid')}")
        return
    errors = sum(problem.is_error for problem in finding.problems)
    counts = [_counted(errors, "error"), _counted(len(finding.problems) - errors, "warning")]
    click.echo(f"{name}: {', '.join(filter(None, counts))}")
    print_problems(finding.problems)


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}" if number else ""


def _document(finding: Finding) -> JsonObject:
    return {
        "name": finding.name,
        "version": finding.version,
        "is_valid": finding.is_valid,
        "problems": [problem_document(problem) for problem in finding.problems],
    }
