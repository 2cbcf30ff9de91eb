"""Definitions prepared for a simulation: fakes in the place of machine steps, choices in the place of conditions.

To the machine they are definitions like any other; what was changed is user code.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from attrs import evolve

from workflows_core.exits import ERROR, TIMEOUT
from workflows_core.expressions import compile_expression
from workflows_core.steps import BaseMachineStep, ExclusiveGateway, InclusiveGateway, StepKind
from workflows_core.testing.choices import NONE, Script, SimulationError, check_steps

if TYPE_CHECKING:
    from workflows_core.context import WorkflowContext
    from workflows_core.definitions import WorkflowDefinition
    from workflows_core.edges import Edge
    from workflows_core.steps import Step


def rehearsed(
    definition: WorkflowDefinition,
    choices: Mapping[str, Any],
    fakes: Mapping[str, Any] | Script,
    *,
    runs_steps: bool,
) -> WorkflowDefinition:
    """Return the definition as a simulation runs it.

    Raises:
        SimulationError: If a choice or a fake is for no step, or for one that cannot use it.
    """
    check_steps(definition, choices, "The choices")
    check_steps(definition, fakes, "The fakes")
    steps, edges = dict(definition.steps), list(definition.edges)
    script = fakes if isinstance(fakes, Script) else Script(fakes)
    for name, step in definition.steps.items():
        if isinstance(step, BaseMachineStep) and (name in script or not runs_steps):
            steps[name] = _faked(step, script, runs_steps=runs_steps)
        elif name in script:
            msg = f"There is a fake for {name!r}, which is no machine step: give a choice for it."
            raise SimulationError(msg)
    for name, choice in choices.items():
        if steps[name].kind in _IN_PASSING:
            director = _Director(steps[name], choice, [edge for edge in edges if edge.source == name])
            steps[name] = director.step(steps[name])
            edges = [director.edge(edge, steps[name]) if edge.source == name else edge for edge in edges]
    return evolve(definition, steps=steps, edges=edges)


_IN_PASSING = frozenset({StepKind.GATEWAY, StepKind.MACHINE, StepKind.TIMER})
"""Kinds of steps at which nobody outside is waited for: there is no more to choose than the ways out."""


def _faked(step: BaseMachineStep, script: Script, *, runs_steps: bool) -> BaseMachineStep:
    """Return the step with another `execute`; its hooks and options stay."""

    async def execute(context: WorkflowContext) -> object:
        fake = script.take(step.name)
        if fake is NONE:
            return await step.execute(context) if runs_steps else None
        if isinstance(fake, BaseException) or (inspect.isclass(fake) and issubclass(fake, BaseException)):
            raise fake
        result = fake(context) if callable(fake) else fake
        return await result if inspect.isawaitable(result) else result

    faked = copy.copy(step)
    faked.execute = execute  # type: ignore[method-assign]
    return faked


class _Director:
    """Says where one step leads, in the place of its conditions, for as long as there are choices for it."""

    def __init__(self, step: Step, choice: Any, edges: list[Edge]) -> None:
        self._name = name = step.name
        self._targets = [edge.target for edge in edges if edge.on not in {ERROR, TIMEOUT}]
        if not isinstance(step, ExclusiveGateway | InclusiveGateway) and not any(
            edge.condition is not None or edge.default for edge in edges
        ):
            msg = f"There is nothing to choose at {name!r}: all its edges are always taken."
            raise SimulationError(msg)
        self._script = Script({name: choice})
        self._chosen: dict[str, Any] = {}
        for each in choice if isinstance(choice, list) else [choice]:
            if not callable(each):
                self._read(each)

    def _read(self, choice: Any) -> tuple[str, ...]:
        names = (choice,) if isinstance(choice, str) else choice
        if not isinstance(names, tuple) or not names or not set(names) <= set(self._targets):
            msg = f"{choice!r} is no way out of {self._name!r}; its edges lead to {', '.join(map(repr, self._targets))}."
            raise SimulationError(msg)
        return names

    def _choose(self, context: WorkflowContext) -> Any:
        """Return the chosen targets, the same for as long as a token is at the step; `NONE` for no choice."""
        visit = context.idempotency_key
        if visit not in self._chosen:
            choice = self._script.take(self._name)
            choice = choice(context) if callable(choice) else choice
            self._chosen[visit] = choice if choice is NONE else self._read(choice)
        return self._chosen[visit]

    def step(self, step: Step) -> Step:
        """Return the step with a condition that obeys, if it has one."""
        if not isinstance(step, ExclusiveGateway | InclusiveGateway) or step.condition is None:
            return step
        original, several = step.condition, isinstance(step, InclusiveGateway)

        async def condition(context: WorkflowContext) -> Any:
            chosen = self._choose(context)
            if chosen is not NONE:
                return list(chosen) if several else chosen[0]
            answer: Any = original(context)
            return await answer if inspect.isawaitable(answer) else answer

        directed = copy.copy(step)
        directed.condition = condition
        return directed

    def edge(self, edge: Edge, step: Step) -> Edge:
        """Return the edge with a condition that obeys, if it may or may not be taken."""
        chooses = edge.condition is not None or isinstance(step, ExclusiveGateway)
        asks_the_step = getattr(step, "condition", None) is not None
        if not chooses or asks_the_step or edge.default or edge.on in {ERROR, TIMEOUT}:
            return edge

        async def condition(context: WorkflowContext) -> object:
            chosen = self._choose(context)
            return edge.target in chosen if chosen is not NONE else await _holds(edge, context)

        return evolve(edge, condition=condition)


async def _holds(edge: Edge, context: WorkflowContext) -> object:
    if edge.condition is None:
        return True
    if isinstance(edge.condition, str):
        names = {**context.data, "tasks": dict(context.tasks)}
        return compile_expression(edge.condition).evaluate(names)
    answer = edge.condition(context)
    return await answer if inspect.isawaitable(answer) else answer
