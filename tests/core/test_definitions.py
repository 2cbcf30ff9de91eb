"""Definitions: whatever way they are written, they say the same, and nobody changes them."""

from typing import Any

import pytest
from attrs import evolve
from attrs.exceptions import FrozenInstanceError

from tests.workflows import Do, chain, review, workflow
from workflows_core import Workflow, WorkflowDefinition, validate
from workflows_core.definitions import Edge, WorkflowClass
from workflows_core.steps import BaseHumanStep, ParallelGateway


class Ask(BaseHumanStep):
    """A step that knows its name."""

    name = "ask"


class Nameless(BaseHumanStep):
    """A step that is called what the definition calls it."""


class Book(Do):
    name = "book"

    def __init__(self) -> None:
        super().__init__("book")


def definition(**fields: Any) -> WorkflowDefinition:
    parts: dict[str, Any] = {
        "name": "leave",
        "steps": [Ask, Book],
        "edges": [Edge("ask", "book")],
        "initial_step": "ask",
        "terminal_steps": ["book"],
    }
    return WorkflowDefinition(**parts | fields)


OTHER_WORDS: dict[str, dict[str, Any]] = {
    "steps by name": {"steps": {"ask": Ask(), "book": Book()}},
    "classes by name": {"steps": {"ask": Ask, "book": Book}},
    "a tuple of steps": {"steps": (Ask(), Book())},
    "steps one by one": {"steps": iter([Ask, Book])},
    "a tuple of edges": {"edges": (Edge("ask", "book"),)},
    "edges one by one": {"edges": iter([Edge("ask", "book")])},
    "edges between classes": {"edges": [Edge(Ask, Book)]},
    "edges between objects": {"edges": [Edge(Ask(), Book())]},
    "a class to begin with": {"initial_step": Ask},
    "an object to begin with": {"initial_step": Ask()},
    "a set of ends": {"terminal_steps": {"book"}},
    "a set of classes": {"terminal_steps": frozenset({Book})},
    "one end": {"terminal_steps": "book"},
    "one class": {"terminal_steps": Book},
    "ends one by one": {"terminal_steps": iter(["book"])},
    "no tags": {"tags": None},
}


@pytest.mark.parametrize("words", OTHER_WORDS)
def test_the_same_in_other_words(words: str) -> None:
    written = definition(**OTHER_WORDS[words])

    assert validate(written) == ()
    assert written.content_hash == definition().content_hash


def test_a_step_is_called_what_the_definition_calls_it() -> None:
    """Edges can name it by its class or as an object then, too."""
    last = BaseHumanStep()
    written = WorkflowDefinition(
        name="leave",
        steps={"ask": Nameless, "last": last},
        edges=[Edge(Nameless, last)],
        initial_step=Nameless,
        terminal_steps=[last],
    )

    assert [step.name for step in written.steps.values()] == ["ask", "last"]
    assert (written.edges[0].source, written.edges[0].target) == ("ask", "last")
    assert (written.initial_step, written.terminal_steps) == ("ask", ("last",))
    assert validate(written) == ()


def test_a_class_that_stands_for_two_steps_is_no_name() -> None:
    written = WorkflowDefinition(
        name="leave",
        steps={"one": Nameless, "two": Nameless},
        edges=[Edge(Nameless, "two")],
        initial_step="one",
        terminal_steps=["two"],
    )

    assert "unknown-source" in {problem.code for problem in validate(written)}


def test_ends_given_as_a_set_have_an_order() -> None:
    """The order of a set differs between processes; a list keeps its own."""
    names = [f"end{number}" for number in range(20)]
    steps = [ParallelGateway("fork", names), *map(Do, names)]

    as_set = WorkflowDefinition(name="a", steps=steps, initial_step="fork", terminal_steps=set(names))
    as_list = WorkflowDefinition(name="a", steps=steps, initial_step="fork", terminal_steps=names[::-1])

    assert as_set.terminal_steps == tuple(sorted(names))
    assert as_list.terminal_steps == tuple(names[::-1])


def test_branches_of_a_parallel_gateway_are_edges() -> None:
    """Those that are written as edges too are not written twice."""
    written = workflow(
        ParallelGateway("fork", ["a", "b"]),
        Do("a"),
        Do("b"),
        edges=[Edge("fork", "b", condition="x")],
        ends={"a", "b"},
    )

    assert [(edge.target, edge.condition) for edge in written.edges] == [("b", "x"), ("a", None)]


def test_it_cannot_be_changed() -> None:
    steps: dict[str, Any] = {"ask": Ask(), "book": Book()}
    written = definition(steps=steps)
    steps.clear()

    assert list(written.steps) == ["ask", "book"]
    with pytest.raises(FrozenInstanceError):
        written.name = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        written.steps["more"] = Ask()  # type: ignore[index]


def test_a_changed_copy_is_whole() -> None:
    """What was worked out of the first is worked out anew, and nothing is added twice."""
    first = workflow(ParallelGateway("fork", ["a"]), Do("a"), edges=[], ends={"a"})
    assert first.content_hash
    assert first.graph.nodes

    again = evolve(first, version="2.0.0")

    assert again.edges == first.edges
    assert again.specification["version"] == "2.0.0"
    assert again.content_hash != first.content_hash


def test_labels_of_edges() -> None:
    def is_large(context: Any) -> bool:
        return True

    assert Edge("a", "b").label == ""
    assert Edge("a", "b", on="approve").label == "approve"
    assert Edge("a", "b", default=True).label == "otherwise"
    assert Edge("a", "b", condition="amount > 5").label == "amount > 5"
    assert Edge("a", "b", condition=is_large).label == "is_large"
    assert Edge("a", "b", condition=lambda _: True).label == "condition"
    assert Edge("a", "b", condition=is_large, on="approve").label == "approve: is_large"


# Classes


def test_a_class_says_it_in_its_attributes() -> None:
    class Leave(Workflow):
        """Days off."""

        __workflow_version__ = "2.1.0"
        steps = (Ask, Book)
        edges = (Edge(Ask, Book),)
        initial_step = Ask
        terminal_steps = Book
        tags = ("hr",)

    written = Leave.get_definition()

    assert isinstance(Leave, WorkflowClass)
    assert (written.name, written.version, written.description) == ("Leave", "2.1.0", "Days off.")
    assert written.tags == ("hr",)
    assert validate(written) == ()


def test_every_class_has_a_name_of_its_own() -> None:
    class Leave(Workflow):
        __workflow_name__ = "leave"
        __workflow_description__ = "Days off"
        steps = chain(Do("ask")).steps
        initial_step = "ask"
        terminal_steps = ("ask",)

    class Long(Leave):
        pass

    assert Leave.get_definition().name == "leave"
    assert Long.get_definition().name == "Long"
    assert Long.get_definition().description == "Days off"

    class Silent(Workflow):
        steps = (Do("only"),)

    assert Silent.get_definition().description == ""  # what `Workflow` says of itself is not about it


def test_what_a_class_leaves_out_is_a_problem_and_no_crash() -> None:
    class Empty(Workflow):
        pass

    assert {problem.code for problem in validate(Empty.get_definition())} == {"no-steps"}


def test_two_definitions_may_share_a_step() -> None:
    shared = review()

    first, second = chain(shared), chain(Do("a"), shared)

    assert first.steps["review"] is second.steps["review"]
    assert validate(first) == validate(second) == ()
