"""The definitions a process knows, every version of each."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

from workflows_core.definitions import WorkflowDefinition
from workflows_core.errors import DefinitionConflictError, DefinitionNotFoundError, InvalidDefinitionError
from workflows_core.forms import JSON_SCHEMA
from workflows_core.validation import validate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workflows_core.definitions import WorkflowClass
    from workflows_core.ports import FormValidator

VersionKey: TypeAlias = tuple[object, ...]
"""Versions compare as their keys do."""


class WorkflowRegistry:
    """Definitions by name and version. Nothing invalid gets in, and nothing in it ever changes its meaning."""

    def __init__(self, forms: FormValidator = JSON_SCHEMA) -> None:
        """Begin without definitions; `forms` checks their schemas."""
        self._forms = forms
        self._definitions: dict[str, dict[str, WorkflowDefinition]] = {}
        self._classes: dict[tuple[str, str], type[WorkflowClass]] = {}

    def register(self, workflow: WorkflowDefinition | type[WorkflowClass]) -> None:
        """Register a definition or a workflow class; see `register_definition`."""
        if isinstance(workflow, WorkflowDefinition):
            self.register_definition(workflow)
        else:
            self.register_workflow_class(workflow)

    def register_definition(self, definition: WorkflowDefinition) -> None:
        """Register a definition. Known content under a known name and version is a no-op.

        Raises:
            InvalidDefinitionError: With everything that is wrong with it; warnings do not count.
            DefinitionConflictError: If other content is registered under its name and version.
        """
        if self._holds(definition):
            return
        errors = [problem for problem in validate(definition, self._forms) if problem.is_error]
        if errors:
            raise InvalidDefinitionError(definition.name, errors)
        known = self.find_definition(definition.name, definition.version)
        if known is not None:
            if known.content_hash != definition.content_hash:
                raise DefinitionConflictError(definition.name, definition.version)
            return
        versions = {**self._definitions.get(definition.name, {}), definition.version: definition}
        self._definitions[definition.name] = dict(
            sorted(versions.items(), key=lambda each: version_key(each[0]))
        )

    def register_workflow_class(self, workflow: type[WorkflowClass]) -> None:
        """Register the definition of a workflow class, and the class itself; see `register_definition`.

        Raises:
            TypeError: If it is no workflow class.
        """
        if not callable(getattr(workflow, "get_definition", None)):
            msg = f"{workflow!r} is neither a WorkflowDefinition nor a class with get_definition()."
            raise TypeError(msg)
        definition: object = workflow.get_definition()
        if not isinstance(definition, WorkflowDefinition):
            msg = f"get_definition() of {workflow!r} returned {definition!r}, which is no WorkflowDefinition."
            raise TypeError(msg)
        self.register_definition(definition)
        self._classes[definition.name, definition.version] = workflow

    def get_definition(self, name: str, version: str | None = None) -> WorkflowDefinition:
        """Return one version of a definition, by default the latest.

        Raises:
            DefinitionNotFoundError: If it is not registered.
        """
        definition = self.find_definition(name, version)
        if definition is None:
            known = self._definitions.get(name)
            raise DefinitionNotFoundError(
                name, version if known else None, known=list(known or self._definitions)
            )
        return definition

    def find_definition(self, name: str, version: str | None = None) -> WorkflowDefinition | None:
        """Return one version of a definition, by default the latest; `None` if it is not registered."""
        versions = self._definitions.get(name)
        if not versions:
            return None
        return versions.get(next(reversed(versions)) if version is None else version)

    def get_workflow_class(self, name: str, version: str | None = None) -> type[WorkflowClass]:
        """Return the class that a definition was registered with.

        Raises:
            DefinitionNotFoundError: If the definition is not registered, or was registered without a class.
        """
        definition = self.get_definition(name, version)
        workflow = self._classes.get((name, definition.version))
        if workflow is None:
            raise DefinitionNotFoundError(name, definition.version)
        return workflow

    def get_versions(self, name: str) -> Sequence[str]:
        """Return the registered versions of a definition, the latest last; none if the name is unknown."""
        return tuple(self._definitions.get(name, ()))

    def searchable(self, name: str | None = None) -> Sequence[str]:
        """Return the paths that some version of a definition declares as searchable, or of any definition; sorted."""
        names = self._definitions if name is None else {name} & self._definitions.keys()
        versions = (each for known in names for each in self._definitions[known].values())
        return sorted({path for each in versions for path in each.searchable})

    def _holds(self, definition: WorkflowDefinition) -> bool:
        """Whether this very object is registered; one that is not valid may have anything for a name."""
        name: object = definition.name
        version: object = definition.version
        if not (isinstance(name, str) and isinstance(version, str)):
            return False
        return self.find_definition(name, version) is definition

    def list_keys(self) -> Sequence[tuple[str, str]]:
        """Return name and version of every definition, all versions."""
        return [(name, version) for name, versions in self._definitions.items() for version in versions]

    def list_definitions(self) -> Sequence[WorkflowDefinition]:
        """Return the latest version of every definition, by name."""
        return [self.get_definition(name) for name in sorted(self._definitions)]


_PART = re.compile(r"\d+|[^\d.\-+_]+")


def version_key(version: str) -> VersionKey:
    """Return what a version is ordered by: its numbers as numbers, so that 1.10 comes after 1.9.

    As in Semantic Versioning (section 11) what follows a hyphen makes it earlier than the same version without,
    and what follows a plus sign does not count, except to tell two versions apart.
    """
    core, _, suffix = version.partition("+")[0].partition("-")
    return _parts(core), not suffix, _parts(suffix), version


def _parts(text: str) -> tuple[tuple[bool, int, str], ...]:
    """Split into numbers and words; a number comes before a word."""
    return tuple(
        (False, int(part), "") if part.isdecimal() else (True, 0, part) for part in _PART.findall(text)
    )
