"""The group of all commands: those of this package, and those that installed adapters announce."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import Final

import click

from workflows_cli.exits import INTERRUPTED
from workflows_cli.importing import NotFoundError
from workflows_cli.refusals import RefusedForPrograms, told
from workflows_core.errors import WorkflowError

GROUP: Final = "workflows.commands"
"""Entry points of this group name click commands."""

_FOR_PROGRAMS: Final = "workflows_cli.for_programs"
"""Under this key a context remembers whether `--json` was said."""

SECTIONS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "Workflows": {
            "validate": "workflows_cli.validate:validate_workflows",
            "graph": "workflows_cli.graph:graph",
            "run": "workflows_cli.run:run",
            "export": "workflows_cli.transfer:export",
            "import": "workflows_cli.transfer:import_",
        },
        "Instances": {
            "start": "workflows_cli.start:start",
            "instances": "workflows_cli.instances:instances",
            "instance": "workflows_cli.instance:instance",
            "message": "workflows_cli.message:message",
            "retry": "workflows_cli.operating:retry",
            "suspend": "workflows_cli.operating:suspend",
            "resume": "workflows_cli.operating:resume",
            "cancel": "workflows_cli.operating:cancel",
            "skip": "workflows_cli.operating:skip",
            "move": "workflows_cli.operating:move",
        },
        "Tasks": {
            "tasks": "workflows_cli.tasks:tasks",
            "task": "workflows_cli.tasks:task",
            "claim": "workflows_cli.tasks:claim",
            "complete": "workflows_cli.complete:complete",
        },
        "Processes, databases, shells": {
            "worker": "workflows_cli.worker:worker",
            "completion": "workflows_cli.completion:completion",
        },
    }
)
"""The commands of this package by the heading under which `--help` lists them; what is announced comes last."""


class AnnouncedCommands(click.Group):
    """A group that loads a command only when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in the order in which `--help` lists them."""
        return [name for names in sections().values() for name in names]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command; `None` if nobody announced it."""
        for names in sections().values():
            if cmd_name in names:
                return _loaded(cmd_name, names[cmd_name])
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands with a line each, under their headings."""
        for heading, names in sections().items():
            commands = [(name, _loaded(name, load)) for name, load in names.items()]
            width = formatter.width - 6 - max(map(len, self.list_commands(ctx)))
            with formatter.section(heading):
                formatter.write_dl([(name, command.get_short_help_str(width)) for name, command in commands])

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Remember whether the answer is for programs, for when the command itself is called wrongly."""
        ctx.meta[_FOR_PROGRAMS] = "--json" in args
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; what the engine refuses, and Ctrl-C, is a message and an exit code, not a traceback."""
        try:
            return super().invoke(ctx)
        except (WorkflowError, NotFoundError) as error:
            raise _as_asked(ctx, click.ClickException(told(error))) from error
        except click.ClickException as error:
            raise _as_asked(ctx, error) from error.__cause__
        except (KeyboardInterrupt, click.Abort):
            click.echo("Interrupted.", err=True)
            raise click.exceptions.Exit(INTERRUPTED) from None


def _as_asked(ctx: click.Context, error: click.ClickException) -> click.ClickException:
    return RefusedForPrograms(error) if ctx.meta.get(_FOR_PROGRAMS) else error


def sections() -> dict[str, dict[str, Callable[[], click.Command]]]:
    """Return heading to command to what loads it, in the order of `--help`."""
    found = {
        heading: {name: partial(_own, place) for name, place in names.items()}
        for heading, names in SECTIONS.items()
    }
    announced = {each.name: partial(_announced, each) for each in entry_points(group=GROUP)}
    last = found[list(found)[-1]]
    last.update({name: announced[name] for name in sorted(announced) if name not in _names(found)})
    return found  # type: ignore[return-value]  # partials are callables; the invariance of dict hides it


def _names(sections: Mapping[str, Mapping[str, object]]) -> set[str]:
    return {name for names in sections.values() for name in names}


def _own(place: str) -> click.Command:
    module, _, name = place.partition(":")
    command: click.Command = getattr(import_module(module), name)
    return command


def _announced(announced: EntryPoint) -> click.Command:
    command: click.Command = announced.load()
    return command


def _loaded(name: str, load: Callable[[], click.Command]) -> click.Command:
    """Load a command; what is not installed is said when the command is run, so that `--help` lists the others."""
    try:
        return load()
    except ModuleNotFoundError as error:
        return _unavailable(name, error.name or str(error))


def _unavailable(name: str, module: str) -> click.Command:
    message = (
        f"`workflows {name}` needs {module!r}, which is not installed: pip install 'workflows-litestar[all]'"
    )

    def refuse() -> None:
        raise click.ClickException(message)

    anything = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}
    return click.Command(
        name, callback=refuse, help=message, short_help="Not installed.", context_settings=anything
    )


@click.group(cls=AnnouncedCommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="workflows-litestar")
@click.pass_context
def workflows(context: click.Context, /) -> None:  # as `ctx` Litestar would hand it over a second time
    """Durable approvals and long-running processes."""
    if os.environ.get("NO_COLOR"):  # https://no-color.org
        context.color = False
