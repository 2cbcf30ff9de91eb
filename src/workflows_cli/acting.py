"""Who acts, when a command does something.

Whoever has the address and the password of a database could write to it by other means. So they act as the application
itself (`Actor.trusted`): roles, assignments and tenants are not asked for, but the rules about who may not decide
(separation of duties) hold for the name that they act in, and the history keeps it.
"""

from __future__ import annotations

import getpass
from typing import Final

import click

from workflows_core.actors import Actor


def _actor(ctx: click.Context, param: click.Parameter, name: str | None) -> Actor | None:
    if ctx.resilient_parsing:
        return None
    name = (_login() if name is None else name).strip()
    if not name:
        raise click.BadParameter("say who you are: --as NAME, or WORKFLOWS_USER.", ctx=ctx, param=param)
    return Actor.trusted(name)


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a user that nobody has named
        return ""


acting_as: Final = click.option(
    "--as",
    "--actor",
    "actor",
    envvar="WORKFLOWS_USER",
    show_envvar=True,
    callback=_actor,
    metavar="NAME",
    help="In whose name to act; the history keeps it. Your login by default.",
)
