"""What drawings say about steps in words."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from workflows_core.diagram import NodeState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from workflows_core.diagram import DiagramEdge, DiagramNode

KINDS: Final = MappingProxyType({
    "machine": "machine step",
    "human": "human step",
    "decision": "decision by several people",
    "gateway": "gateway",
    "timer": "timer",
    "message": "waits for a message",
    "webhook": "waits for a callback",
})  # fmt: skip
"""What a kind of step is called."""

STATES: Final = MappingProxyType({
    NodeState.COMPLETED: "completed",
    NodeState.CURRENT: "current",
    NodeState.FAILED: "failed",
    NodeState.SKIPPED: "skipped",
    NodeState.CANCELED: "canceled",
})  # fmt: skip
"""What a state is called; `NodeState.NONE` is not mentioned."""


def facts(node: DiagramNode, say: Callable[[str], str] = str) -> Iterator[str]:
    """Yield what is to be said about a step beside its name; `say` may translate it."""
    yield say(KINDS.get(node.type, f"{node.type} step"))
    if node.state in STATES:
        yield say(STATES[node.state])
    if node.is_initial:
        yield say("first step")
    if node.is_terminal:
        yield say("last step")


def way(edge: DiagramEdge, target: str) -> str:
    """Return where an edge leads to, and when."""
    return f"{edge.label} → {target}".lstrip()
