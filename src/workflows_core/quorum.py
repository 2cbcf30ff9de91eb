"""Decisions by several: who decides, what they said, and when the outcome is certain.

Votes are counted by weight. A decision is accepted when the weight of those who accept reaches what the quorum needs
and nobody with a veto rejects; it is rejected when everybody has voted and it is not accepted. It is settled as soon
as no vote that is still to come can change that. More acceptance never turns an accepted decision into a rejected
one, so only two futures have to be looked at: all who are left accept, or all who are left reject.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, Literal, Self, TypeAlias
from uuid import UUID

from attrs import evolve, field, frozen, validators

Opinion: TypeAlias = Literal["accept", "reject", "abstain"]


def _as_weights(given: Mapping[str, int]) -> Mapping[str, int]:
    wrong = [f"{name}: {weight!r}" for name, weight in given.items() if type(weight) is not int or weight < 1]
    if wrong:
        msg = f"a weight is a whole number of at least 1, not {', '.join(wrong)}"
        raise ValueError(msg)
    return MappingProxyType(dict(sorted(given.items())))


def _as_holders(given: Iterable[str] | str | bool) -> tuple[str, ...] | bool:  # noqa: FBT001
    if isinstance(given, bool):
        return given
    return (given,) if isinstance(given, str) else tuple(sorted(set(given)))


@frozen(kw_only=True)
class Quorum:
    """What it takes for a decision to be accepted; made by `unanimous`, `at_least`, `majority`, `veto` or `weighted`.

    Attributes:
        needs: The weight that has to accept: a number, `"all"` of those who do not abstain, or `"majority"`, more than
            half of them.
        weights: Decider (or group) to weight; whoever is not there has weight 1.
        vetoes: Whose rejection alone decides; `True` for everybody.
    """

    needs: int | Literal["all", "majority"] = field(default="majority")
    weights: Mapping[str, int] = field(converter=_as_weights, factory=dict)
    vetoes: tuple[str, ...] | bool = field(converter=_as_holders, default=())

    @needs.validator
    def _check_needs(self, _: object, value: object) -> None:
        if value not in ("all", "majority") and (type(value) is not int or value < 1):
            msg = f"a quorum needs a weight of at least 1, 'all' or 'majority', not {value!r}"
            raise ValueError(msg)

    @classmethod
    def unanimous(cls) -> Self:
        """Everybody who does not abstain accepts; the first rejection decides."""
        return cls(needs="all")

    @classmethod
    def at_least(cls, number: int) -> Self:
        """So many accept, out of however many deciders there are."""
        return cls(needs=number)

    @classmethod
    def majority(cls) -> Self:
        """More than half of those who do not abstain accept."""
        return cls(needs="majority")

    @classmethod
    def veto(cls, *holders: str, needs: int | Literal["all", "majority"] = "majority") -> Self:
        """A rejection by one of the holders (by anybody, if none is named) decides; else it needs what it needs."""
        return cls(needs=needs, vetoes=holders or True)

    @classmethod
    def weighted(
        cls, weights: Mapping[str, int], needs: int | Literal["all", "majority"] = "majority"
    ) -> Self:
        """The votes weigh differently."""
        return cls(needs=needs, weights=weights)

    def accepts(self, accepting: int, rejecting: int) -> bool:
        """Say whether so much weight on either side is acceptance."""
        if self.needs == "all":
            return accepting > 0 and not rejecting
        if self.needs == "majority":
            return accepting > rejecting
        return accepting >= self.needs

    def has_veto(self, name: str) -> bool:
        """Say whether the rejection of a decider alone decides."""
        return self.vetoes if isinstance(self.vetoes, bool) else name in self.vetoes

    def __hash__(self) -> int:
        return hash((self.needs, tuple(self.weights.items()), self.vetoes))


@frozen(kw_only=True)
class Seat:
    """A place at the table of a decision.

    Attributes:
        name: The decider: a user, or a group of which one member votes.
        is_group: Whether it is a group.
        weight: How much the vote counts.
        task_id: The task by which they vote.
        outcome: What they voted; `None` while they have not.
        by: Who voted.
        on_behalf_of: For whom they did, if they stood in.
    """

    name: str
    is_group: bool = False
    weight: int = field(default=1, validator=validators.ge(1))
    task_id: UUID
    outcome: str | None = None
    by: str | None = None
    on_behalf_of: str | None = None


@frozen
class Ballot:
    """A decision that is being made: the seats, in the order in which they are asked."""

    seats: tuple[Seat, ...]

    @property
    def voters(self) -> frozenset[str]:
        """Everybody who has voted, and those for whom they did."""
        names = (name for seat in self.seats for name in (seat.by, seat.on_behalf_of))
        return frozenset(name for name in names if name is not None)

    @property
    def open_seats(self) -> tuple[Seat, ...]:
        """Those who have not voted."""
        return tuple(seat for seat in self.seats if seat.outcome is None)

    def voted(self, task_id: UUID, outcome: str, by: str | None, on_behalf_of: str | None) -> Ballot:
        """Return the ballot with one more vote."""
        return Ballot(
            tuple(
                evolve(seat, outcome=outcome, by=by, on_behalf_of=on_behalf_of)
                if seat.task_id == task_id
                else seat
                for seat in self.seats
            )
        )


def verdict(ballot: Ballot, quorum: Quorum, opinions: Mapping[str, Opinion]) -> bool | None:
    """Say whether a decision is accepted; `None` while that is not certain.

    Args:
        ballot: Who has voted what.
        quorum: What it takes.
        opinions: Outcome of a vote to what it means.
    """
    weights: dict[Opinion, int] = {"accept": 0, "reject": 0, "abstain": 0}
    for seat in ballot.seats:
        if seat.outcome is not None:
            opinion = opinions[seat.outcome]
            if opinion == "reject" and quorum.has_veto(seat.name):
                return False
            weights[opinion] += seat.weight
    left = ballot.open_seats
    undecided = sum(seat.weight for seat in left)
    if not quorum.accepts(weights["accept"] + undecided, weights["reject"]):
        return False
    is_safe = not any(quorum.has_veto(seat.name) for seat in left)
    return True if is_safe and quorum.accepts(weights["accept"], weights["reject"] + undecided) else None


MOST_SEATS: Final = 1000
"""How many deciders a decision may have: each gets a task."""
