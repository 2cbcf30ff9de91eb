"""The tables of states: complete, closed, and what the machine really does."""

from typing import get_args

import pytest
from hypothesis import given

from tests.core.driving import Course, courses
from workflows_core import events as ev
from workflows_core.states import (
    FINAL,
    INSTANCE_COMMANDS,
    TASK_MOVES,
    TOKEN_MOVES,
    InstanceStatus,
    TaskState,
    TaskStatus,
    TokenState,
)

EVENTS = {kind.__name__ for kind in get_args(ev.Event)}


def test_every_state_has_its_row() -> None:
    assert set(TOKEN_MOVES) == set(TokenState)
    assert set(TASK_MOVES) == set(TaskState)
    assert set(INSTANCE_COMMANDS) == set(InstanceStatus)


def test_every_move_is_an_event_that_exists() -> None:
    """A name that no event has would be a move that can never be made."""
    assert {event for moves in TOKEN_MOVES.values() for event in moves} <= EVENTS
    assert {event for moves in TASK_MOVES.values() for event in moves} <= EVENTS


def test_every_state_can_be_reached() -> None:
    for moves, firsts in (
        (TOKEN_MOVES, {TokenState.READY, TokenState.LEAVING, TokenState.ARRIVED}),
        (TASK_MOVES, {TaskState.OFFERED, TaskState.ASSIGNED}),
    ):
        found: set[object] = set(firsts)
        while new := {state for row in moves if row in found for state in moves[row].values()} - found:  # type: ignore[index]
            found |= new
        assert found == set(moves)


def test_from_every_state_the_end_can_be_reached() -> None:
    """No token and no task is caught: what lives can be canceled, or done."""
    assert all(
        "TokenCanceled" in moves for state, moves in TOKEN_MOVES.items() if state is not TokenState.GONE
    )
    assert all("TaskCanceled" in moves for moves in TASK_MOVES.values() if moves)
    assert all("cancel" in commands for status, commands in INSTANCE_COMMANDS.items() if status not in FINAL)


def test_what_has_ended_stays_so() -> None:
    assert not TOKEN_MOVES[TokenState.GONE]
    assert {state for state, moves in TASK_MOVES.items() if not moves} == {
        TaskState.COMPLETED, TaskState.CANCELED, TaskState.EXPIRED,
    }  # fmt: skip
    assert {InstanceStatus.COMPLETED, InstanceStatus.CANCELED} == FINAL


def test_a_task_is_listed_as_pending_until_it_ends() -> None:
    for state in TaskState:
        ended = not TASK_MOVES[state]
        assert state.status == (state.value if ended else TaskStatus.PENDING)


@pytest.mark.parametrize(
    "table", [TOKEN_MOVES, TASK_MOVES, INSTANCE_COMMANDS], ids=["tokens", "tasks", "instances"]
)
def test_tables_cannot_be_changed(table: dict[object, object]) -> None:
    with pytest.raises(TypeError):
        table["ready"] = {}


@given(courses())
def test_tokens_move_as_the_table_says(run: Course) -> None:
    """Whatever happens to a token is in the row of its state, and leads where the row says."""
    for before, event, after in run.between():
        number = getattr(event, "token", None)
        token = before.tokens.get(number) if isinstance(number, int) else None
        moves = {} if token is None else TOKEN_MOVES[token.state]
        name = type(event).__name__
        if token is None or name not in {move for row in TOKEN_MOVES.values() for move in row}:
            continue
        assert name in moves
        moved = after.tokens.get(token.id)
        assert (TokenState.GONE if moved is None else moved.state) is moves[name]


@given(courses())
def test_nothing_else_changes_the_state_of_a_token(run: Course) -> None:
    for before, event, after in run.between():
        for number in before.tokens.keys() & after.tokens.keys():
            if before.tokens[number].state is not after.tokens[number].state:
                assert getattr(event, "token", None) == number


@given(courses())
def test_tasks_move_as_the_table_says(run: Course) -> None:
    for before, event, after in run.between():
        task_id = getattr(event, "task_id", None)
        task = before.tasks.get(task_id) if task_id is not None else None
        if task is None:
            continue
        moves = TASK_MOVES[task.state]
        assert type(event).__name__ in moves
        moved = after.tasks.get(task.id)
        state = moves[type(event).__name__]
        assert moved.state is state if moved is not None else not TASK_MOVES[state]


@given(courses())
def test_the_status_follows_from_the_tokens(run: Course) -> None:
    for move in run.moves:
        instance = move.after
        states = {token.state for token in instance.tokens.values()}
        match instance.status:
            case InstanceStatus.COMPLETED | InstanceStatus.CANCELED:
                assert not states
                assert not instance.arrivals
                assert (instance.cancel_reason is not None) == (instance.status is InstanceStatus.CANCELED)
            case InstanceStatus.SUSPENDED:
                assert instance.suspend_reason is not None
            case InstanceStatus.FAILED:
                assert TokenState.FAILED in states
            case InstanceStatus.WAITING:
                assert states == {TokenState.WAITING}
            case InstanceStatus.RUNNING:
                assert states & {TokenState.READY, TokenState.RUNNING, TokenState.LEAVING}
                assert TokenState.FAILED not in states
