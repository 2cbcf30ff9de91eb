"""What is wrong with a definition, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from workflows_cli.printing import clean, styled

if TYPE_CHECKING:
    from workflows_core.data import JsonObject
    from workflows_core.validation import Problem


def print_problems(problems: Iterable[Problem]) -> None:
    """Tell people each problem, where it is, and how to mend it."""
    for problem in problems:
        label = styled(problem.severity, f"{problem.severity:<7}")
        click.echo(f"  {label}  {clean(problem.path or '/')}  [{problem.code}]")
        click.echo(f"           {clean(problem.detail)}")
        if problem.hint:
            click.echo(f"           {clean(problem.hint)}")


def problem_document(problem: Problem) -> JsonObject:
    """Write a problem for programs."""
    return {
        "code": problem.code,
        "severity": str(problem.severity),
        "path": problem.path,
        "step": problem.step,
        "detail": problem.detail,
        "hint": problem.hint,
    }
