"""Definitions brought into a storage before anybody starts them: checked, and all or none.

A storage remembers what its instances were started with. What is kept there beforehand is content under a name and a
version, and nobody starts other content under the same; it does not run by itself, for of its code a specification has
the names alone (`needed_code`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

from attrs import frozen

from workflows_core.data import Json, JsonObject
from workflows_core.forms import JSON_SCHEMA
from workflows_core.ports import StoredDefinition
from workflows_core.validation import Problem, validate

if TYPE_CHECKING:
    from datetime import datetime

    from workflows_core.definitions import WorkflowDefinition
    from workflows_core.ports import DefinitionKey, FormValidator, Storage


class Fate(StrEnum):
    """What becomes of a definition that is brought into a storage."""

    ADDED = "added"
    """It was not known there, and is now."""
    KNOWN = "known"
    """The same is kept there already."""
    CONFLICT = "conflict"
    """Other content is kept there (or is brought with it) under its name and version."""
    INVALID = "invalid"
    """It does not validate."""


@frozen
class Brought:
    """A definition, and what became of it.

    Attributes:
        definition: The definition.
        fate: What became of it; what would become of it where something else was refused.
        problems: Everything that is wrong with it, warnings as well.
    """

    definition: WorkflowDefinition
    fate: Fate
    problems: tuple[Problem, ...] = ()

    @property
    def is_refused(self) -> bool:
        """Whether it cannot be kept."""
        return self.fate in {Fate.CONFLICT, Fate.INVALID}


async def keep_definitions(
    storage: Storage,
    definitions: Sequence[WorkflowDefinition],
    *,
    at: datetime,
    forms: FormValidator = JSON_SCHEMA,
    is_rehearsal: bool = False,
) -> tuple[Brought, ...]:
    """Keep definitions in a storage; if one is refused, or it is a rehearsal, nothing is written.

    Args:
        storage: Where to keep them.
        definitions: What to keep; each is answered, in this order.
        at: The present moment (UTC).
        forms: What checks their schemas.
        is_rehearsal: Whether only to say what would become of them.

    Raises:
        DefinitionConflictError: If somebody else stores other content at the same moment.
    """
    async with storage.unit_of_work() as unit:
        known: dict[DefinitionKey, str] = {}
        for name in {str(each.name) for each in definitions}:
            for stored in await unit.definitions.find(name):
                known[stored.name, stored.version] = stored.content_hash
        brought = tuple(_judged(definitions, known, forms))
        if is_rehearsal or any(each.is_refused for each in brought):
            return brought
        for each in brought:
            await unit.definitions.add(_stored(each.definition, at))
        await unit.commit()
    return brought


def _judged(
    definitions: Sequence[WorkflowDefinition], known: dict[DefinitionKey, str], forms: FormValidator
) -> Iterator[Brought]:
    for definition in definitions:
        problems = validate(definition, forms)
        if any(problem.is_error for problem in problems):
            yield Brought(definition, Fate.INVALID, problems)
            continue
        key, content = (definition.name, definition.version), definition.content_hash
        fate = Fate.ADDED if key not in known else Fate.KNOWN if known[key] == content else Fate.CONFLICT
        known.setdefault(key, content)
        yield Brought(definition, fate, problems)


def _stored(definition: WorkflowDefinition, at: datetime) -> StoredDefinition:
    return StoredDefinition(
        name=definition.name,
        version=definition.version,
        content_hash=definition.content_hash,
        specification=definition.specification,
        created_at=at,
    )


@frozen
class Code:
    """Code that a specification names.

    Attributes:
        name: What it is called.
        type: The type of step that a class is of; `None` for a function.
        part: What it is for, in words: a step, or an edge.
    """

    name: str
    type: str | None
    part: str


def needed_code(specification: JsonObject) -> tuple[Code, ...]:
    """Return the code that a process must have to run what a specification says, in its order."""
    return (*_of_steps(specification), *_of_edges(specification))


def _of_steps(specification: JsonObject) -> Iterator[Code]:
    for step in _objects(specification, "steps"):
        part = f"the step {step['name']!r}"
        if "class" in step:
            yield Code(str(step["class"]), str(step["type"]), part)
        for name in _functions(step):
            yield Code(name, None, part)


def _of_edges(specification: JsonObject) -> Iterator[Code]:
    for edge in _objects(specification, "edges"):
        for name in _functions(edge):
            yield Code(name, None, f"the edge from {edge['source']!r} to {edge['target']!r}")


def _objects(specification: JsonObject, key: str) -> Iterator[JsonObject]:
    members = specification[key]
    for member in members if isinstance(members, list) else ():
        if isinstance(member, dict):
            yield member


def _functions(value: Json) -> Iterator[str]:
    """Find the names of functions among options; schemas have none."""
    if isinstance(value, dict) and value.keys() == {"function"}:
        yield str(value["function"])
    elif isinstance(value, dict):
        for key, member in value.items():
            if not key.endswith("_schema"):
                yield from _functions(member)
    elif isinstance(value, list):
        for member in value:
            yield from _functions(member)
