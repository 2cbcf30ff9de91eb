"""Commands about whole instances: their start, and what operators ask of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from workflows_core import commands as cmd
from workflows_core import events as ev
from workflows_core.errors import InvalidOutcomeError, InvalidTransitionError, StepNotFoundError
from workflows_core.exits import COMPLETED
from workflows_core.machine.handlers import Handlers, deciding
from workflows_core.permissions import Action, policies_of
from workflows_core.states import TOKEN_MOVES, TokenState
from workflows_core.steps import BaseHumanStep

if TYPE_CHECKING:
    from workflows_core.instance import Token
    from workflows_core.machine.decision import Decision

DECIDE: Final[Handlers] = {}


@deciding(DECIDE, cmd.Start)
def _start(decision: Decision, command: cmd.Start) -> None:
    if decision.instance is not None:
        raise InvalidTransitionError("start", f"instance {decision.instance.id}", "already started")
    definition = decision.definition
    first = decision.nodes[definition.initial_step]
    decision.emit(
        ev.InstanceStarted(
            at=command.at,
            instance_id=command.instance_id,
            definition_name=definition.name,
            definition_version=definition.version,
            # A join at the very beginning has nothing to wait for.
            entry=ev.Entry(1, first.name, "leaving" if first.is_gateway else "ready"),
            data=command.data,
            size=command.size,
            created_by=command.created_by,
            tenant_id=command.tenant_id,
            correlation_id=command.correlation_id,
            idempotency_key=command.idempotency_key,
            metadata=command.metadata,
        )
    )


@deciding(DECIDE, cmd.Cancel)
def _cancel(decision: Decision, command: cmd.Cancel) -> None:
    decision.permit(command, Action.CANCEL, policies_of(decision.definition))
    decision.allow("cancel")
    decision.cancel_tasks(list(decision.draft.tasks.values()), command.reason)
    decision.emit(ev.InstanceCanceled(at=command.at, reason=command.reason, by=command.actor))


@deciding(DECIDE, cmd.Retry)
def _retry(decision: Decision, command: cmd.Retry) -> None:
    decision.permit(command, Action.RETRY, policies_of(decision.definition))
    decision.allow("retry", hint="Only a failed instance can be retried.")
    failed = [token for token in decision.draft.tokens.values() if token.state is TokenState.FAILED]
    if command.step is not None:
        failed = [token for token in failed if token.step == command.step]
    if not failed:
        what = "the instance" if command.step is None else f"step {command.step!r}"
        raise InvalidTransitionError("retry", what, "not failed")
    for token in failed:
        kind = ev.StepRetried if token.exit is None else ev.RouteRetried
        decision.emit(kind(at=command.at, token=token.id, reason=command.reason, by=command.actor))


@deciding(DECIDE, cmd.Skip)
def _skip(decision: Decision, command: cmd.Skip) -> None:
    decision.permit(command, Action.SKIP, policies_of(decision.definition, command.step))
    decision.allow("skip")
    tokens = _at(decision, command.step, "skip")
    exit_ = _exit(decision, command)
    for token in tokens:
        decision.close(token.id, command.reason)
        decision.emit(
            ev.StepSkipped(at=command.at, token=token.id, exit=exit_, reason=command.reason, by=command.actor)
        )


def _at(decision: Decision, step: str, command: str) -> list[Token]:
    """Return the tokens whose work at a step is not done yet.

    Raises:
        StepNotFoundError: If there is no such step.
        InvalidTransitionError: If nothing is there; arrived tokens have nothing to be done.
    """
    if step not in decision.nodes:
        raise StepNotFoundError(decision.definition.name, step, known=tuple(decision.nodes))
    tokens = [
        token
        for token in decision.draft.tokens.values()
        if token.step == step and "StepSkipped" in TOKEN_MOVES[token.state]
    ]
    if not tokens:
        raise InvalidTransitionError(command, f"step {step!r}", "not at work", _whereabouts(decision))
    return tokens


def _exit(decision: Decision, command: cmd.Skip) -> str:
    """Return how a skipped step counts as having ended."""
    step = decision.nodes[command.step].step
    outcomes = tuple(step.outcomes) if isinstance(step, BaseHumanStep) else ()
    if command.outcome is None and not outcomes:
        return COMPLETED
    if command.outcome is None or command.outcome not in outcomes:
        raise InvalidOutcomeError(f"Step {command.step!r}", command.outcome, outcomes)
    return command.outcome


@deciding(DECIDE, cmd.Move)
def _move(decision: Decision, command: cmd.Move) -> None:
    decision.permit(command, Action.MOVE, policies_of(decision.definition))
    decision.allow("move")
    for step in (command.target, command.source):
        if step is not None and step not in decision.nodes:
            raise StepNotFoundError(decision.definition.name, step, known=tuple(decision.nodes))
    left = [number for number, step in decision.places() if command.source in {None, step}]
    if not left:
        raise InvalidTransitionError(
            "move", f"step {command.source!r}", "not reached", _whereabouts(decision)
        )
    entry = decision.entry(decision.draft.next_token, command.target)
    decision.emit(ev.TokenPlaced(at=command.at, entry=entry, reason=command.reason, by=command.actor))
    decision.cancel_tokens(left, command.reason)


def _whereabouts(decision: Decision) -> str:
    steps = dict.fromkeys(step for _, step in decision.places())
    return f"The instance is at: {', '.join(steps)}."


@deciding(DECIDE, cmd.Suspend)
def _suspend(decision: Decision, command: cmd.Suspend) -> None:
    decision.permit(command, Action.SUSPEND, policies_of(decision.definition))
    decision.allow("suspend")
    decision.emit(ev.InstanceSuspended(at=command.at, reason=command.reason, by=command.actor))


@deciding(DECIDE, cmd.Resume)
def _resume(decision: Decision, command: cmd.Resume) -> None:
    decision.permit(command, Action.RESUME, policies_of(decision.definition))
    decision.allow("resume", hint="Only a suspended instance can be resumed.")
    decision.emit(ev.InstanceResumed(at=command.at, reason=command.reason, by=command.actor))
