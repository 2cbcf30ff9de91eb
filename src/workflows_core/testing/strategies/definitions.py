"""Definitions that are accepted, and definitions that are refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from attrs import frozen
from hypothesis import assume
from hypothesis import strategies as st

from workflows_core.definitions import Edge, WorkflowDefinition
from workflows_core.steps import (
    BaseHumanStep,
    DecisionStep,
    DelayStep,
    ExclusiveGateway,
    InclusiveGateway,
    MessageStep,
    ParallelGateway,
    Step,
    StepKind,
    WebhookStep,
)
from workflows_core.testing.blocks import Block, Choice, Idle, Loop, Parallel, Sequence, Work, definition_of
from workflows_core.testing.breaking import BREAKS
from workflows_core.validation import validate

if TYPE_CHECKING:
    from workflows_core.context import WorkflowContext


def definitions(*, max_steps: int = 10) -> st.SearchStrategy[WorkflowDefinition]:
    """Definitions that validation accepts: block-structured ones, and graphs of any shape."""
    return structured_definitions(max_works=max_steps) | free_definitions(max_steps=max_steps)


def structured_definitions(*, max_works: int = 10) -> st.SearchStrategy[WorkflowDefinition]:
    """Definitions built of nested sequences, choices, parallel branches and loops; see `blocks`."""
    return blocks(max_works=max_works).map(definition_of)


_SHAPES: Final = ("work", "sequence", "choice", "parallel", "loop")
_DECIDERS: Final = (StepKind.MACHINE, StepKind.HUMAN, StepKind.GATEWAY)


@st.composite
def blocks(
    draw: st.DrawFn,
    *,
    max_works: int = 10,
    kinds: tuple[StepKind, ...] = (StepKind.MACHINE, StepKind.HUMAN),
    deciders: tuple[StepKind, ...] = _DECIDERS,
    partial_joins: bool = True,
) -> Block:
    """Blocks, each step with a name of its own.

    Args:
        draw: Given by Hypothesis.
        max_works: About how many steps with work there are at the most.
        kinds: What steps with work may be.
        deciders: What steps may be that choose a way.
        partial_joins: Whether parallel branches may go on when only some of them are done.
    """
    names = iter(range(1, 10_000))
    left = draw(st.integers(1, max_works))

    def name(prefix: str) -> str:
        return f"{prefix}{next(names)}"

    def decider(prefix: str) -> Work:
        return Work(name(prefix), draw(st.sampled_from(deciders)))

    def block(depth: int) -> Block:
        nonlocal left
        left -= 1
        match draw(st.sampled_from(_SHAPES if left > 0 and depth < 5 else _SHAPES[:1])):
            case "sequence":
                return Sequence(several(depth))
            case "choice":
                branches = tuple(perhaps(depth) for _ in range(draw(st.integers(2, 3))))
                merge = name("merge") if draw(st.booleans()) else None
                return Choice(decider("choice"), branches, merge)
            case "parallel":
                branches = several(depth)
                need = draw(st.none() | st.integers(1, len(branches))) if partial_joins else None
                return Parallel(name("split"), branches, name("join"), need)
            case "loop":
                return Loop(block(depth + 1), decider("again"), perhaps(depth))
        return Work(name("work"), draw(st.sampled_from(kinds)))

    def several(depth: int) -> tuple[Block, ...]:
        return tuple(block(depth + 1) for _ in range(draw(st.integers(2, 3))))

    def perhaps(depth: int) -> Block:
        return block(depth + 1) if draw(st.booleans()) else Sequence()

    return Sequence(several(0))


@frozen
class _OneOf:
    """The condition of an exclusive gateway: the number under its name says which target."""

    gateway: str
    targets: tuple[str, ...]
    __name__ = "one_of"

    def __call__(self, context: WorkflowContext) -> str:
        return self.targets[_turn(self.gateway, context) % len(self.targets)]


@frozen
class _SomeOf:
    """The condition of an inclusive gateway: the bits of the number under its name say which targets."""

    gateway: str
    targets: tuple[str, ...]
    __name__ = "some_of"

    def __call__(self, context: WorkflowContext) -> list[str]:
        turn = _turn(self.gateway, context)
        return [target for place, target in enumerate(self.targets) if turn >> place & 1] or [self.targets[0]]


def _turn(gateway: str, context: WorkflowContext) -> int:
    turn = context.get(gateway, 0)
    return turn if isinstance(turn, int) else 0


@st.composite
def free_definitions(draw: st.DrawFn, *, max_steps: int = 8) -> WorkflowDefinition:
    """Definitions of any shape: merges, joins and ways back wherever they fall, ends in the middle.

    Every step has a way forward or ends there; ways back are choices, so that there is a way out of each cycle.
    """
    size = draw(st.integers(1, max_steps))
    names = [f"s{number}" for number in range(size)]
    is_end = [number == size - 1 or (number > 0 and draw(st.integers(0, 5)) == 0) for number in range(size)]
    ways: list[list[int]] = [[] for _ in names]
    for number in range(1, size):
        sources = [source for source in range(number) if not is_end[source]]
        ways[draw(st.sampled_from(sources))].append(number)
    for number in range(size):
        if not is_end[number]:
            ways[number] += draw(st.lists(st.integers(0, size - 1), max_size=2))
            if not any(target > number for target in ways[number]):
                ways[number].append(draw(st.integers(number + 1, size - 1)))
    steps: dict[str, Step] = {}
    edges: list[Edge] = []
    for number, name in enumerate(names):
        targets = list(dict.fromkeys(ways[number]))
        goes_back = any(target <= number for target in targets)
        step, leaving = draw(_step(name, [names[target] for target in targets], goes_back=goes_back))
        steps[name] = step
        edges += leaving
    incoming = Counter(edge.target for edge in edges)
    for name, step in steps.items():
        if incoming[name] > 1 and draw(st.booleans()):
            step.join = draw(st.sampled_from(["any", *range(1, incoming[name] + 1)]))
    definition = WorkflowDefinition(
        name="free",
        steps=steps,
        edges=edges,
        initial_step=names[0],
        terminal_steps=[name for name, ends in zip(names, is_end, strict=True) if ends],
    )
    assume(not any(problem.is_error for problem in validate(definition)))
    return definition


_OUTCOMES: Final = ("yes", "no", "later")


@st.composite
def _step(draw: st.DrawFn, name: str, targets: list[str], *, goes_back: bool) -> tuple[Step, list[Edge]]:
    """Draw a step with the edges to its targets; if one goes back, somebody chooses among them."""
    kinds: list[Callable[[st.DrawFn, str, list[str]], tuple[Step, list[Edge]]]] = [_decided, _determined]
    if not goes_back:
        kinds += [_forking, _forking, _exclusive, _inclusive, _waiting]
    step, edges = draw(st.sampled_from(kinds))(draw, name, targets)
    if not targets:
        step.terminate = draw(st.booleans()) and draw(st.booleans())
    return step, edges


def _decided(draw: st.DrawFn, name: str, targets: list[str]) -> tuple[Step, list[Edge]]:
    """Draw a step that a person decides, or several together."""
    if not targets:
        return BaseHumanStep(name, outcomes=draw(st.sampled_from([(), _OUTCOMES[:2]]))), []
    outcomes = _OUTCOMES[: max(2, min(3, len(targets)))]
    together = len(outcomes) == 2 and draw(st.integers(0, 3)) == 0
    edges = [
        Edge(name, target, on=outcomes[place % len(outcomes)])
        for place, target in enumerate([*targets, *targets][: max(len(targets), len(outcomes))])
    ]
    kind = DecisionStep if together else BaseHumanStep
    return kind(name, outcomes=outcomes), edges


def _determined(draw: st.DrawFn, name: str, targets: list[str]) -> tuple[Step, list[Edge]]:
    """Draw a machine step whose conditions decide; one of its ways may be for failures."""
    edges = [
        Edge(name, target, condition=f"context.get({name!r}, 0) == {place}")
        for place, target in enumerate(targets[:-1])
    ]
    edges += [Edge(name, target, default=len(targets) > 1) for target in targets[-1:]]
    if draw(st.booleans()) and targets:
        edges.append(Edge(name, draw(st.sampled_from(targets)), on="error"))
    return Idle(name), edges


def _forking(draw: st.DrawFn, name: str, targets: list[str]) -> tuple[Step, list[Edge]]:
    """Draw a step after which all goes on at the same time."""
    step: Step = draw(st.sampled_from([ParallelGateway, Idle, BaseHumanStep]))(name)
    return step, [Edge(name, target) for target in targets]


def _exclusive(draw: st.DrawFn, name: str, targets: list[str]) -> tuple[Step, list[Edge]]:
    if not targets:
        return _forking(draw, name, targets)
    if draw(st.booleans()):
        gateway = ExclusiveGateway(name, _OneOf(name, tuple(targets)))
        return gateway, [Edge(name, target) for target in targets]
    _, edges = _determined(draw, name, targets)
    return ExclusiveGateway(name), [edge for edge in edges if edge.on is None]


def _inclusive(draw: st.DrawFn, name: str, targets: list[str]) -> tuple[Step, list[Edge]]:
    if not targets:
        return _forking(draw, name, targets)
    if draw(st.booleans()):
        gateway = InclusiveGateway(name, _SomeOf(name, tuple(targets)))
        return gateway, [Edge(name, target) for target in targets]
    _, edges = _determined(draw, name, targets)
    return InclusiveGateway(name), [edge for edge in edges if edge.on is None]


def _waiting(draw: st.DrawFn, name: str, targets: list[str]) -> tuple[Step, list[Edge]]:
    """Draw a step that waits for a moment, a message or a call; patience may end."""
    edges = [Edge(name, target) for target in targets]
    kind = draw(st.sampled_from([DelayStep, MessageStep, WebhookStep]))
    if kind is DelayStep:
        return DelayStep(name, 60), edges
    patience = draw(st.none() | st.just(3600))
    step = MessageStep(name, timeout=patience) if kind is MessageStep else WebhookStep(name, timeout=patience)
    if draw(st.booleans()) and patience is not None and targets:
        edges.append(Edge(name, targets[0], on="timeout"))
    return step, edges


@frozen
class Broken:
    """A definition with something wrong in it, and the code under which it must be reported."""

    definition: WorkflowDefinition
    code: str


def broken_definitions(*, max_steps: int = 5) -> st.SearchStrategy[Broken]:
    """Definitions in which one thing was broken; see `breaking`. It may have consequences of its own."""
    return st.builds(
        lambda definition, code: Broken(BREAKS[code](definition), code),
        definitions(max_steps=max_steps),
        st.sampled_from(sorted(BREAKS)),
    )
