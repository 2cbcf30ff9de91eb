"""Groups written as ordinary steps and edges."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, cast

from attrs import NOTHING, frozen

from workflows_core.edges import Edge
from workflows_core.expressions import InvalidExpressionError, compile_expression
from workflows_core.groups import Chooser, ConditionalGroup, Group, ParallelGroup, SequentialGroup
from workflows_core.steps import ExclusiveGateway, InclusiveGateway, ParallelGateway, Step

if TYPE_CHECKING:
    from workflows_core.groups import Member


@frozen
class Ends:
    """Where a group is entered, and where it is left."""

    entry: str
    exit: str


class Expansion:
    """Writes the groups of one definition.

    Attributes:
        edges: The edges written so far.
    """

    def __init__(
        self,
        place: Callable[[object], str],
        keep: Callable[[Group, object], str],
        used: set[object],
    ) -> None:
        """Prepare to write.

        Args:
            place: Puts a step (or a class, or what is none) among the steps, unless it is there already; returns
                its name.
            keep: Puts a group among the steps that cannot be written, with its key; returns its name.
            used: Names that are taken.
        """
        self.edges: list[Edge] = []
        self._place = place
        self._keep = keep
        self._used = used
        self._named: dict[str, Group] = {}
        self._ends: dict[int, Ends] = {}

    def find(self, reference: object) -> Group | None:
        """Return the group that a reference means, `None` if it means none."""
        if isinstance(reference, Group):
            return reference
        return self._named.get(reference) if isinstance(reference, str) else None

    def ends_of(self, group: Group) -> Ends | None:
        """Return the ends of a group; `None` if it is none of this definition."""
        return self._ends.get(id(group))

    def expand(self, group: Group, key: object = None) -> Ends:
        """Write a group as steps and edges; one that is empty stays where it is."""
        name = group.name or (key if isinstance(key, str) else "")
        ends = None
        if group.members:
            match group:
                case SequentialGroup():
                    ends = self._expand_sequence(group)
                case ParallelGroup():
                    ends = self._expand_parallel(group, name or self._invented(group))
                case ConditionalGroup() if isinstance(group.branches, Mapping):
                    ends = self._expand_choice(group, name or self._invented(group))
        if ends is None:
            place = self._keep(group, key)
            ends = Ends(place, place)
        self._ends.setdefault(id(group), ends)
        for called in (group.name, key):
            if called and isinstance(called, str):
                self._named.setdefault(called, group)
        return ends

    def _member(self, member: Member) -> Ends:
        """Write a member of a group; return its ends."""
        if isinstance(member, Group):
            return self.expand(member)
        name = member if isinstance(member, str) else self._place(member)
        return Ends(name, name)

    def _expand_sequence(self, group: SequentialGroup) -> Ends:
        ends = [self._member(step) for step in group.steps]
        for before, after in pairwise(ends):
            self._link(before.exit, after.entry)
        return Ends(ends[0].entry, ends[-1].exit)

    def _expand_parallel(self, group: ParallelGroup, name: str) -> Ends:
        fork = self._place(ParallelGateway(f"{name}_fork"))
        branches = [self._member(step) for step in group.steps]
        join = self._place(ParallelGateway(f"{name}_join"))
        for branch in branches:
            self._link(fork, branch.entry)
        for branch in branches:
            self._link(branch.exit, join)
        if group.callback is None:
            return Ends(fork, join)
        callback = self._member(group.callback)
        self._link(join, callback.entry)
        return Ends(fork, callback.exit)

    def _expand_choice(self, group: ConditionalGroup, name: str) -> Ends:
        gateway: ExclusiveGateway | InclusiveGateway
        gateway = (InclusiveGateway if group.inclusive else ExclusiveGateway)(f"{name}_choice")
        choice = self._place(gateway)
        written = {
            key: None if branch is None else self._member(branch) for key, branch in group.branches.items()
        }
        fallback = None if group.default is NOTHING or group.default is None else self._member(group.default)
        merge = self._place(ParallelGateway(f"{name}_merge"))
        targets = {key: branch.entry if branch else merge for key, branch in written.items()}
        otherwise = None if group.default is NOTHING else fallback.entry if fallback else merge
        if isinstance(group.condition, str):
            self._ask_expression(group, choice, targets, otherwise)
        else:
            gateway.condition = (
                Chooser(group.condition, targets, default=otherwise, inclusive=group.inclusive)
                if callable(group.condition)
                else group.condition
            )
            for target in dict.fromkeys((*targets.values(), *([otherwise] if otherwise else []))):
                self._link(choice, target)
        for exit_ in dict.fromkeys(branch.exit for branch in (*written.values(), fallback) if branch):
            self._link(exit_, merge)
        return Ends(choice, merge)

    def _ask_expression(
        self, group: ConditionalGroup, choice: str, targets: Mapping[Hashable, str], otherwise: str | None
    ) -> None:
        """Have every edge compare the value of the expression with its own key."""
        text = cast("str", group.condition)
        for key, target in targets.items():
            asked = f"{key!r} in ({text})" if group.inclusive else f"({text}) == {key!r}"
            self.edges.append(Edge(choice, target, condition=asked if _is_expression(text) else text))
        if otherwise is not None:
            self.edges.append(Edge(choice, otherwise, default=True))

    def _link(self, source: str, target: str) -> None:
        self.edges.append(Edge(source, target))

    def _invented(self, group: Group) -> str:
        """Return a name that tells what is in a group.

        It follows from the members and not from the place of the group, so that the joins of two versions of
        a definition bear the same name only if they join the same.
        """
        firsts = [_first_name(member) for member in group.members]
        words = firsts if len(firsts) <= 3 else [firsts[0], "and", str(len(firsts) - 1), "more"]
        name = unique = "_".join(words)[:150]
        number = 1
        while _parts_of(unique) & self._used:
            number += 1
            unique = f"{name}_{number}"
        self._used |= _parts_of(unique)
        return unique


def _is_expression(text: str) -> bool:
    """Whether it may be made part of another expression; if not, it is reported as it was written."""
    try:
        compile_expression(text)
    except InvalidExpressionError:
        return False
    return True


def names_in(entry: object, key: object = None) -> set[str]:
    """Return the names that an author gave, however deep in groups, and those that follow from them."""
    if isinstance(entry, Group):
        members = (*entry.members, entry.callback) if isinstance(entry, ParallelGroup) else entry.members
        called = entry.name or key
        own = _parts_of(called) if isinstance(called, str) and called else set()
        return own.union(*map(names_in, members))
    is_step = isinstance(entry, Step) or (inspect.isclass(entry) and issubclass(entry, Step))
    name = cast("Step", entry).name if is_step else entry
    return {name} if isinstance(name, str) else set()


def _parts_of(group: str) -> set[str]:
    """Return what the steps are called that a group of this name may be written as."""
    return {f"{group}_{part}" for part in ("fork", "join", "choice", "merge")}


def _first_name(member: object) -> str:
    """Return the name of the first step in a member."""
    if isinstance(member, Group):
        return member.name or (_first_name(member.members[0]) if member.members else "nothing")
    name = member if isinstance(member, str) else getattr(member, "name", "")
    return name if isinstance(name, str) and name else "step"
