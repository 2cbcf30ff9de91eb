"""Groups: they mean what they say, however they are nested, and become ordinary steps and edges."""

from collections.abc import Coroutine, Mapping
from datetime import UTC, datetime
from itertools import count
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

import pytest
from attrs import frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workflows import Do, review
from workflows_core import ConditionalGroup, ParallelGroup, SequentialGroup, WorkflowDefinition, validate
from workflows_core import commands as cmd
from workflows_core.data import diff
from workflows_core.definitions import Edge
from workflows_core.groups import Group
from workflows_core.instance import Instance
from workflows_core.settling import carry_out
from workflows_core.states import InstanceStatus, TokenState
from workflows_core.steps import BaseHumanStep, Step
from workflows_core.system import TimeOrderedIds

AT = datetime(2026, 3, 29, tzinfo=UTC)
T = TypeVar("T")


def at_once(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that has nothing to wait for."""
    try:
        coroutine.send(None)
    except StopIteration as ended:
        return ended.value  # type: ignore[no-any-return]
    raise AssertionError("it waits")


def carried_out(
    definition: WorkflowDefinition, instance: Instance | None, *commands: cmd.Command
) -> Instance:
    """Carry out commands and settle what follows; steps of a failed condition show as failures."""
    return at_once(carry_out(definition, instance, commands, at=AT, ids=TimeOrderedIds(), owner="runner"))[1]


def started(definition: WorkflowDefinition, **data: Any) -> Instance:
    return carried_out(definition, None, cmd.Start(at=AT, instance_id=UUID(int=1), data=data))


def at_work(instance: Instance) -> list[str]:
    """Return the steps that somebody or something is at, each as often as it is."""
    busy = {TokenState.RUNNING, TokenState.WAITING}
    return sorted(token.step for token in instance.tokens.values() if token.state in busy)


def completed(definition: WorkflowDefinition, instance: Instance, step: str) -> Instance:
    """Complete one step, whoever does it."""
    token = next(token for token in instance.tokens.values() if token.step == step)
    if token.task_id is not None:
        return carried_out(definition, instance, cmd.CompleteTask(at=AT, task_id=token.task_id, data={}))
    return carried_out(definition, instance, cmd.CompleteStep(at=AT, token=token.id, attempt=token.attempt))


def flow(group: Any, *others: Any, **options: Any) -> WorkflowDefinition:
    """A definition that is one group."""
    return WorkflowDefinition(
        name="example", steps=[group, *others], initial_step=group, terminal_steps=group, **options
    )


def ways(definition: WorkflowDefinition) -> list[tuple[str, str]]:
    return [(edge.source, edge.target) for edge in definition.edges]


# What they become


def test_a_sequence_is_a_chain() -> None:
    definition = flow(SequentialGroup(Do("a"), Do("b"), Do("c")))

    assert list(definition.steps) == ["a", "b", "c"]
    assert ways(definition) == [("a", "b"), ("b", "c")]
    assert (definition.initial_step, definition.terminal_steps) == ("a", ("c",))
    assert validate(definition) == ()


def test_parallel_steps_have_a_fork_and_a_join() -> None:
    definition = flow(ParallelGroup(Do("a"), Do("b"), callback=Do("c"), name="both"))

    assert list(definition.steps) == ["both_fork", "a", "b", "both_join", "c"]
    assert ways(definition) == [
        ("both_fork", "a"),
        ("both_fork", "b"),
        ("a", "both_join"),
        ("b", "both_join"),
        ("both_join", "c"),
    ]
    assert (definition.initial_step, definition.terminal_steps) == ("both_fork", ("c",))
    assert validate(definition) == ()


def test_a_choice_has_a_gateway_and_a_merge() -> None:
    group = ConditionalGroup(lambda _: "big", {"small": Do("a"), "big": Do("b"), "none": None}, name="size")
    definition = flow(group)

    assert list(definition.steps) == ["size_choice", "a", "b", "size_merge"]
    assert ways(definition) == [
        ("size_choice", "a"),
        ("size_choice", "b"),
        ("size_choice", "size_merge"),
        ("a", "size_merge"),
        ("b", "size_merge"),
    ]
    assert validate(definition) == ()


def test_an_expression_becomes_conditions_of_edges() -> None:
    group = ConditionalGroup("amount >= 1000", {True: Do("a")}, default=None, name="size")
    definition = flow(group)

    assert [(edge.target, edge.condition, edge.default) for edge in definition.edges[:2]] == [
        ("a", "(amount >= 1000) == True", False),
        ("size_merge", None, True),
    ]
    assert validate(definition) == ()


@pytest.mark.parametrize("text", ["amount >", "a) or (b", ""])
def test_an_expression_is_complained_about_as_it_was_written(text: str) -> None:
    problems = validate(flow(ConditionalGroup(text, {True: Do("a"), False: None})))

    assert {problem.code for problem in problems} == {"bad-expression"}
    assert all(repr(text) in problem.detail for problem in problems)


def test_names_follow_from_the_members() -> None:
    """Whatever else is in the definition: joins of two versions are called the same if they join the same."""
    inner = ParallelGroup(Do("a"), Do("b"))

    alone = flow(inner)
    nested = flow(
        ConditionalGroup("x", {1: ParallelGroup(Do("c"), Do("d")), 2: ParallelGroup(Do("a"), Do("b"))})
    )
    many = flow(ParallelGroup(*map(Do, "abcde")))
    twice = flow(ParallelGroup(ParallelGroup(Do("a"))))
    taken = flow(ParallelGroup(Do("a"), Do("b")), Do("a_b_join"))

    assert {"a_b_fork", "a_b_join"} <= set(alone.steps)
    assert {"a_b_fork", "a_b_join", "c_d_join", "c_a_choice"} <= set(nested.steps)
    assert {"a_and_4_more_fork", "a_and_4_more_join"} <= set(many.steps)
    assert list(twice.steps) == ["a_fork", "a_2_fork", "a", "a_2_join", "a_join"]
    named = flow(SequentialGroup(ParallelGroup(Do("a"), Do("b")), ParallelGroup(Do("c"), name="a_b")))
    assert {"a_b_2_fork", "a_b_fork"} <= set(named.steps)
    assert validate(named) == ()
    assert list(taken.steps) == ["a_b_2_fork", "a", "b", "a_b_2_join", "a_b_join"]


def test_edges_enter_and_leave_a_group() -> None:
    """By the object or by its name, which may be the key in the definition."""

    class After(Do):
        name = "after"

        def __init__(self) -> None:
            super().__init__("after")

    both = ParallelGroup(Do("a"), Do("b"), name="both")
    pair = SequentialGroup(Do("c"), Do("d"))
    definition = WorkflowDefinition(
        name="example",
        steps={"before": Do("before"), "pair": pair, "": both, "after": After},
        edges=[
            Edge("before", both),
            Edge("both", "pair"),
            Edge("pair", After, condition="x"),
            Edge("pair", "both", default=True),
        ],
        initial_step="before",
        terminal_steps=After,
    )

    assert ways(definition)[:4] == [
        ("before", "both_fork"),
        ("both_join", "c"),
        ("d", "after"),
        ("d", "both_fork"),
    ]
    assert (definition.edges[2].condition, definition.edges[3].default) == ("x", True)
    assert validate(definition) == ()


@pytest.mark.parametrize("on", ["error", "timeout"])
@pytest.mark.parametrize(
    "source", ["both", ParallelGroup(Do("a"), Do("b"), name="both")], ids=["name", "object"]
)
def test_a_group_does_not_fail(source: Any, on: str) -> None:
    """Which of its steps failed is not said; so an edge for that has to leave a step."""
    group = ParallelGroup(Do("a"), Do("b"), name="both") if isinstance(source, str) else source
    definition = flow(SequentialGroup(group, Do("c")), Do("mend"), edges=[Edge(source, "mend", on=on)])

    problem = next(problem for problem in validate(definition) if problem.code == "unknown-source")

    assert problem.path == "/edges/0/source"
    assert problem.hint == "A group does not fail, a step does: write an edge for each step that may."


def test_a_group_is_found_by_its_name_and_by_its_key() -> None:
    pair = SequentialGroup(Do("a"), Do("b"), name="pair")
    for name in ("pair", "both", pair):
        definition = WorkflowDefinition(
            name="example",
            steps={"both": pair, "c": Do("c")},
            edges=[Edge(name, "c")],
            initial_step=name,
            terminal_steps="c",
        )
        assert validate(definition) == ()


def test_members_may_stand_elsewhere() -> None:
    """A step of the definition is meant by its name, its class, or as the same object."""

    class Ask(BaseHumanStep):
        name = "ask"

    first = Do("first")
    definition = WorkflowDefinition(
        name="example",
        steps=[first, Ask, Do("last"), SequentialGroup(first, Ask, "last", name="all")],
        edges=[],
        initial_step="all",
        terminal_steps=["all"],
    )

    assert list(definition.steps) == ["first", "ask", "last"]
    assert ways(definition) == [("first", "ask"), ("ask", "last")]
    assert validate(definition) == ()


def test_classes_may_be_members() -> None:
    class Ask(BaseHumanStep):
        name = "ask"

    definition = flow(SequentialGroup(Do("a"), Ask))

    assert isinstance(definition.steps["ask"], Ask)


def test_an_edge_that_is_written_is_not_written_twice() -> None:
    definition = flow(SequentialGroup(Do("a"), Do("b")), edges=[Edge("a", "b")])

    assert ways(definition) == [("a", "b")]


def test_what_is_in_a_group_is_checked_as_well() -> None:
    members: list[Any] = [Do("a"), ParallelGroup(), 5, "c", Do("a"), ConditionalGroup("x", [Do("b")])]  # type: ignore[arg-type]
    definition = flow(SequentialGroup(*members))

    assert [(problem.code, problem.path) for problem in validate(definition)][:5] == [
        ("empty-group", "/steps/1"),
        ("not-a-step", "/steps/2"),
        ("duplicate-name", "/steps/3"),
        ("empty-group", "/steps/4"),
        ("unknown-target", "/edges/2/target"),
    ]


def test_what_a_choice_does_is_part_of_what_the_definition_says() -> None:
    """Branches that change places are other content, though steps and edges are the same."""

    def size(context: Any) -> str:
        return "big"

    def hash_of(**branches: Step) -> str:
        return flow(ConditionalGroup(size, branches, name="size")).content_hash

    a, b = Do("a"), Do("b")
    assert hash_of(big=a, small=b) == hash_of(big=Do("a"), small=Do("b"))
    assert hash_of(big=a, small=b) != hash_of(small=a, big=b)


# What they do


def run(definition: WorkflowDefinition, **data: Any) -> list[str]:
    """Run to the end, taking the first step there is; return the steps in the order done."""
    instance = started(definition, **data)
    done = []
    while at_work(instance):
        done.append(at_work(instance)[0])
        instance = completed(definition, instance, done[-1])
    assert instance.status is InstanceStatus.COMPLETED, instance.failures
    return done


async def kind(context: Any) -> Any:
    return context.get("kind")


@pytest.mark.parametrize(
    "condition", [lambda context: context.get("kind"), kind, "kind"], ids=["plain", "async", "text"]
)
def test_one_branch_is_chosen(condition: Any) -> None:
    definition = flow(
        SequentialGroup(ConditionalGroup(condition, {"x": Do("a"), "y": Do("b"), 3: None}), Do("c"))
    )

    assert run(definition, kind="x") == ["a", "c"]
    assert run(definition, kind="y") == ["b", "c"]
    assert run(definition, kind=3) == ["c"]


@pytest.mark.parametrize("condition", [lambda context: context.get("kinds"), "kinds"], ids=["plain", "text"])
def test_several_branches_are_chosen(condition: Any) -> None:
    group = ConditionalGroup(condition, {"x": Do("a"), "y": Do("b")}, inclusive=True, default=Do("d"))
    definition = flow(SequentialGroup(group, Do("c")))

    assert run(definition, kinds=["x"]) == ["a", "c"]
    assert run(definition, kinds=["y", "x"]) == ["a", "b", "c"]
    assert run(definition, kinds=[]) == ["d", "c"]


@pytest.mark.parametrize("condition", [lambda context: context.get("kind"), "kind"], ids=["plain", "text"])
def test_any_other_answer_takes_the_default(condition: Any) -> None:
    definition = flow(SequentialGroup(ConditionalGroup(condition, {"x": Do("a")}, default=Do("b")), Do("c")))

    assert run(definition, kind="x") == ["a", "c"]
    assert run(definition, kind=["y"]) == ["b", "c"]


@pytest.mark.parametrize("condition", [lambda context: context.get("kind"), "kind"], ids=["plain", "text"])
@pytest.mark.parametrize("answer", ["z", None, {"not": "hashable"}])
def test_without_a_default_it_is_a_failure(condition: Any, answer: Any) -> None:
    definition = flow(ConditionalGroup(condition, {"x": Do("a"), "y": Do("b")}, name="which"))

    ((step, failure),) = started(definition, kind=answer).failures

    assert step == "which_choice"
    assert failure.error_type == "NoPathError"


def test_the_failure_names_answer_and_branches() -> None:
    definition = flow(ConditionalGroup(lambda _: "z", {"x": Do("a"), "y": Do("b")}))

    ((_step, failure),) = started(definition).failures

    assert "'z'" in failure.message
    assert "'x', 'y'" in failure.message


# Nested at random


@frozen
class One:
    """A step."""

    name: str
    is_human: bool


@frozen
class Seq:
    """Parts one after the other."""

    parts: tuple["Term", ...]


@frozen
class Par:
    """Parts at the same time, then what comes when all are done."""

    parts: tuple["Term", ...]
    then: "Term | None"


@frozen
class Alt:
    """Some of several parts; `chosen` are their keys."""

    key: str
    parts: Mapping[str, "Term | None"]
    default: "Term | str | None"
    chosen: tuple[str, ...]
    style: str
    inclusive: bool

    @property
    def taken(self) -> list["Term"]:
        """Return the parts that are chosen and in which there is something to do."""
        picked = [self.parts.get(key, self.default) for key in self.chosen or ("",)]
        return [part for part in picked if part is not None and not isinstance(part, str)]


Term: TypeAlias = One | Seq | Par | Alt


def is_finished(term: Term, done: set[str]) -> bool:
    match term:
        case One(name):
            return name in done
        case Seq(parts):
            return all(is_finished(part, done) for part in parts)
        case Par(parts, then):
            return all(is_finished(part, done) for part in (*parts, *([then] if then else [])))
        case Alt():
            return all(is_finished(part, done) for part in term.taken)


def enabled(term: Term, done: set[str]) -> list[str]:
    """Return what can be done next, read off the words alone."""
    match term:
        case One(name):
            return [] if name in done else [name]
        case Seq(parts):
            return next((enabled(part, done) for part in parts if not is_finished(part, done)), [])
        case Par(parts, then):
            if all(is_finished(part, done) for part in parts):
                return enabled(then, done) if then else []
            return [name for part in parts for name in enabled(part, done)]
        case Alt():
            return [name for part in term.taken for name in enabled(part, done)]


def group_of(term: Term) -> Step | Group:
    match term:
        case One(name, is_human):
            return review(name) if is_human else Do(name)
        case Seq(parts):
            return SequentialGroup(*map(group_of, parts))
        case Par(parts, then):
            return ParallelGroup(*map(group_of, parts), callback=group_of(then) if then else None)
        case Alt(key, parts, default, _, style, inclusive):
            branches = {name: group_of(part) if part else None for name, part in parts.items()}
            options: dict[str, Any] = {"inclusive": inclusive}
            if not isinstance(default, str):
                options["default"] = group_of(default) if default else None
            condition = key if style == "text" else lambda context: context.get(key)
            return ConditionalGroup(condition, branches, **options)


def data_of(*terms: Term | str | None) -> dict[str, Any]:
    """Return the data by which the conditions choose as the terms say."""
    data: dict[str, Any] = {}
    for term in terms:
        match term:
            case Seq(parts):
                data |= data_of(*parts)
            case Par(parts, then):
                data |= data_of(*parts, then)
            case Alt():
                data[term.key] = list(term.chosen) if term.inclusive else term.chosen[0]
                data |= data_of(*term.parts.values(), term.default)
    return data


@st.composite
def terms(draw: st.DrawFn, depth: int = 3) -> Term:
    numbers = count()

    def term(depth: int) -> Term:
        shape = draw(st.sampled_from(["one", "seq", "par", "alt"] if depth else ["one"]))
        number = next(numbers)
        if shape == "one":
            return One(f"s{number}", draw(st.booleans()))
        parts = tuple(term(depth - 1) for _ in range(draw(st.integers(1, 3))))
        if shape == "seq":
            return Seq(parts)
        if shape == "par":
            return Par(parts, draw(st.sampled_from([None, One(f"s{number}", is_human=False)])))
        keys = [f"k{index}" for index in range(len(parts))]
        inclusive = draw(st.booleans())
        default = draw(st.sampled_from(["fails", None, One(f"s{number}", is_human=True)]))
        answers = keys if default == "fails" else [*keys, "other"]
        chosen = draw(
            st.lists(
                st.sampled_from(keys if inclusive else answers),
                min_size=1,
                max_size=3 if inclusive else 1,
                unique=True,
            )
        )
        branches = {
            key: draw(st.sampled_from([part, part if key == "k0" else None]))
            for key, part in zip(keys, parts, strict=True)
        }
        return Alt(
            f"c{number}", branches, default, tuple(chosen), draw(st.sampled_from(["text", "code"])), inclusive
        )

    return term(depth)


@settings(deadline=None)
@given(terms(), st.integers(1, 3), st.data())
def test_nested_groups_do_what_they_say(term: Term, rounds: int, data: st.DataObject) -> None:
    """At every moment exactly those steps can be done that the words allow; in a loop, every time again."""
    group = group_of(term)
    definition = WorkflowDefinition(
        name="example",
        steps=[Do("before"), group, Do("check"), Do("after")],
        edges=[
            Edge("before", group),
            Edge(group, "check"),
            Edge("check", group, condition="check < rounds"),
            Edge("check", "after", default=True),
        ],
        initial_step="before",
        terminal_steps=["after"],
    )
    assert [problem for problem in validate(definition) if problem.is_error] == []

    instance = started(definition, check=0, rounds=rounds, **data_of(term))
    instance = completed(definition, instance, "before")
    for number in range(1, rounds + 1):
        done: set[str] = set()
        while not is_finished(term, done):
            assert at_work(instance) == sorted(enabled(term, done))
            step = data.draw(st.sampled_from(at_work(instance)), "step")
            instance = completed(definition, instance, step)
            done.add(step)
        assert at_work(instance) == ["check"]
        (token,) = instance.tokens.values()
        patch = diff({"check": number - 1}, {"check": number}, what="data")
        instance = carried_out(
            definition, instance, cmd.CompleteStep(at=AT, token=token.id, attempt=token.attempt, patch=patch)
        )
    assert at_work(instance) == ["after"]
    assert completed(definition, instance, "after").status is InstanceStatus.COMPLETED
