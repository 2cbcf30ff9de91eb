"""One thing done with many: with each for itself, and an answer for each."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar
from uuid import UUID

import click
from attrs import frozen

from workflows_cli.exits import REFUSED
from workflows_cli.printing import print_json
from workflows_cli.tables import Column, print_table
from workflows_core.data import JsonObject
from workflows_core.errors import WorkflowError

T = TypeVar("T")


@frozen
class Answer(Generic[T]):
    """What became of one of many.

    Attributes:
        id: Which one.
        done: How it is now, if it was done.
        error: Why it was not, otherwise.
    """

    id: UUID
    done: T | None = None
    error: WorkflowError | None = None


async def with_each(ids: Sequence[UUID], work: Callable[[UUID], Awaitable[T]]) -> list[Answer[T]]:
    """Do something with each; at a terminal tell how far it is."""
    answers: list[Answer[T]] = []
    is_hidden = len(ids) == 1 or not sys.stderr.isatty()
    with click.progressbar(ids, file=sys.stderr, hidden=is_hidden) as shown:
        for each in shown:
            try:
                answers.append(Answer(each, await work(each)))
            except WorkflowError as error:
                answers.append(Answer(each, error=error))
    return answers


def tell_each(
    answers: Sequence[Answer[T]],
    *,
    as_json: bool,
    document: Callable[[T], JsonObject],
    summary: Callable[[T], tuple[str, str]],
) -> None:
    """Tell what became of each.

    Args:
        answers: The answers.
        as_json: Whether to write a list for programs.
        document: Writes for programs what was done.
        summary: Says it to people: the status, and more about it.

    Raises:
        WorkflowError: If there is one answer alone, and it is a refusal.
        click.exceptions.Exit: If something was refused.
    """
    if as_json:
        print_json([_document(each, document) for each in answers])
    elif len(answers) == 1 and (refusal := answers[0].error) is not None:
        raise refusal
    elif answers:
        columns = (Column("ID"), Column("STATUS", is_status=True), Column("", least=20))
        print_table(columns, [[each.id, *_summary(each, summary)] for each in answers])
    if any(each.error is not None for each in answers):
        raise click.exceptions.Exit(REFUSED)


def _document(answer: Answer[T], document: Callable[[T], JsonObject]) -> JsonObject:
    return {
        "id": str(answer.id),
        "done": None if answer.done is None else document(answer.done),
        "error": None if answer.error is None else str(answer.error),
    }


def _summary(answer: Answer[T], summary: Callable[[T], tuple[str, str]]) -> tuple[str, str]:
    return ("refused", str(answer.error)) if answer.done is None else summary(answer.done)
