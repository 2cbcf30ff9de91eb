"""The control-flow patterns of van der Aalst, ter Hofstede, Kiepuszewski and Barros ("Workflow Patterns", 2003).

One test for each row of the table in `docs/reference/patterns.md`, named after it.
"""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.workflows import Do, chain, workflow
from workflows_core import commands as cmd
from workflows_core.context import WorkflowContext
from workflows_core.definitions import Edge, WorkflowDefinition
from workflows_core.groups import ParallelGroup
from workflows_core.machine import advance
from workflows_core.states import InstanceStatus, TaskStatus
from workflows_core.steps import (
    BaseHumanStep,
    DecisionStep,
    DelayStep,
    ExclusiveGateway,
    InclusiveGateway,
    MessageStep,
    ParallelGateway,
    Step,
)
from workflows_core.testing import Answer, Simulated, assert_sound, simulate
from workflows_core.testing.clock import BEGINNING

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "patterns.md"
HOUR = timedelta(hours=1)


def done(run: Simulated) -> Counter[str]:
    """How often each step did its work."""
    return Counter(execution.step_name for execution in run.executions if execution.status == "succeeded")


def sketch(*steps: Step, ways: list[str], edges: Sequence[Edge] = ()) -> WorkflowDefinition:
    """A definition from its steps, ways such as `"a b"`, and more edges; it ends where nothing leads on."""
    plain = [Edge(source, target) for source, target in map(str.split, ways)]
    ends = {step.name for step in steps} - {edge.source for edge in (*edges, *plain)}
    definition = workflow(*steps, edges=[*edges, *plain], ends=ends)
    assert_sound(definition)
    return definition


# Basic control flow


def test_01_sequence() -> None:
    assert simulate(chain(Do("a"), Do("b"), Do("c"))).path == ("a", "b", "c")


def test_02_parallel_split() -> None:
    definition = sketch(
        ParallelGateway("split"), BaseHumanStep("a"), BaseHumanStep("b"), ways=["split a", "split b"]
    )

    assert simulate(definition).waits_at == ("a", "b")


def test_03_synchronization() -> None:
    definition = chain(ParallelGroup(BaseHumanStep("a"), BaseHumanStep("b"), name="both"), Do("after"))  # type: ignore[arg-type]

    assert done(simulate(definition, choices={"a": {}})) == Counter("a")
    assert done(simulate(definition, choices={"a": {}, "b": {}})) == Counter(["a", "b", "after"])


def test_04_exclusive_choice() -> None:
    definition = sketch(
        ExclusiveGateway("choice", lambda context: context.get("wish")),
        Do("a"),
        Do("b"),
        ways=["choice a", "choice b"],
    )

    assert simulate(definition, {"wish": "b"}).path == ("choice", "b")


def test_05_simple_merge() -> None:
    definition = sketch(
        ExclusiveGateway("choice", lambda context: context.get("wish")),
        Do("a"),
        Do("b"),
        Do("merge"),
        ways=["choice a", "choice b", "a merge", "b merge"],
    )

    assert simulate(definition, {"wish": "a"}).path == ("choice", "a", "merge")
    assert simulate(definition, {"wish": "b"}).path == ("choice", "b", "merge")


# Advanced branching and synchronization

CHOSEN = [
    Edge("choice", "a", condition="'a' in wish"),
    Edge("choice", "b", condition="'b' in wish"),
    Edge("choice", "c", condition="'c' in wish"),
]


def test_06_multi_choice() -> None:
    definition = sketch(InclusiveGateway("choice"), Do("a"), Do("b"), Do("c"), ways=[], edges=CHOSEN)

    assert done(simulate(definition, {"wish": ["a", "c"]})) == Counter("ac")


def test_07_structured_synchronizing_merge() -> None:
    """The merge waits for the branches that were chosen, and for no other."""
    definition = sketch(
        InclusiveGateway("choice"),
        *map(BaseHumanStep, "abc"),
        Do("merge"),
        ways=["a merge", "b merge", "c merge"],
        edges=CHOSEN,
    )
    wish = {"wish": ["a", "c"]}

    assert done(simulate(definition, wish, choices={"a": {}})) == Counter("a")
    assert done(simulate(definition, wish, choices={"a": {}, "c": {}})) == Counter(["a", "c", "merge"])


def test_08_multi_merge() -> None:
    definition = sketch(
        ParallelGateway("split"),
        Do("a"),
        Do("b"),
        Do("merge", join="any"),
        ways=["split a", "split b", "a merge", "b merge"],
    )

    assert done(simulate(definition)) == Counter({"a": 1, "b": 1, "merge": 2})


def some_of_three(join: int) -> WorkflowDefinition:
    return sketch(
        ParallelGateway("split"),
        *map(BaseHumanStep, "abc"),
        Do("join", join=join),
        ways=["split a", "split b", "split c", "a join", "b join", "c join"],
    )


def test_09_discriminator() -> None:
    """The first branch counts. The others are given up: nobody works for nothing."""
    run = simulate(some_of_three(1), choices={"b": {}})

    assert done(run) == Counter(["b", "join"])
    assert [task.status for task in run.tasks] == [
        TaskStatus.CANCELED,
        TaskStatus.COMPLETED,
        TaskStatus.CANCELED,
    ]
    assert run.status is InstanceStatus.COMPLETED


# Structure


def test_10_arbitrary_cycles() -> None:
    """A cycle with two ways in, and ways out of its middle."""
    definition = sketch(
        ExclusiveGateway("begin"), BaseHumanStep("a", outcomes=("on", "out")), BaseHumanStep("b", outcomes=("on", "out")), Do("end"),
        edges=[Edge("begin", "a", condition="first == 'a'"), Edge("begin", "b", default=True),
               Edge("a", "b", on="on"), Edge("b", "a", on="on"), Edge("a", "end", on="out"), Edge("b", "end", on="out")],
        ways=[],
    )  # fmt: skip

    run = simulate(definition, {"first": "a"}, choices={"a": ["on", "on"], "b": ["on", "out"]})
    assert run.path == ("begin", "a", "b", "a", "b", "end")
    assert simulate(definition, {"first": "b"}, choices={"b": ["on"], "a": ["out"]}).path == (
        "begin",
        "b",
        "a",
        "end",
    )


def test_11_implicit_termination() -> None:
    """An instance is completed when there is nothing left to do, wherever its branches end."""
    definition = sketch(
        ParallelGateway("split"), BaseHumanStep("a"), BaseHumanStep("b"), ways=["split a", "split b"]
    )

    assert simulate(definition, choices={"a": {}}).status is InstanceStatus.WAITING
    assert simulate(definition, choices={"a": {}, "b": {}}).status is InstanceStatus.COMPLETED


# Multiple instances


def per_item(*, joined: bool) -> WorkflowDefinition:
    """One task for each item of a list: a loop that sets one off and goes on to the next."""

    def next_item(context: WorkflowContext) -> None:
        items = context.get("items", [])
        context.set("item", items[0] if items else None)
        context.set("items", items[1:])

    class Check(BaseHumanStep):
        def get_assignee(self, context: WorkflowContext) -> Any:
            return context.get("item")

    return sketch(
        Do("next", next_item),
        ParallelGateway("fork"),
        Check("check"),
        Do("all", None),
        ways=["fork next", "fork check", *(["check all"] if joined else [])],
        edges=[Edge("next", "fork", condition="item != None"), Edge("next", "all", default=True)],
    )


def test_12_multiple_instances_without_synchronization() -> None:
    run = simulate(per_item(joined=False), {"items": ["ann", "bob", "eve"]}, choices={"check": [{}]})

    assert [task.assignee for task in run.tasks] == ["ann", "bob", "eve"]
    assert done(run)["all"] == 1
    assert run.status is InstanceStatus.WAITING


def test_13_multiple_instances_with_design_time_knowledge() -> None:
    reviewers = [BaseHumanStep(f"review_{number}", title="Review") for number in range(3)]
    definition = chain(ParallelGroup(*reviewers, name="reviews"), Do("after"))  # type: ignore[arg-type]
    choices = {reviewer.name: Answer() for reviewer in reviewers}

    assert [task.title for task in simulate(definition).tasks] == ["Review"] * 3
    assert done(simulate(definition, choices=dict(list(choices.items())[:2])))["after"] == 0
    assert done(simulate(definition, choices=choices))["after"] == 1


def test_14_multiple_instances_with_run_time_knowledge() -> None:
    """As many deciders as the data names."""
    definition = chain(DecisionStep("vote", deciders_key="board"), Do("after"))
    run = simulate(definition, {"board": ["ann", "bob", "eve"]}, choices={"vote": ["approve"]})

    assert [task.assignee for task in run.tasks] == ["ann", "bob", "eve"]
    assert done(run)["after"] == 0
    assert done(simulate(definition, {"board": ["ann"]}, choices={"vote": "approve"}))["after"] == 1


def test_15_multiple_instances_without_run_time_knowledge() -> None:
    """More may come while others are done; what follows waits until nobody sets off another one."""
    definition = per_item(joined=True)
    items = {"items": ["ann", "bob", "eve"]}

    assert done(simulate(definition, items, choices={"check": [{}, {}]}))["all"] == 0
    assert done(simulate(definition, items, choices={"check": {}}))["all"] == 1


# State


def test_16_deferred_choice() -> None:
    """Whatever comes first takes the other chance away."""
    definition = sketch(
        ParallelGateway("offer"),
        MessageStep("accepted"),
        DelayStep("expired", 3600),
        ExclusiveGateway("first", join=1),
        Do("book"),
        Do("forget"),
        ways=["offer accepted", "offer expired", "accepted first", "expired first"],
        edges=[
            Edge("first", "book", condition="context.get('accepted') != None"),
            Edge("first", "forget", default=True),
        ],
    )

    run = simulate(definition, choices={"accepted": {"seats": 2}})
    assert run.path == ("offer", "accepted", "first", "book")
    assert run.status is InstanceStatus.COMPLETED
    assert simulate(definition).path == ("offer", "expired", "first", "forget")


def test_17_interleaved_parallel_routing() -> None:
    """One at a time, in an order that is found on the way: each time somebody says what is next."""
    todo = ("x_ray", "blood", "pulse")
    definition = sketch(
        BaseHumanStep("next", outcomes=(*todo, "none")),
        *(Do(name, join="any") for name in todo),
        Do("report"),
        ways=[f"{name} next" for name in todo],
        edges=[*(Edge("next", name, on=name) for name in todo), Edge("next", "report", on="none")],
    )
    run = simulate(definition, choices={"next": ["pulse", "x_ray", "blood", "none"]})

    assert [step for step in run.path if step != "next"] == ["pulse", "x_ray", "blood", "report"]


def test_18_milestone() -> None:
    """An order can be changed for as long as it is not packed: a deferred choice in a loop."""
    definition = sketch(
        BaseHumanStep("order"),
        ParallelGateway("ordered"),
        BaseHumanStep("change"),
        BaseHumanStep("pack"),
        ExclusiveGateway("first", join=1),
        Do("ship"),
        ways=["order ordered", "ordered change", "ordered pack", "change first", "pack first"],
        edges=[Edge("first", "ship", condition="packed"), Edge("first", "ordered", default=True)],
    )
    data = {"packed": False}

    assert simulate(definition, data).waits_at == ("order",)
    assert simulate(definition, data, choices={"order": {}, "change": [{}, {}]}).waits_at == (
        "change",
        "pack",
    )
    run = simulate(
        definition, data, choices={"order": {}, "change": [{}], "pack": Answer({"packed": True}, after=HOUR)}
    )
    assert done(run) == Counter(["order", "change", "pack", "ship"])
    assert run.status is InstanceStatus.COMPLETED
    assert not [task for task in run.tasks if task.status is TaskStatus.PENDING]


# Cancellation


def test_19_cancel_activity() -> None:
    """An operator skips it: its task is withdrawn, and the workflow goes on."""
    definition = chain(BaseHumanStep("a"), BaseHumanStep("b"), Do("last"))
    instance = simulate(definition).instance
    _, instance = advance(definition, instance, cmd.Skip(at=BEGINNING, step="a", reason="not needed"))

    assert instance.current_steps == ("b",)
    assert not instance.tasks


def test_20_cancel_case() -> None:
    definition = chain(ParallelGroup(BaseHumanStep("a"), BaseHumanStep("b"), name="both"), Do("after"))  # type: ignore[arg-type]
    instance = simulate(definition).instance
    _, instance = advance(definition, instance, cmd.Cancel(at=BEGINNING, reason="changed our minds"))

    assert instance.status is InstanceStatus.CANCELED
    assert not instance.tasks


# Beyond the original twenty


def test_25_cancel_region() -> None:
    """Everything that is on its way to a join that needs no more is given up; what is elsewhere goes on."""
    definition = sketch(
        ParallelGateway("split"),
        BaseHumanStep("stop"),
        BaseHumanStep("a"),
        BaseHumanStep("b"),
        BaseHumanStep("elsewhere"),
        Do("after", join=1),
        ways=["split stop", "split a", "split elsewhere", "a b", "b after", "stop after"],
    )
    run = simulate(definition, choices={"stop": {}})

    assert done(run) == Counter(["stop", "after"])
    assert run.waits_at == ("elsewhere",)


def test_30_n_out_of_m_join() -> None:
    run = simulate(some_of_three(2), choices={"a": {}, "c": {}})

    assert done(run) == Counter(["a", "c", "join"])
    assert [task.status for task in run.tasks] == [
        TaskStatus.COMPLETED,
        TaskStatus.CANCELED,
        TaskStatus.COMPLETED,
    ]


def test_43_explicit_termination() -> None:
    """A step may end everything."""
    definition = sketch(
        ParallelGateway("split"),
        BaseHumanStep("a"),
        BaseHumanStep("b"),
        Do("end", terminate=True),
        ways=["split a", "split b", "a end"],
    )
    run = simulate(definition, choices={"a": {}})

    assert run.status is InstanceStatus.COMPLETED
    assert [task.status for task in run.tasks] == [TaskStatus.COMPLETED, TaskStatus.CANCELED]


# The table


def rows() -> list[list[str]]:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    table = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in lines if re.match(r"\| *\d", line)
    ]
    assert table
    return table


def test_every_row_of_the_table_has_its_test() -> None:
    named = {f"test_{int(row[0]):02}_{re.sub('[^a-z]+', '_', row[1].lower()).strip('_')}" for row in rows()}

    assert {name for name in globals() if re.match(r"test_\d", name)} == named


def test_the_table_says_what_is_supported_and_how() -> None:
    assert [int(row[0]) for row in rows()][:20] == list(range(1, 21))
    for row in rows():
        assert len(row) == 4
        assert row[2] in {"directly", "built", "in part", "no"}
        assert len(row[3]) > 15
