"""Who asks, and for whom they stand in."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from attrs import evolve, field, frozen

if TYPE_CHECKING:
    from typing import Self


def _as_names(given: Iterable[str]) -> frozenset[str]:
    if isinstance(given, str):
        msg = f"expected a list of names, got the text {given!r}"
        raise TypeError(msg)
    return frozenset(given)


def _as_sorted(given: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(_as_names(given)))


@frozen(kw_only=True)
class Substitution:
    """Somebody is out of office, and named who stands in.

    It leads from one person to another and no further: the substitute's own substitute does not stand in for the
    first.

    Attributes:
        id: Its own id.
        absent: Who is out of office.
        substitute: Who stands in.
        since: From when on (UTC).
        until: Until when (UTC); at that moment it is over.
        definitions: Only for tasks of these workflows, by name; empty for all.
        groups: The groups of the absent, as they were when the substitution was noted: what is offered to them is
            offered to the substitute.
        tenant_id: The tenant it belongs to.
        created_at: When it was noted (UTC).
        created_by: Who noted it.
    """

    id: UUID
    absent: str
    substitute: str
    since: datetime
    until: datetime
    definitions: tuple[str, ...] = field(default=(), converter=_as_sorted)
    groups: tuple[str, ...] = field(default=(), converter=_as_sorted)
    tenant_id: str | None = None
    created_at: datetime
    created_by: str | None = None


@frozen
class Actor:
    """Who asks for something, as whoever authenticated them says.

    Attributes:
        user_id: Who it is; `None` for somebody without a name, whom no rule about persons lets pass.
        groups: The groups they are in.
        roles: The roles they have; policies say what a role may do.
        tenant_id: The tenant they belong to; instances of others do not exist for them.
        substitutions: Those in which they stand in for somebody at this moment; the engine looks them up.
        is_trusted: The application itself asks, in the name of `user_id`: it is not asked about assignment, tenant and
            roles, only about the rules that a definition declares. See `trusted`.
    """

    user_id: str | None
    groups: frozenset[str] = field(factory=frozenset, converter=_as_names)
    roles: frozenset[str] = field(factory=frozenset, converter=_as_names)
    tenant_id: str | None = None
    substitutions: tuple[Substitution, ...] = field(default=(), kw_only=True)
    is_trusted: bool = field(default=False, kw_only=True)

    @classmethod
    def trusted(cls, user_id: str | None) -> Self:
        """Return the application itself, acting for somebody whom it has checked by its own means."""
        return cls(user_id, is_trusted=True)

    def standing_in(self, substitutions: Iterable[Substitution]) -> Self:
        """Return the same person, with whom they stand in for."""
        return evolve(self, substitutions=tuple(substitutions))


@frozen
class Asking:
    """In whose name something is asked for, and why.

    Attributes:
        actor: Who asks, where it is to be checked whether they may.
        user_id: In whose name the application asks, where there is no actor.
        reason: Why.
    """

    actor: Actor | None
    user_id: str | None
    reason: str | None = None


def name_of(actor: Actor | None, user_id: str | None) -> str | None:
    """Return the name of who asks: that of the actor, or without one that which the application gives."""
    return user_id if actor is None else actor.user_id
