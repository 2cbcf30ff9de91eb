"""Bringing an instance to rest: the machine decides, user code answers, until nothing is left to ask.

Gateways, conditions and human steps are settled in the same transition that reached them, so
nobody ever sees an instance between two of its steps. Machine steps are only started here, on behalf
of a runner; executing them takes as long as it takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from workflows_core import commands as cmd
from workflows_core import user_code
from workflows_core.errors import InvalidTransitionError
from workflows_core.machine import consider
from workflows_core.machine.decision import Decision
from workflows_core.states import TokenState
from workflows_core.steps import StepKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from workflows_core.definitions import WorkflowDefinition
    from workflows_core.events import Event
    from workflows_core.instance import Instance, Token
    from workflows_core.ports import IdFactory


PATIENCE: Final = 1_000
"""How many moves within one transition, besides ten for each step, are not taken for an endless loop yet."""


async def carry_out(
    definition: WorkflowDefinition,
    instance: Instance | None,
    commands: Iterable[cmd.Command],
    *,
    at: datetime,
    ids: IdFactory,
    owner: str | None,
    on_refused: Callable[[InvalidTransitionError], None] | None = None,
    asks: bool = True,
) -> tuple[tuple[Event, ...], Instance]:
    """Carry out commands on an instance and settle what follows; return all events and the result.

    `owner` is the runner that will execute the machine steps that became ready; `None` leaves them
    ready for whichever runner takes them. User code is called, so no transaction may be open; unless `asks`
    is false: then what needs user code is left for the next transition.

    Raises:
        InvalidTransitionError: If a command is not allowed, unless `on_refused` takes the error; the other
            commands are carried out then.
    """
    decision = Decision(definition, instance)
    for command in commands:
        try:
            consider(decision, command)
        except InvalidTransitionError as error:
            if on_refused is None:
                raise
            on_refused(error)
    settled = 0
    while pending := _pending(decision, owner, at) if asks else ():
        for number in pending:
            token = decision.draft.tokens.get(number)
            if token is None:  # canceled by a sibling that was settled before it
                continue
            settled += 1
            if settled > PATIENCE + 10 * len(definition.steps):
                consider(decision, _give_up(token, at, settled))
            else:
                consider(decision, await _answer(decision, token, at=at, ids=ids, owner=owner))
    return decision.end()


def _pending(decision: Decision, owner: str | None, at: datetime) -> list[int]:
    """Return the tokens that go on as soon as somebody is asked, or because their moment has come."""
    if decision.draft.is_suspended:
        return []
    nodes = decision.nodes
    return [
        token.id
        for token in decision.draft.tokens.values()
        if (
            token.state is TokenState.LEAVING
            or (
                token.state is TokenState.READY
                and (owner is not None or nodes[token.step].step.kind is not StepKind.MACHINE)
            )
            or (token.state is TokenState.WAITING and token.due_at is not None)
        )
        and (token.due_at is None or token.due_at <= at)
    ]


def _give_up(token: Token, at: datetime, moves: int) -> cmd.FailStep:
    """Fail a step to which tokens come round and round without anything outside being waited for."""
    return cmd.FailStep(
        at=at,
        token=token.id,
        attempt=token.attempt,
        error_type="EndlessLoopError",
        message=f"After {moves} moves nothing is waited for: is there a loop of conditions that never changes?",
        origin="the edges",
        is_final=True,
    )


async def _answer(
    decision: Decision, token: Token, *, at: datetime, ids: IdFactory, owner: str | None
) -> cmd.Command:
    """Return the command that takes the token one further."""
    node = decision.nodes[token.step]
    kind = node.step.kind
    if token.state is TokenState.WAITING:
        return cmd.FireTimer(at=at, token=token.id)
    if token.state is TokenState.READY and kind is StepKind.MACHINE:
        assert owner is not None  # noqa: S101 - `_pending` names no machine step without one
        return cmd.StartStep(at=at, token=token.id, owner=owner)
    instance = decision.existing("go on")
    if token.state is TokenState.LEAVING:
        return await user_code.choose(node, instance, token, at)
    match kind:
        case StepKind.DECISION:
            return await user_code.open_decision(node, instance, token, at=at, new_id=ids.new_id)
        case StepKind.TIMER:
            return await user_code.set_timer(node, instance, token, at)
        case StepKind.MESSAGE:
            return await user_code.await_message(node, instance, token, at)
        case StepKind.WEBHOOK:
            return await user_code.await_call(node, instance, token, at, callback=ids.new_secret())
    return await user_code.open_task(node, instance, token, at=at, task_id=ids.new_id())
