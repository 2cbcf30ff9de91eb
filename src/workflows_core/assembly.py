"""From what an author writes to what the machine reads: steps by name, and edges between names.

Here classes become objects, steps get their names, groups become steps and edges, and every reference becomes a
name. Nothing is refused: what is no step, no edge or no reference stays where it is, for the validation to
report with everything else.
"""

from __future__ import annotations

import inspect
from collections.abc import Hashable, Iterable, Mapping
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, cast

from attrs import NOTHING, evolve, frozen

from workflows_core.edges import Edge, name_of
from workflows_core.exits import ERROR, TIMEOUT
from workflows_core.expressions import InvalidExpressionError, compile_expression
from workflows_core.groups import Chooser, ConditionalGroup, Group, ParallelGroup, SequentialGroup
from workflows_core.steps import ExclusiveGateway, InclusiveGateway, ParallelGateway, Step

if TYPE_CHECKING:
    from workflows_core.edges import StepReference
    from workflows_core.groups import Member

NAMELESS: Final = "\x00"
"""What the key of a step begins with that has no name of its own; the number of the step follows."""


@frozen
class Assembled:
    """The parts of a definition, ready for the machine if there is nothing wrong with them.

    Attributes:
        steps: Name to step. What is no step, or has no usable name, or the name of another one, stands
            under `NAMELESS` and its number.
        edges: The edges written, then those of groups, then those that parallel gateways imply.
        initial_step: Where it begins.
        terminal_steps: Where it may end; in order if they were given as a set, whose order means nothing.
    """

    steps: Mapping[str, Step]
    edges: tuple[Edge, ...]
    initial_step: str
    terminal_steps: tuple[str, ...]


def assemble(
    steps: object,
    edges: Iterable[Edge],
    initial_step: StepReference,
    terminal_steps: Iterable[StepReference] | StepReference,
) -> Assembled:
    """Bring the parts of a definition together."""
    assembly = _Assembly(_entries(steps))
    written = [assembly.resolved_edge(edge) for edge in as_many(edges)]
    plain = {(edge.source, edge.target) for edge in written if _is_plain(edge)}
    written += [edge for edge in assembly.edges if (edge.source, edge.target) not in plain]
    written += assembly.implied_edges(written)
    ends = [assembly.resolved(name_of(step), leaving=True) for step in as_many(terminal_steps)]
    return Assembled(
        MappingProxyType(assembly.steps),
        tuple(written),
        assembly.resolved(name_of(initial_step), leaving=False),
        tuple(sorted(ends, key=str) if isinstance(terminal_steps, set | frozenset) else ends),
    )


def as_many(items: object) -> tuple[Any, ...]:
    """Return the items; a single one, text included, stands for itself, and `None` for none."""
    if items is None:
        return ()
    if isinstance(items, str) or not isinstance(items, Iterable):
        return (items,)
    return tuple(items)


def make(step: type[Step]) -> object:
    """Return an object of a class of steps; the class itself if it cannot be made without arguments."""
    try:
        return step()
    except Exception:  # noqa: BLE001 - whatever its author's code raises; the validation tells
        return step


def _entries(steps: object) -> list[tuple[object, object]]:
    """Return pairs of key and entry, classes made objects; the key is `None` where none is given."""
    if isinstance(steps, Mapping):
        return [(key, _made(entry)) for key, entry in steps.items()]
    return [(None, _made(entry)) for entry in as_many(steps)]


def _made(entry: object) -> object:
    return make(entry) if inspect.isclass(entry) and issubclass(entry, Step) else entry


def _is_plain(edge: object) -> bool:
    return (
        isinstance(edge, Edge)
        and edge.condition is None
        and edge.on is None
        and not edge.default
        and isinstance(edge.source, str)
        and isinstance(edge.target, str)
    )


@frozen
class _Ends:
    """Where a member is entered, and where it is left."""

    entry: str
    exit: str


class _Assembly:
    """The steps placed so far, the edges that groups brought, and who is called what."""

    def __init__(self, entries: list[tuple[object, object]]) -> None:
        self.steps: dict[str, Step] = {}
        self.edges: list[Edge] = []
        self._named: dict[str, Group] = {}
        self._groups: dict[int, _Ends] = {}
        self._objects: dict[int, str] = {}
        self._classes: dict[type, list[str]] = {}
        self._used: set[object] = {key for key, _entry in entries}
        for key, entry in entries:
            self._used |= _names_in(entry, key)
        for key, entry in entries:
            if isinstance(entry, Step):
                self._introduce(entry, key)
        for key, entry in entries:
            if isinstance(entry, Group):
                self._expand(entry, key)
            else:
                self._place(entry, key)

    # Steps

    def _introduce(self, step: Step, key: object) -> None:
        """Name a step by its key if it has no name yet, and let groups and edges find it."""
        if not step.name and isinstance(key, str) and not key.startswith(NAMELESS):
            step.name = key
        name = step.name if key is None else key
        if isinstance(name, str):
            self._objects.setdefault(id(step), name)
            self._classes.setdefault(type(step), []).append(name)

    def _place(self, entry: object, key: object = None) -> str:
        """Put a step where the machine will find it; return its key."""
        name: object = key
        if key is None and isinstance(entry, Step | Group) and isinstance(entry.name, str):
            name = entry.name
        if not name or name in self.steps:
            name = f"{NAMELESS}{len(self.steps)}"
        self.steps[cast("str", name)] = cast("Step", entry)
        return cast("str", name)

    # Groups

    def _member(self, member: Member) -> _Ends:
        """Write a member of a group, unless it stands elsewhere; return its ends."""
        if isinstance(member, Group):
            return self._expand(member)
        if isinstance(member, str):
            return _Ends(member, member)
        entry: object = member
        known = self._objects.get(id(member))
        if inspect.isclass(member):
            known = self._only_one(member)
            entry = _made(member) if known is None else member
        name = self._place(entry) if known is None else known
        return _Ends(name, name)

    def _expand(self, group: Group, key: object = None) -> _Ends:
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
            place = self._place(group, key)
            ends = _Ends(place, place)
        self._groups.setdefault(id(group), ends)
        for called in (group.name, key):
            if called and isinstance(called, str):
                self._named.setdefault(called, group)
        return ends

    def _expand_sequence(self, group: SequentialGroup) -> _Ends:
        ends = [self._member(step) for step in group.steps]
        for before, after in pairwise(ends):
            self._link(before.exit, after.entry)
        return _Ends(ends[0].entry, ends[-1].exit)

    def _expand_parallel(self, group: ParallelGroup, name: str) -> _Ends:
        fork = self._place(ParallelGateway(f"{name}_fork"))
        branches = [self._member(step) for step in group.steps]
        join = self._place(ParallelGateway(f"{name}_join"))
        for branch in branches:
            self._link(fork, branch.entry)
        for branch in branches:
            self._link(branch.exit, join)
        if group.callback is None:
            return _Ends(fork, join)
        callback = self._member(group.callback)
        self._link(join, callback.entry)
        return _Ends(fork, callback.exit)

    def _expand_choice(self, group: ConditionalGroup, name: str) -> _Ends:
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
        return _Ends(choice, merge)

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

    # References

    def resolved(self, reference: object, *, leaving: bool) -> str:
        """Return the name of a step; of a group the name of the step at its end or at its beginning."""
        if isinstance(reference, Step):
            return cast("str", self._objects.get(id(reference), reference))
        if inspect.isclass(reference):
            return self._only_one(reference) or cast("str", reference)
        group = self._group(reference)
        ends = None if group is None else self._groups.get(id(group))
        if ends is None:
            return cast("str", reference)
        return ends.exit if leaving else ends.entry

    def _group(self, reference: object) -> Group | None:
        if isinstance(reference, Group):
            return reference
        is_free = isinstance(reference, str) and reference not in self.steps
        return self._named.get(cast("str", reference)) if is_free else None

    def _only_one(self, kind: type) -> str | None:
        names = self._classes.get(kind, [])
        return names[0] if len(names) == 1 else None

    def resolved_edge(self, edge: Edge) -> Edge:
        """Return an edge between names; what is no edge stays as it is.

        So does a group that an edge for failures leaves: only a step can fail, and which one is not said.
        """
        if not isinstance(edge, Edge):
            return edge
        group = self._group(edge.source) if isinstance(edge.on, str) and edge.on in {ERROR, TIMEOUT} else None
        source = cast("str", group) if group else self.resolved(edge.source, leaving=True)
        target = self.resolved(edge.target, leaving=False)
        if source is edge.source and target is edge.target:
            return edge
        return evolve(edge, source=source, target=target)

    def implied_edges(self, written: list[Edge]) -> list[Edge]:
        """Return the edges to the branches of parallel gateways that nobody wrote."""
        known = {
            (edge.source, edge.target)
            for edge in written
            if isinstance(edge, Edge) and isinstance(edge.source, str) and isinstance(edge.target, str)
        }
        gateways = [(name, step) for name, step in self.steps.items() if isinstance(step, ParallelGateway)]
        implied = [
            (name, self.resolved(branch, leaving=False))
            for name, step in gateways
            if isinstance(step.branches, list | tuple)
            for branch in step.branches
            if isinstance(branch, str)
        ]
        return [Edge(*way) for way in implied if way not in known]


def _is_expression(text: str) -> bool:
    """Whether it may be made part of another expression; if not, it is reported as it was written."""
    try:
        compile_expression(text)
    except InvalidExpressionError:
        return False
    return True


def _names_in(entry: object, key: object = None) -> set[str]:
    """Return the names that an author gave, however deep in groups, and those that follow from them."""
    if isinstance(entry, Group):
        members = (*entry.members, entry.callback) if isinstance(entry, ParallelGroup) else entry.members
        called = entry.name or key
        own = _parts_of(called) if isinstance(called, str) and called else set()
        return own.union(*map(_names_in, members))
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
