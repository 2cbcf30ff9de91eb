"""Commands about steps that wait for a moment or a message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from workflows_core import commands as cmd
from workflows_core import events as ev
from workflows_core.errors import InvalidTransitionError
from workflows_core.machine.alarms import ring
from workflows_core.machine.handlers import Handlers, deciding
from workflows_core.machine.steps import fail_for_lack_of_time
from workflows_core.machine.tasks import is_at_people
from workflows_core.steps import MessageStep, WebhookStep

if TYPE_CHECKING:
    from workflows_core.machine.decision import Decision
    from workflows_core.steps import Step

DECIDE: Final[Handlers] = {}


@deciding(DECIDE, cmd.SetTimer)
def _set_timer(decision: Decision, command: cmd.SetTimer) -> None:
    token = decision.token(command.token, "TimerSet", "set the timer")
    decision.emit(ev.TimerSet(at=command.at, token=token.id, due_at=command.due_at))


@deciding(DECIDE, cmd.FireTimer)
def _fire_timer(decision: Decision, command: cmd.FireTimer) -> None:
    token = decision.token(command.token, "TimerFired", "fire the timer")
    if token.due_at is None or token.due_at > command.at:
        raise InvalidTransitionError("fire the timer", f"token {token.id}", f"not due before {token.due_at}")
    if is_at_people(decision, token.id):
        ring(decision, token.id)
    elif token.awaits is None:
        decision.emit(ev.TimerFired(at=command.at, token=token.id))
    else:
        fail_for_lack_of_time(decision, token, f"no message {token.awaits.name!r} came in time")


@deciding(DECIDE, cmd.AwaitMessage)
def _await_message(decision: Decision, command: cmd.AwaitMessage) -> None:
    token = decision.token(command.token, "MessageAwaited", "wait for a message")
    decision.emit(
        ev.MessageAwaited(
            at=command.at,
            token=token.id,
            name=command.name,
            correlation_key=command.correlation_key,
            due_at=command.due_at,
        )
    )


@deciding(DECIDE, cmd.DeliverMessage)
def _deliver_message(decision: Decision, command: cmd.DeliverMessage) -> None:
    decision.allow("act", "deliver the message")
    token = decision.token(command.token, "MessageReceived", "deliver the message")
    if token.awaits is None:
        raise InvalidTransitionError("deliver the message", f"step {token.step!r}", "not waiting for one")
    decision.emit(
        ev.MessageReceived(
            at=command.at,
            token=token.id,
            message_id=command.message_id,
            key=_payload_key(decision.nodes[token.step].step),
            payload=command.payload,
            size=command.size,
        )
    )


def _payload_key(step: Step) -> str:
    """Return the key of the data that a step's message is put under."""
    match step:
        case MessageStep(payload_key=str() as key) | WebhookStep(callback_key=str() as key):
            return key
    return step.name
