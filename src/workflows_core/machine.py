"""The machine: what a command does to an instance.

Two rules about this file, which a review can check:

* Everything that decides what happens next in an instance stands here (and in the tables of
  `states`); everything else only brings commands and carries events away.
* Nothing here does I/O, reads a clock, makes an id, waits, or calls code a user wrote. Times,
  ids and the results of user code arrive in the command, so the same arguments always give
  the same events, and deciding again after a lost race costs nothing.

How tokens move (the theory; the code below is a transcript of it):

A token that *leaves* a step is consumed, and one token is made on every edge that was chosen.
Where no user code has a say the machine takes those edges itself; otherwise the token stays
`leaving` until a `Leave` command brings the choice.

A token that comes to a step with several incoming edges has *arrived* there and waits. The
join fires, and turns its arrived tokens into one, when no other live token can still come to
it. Tokens that arrived at another join count as live: that join will fire and go on. If two
joins wait for each other (both lie on one cycle), the first in graph order fires. Because every
blocked join is blocked by a live token outside the joins or by a join that precedes it, some
join can always fire once only arrived tokens are left: the rule cannot deadlock. It is one
rule for parallel joins, exclusive merges, inclusive joins and loop heads alike; compare the
local synchronising merge of the workflow patterns (van der Aalst et al., 2003).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

from workflows_core import commands as cmd
from workflows_core import events as ev
from workflows_core.errors import InvalidOutcomeError, InvalidTransitionError
from workflows_core.evolution import Draft
from workflows_core.instance import COMPLETED, ERROR, Instance
from workflows_core.states import INSTANCE_COMMANDS, TASK_MOVES, TOKEN_MOVES, TokenState

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from uuid import UUID

    from workflows_core.definitions import WorkflowDefinition
    from workflows_core.graph import Node
    from workflows_core.instance import Token
    from workflows_core.tasks import Task


def decide(
    definition: WorkflowDefinition, instance: Instance | None, command: cmd.Command
) -> tuple[ev.Event, ...]:
    """Return what the command makes happen, in order; `None` stands for an instance not started yet.

    Raises:
        InvalidTransitionError: If the command is not allowed in the present state.
    """
    return advance(definition, instance, command)[0]


def advance(
    definition: WorkflowDefinition, instance: Instance | None, command: cmd.Command
) -> tuple[tuple[ev.Event, ...], Instance]:
    """Decide, and return the instance as it is after the events as well.

    The second is exactly `evolve` over the first; deciding has computed it already.
    """
    decision = _Decision(definition, instance, command.at)
    _DECIDE[type(command)](decision, command)
    decision.settle()
    return tuple(decision.events), decision.draft.freeze()


class _Decision:
    """One decision being made: the events so far, and the state they lead to."""

    __slots__ = ("at", "definition", "draft", "events", "instance", "nodes")

    def __init__(self, definition: WorkflowDefinition, instance: Instance | None, at: datetime) -> None:
        self.definition = definition
        self.nodes = definition.graph.nodes
        self.instance = instance
        self.at = at
        self.draft = Draft(instance)
        self.events: list[ev.Event] = []

    def emit(self, event: ev.Event) -> None:
        self.events.append(event)
        self.draft.apply(event)

    # Tokens on their way

    def settle(self) -> None:
        """Move every token as far as it goes without user code."""
        while True:
            while self.draft.leaving:
                self._leave_if_settled(self.draft.leaving.pop(0))
            join = self._next_join()
            if join is None:
                return
            self._fire(join)

    def _leave_if_settled(self, number: int) -> None:
        token = self.draft.tokens.get(number)
        if token is None:  # canceled by a sibling that left before it
            return
        targets = self.nodes[token.step].route(token.exit or COMPLETED).targets
        if targets is not None:
            self.leave(token, targets)

    def leave(self, token: Token, targets: tuple[str, ...]) -> None:
        """Consume the token and put one at each target."""
        first = self.draft.next_token
        entries = tuple(self._entry(first + index, target) for index, target in enumerate(targets))
        self.emit(ev.StepLeft(at=self.at, token=token.id, entries=entries))
        if self.nodes[token.step].step.terminate:
            self.cancel_tokens(self._live(), f"step {token.step!r} ended the instance")

    def _entry(self, number: int, target: str) -> ev.Entry:
        node = self.nodes[target]
        if node.joins:
            return ev.Entry(number, target, "arrived")
        return ev.Entry(number, target, "leaving" if node.is_gateway else "ready")

    # Joins

    def _next_join(self) -> Node | None:
        """Return the join to fire now, `None` if every one still waits."""
        if not self.draft.arrivals:
            return None
        free: list[Node] = []
        for step, numbers in self.draft.arrivals.items():
            node = self.nodes[step]
            if isinstance(node.join, int) and len(numbers) >= node.join:
                return node
            if not self._token_can_reach(node):
                free.append(node)
        return min(
            (node for node in free if not any(_precedes(other, node) for other in free)),
            key=lambda node: node.number,
            default=None,
        )

    def _token_can_reach(self, node: Node) -> bool:
        nodes, number = self.nodes, node.number
        return any(nodes[token.step].reaches >> number & 1 for token in self.draft.tokens.values())

    def _fire(self, node: Node) -> None:
        """Turn the arrived tokens into one; a join that needs no more cancels what is on its way."""
        consumed = self.draft.arrivals[node.name]
        entry = ev.Entry(self.draft.next_token, node.name, "leaving" if node.is_gateway else "ready")
        self.emit(ev.JoinFired(at=self.at, consumed=consumed, entry=entry))
        if isinstance(node.join, int):
            late = [number for number in self._live(before=node) if number != entry.token]
            self.cancel_tokens(late, f"join {node.name!r} did not need it any more")

    # Giving up

    def _live(self, *, before: Node | None = None) -> list[int]:
        """Return the numbers of all live tokens, or of those that can still come to a step."""
        places = [(token.id, token.step) for token in self.draft.tokens.values()]
        places += [(number, step) for step, numbers in self.draft.arrivals.items() for number in numbers]
        return [
            number
            for number, step in places
            if before is None or self.nodes[step].reaches >> before.number & 1
        ]

    def cancel_tokens(self, numbers: list[int], reason: str) -> None:
        """Cancel tokens, with the tasks they wait for."""
        gone = set(numbers)
        self.cancel_tasks([task for task in self.draft.tasks.values() if task.token in gone], reason)
        for number in numbers:
            self.emit(ev.TokenCanceled(at=self.at, token=number, reason=reason))

    def cancel_tasks(self, tasks: list[Task], reason: str) -> None:
        for task in tasks:
            self.emit(ev.TaskCanceled(at=self.at, task_id=task.id, reason=reason))

    # What a command is about

    def existing(self, command: str) -> Instance:
        if self.instance is None:
            raise InvalidTransitionError(command, "the instance", "not started")
        return self.instance

    def token(self, number: int, event: str, command: str) -> Token:
        """Return the token if the table allows the event in its state."""
        token = self.draft.tokens.get(number)
        state = TokenState.GONE if token is None else token.state
        if token is None or event not in TOKEN_MOVES[state]:
            raise InvalidTransitionError(command, f"token {number}", state)
        return token

    def running(self, number: int, attempt: int, event: str, command: str) -> Token:
        """Return the token if this very attempt is still the one that counts."""
        token = self.token(number, event, command)
        if token.attempt != attempt:
            raise InvalidTransitionError(
                command, f"token {number}", f"running attempt {token.attempt}, not {attempt}"
            )
        return token

    def task(self, task_id: UUID, event: str, command: str) -> Task:
        """Return the open task; closed ones have left the instance."""
        task = self.draft.tasks.get(task_id)
        if task is None:
            raise InvalidTransitionError(command, f"task {task_id}", "not open")
        if event not in TASK_MOVES[task.status]:
            raise InvalidTransitionError(command, f"task {task_id}", task.status)
        return task

    def allow(self, command: str, hint: str = "") -> Instance:
        """Refuse an operator's command that the instance's status has no entry for."""
        instance = self.existing(command)
        status = instance.status
        if command not in INSTANCE_COMMANDS[status]:
            raise InvalidTransitionError(command, f"instance {instance.id}", status, hint)
        return instance


def _precedes(first: Node, second: Node) -> bool:
    """Whether one join must fire before the other: it leads there and not back."""
    return bool(first.reaches >> second.number & 1) and not second.reaches >> first.number & 1


C = TypeVar("C")
_DECIDE: dict[type, Callable[[_Decision, cmd.Command], None]] = {}


def _decides(kind: type[C]) -> Callable[[Callable[[_Decision, C], None]], Callable[[_Decision, C], None]]:
    def register(function: Callable[[_Decision, C], None]) -> Callable[[_Decision, C], None]:
        _DECIDE[kind] = cast("Callable[[_Decision, cmd.Command], None]", function)
        return function

    return register


@_decides(cmd.Start)
def _start(decision: _Decision, command: cmd.Start) -> None:
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
            created_by=command.created_by,
            tenant_id=command.tenant_id,
            correlation_id=command.correlation_id,
            idempotency_key=command.idempotency_key,
            metadata=command.metadata,
        )
    )


@_decides(cmd.StartStep)
def _start_step(decision: _Decision, command: cmd.StartStep) -> None:
    token = decision.token(command.token, "StepStarted", "start the step")
    decision.emit(
        ev.StepStarted(at=command.at, token=token.id, attempt=token.attempt + 1, owner=command.owner)
    )


@_decides(cmd.CompleteStep)
def _complete_step(decision: _Decision, command: cmd.CompleteStep) -> None:
    token = decision.running(command.token, command.attempt, "StepCompleted", "complete the step")
    decision.emit(ev.StepCompleted(at=command.at, token=token.id, patch=command.patch, output=command.output))


@_decides(cmd.SkipStep)
def _skip_step(decision: _Decision, command: cmd.SkipStep) -> None:
    token = decision.running(command.token, command.attempt, "StepSkipped", "skip the step")
    decision.emit(ev.StepSkipped(at=command.at, token=token.id))


@_decides(cmd.FailStep)
def _fail_step(decision: _Decision, command: cmd.FailStep) -> None:
    token = decision.token(command.token, "StepFailed", "fail the step")
    if token.state is TokenState.RUNNING:
        decision.running(command.token, command.attempt or 0, "StepFailed", "fail the step")
    caught = token.exit != ERROR and decision.nodes[token.step].catches_errors
    kind = ev.ErrorCaught if caught else ev.StepFailed
    decision.emit(
        kind(
            at=command.at,
            token=token.id,
            error_type=command.error_type,
            message=command.message,
            origin=command.origin,
        )
    )


@_decides(cmd.LoseStep)
def _lose_step(decision: _Decision, command: cmd.LoseStep) -> None:
    token = decision.running(command.token, command.attempt, "StepLost", "give the step up")
    decision.emit(ev.StepLost(at=command.at, token=token.id))


@_decides(cmd.Leave)
def _leave(decision: _Decision, command: cmd.Leave) -> None:
    token = decision.token(command.token, "StepLeft", "leave the step")
    route = decision.nodes[token.step].route(token.exit or COMPLETED)
    unknown = set(command.targets) - {edge.target for edge in route.candidates}
    if unknown or not command.targets:
        msg = f"step {token.step!r} has no way to {sorted(unknown) or 'nowhere'} when it ends with {token.exit!r}"
        raise ValueError(msg)
    decision.leave(token, command.targets)


@_decides(cmd.OpenTask)
def _open_task(decision: _Decision, command: cmd.OpenTask) -> None:
    token = decision.token(command.token, "TaskOpened", "open the task")
    decision.emit(
        ev.TaskOpened(
            at=command.at,
            token=token.id,
            task_id=command.task_id,
            step=token.step,
            title=command.title,
            description=command.description,
            form_schema=command.form_schema,
            outcomes=command.outcomes,
            assignee=command.assignee,
            assignee_group=command.assignee_group,
            candidate_users=command.candidate_users,
            candidate_groups=command.candidate_groups,
            priority=command.priority,
            due_at=command.due_at,
        )
    )


@_decides(cmd.CompleteTask)
def _complete_task(decision: _Decision, command: cmd.CompleteTask) -> None:
    task = decision.task(command.task_id, "TaskCompleted", "complete the task")
    decision.token(task.token, "TaskCompleted", "complete the task")
    if command.outcome not in (task.outcomes or (None,)):
        raise InvalidOutcomeError(task.id, command.outcome, task.outcomes)
    decision.emit(
        ev.TaskCompleted(
            at=command.at,
            task_id=task.id,
            token=task.token,
            step=task.step_name,
            data=command.data,
            size=command.size,
            outcome=command.outcome,
            by=command.actor,
            comment=command.comment,
        )
    )


@_decides(cmd.ReassignTask)
def _reassign_task(decision: _Decision, command: cmd.ReassignTask) -> None:
    task = decision.task(command.task_id, "TaskReassigned", "reassign the task")
    decision.emit(
        ev.TaskReassigned(at=command.at, task_id=task.id, assignee=command.assignee, reason=command.reason)
    )


@_decides(cmd.Cancel)
def _cancel(decision: _Decision, command: cmd.Cancel) -> None:
    decision.allow("cancel")
    decision.cancel_tasks(list(decision.draft.tasks.values()), command.reason)
    decision.emit(ev.InstanceCanceled(at=command.at, reason=command.reason, by=command.actor))


@_decides(cmd.Retry)
def _retry(decision: _Decision, command: cmd.Retry) -> None:
    decision.allow("retry", "Only a failed instance can be retried.")
    failed = [token for token in decision.draft.tokens.values() if token.state is TokenState.FAILED]
    if command.step is not None:
        failed = [token for token in failed if token.step == command.step]
        if not failed:
            raise InvalidTransitionError("retry", f"step {command.step!r}", "not failed")
    for token in failed:
        kind = ev.StepRetried if token.exit is None else ev.RouteRetried
        decision.emit(kind(at=command.at, token=token.id))
