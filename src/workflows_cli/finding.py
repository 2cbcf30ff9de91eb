"""Finding the workflows of an application: in a module, in a file of Python, or in a specification."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from inspect import isclass
from pathlib import Path
from typing import TypeAlias, cast

from workflows_cli.importing import NotFoundError, imported, named, running
from workflows_core.definitions import WorkflowClass, WorkflowDefinition
from workflows_core.errors import InvalidDataError
from workflows_core.registry import WorkflowRegistry
from workflows_core.specification import definition_from

__all__ = ["NotFoundError", "find_database", "find_definitions", "find_workflows", "read_specifications"]

Found: TypeAlias = WorkflowDefinition | type[WorkflowClass]


def find_workflows(place: str) -> WorkflowRegistry:
    """Return the workflows in a place: `package.module`, `package.module:name`, `path/to/file.py` or `path/to/file.py:name`.

    With a name: a registry, a definition or workflow class, several of them, a function that returns one of these, or
    something that has a registry, such as an application with the plugin. Without: all definitions, workflow classes
    and registries of the module.

    Raises:
        NotFoundError: If there is no such place, nothing of that there, or the code in it fails.
        WorkflowError: If a definition is refused.
    """
    if _is_specification(place):
        raise NotFoundError(
            f"{place} is a specification: it names the code of a workflow and does not hold it. "
            "Name the module or the file of Python in which the workflow is written."
        )
    registry = WorkflowRegistry()
    for each in _found_in(place):
        registry.register(each)
    if not registry.list_keys():
        raise _nothing_in(place)
    return registry


def find_database(place: str) -> str | None:
    """Return the address of the database that the application in a place keeps its instances in.

    `None` if what is there is no application with the plugin, or one that keeps nothing, or brings its own engine.

    Raises:
        NotFoundError: If there is no such place, or the code in it fails.
    """
    head, _, name = place.partition(":")
    if _is_specification(place) or not name:
        return None
    found = named(imported(place)[0], head, name)
    if callable(found) and not hasattr(found, "plugins") and not isclass(found):
        with running(f"Calling {name!r}"):
            found = found()
    plugins = getattr(found, "plugins", None)
    for plugin in plugins if isinstance(plugins, Iterable) else ():
        database = getattr(getattr(plugin, "config", None), "database", None)
        if isinstance(getattr(plugin, "registry", None), WorkflowRegistry) and isinstance(database, str):
            return database
    return None


def find_definitions(place: str) -> tuple[WorkflowDefinition, ...]:
    """Return the definitions in a place, valid or not: one that `find_workflows` takes, or a file of specifications.

    Raises:
        NotFoundError: If there is no such place, nothing of that there, or the code in it fails.
        WorkflowError: If the application itself refuses a definition while it is imported.
    """
    if _is_specification(place):
        return read_specifications(place)
    found = []
    for each in _found_in(place):
        with running(f"Making the definition of {each!r}"):
            found.append(each if isinstance(each, WorkflowDefinition) else each.get_definition())
    if not found:
        raise _nothing_in(place)
    return tuple(found)


def read_specifications(place: str) -> tuple[WorkflowDefinition, ...]:
    """Return the definitions whose specifications are in a file of JSON, one or a list of them; `-` is standard input.

    Raises:
        NotFoundError: If it cannot be read, or is something else.
    """
    try:
        text = sys.stdin.read() if place == "-" else Path(place).read_text(encoding="utf-8")
        document = json.loads(text)
    except OSError as error:
        raise NotFoundError(f"{place!r} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise NotFoundError(f"{place!r} is not JSON: {error}.") from error
    if not isinstance(document, list):
        return (_specified(document, place, ""),)
    return tuple(_specified(each, place, f"/{index}") for index, each in enumerate(document))


def _specified(document: object, place: str, pointer: str) -> WorkflowDefinition:
    if not isinstance(document, dict):
        raise NotFoundError(
            f"{place!r} holds something else than specifications; `workflows export` writes them."
        )
    try:
        return definition_from(document)
    except InvalidDataError as error:
        where = f"{pointer}{error.pointer}" or "the top level"
        raise NotFoundError(f"{place!r} is not a specification: {error.detail} (at {where}).") from error


def _is_specification(place: str) -> bool:
    return place == "-" or place.endswith(".json")


def _nothing_in(place: str) -> NotFoundError:
    return NotFoundError(
        f"There are no workflows in {place!r}: name a WorkflowRegistry, definitions, or a function that returns them."
    )


def _found_in(place: str) -> Iterator[Found]:
    module, name = imported(place)
    if name:
        yield from _within(named(module, place.partition(":")[0], name))
        return
    for key, value in vars(module).copy().items():
        if not key.startswith("_") and _is_workflow(value):
            yield from _within(value)


def _is_workflow(value: object) -> bool:
    if isclass(value):
        return hasattr(value, "__workflow_name__") and hasattr(value, "get_definition")
    return isinstance(value, WorkflowDefinition | WorkflowRegistry)


def _within(found: object) -> Iterator[Found]:
    """Take the workflows out of whatever they are wrapped in."""
    if isinstance(found, WorkflowDefinition):
        yield found
    elif isclass(found):
        if _is_workflow(found):
            yield cast("type[WorkflowClass]", found)
    elif isinstance(found, WorkflowRegistry):
        for name, version in found.list_keys():
            yield found.get_definition(name, version)
    elif isinstance(inner := getattr(found, "registry", None), WorkflowRegistry):
        yield from _within(inner)
    elif (plugins := getattr(found, "plugins", None)) is not None and isinstance(plugins, Iterable):
        for plugin in plugins:
            if isinstance(getattr(plugin, "registry", None), WorkflowRegistry):
                yield from _within(plugin)
    elif callable(found):
        with running(f"Calling {getattr(found, '__name__', found)!r}"):
            made = found()
        yield from _within(made)
    elif isinstance(found, Iterable) and not isinstance(found, str):
        for each in found:
            yield from _within(each)
