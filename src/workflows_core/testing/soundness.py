"""Exploring a workflow: whatever people, clocks and conditions do, does it always go on to an end?

The machine keeps its own promises; what it cannot know is whether a definition says what its author means. Here
every course that a definition allows is followed, without running any code of its steps: each outcome of each
person, each way a condition may choose, in each order in which parallel branches may go on.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, TypeAlias
from uuid import UUID

from attrs import evolve, frozen

from workflows_core import commands as cmd
from workflows_core import events as ev
from workflows_core.machine import advance
from workflows_core.states import TokenState
from workflows_core.testing.clock import BEGINNING
from workflows_core.testing.definitions import accepted
from workflows_core.testing.moves import beginning, endings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from workflows_core.definitions import WorkflowClass, WorkflowDefinition
    from workflows_core.instance import Instance, Token

LIMIT: Final = 5_000
"""How many different states are looked at before the search tries one order only, or gives up."""

CROWD: Final = 3
"""How many tokens may be at one place at the same time: what more of them would do, these have done already."""

State: TypeAlias = frozenset[tuple[tuple[str, ...], int]]
"""How many tokens are where, and how they stand: what decides what may happen next."""


class UnsoundWorkflowError(AssertionError):
    """Some course of a workflow goes wrong.

    Attributes:
        problem: What goes wrong, in one sentence.
        path: What has to happen for it, in order, in words.
    """

    def __init__(self, workflow: str, problem: str, path: tuple[str, ...]) -> None:
        self.problem = problem
        self.path = path
        lines = [f"Workflow {workflow} is not sound: {problem}.", "It comes to that when"]
        lines += [f"  {number}. {move}" for number, move in enumerate(path, 1)] or ["  it starts"]
        super().__init__("\n".join(lines))


class UndecidedError(AssertionError):
    """A workflow has too many states to look at."""

    def __init__(self, workflow: str, limit: int) -> None:
        super().__init__(
            f"Workflow {workflow} has more than {limit} states, even if parallel branches go on in one order only. "
            "Nothing wrong was found in those that were looked at. Give a larger limit, or look at its parts."
        )


@frozen(kw_only=True)
class Exploration:
    """What an exploration saw.

    Attributes:
        states: How many different states were looked at.
        steps: The steps that were reached.
        is_complete: Whether parallel branches went on in every order, and not in one only.
    """

    states: int
    steps: frozenset[str]
    is_complete: bool


def assert_sound(
    workflow: WorkflowDefinition | type[WorkflowClass], *, failures: bool = False, limit: int = LIMIT
) -> Exploration:
    """Check that no course of a workflow stalls, loses a token, raises, or gets where no end can be reached.

    A workflow with more than `limit` states is looked at again with parallel branches going on in one order
    only: oldest first.

    Args:
        workflow: The definition, or the class that carries it.
        failures: Whether steps may fail and waits may be in vain; what failed may be tried again.
        limit: How many states to look at.

    Raises:
        UnsoundWorkflowError: If one does, with the shortest course that shows it. It is an `AssertionError`.
        UndecidedError: If there are too many states even in one order. It is an `AssertionError` too.
        InvalidDefinitionError: If the definition would not be accepted in the first place.
    """
    definition = accepted(workflow)
    for in_one_order in (False, True):
        search = _Search(definition, failures=failures, in_one_order=in_one_order)
        if search.walk(limit):
            search.check_ends()
            return Exploration(
                states=len(search.seen), steps=frozenset(search.steps), is_complete=not in_one_order
            )
    raise UndecidedError(_title(definition), limit)


def _title(definition: WorkflowDefinition) -> str:
    return f"{definition.name} {definition.version}"


@frozen
class _Seen:
    """An instance in a state, the state before it, and what happened in between."""

    instance: Instance
    before: State | None
    move: str


class _Search:
    """A breadth-first walk over the states of one workflow."""

    def __init__(self, definition: WorkflowDefinition, *, failures: bool, in_one_order: bool) -> None:
        self._definition = definition
        self._failures = failures
        self._in_one_order = in_one_order
        self._sources: dict[State, list[State]] = {}
        self.seen: dict[State, _Seen] = {}
        self.steps: set[str] = set()

    def walk(self, limit: int) -> bool:
        """Look at every state; return `False` if there are too many."""
        start = cmd.Start(at=BEGINNING, instance_id=UUID(int=1), data={})
        todo = [self._reach(None, "", start)]
        for state in todo:  # it grows on the way
            for move, command in self._moves(state):
                known = len(self.seen)
                following = self._reach(state, move, command)
                self._sources[following].append(state)
                if len(self.seen) > known:
                    todo.append(following)
            if len(self.seen) > limit:
                return False
        return True

    def _moves(self, state: State) -> list[tuple[str, cmd.Command]]:
        """Return what may happen in a state; of tokens that are in the same place, to one."""
        instance = self.seen[state].instance
        places = {_place(token): token for token in reversed(list(instance.tokens.values()))}
        found: list[tuple[str, cmd.Command]] = []
        for token in sorted(places.values(), key=lambda token: token.id):
            found += endings(self._definition, instance, token, BEGINNING, failures=self._failures)
            if found and self._in_one_order:
                break
        if not found and (instance.tokens or instance.arrivals):
            where = ", ".join(map(repr, instance.current_steps))
            raise self._unsound(state, f"it stalls at {where}, and nothing can happen any more")
        return found

    def _reach(self, before: State | None, move: str, command: cmd.Command) -> State:
        """Carry out a command, let what can begin begin, and return the state this leads to."""
        instance = None if before is None else self.seen[before].instance
        instance = self._advance(before, instance, move, command)
        for token in instance.tokens.values():
            begin = beginning(self._definition, token, BEGINNING)
            if begin is not None:
                instance = self._advance(before, instance, move, begin)
        instance = _thinned(instance)
        state = frozenset(_places(instance).items())
        if state not in self.seen:
            self.seen[state] = _Seen(instance, before, move)
            self._sources[state] = []
            self._check_failures(state)
        return state

    def _advance(
        self, before: State | None, instance: Instance | None, move: str, command: cmd.Command
    ) -> Instance:
        try:
            events, after = advance(self._definition, instance, command)
        except Exception as error:
            problem = f"it raises {type(error).__name__}: {error}"
            raise self._unsound(before, problem, *filter(None, [move])) from error
        self.steps.update(entry.step for event in events for entry in _entries(event))
        lost = _lost(instance, events, after)
        if lost:
            problem = f"it loses the token at {', '.join(map(repr, lost))}"
            raise self._unsound(before, problem, *filter(None, [move]))
        return after

    def _check_failures(self, state: State) -> None:
        """Let no step fail that nobody wanted to fail: there was no way out of it."""
        failures = self.seen[state].instance.failures
        if failures and not self._failures:
            step, failure = failures[0]
            raise self._unsound(state, f"step {step!r} fails: {failure.message}")

    def check_ends(self) -> None:
        """Check that from every state an end can be reached."""
        ended = [state for state in self.seen if not state]
        can_end = set(ended)
        while ended:
            for source in self._sources[ended.pop()]:
                if source not in can_end:
                    can_end.add(source)
                    ended.append(source)
        for state, seen in self.seen.items():
            if state not in can_end:
                where = ", ".join(map(repr, seen.instance.current_steps))
                raise self._unsound(state, f"with tokens at {where} it can never end")

    def _unsound(self, state: State | None, problem: str, *moves: str) -> UnsoundWorkflowError:
        path = list(moves)
        while state is not None:
            seen = self.seen[state]
            path[:0] = filter(None, [seen.move])
            state = seen.before
        return UnsoundWorkflowError(_title(self._definition), problem, tuple(path))


def _place(token: Token) -> tuple[str, ...]:
    return (token.step, token.state, token.exit or "")


def _places(instance: Instance) -> Counter[tuple[str, ...]]:
    """Count the tokens at each place."""
    counts = Counter(map(_place, instance.tokens.values()))
    for step, numbers in instance.arrivals.items():
        counts[step, TokenState.ARRIVED] = len(numbers)
    return counts


def _thinned(instance: Instance) -> Instance:
    """Leave no more than `CROWD` tokens at one place, the oldest: there may be no end of them."""
    if max(_places(instance).values(), default=0) <= CROWD:
        return instance
    room = dict.fromkeys(_places(instance), CROWD)
    tokens = {}
    for token in instance.tokens.values():
        if room[_place(token)] > 0:
            room[_place(token)] -= 1
            tokens[token.id] = token
    return evolve(
        instance,
        tokens=tokens,
        arrivals={step: numbers[:CROWD] for step, numbers in instance.arrivals.items()},
        tasks={id_: task for id_, task in instance.tasks.items() if task.token in tokens},
    )


def _lost(before: Instance | None, events: Iterable[ev.Event], after: Instance) -> list[str]:
    """Return the steps of tokens that are gone although nothing that happened says so."""
    there = {} if before is None else dict(_numbers(before))
    for event in events:
        for number in _consumed(event):
            del there[number]
        there |= {entry.token: entry.step for entry in _entries(event)}
    left = dict(_numbers(after))
    return [step for number, step in there.items() if number not in left]


def _entries(event: ev.Event) -> tuple[ev.Entry, ...]:
    match event:
        case ev.InstanceStarted() | ev.TokenPlaced() | ev.JoinFired():
            return (event.entry,)
        case ev.StepLeft():
            return event.entries
    return ()


def _consumed(event: ev.Event) -> tuple[int, ...]:
    match event:
        case ev.StepLeft() | ev.TokenCanceled():
            return (event.token,)
        case ev.JoinFired():
            return event.consumed
    return ()


def _numbers(instance: Instance) -> Iterator[tuple[int, str]]:
    yield from ((token.id, token.step) for token in instance.tokens.values())
    for step, numbers in instance.arrivals.items():
        yield from ((number, step) for number in numbers)
