"""The definitions that instances were started with, as they are remembered."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Protocol, TypeAlias

from attrs import frozen

from workflows_core.data import JsonObject

if TYPE_CHECKING:
    from collections.abc import Sequence


DefinitionKey: TypeAlias = tuple[str, str]
"""Name and version of a definition."""


@frozen(kw_only=True)
class StoredDefinition:
    """What a storage remembers of a definition.

    Attributes:
        name: The definition's name.
        version: Its version.
        content_hash: SHA-256 (hex) of its specification; two contents never share one.
        specification: The definition in JSON, as `specification.specify` writes it.
        created_at: When it was first stored (UTC).
    """

    name: str
    version: str
    content_hash: str
    specification: JsonObject
    created_at: datetime


class DefinitionRepository(Protocol):
    """The definitions that instances in this storage were started with."""

    async def add(self, definition: StoredDefinition) -> None:
        """Remember a definition. Adding known content again is a no-op that keeps the first `created_at`.

        Raises:
            DefinitionConflictError: If other content (another hash) is stored under its name and version.
        """

    async def find(self, name: str | None = None) -> Sequence[StoredDefinition]:
        """Return all versions of one name, or of all, ordered by name and then `created_at`."""
        ...

    async def keys(self) -> frozenset[DefinitionKey]:
        """Return name and version of all, without reading more of them."""
        ...
