"""Commands about the work of steps, and the ways out of them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from workflows_core import commands as cmd
from workflows_core import events as ev
from workflows_core.errors import InvalidTransitionError
from workflows_core.exits import COMPLETED, ERROR, TIMEOUT
from workflows_core.machine.handlers import Handlers, deciding
from workflows_core.states import TokenState
from workflows_core.steps import BaseMachineStep

if TYPE_CHECKING:
    from datetime import datetime

    from workflows_core.instance import Token
    from workflows_core.machine.decision import Decision

DECIDE: Final[Handlers] = {}


@deciding(DECIDE, cmd.StartStep)
def _start_step(decision: Decision, command: cmd.StartStep) -> None:
    token = decision.token(command.token, "StepStarted", "start the step")
    decision.emit(
        ev.StepStarted(at=command.at, token=token.id, attempt=token.attempt + 1, owner=command.owner)
    )


@deciding(DECIDE, cmd.CompleteStep)
def _complete_step(decision: Decision, command: cmd.CompleteStep) -> None:
    token = decision.running(command.token, command.attempt, "StepCompleted", "complete the step")
    decision.emit(ev.StepCompleted(at=command.at, token=token.id, patch=command.patch, output=command.output))


@deciding(DECIDE, cmd.SkipStep)
def _skip_step(decision: Decision, command: cmd.SkipStep) -> None:
    token = decision.running(command.token, command.attempt, "StepSkipped", "skip the step")
    decision.emit(ev.StepSkipped(at=command.at, token=token.id))


@deciding(DECIDE, cmd.FailStep)
def _fail_step(decision: Decision, command: cmd.FailStep) -> None:
    token = decision.token(command.token, "StepFailed", "fail the step")
    if token.state is TokenState.RUNNING:
        decision.running(command.token, command.attempt or 0, "StepFailed", "fail the step")
    failed: dict[str, Any] = {
        "at": command.at,
        "token": token.id,
        "error_type": command.error_type,
        "message": command.message,
        "origin": command.origin,
    }
    retry_at = _retry_at(decision, token, command)
    caught = _caught(decision, token, command)
    if retry_at is not None:
        decision.emit(ev.AttemptFailed(**failed, retry_at=retry_at))
    elif caught is not None:
        decision.close(token.id, f"step {token.step!r} failed")
        decision.emit(ev.ErrorCaught(**failed, exit=caught))
    else:
        decision.close(token.id, f"step {token.step!r} failed")
        decision.emit(ev.StepFailed(**failed))


def fail_for_lack_of_time(decision: Decision, token: Token, message: str) -> None:
    """End a wait that took too long: along the edges for that, or as a failure."""
    _fail_step(
        decision,
        cmd.FailStep(
            at=decision.at,
            token=token.id,
            error_type="TimeoutError",
            message=message,
            origin="the wait",
            timed_out=True,
        ),
    )


def fail_for(decision: Decision, token: Token, error: Exception, origin: str) -> None:
    """End a step that cannot be done as it was declared."""
    _fail_step(
        decision,
        cmd.FailStep(
            at=decision.at,
            token=token.id,
            error_type=type(error).__name__,
            message=str(error),
            origin=origin,
        ),
    )


def _retry_at(decision: Decision, token: Token, command: cmd.FailStep) -> datetime | None:
    """Return when the step is executed again; `None` if it is not."""
    step = decision.nodes[token.step].step
    if token.state is not TokenState.RUNNING or not isinstance(step, BaseMachineStep) or step.retry is None:
        return None
    failures = token.attempt - token.forgiven
    if not command.retryable or failures >= step.retry.attempts:
        return None
    return command.at + step.retry.pause(failures, command.chance)


def _caught(decision: Decision, token: Token, command: cmd.FailStep) -> str | None:
    """Return the exit whose edges catch the failure; `None` if none does.

    Choosing among those edges may fail too: that is not caught once more.
    """
    if command.is_final or token.exit in {ERROR, TIMEOUT}:
        return None
    routes = decision.nodes[token.step].routes
    exits = (TIMEOUT, ERROR) if command.timed_out else (ERROR,)
    return next((exit_ for exit_ in exits if exit_ in routes), None)


@deciding(DECIDE, cmd.LoseStep)
def _lose_step(decision: Decision, command: cmd.LoseStep) -> None:
    token = decision.running(command.token, command.attempt, "StepLost", "give the step up")
    step, losses = decision.nodes[token.step].step, token.losses + 1
    if command.handed_back:
        decision.emit(ev.StepLost(at=command.at, token=token.id, handed_back=True))
    elif isinstance(step, BaseMachineStep) and losses >= step.max_losses:
        _fail_for_losses(decision, command, losses)
    else:
        retry_at = None if losses == 1 else command.at + _pause_after(losses, command.chance)
        decision.emit(ev.StepLost(at=command.at, token=token.id, retry_at=retry_at))


def _fail_for_losses(decision: Decision, command: cmd.LoseStep, losses: int) -> None:
    """End a step that its process does not survive."""
    _fail_step(
        decision,
        cmd.FailStep(
            at=command.at,
            token=command.token,
            attempt=command.attempt,
            error_type="StepLostError",
            message=f"The process that executed it was lost {losses} times in a row",
            origin="execute",
            retryable=False,
        ),
    )


def _pause_after(losses: int, chance: float) -> timedelta:
    """Return how long a step waits that was lost several times: longer each time, and never as long as others.

    What kills a process takes everything along that is executed there. Coming back at different times, the innocent
    are done before they are taken along too often.
    """
    return timedelta(seconds=min(2.0 ** (losses - 1), 60.0) * chance)


@deciding(DECIDE, cmd.Leave)
def _leave(decision: Decision, command: cmd.Leave) -> None:
    token = decision.token(command.token, "StepLeft", "leave the step")
    route = decision.nodes[token.step].route(token.exit or COMPLETED)
    unknown = set(command.targets) - {edge.target for edge in route.candidates}
    if unknown or not command.targets:
        hint = (
            f"It has no way to {', '.join(map(repr, sorted(unknown))) or 'nowhere'} when it ends like that."
        )
        raise InvalidTransitionError(
            "leave the step", f"step {token.step!r}", f"done with {token.exit!r}", hint
        )
    decision.leave(token, command.targets)
