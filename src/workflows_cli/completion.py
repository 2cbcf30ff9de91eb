"""`workflows completion`: what a shell needs to complete commands and options."""

from __future__ import annotations

from typing import Final

import click
from click.shell_completion import get_completion_class

_INTO: Final = {
    "bash": '~/.bashrc: eval "$(workflows completion bash)"',
    "zsh": '~/.zshrc, below compinit: eval "$(workflows completion zsh)"',
    "fish": "~/.config/fish/config.fish: workflows completion fish | source",
}
_PROGRAM: Final = "workflows"


@click.command(epilog="\b\nWrite this into\n" + "\n".join(f"  {into}" for into in _INTO.values()))
@click.argument("shell", type=click.Choice([*_INTO]))
def completion(*, shell: str) -> None:
    """Let a shell complete commands and options.

    Prints what the shell has to know for that.
    """
    kind = get_completion_class(shell)
    if kind is None:  # click knows these three
        raise click.UsageError(f"Nobody knows how to complete in {shell}.")
    group = click.get_current_context().find_root().command
    click.echo(kind(group, {}, _PROGRAM, f"_{_PROGRAM.upper()}_COMPLETE").source())
