"""`workflows graph`: the picture of a definition, or of one instance."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import click

from workflows_cli.hosts import with_engine
from workflows_cli.options import PLACE, Definitions, chosen, maybe_database_url
from workflows_cli.printing import write
from workflows_core.diagram import Diagram, diagram_of
from workflows_core.drawing.ascii import ascii_drawing
from workflows_core.drawing.svg import svg
from workflows_core.mermaid import mermaid

if TYPE_CHECKING:
    from workflows_core.definitions import WorkflowDefinition
    from workflows_core.engine import ExecutionEngine


@click.command(epilog=f"PLACE is {PLACE}, or a specification (JSON; - reads it from standard input).")
@click.argument("definitions", type=Definitions(), required=False, metavar="[PLACE]")
@click.option("--workflow", metavar="NAME[@VERSION]", help="Which one, where several are in the PLACE.")
@click.option(
    "--instance", type=click.UUID, metavar="ID", help="Draw this instance instead, with what is behind it."
)
@maybe_database_url
@click.option(
    "-f",
    "--format",
    "form",
    type=click.Choice(["ascii", "mermaid", "svg"]),
    default="ascii",
    show_default=True,
    help="For the terminal, as text of Mermaid, or as a picture.",
)
@click.option("--plain", is_flag=True, help="Draw with the signs of ASCII alone.")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")
def graph(
    *,
    definitions: tuple[WorkflowDefinition, ...] | None,
    workflow: str | None,
    instance: UUID | None,
    database_url: str | None,
    form: str,
    plain: bool,
    output: Path | None,
) -> None:
    """Draw a workflow, or one instance of it.

    What does not validate is drawn as far as it goes. A picture for the terminal that would be wider than it is
    written as a list.
    """
    if (definitions is None) == (instance is None):
        raise click.UsageError("Say what to draw: either a PLACE, or --instance ID.")
    if definitions is not None:
        definition = chosen(definitions, workflow)
        title, diagram = definition.name, diagram_of(definition)
    elif database_url is None or instance is None:
        raise click.UsageError("Say where the instance is: --database-url URL, or WORKFLOWS_DATABASE_URL.")
    else:
        title, diagram = with_engine(_of_instance(instance), database_url)
    write(
        _drawn(diagram, title, form, is_plain=plain or _knows_ascii_alone(output), columns=_columns(output)),
        output,
    )


def _of_instance(instance_id: UUID) -> Callable[[ExecutionEngine], Awaitable[tuple[str, Diagram]]]:
    async def read(engine: ExecutionEngine) -> tuple[str, Diagram]:
        record = await engine.get_record(instance_id)
        definition = await engine.get_definition(record.instance)
        return f"{definition.name} {instance_id}", diagram_of(definition, record.instance, record.entries)

    return read


def _drawn(diagram: Diagram, title: str, form: str, *, is_plain: bool, columns: int | None) -> str:
    if form == "mermaid":
        return mermaid(diagram)
    if form == "svg":
        return svg(diagram, title=title, standalone=True)
    return ascii_drawing(diagram, columns=columns, is_plain=is_plain)


def _columns(output: Path | None) -> int | None:
    return shutil.get_terminal_size().columns if output is None and sys.stdout.isatty() else None


def _knows_ascii_alone(output: Path | None) -> bool:
    """Whether what is written to could not show lines and marks."""
    if output is not None:
        return False
    try:
        "┌─✓".encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return True
    return False
