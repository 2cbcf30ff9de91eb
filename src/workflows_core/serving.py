"""Which definitions a runner serves."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from workflows_core.errors import DefinitionConflictError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from workflows_core.definitions import WorkflowDefinition
    from workflows_core.instance import Instance
    from workflows_core.ports import DefinitionKey, Storage
    from workflows_core.registry import WorkflowRegistry

logger = logging.getLogger("workflows")


class Served:
    """The definitions of some registries: all, or those that are named.

    Work of others is left alone, and so is that of a definition which says something else here than where its
    instances were started. A line in the log says so, once for each.

    Args:
        only: Names, or names with versions (`"expenses@1.2"`); `None` for all.
    """

    def __init__(self, only: Iterable[str] | None = None) -> None:
        self._only = None if only is None else frozenset(only)
        self._registries: list[WorkflowRegistry] = []
        self._verified: set[DefinitionKey] = set()
        self._refused: set[DefinitionKey] = set()
        self._left_alone: set[DefinitionKey] = set()

    def add(self, registry: WorkflowRegistry) -> None:
        """Serve the definitions of a registry too, those that are registered later included."""
        for known in self._registries:
            if known is registry:
                return
        self._registries.append(registry)

    @property
    def keys(self) -> frozenset[DefinitionKey]:
        """What is served at this moment."""
        keys = frozenset(key for registry in self._registries for key in registry.list_keys())
        if self._only is not None:
            keys = frozenset(key for key in keys if self._only & {key[0], "@".join(key)})
        return keys - self._refused

    def definition_of(self, instance: Instance) -> WorkflowDefinition | None:
        """Return the definition that an instance is pinned to; `None` if it is not known here, or refused."""
        key = key_of(instance)
        definition = self._registered(key)
        if definition is None:
            self.leave_alone([key])
        return None if key in self._refused else definition

    def _registered(self, key: DefinitionKey) -> WorkflowDefinition | None:
        found = (registry.find_definition(*key) for registry in self._registries)
        return next((each for each in found if each is not None), None)

    async def verify(self, keys: Iterable[DefinitionKey], storage: Storage) -> None:
        """See that these definitions say the same here as where their instances were started."""
        for name, version in set(keys) - self._verified:
            registered = self._registered((name, version))
            async with storage.unit_of_work() as unit:
                stored = [each for each in await unit.definitions.find(name) if each.version == version]
            if registered is not None and stored and stored[0].content_hash != registered.content_hash:
                self._refused.add((name, version))
                logger.error("%s Its instances are left alone.", DefinitionConflictError(name, version))
            self._verified.add((name, version))

    def leave_alone(self, keys: Iterable[DefinitionKey]) -> None:
        """Say that there is work which is not served here."""
        for key in sorted(set(keys) - self._left_alone - self._refused):
            self._left_alone.add(key)
            logger.warning("Workflow %s version %s is not served here; its instances are left alone.", *key)


def key_of(instance: Instance) -> DefinitionKey:
    """Return name and version of the definition that an instance is pinned to."""
    return instance.definition_name, instance.definition_version
