"""Options that many commands have in common."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click
from click.shell_completion import CompletionItem

from workflows_cli.finding import NotFoundError, find_database, find_definitions, find_workflows
from workflows_core.errors import WorkflowError

if TYPE_CHECKING:
    from workflows_core.definitions import WorkflowDefinition

C = TypeVar("C", bound=Callable[..., Any])

PLACE: Final = "a module, module:name, or a file of Python, file.py:name"


class Application(click.ParamType[Any]):
    """A place where the code of workflows is."""

    name = "app"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the registry with what is there."""
        if ctx is not None and isinstance(value, str):
            ctx.meta[_APP] = value
        try:
            return find_workflows(value) if isinstance(value, str) else value
        except NotFoundError as error:
            self.fail(str(error), param, ctx)
        except WorkflowError as error:
            raise click.ClickException(str(error)) from error

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Let the shell complete names of files."""
        return [CompletionItem(incomplete, type="file")]


class Definitions(Application):
    """A place where definitions are: code, or a specification."""

    name = "definitions"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the definitions that are there, valid or not."""
        try:
            return find_definitions(value) if isinstance(value, str) else value
        except NotFoundError as error:
            self.fail(str(error), param, ctx)


_URL: Final = "Such as sqlite+aiosqlite:///workflows.db or postgresql+asyncpg://user@host/name."
_APP_VARIABLES: Final = ("WORKFLOWS_APP", "LITESTAR_APP")
_APP: Final = "workflows_cli.app"
"""Under this key a context remembers the place that `--app` names."""


def _of_application(ctx: click.Context, param: click.Parameter, url: str | None) -> str | None:
    """Return the address that was given, or else that of the application that was named."""
    if url is not None or ctx.resilient_parsing:
        return url
    place: str | None = ctx.meta.get(_APP) or next(filter(None, map(os.environ.get, _APP_VARIABLES)), None)
    found = None if place is None else find_database(place)
    if found is None:
        raise click.MissingParameter(ctx=ctx, param=param)
    return found


database_url: Final = click.option(
    "--database-url",
    envvar="WORKFLOWS_DATABASE_URL",
    show_envvar=True,
    callback=_of_application,
    metavar="URL",
    help=f"{_URL} By default that of the application.",
)
maybe_database_url: Final = click.option(
    "--database-url", envvar="WORKFLOWS_DATABASE_URL", show_envvar=True, metavar="URL", help=_URL
)
wait: Final = click.option(
    "--wait",
    type=click.FloatRange(min=0),
    default=0.0,
    metavar="SECONDS",
    help="Wait until nothing moves the instance any more but people, messages or time; at most so long.",
)
as_json: Final = click.option("--json", "as_json", is_flag=True, help="Write JSON, for programs.")


app: Final = click.option(
    "--app",
    "registry",
    type=Application(),
    envvar=_APP_VARIABLES,
    show_envvar=True,
    is_eager=True,  # it may say where the database is
    required=True,
    metavar="MODULE[:NAME]",
    help="Where the workflows are: a registry, definitions, a function that returns them, or an application with the "
    "plugin. A file of Python will do, too: workflows.py or workflows.py:name.",
)


def _remembered(ctx: click.Context, _: click.Parameter, place: str | None) -> str | None:
    if place is not None:
        ctx.meta[_APP] = place
    return place


maybe_app: Final = click.option(
    "--app",
    "place",
    envvar=_APP_VARIABLES,
    show_envvar=True,
    is_eager=True,
    callback=_remembered,
    metavar="MODULE[:NAME]",
    help="Where the workflows are; it is only looked at where that is needed.",
)


def reason(usual: str | None = None) -> Callable[[C], C]:
    """Return the option that says why somebody does something; it is required unless there is a usual reason."""
    help_ = "Why; the history keeps it."
    if usual is None:
        return click.option("--reason", required=True, metavar="TEXT", help=help_)
    return click.option("--reason", default=usual, show_default=True, metavar="TEXT", help=help_)


def chosen(definitions: tuple[WorkflowDefinition, ...], name: str | None) -> WorkflowDefinition:
    """Return the definition that is meant by `NAME` or `NAME@VERSION`; the only one, if no name was given.

    Of several versions of one workflow the last is meant.

    Raises:
        click.UsageError: If there is none, or several.
    """
    known = {f"{each.name}@{each.version}": each for each in definitions}
    by_name = {each.name: each for each in definitions}
    if name is None and len(by_name) == 1:
        return definitions[-1]
    there = f"There are: {', '.join(known)}."
    if name is None:
        raise click.UsageError(f"Several workflows are there: say which with --workflow NAME. {there}")
    found = known.get(name) or by_name.get(name)
    if found is None:
        raise click.UsageError(f"There is no workflow {name!r}. {there}")
    return found
