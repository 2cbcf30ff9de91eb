"""What the documentation takes from the code, and the places in the pages where it stands.

A page marks a place with two comments, `<!-- made: NAME -->` and `<!-- end -->`; what stands between is replaced.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from docs._make import commands, database, names, parts, rest, settings, states, workflows

DOCS: Final = Path(__file__).parents[1]
SECTIONS: Final[Mapping[str, Callable[[], str]]] = {
    "states of tokens": states.tokens,
    "states of tasks": states.tasks,
    "statuses of instances": states.instances,
    "database tables": database.database,
    "plugin options": settings.plugin,
    "problems": settings.problems,
    "refusals": rest.refusals,
    "operations": rest.operations,
    "names of the core": names.workflows_core,
    "names of the storage": names.workflows_sqla,
    "names of the plugin": names.workflows_litestar,
    "bodies": rest.schemas,
    "exit codes": commands.exits,
    "common options": commands.common,
    "commands": commands.commands,
}
PICTURES: Final[Mapping[str, Callable[[str], str]]] = {
    "parts": parts.parts,
    "tokens": states.token_chart,
    "tasks": states.task_chart,
}
DRAWINGS: Final[Mapping[str, Callable[[], str]]] = {"expense": workflows.expense, "travel": workflows.travel}
"""Pictures that are light or dark by themselves."""
_PLACE: Final = re.compile(r"(?<=<!-- made: )(?P<name>[a-z ]+) -->\n.*?(?=<!-- end -->)", re.DOTALL)


def made() -> Iterator[tuple[Path, str]]:
    """Make everything anew: each file that is made, or has a place in it, with the text it should have."""
    for name, draw in PICTURES.items():
        for palette in ("light", "dark"):
            yield DOCS / "_static" / f"{name}-{palette}.svg", draw(palette)
    for name, drawn in DRAWINGS.items():
        yield DOCS / "_static" / f"{name}.svg", drawn()
    for page in sorted(DOCS.glob("**/*.md")):
        text = page.read_text(encoding="utf-8")
        if _PLACE.search(text):
            yield page, _PLACE.sub(_filled, text)


def _filled(place: re.Match[str]) -> str:
    return f"{place['name']} -->\n\n{SECTIONS[place['name']]()}\n\n"
