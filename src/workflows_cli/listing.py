"""Lists: which part of one is asked for, and showing it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click
from attrs import evolve, frozen

from workflows_cli.printing import note, print_json
from workflows_cli.tables import Column, print_table

if TYPE_CHECKING:
    from workflows_core.data import Json
    from workflows_core.ports import InstanceQuery, TaskQuery

T = TypeVar("T")
Q = TypeVar("Q", "InstanceQuery", "TaskQuery")


@frozen
class Part:
    """Which part of a list is asked for.

    Attributes:
        limit: At most so many.
        offset: Leave out so many at the front.
    """

    limit: int
    offset: int

    def of(self, query: Q) -> Q:
        """Keep a query to this part and one more, which tells that there are more."""
        return evolve(query, limit=self.limit + 1, offset=self.offset)

    def show(
        self,
        found: Sequence[T],
        *,
        as_json: bool,
        document: Callable[[T], Json],
        columns: Sequence[Column],
        row: Callable[[T], Sequence[object]],
    ) -> None:
        """Write what was found: as JSON, or as a table that says where to go on."""
        shown = found[: self.limit]
        if as_json:
            print_json([document(each) for each in shown])
            return
        if not shown:
            note("There are none.")
            return
        print_table(columns, [row(each) for each in shown])
        if len(found) > self.limit:
            note(f"There are more: --offset {self.offset + self.limit}.")


_OPTIONS: Final = (
    click.option(
        "--limit",
        type=click.IntRange(min=1),
        metavar="NUMBER",
        default=50,
        show_default=True,
        help="At most so many.",
    ),
    click.option(
        "--offset",
        type=click.IntRange(min=0),
        metavar="NUMBER",
        default=0,
        help="Leave out so many at the front.",
    ),
)


def in_parts(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say which part of its list is asked for; it gets them as one `part`."""

    @wraps(command)
    def parted(*, limit: int, offset: int, **others: Any) -> None:
        command(part=Part(limit, offset), **others)

    for option in reversed(_OPTIONS):
        parted = option(parted)
    return parted
