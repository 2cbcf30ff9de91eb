"""The join rule, against a slow reading of what it says.

A join fires when at least one token has arrived and none that it waits for can still come. A token can still come if
some path leads from its step to the join, and no join stands on that path that goes later and waits for this one
itself. Among joins that hold arrived tokens the earlier goes first.
"""

from collections.abc import Iterator
from functools import cache
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from tests.core.driving import Course, Move, courses, numbers, started, worked
from workflows_core import commands as cmd
from workflows_core import events as ev
from workflows_core.definitions import Edge, WorkflowDefinition
from workflows_core.instance import Instance
from workflows_core.states import TokenState
from workflows_core.steps import Join
from workflows_core.testing import strategies as workflows
from workflows_core.testing.blocks import Idle


class Shape:
    """A definition, as names and pairs of names."""

    def __init__(self, definition: WorkflowDefinition) -> None:
        self.edges = [(edge.source, edge.target) for edge in definition.edges]
        self.joins = {
            name: step.join
            for name, step in definition.steps.items()
            if step.join != "any" and sum(target == name for _, target in self.edges) > 1
        }
        self.order = list(definition.graph.nodes)
        self.may_come_to = cache(self._may_come_to)

    def followers(self, step: str) -> Iterator[str]:
        return (target for source, target in self.edges if source == step)

    def is_later(self, first: str, second: str) -> bool:
        return self.order.index(first) > self.order.index(second)

    def _may_come_to(self, join: str) -> set[str]:
        """The steps from which a token may come to a join that waits for it."""
        found = set()
        for step in self.order:
            seen: set[str] = set()
            todo = list(self.followers(step))
            while todo:
                passed = todo.pop()
                if passed == join:
                    found.add(step)
                    break
                if passed in seen or self.blocks(passed, join):
                    continue
                seen.add(passed)
                todo += self.followers(passed)
        return found

    def blocks(self, other: str, join: str) -> bool:
        """Whether another join lets nothing through to a join that holds a token."""
        return other in self.joins and self.is_later(other, join) and join in self.may_come_to(other)

    def on_the_way(self, instance: Instance, join: str) -> list[int]:
        """The tokens that a join waits for."""
        live = [(token.id, token.step) for token in instance.tokens.values()]
        live += [
            (number, step)
            for step, arrived in instance.arrivals.items()
            for number in arrived
            if self.is_later(join, step)
        ]
        return sorted(number for number, step in live if step in self.may_come_to(join))

    def next_join(self, instance: Instance) -> str | None:
        """The join that fires next; `None` if all have to wait."""
        for join in sorted(instance.arrivals, key=self.order.index):
            count, needed = len(instance.arrivals[join]), self.joins[join]
            if (needed != "all" and count >= int(needed)) or not self.on_the_way(instance, join):
                return join
        return None


def is_on_the_move(definition: WorkflowDefinition, instance: Instance) -> bool:
    """Whether some token goes on before joins are asked."""
    return any(
        token.state is TokenState.LEAVING
        and definition.graph.nodes[token.step].route(token.exit or "completed").targets is not None
        for token in instance.tokens.values()
    )


@given(courses())
def test_joins_fire_as_the_reference_says(run: Course) -> None:
    shape = Shape(run.definition)
    for before, event, after in run.between():
        if isinstance(event, ev.JoinFired):
            assert not is_on_the_move(run.definition, before)
            assert event.entry.step == shape.next_join(before)
            assert event.consumed == before.arrivals[event.entry.step]
            assert event.entry.step not in after.arrivals
    for move in run.moves:
        assert shape.next_join(move.after) is None


@given(courses())
def test_a_join_of_some_cancels_what_was_on_its_way_and_nothing_else(run: Course) -> None:
    shape = Shape(run.definition)
    for move in run.moves:
        late: set[int] = set()
        for before, event, after in Course(run.definition, (move,)).between():
            match event:
                case ev.JoinFired() if shape.joins[event.entry.step] != "all":
                    assert not late
                    late = set(shape.on_the_way(before, event.entry.step))
                    assert late <= numbers(after).keys()
                case ev.TokenCanceled() if event.token in late:
                    late.remove(event.token)
                case ev.TokenCanceled():
                    assert isinstance(move.command, cmd.Move) or has_ended(run.definition, move)
        assert not late


def has_ended(definition: WorkflowDefinition, move: Move) -> bool:
    """Whether a step was left that ends everything."""
    ends = {name for name, step in definition.steps.items() if step.terminate}
    return any(
        isinstance(event, ev.StepLeft) and before.tokens[event.token].step in ends
        for before, event, _ in Course(definition, (move,)).between()
    )


# What the rule is for


def sketch(*ways: str, join: dict[str, Join] | None = None) -> WorkflowDefinition:
    """A definition of machine steps, from ways such as `"a > b"`; `"a ? b"` may or may not be taken."""
    edges = []
    for way in ways:
        source, kind, target = way.split()
        edges.append(Edge(source, target, condition="chosen" if kind == "?" else None))
    names = dict.fromkeys(name for edge in edges for name in (edge.source, edge.target))
    sources = {edge.source for edge in edges}
    return WorkflowDefinition(
        name="sketch",
        steps=[Idle(name, join=(join or {}).get(name)) for name in names],
        edges=edges,
        initial_step=edges[0].source,
        terminal_steps=[name for name in names if name not in sources],
    )


def whereabouts(instance: Instance) -> set[str]:
    """Where something is to be done now."""
    return {token.step for token in instance.tokens.values()}


AGAIN = ("joined > check", "check ? draft", "check ? done")


def test_a_merge_inside_a_branch_does_not_wait_for_the_other_branch() -> None:
    """Although the other branch leads there too: round the loop that repeats both."""
    definition = sketch(
        "draft > legal", "draft > finance", "legal ? merge", "legal ? fix", "fix > merge", "merge > joined",
        "finance > joined", *AGAIN,
    )  # fmt: skip
    instance = worked(definition, started(definition), "draft")

    assert whereabouts(worked(definition, instance, "legal", "merge")) == {"merge", "finance"}


def test_a_loop_inside_a_branch_does_not_wait_for_the_other_branch() -> None:
    definition = sketch("draft > a", "draft > b", "a ? a", "a ? joined", "b > joined", *AGAIN)
    instance = worked(definition, started(definition), "draft")

    assert whereabouts(instance) == {"a", "b"}
    assert whereabouts(worked(definition, instance, "a", "a")) == {"a", "b"}


def test_a_join_of_two_leaves_its_neighbours_alone() -> None:
    definition = sketch(
        "draft > ask", "draft > other", "ask > a", "ask > b", "ask > c", "a > two", "b > two", "c > two",
        "two > joined", "other > joined", *AGAIN, join={"two": 2},
    )  # fmt: skip
    instance = worked(definition, started(definition), "draft")
    for step in ("ask", "a", "b"):
        instance = worked(definition, instance, step)

    assert whereabouts(instance) == {"two", "other"}


REWORK = (
    "split > a",
    "split > b",
    "a > joined",
    "b > sign",
    "sign > joined",
    "joined > check",
    "check ? sign",
    "check ? done",
)


@given(st.permutations(REWORK[1:]))
def test_work_sent_back_to_one_branch_does_not_let_the_join_fire_without_it(ways: list[str]) -> None:
    """The cycle has two entries; the signature has to pass the join anyway, so it goes first."""
    definition = sketch(REWORK[0], *ways)
    instance = started(definition)
    for step in ("split", "a", "b"):
        instance = worked(definition, instance, step)

    assert whereabouts(instance) == {"sign"}


def test_a_reviewer_who_sends_all_back_does_not_let_the_join_fire_without_him() -> None:
    definition = sketch(
        "draft > a", "draft > b", "a > joined", "b ? joined", "b ? fix", "fix > draft", *AGAIN
    )
    instance = worked(definition, started(definition), "draft")
    instance = worked(definition, worked(definition, instance, "a"), "b", "fix")

    assert whereabouts(instance) == {"fix"}

    instance = worked(definition, worked(definition, instance, "fix"), "draft")
    instance = worked(definition, worked(definition, instance, "a"), "b", "joined")

    assert whereabouts(instance) == {"joined"}
    assert not instance.arrivals


def test_the_first_step_waits_for_nothing_at_the_start_though_it_is_a_loop_head_and_a_join() -> None:
    definition = sketch("first > a", "first > b", "a ? first", "a ? done", "b ? first", "b ? done")
    instance = worked(definition, started(definition), "first")

    assert whereabouts(instance) == {"a", "b"}

    instance = worked(definition, instance, "a", "first")

    assert whereabouts(instance) == {"b"}
    assert whereabouts(worked(definition, instance, "b", "first")) == {"first"}
    assert whereabouts(worked(definition, instance, "b", "done")) == {"first"}


# The order of joins


@given(workflows.free_definitions())
def test_a_step_comes_before_whatever_it_leads_to(definition: WorkflowDefinition) -> None:
    graph = definition.graph
    for first, second in product(graph.nodes, repeat=2):
        if graph.reaches(first, second) and not graph.reaches(second, first):
            assert graph.nodes[first].number < graph.nodes[second].number


@given(workflows.free_definitions())
def test_the_head_of_a_cycle_comes_first(definition: WorkflowDefinition) -> None:
    """Where a cycle can be entered at one step only, however its edges are written, that step is its head."""
    graph = definition.graph
    for name in graph.nodes:
        cycle = {other for other in graph.nodes if graph.reaches(name, other) and graph.reaches(other, name)}
        entries = {
            edge.target for edge in definition.edges if edge.target in cycle and edge.source not in cycle
        } | ({definition.initial_step} & cycle)
        if len(entries) == 1:
            assert min(cycle, key=lambda step: graph.nodes[step].number) in entries


@given(workflows.free_definitions())
def test_reachability_is_what_a_walk_finds(definition: WorkflowDefinition) -> None:
    shape = Shape(definition)
    for name in definition.steps:
        found: set[str] = set()
        todo = list(shape.followers(name))
        while todo:
            step = todo.pop()
            if step not in found:
                found.add(step)
                todo += shape.followers(step)

        assert found == {other for other in definition.steps if definition.graph.reaches(name, other)}
