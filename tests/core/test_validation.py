"""Validation: every kind of problem, all of them at once, and no false ones."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from examples.travel.process import TravelRequest
from tests.core.broken import BROKEN, Broken, anything
from tests.workflows import Do, chain, review, workflow
from workflows_core import Problem, WorkflowDefinition, validate
from workflows_core.definitions import Edge
from workflows_core.errors import InvalidDefinitionError
from workflows_core.groups import ConditionalGroup, ParallelGroup, SequentialGroup
from workflows_core.steps import (
    STEP_TYPES,
    BaseHumanStep,
    ExclusiveGateway,
    InclusiveGateway,
    MessageStep,
    ParallelGateway,
    Step,
    TimerStep,
)
from workflows_core.validation import CODES, Severity
from workflows_core.validation.options import RULES

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "validation.md"


@pytest.mark.parametrize("broken", BROKEN, ids=[f"{each.code}-{n}" for n, each in enumerate(BROKEN)])
def test_every_kind_of_problem(broken: Broken) -> None:
    """One thing is wrong and one thing is reported, with its place and how to mend it."""
    problems = validate(broken.build())

    assert [(each.code, each.path, each.step) for each in problems] == [
        (broken.code, broken.path, broken.step)
    ]
    (problem,) = problems
    assert problem.severity is CODES[broken.code]
    assert problem.is_error == (problem.severity is Severity.ERROR)
    assert problem.detail.endswith(".")
    assert problem.hint == "" or problem.hint[-1] in ".?}"
    assert str(problem).startswith(problem.path + ": ")


def test_every_code_has_an_example() -> None:
    assert {each.code for each in BROKEN} == set(CODES)


def test_every_option_has_a_rule() -> None:
    """An option that is added later is checked too; conditions and schemas have problems of their own."""
    options = {option for kind in STEP_TYPES.values() for option in kind.specified}

    assert options == set(RULES) | {"condition", "form_schema"}


def test_all_problems_are_reported_at_once() -> None:
    """A definition that is wrong in many ways is refused with the full list, in words that help."""
    definition = WorkflowDefinition(
        name="leave",
        version="one two",
        steps=[Do("ask"), review("decide", outcomes=["approve", "reject"]), Do("ask"), "pay"],  # type: ignore[list-item]
        edges=[
            Edge("ask", "decyde"),
            Edge("decide", "book", on="aprove", condition="days > "),
            ("decide", "ask"),  # type: ignore[list-item]
        ],
        initial_step="start",
        terminal_steps=["book"],
    )

    codes = [problem.code for problem in validate(definition)]
    message = str(InvalidDefinitionError("leave", validate(definition)))

    assert codes == [
        "bad-version",
        "duplicate-name",
        "not-a-step",
        "unknown-target",
        "unknown-target",
        "bad-expression",
        "unknown-outcome",
        "not-an-edge",
        "unknown-initial-step",
        "unknown-terminal-step",
        "unhandled-outcome",
        "unhandled-outcome",
    ]
    assert (
        "/edges/0/target: Edge 'ask' → 'decyde' leads to 'decyde', which is no step. Did you mean 'decide'?"
        in message
    )
    assert "Step 'decide' never ends with 'aprove': its outcomes are 'approve' and 'reject'." in message
    assert all(code in message for code in codes)


def test_severity_decides() -> None:
    warning = Problem(code="no-execute", severity=Severity.WARNING, path="", detail="…")
    error = Problem(code="dead-end", severity=Severity.ERROR, path="", detail="…")

    assert (warning.is_error, error.is_error) == (False, True)


def test_forms_are_checked_by_the_port() -> None:
    """Whoever brings another validator of forms decides which schemas are fine."""

    class Strict:
        def check_schema(self, schema: Any) -> str | None:
            return None if "title" in schema else "It has no title."

        def problems(self, schema: Any, data: Any) -> tuple[()]:
            return ()

    definition = chain(review(), input_schema={"title": "Leave", "type": "numbr"})

    (problem,) = validate(definition, Strict())
    assert (problem.path, problem.detail) == (
        "/steps/review/form_schema",
        "The form_schema cannot be used. It has no title.",
    )


def test_one_cause_is_reported_once() -> None:
    """A misspelled edge leaves its neighbours neither unreachable nor without an end."""
    definition = workflow(
        Do("a"),
        Do("b"),
        review("c"),
        Do("d"),
        edges=[
            Edge("a", "bb"),
            Edge("bb", "c"),
            Edge("b", "c"),
            Edge("c", "b", condition="x"),
            Edge("c", "dd"),
        ],
        ends={"d"},
    )

    found = {(problem.code, problem.path) for problem in validate(definition)}

    assert found == {
        ("unknown-target", "/edges/0/target"),
        ("unknown-source", "/edges/1/source"),
        ("unknown-target", "/edges/4/target"),
        ("unreachable", "/steps/d"),
    }


@pytest.mark.parametrize(
    "definition",
    [
        TravelRequest.get_definition(),
        # A loop of machine steps with a way out
        workflow(
            Do("try"),
            Do("end"),
            edges=[Edge("try", "end", "done"), Edge("try", "try", default=True)],
            ends={"end"},
        ),
        # … through a failure
        workflow(
            Do("pull"), Do("end"), edges=[Edge("pull", "pull"), Edge("pull", "end", on="error")], ends={"end"}
        ),
        # … which waits for a person every time
        workflow(
            Do("remind"),
            review("answer"),
            Do("end"),
            edges=[Edge("remind", "answer"), Edge("answer", "remind"), Edge("answer", "end")],
            ends={"end"},
        ),
        # An end that may fail
        workflow(Do("pay"), review("mend"), edges=[Edge("pay", "mend", on="error")], ends={"pay", "mend"}),
        # Outcomes that end, and outcomes that a plain or a default edge takes care of
        chain(Do("a"), review(outcomes=["yes", "no"])),
        chain(review(outcomes=["yes", "no"]), Do("a")),
        workflow(
            review(outcomes=["yes", "no"]),
            Do("a"),
            Do("b"),
            edges=[Edge("review", "a", on="yes"), Edge("review", "b", default=True)],
            ends={"a", "b"},
        ),
        chain(Do("request.leave/ü 1"), Do("Ende")),
    ],
    ids=["travel", "try", "pull", "remind", "mend", "end", "plain", "default", "names"],
)
def test_nothing_is_wrong_with(definition: WorkflowDefinition) -> None:
    assert validate(definition) == ()


# Whatever comes in


class Hostile:
    """Raises when it is compared or hashed."""

    def __eq__(self, other: object) -> bool:
        raise RuntimeError

    __hash__ = None  # type: ignore[assignment]


WORDS = st.sampled_from(["a", "b", "c", "", "error", "a\x00", "x > 1", "all"])
SCALARS = WORDS | st.sampled_from(
    [
        None,
        True,
        0,
        1,
        -1,
        0.5,
        float("nan"),
        b"",
        {1},
        object(),
        Hostile(),
        Hostile,
        int,
        len,
        Step,
        Do,
        SequentialGroup,
    ]
)
OPTIONS = [
    "title", "join", "terminate", "form_schema", "outcomes", "condition", "branches", "duration", "timeout", "retry", "execute",
]  # fmt: skip
KINDS = [Do, BaseHumanStep, ExclusiveGateway, InclusiveGateway, ParallelGateway, TimerStep, MessageStep]


def made(kind: type[Step], name: Any, options: dict[str, Any]) -> Step:
    step = kind(name)
    for option, value in options.items():
        setattr(step, option, value)
    return step


def within(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    few = st.lists(inner, max_size=3)
    return (
        few
        | st.dictionaries(WORDS, inner, max_size=3)
        | st.builds(
            made, st.sampled_from(KINDS), inner, st.dictionaries(st.sampled_from(OPTIONS), inner, max_size=2)
        )
        | st.builds(Edge, inner, inner, inner, inner, inner)
        | few.map(lambda members: SequentialGroup(*members))
        | st.builds(lambda members, callback: ParallelGroup(*members, callback=callback), few, inner)
        | st.builds(ConditionalGroup, inner, inner, default=inner, inclusive=st.booleans())
    )


JUNK = st.recursive(SCALARS, within, max_leaves=5)
FEW = st.lists(JUNK, max_size=4)
EDGES = st.lists(st.builds(Edge, WORDS, WORDS, SCALARS, SCALARS, SCALARS) | JUNK, max_size=4)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.fixed_dictionaries(
        {},
        optional={
            **dict.fromkeys(["name", "version", "description", "initial_step", "input_schema"], JUNK),
            **dict.fromkeys(["steps", "terminal_steps", "tags"], FEW | JUNK),
            "edges": EDGES | JUNK,
        },
    )
)
def test_whatever_comes_in_gets_a_report(fields: dict[str, Any]) -> None:
    """Nothing is raised, and what is said to be fine can be stored."""
    definition = anything(**fields)

    problems = validate(definition)

    for problem in problems:
        assert problem.severity is CODES[problem.code]
        assert problem.detail
        assert str(problem)
    if not any(problem.is_error for problem in problems):
        assert definition.specification
        assert definition.graph.nodes


def test_the_reference_lists_the_same_codes() -> None:
    """In the same order, with the same severity, and each with an example."""
    sections = re.split(r"^### `(.+)`$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    documented = dict(zip(sections[::2], sections[1::2], strict=True))

    assert list(documented) == list(CODES)
    for code, text in documented.items():
        assert text.lstrip().startswith(f"*{CODES[code].title()}.*")
        assert f'"{code}"' in text.split("```python")[1]
