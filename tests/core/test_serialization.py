"""Values to JSON and back."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, cast, get_args, get_origin
from uuid import UUID

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows_core.data import JsonObject, Patch
from workflows_core.events import Entry, Event, InstanceStarted, StepCompleted
from workflows_core.instance import Awaited, Failure, Instance, Token
from workflows_core.quorum import Seat
from workflows_core.serialization import (
    events_from_json,
    events_to_json,
    snapshot_from_json,
    snapshot_to_json,
    state_from_json,
    state_to_json,
    task_from_json,
    task_to_json,
)
from workflows_core.states import TaskState, TokenState
from workflows_core.tasks import NoteKind, Task

AT = datetime(2026, 3, 29, 1, tzinfo=UTC)

words = st.text(max_size=4)
numbers = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
documents: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | numbers | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(words, documents, max_size=3)
moments = st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.replace(fold=0))
paths = st.lists(words, max_size=3).map(tuple)
patches = st.builds(  # the size is not written: it was for the snapshot of then
    Patch,
    changed=st.lists(st.tuples(paths, documents), max_size=3).map(tuple),
    deleted=st.lists(paths, max_size=3).map(tuple),
)
failures = st.builds(Failure, words, words, words)

OF_TYPE: dict[object, st.SearchStrategy[Any]] = {
    str: words,
    int: st.integers(-(2**63), 2**63 - 1),
    datetime: moments,
    UUID: st.uuids(),
    Any: documents,
    JsonObject: objects,
    Patch: patches,
    Failure: failures,
    Awaited: st.builds(Awaited, words, words),
    Entry: st.builds(Entry, st.integers(0, 99), words, st.sampled_from(["ready", "leaving", "arrived"])),
    TokenState: st.sampled_from(TokenState),
    TaskState: st.sampled_from(TaskState),
    NoteKind: st.sampled_from(NoteKind),
    bool: st.booleans(),
    Seat: st.builds(
        Seat,
        name=words,
        is_group=st.booleans(),
        weight=st.integers(1, 9),
        task_id=st.uuids(),
        outcome=st.none() | words,
        by=st.none() | words,
        on_behalf_of=st.none() | words,
    ),
}


def of(kind: Any) -> st.SearchStrategy[Any]:
    """Generate what an annotation allows."""
    if kind in OF_TYPE:
        return OF_TYPE[kind]
    if attrs.has(kind):
        return values(kind)
    arguments = get_args(kind)
    if get_origin(kind) is Mapping:
        return st.dictionaries(of(arguments[0]), of(arguments[1]), max_size=2)
    if type(None) in arguments:
        return st.none() | of(next(each for each in arguments if each is not type(None)))
    return st.lists(of(arguments[0]), max_size=3).map(tuple)


def values(kind: type[Any], **given: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Generate values of an attrs class, all fields by themselves or at their defaults."""
    attrs.resolve_types(kind)
    required: dict[str, Any] = {}
    optional: dict[str, Any] = {}
    for field in attrs.fields(kind):
        wanted = required if field.default is attrs.NOTHING else optional
        wanted[field.name] = given[field.name] if field.name in given else of(field.type)
    return st.fixed_dictionaries(required, optional=optional).map(lambda fields: kind(**fields))


events = st.one_of([values(kind, at=st.just(AT)) for kind in get_args(Event)])
tokens = st.lists(values(Token), max_size=4, unique_by=lambda token: token.id)
instances = values(
    Instance,
    tokens=tokens.map(lambda tokens: {token.id: token for token in tokens}),
    arrivals=st.dictionaries(words, st.lists(st.integers(1, 99), max_size=3).map(tuple), max_size=3),
    forms=st.dictionaries(words, objects, max_size=2),
    tasks=st.just({}),
)


def sent(document: Any) -> Any:
    """What arrives on the other side of a wire."""
    return json.loads(json.dumps(document, allow_nan=False))


def exact(value: object) -> str:
    """Tell apart what `==` does not: `1`, `1.0` and `True`, and the order of keys."""
    return repr(value)


@given(st.lists(events, max_size=4))
def test_events_come_back_exactly(events: list[Event]) -> None:
    assert exact(events_from_json(sent(events_to_json(events)), AT)) == exact(tuple(events))


@given(instances)
def test_an_instance_comes_back_exactly(instance: Instance) -> None:
    state = state_from_json(sent(state_to_json(instance)), instance.updated_at)
    snapshot = snapshot_from_json(sent(snapshot_to_json(instance)))

    again = attrs.evolve(
        instance,
        **{field.name: getattr(state, field.name) for field in attrs.fields(type(state))},
        **{field.name: getattr(snapshot, field.name) for field in attrs.fields(type(snapshot))},
    )
    assert exact(again) == exact(instance)


@given(values(Task))
def test_a_task_comes_back_exactly(task: Task) -> None:
    assert exact(task_from_json(sent(task_to_json(task)))) == exact(task)


def test_what_is_not_said_is_not_written() -> None:
    plain = StepCompleted(at=AT, token=1, patch=Patch(changed=((("a", "b"), 1.0),), size=3))
    assert events_to_json([plain]) == [
        {"event": "StepCompleted", "token": 1, "patch": {"set": [["a", "b", 1.0]]}}
    ]


@given(instances)
def test_a_moment_that_stands_elsewhere_is_not_written(instance: Instance) -> None:
    """A token says since when it is in its state if that is not when the instance last changed."""
    tokens = instance.tokens.values()
    written = cast("list[JsonObject]", state_to_json(instance)["tokens"])
    assert [token.get("since") for token in written] == [
        None if token.since == instance.updated_at else token.since.isoformat() for token in tokens
    ]


def test_the_data_of_users_is_passed_through() -> None:
    data: JsonObject = {"a": [1]}
    start = InstanceStarted(
        at=AT,
        instance_id=UUID(int=1),
        definition_name="n",
        definition_version="1",
        entry=Entry(1, "a", "ready"),
        data=data,
    )
    (written,) = events_to_json([start])
    assert written["data"] is data
    (read,) = events_from_json([written], AT)
    assert read.data is data  # type: ignore[union-attr]


def test_a_moment_keeps_its_place_in_time() -> None:
    elsewhere = datetime(2026, 10, 25, 2, 30, tzinfo=timezone(timedelta(hours=2)))
    task = Task(
        id=UUID(int=1),
        instance_id=UUID(int=2),
        definition_name="n",
        definition_version="1",
        token=1,
        step_name="s",
        title="t",
        created_at=elsewhere,
    )
    assert task_from_json(sent(task_to_json(task))).created_at == elsewhere


@pytest.mark.parametrize(
    "surprise", [{"event": "Unheard"}, {"event": "StepSkipped", "token": 1, "new": 2}, {"token": 1}]
)
def test_what_is_not_known_is_refused(surprise: JsonObject) -> None:
    with pytest.raises(Exception, match=r"Unheard|new|event"):
        events_from_json([surprise], AT)


def test_events_of_several_moments_are_refused() -> None:
    with pytest.raises(ValueError, match="one moment"):
        events_to_json([StepCompleted(at=AT, token=1), StepCompleted(at=AT + timedelta(1), token=1)])
