"""`workflows export` and `import`: specifications of definitions, from code and databases into files and back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from workflows_cli.exits import REFUSED
from workflows_cli.hosts import with_engine
from workflows_cli.options import PLACE, Definitions, as_json, database_url, maybe_database_url
from workflows_cli.printing import clean, json_text, note, print_json, styled, write
from workflows_cli.problems import print_problems, problem_document
from workflows_core.errors import InvalidDefinitionError
from workflows_core.keeping import Brought, Code, Fate, keep_definitions, needed_code
from workflows_core.validation import validate

if TYPE_CHECKING:
    from workflows_core.data import JsonObject
    from workflows_core.definitions import WorkflowDefinition
    from workflows_core.engine import ExecutionEngine
    from workflows_core.ports import StoredDefinition

_SAID: Final = {
    Fate.ADDED: ("completed", "added"),
    Fate.KNOWN: ("completed", "known already"),
    Fate.CONFLICT: ("failed", "refused, other content is known under this version: give it a new one"),
    Fate.INVALID: ("failed", "refused, it is not valid"),
}
_PLACES: Final = f"PLACE is {PLACE}, or a specification (JSON; - reads it from standard input)."


@click.command(epilog=_PLACES)
@click.argument("definitions", type=Definitions(), required=False, metavar="[PLACE]")
@click.option(
    "--workflow",
    "names",
    multiple=True,
    metavar="NAME[@VERSION]",
    help="This one alone, without a version all of its versions; may be given several times.",
)
@maybe_database_url
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")
def export(
    *,
    definitions: tuple[WorkflowDefinition, ...] | None,
    names: tuple[str, ...],
    database_url: str | None,
    output: Path | None,
) -> None:
    """Write specifications of definitions, as a list in JSON.

    Of the definitions in a PLACE, or else of those that a database keeps.
    """
    if definitions is not None:
        found = {f"{each.name}@{each.version}": _specification(each) for each in definitions}
    elif database_url is not None:
        stored = with_engine(_stored, database_url)
        found = {f"{each.name}@{each.version}": each.specification for each in stored}
    else:
        raise click.UsageError("Say what to export: a PLACE, or what is in a database (--database-url URL).")
    chosen = [specification for key, specification in found.items() if _is_meant(key, names)]
    for name in names:
        if not any(_is_meant(key, (name,)) for key in found):
            raise click.UsageError(f"There is no workflow {name!r}. There are: {', '.join(found) or 'none'}.")
    write(json_text(chosen), output)


def _specification(definition: WorkflowDefinition) -> JsonObject:
    problems = [problem for problem in validate(definition) if problem.is_error]
    if problems:
        raise InvalidDefinitionError(definition.name, problems)
    return definition.specification


async def _stored(engine: ExecutionEngine) -> Sequence[StoredDefinition]:
    async with engine.storage.unit_of_work() as unit:
        return await unit.definitions.find()


def _is_meant(key: str, names: tuple[str, ...]) -> bool:
    return not names or key in names or key.rpartition("@")[0] in names


@click.command("import", epilog=_PLACES)
@click.argument("places", type=Definitions(), nargs=-1, required=True, metavar="PLACE...")
@click.option("--dry-run", is_flag=True, help="Only say what would become of them.")
@database_url
@as_json
def import_(
    *,
    places: tuple[tuple[WorkflowDefinition, ...], ...],
    dry_run: bool,
    database_url: str,
    as_json: bool,
) -> None:
    """Keep definitions in a database.

    All of them, or none if one is refused. What is kept under a name and version never changes: nobody starts other
    content under it.

    A definition runs where the code that it names is registered with the same content; which code that is, is said.
    """
    definitions = [definition for place in places for definition in place]

    async def work(engine: ExecutionEngine) -> tuple[Brought, ...]:
        now = engine.clock.now()
        return await keep_definitions(engine.storage, definitions, at=now, is_rehearsal=dry_run)

    brought = with_engine(work, database_url)
    if as_json:
        print_json([_document(each) for each in brought])
    else:
        for each in brought:
            _print(each)
    is_refused = any(each.is_refused for each in brought)
    if is_refused or dry_run:
        note("Nothing was imported.")
    if is_refused:
        raise click.exceptions.Exit(REFUSED)


def _document(brought: Brought) -> JsonObject:
    return {
        "name": str(brought.definition.name),
        "version": str(brought.definition.version),
        "fate": str(brought.fate),
        "problems": [problem_document(problem) for problem in brought.problems],
        "needed_code": [
            {"name": each.name, "type": each.type, "part": each.part} for each in _needed(brought)
        ],
    }


def _needed(brought: Brought) -> tuple[Code, ...]:
    return () if brought.fate is Fate.INVALID else needed_code(brought.definition.specification)


def _print(brought: Brought) -> None:
    name = clean(f"{brought.definition.name} {brought.definition.version}")
    status, said = _SAID[brought.fate]
    click.echo(f"{name}: {styled(status, said)}")
    print_problems(brought.problems)
    for line in () if brought.is_refused else _lines(_needed(brought)):
        click.echo(f"  {line}")


def _lines(needed: Sequence[Code]) -> Iterator[str]:
    if needed:
        yield "To run it, a process needs:"
    for each in needed:
        what = "the function" if each.type is None else f"the {each.type}"
        yield f"  {what} {clean(each.name)}, for {clean(each.part)}"
