"""Between two rows: at which height every link runs across.

What leaves one vertex shares a line until it parts: that is a wire here. Wires that would run over
each other get different tracks, ordered so that they cross each other as little as possible. Compare
the routing of hyperedges in Sander, *Layout of Directed Hypergraphs with Orthogonal Hyperedges* (Graph
Drawing, 2003).
"""

from __future__ import annotations

from itertools import pairwise
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
        source: The vertex it comes from.
        upper: Where that is.
        lowers: Where it leads to, from left to right: place and vertex.
    """

    source: int
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
class Course:
    """How a wire runs across.

    Attributes:
        track: The track from which it goes on down, counted from the top.
        detour: What it does before: the tracks it takes, and how far each.
        cuts: Whether it has to cut the corner instead, since all else would run over another wire.
    """

    track: int
    detour: tuple[tuple[int, int], ...] = ()
    cuts: bool = False


@frozen
class Tracks:
    """The tracks of one channel: how many, and the course of each wire."""

    count: int
    courses: tuple[Course, ...]


def assign_tracks(wires: Sequence[Wire], *, apart: int) -> Tracks:
    """Give each wire its course; lines closer than `apart` are taken to run over each other.

    Two wires that swap their places would do so on any two tracks. One of them is then split in two, with
    a column of its own between, so that the other can pass.
    """
    pieces = [[wire] for wire in wires]
    while True:
        flat = [piece for wire in pieces for piece in wire]
        count, of, entangled = _assign(flat, apart)
        owners = [number for number, wire in enumerate(pieces) for _ in wire]
        split = next((halves for place in entangled if (halves := _split(place, flat, owners, apart))), None)
        if split is None:
            break
        pieces[split[0]] = list(split[1])
    cut = {owners[place] for place in entangled}
    tracks = iter(of)
    courses = []
    for number, wire in enumerate(pieces):
        taken = [(next(tracks), piece.lowers[0][0]) for piece in wire]
        courses.append(Course(taken[-1][0], tuple(taken[:-1]), cuts=number in cut))
    return Tracks(count, tuple(courses))


def _split(
    place: int, flat: list[Wire], owners: list[int], apart: int
) -> tuple[int, tuple[Wire, Wire]] | None:
    """Split a wire, once: from where it comes to a free column, and on from there."""
    wire, owner = flat[place], owners[place]
    column = _free_column(wire, flat, apart) if owners.count(owner) == 1 else None
    if column is None:
        return None
    between = -1 - owner
    return owner, (Wire(wire.source, wire.upper, ((column, between),)), Wire(between, column, wire.lowers))


def _free_column(wire: Wire, wires: list[Wire], apart: int) -> int | None:
    """Return the place nearest to the middle of a wire where nothing comes down or goes down."""
    taken = sorted(
        {place for other in wires for place in (other.upper, *(lower for lower, _ in other.lowers))}
    )
    inside = [place for place in taken if wire.left <= place <= wire.right]
    middle = (wire.left + wire.right) // 2
    gaps = [(left + apart, right - apart) for left, right in pairwise(inside) if right - left >= 2 * apart]
    columns = [min(max(middle, left), right) for left, right in gaps]
    return min(columns, key=lambda column: abs(column - middle), default=None)


def _assign(wires: list[Wire], apart: int) -> tuple[int, list[int], list[int]]:
    """Return how many tracks there are, the track of each wire, and the wires that run over another."""
    of = [0] * len(wires)
    entangled: set[int] = set()
    count = 0
    for group in _groups(wires, apart):
        done: list[int] = []
        for number in _ordered(group, wires, apart):
            wire = wires[number]
            over = [other for other in done if _overlap(wires[other], wire, apart)]
            of[number] = max((of[other] + 1 for other in over), default=0)
            for other in over:
                if _collide(wire, wires[other], apart):
                    entangled |= {number, other}
            done.append(number)
            count = max(count, of[number] + 1)
    return count, of, sorted(entangled)


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
    return any(abs(below.upper - place) < apart and vertex != below.source for place, vertex in above.lowers)


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
