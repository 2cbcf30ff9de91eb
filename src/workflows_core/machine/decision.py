"""One decision being made: what happened so far, and how tokens move on by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from workflows_core import events as ev
from workflows_core.actors import Actor
from workflows_core.errors import (
    InstanceNotFoundError,
    InvalidTransitionError,
    NotPermittedError,
    TaskNotFoundError,
)
from workflows_core.evolution import Draft
from workflows_core.exits import COMPLETED
from workflows_core.permissions import Action, may, policies_of
from workflows_core.states import INSTANCE_COMMANDS, TASK_MOVES, TOKEN_MOVES, InstanceStatus, TokenState
from workflows_core.words import listed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from workflows_core.definitions import WorkflowDefinition
    from workflows_core.graph import Node
    from workflows_core.instance import Instance, Token
    from workflows_core.policies import Policies
    from workflows_core.tasks import Task


class Asked(Protocol):
    """A command that somebody asks for; see `commands`."""

    @property
    def actor(self) -> str | None:
        """Who asks."""
        ...

    @property
    def identity(self) -> Actor | None:
        """Who asks, where it is to be checked whether they may."""
        ...


class TaskCommand(Asked, Protocol):
    """Such a command about a task."""

    @property
    def task_id(self) -> UUID:
        """The task."""
        ...


class Decision:
    """One decision being made: the events so far, and the state they lead to.

    It may take several commands; see `machine.consider`.
    """

    __slots__ = ("_before", "_instance", "_known", "at", "definition", "draft", "events", "nodes")

    at: datetime
    """The moment of the command that is being considered."""

    def __init__(self, definition: WorkflowDefinition, instance: Instance | None) -> None:
        self.definition = definition
        self.nodes = definition.graph.nodes
        self.draft = Draft(instance)
        self.events: list[ev.Event] = []
        self._before = self._instance = instance
        self._known = 0
        """How many of the events `_instance` has seen."""

    @property
    def instance(self) -> Instance | None:
        """The instance after the events so far; made when somebody asks, since most moves of tokens need none."""
        if self._known != len(self.events):
            leaving = self.draft.leaving
            self._instance = self.draft.freeze()
            self._known = len(self.events)
            self.draft = Draft(self._instance)
            self.draft.leaving = leaving
        return self._instance

    def end(self) -> tuple[tuple[ev.Event, ...], Instance]:
        """Return all events, and the instance after them. There is no going on then."""
        if self._known != len(self.events):
            self._instance, self._known = self.draft.freeze(), len(self.events)
        return tuple(self.events), self.existing("end")

    def forget(self, count: int) -> None:
        """Go back to where only so many events had happened, and everything was settled."""
        if len(self.events) == count:
            return
        del self.events[count:]
        self.draft = Draft(self._before)
        for event in self.events:
            self.draft.apply(event)
        self._instance, self._known = self._before, 0

    def emit(self, event: ev.Event) -> None:
        """Let something have happened: note it, and look one event ahead."""
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
        entries = tuple(self.entry(first + index, target) for index, target in enumerate(targets))
        self.emit(ev.StepLeft(at=self.at, token=token.id, entries=entries))
        if self.nodes[token.step].step.terminate:
            self.cancel_tokens(
                [number for number, _ in self.places()], f"step {token.step!r} ended the instance"
            )

    def entry(self, number: int, target: str) -> ev.Entry:
        """Return the entry of a token that comes along an edge."""
        node = self.nodes[target]
        if node.joins:
            return ev.Entry(number, target, "arrived")
        return ev.Entry(number, target, "leaving" if node.is_gateway else "ready")

    # Joins

    def _next_join(self) -> Node | None:
        """Return the join to fire now, `None` if every one still waits.

        The joins that hold tokens are asked in graph order. What arrived at one that goes before another is on its
        way to that one; so the first of them waits for nothing but live tokens, and the rule cannot deadlock.
        """
        if not self.draft.arrivals:
            return None
        before = 0
        for node in sorted((self.nodes[step] for step in self.draft.arrivals), key=_number):
            if isinstance(node.join, int) and len(self.draft.arrivals[node.name]) >= node.join:
                return node
            if not node.awaits & before and not self._token_may_come(node):
                return node
            before |= 1 << node.number
        return None

    def _token_may_come(self, node: Node) -> bool:
        nodes, awaits = self.nodes, node.awaits
        return any(awaits >> nodes[token.step].number & 1 for token in self.draft.tokens.values())

    def _fire(self, node: Node) -> None:
        """Turn the arrived tokens into one; a join that needs no more cancels what is on its way."""
        consumed = self.draft.arrivals[node.name]
        entry = ev.Entry(self.draft.next_token, node.name, "leaving" if node.is_gateway else "ready")
        self.emit(ev.JoinFired(at=self.at, consumed=consumed, entry=entry))
        if isinstance(node.join, int):
            self.cancel_tokens(
                self._on_their_way(node, entry.token), f"join {node.name!r} did not need it any more"
            )

    # Giving up

    def _on_their_way(self, join: Node, fired: int) -> list[int]:
        """Return the live tokens that would still have come to a join; not the one that it `fired`."""
        nodes, awaits = self.nodes, join.awaits
        return [
            number
            for number, step in self.places()
            if number != fired
            and awaits >> nodes[step].number & 1
            and (number in self.draft.tokens or nodes[step].number < join.number)
        ]

    def places(self) -> list[tuple[int, str]]:
        """Return number and step of every live token."""
        places = [(token.id, token.step) for token in self.draft.tokens.values()]
        return places + [
            (number, step) for step, numbers in self.draft.arrivals.items() for number in numbers
        ]

    def cancel_tokens(self, numbers: list[int], reason: str) -> None:
        """Cancel tokens, with the tasks they wait for."""
        gone = set(numbers)
        self.cancel_tasks([task for task in self.draft.tasks.values() if task.token in gone], reason)
        for number in numbers:
            self.emit(ev.TokenCanceled(at=self.at, token=number, reason=reason))

    def close(self, number: int, reason: str) -> None:
        """Cancel the tasks that a token waits for."""
        self.cancel_tasks([task for task in self.draft.tasks.values() if task.token == number], reason)

    def cancel_tasks(self, tasks: list[Task], reason: str) -> None:
        """Cancel open tasks."""
        for task in tasks:
            self.emit(ev.TaskCanceled(at=self.at, task_id=task.id, reason=reason))

    # What a command is about

    def existing(self, command: str) -> Instance:
        """Return the instance; refuse a command that comes before its start."""
        instance = self.instance
        if instance is None:
            raise InvalidTransitionError(command, "the instance", "not started")
        return instance

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

    def task(self, command: TaskCommand, action: Action, event: str, words: str) -> tuple[Task, str | None]:
        """Return the open task a command is about, and on whose behalf it is asked for.

        `event` is what is to happen to it, `words` says what is asked in a refusal.

        Raises:
            InvalidTransitionError: If the task is closed, or in a state that the table has no entry for.
            TaskNotFoundError: If the one who asks may not see it.
            NotPermittedError: If they may see it, but not do that.
        """
        task, on_behalf_of = self.permitted(command, action, words)
        self.movable(task, event, words)
        return task, on_behalf_of

    def permitted(self, command: TaskCommand, action: Action, words: str) -> tuple[Task, str | None]:
        """Return the open task a command is about if the one who asks may do that, and on whose behalf they ask."""
        self.allow("act", words)
        task = self.draft.tasks.get(command.task_id)
        if task is None:
            raise InvalidTransitionError(words, f"task {command.task_id}", "not open")
        policies = policies_of(self.definition, task.step_name)
        return task, self.permit(command, action, policies, task, words)

    def movable(self, task: Task, event: str, words: str, hint: str = "") -> None:
        """Refuse an event that the table does not allow in the task's state."""
        if event not in TASK_MOVES[task.state]:
            possible = [state for state, moves in TASK_MOVES.items() if event in moves]
            raise InvalidTransitionError(words, f"task {task.id}", task.state, hint or _while(possible))

    def permit(
        self,
        command: Asked,
        action: Action,
        policies: Policies,
        task: Task | None = None,
        words: str | None = None,
    ) -> str | None:
        """Refuse what the one who asks may not do; return on whose behalf they ask, if not on their own."""
        instance = self.existing(action)
        actor = command.identity or Actor.trusted(command.actor)
        if not may(actor, Action.VIEW, task, instance, policies):
            raise InstanceNotFoundError(instance.id) if task is None else TaskNotFoundError(task.id)
        found = may(actor, action, task, instance, policies)
        if not found:
            raise NotPermittedError(words or action, found.reason)
        return found.on_behalf_of

    def allow(self, kind: str, command: str | None = None, hint: str = "") -> Instance:
        """Refuse a kind of command that the instance's status has no entry for; `command` says it in words."""
        instance = self.existing(command or kind)
        status = instance.status
        if kind not in INSTANCE_COMMANDS[status]:
            if status is InstanceStatus.SUSPENDED:
                hint = "Resume it first."
            possible = [each for each, kinds in INSTANCE_COMMANDS.items() if kind in kinds]
            what = f"instance {instance.id}"
            raise InvalidTransitionError(command or kind, what, status, hint or _while(possible))
        return instance


def _while(states: Sequence[str]) -> str:
    return f"That is possible while it is {listed(states, 'or')}."


def _number(node: Node) -> int:
    return node.number
