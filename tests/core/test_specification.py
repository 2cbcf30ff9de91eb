"""Specifications: what a definition says, to JSON and back."""

import json
from collections.abc import Callable
from datetime import UTC, timedelta, timezone
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examples.travel.process import TravelRequest
from tests.workflows import Do, chain, review, workflow
from workflows_core import WorkflowDefinition, validate
from workflows_core.calendar import WorkingCalendar, working_hours
from workflows_core.data import JsonObject
from workflows_core.deadlines import AddCandidates, Expire, HandOver, Remind
from workflows_core.definitions import Edge
from workflows_core.errors import InvalidDataError
from workflows_core.policies import Policies
from workflows_core.quorum import Quorum
from workflows_core.retry import RetryPolicy
from workflows_core.specification import MissingCodeError, content_hash, definition_from, specify
from workflows_core.steps import (
    STEP_TYPES,
    BaseHumanStep,
    BaseMachineStep,
    ExclusiveGateway,
    Step,
    base_of,
)

WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=5)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=5,
)
OBJECTS = st.dictionaries(WORDS, JSON, max_size=3)
DURATIONS = st.timedeltas(timedelta(0), timedelta(days=36500)) | st.integers(0, 10**9) | st.floats(0, 1e9)
LIMITS = DURATIONS.filter(bool)


def named() -> st.SearchStrategy[Callable[..., Any]]:
    def function(name: str) -> Callable[..., Any]:
        def ask(*_: object) -> None: ...

        ask.__name__ = name
        return ask

    return st.builds(function, st.sampled_from(["is_large", "<lambda>", "größe"]))


NAMES = st.lists(WORDS, max_size=2).map(tuple)
POLICIES = st.builds(
    Policies,
    managers=st.none() | NAMES,
    operators=st.none() | NAMES,
    not_initiator=st.booleans(),
    not_who_did=NAMES,
)
SPANS = (
    st.timedeltas(timedelta(minutes=1), timedelta(days=36500))
    | st.integers(60, 10**9)
    | st.integers(1, 99).map(working_hours)
)
ANCHORS = st.sampled_from(["due", "opening"])
STAGES = st.one_of(
    st.builds(
        Remind,
        before=st.none() | SPANS,
        since=ANCHORS,
        every=st.none() | SPANS,
        times=st.none() | st.integers(1, 9),
    ),
    st.builds(AddCandidates, after=SPANS, users=NAMES, groups_key=st.none() | WORDS, release=st.booleans()),
    st.builds(HandOver, after=SPANS, user=WORDS),
    st.builds(Expire, after=st.none() | SPANS),
)
CALENDARS = st.builds(
    WorkingCalendar,
    hours=st.sampled_from(["09:00-17:00", {"mon": ["08:00-12:00", "13:00-24:00"], "sun": "10:00-11:00"}]),
    zone=st.sampled_from(["UTC", "Europe/Berlin"]),
    holidays=st.lists(st.dates(), max_size=2),
)
QUORUMS = st.builds(
    Quorum,
    needs=st.sampled_from([1, 3, "all", "majority"]),
    weights=st.dictionaries(WORDS, st.integers(1, 9), max_size=2),
    vetoes=NAMES | st.booleans(),
)

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "title": WORDS,
    "description": WORDS,
    "join": st.sampled_from(["all", "any", 1, 2]),
    "terminate": st.booleans(),
    "merge_output": st.booleans(),
    "transactional": st.booleans(),
    "retry": st.none() | st.builds(RetryPolicy, attempts=st.integers(1, 9), delay=st.floats(0, 1e6), non_retryable=st.lists(WORDS, max_size=2).map(tuple)),
    "timeout": st.none() | LIMITS,
    "form_schema": st.none() | OBJECTS,
    "outcomes": st.lists(WORDS, max_size=3).map(tuple) | st.lists(WORDS, max_size=3),
    "assignee_key": st.none() | WORDS,
    "assignee_group": st.none() | WORDS,
    "condition": st.none() | named(),
    "branches": st.lists(st.sampled_from(["s0", "s1", "s2"]), max_size=3).map(tuple),
    "duration": st.none() | DURATIONS | named(),
    "until": st.none() | st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-3, minutes=-30))])) | named(),
    "message": st.none() | WORDS,
    "correlation_key": st.none() | WORDS,
    "payload_key": st.none() | WORDS,
    "callback_key": st.none() | WORDS,
    "max_losses": st.integers(1, 9),
    "secret": st.none() | WORDS | named(),
    "signature_header": WORDS,
    "due": st.none() | SPANS,
    "escalation": st.lists(STAGES, max_size=2).map(tuple),
    "calendar": st.none() | CALENDARS,
    "policies": st.none() | POLICIES,
    "shows": st.none() | NAMES,
    "requires_revision": st.booleans(),
    "deciders_key": st.none() | WORDS,
    "quorum": QUORUMS,
    "abstain": st.none() | WORDS,
    "in_sequence": st.booleans(),
}  # fmt: skip


@st.composite
def steps(draw: st.DrawFn, name: str) -> Step:
    """A step of any kind, or of a class derived from one, with any options."""
    kind = draw(st.sampled_from(sorted(STEP_TYPES.items())))[1]
    if draw(st.booleans()):
        kind = type(draw(st.sampled_from(["Ask", "Do", "Größe"])), (kind,), {})
    step = kind(name)
    for option in draw(st.lists(st.sampled_from(kind.specified), unique=True)):
        setattr(step, option, draw(VALUES[option], option))
    return step


@st.composite
def definitions(draw: st.DrawFn) -> WorkflowDefinition:
    """Anything that can be written down, valid or not."""
    names = [f"s{number}" for number in range(draw(st.integers(1, 3)))]
    edges = st.builds(
        Edge,
        st.sampled_from(names),
        st.sampled_from([*names, "nowhere"]),
        condition=st.none() | WORDS | named(),
        on=st.none() | WORDS,
        default=st.booleans(),
    )
    return WorkflowDefinition(
        name=draw(WORDS),
        version=draw(WORDS),
        description=draw(WORDS),
        steps=[draw(steps(name)) for name in names],
        edges=draw(st.lists(edges, max_size=4)),
        initial_step=draw(st.sampled_from(names)),
        terminal_steps=draw(st.lists(st.sampled_from(names)) | st.sets(st.sampled_from(names))),
        input_schema=draw(st.none() | OBJECTS),
        tags=draw(st.lists(WORDS, max_size=2)),
        policies=draw(st.none() | POLICIES),
    )


def sent(document: Any) -> Any:
    """Return what arrives on the other side of a wire."""
    return json.loads(json.dumps(document, allow_nan=False))


def reordered(value: Any) -> Any:
    """Return the same JSON with the keys of every object the other way round."""
    if isinstance(value, dict):
        return {key: reordered(value[key]) for key in reversed(value)}
    return [reordered(member) for member in value] if isinstance(value, list) else value


def test_every_option_is_tried() -> None:
    """An option that is added later has to come back as well."""
    assert {option for kind in STEP_TYPES.values() for option in kind.specified} == set(VALUES)


@settings(deadline=None)
@given(definitions())
def test_a_specification_comes_back_equal(definition: WorkflowDefinition) -> None:
    specification = definition.specification

    again = definition_from(sent(specification))

    assert repr(again.specification) == repr(specification)
    assert again.content_hash == definition.content_hash
    assert [(p.code, p.path) for p in validate(again)] == [
        (p.code, p.path) for p in validate(definition) if p.code != "no-execute"
    ]


@settings(deadline=None)
@given(definitions())
def test_the_hash_does_not_depend_on_the_order_of_keys(definition: WorkflowDefinition) -> None:
    assert content_hash(reordered(definition.specification)) == definition.content_hash


@settings(deadline=None)
@given(definitions(), definitions())
def test_the_hash_is_equal_if_what_is_said_is(one: WorkflowDefinition, other: WorkflowDefinition) -> None:
    same = sent(one.specification) == sent(other.specification)
    exactly = json.dumps(one.specification, sort_keys=True) == json.dumps(other.specification, sort_keys=True)

    assert (one.content_hash == other.content_hash) == exactly
    assert same or not exactly


CHANGES: dict[str, dict[str, Any]] = {
    "name": {"name": "other"},
    "version": {"version": "2.0.0"},
    "description": {"description": "More"},
    "tags": {"tags": ["hr"]},
    "input": {"input_schema": {"type": "object"}},
    "ends": {"terminal_steps": ["b", "a"]},
    "condition": {"edges": [Edge("a", "b", condition="x")]},
    "on": {"edges": [Edge("a", "b", on="error")]},
    "default": {"edges": [Edge("a", "b", default=True)]},
    "order": {"steps": [Do("b"), Do("a")]},
    "kind": {"steps": [Do("a"), review("b")]},
    "title": {"steps": [Do("a"), Do("b", title="B")]},
    "join": {"steps": [Do("a"), Do("b", join=1)]},
    "timeout": {"steps": [Do("a"), Do("b", timeout=5)]},
    "class": {"steps": [Do("a"), type("Other", (Do,), {})("b")]},
    "policies": {"policies": Policies(not_initiator=True)},
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_is_said_is_part_of_the_hash(change: str) -> None:
    definition = chain(Do("a"), Do("b"))

    changed = attrs.evolve(definition, **CHANGES[change])

    assert changed.content_hash != definition.content_hash


def test_where_code_lies_makes_no_difference() -> None:
    """Two processes that load the same definition agree on its hash, though no object is the same."""

    def build() -> WorkflowDefinition:
        class Pay(BaseMachineStep):
            async def execute(self, context: Any) -> None: ...

        return workflow(
            ExclusiveGateway("gate", lambda _: "pay"),
            Pay("pay"),
            edges=[Edge("gate", "pay")],
            ends={"pay"},
            name="payment",
        )

    assert build().content_hash == build().content_hash


def test_it_says_what_differs_from_the_base_and_no_more() -> None:
    step = BaseMachineStep("pay", timeout=timedelta(minutes=5), join=2)

    specification = chain(Do("a"), step).specification

    assert specification["steps"] == [
        {"name": "a", "type": "BaseMachineStep", "class": "Do"},
        {"name": "pay", "type": "BaseMachineStep", "join": 2, "timeout": {"seconds": 300.0}},
    ]
    assert specification["edges"] == [{"source": "a", "target": "pay"}]


def test_options_of_a_class_are_said_like_those_of_an_object() -> None:
    class Ask(BaseHumanStep):
        title = "Really?"
        outcomes = ("yes", "no")

    said = {
        "name": "ask",
        "type": "BaseHumanStep",
        "class": "Ask",
        "title": "Really?",
        "outcomes": ["yes", "no"],
    }
    assert chain(Ask("ask")).specification["steps"] == [said]


def test_a_real_definition_comes_back() -> None:
    definition = TravelRequest.get_definition()

    again = definition_from(sent(definition.specification))

    assert validate(again) == ()
    assert again.content_hash == definition.content_hash
    assert again.graph.nodes.keys() == definition.graph.nodes.keys()


async def test_code_that_is_only_named_says_so_when_it_is_called() -> None:
    def choose(context: Any) -> str:
        return "pay"

    definition = workflow(
        ExclusiveGateway("gate", choose), Do("pay"), edges=[Edge("gate", "pay")], ends={"pay"}
    )
    again = definition_from(definition.specification)
    gate, pay = again.steps["gate"], again.steps["pay"]
    assert isinstance(gate, ExclusiveGateway)
    assert isinstance(pay, BaseMachineStep)
    assert gate.condition is not None

    with pytest.raises(MissingCodeError, match="Do pay"):
        await pay.execute(None)  # type: ignore[arg-type]
    with pytest.raises(MissingCodeError, match="choose"):
        gate.condition(None)  # type: ignore[arg-type]


def test_steps_that_are_given_are_used() -> None:
    pay = Do("pay")
    definition = chain(pay, review())

    again = definition_from(definition.specification, definition.steps)

    assert again.steps["pay"] is pay


def test_large_definitions_can_be_written() -> None:
    """A thousand steps with forms are more than one document of data may be."""
    form: JsonObject = {"type": "object", "properties": {f"field{n}": {"type": "string"} for n in range(50)}}
    definition = chain(*[BaseHumanStep(f"s{n}", form_schema=form) for n in range(1000)])

    assert len(json.dumps(definition.specification)) > 1024 * 1024
    assert validate(definition) == ()


def changed(document: Any, *path: Any, value: Any) -> Any:
    """Return a copy of the document with one value replaced, or taken away (`...`)."""
    copy = sent(document)
    place = copy
    for part in path[:-1]:
        place = place[part]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return copy


@pytest.mark.parametrize(
    ("path", "value", "pointer"),
    [
        (("name",), ..., ""),
        (("name",), 5, "/name"),
        (("steps",), {}, "/steps"),
        (("steps", 0), "a", "/steps/0"),
        (("steps", 0, "name"), ..., "/steps/0"),
        (("steps", 0, "type"), "Robot", "/steps/0/type"),
        (("steps", 0, "class"), [], "/steps/0/class"),
        (("steps", 0, "color"), "red", "/steps/0/color"),
        (("steps", 0, "timeout"), {"seconds": 1e300}, "/steps/0/timeout"),
        (("steps", 0, "timeout"), {"moment": "noon"}, "/steps/0/timeout"),
        (("steps", 0, "retry"), {"value": "RetryPolicy", "attempts": 0}, "/steps/0/retry"),
        (("steps", 0, "retry"), {"value": "RetryPolicy", "tries": 1}, "/steps/0/retry"),
        (("edges",), None, "/edges"),
        (("edges", 0, "source"), ..., "/edges/0"),
        (("edges", 0, "target"), None, "/edges/0/target"),
        (("edges", 0, "default"), 1, "/edges/0/default"),
        (("edges", 0, "weight"), 1, "/edges/0/weight"),
        (("terminal_steps", 0), 1, "/terminal_steps/0"),
        (("input_schema",), "any", "/input_schema"),
        (("tags",), "hr", "/tags"),
        (("owner",), "hr", "/owner"),
        (("tags",), [float("inf")], "/tags/0"),
    ],
    ids=str,
)
def test_what_is_no_specification_is_refused_with_its_place(path: Any, value: Any, pointer: str) -> None:
    specification = chain(Do("a"), Do("b")).specification

    with pytest.raises(InvalidDataError) as refused:
        definition_from(changed(specification, *path, value=value))

    assert refused.value.pointer == pointer


@settings(deadline=None)
@given(JSON, st.data())
def test_any_document_is_a_specification_or_refused(junk: Any, data: st.DataObject) -> None:
    specification = sent(chain(Do("a"), review("b", outcomes=["yes"])).specification)
    place = data.draw(st.sampled_from(_places(specification)))

    try:
        definition = definition_from(changed(specification, *place, value=junk) if place else junk)
    except InvalidDataError:
        return
    assert specify(definition) == definition_from(specify(definition)).specification


def _places(value: Any, *path: Any) -> list[tuple[Any, ...]]:
    members = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    return [path, *(place for key, member in members for place in _places(member, *path, key))]


def test_a_class_of_steps_has_one_base() -> None:
    assert base_of(Do) is BaseMachineStep
    assert base_of(type("Mine", (ExclusiveGateway,), {})) is ExclusiveGateway
