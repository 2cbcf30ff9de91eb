"""Who may do what, as data that a definition or a step declares; `permissions.may` goes by it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from attrs import field, frozen

MANAGERS: Final = ("manager",)
"""The role of managers where a definition does not say otherwise."""

OPERATORS: Final = ("operator",)
"""The role of operators likewise."""


def _as_names(names: Iterable[str] | None) -> tuple[str, ...] | None:
    return None if names is None else tuple(sorted({names} if isinstance(names, str) else set(names)))


def _as_steps(names: Iterable[str]) -> tuple[str, ...]:
    return _as_names(names) or ()


@frozen(kw_only=True)
class Policies:
    """Who may do what, as a definition or a step declares it.

    Attributes:
        managers: Roles that may see every task and give it to somebody else; `None` for `MANAGERS`. Roles are said of
            a whole definition: at a step they count for nothing.
        operators: Roles that may do that, cancel, retry, skip, move, suspend and resume instances, and send them messages;
            `None` for `OPERATORS`.
        not_initiator: Whoever started the instance may not decide.
        not_who_did: Whoever completed a task of one of these steps may not decide.
        distinct: Nobody decides in two different steps of an instance.
        no_return: What somebody has delegated cannot be delegated or reassigned back to them.
    """

    managers: tuple[str, ...] | None = field(default=None, converter=_as_names)
    operators: tuple[str, ...] | None = field(default=None, converter=_as_names)
    not_initiator: bool = False
    not_who_did: tuple[str, ...] = field(default=(), converter=_as_steps)
    distinct: bool = False
    no_return: bool = False

    def combined(self, other: Policies | None) -> Policies:
        """Return these with the rules of a step added; its roles do not count."""
        if other is None:
            return self
        return Policies(
            managers=self.managers,
            operators=self.operators,
            not_initiator=self.not_initiator or other.not_initiator,
            not_who_did=(*self.not_who_did, *other.not_who_did),
            distinct=self.distinct or other.distinct,
            no_return=self.no_return or other.no_return,
        )

    def roles_only(self) -> Policies:
        """Return these without the rules about who may not decide."""
        return Policies(managers=self.managers, operators=self.operators)

    @property
    def operator_roles(self) -> frozenset[str]:
        """The roles of operators."""
        return frozenset(OPERATORS if self.operators is None else self.operators)

    @property
    def overseer_roles(self) -> frozenset[str]:
        """The roles that see everything: those of managers and of operators."""
        return self.operator_roles.union(MANAGERS if self.managers is None else self.managers)

    @property
    def separates(self) -> bool:
        """Whether there is any rule about who may not decide."""
        return self.not_initiator or self.distinct or bool(self.not_who_did)


NO_POLICIES: Final = Policies()
