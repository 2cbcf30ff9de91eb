"""What may happen next to an instance, as far as its definition says.

At run time people, clocks and user code decide how a step ends and which conditions hold. Here every answer they
could give is listed, so that a test can try one, or all of them.
"""

from __future__ import annotations

from itertools import chain, combinations
from typing import TYPE_CHECKING, Final
from uuid import UUID

from workflows_core import commands as cmd
from workflows_core.exits import COMPLETED
from workflows_core.quorum import Seat
from workflows_core.states import INSTANCE_COMMANDS, TOKEN_MOVES, TokenState
from workflows_core.steps import BaseHumanStep, DecisionStep, ExclusiveGateway, InclusiveGateway, StepKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from workflows_core.definitions import WorkflowDefinition
    from workflows_core.edges import Edge
    from workflows_core.graph import Node
    from workflows_core.instance import Instance, Token
    from workflows_core.steps import Step
    from workflows_core.tasks import Task

SOMEBODY: Final = "somebody"
"""Who completes tasks and decides here."""

OWNER: Final = "a runner"
"""The runner on whose behalf machine steps are started here."""

MANY: Final = 5
"""From so many optional ways on, only one, all but one or all of them are tried together, not every combination."""


def ways_out(node: Node, exit_: str) -> tuple[tuple[str, ...], ...]:
    """Return every set of steps that may follow a step which ended in one way, whatever its conditions say.

    An empty set among them means that possibly no edge applies, which fails the step.
    """
    route = node.route(exit_)
    if route.targets is not None:
        return (route.targets,)
    step = node.step
    if isinstance(step, ExclusiveGateway):
        return tuple(_first_that_holds(step, route.candidates))
    if isinstance(step, InclusiveGateway) and step.condition is not None:
        targets = dict.fromkeys(edge.target for edge in route.candidates)
        return tuple(map(tuple, _subsets(list(targets))))[1:]
    return tuple(_all_that_hold(route.candidates))


def _first_that_holds(gateway: ExclusiveGateway, edges: Sequence[Edge]) -> Iterator[tuple[str, ...]]:
    if gateway.condition is not None:
        yield from ((target,) for target in dict.fromkeys(edge.target for edge in edges))
        return
    for edge in edges:
        if not edge.default:
            yield (edge.target,)
            if edge.condition is None:
                return
    yield tuple(edge.target for edge in edges if edge.default)


def _all_that_hold(edges: Sequence[Edge]) -> Iterator[tuple[str, ...]]:
    always = [
        edge.target for edge in edges if not edge.default and edge.condition is None and edge.on is None
    ]
    ended_so = [edge.target for edge in edges if not edge.default and edge.condition is None and edge.on]
    maybe = [edge.target for edge in edges if not edge.default and edge.condition is not None]
    otherwise = [edge.target for edge in edges if edge.default]
    for chosen in _subsets(maybe):
        yield (*always, *(ended_so + chosen or otherwise))


def _subsets(items: list[str]) -> Iterator[list[str]]:
    """Yield the empty selection, then the others."""
    sizes = range(len(items) + 1) if len(items) < MANY else [0, 1, len(items) - 1, len(items)]
    yield from map(list, chain.from_iterable(combinations(items, size) for size in sizes))


def beginning(definition: WorkflowDefinition, token: Token, at: datetime) -> cmd.Command | None:
    """Return the command by which the step of a ready token begins; `None` for other tokens.

    Tasks get the number of their token as id, and timers go off after no time.
    """
    if token.state is not TokenState.READY:
        return None
    node = definition.graph.nodes[token.step]
    match node.step.kind:
        case StepKind.HUMAN:
            return _open_task(node.step, token, at)
        case StepKind.DECISION:
            return cmd.OpenDecision(
                at=at, token=token.id, seats=_seats(node.step, token), task=_open_task(node.step, token, at)
            )
        case StepKind.TIMER:
            return cmd.SetTimer(at=at, token=token.id, due_at=at)
        case StepKind.MESSAGE | StepKind.WEBHOOK:
            patience = at if getattr(node.step, "timeout", None) is not None else None
            return cmd.AwaitMessage(
                at=at, token=token.id, name=token.step, correlation_key="", due_at=patience
            )
    return cmd.StartStep(at=max(at, token.due_at or at), token=token.id, owner=OWNER)


def _open_task(step: Step, token: Token, at: datetime) -> cmd.OpenTask:
    return cmd.OpenTask(
        at=at, token=token.id, task_id=UUID(int=token.id), title=step.label, outcomes=_outcomes(step)
    )


def _outcomes(step: Step) -> tuple[str, ...]:
    return tuple(step.outcomes) if isinstance(step, BaseHumanStep) else ()


def _seats(step: Step, token: Token) -> tuple[Seat, ...]:
    """Return the seats of a decision: one whose vote decides, since who sits there only the data says."""
    needs = step.quorum.needs if isinstance(step, DecisionStep) else 1
    weight = needs if isinstance(needs, int) else 1
    return (Seat(name=SOMEBODY, weight=weight, task_id=UUID(int=token.id)),)


def endings(
    definition: WorkflowDefinition, instance: Instance, token: Token, at: datetime, *, failures: bool = False
) -> Iterator[tuple[str, cmd.Command]]:
    """Yield everything that may happen next to a token whose step has begun: in words, and as a command.

    Args:
        definition: The definition of the instance.
        instance: The instance.
        token: One of its tokens.
        at: Now.
        failures: Whether steps may fail, time may run out, and failed steps may be retried.
    """
    name = repr(token.step)
    match token.state:
        case TokenState.RUNNING:
            yield f"{name} succeeds", cmd.CompleteStep(at=at, token=token.id, attempt=token.attempt)
            if failures:
                yield f"{name} fails", _failure(token, at)
                if getattr(definition.graph.nodes[token.step].step, "timeout", None) is not None:
                    yield f"{name} takes too long", _failure(token, at, timed_out=True)
        case TokenState.WAITING:
            for task in instance.tasks.values():
                if task.token == token.id:
                    yield from _completions(task, at)
            if token.awaits is not None:
                yield f"{name} gets its message", cmd.DeliverMessage(at=at, token=token.id, message_id=name)
            if token.due_at is not None and (failures or token.awaits is None):
                words = f"{name} is over" if token.awaits is None else f"{name} waits in vain"
                yield words, cmd.FireTimer(at=max(at, token.due_at), token=token.id)
        case TokenState.LEAVING:
            yield from _leaving(definition.graph.nodes[token.step], token, at)
        case TokenState.FAILED if failures:
            yield f"somebody retries {name}", cmd.Retry(at=at, step=token.step)


def _completions(task: Task, at: datetime) -> Iterator[tuple[str, cmd.Command]]:
    for outcome in task.outcomes or (None,):
        words = f"{task.step_name!r} is completed" + (f" with {outcome!r}" if outcome else "")
        yield words, cmd.CompleteTask(at=at, task_id=task.id, data={}, outcome=outcome, actor=SOMEBODY)


def _failure(token: Token, at: datetime, *, timed_out: bool = False) -> cmd.FailStep:
    return cmd.FailStep(
        at=at,
        token=token.id,
        attempt=token.attempt,
        error_type="RuntimeError",
        message="It failed.",
        origin="execute",
        retryable=False,
        timed_out=timed_out,
    )


def _leaving(node: Node, token: Token, at: datetime) -> Iterator[tuple[str, cmd.Command]]:
    """Yield the ways out; that none applies only where it cannot be otherwise."""
    ways = ways_out(node, token.exit or COMPLETED)
    name = repr(token.step)
    for targets in filter(None, ways):
        words = f"{name} leads to {', '.join(map(repr, targets))}"
        yield words, cmd.Leave(at=at, token=token.id, targets=targets)
    if not any(ways):
        words = f"nothing leads out of {name} when it ends with {token.exit!r}"
        yield (
            words,
            cmd.FailStep(at=at, token=token.id, error_type="NoPathError", message=words, origin="the edges"),
        )


def interventions(definition: WorkflowDefinition, instance: Instance, at: datetime) -> Iterator[cmd.Command]:
    """Yield what operators may ask of an instance in its present state."""
    allowed = INSTANCE_COMMANDS[instance.status]
    if "suspend" in allowed:
        yield cmd.Suspend(at=at, reason="We stop here.")
    if "resume" in allowed:
        yield cmd.Resume(at=at)
    if "retry" in allowed and instance.failures:
        yield cmd.Retry(at=at)
    if "skip" in allowed:
        yield from _skips(definition, instance, at)
    if "move" in allowed:
        for step in definition.steps:
            yield cmd.Move(at=at, target=step, reason="We go on here.")
        for source in instance.current_steps:
            yield cmd.Move(at=at, target=definition.initial_step, source=source, reason="We begin again.")
    if "cancel" in allowed:
        yield cmd.Cancel(at=at, reason="We give it up.")


def _skips(definition: WorkflowDefinition, instance: Instance, at: datetime) -> Iterator[cmd.Command]:
    for token in instance.tokens.values():
        if "StepSkipped" in TOKEN_MOVES[token.state]:
            for outcome in _outcomes(definition.steps[token.step]) or (None,):
                yield cmd.Skip(at=at, step=token.step, outcome=outcome, reason="We do without.")
