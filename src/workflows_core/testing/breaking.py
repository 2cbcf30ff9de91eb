"""Ways to break a definition: for every code of an error, a change that must be reported under it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeAlias, cast

from attrs import evolve

from workflows_core.definitions import Edge, WorkflowDefinition
from workflows_core.groups import SequentialGroup
from workflows_core.policies import Policies
from workflows_core.steps import BaseHumanStep, ExclusiveGateway, ParallelGateway, Step
from workflows_core.testing.blocks import Idle

Break: TypeAlias = Callable[[WorkflowDefinition], WorkflowDefinition]

_NEXT: Final = "\x00next"
"""In edges written below: what was the first step before another was put in front of it."""


def _with(**fields: Any) -> Break:
    return lambda definition: evolve(definition, **fields)


def _with_edge(edge: object) -> Break:
    """Add an edge; it may lead from or to what was the first step."""
    return lambda definition: evolve(definition, edges=(*definition.edges, _resolved(edge, definition)))


def _with_step(key: str, step: object) -> Break:
    added = cast("Step", step)
    return lambda definition: evolve(definition, steps={**definition.steps, key: added})


def _first(step: Step, *edges: Edge, others: tuple[Step, ...] = ()) -> Break:
    """Put a step in front, whose edges lead on."""

    def put(definition: WorkflowDefinition) -> WorkflowDefinition:
        return evolve(
            definition,
            steps={each.name: each for each in (step, *others)} | dict(definition.steps),
            edges=(*(_resolved(edge, definition) for edge in edges), *definition.edges),
            initial_step=step.name,
        )

    return put


def _resolved(edge: object, definition: WorkflowDefinition) -> Any:
    if not isinstance(edge, Edge):
        return edge
    first = definition.initial_step
    source, target = (first if name == _NEXT else name for name in (edge.source, edge.target))
    return Edge(source, target, edge.condition, edge.on, edge.default)


def _with_namesake(definition: WorkflowDefinition) -> WorkflowDefinition:
    return evolve(definition, steps=[*definition.steps.values(), Idle(definition.initial_step)])


def _with_way_out_of_end(definition: WorkflowDefinition) -> WorkflowDefinition:
    return _with_edge(Edge(definition.terminal_steps[0], _NEXT))(definition)


_ASK: Final = BaseHumanStep("ask", outcomes=("yes", "no"))
_GATE: Final = ExclusiveGateway("gate", lambda _context: "a")

BREAKS: Final[Mapping[str, Break]] = MappingProxyType(
    {
        "bad-name": _with(name=" padded "),
        "bad-version": _with(version="one two"),
        "no-steps": _with(steps=[]),
        "not-a-step": _with_step("pay", "pay"),
        "empty-group": _with_step("group", SequentialGroup()),
        "duplicate-name": _with_namesake,
        "name-mismatch": _with_step("pay", Idle("settle")),
        "bad-option": _first(Idle("broken", join=0), Edge("broken", _NEXT)),
        "bad-schema": _with(input_schema={"type": "numbr"}),
        "not-json": _first(Idle("broken", title="\ud800"), Edge("broken", _NEXT)),
        "no-initial-step": _with(initial_step=""),
        "unknown-initial-step": _with(initial_step="nowhere"),
        "no-terminal-step": _with(terminal_steps=[]),
        "unknown-terminal-step": _with(terminal_steps=["nowhere"]),
        "not-an-edge": _with_edge(("a", "b")),
        "unknown-source": _with_edge(Edge("nowhere", _NEXT)),
        "unknown-target": _first(Idle("broken"), Edge("broken", _NEXT), Edge("broken", "nowhere")),
        "unknown-outcome": _first(_ASK, Edge("ask", _NEXT), Edge("ask", _NEXT, on="perhaps")),
        "bad-condition": _first(Idle("broken"), Edge("broken", _NEXT, condition=42)),  # type: ignore[arg-type]
        "bad-expression": _first(Idle("broken"), Edge("broken", _NEXT, condition="amount >")),
        "unhandled-outcome": _first(_ASK, Edge("ask", _NEXT, on="yes")),
        "several-defaults": _first(
            Idle("broken"),
            Edge("broken", _NEXT, default=True),
            Edge("broken", "other", default=True),
            Edge("other", _NEXT),
            others=(Idle("other"),),
        ),
        "conditional-default": _first(
            Idle("broken"), Edge("broken", _NEXT, condition="amount > 1", default=True)
        ),
        "never-taken": _first(
            ExclusiveGateway("broken"),
            Edge("broken", _NEXT),
            Edge("broken", "other", condition="amount > 1"),
            Edge("other", _NEXT),
            others=(Idle("other"),),
        ),
        "ignored-condition": _first(_GATE, Edge("gate", _NEXT, condition="amount > 1")),
        "gateway-without-ways": _first(
            ParallelGateway("broken"),
            Edge("broken", _NEXT),
            Edge("broken", "gate"),
            others=(_GATE,),
        ),
        "terminal-with-ways-out": _with_way_out_of_end,
        "dead-end": _first(
            ParallelGateway("broken"),
            Edge("broken", _NEXT),
            Edge("broken", "lost"),
            others=(Idle("lost"),),
        ),
        "unknown-policy-step": _with(policies=Policies(not_who_did=["nowhere"])),
        "unreachable": _with_step("island", Idle("island")),
        "no-way-to-end": _first(
            ParallelGateway("broken"),
            Edge("broken", _NEXT),
            Edge("broken", "ask"),
            Edge("ask", "ask"),
            others=(BaseHumanStep("ask"),),
        ),
        "endless-cycle": _first(
            ParallelGateway("broken"),
            Edge("broken", _NEXT),
            Edge("broken", "busy"),
            Edge("busy", "busy"),
            others=(Idle("busy"),),
        ),
    }
)
"""Code to a change that has to be reported under it, whatever definition it is applied to."""
