"""From what an author writes to what the machine reads: steps by name, and edges between names.

Here classes become objects, steps get their names, groups become steps and edges, and every reference becomes a
name. Nothing is refused: what is no step, no edge or no reference stays where it is, for the validation to
report with everything else.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, cast

from attrs import evolve, frozen

from workflows_core.edges import Edge, name_of
from workflows_core.exits import ERROR, TIMEOUT
from workflows_core.expansion import Expansion, names_in
from workflows_core.groups import Group
from workflows_core.steps import ParallelGateway, Step

if TYPE_CHECKING:
    from workflows_core.edges import StepReference

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
    written += [edge for edge in assembly.groups.edges if (edge.source, edge.target) not in plain]
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


class _Assembly:
    """The steps placed so far, and who is called what."""

    def __init__(self, entries: list[tuple[object, object]]) -> None:
        self.steps: dict[str, Step] = {}
        self._objects: dict[int, str] = {}
        self._classes: dict[type, list[str]] = {}
        used: set[object] = {key for key, _entry in entries}
        for key, entry in entries:
            used |= names_in(entry, key)
        self.groups = Expansion(self._place_once, self._place, used)
        for key, entry in entries:
            if isinstance(entry, Step):
                self._introduce(entry, key)
        for key, entry in entries:
            if isinstance(entry, Group):
                self.groups.expand(entry, key)
            else:
                self._place(entry, key)

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

    def _place_once(self, member: object) -> str:
        """Put a member of a group where the machine will find it, unless it stands elsewhere; return its key."""
        known = self._objects.get(id(member))
        if inspect.isclass(member):
            known = self._only_one(member)
        return self._place(_made(member)) if known is None else known

    def resolved(self, reference: object, *, leaving: bool) -> str:
        """Return the name of a step; of a group the name of the step at its end or at its beginning."""
        if isinstance(reference, Step):
            return cast("str", self._objects.get(id(reference), reference))
        if inspect.isclass(reference):
            return self._only_one(reference) or cast("str", reference)
        group = self._group(reference)
        ends = None if group is None else self.groups.ends_of(group)
        if ends is None:
            return cast("str", reference)
        return ends.exit if leaving else ends.entry

    def _group(self, reference: object) -> Group | None:
        """Return the group that a reference means; a step of the same name comes first."""
        is_step = isinstance(reference, str) and reference in self.steps
        return None if is_step else self.groups.find(reference)

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
