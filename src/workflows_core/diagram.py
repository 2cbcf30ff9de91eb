"""A workflow as a picture has to show it: nodes, edges, and where an instance is among them.

What is drawn is read here once. `mermaid`, `svg` and `ascii` turn a diagram into text and
decide nothing themselves.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from enum import StrEnum
from typing import TYPE_CHECKING

from attrs import frozen

from workflows_core import events as ev
from workflows_core.exits import COMPLETED, ERROR, TIMEOUT
from workflows_core.history import entries_of
from workflows_core.states import TokenState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from workflows_core.definitions import Edge, WorkflowDefinition
    from workflows_core.instance import Instance
    from workflows_core.transition import HistoryEntry


class NodeState(StrEnum):
    """How a step stands in one instance."""

    NONE = "none"
    """The instance has not come to it, or no instance is shown."""
    COMPLETED = "completed"
    """It did its work and nothing is left to do there."""
    CURRENT = "current"
    """A token is there: the step is to begin, is at work, or waits; for a join, too."""
    FAILED = "failed"
    """It failed: an incident waits there, or an edge for errors caught the failure."""
    SKIPPED = "skipped"
    """It said that it was not to be executed, and the instance went on."""
    CANCELED = "canceled"
    """It was given up before its end."""


@frozen
class DiagramNode:
    """A step in the picture.

    Attributes:
        id: The step's name.
        label: What people read.
        type: The kind of step; see `steps.StepKind`.
        is_initial: Whether instances begin here.
        is_terminal: Whether they may end here.
        state: How it stands in the instance shown. If the instance passed it more than once, the
            last time counts.
        description: More about the step; may be empty.
    """

    id: str
    label: str
    type: str
    is_initial: bool = False
    is_terminal: bool = False
    state: NodeState = NodeState.NONE
    description: str = ""


@frozen
class DiagramEdge:
    """A way from one step to the next.

    Attributes:
        source: The name of the step it leaves.
        target: The name of the step it leads to.
        label: When it is taken; empty for a plain edge.
        is_taken: Whether the instance shown went along it at least once.
    """

    source: str
    target: str
    label: str = ""
    is_taken: bool = False


@frozen
class Diagram:
    """What is drawn.

    Attributes:
        nodes: The steps, in the order written; no two have the same id.
        edges: The ways between them, in the order written. Both ends are among the nodes; there may be
            several between the same two, and loops from a step to itself.
    """

    nodes: tuple[DiagramNode, ...]
    edges: tuple[DiagramEdge, ...]


def diagram_of(
    definition: WorkflowDefinition, instance: Instance | None = None, history: Iterable[HistoryEntry] = ()
) -> Diagram:
    """Return the diagram of a definition, or of one instance of it.

    The history tells what is behind the instance; without it only the steps that hold a token have a
    state. A definition that does not validate is drawn as far as it goes: edges that name an
    unknown step are left out.
    """
    passage = _Passage()
    for entry in history:
        for event in entry.events:
            passage.read(event)
    states = passage.states | _live_states(instance)
    edges = [edge for edge in definition.edges if {edge.source, edge.target} <= definition.steps.keys()]
    between = Counter((edge.source, edge.target) for edge in edges)
    return Diagram(
        nodes=tuple(
            DiagramNode(
                id=name,
                label=step.label,
                type=step.kind,
                is_initial=name == definition.initial_step,
                is_terminal=name in definition.terminal_steps,
                state=states.get(name, NodeState.NONE),
                description=step.description,
            )
            for name, step in definition.steps.items()
        ),
        edges=tuple(
            DiagramEdge(
                edge.source,
                edge.target,
                edge.label,
                is_taken=passage.took(edge, alone=between[edge.source, edge.target] == 1),
            )
            for edge in edges
        ),
    )


def _live_states(instance: Instance | None) -> dict[str, NodeState]:
    """Return the state of every step that holds a token; one that failed outweighs the others."""
    if instance is None:
        return {}
    states = dict.fromkeys(instance.current_steps, NodeState.CURRENT)
    for token in instance.tokens.values():
        if token.state is TokenState.FAILED:
            states[token.step] = NodeState.FAILED
    return states


class _Passage:
    """What the history says about steps that were left, and about the edges that were taken."""

    def __init__(self) -> None:
        self.states: dict[str, NodeState] = {}
        self._places: dict[int, ev.Entry] = {}
        self._exits: dict[int, str] = {}
        self._endings: dict[int, NodeState] = {}
        self._moves: defaultdict[tuple[str, str], set[str]] = defaultdict(set)

    def read(self, event: ev.Event) -> None:
        match event:
            case ev.StepLeft():
                self._leave(event)
            case ev.StepSkipped():
                self._endings[event.token], self._exits[event.token] = NodeState.SKIPPED, event.exit
            case ev.ErrorCaught():
                self._endings[event.token], self._exits[event.token] = NodeState.FAILED, event.exit
            case ev.TaskCompleted() if event.outcome is not None:
                self._exits[event.token] = event.outcome
            case ev.JoinFired():
                for token in event.consumed:
                    self._places.pop(token, None)
            case ev.TokenCanceled():
                self._cancel(event.token)
            case ev.InstanceCanceled():
                for token in tuple(self._places):
                    self._cancel(token)
        for entry in entries_of(event):
            self._places[entry.token] = entry

    def took(self, edge: Edge, *, alone: bool) -> bool:
        """Whether a token went along the edge; if it is not `alone` between its ends, the exit tells."""
        exits = self._moves.get((edge.source, edge.target), set())
        if alone:
            return bool(exits)
        return edge.on in exits if edge.on else bool(exits - {ERROR, TIMEOUT})

    def _leave(self, event: ev.StepLeft) -> None:
        place = self._places.pop(event.token, None)
        if place is None:  # only a part of the history was given
            return
        exit_ = self._exits.pop(event.token, COMPLETED)
        self.states[place.step] = self._endings.pop(event.token, NodeState.COMPLETED)
        for entry in event.entries:
            self._moves[place.step, entry.step].add(exit_)

    def _cancel(self, token: int) -> None:
        place = self._places.pop(token, None)
        if place is not None and place.state != "arrived":
            self.states[place.step] = NodeState.CANCELED
