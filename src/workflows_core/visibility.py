"""What somebody may see, as a query: the same rule as `permissions.may`, for lists and counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from workflows_core.permissions import identities
from workflows_core.policies import NO_POLICIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from workflows_core.actors import Actor
    from workflows_core.permissions import Identity
    from workflows_core.policies import Policies


@frozen(kw_only=True)
class Visibility:
    """Which instances, with their tasks, somebody may see: those of their tenant that one of the rest is true of.

    Attributes:
        tenant_id: Their tenant.
        sees_all: Whether they see everything, but for the definitions in `excepted`.
        definitions: Definitions (name and version) of which they see everything otherwise.
        excepted: Definitions of which they do not, although they see everything else.
        created_by: They started it.
        identities: One of these has a part in it, and it is of one of the definitions the identity is for.
    """

    tenant_id: str | None
    sees_all: bool
    definitions: frozenset[tuple[str, str]]
    excepted: frozenset[tuple[str, str]]
    created_by: str | None
    identities: tuple[Identity, ...]

    @property
    def sees_tenant(self) -> bool:
        """Whether they see everything of their tenant."""
        return self.sees_all and not self.excepted

    def oversees(self, name: str, version: str) -> bool:
        """Say whether they see everything of a definition."""
        return (name, version) in self.definitions or (self.sees_all and (name, version) not in self.excepted)


def all_of(tenant_id: str | None) -> Visibility:
    """Return all that is to be seen in a tenant: for queries that ask for nothing else than somebody may see."""
    return Visibility(
        tenant_id=tenant_id,
        sees_all=True,
        definitions=frozenset(),
        excepted=frozenset(),
        created_by=None,
        identities=(),
    )


def visibility(actor: Actor, policies: Mapping[tuple[str, str], Policies | None]) -> Visibility:
    """Return what an actor may see.

    Args:
        actor: Who asks.
        policies: Every definition that there are instances of, by name and version, with its policies. One that is
            missing counts as having none.
    """
    usual = not actor.roles.isdisjoint(NO_POLICIES.overseer_roles)
    seen = {key for key, own in policies.items() if actor.roles & (own or NO_POLICIES).overseer_roles}
    return Visibility(
        tenant_id=actor.tenant_id,
        sees_all=usual,
        definitions=frozenset() if usual else frozenset(seen),
        excepted=frozenset(policies.keys() - seen) if usual else frozenset(),
        created_by=actor.user_id,
        identities=identities(actor),
    )


def is_visible(
    seen: Visibility,
    *,
    tenant_id: str | None,
    definition: tuple[str, str],
    created_by: str | None,
    participants: Iterable[str],
) -> bool:
    """Say whether an instance of which this is true may be seen."""
    if tenant_id != seen.tenant_id:
        return False
    if seen.oversees(*definition) or (created_by is not None and created_by == seen.created_by):
        return True
    keys = tuple(participants)
    return any(
        identity.is_among(keys)
        for identity in seen.identities
        if not identity.definitions or definition[0] in identity.definitions
    )
