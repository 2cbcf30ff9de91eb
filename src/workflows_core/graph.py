"""Questions about the shape of a definition, answered once and kept.

Steps are numbered in graph order (`order.graph_order`), a topological order wherever the graph has no
cycle. Sets of steps are bit sets in
a Python integer, so that "can any of these reach that?" is one `&`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from attrs import frozen

from workflows_core.exits import COMPLETED, ERROR, TIMEOUT
from workflows_core.order import awaited
from workflows_core.order import graph_order as order_of
from workflows_core.paths import backwards, components
from workflows_core.steps import ExclusiveGateway, InclusiveGateway, Join, Step, StepKind

if TYPE_CHECKING:
    from workflows_core.definitions import Edge, WorkflowDefinition


@frozen
class Route:
    """The ways out of a step that ended in one particular way.

    Attributes:
        candidates: The edges that may be taken.
        targets: The steps to go on to, where no user code has to be asked; `None` where it has.
            Empty where the branch ends here.
    """

    candidates: tuple[Edge, ...]
    targets: tuple[str, ...] | None


@frozen
class Node:
    """One step as the machine sees it.

    Attributes:
        number: Its place in graph order.
        name: The step's name.
        step: The step itself.
        joins: Whether a token that comes here waits for others first.
        join: `"all"`, or the number of arrivals that suffices.
        outgoing: All edges that leave it.
        reaches: Bit set of the steps that can come after it.
        awaits: For a join: bit set of the steps from which a token may still come that it waits for; see
            `order.awaited`.
    """

    number: int
    name: str
    step: Step
    joins: bool
    join: Join
    outgoing: tuple[Edge, ...]
    reaches: int
    awaits: int
    routes: Mapping[str, Route]

    def route(self, exit_: str) -> Route:
        """Return the ways out for one way of ending; see `Token.exit`."""
        return self.routes.get(exit_) or self.routes[COMPLETED]

    @property
    def catches_errors(self) -> bool:
        """Whether a failure has edges of its own."""
        return ERROR in self.routes

    @property
    def is_gateway(self) -> bool:
        """Whether a token passes it without any work being done."""
        return self.step.kind is StepKind.GATEWAY


@frozen(eq=False)
class Graph:
    """The shape of one definition.

    Attributes:
        nodes: Step name to node, in graph order; unreachable steps come last.
    """

    nodes: Mapping[str, Node]

    @classmethod
    def of(cls, definition: WorkflowDefinition) -> Graph:
        """Read the shape of a valid definition."""
        outgoing = edges_by_source(definition)
        order = graph_order(definition)
        targets = {name: [edge.target for edge in outgoing[name]] for name in order}
        number = {name: index for index, name in enumerate(order)}
        reaches = reachability(number, targets)
        joining = _joins(definition, targets)
        awaits = _awaits(number, targets, reaches, joining)
        return cls(
            {
                name: Node(
                    index,
                    name,
                    step := definition.steps[name],
                    joins=name in joining,
                    join=step.join,
                    outgoing=outgoing[name],
                    reaches=reaches[name],
                    awaits=awaits.get(index, 0),
                    routes=_routes(step, outgoing[name]),
                )
                for name, index in number.items()
            }
        )

    def reaches(self, source: str, target: str) -> bool:
        """Say whether a token at `source` can still come to `target`."""
        return bool(self.nodes[source].reaches >> self.nodes[target].number & 1)


def edges_by_source(definition: WorkflowDefinition) -> dict[str, tuple[Edge, ...]]:
    """Return the known edges of every step, in the order written."""
    found: dict[str, list[Edge]] = {name: [] for name in definition.steps}
    for edge in definition.edges:
        if edge.source in found and edge.target in found:
            found[edge.source].append(edge)
    return {name: tuple(edges) for name, edges in found.items()}


def graph_order(definition: WorkflowDefinition) -> list[str]:
    """Return all step names in graph order; see `order.graph_order`."""
    outgoing = edges_by_source(definition)
    targets = {name: [edge.target for edge in edges] for name, edges in outgoing.items()}
    written = [(edge.source, edge.target) for edge in definition.edges]
    return order_of(targets, definition.initial_step, written)


def reachability(number: Mapping[str, int], targets: Mapping[str, Collection[str]]) -> dict[str, int]:
    """Return for each step the bit set of the steps at the end of some path of one edge or more.

    Steps that reach each other reach the same, so that one walk settles everything.
    """
    reaches = dict.fromkeys(targets, 0)
    for component in components(targets):
        found = 0
        for name in component:
            for target in targets[name]:
                found |= 1 << number[target] | reaches[target]
        reaches.update(dict.fromkeys(component, found))
    return reaches


def _joins(definition: WorkflowDefinition, targets: Mapping[str, list[str]]) -> set[str]:
    """Return the steps at which tokens wait for others: several edges lead there, and not each for itself."""
    incoming = Counter(target for follow in targets.values() for target in follow)
    return {name for name, step in definition.steps.items() if incoming[name] > 1 and step.join != "any"}


def _awaits(
    number: Mapping[str, int],
    targets: Mapping[str, list[str]],
    reaches: Mapping[str, int],
    joins: Collection[str],
) -> dict[int, int]:
    """Return for each join, by number, the bit set of the steps from which it awaits tokens."""
    if not joins:
        return {}
    sources = backwards(targets)
    reached_from = reachability(number, sources)
    return awaited(
        [[number[source] for source in sources[name]] for name in number],
        [reaches[name] for name in number],
        [reached_from[name] for name in number],
        [number[name] for name in joins],
    )


def _routes(step: Step, edges: tuple[Edge, ...]) -> dict[str, Route]:
    """Prepare the ways out for every way of ending that the edges name."""
    normal = tuple(edge for edge in edges if edge.on not in {ERROR, TIMEOUT})
    routes = {COMPLETED: _route(step, normal, tuple(edge for edge in normal if edge.on is None))}
    for exit_ in dict.fromkeys(edge.on for edge in edges if edge.on is not None):
        if exit_ in {ERROR, TIMEOUT}:
            own = tuple(edge for edge in edges if edge.on == exit_)
            routes[exit_] = _route(step, own, own)
        else:
            routes[exit_] = _route(step, normal, tuple(edge for edge in normal if edge.on in {None, exit_}))
    return routes


def _route(step: Step, ways_out: tuple[Edge, ...], candidates: tuple[Edge, ...]) -> Route:
    """Settle the targets now if no user code has a say; `ways_out` tells an end from a dead end."""
    if not ways_out:
        return Route((), ())
    chooses = isinstance(step, ExclusiveGateway | InclusiveGateway)
    plain = all(edge.condition is None and not edge.default for edge in candidates)
    if candidates and plain and not chooses:
        return Route(candidates, tuple(edge.target for edge in candidates))
    return Route(candidates, None)
