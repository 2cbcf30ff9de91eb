"""Who oversees what, as far as a storage has definitions: read once, and kept for the process."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from workflows_core.specification import definition_from

if TYPE_CHECKING:
    from workflows_core.policies import Policies
    from workflows_core.ports import DefinitionKey, Storage

_known: WeakKeyDictionary[Hashable, dict[DefinitionKey, Policies | None]] = WeakKeyDictionary()


async def stored_policies(storage: Storage) -> Mapping[DefinitionKey, Policies | None]:
    """Return the policies of every definition that there can be instances of, by name and version.

    What is stored under a name and version never changes, so only what is new is read.
    """
    known = _known.setdefault(storage.identity, {})
    async with storage.unit_of_work() as unit:
        keys = await unit.definitions.keys()
        for name in sorted({name for name, _ in keys - known.keys()}):
            for stored in await unit.definitions.find(name):
                known[stored.name, stored.version] = definition_from(stored.specification).policies
    return {key: known[key] for key in keys}
