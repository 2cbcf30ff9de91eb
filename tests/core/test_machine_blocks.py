"""The machine against the meaning of blocks, which takes neither graphs nor joins to say.

However sequences, choices, parallel branches and loops are nested, and in whatever order their edges are written, the
steps at which something is to be done are those that the block says: no sooner, no later, and none twice.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from typing import TypeAlias
from uuid import UUID

from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st

from tests.core.driving import started
from workflows_core import commands as cmd
from workflows_core.data import JsonObject, diff
from workflows_core.definitions import WorkflowDefinition
from workflows_core.instance import Instance
from workflows_core.machine import advance
from workflows_core.states import TokenState
from workflows_core.steps import StepKind
from workflows_core.testing import strategies as workflows
from workflows_core.testing.blocks import Block, Choice, Loop, Parallel, Sequence, Work, definition_of
from workflows_core.testing.clock import BEGINNING

# What is at hand of a block, and how it goes on. `None` is a block that is done.


@frozen
class Doing:
    """Work at hand, and the block that follows on each of its ways."""

    step: str
    ways: tuple[Block, ...]


@frozen
class Then:
    """Something at hand, and what comes after it."""

    now: Doing | Then | Beside
    later: tuple[Block, ...]


@frozen
class Beside:
    """Branches at hand at the same time, and how many of them have to be done."""

    branches: tuple[Rest, ...]
    need: int


Rest: TypeAlias = "Doing | Then | Beside | None"


def begun(block: Block) -> Rest:
    match block:
        case Work(name):
            return Doing(name, (Sequence(),))
        case Sequence(blocks):
            return then(None, blocks)
        case Choice(decider, branches):
            return Doing(decider.name, branches)
        case Parallel(_, branches, _, need):
            return beside(tuple(map(begun, branches)), need or len(branches))
        case Loop(body, check, redo):
            return then(begun(body), (Choice(check, (Sequence(), Sequence((redo, block)))),))


def then(now: Rest, later: tuple[Block, ...]) -> Rest:
    while now is None and later:
        now, later = begun(later[0]), later[1:]
    return Then(now, later) if now is not None and later else now


def beside(branches: tuple[Rest, ...], need: int) -> Rest:
    return Beside(branches, need) if branches.count(None) < need else None


def at_hand(rest: Rest) -> Iterator[Doing]:
    match rest:
        case Doing():
            yield rest
        case Then(now):
            yield from at_hand(now)
        case Beside(branches):
            for branch in branches:
                yield from at_hand(branch)


def done(rest: Rest, step: str, way: int) -> Rest:
    """What is left when the work at a step was done and led one way."""
    match rest:
        case Doing(name, ways) if name == step:
            return begun(ways[way])
        case Then(now, later):
            return then(done(now, step, way), later)
        case Beside(branches, need):
            return beside(tuple(done(branch, step, way) for branch in branches), need)
    return rest


# The same in the machine


def act(
    definition: WorkflowDefinition, instance: Instance, step: str, way: int, wrote: JsonObject | None = None
) -> Instance:
    """Do the work at a step, and lead on the way that is asked for."""
    (token,) = (token for token in instance.tokens.values() if token.step == step)
    human = definition.steps[step].kind is StepKind.HUMAN
    ways = [edge for edge in definition.edges if edge.source == step]
    commands: list[cmd.Command] = []
    if human:
        outcomes = tuple(dict.fromkeys(edge.on for edge in ways if edge.on is not None))
        outcome = str(way) if outcomes else None
        task_id = UUID(int=token.id)
        commands = [
            cmd.OpenTask(at=BEGINNING, token=token.id, task_id=task_id, title=step, outcomes=outcomes),
            cmd.CompleteTask(at=BEGINNING, task_id=task_id, data=wrote or {}, outcome=outcome),
        ]
    elif token.state is TokenState.READY:
        patch = diff({}, wrote or {}, what="the data")
        commands = [
            cmd.StartStep(at=BEGINNING, token=token.id, owner="somebody"),
            cmd.CompleteStep(at=BEGINNING, token=token.id, attempt=1, patch=patch),
        ]
    if not human and len(ways) > 1:
        (taken,) = (edge for edge in ways if (f"== {way}" in str(edge.condition) if way else edge.default))
        commands.append(cmd.Leave(at=BEGINNING, token=token.id, targets=(taken.target,)))
    for command in commands:
        _, instance = advance(definition, instance, command)
    return instance


@st.composite
def written_definitions(draw: st.DrawFn, block: Block) -> WorkflowDefinition:
    """The definition of a block, with its edges in any order."""
    definition = definition_of(block)
    return evolve(definition, edges=draw(st.permutations(definition.edges)))


@given(st.data())
def test_the_machine_is_where_the_block_says(data: st.DataObject) -> None:
    block = data.draw(workflows.blocks())
    definition = data.draw(written_definitions(block))
    instance, rest = started(definition), begun(block)
    for _ in range(data.draw(st.integers(0, 25))):
        expected = Counter(doing.step for doing in at_hand(rest))
        assert Counter(token.step for token in instance.tokens.values()) == (expected or {"end": 1})
        if rest is None:
            break
        choices = [(doing.step, way) for doing in at_hand(rest) for way in range(len(doing.ways))]
        step, way = choices[data.draw(st.integers(0, 999)) % len(choices)]
        instance, rest = act(definition, instance, step, way), done(rest, step, way)


# 6. Parallel completions in any order reach the same data


def finished(
    block: Block,
    definition: WorkflowDefinition,
    order: random.Random,
    chosen: random.Random,
    *,
    key: str = "",
) -> tuple[Instance, list[JsonObject]]:
    """Run a block to its end; `order` says who comes next, and `chosen` which way each visit of a step goes."""
    instance, rest = started(definition), begun(block)
    visits: Counter[str] = Counter()
    seed = chosen.random()
    written: list[JsonObject] = []
    while here := list(at_hand(rest)):
        doing = order.choice(here)
        visits[doing.step] += 1
        visit = visits[doing.step]
        way = random.Random(f"{seed} {doing.step} {visit}").randrange(len(doing.ways)) if visit < 4 else 0
        written.append({key or doing.step: f"{doing.step} {visit}"})
        instance = act(definition, instance, doing.step, way, written[-1])
        rest = done(rest, doing.step, way)
    return instance, written


MACHINES = workflows.blocks(deciders=(StepKind.MACHINE, StepKind.HUMAN), partial_joins=False)


@given(MACHINES, st.integers(), st.integers(), st.integers())
def test_parallel_completions_in_any_order_reach_the_same_data(
    block: Block, first: int, second: int, ways: int
) -> None:
    definition = definition_of(block)
    one, _ = finished(block, definition, random.Random(first), random.Random(ways))
    other, _ = finished(block, definition, random.Random(second), random.Random(ways))

    assert one.data == other.data
    assert sorted(map(str, one.forms)) == sorted(map(str, other.forms))


@given(MACHINES, st.integers(), st.integers())
def test_on_the_same_key_the_later_commit_wins(block: Block, order: int, ways: int) -> None:
    instance, written = finished(
        block, definition_of(block), random.Random(order), random.Random(ways), key="key"
    )

    assert instance.data == written[-1]
