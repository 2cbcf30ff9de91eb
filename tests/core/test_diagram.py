"""Diagrams: what stands where, and how far an instance is."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve
from hypothesis import given

from tests.core.driving import Course, courses, entries, numbers
from tests.workflows import Do, chain, review, workflow
from workflows_core import events as ev
from workflows_core.context import WorkflowContext
from workflows_core.definitions import Edge, WorkflowDefinition
from workflows_core.diagram import Diagram, DiagramEdge, DiagramNode, NodeState, diagram_of
from workflows_core.engine import LocalExecutionEngine
from workflows_core.instance import Instance
from workflows_core.registry import WorkflowRegistry
from workflows_core.states import TokenState
from workflows_core.steps import BaseHumanStep, ExclusiveGateway, TimerStep
from workflows_core.transition import HistoryEntry


def fail(context: WorkflowContext) -> None:
    raise RuntimeError("The printer is on fire")


def local(definition: WorkflowDefinition) -> LocalExecutionEngine:
    registry = WorkflowRegistry()
    registry.register(definition)
    return LocalExecutionEngine(registry)


async def diagram(
    engine: LocalExecutionEngine, definition: WorkflowDefinition, instance: Instance
) -> Diagram:
    """The diagram of an instance as it is now."""
    record = await engine.get_record(instance.id)
    return diagram_of(definition, record.instance, record.entries)


async def after_start(definition: WorkflowDefinition) -> Diagram:
    """The diagram of a new instance once it rests."""
    async with local(definition) as engine:
        instance = await engine.start_workflow(definition.name)
        return await diagram(engine, definition, await engine.wait(instance.id))


def states(diagram: Diagram) -> dict[str, str]:
    return {node.id: node.state.value for node in diagram.nodes if node.state is not NodeState.NONE}


def taken(diagram: Diagram) -> list[tuple[str, str, str]]:
    return [(edge.source, edge.target, edge.label) for edge in diagram.edges if edge.is_taken]


# Definitions


def test_a_definition() -> None:
    """Steps and edges in the order written, with what people read, and nothing about any instance."""
    definition = workflow(
        Do("submit", description="Hand it in."),
        review("check"),
        ExclusiveGateway("large", lambda _: "pay", title="Large amount?"),
        TimerStep("rest", duration=60),
        Do("pay"),
        edges=[
            Edge("submit", "check"),
            Edge("check", "large", on="error"),
            Edge("check", "large", condition="amount > 3"),
            Edge("large", "rest"),
            Edge("rest", "pay"),
            Edge("pay", "submit", default=True),
        ],
        ends={"pay"},
    )

    assert diagram_of(definition) == Diagram(
        nodes=(
            DiagramNode("submit", "Submit", "machine", is_initial=True, description="Hand it in."),
            DiagramNode("check", "Review", "human"),
            DiagramNode("large", "Large amount?", "gateway"),
            DiagramNode("rest", "Rest", "timer"),
            DiagramNode("pay", "Pay", "machine", is_terminal=True),
        ),
        edges=(
            DiagramEdge("submit", "check"),
            DiagramEdge("check", "large", "error"),
            DiagramEdge("check", "large", "amount > 3"),
            DiagramEdge("large", "rest"),
            DiagramEdge("rest", "pay"),
            DiagramEdge("pay", "submit", "otherwise"),
        ),
    )


def test_a_definition_that_is_not_valid() -> None:
    """It is drawn as far as it goes: whoever looks for the mistake needs the picture most."""
    definition = workflow(Do("a"), Do("b"), edges=[Edge("a", "missing"), Edge("nowhere", "b")], ends=set())

    drawn = diagram_of(evolve(definition, initial_step="unknown"))

    assert [node.id for node in drawn.nodes] == ["a", "b"]
    assert not any(node.is_initial for node in drawn.nodes)
    assert drawn.edges == ()


# Instances


async def test_a_person_is_asked() -> None:
    """What was done is completed, what waits is current, and the rest is still to come."""
    drawn = await after_start(chain(Do("submit"), review(), Do("pay")))

    assert states(drawn) == {"submit": "completed", "review": "current"}
    assert taken(drawn) == [("submit", "review", "")]


async def test_the_end() -> None:
    """Nothing is current any more once an instance has ended."""
    drawn = await after_start(chain(Do("submit"), ExclusiveGateway("which"), Do("pay")))

    assert states(drawn) == {"submit": "completed", "which": "completed", "pay": "completed"}


async def test_a_failure() -> None:
    """A step that failed is no longer current."""
    drawn = await after_start(chain(Do("submit"), Do("print", fail), Do("send")))

    assert states(drawn) == {"submit": "completed", "print": "failed"}


async def test_a_failure_that_an_edge_catches() -> None:
    """The instance goes on along the edge for errors, and the step that failed still shows it."""
    edges = [Edge("print", "send"), Edge("print", "call", on="error")]
    drawn = await after_start(
        workflow(Do("print", fail), Do("send"), Do("call"), edges=edges, ends={"send", "call"})
    )

    assert states(drawn) == {"print": "failed", "call": "completed"}
    assert taken(drawn) == [("print", "call", "error")]


async def test_a_step_that_is_skipped() -> None:
    """It was passed, but not completed."""

    class Never(Do):
        async def can_execute(self, context: WorkflowContext) -> bool:
            return False

    drawn = await after_start(chain(Never("remind"), Do("send")))

    assert states(drawn) == {"remind": "skipped", "send": "completed"}


async def test_a_loop() -> None:
    """Who was asked before and is asked again is current; an edge taken once stays taken."""
    decide = BaseHumanStep("decide", outcomes=["approve", "revise"])
    edges = [
        Edge("write", "decide"),
        Edge("decide", "write", on="revise"),
        Edge("decide", "pay", on="approve"),
    ]
    definition = workflow(Do("write"), decide, Do("pay"), edges=edges, ends={"pay"})
    async with local(definition) as engine:
        instance = await engine.start_workflow("example")
        await engine.wait(instance.id)
        await engine.complete_human_task(instance.id, "decide", "bob", {}, outcome="revise")
        await engine.wait(instance.id)
        drawn = await diagram(engine, definition, instance)

    assert states(drawn) == {"write": "completed", "decide": "current"}
    assert taken(drawn) == [("write", "decide", ""), ("decide", "write", "revise")]


async def test_edges_between_the_same_two_steps() -> None:
    """Of two edges that share both ends, the one of the outcome was taken."""
    decide = BaseHumanStep("decide", outcomes=["approve", "refuse"])
    edges = [Edge("decide", "note", on="approve"), Edge("decide", "note", on="refuse")]
    definition = workflow(decide, Do("note"), edges=edges, ends={"note"})
    async with local(definition) as engine:
        instance = await engine.start_workflow("example")
        await engine.wait(instance.id)
        await engine.complete_human_task(instance.id, "decide", "bob", {}, outcome="refuse")
        drawn = await diagram(engine, definition, await engine.wait(instance.id))

    assert taken(drawn) == [("decide", "note", "refuse")]


async def test_a_canceled_instance() -> None:
    """Whoever was asked is asked no more, and what was done stays done."""
    definition = chain(Do("submit"), review(), Do("pay"))
    async with local(definition) as engine:
        instance = await engine.start_workflow("example")
        await engine.wait(instance.id)
        await engine.cancel_workflow(instance.id, "No longer needed")
        drawn = await diagram(engine, definition, instance)

    assert states(drawn) == {"submit": "completed", "review": "canceled"}


async def test_without_a_history() -> None:
    """The instance alone tells where it is, not where it has been."""
    definition = chain(Do("submit"), review(), Do("pay"))
    async with local(definition) as engine:
        instance = await engine.start_workflow("example")
        resting = await engine.wait(instance.id)

    assert states(diagram_of(definition, resting)) == {"review": "current"}


# Any course of any instance


def drawing_of(course: Course) -> Diagram:
    history = [
        HistoryEntry(
            instance_id=course.instance.id,
            revision=number,
            at=move.events[0].at,
            actor=None,
            events=move.events,
        )
        for number, move in enumerate(course.moves, start=1)
        if move.events
    ]
    return diagram_of(course.definition, course.instance, history)


def departures(course: Course) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every step that a token left, and where it led to."""
    for before, event, _ in course.between():
        if isinstance(event, ev.StepLeft):
            yield before.tokens[event.token].step, tuple(entry.step for entry in entries(event))


@given(courses())
def test_live_steps_are_current_or_failed(course: Course) -> None:
    """A step shows as current or failed exactly if a token is there, and as failed if one of them has failed."""
    live = set(numbers(course.instance).values())
    failed = {token.step for token in course.instance.tokens.values() if token.state is TokenState.FAILED}
    drawn = drawing_of(course)

    assert {node.id for node in drawn.nodes if node.state is NodeState.CURRENT} == live - failed
    assert failed <= {node.id for node in drawn.nodes if node.state is NodeState.FAILED}


@given(courses())
def test_steps_that_were_left_are_not_still_to_come(course: Course) -> None:
    """What a token left has a state, and what none ever came to has none."""
    left = {step for step, _ in departures(course)}
    come_to = {entry.step for move in course.moves for event in move.events for entry in entries(event)}
    shown = set(states(drawing_of(course)))

    assert left <= shown
    assert shown <= come_to


@given(courses())
def test_taken_edges_are_those_that_tokens_went_along(course: Course) -> None:
    """Between two steps an edge was taken exactly if a token left the one for the other."""
    went = {(source, target) for source, targets in departures(course) for target in targets}

    assert {(source, target) for source, target, _ in taken(drawing_of(course))} == went
