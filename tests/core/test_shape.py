"""What validation says about the shape of a definition equals what can be read off the words.

The references are slow and written from the meaning: they try everything.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import chain, combinations, product
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workflows import Do, workflow
from tests.workflows import chain as chain_of
from workflows_core import commands as cmd
from workflows_core.context import WorkflowContext
from workflows_core.definitions import Edge, WorkflowDefinition
from workflows_core.exits import COMPLETED, ERROR
from workflows_core.instance import Token
from workflows_core.machine import advance
from workflows_core.paths import backwards, circles, components, inescapable, reachable
from workflows_core.states import TokenState
from workflows_core.steps import (
    BaseHumanStep,
    ExclusiveGateway,
    InclusiveGateway,
    ParallelGateway,
    Step,
    StepKind,
)
from workflows_core.user_code import choose
from workflows_core.validation import validate

AT = datetime(2026, 3, 29, tzinfo=UTC)
NAMES = "abcde"

# Any instance will do for those who are asked. One of a definition that goes round for ever could never be started.
_, SOME = advance(chain_of(Do("a")), None, cmd.Start(at=AT, instance_id=UUID(int=1), data={}))

Says = dict[str, Any]
"""What conditions answer, by the number of the edge or the name of the gateway."""


def asked(says: Says, key: str) -> Callable[[WorkflowContext], Any]:
    return lambda _context: says[key]


@st.composite
def definitions(draw: st.DrawFn) -> tuple[WorkflowDefinition, Says]:
    """Steps of all kinds, in any order and with any edges between them."""
    says: Says = {}
    steps: list[Step] = []
    for name in NAMES:
        kind = draw(
            st.sampled_from([Do, Do, ExclusiveGateway, InclusiveGateway, ParallelGateway, BaseHumanStep])
        )
        step = kind(name)
        if isinstance(step, ExclusiveGateway | InclusiveGateway) and draw(st.booleans()):
            step.condition = asked(says, name)
        steps.append(step)
    edges = [
        Edge(
            source,
            target,
            condition=asked(says, str(number)) if kind == "if" else None,
            default=kind == "else",
            on=ERROR if kind == "error" else None,
        )
        for number, (source, target, kind) in enumerate(
            draw(
                st.lists(
                    st.tuples(
                        st.sampled_from(NAMES),
                        st.sampled_from(NAMES),
                        st.sampled_from(["", "", "if", "else", "error"]),
                    ),
                    max_size=10,
                    unique_by=lambda way: way[:2],
                )
            )
        )
    ]
    ends = draw(st.sets(st.sampled_from(NAMES), min_size=1, max_size=2))
    return workflow(*steps, edges=edges, ends=ends), says


def found(definition: WorkflowDefinition, code: str) -> list[str | None]:
    return [problem.step for problem in validate(definition) if problem.code == code]


def closure(definition: WorkflowDefinition) -> set[tuple[str, str]]:
    """Return all pairs of steps of which the second can be reached from the first, itself included."""
    pairs = {(name, name) for name in NAMES} | {(edge.source, edge.target) for edge in definition.edges}
    while True:
        longer = pairs | {(a, d) for a, b in pairs for c, d in pairs if b == c}
        if longer == pairs:
            return pairs
        pairs = longer


def stops(definition: WorkflowDefinition) -> set[str]:
    leaving = {edge.source for edge in definition.edges if edge.on is None}
    return set(definition.terminal_steps) | (set(NAMES) - leaving)


def outcomes_of(definition: WorkflowDefinition, says: Says, name: str) -> Iterator[frozenset[str]]:
    """Yield the steps that follow, for every answer that conditions can give: asks the real thing."""
    node = definition.graph.nodes[name]
    numbers = [str(n) for n, edge in enumerate(definition.edges) if edge.source == name]
    targets = sorted({edge.target for edge in node.outgoing})
    own: list[Any] = [None]
    if isinstance(node.step, ExclusiveGateway):
        own = targets
    elif isinstance(node.step, InclusiveGateway):
        own = [list(some) for size in range(1, len(targets) + 1) for some in combinations(targets, size)]
    for exit_ in [COMPLETED, *([ERROR] if node.catches_errors else [])]:
        for answer, *holds in product(own, *[[True, False]] * len(numbers)):
            says.update({name: answer, **dict(zip(numbers, holds, strict=True))})
            token = Token(1, name, TokenState.LEAVING, AT, exit=exit_)
            settled = node.route(exit_).targets
            if settled is not None:
                yield frozenset(settled)
                continue
            try:
                choose(node, SOME, token, AT).send(None)
            except StopIteration as answered:
                if isinstance(answered.value, cmd.Leave):
                    yield frozenset(answered.value.targets)


def traps(definition: WorkflowDefinition, says: Says) -> bool:
    """Whether there are steps that wait for nothing, of which some always follows, whatever is chosen."""
    tireless = [
        name
        for name, step in definition.steps.items()
        if step.kind in {StepKind.MACHINE, StepKind.GATEWAY} and name not in stops(definition)
    ]
    options = {name: set(outcomes_of(definition, says, name)) for name in tireless}
    subsets = chain.from_iterable(combinations(tireless, size) for size in range(1, len(tireless) + 1))
    return any(
        all(options[name] and all(option & set(some) for option in options[name]) for name in some)
        for some in subsets
    )


@settings(deadline=None)
@given(definitions())
def test_unreachable_is_what_no_path_leads_to(given_: tuple[WorkflowDefinition, Says]) -> None:
    definition, _says = given_
    pairs = closure(definition)

    assert found(definition, "unreachable") == [name for name in NAMES if ("a", name) not in pairs]


@settings(deadline=None)
@given(definitions())
def test_a_cycle_is_endless_if_some_token_never_gets_out(given_: tuple[WorkflowDefinition, Says]) -> None:
    definition, says = given_

    endless, expected = bool(found(definition, "endless-cycle")), traps(definition, says)
    assert endless <= expected
    # Whoever wrote an edge that is never taken is told that first: it may have been meant as the way out.
    assert endless == expected or found(definition, "never-taken")


@settings(deadline=None)
@given(definitions())
def test_from_every_step_of_an_accepted_definition_an_end_can_be_reached(
    given_: tuple[WorkflowDefinition, Says],
) -> None:
    definition, _says = given_
    pairs = closure(definition)
    stuck = [name for name in NAMES if not any((name, stop) in pairs for stop in stops(definition))]
    shape = found(definition, "no-way-to-end") + found(definition, "endless-cycle")

    assert bool(found(definition, "no-way-to-end")) <= bool(stuck)
    assert bool(stuck) <= bool(shape)


# The questions themselves


GRAPHS = st.dictionaries(
    st.integers(0, 7), st.lists(st.integers(0, 7), max_size=4), min_size=8, max_size=8
).map(lambda graph: {str(name): [str(target) for target in targets] for name, targets in graph.items()})


def naive(graph: dict[str, list[str]], start: str) -> set[str]:
    seen: set[str] = set()
    new = {start}
    while new:
        seen |= new
        new = {target for name in new for target in graph[name]} - seen
    return seen


@given(GRAPHS)
def test_components_are_the_steps_that_reach_each_other(graph: dict[str, list[str]]) -> None:
    reach = {name: naive(graph, name) for name in graph}
    expected = {
        frozenset(other for other in graph if other in reach[name] and name in reach[other]) for name in graph
    }

    ordered = [frozenset(component) for component in components(graph)]

    assert set(ordered) == expected
    assert sum(map(len, ordered)) == len(graph)
    for index, component in enumerate(ordered):
        later = frozenset().union(*ordered[index + 1 :])
        assert not any(target in later for name in component for target in graph[name])
    assert {frozenset(circle) for circle in circles(graph)} == {
        each for each in expected if any(target in each for name in each for target in graph[name])
    }


@given(GRAPHS, st.sets(st.integers(0, 7).map(str)))
def test_reachable_follows_edges(graph: dict[str, list[str]], starts: set[str]) -> None:
    expected = set().union(*(naive(graph, start) for start in starts))

    assert reachable(starts, graph) == expected
    assert all(
        (source in backwards(graph)[target]) == (target in graph[source])
        for source in graph
        for target in graph
    )


@given(st.dictionaries(st.integers(0, 5), st.lists(st.frozensets(st.integers(0, 6), max_size=3), max_size=3)))
def test_inescapable_is_the_largest_set_that_every_choice_comes_back_to(
    options: dict[int, list[frozenset[int]]],
) -> None:
    named = {str(name): [frozenset(map(str, each)) for each in choices] for name, choices in options.items()}

    def keeps(some: frozenset[str]) -> bool:
        return all(named[name] and all(option & some for option in named[name]) for name in some)

    subsets = (frozenset(some) for size in range(len(named) + 1) for some in combinations(named, size))
    expected = frozenset().union(*filter(keeps, subsets))

    assert inescapable(named) == expected


def test_deep_graphs_need_no_recursion() -> None:
    size = 50_000
    line = {str(number): [str(number + 1)] for number in range(size)} | {str(size): ["0"]}

    assert len(reachable(["0"], line)) == size + 1
    assert [len(circle) for circle in circles(line)] == [size + 1]
    assert len(inescapable({name: [frozenset(targets)] for name, targets in line.items()})) == size + 1
