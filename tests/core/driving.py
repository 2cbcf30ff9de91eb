"""Driving the machine command by command, and what happened on the way."""

from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

from attrs import frozen
from hypothesis import strategies as st

from workflows_core import commands as cmd
from workflows_core import events as ev
from workflows_core.definitions import WorkflowDefinition
from workflows_core.evolution import evolve
from workflows_core.instance import Instance
from workflows_core.machine import advance
from workflows_core.testing import strategies as workflows
from workflows_core.testing.clock import BEGINNING
from workflows_core.transition import transition


@frozen
class Move:
    """One command, and what it made of an instance."""

    before: Instance | None
    command: cmd.Command
    events: tuple[ev.Event, ...]
    after: Instance


@frozen(repr=False)
class Course:
    """A definition, and what one of its instances went through."""

    definition: WorkflowDefinition
    moves: tuple[Move, ...]

    def __repr__(self) -> str:
        edges = ", ".join(f"{edge.source} → {edge.target} ({edge.label})" for edge in self.definition.edges)
        return f"Course({list(self.definition.steps.values())}, {edges}, {[move.command for move in self.moves]})"

    @property
    def instance(self) -> Instance:
        return self.moves[-1].after

    @property
    def events(self) -> list[ev.Event]:
        return [event for move in self.moves for event in move.events]

    def between(self) -> Iterator[tuple[Instance, ev.Event, Instance]]:
        """Every event, with the instance before and after it."""
        for move in self.moves:
            instance = move.before
            for event in move.events:
                after = evolve(instance, event)
                if instance is not None:
                    yield instance, event, after
                instance = after


def course(definition: WorkflowDefinition, commands: Iterable[cmd.Command]) -> Course:
    moves: list[Move] = []
    for command in commands:
        before = moves[-1].after if moves else None
        events, after = advance(definition, before, command)
        stored = transition(before, after, events, actor=command.actor).instance
        moves.append(Move(before, command, events, stored))
    return Course(definition, tuple(moves))


def started(definition: WorkflowDefinition) -> Instance:
    """A new instance."""
    return advance(definition, None, cmd.Start(at=BEGINNING, instance_id=UUID(int=1), data={}))[1]


def worked(definition: WorkflowDefinition, instance: Instance, step: str, *targets: str) -> Instance:
    """The instance when the machine step of its oldest token there has succeeded, and led to the targets chosen."""
    token = next(token for token in instance.tokens.values() if token.step == step)
    commands: list[cmd.Command] = [
        cmd.StartStep(at=BEGINNING, token=token.id, owner="somebody"),
        cmd.CompleteStep(at=BEGINNING, token=token.id, attempt=token.attempt + 1),
    ]
    if targets:
        commands.append(cmd.Leave(at=BEGINNING, token=token.id, targets=targets))
    for command in commands:
        _, instance = advance(definition, instance, command)
    return instance


@st.composite
def courses(draw: st.DrawFn, /, *, data: bool = False, **options: Any) -> Course:
    """Any definition, and any course that people, runners and operators may give it."""
    definition = draw(workflows.definitions())
    return course(definition, draw(workflows.command_sequences(definition, data=data, **options)))


def numbers(instance: Instance) -> dict[int, str]:
    """The live tokens and where they are, those that arrived at joins included."""
    live = {token.id: token.step for token in instance.tokens.values()}
    return live | {number: step for step, arrived in instance.arrivals.items() for number in arrived}


def entries(event: ev.Event) -> tuple[ev.Entry, ...]:
    """The tokens that an event puts somewhere."""
    match event:
        case ev.InstanceStarted() | ev.TokenPlaced() | ev.JoinFired():
            return (event.entry,)
        case ev.StepLeft():
            return event.entries
    return ()


def consumed(event: ev.Event) -> tuple[int, ...]:
    """The tokens that an event takes away."""
    match event:
        case ev.StepLeft() | ev.TokenCanceled():
            return (event.token,)
        case ev.JoinFired():
            return event.consumed
    return ()
