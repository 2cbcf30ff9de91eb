"""The group of all commands. It knows none of them: installed adapters announce theirs."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Final

import click

from workflows_core.errors import WorkflowError

GROUP: Final = "workflows.commands"
"""Entry points of this group name click commands."""


class AnnouncedCommands(click.Group):
    """A group that loads a command only when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all announced commands."""
        return sorted(_announced())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command; `None` if nobody announced it."""
        announced = _announced().get(cmd_name)
        return None if announced is None else _loaded(announced)

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; what the engine refuses is a message, not a traceback."""
        try:
            return super().invoke(ctx)
        except WorkflowError as error:
            raise click.ClickException(str(error)) from error


def _announced() -> dict[str, EntryPoint]:
    return {announced.name: announced for announced in entry_points(group=GROUP)}


def _loaded(announced: EntryPoint) -> click.Command:
    """Load a command; what is not installed is said when the command is run, so that `--help` lists the others."""
    try:
        command: click.Command = announced.load()
    except ModuleNotFoundError as error:
        return _unavailable(announced.name, error.name or str(error))
    return command


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


@click.group(cls=AnnouncedCommands)
@click.version_option(package_name="workflows-litestar")
def workflows() -> None:
    """Durable approvals and long-running processes."""
