"""What holds for every course of every definition that validation accepts."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from uuid import UUID

import pytest
from attrs import evolve, fields
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.core.driving import Course, consumed, course, courses, entries, numbers, started
from tests.workflows import workflow
from workflows_core import commands as cmd
from workflows_core import events as ev
from workflows_core.definitions import Edge, WorkflowDefinition
from workflows_core.errors import InvalidTransitionError, StepNotFoundError, WorkflowError
from workflows_core.evolution import fold
from workflows_core.instance import Instance
from workflows_core.machine import advance, consider, decide
from workflows_core.machine.decision import Decision
from workflows_core.paths import backwards
from workflows_core.states import FINAL, InstanceStatus, TokenState
from workflows_core.testing import strategies as workflows
from workflows_core.testing.blocks import Idle
from workflows_core.testing.clock import BEGINNING
from workflows_core.testing.moves import beginning, endings
from workflows_core.testing.strategies.commands import allowed_commands

# 1. No accepted definition stalls


@given(courses())
def test_an_instance_waits_for_something_outside_or_has_ended(run: Course) -> None:
    """Tokens that wait for each other alone would wait for ever."""
    for move in run.moves:
        assert move.after.tokens or not move.after.arrivals
        assert (move.after.status in FINAL) == (not numbers(move.after))
        assert (move.after.status in FINAL) == (move.after.completed_at is not None)


@given(courses(operators=False))
def test_an_instance_can_always_be_brought_to_an_end(run: Course) -> None:
    instance = run.instance
    distance = distances(run.definition)
    for _ in range(MOVES):
        if instance.status in FINAL:
            break
        instance = nearer_to_an_end(run.definition, instance, distance)

    # Where branches of a free graph begin each other anew, the shortest way of each alone may go round for ever.
    assume(instance.status in FINAL)
    assert instance.status is InstanceStatus.COMPLETED


MOVES = 2_000
"""How many moves are tried to bring an instance to its end."""


def distances(definition: WorkflowDefinition) -> dict[str, int]:
    """How many steps there are at least from each step to one where a branch can end."""
    nodes = definition.graph.nodes
    sources = backwards({name: [edge.target for edge in node.outgoing] for name, node in nodes.items()})
    found = {name: 0 for name, node in nodes.items() if not node.outgoing}
    todo = list(found)
    for name in todo:  # grows while it is walked
        for source in sources[name]:
            if source not in found:
                found[source] = found[name] + 1
                todo.append(source)
    return found


def nearer_to_an_end(
    definition: WorkflowDefinition, instance: Instance, distance: dict[str, int]
) -> Instance:
    """Take the oldest token one further, on the shortest way."""
    at = instance.updated_at
    token = next(iter(instance.tokens.values()))
    if token.state is TokenState.FAILED:
        return advance(definition, instance, cmd.Retry(at=at, step=token.step))[1]
    begin = beginning(definition, token, at)
    if begin is not None:
        return advance(definition, instance, begin)[1]
    results = [
        advance(definition, instance, command)[1] for _, command in endings(definition, instance, token, at)
    ]

    def remaining(result: Instance) -> int:
        new = [step for number, step in numbers(result).items() if number >= instance.next_token]
        return max((distance[step] for step in new), default=0)

    return min(results, key=remaining)


# 2. Folding the history gives the stored state


@given(courses(data=True))
def test_folding_the_history_gives_the_state(run: Course) -> None:
    folded = fold(None, [move.events for move in run.moves])

    assert folded.revision == len(run.moves)
    assert state(folded) == state(run.instance)
    for move in run.moves:
        assert state(fold(move.before, [move.events])) == state(move.after)


def state(instance: Instance) -> dict[str, object]:
    """All that the history tells, orders included; what is only a note for the storage is left out."""
    parts = {field.name: getattr(instance, field.name) for field in fields(Instance) if field.eq}
    return parts | {"order": [list(instance.tokens), list(instance.arrivals), list(instance.tasks)]}


# 3. Deterministic


@given(courses())
def test_the_same_arguments_give_the_same_events(run: Course) -> None:
    again = evolve(run.definition, terminal_steps=set(run.definition.terminal_steps))
    for move in run.moves:
        assert decide(run.definition, move.before, move.command) == move.events
        assert decide(again, move.before, move.command) == move.events


FOOTPRINT = """
from hashlib import sha256
from examples.travel.process import TravelRequest
from tests.workflows import Do, workflow
from workflows_core.definitions import Edge
from workflows_core.steps import BaseHumanStep, InclusiveGateway
from workflows_core.testing import simulate

class Offered(BaseHumanStep):
    def get_candidate_users(self, context):
        return {"ann", "bob", "eve", "joe"}

sets = workflow(
    InclusiveGateway("gate", lambda context: {"c", "a", "d"}),
    *(Offered(name) for name in "abcd"),
    Do("last"),
    edges=[Edge("gate", name) for name in "abcd"] + [Edge(name, "last") for name in "abcd"],
    ends={"last"},
)
runs = [simulate(each, seed=seed) for each in (TravelRequest, sets) for seed in range(20)]
print(sha256(repr([(run.history, run.tasks) for run in runs]).encode()).hexdigest())
"""


def test_another_process_gives_the_same_events() -> None:
    """The order of sets differs from process to process; what happens does not."""
    footprints = {
        subprocess.run(
            [sys.executable, "-c", FOOTPRINT],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=Path(__file__).parents[2],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("0", "1", "2026")
    }

    assert len(footprints) == 1
    assert len(footprints.pop().strip()) == 64


# 4. Every branch that was started is accounted for


@given(courses())
def test_every_token_is_consumed_once_for_a_reason(run: Course) -> None:
    made: dict[int, str] = {}
    gone: set[int] = set()
    for event in run.events:
        for number in consumed(event):
            assert number in made
            assert number not in gone
            gone.add(number)
        for entry in entries(event):
            assert entry.token not in made
            made[entry.token] = entry.step
        match event:
            case ev.TokenCanceled():
                assert event.reason
            case ev.InstanceCanceled():
                assert event.reason
                gone = set(made)
    assert {number: step for number, step in made.items() if number not in gone} == numbers(run.instance)


@given(courses())
def test_no_step_is_done_twice(run: Course) -> None:
    """Each token is worked on by one runner at a time, and completed once at the most."""
    done = Counter(
        event.token
        for event in run.events
        if isinstance(event, ev.StepCompleted | ev.TaskCompleted | ev.TimerFired | ev.MessageReceived)
    )
    assert all(count == 1 for count in done.values())
    for before, event, _ in run.between():
        if isinstance(event, ev.StepStarted):
            token = before.tokens[event.token]
            assert token.state is TokenState.READY
            assert event.attempt == token.attempt + 1


@given(courses())
def test_a_branch_ends_only_where_the_definition_says_so(run: Course) -> None:
    for before, event, _ in run.between():
        if isinstance(event, ev.StepLeft) and not event.entries:
            token = before.tokens[event.token]
            node = run.definition.graph.nodes[token.step]

            assert token.step in run.definition.terminal_steps
            assert all(edge.on in {"error", "timeout"} for edge in node.outgoing)


@given(courses())
def test_what_a_token_waited_for_goes_with_it(run: Course) -> None:
    """No task stays open for a token that is gone, and no closed task keeps a token waiting."""
    for move in run.moves:
        waiting = {
            token.task_id: token.id for token in move.after.tokens.values() if token.task_id is not None
        }

        assert {task.id: task.token for task in move.after.tasks.values()} == waiting


# 7. What is not allowed changes nothing


def answer(
    definition: WorkflowDefinition, instance: Instance, command: cmd.Command
) -> tuple[tuple[ev.Event, ...], Instance] | WorkflowError:
    """What the machine says to a command: what happens, or why nothing does."""
    try:
        return advance(definition, instance, command)
    except WorkflowError as error:
        return error


@given(st.data())
def test_a_command_is_carried_out_or_refused_with_a_typed_error(data: st.DataObject) -> None:
    run = data.draw(courses(max_size=15))
    instance, before = run.instance, repr(run.instance)
    command = data.draw(workflows.commands(run.definition, instance))

    said = answer(run.definition, instance, command)

    assert repr(instance) == before
    match said:
        case InvalidTransitionError():
            assert said.command in str(said)
            assert said.state in str(said)
        case WorkflowError():
            assert str(said)
        case events, after:
            assert events
            assert state(fold(instance, [events])) == state(evolve(after, revision=instance.revision + 1))
            assert after.tokens or not after.arrivals


@given(st.data())
def test_nothing_can_be_asked_of_an_instance_that_has_ended(data: st.DataObject) -> None:
    run = data.draw(courses(max_size=8))
    instance = run.instance
    if instance.status not in FINAL:
        _, instance = advance(run.definition, instance, cmd.Cancel(at=instance.updated_at, reason="over"))
    command = data.draw(workflows.commands(run.definition, instance))

    said = answer(run.definition, instance, command)

    assert isinstance(said, InvalidTransitionError | StepNotFoundError)


def test_a_step_is_not_left_along_an_edge_that_is_not_there() -> None:
    definition = workflow(
        Idle("a"),
        Idle("b"),
        Idle("c"),
        edges=[Edge("a", "b", condition="x"), Edge("a", "c", default=True)],
        ends={"b", "c"},
    )
    run = course(
        definition,
        [
            cmd.Start(at=BEGINNING, instance_id=UUID(int=1), data={}),
            cmd.StartStep(at=BEGINNING, token=1, owner="somebody"),
            cmd.CompleteStep(at=BEGINNING, token=1, attempt=1),
        ],
    )
    for targets in [("a",), ("nowhere",), ()]:
        said = answer(definition, run.instance, cmd.Leave(at=BEGINNING, token=1, targets=targets))

        assert isinstance(said, InvalidTransitionError)


@given(st.data())
def test_one_decision_or_many_come_to_the_same(data: st.DataObject) -> None:
    """Commands that are considered together do what they do one after the other; what is refused leaves no trace."""
    run = data.draw(courses(max_size=15))
    decision, instance, events = Decision(run.definition, run.instance), run.instance, list[ev.Event]()
    looked_at: list[tuple[Instance | None, str]] = []
    for _ in range(data.draw(st.integers(1, 4))):
        allowed = list(allowed_commands(run.definition, instance, instance.updated_at))
        anything = workflows.commands(run.definition, instance)
        command = data.draw(st.sampled_from(allowed) | anything if allowed else anything)
        said = answer(run.definition, instance, command)
        if isinstance(said, WorkflowError):
            with pytest.raises(type(said)):
                consider(decision, command)
        else:
            consider(decision, command)
            events += said[0]
            instance = said[1]
        if data.draw(st.booleans()):
            looked_at.append((decision.instance, repr(instance)))

    assert repr(decision.end()) == repr((tuple(events), instance))
    assert [repr(seen) for seen, _ in looked_at] == [then for _, then in looked_at]


def test_what_is_refused_in_the_middle_is_forgotten() -> None:
    """A decision goes back to where it was, whatever had happened for the command until it was refused."""
    definition = workflow(Idle("a"), Idle("b"), edges=[Edge("a", "b")], ends={"b"})
    instance = started(definition)
    decision = Decision(definition, instance)
    consider(decision, cmd.StartStep(at=BEGINNING, token=1, owner="somebody"))
    before = len(decision.events)
    decision.emit(ev.StepCompleted(at=BEGINNING, token=1))

    decision.forget(before)
    consider(decision, cmd.LoseStep(at=BEGINNING, token=1, attempt=1))

    _, running = advance(definition, instance, cmd.StartStep(at=BEGINNING, token=1, owner="somebody"))
    _, lost = advance(definition, running, cmd.LoseStep(at=BEGINNING, token=1, attempt=1))
    assert decision.end()[1] == lost
