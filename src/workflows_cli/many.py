"""Several instances that something is done to, with each for itself: those that are named, or that a filter finds."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import partial, wraps
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click
from attrs import frozen

from workflows_cli import documents
from workflows_cli.acting import acting_as
from workflows_cli.each import Answer, tell_each, with_each
from workflows_cli.exits import REFUSED
from workflows_cli.filters import instance_filter
from workflows_cli.hosts import with_engine
from workflows_cli.options import app, as_json, database_url
from workflows_cli.printing import note
from workflows_core.instance import Instance
from workflows_core.ports import InstanceQuery
from workflows_core.registry import WorkflowRegistry
from workflows_core.states import InstanceStatus

if TYPE_CHECKING:
    from workflows_core.engine import ExecutionEngine


@frozen(kw_only=True)
class Many:
    """Instances in a database.

    Attributes:
        ids: Those that were named.
        query: Or else what finds them.
        is_sure: Whether nobody is to be asked before something is done to what was found.
        database_url: Where they are.
        registry: The definitions that they run.
        as_json: Whether the answers are for programs.
    """

    ids: tuple[UUID, ...]
    query: InstanceQuery
    is_sure: bool
    database_url: str
    registry: WorkflowRegistry
    as_json: bool

    def operate(
        self,
        verb: str,
        usual: Collection[InstanceStatus],
        work: Callable[[ExecutionEngine, UUID], Awaitable[Instance]],
    ) -> None:
        """Do something to each, and tell what became of it.

        Args:
            verb: What is done, as the command is called.
            usual: The statuses in which a filter without one looks.
            work: Does it.

        Raises:
            click.UsageError: If nobody said to which.
        """
        chosen = self._chosen(verb, usual)

        async def run(engine: ExecutionEngine) -> list[Answer[Instance]]:
            return await with_each(chosen, partial(work, engine))

        answers = with_engine(run, self.database_url, self.registry) if chosen else []
        tell_each(answers, as_json=self.as_json, document=documents.of_instance, summary=_summary)

    def _chosen(self, verb: str, usual: Collection[InstanceStatus]) -> Sequence[UUID]:
        if bool(self.ids) == (self.query != InstanceQuery()):
            raise click.UsageError(
                f"Say which instances to {verb}: name them, or give a filter such as --workflow NAME."
            )
        if self.ids:
            return self.ids
        found = with_engine(partial(_found, query=self.query, usual=usual), self.database_url, self.registry)
        if not found:
            note(f"There is nothing to {verb}.")
        elif not self.is_sure:
            _confirm(verb, len(found))
        return found


def on_instances(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command what says which instances, where they are, and in whose name; it gets `many` and `actor`."""

    @wraps(command)
    def gathered(
        *,
        ids: tuple[UUID, ...],
        query: InstanceQuery,
        is_sure: bool,
        database_url: str,
        registry: WorkflowRegistry,
        as_json: bool,
        **others: Any,
    ) -> None:
        many = Many(
            ids=ids,
            query=query,
            is_sure=is_sure,
            database_url=database_url,
            registry=registry,
            as_json=as_json,
        )
        command(many=many, **others)

    named = click.argument("ids", type=click.UUID, nargs=-1, metavar="[ID]...")
    sure = click.option(
        "--yes", "is_sure", is_flag=True, help="Do not ask before it is done to what was found."
    )
    made: Callable[..., None] = gathered
    for option in (as_json, app, database_url, acting_as, sure, instance_filter, named):
        made = option(made)
    return made


async def _found(
    engine: ExecutionEngine, *, query: InstanceQuery, usual: Collection[InstanceStatus]
) -> tuple[UUID, ...]:
    found = await engine.find_instances(query)
    return tuple(each.id for each in found if query.status is not None or each.status in usual)


def _confirm(verb: str, count: int) -> None:
    what = "1 instance" if count == 1 else f"{count} instances"
    if not sys.stdin.isatty():
        raise click.UsageError(
            f"This would {verb} {what}: say --yes. `workflows instances` lists what a filter finds."
        )
    if not click.confirm(f"{verb.capitalize()} {what}?", err=True):
        note("Nothing was done.")
        raise click.exceptions.Exit(REFUSED)


def _summary(instance: Instance) -> tuple[str, str]:
    return instance.status, f"at {instance.current_step}" if instance.current_step else ""
