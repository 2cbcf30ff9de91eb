"""Between two rows: at which height every link runs across.

What leaves one vertex shares a line until it parts: that is a wire here. Wires that would run over
each other get different tracks, ordered so that they cross each other as little as possible. Compare
the routing of hyperedges in Sander, *Layout of Directed Hypergraphs with Orthogonal Hyperedges* (Graph
Drawing, 2003).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Sequence

_NEVER: Final = 1_000
"""The cost of two lines that run over each other up and down: more than any number of crossings."""
_MANY: Final = 60
"""More wires than this at one place are ordered by a rule instead of pair by pair."""


@frozen
class Wire:
    """What leads from one vertex to one or more in the row below.

    Attributes:
        upper: Where it comes from above.
        lowers: Where it leads to, from left to right: place and vertex.
    """

    upper: int
    lowers: tuple[tuple[int, int], ...]

    @property
    def left(self) -> int:
        """Where it begins, from the left."""
        return min(self.upper, self.lowers[0][0])

    @property
    def right(self) -> int:
        """Where it ends, from the left."""
        return max(self.upper, self.lowers[-1][0])

    @property
    def is_straight(self) -> bool:
        """Whether it runs down without turning, and needs no track."""
        return self.left == self.right


@frozen
class Tracks:
    """The tracks of one channel.

    Attributes:
        count: How many there are.
        of: For each wire its track, counted from the top.
        entangled: The wires that no order keeps from running over another one.
    """

    count: int
    of: tuple[int, ...]
    entangled: frozenset[int]


def assign_tracks(wires: Sequence[Wire], *, apart: int) -> Tracks:
    """Assign a track to each wire; lines closer than `apart` are taken to run over each other."""
    of = [0] * len(wires)
    entangled: set[int] = set()
    count = 0
    for group in _groups(wires, apart):
        ordered = _ordered(group, wires, apart)
        done: list[int] = []
        for number in ordered:
            wire = wires[number]
            over = [other for other in done if _overlap(wires[other], wire, apart)]
            of[number] = max((of[other] + 1 for other in over), default=0)
            entangled.update(
                both for other in over if _collide(wire, wires[other], apart) for both in (number, other)
            )
            done.append(number)
            count = max(count, of[number] + 1)
    return Tracks(count, tuple(of), frozenset(entangled))


def _groups(wires: Sequence[Wire], apart: int) -> list[list[int]]:
    """Return the wires that turn, in groups that have no place in common."""
    turning = sorted((wire.left, number) for number, wire in enumerate(wires) if not wire.is_straight)
    groups: list[list[int]] = []
    end = 0
    for left, number in turning:
        if not groups or left > end + apart:
            groups.append([])
            end = wires[number].right
        groups[-1].append(number)
        end = max(end, wires[number].right)
    return groups


def _overlap(one: Wire, other: Wire, apart: int) -> bool:
    """Whether two wires cannot share a track; those that meet at the vertex both lead to can."""
    first, second = (one, other) if (one.left, one.right) <= (other.left, other.right) else (other, one)
    if second.left > first.right + apart:
        return False
    meet = first.lowers[-1] == second.lowers[0]
    return not (meet and first.right == second.left == first.lowers[-1][0])


def _collide(below: Wire, above: Wire, apart: int) -> bool:
    """Whether two wires run over each other if one has its track below the other's.

    It comes down to its own track past the other track, from which the other wire goes down as well.
    """
    return any(abs(below.upper - place) < apart for place, _ in above.lowers)


def _cost(above: Wire, below: Wire, apart: int) -> int:
    """Return what it costs to put one wire above another: crossings, and lines that run over each other."""
    cost = int(above.left < below.upper < above.right)
    cost += sum([below.left < place < below.right for place, _ in above.lowers])
    return cost + (_NEVER if _collide(below, above, apart) else 0)


def _ordered(group: list[int], wires: Sequence[Wire], apart: int) -> list[int]:
    """Order wires from the top: always the one next that is dearest to put below the rest.

    Compare the greedy order of Eades, Lin and Smyth, *A Fast and Effective Heuristic for the Feedback
    Arc Set Problem* (Information Processing Letters, 1993).
    """
    if len(group) == 1:
        return group
    if len(group) > _MANY:
        return sorted(group, key=lambda number: _by_rule(wires[number]))
    balance = dict.fromkeys(group, 0)
    gain: dict[tuple[int, int], int] = {}
    for place, one in enumerate(group):
        for other in group[place + 1 :]:
            if _overlap(wires[one], wires[other], apart):
                better = _cost(wires[one], wires[other], apart) - _cost(wires[other], wires[one], apart)
                gain[one, other], gain[other, one] = better, -better
                balance[one] += better
                balance[other] -= better
    ordered: list[int] = []
    rest = list(group)
    while rest:
        next_ = min(rest, key=lambda number: (balance[number], _by_rule(wires[number])))
        rest.remove(next_)
        ordered.append(next_)
        for other in rest:
            balance[other] -= gain.get((other, next_), 0)
    return ordered


def _by_rule(wire: Wire) -> tuple[int, int]:
    """Wires to the right go above those that begin further left, wires to the left the other way round."""
    return (0, -wire.upper) if wire.right > wire.upper else (1, wire.upper)
