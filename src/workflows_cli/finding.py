"""Finding the workflows of an application, given as `module` or `module:name`."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib import import_module
from inspect import isclass
from pathlib import Path
from typing import cast

from workflows_core.definitions import WorkflowClass, WorkflowDefinition
from workflows_core.registry import WorkflowRegistry


class NotFoundError(Exception):
    """The workflows cannot be found; the message says what to do."""


def find_workflows(place: str) -> WorkflowRegistry:
    """Return the workflows in a place.

    With a name: a registry, a definition or workflow class, several of them, a function that returns one of these, or
    something that has a registry, such as an application with the plugin. Without: all definitions, workflow classes
    and registries of the module.

    Raises:
        NotFoundError: If there is no such place, or nothing of that there.
        WorkflowError: If a definition is refused.
    """
    module_name, _, name = place.partition(":")
    module = _imported(module_name)
    if name:
        found = _named(module, module_name, name)
    else:
        found = [
            value for key, value in vars(module).items() if not key.startswith("_") and _is_workflow(value)
        ]
    registry = WorkflowRegistry()
    _gather(registry, found)
    if not registry.list_keys():
        raise NotFoundError(
            f"There are no workflows in {place!r}: name a WorkflowRegistry, definitions, or a function that returns them."
        )
    return registry


def _imported(name: str) -> object:
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))  # as the application's server does
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise  # the module is there, and something that it needs is not
        raise NotFoundError(f"There is no module {error.name!r} (looked from {Path.cwd()}).") from error
    except ValueError as error:  # an empty name, or a relative one
        raise NotFoundError(f"{name!r} is not the name of a module: write package.module:name.") from error


def _named(module: object, module_name: str, name: str) -> object:
    found = module
    for part in name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError as error:
            raise NotFoundError(f"{module_name!r} has no {name!r}.") from error
    return found


def _is_workflow(value: object) -> bool:
    if isclass(value):
        return hasattr(value, "__workflow_name__") and hasattr(value, "get_definition")
    return isinstance(value, WorkflowDefinition | WorkflowRegistry)


def _gather(registry: WorkflowRegistry, found: object) -> None:
    """Register what was found, whatever it is wrapped in."""
    if isinstance(found, WorkflowDefinition):
        registry.register(found)
    elif isclass(found):
        if _is_workflow(found):
            registry.register(cast("type[WorkflowClass]", found))
    elif isinstance(found, WorkflowRegistry):
        for name, version in found.list_keys():
            registry.register(found.get_definition(name, version))
    elif isinstance(inner := getattr(found, "registry", None), WorkflowRegistry):
        _gather(registry, inner)
    elif (plugins := getattr(found, "plugins", None)) is not None and isinstance(plugins, Iterable):
        for plugin in plugins:
            if isinstance(getattr(plugin, "registry", None), WorkflowRegistry):
                _gather(registry, plugin)
    elif callable(found):
        _gather(registry, found())
    elif isinstance(found, Iterable) and not isinstance(found, str):
        for each in found:
            _gather(registry, each)
