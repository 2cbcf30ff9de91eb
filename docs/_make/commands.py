"""Writes the command line as Markdown: every command, its options, and what it ends with."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Final

import click

from docs._make.states import table
from workflows_cli.exits import EXITS
from workflows_cli.group import sections, workflows

_COMMON: Final = ("--database-url", "--app", "--as", "--json")
"""Options that are told once, at the top: they mean the same wherever they are."""
_SOURCE: Final = "start"
"""A command that has all of them."""
_HEAD: Final = ("option", "meaning")


def exits() -> str:
    """Write every exit code."""
    return table(["code", "meaning"], [[str(code), meaning] for code, meaning in EXITS.items()])


def common() -> str:
    """Write the options that many commands have."""
    context = _context(_SOURCE)
    return table(_HEAD, [_row(each, context) for each in _options(context) if _is_common(each)])


def commands() -> str:
    """Write every command."""
    return "\n\n".join(part for heading, names in sections().items() for part in _section(heading, names))


def _section(heading: str, names: Mapping[str, object]) -> Iterator[str]:
    yield f"## {heading}"
    for name in names:
        context = _context(name)
        yield from _command(context)
        if isinstance(context.command, click.Group):
            for sub in context.command.commands.values():
                yield from _command(click.Context(sub, info_name=sub.name, parent=context))


def _context(name: str) -> click.Context:
    root = click.Context(workflows, info_name="workflows")
    command = workflows.get_command(root, name)
    assert command is not None, name
    return click.Context(command, info_name=name, parent=root)


def _command(context: click.Context) -> Iterator[str]:
    command = context.command
    yield f"### `{context.command_path}`"
    yield f"`{' '.join([context.command_path, *command.collect_usage_pieces(context)])}`"
    yield inspect.cleandoc(command.help or "")
    if command.epilog and "\b" not in command.epilog:
        yield command.epilog
    rows = [_row(each, context) for each in _options(context) if not _is_common(each)]
    if rows:
        yield table(_HEAD, rows)
    common = [f"`{each.opts[0]}`" for each in _options(context) if _is_common(each)]
    if common:
        yield f"And {', '.join(common)}."


def _options(context: click.Context) -> list[click.Option]:
    return [each for each in context.command.params if isinstance(each, click.Option)]


def _is_common(option: click.Option) -> bool:
    return option.opts[0] in _COMMON


def _row(option: click.Option, context: click.Context) -> list[str]:
    given = [*option.opts, *option.secondary_opts]
    names = sorted(dict.fromkeys(given), key=lambda name: not name.startswith("--"))
    metavar = "" if option.is_flag else f" {_metavar(option, context)}"
    said = [option.help or "", *_more(option)]
    return [", ".join(f"`{name}`" for name in [*names[:-1], f"{names[-1]}{metavar}"]), " ".join(said)]


def _metavar(option: click.Option, context: click.Context) -> str:
    if isinstance(option.type, click.Choice):
        return option.opts[-1].lstrip("-").upper()
    return option.make_metavar(context)


def _more(option: click.Option) -> Iterator[str]:
    if isinstance(option.type, click.Choice):
        yield f"One of {', '.join(f'`{each}`' for each in option.type.choices)}."
    if option.required:
        yield "It is required."
    elif option.show_default:
        yield f"By default `{re.sub('[.]0$', '', str(option.default))}`."
    variables = [option.envvar] if isinstance(option.envvar, str) else [*(option.envvar or ())]
    if variables:
        yield f"Or {' or '.join(f'`{each}`' for each in variables)} in the environment."
