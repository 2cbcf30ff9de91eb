"""What may be asked of an instance, and what may not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final, cast, get_args
from uuid import UUID

from attrs import NOTHING, evolve, fields
from hypothesis import strategies as st

from workflows_core import commands as cmd
from workflows_core.definitions import WorkflowDefinition
from workflows_core.instance import Instance
from workflows_core.machine import advance
from workflows_core.quorum import Seat
from workflows_core.states import InstanceStatus, TokenState
from workflows_core.testing.clock import BEGINNING
from workflows_core.testing.moves import beginning, endings, interventions
from workflows_core.testing.strategies.data import json_objects, json_values, patches

_START_DATA: Final = json_objects(max_leaves=3)
_PATCHES: Final = patches()
_FORMS: Final = json_objects(max_leaves=2)
_PAYLOADS: Final = json_values(max_leaves=2)
_NUMBERS: Final = st.integers(0, 999)


@st.composite
def command_sequences(
    draw: st.DrawFn,
    definition: WorkflowDefinition,
    *,
    max_size: int = 30,
    operators: bool = True,
    data: bool = True,
) -> tuple[cmd.Command, ...]:
    """Commands that a definition allows one after the other, from the start on.

    People decide, steps succeed and fail and write data, runners are lost, time passes.

    Args:
        draw: Given by Hypothesis.
        definition: Of which an instance is started.
        max_size: How many commands there are at the most.
        operators: Whether operators skip, move, suspend, resume, retry and cancel in between.
        data: Whether steps, forms and messages bring data; drawing it takes most of the time.
    """
    at = BEGINNING
    command: cmd.Command = cmd.Start(at=at, instance_id=UUID(int=1), data=draw(_START_DATA) if data else {})
    commands = [command]
    _, instance = advance(definition, None, command)
    for _ in range(draw(st.integers(0, max_size - 1))):
        number = draw(_NUMBERS)
        at += timedelta(seconds=number % 7)
        allowed = list(allowed_commands(definition, instance, at))
        if operators and number % 10 == 9:
            allowed = list(interventions(definition, instance, at)) or allowed
        if not allowed:
            break
        command = allowed[number // 10 % len(allowed)]
        commands.append(_with_data(draw, command) if data else command)
        _, instance = advance(definition, instance, commands[-1])
    return tuple(commands)


def _with_data(draw: st.DrawFn, command: cmd.Command) -> cmd.Command:
    """Let a command bring data with it, where it can."""
    match command:
        case cmd.CompleteStep():
            return evolve(command, patch=draw(_PATCHES))
        case cmd.CompleteTask():
            return evolve(command, data=draw(_FORMS))
        case cmd.DeliverMessage():
            return evolve(command, payload=draw(_PAYLOADS))
    return command


def allowed_commands(
    definition: WorkflowDefinition, instance: Instance, at: datetime
) -> Iterator[cmd.Command]:
    """Yield what may be reported or asked next about each token, operators aside."""
    is_suspended = instance.status is InstanceStatus.SUSPENDED
    for token in instance.tokens.values():
        begin = beginning(definition, token, at)
        if begin is not None and not is_suspended:
            yield begin
        if token.state is TokenState.RUNNING:
            yield cmd.SkipStep(at=at, token=token.id, attempt=token.attempt)
            yield cmd.LoseStep(at=at, token=token.id, attempt=token.attempt)
        for _, command in endings(definition, instance, token, at, failures=True):
            asked_from_outside = isinstance(command, cmd.CompleteTask | cmd.DeliverMessage | cmd.Retry)
            if not (is_suspended and asked_from_outside):
                yield command
    for task_id in () if is_suspended else instance.tasks:
        yield cmd.ReassignTask(at=at, task_id=task_id, assignee="ann")


_KINDS: Final = get_args(cmd.Command)


@st.composite
def commands(draw: st.DrawFn, definition: WorkflowDefinition, instance: Instance) -> cmd.Command:
    """Any command about an instance, most of them out of place: wrong tokens, steps, attempts, outcomes, times."""
    kind: type[Any] = _KINDS[draw(_NUMBERS) % len(_KINDS)]
    token = draw(st.integers(1, instance.next_token))
    steps = [*definition.steps, "no such step"]
    given: dict[str, st.SearchStrategy[object]] = {
        "actor": st.sampled_from([None, "ann", "bob"]),
        "at": st.integers(-100, 100).map(lambda seconds: instance.updated_at + timedelta(seconds=seconds)),
        "attempt": st.integers(0, 3),
        "data": _FORMS,
        "outcome": st.sampled_from([None, "yes", "0", "no such outcome"]),
        "seats": st.just((Seat(name="ann", task_id=UUID(int=token)),)),
        "source": st.sampled_from([None, *steps]),
        "step": st.sampled_from(steps),
        "target": st.sampled_from(steps),
        "targets": st.sampled_from(steps).map(lambda step: (step,)),
        "task": st.just(cmd.OpenTask(at=BEGINNING, token=token, task_id=UUID(int=token), title="Task")),
        "task_id": st.sampled_from([*instance.tasks, UUID(int=token), UUID(int=0)]),
        "token": st.just(token),
    }
    arguments = {
        field.name: draw(given[field.name]) if field.name in given else _ANYTHING[_type_name(field.type)]
        for field in fields(kind)
        if field.name in given or field.default is NOTHING
    }
    return cast("cmd.Command", kind(**arguments))


def _type_name(type_: object) -> str:
    name = type_ if isinstance(type_, str) else str(getattr(type_, "__name__", type_))
    return name.removesuffix(" | None")


_ANYTHING: Final[Mapping[str, object]] = MappingProxyType(
    {"UUID": UUID(int=1), "datetime": BEGINNING, "str": "something", "int": 0, "bool": False}
)
"""Values for what a command must have and what makes no difference, by type."""
