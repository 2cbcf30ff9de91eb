"""Block-structured workflows: a little language, and the graphs it stands for.

A block is what an author has in mind: one after the other, one of several, all at once, again
until it is right. `definition_of` writes a block as the steps and edges it means. The meaning of a block can
be said in a few lines without any graph, which makes blocks a yardstick for the machine: whatever way they
are nested, each join must fire exactly when its block says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeAlias

from attrs import frozen

from workflows_core.definitions import Edge, WorkflowDefinition
from workflows_core.steps import (
    BaseHumanStep,
    BaseMachineStep,
    ExclusiveGateway,
    ParallelGateway,
    Step,
    StepKind,
)

if TYPE_CHECKING:
    from workflows_core.context import WorkflowContext


class Idle(BaseMachineStep):
    """A machine step that does nothing."""

    async def execute(self, context: WorkflowContext) -> None:
        """Do nothing."""


@frozen
class Work:
    """One step. `kind` is machine or human; where a way has to be chosen it may be a gateway."""

    name: str
    kind: StepKind = StepKind.MACHINE


@frozen
class Sequence:
    """Blocks one after the other. The empty sequence is a plain edge."""

    blocks: tuple[Block, ...] = ()


@frozen
class Choice:
    """One of the branches, as `decider` says; all lead to what follows, through the step `merge` if it is named."""

    decider: Work
    branches: tuple[Block, ...]
    merge: str | None = None


@frozen
class Parallel:
    """All branches at the same time; the step `join` follows when all are done, or `need` of them."""

    split: str
    branches: tuple[Block, ...]
    join: str
    need: int | None = None


@frozen
class Loop:
    """The body, until `check` lets it pass; before the body comes again there may be something to redo."""

    body: Block
    check: Work
    redo: Block = Sequence()


Block: TypeAlias = Work | Sequence | Choice | Parallel | Loop

PASS = 0
"""The way that leaves a loop; way 1 is another round."""


def definition_of(block: Block, *, name: str = "blocks", version: str = "1.0.0") -> WorkflowDefinition:
    """Write a block as a definition.

    Ways that have to be chosen are outcomes `"0"`, `"1"`, … of human steps. Elsewhere they are chosen by the number that
    the data holds under the name of the step; the way 0 is taken where it holds none.
    """
    writer = _Writer()
    ways_out = writer.write(block, [_Way("begin")])
    writer.lead(ways_out, "end")
    steps = {"begin": ParallelGateway("begin"), **writer.steps, "end": Idle("end")}
    return WorkflowDefinition(
        name=name,
        version=version,
        steps=steps,
        edges=writer.edges,
        initial_step="begin",
        terminal_steps=["end"],
    )


def works(block: Block) -> Iterator[Work]:
    """Yield every step of a block that somebody or something has to do or to decide."""
    match block:
        case Work():
            yield block
        case Sequence(blocks):
            for each in blocks:
                yield from works(each)
        case Choice(decider, branches):
            yield decider
            for each in branches:
                yield from works(each)
        case Parallel(_, branches):
            for each in branches:
                yield from works(each)
        case Loop(body, check, redo):
            yield from works(body)
            yield check
            yield from works(redo)


@frozen
class _Way:
    """An edge whose target is not known yet; `way` numbers it where its step has several to choose from."""

    source: str
    way: int | None = None
    decided_by: StepKind = StepKind.MACHINE


class _Writer:
    """Writes blocks from front to back: each takes the ways that lead to it and returns those that leave it."""

    def __init__(self) -> None:
        self.steps: dict[str, Step] = {}
        self.edges: list[Edge] = []

    def lead(self, ways: list[_Way], target: str) -> None:
        """Let ways end at a step."""
        for way in ways:
            if way.way is None:
                self.edges.append(Edge(way.source, target))
            elif way.decided_by is StepKind.HUMAN:
                self.edges.append(Edge(way.source, target, on=str(way.way)))
            else:
                condition = f"context.get({way.source!r}, 0) == {way.way}" if way.way else None
                self.edges.append(Edge(way.source, target, condition=condition, default=not way.way))

    def write(self, block: Block, ways: list[_Way]) -> list[_Way]:
        match block:
            case Work(name):
                self._add(block, ways=1)
                self.lead(ways, name)
                return [_Way(name)]
            case Sequence(blocks):
                for each in blocks:
                    ways = self.write(each, ways)
                return ways
            case Choice():
                return self._choice(block, ways)
            case Parallel():
                return self._parallel(block, ways)
            case Loop():
                return self._loop(block, ways)

    def _choice(self, block: Choice, ways: list[_Way]) -> list[_Way]:
        chosen = self._decide(block.decider, len(block.branches), ways)
        done = [
            way
            for branch, start in zip(block.branches, chosen, strict=True)
            for way in self.write(branch, [start])
        ]
        return done if block.merge is None else self._pass(block.merge, done)

    def _parallel(self, block: Parallel, ways: list[_Way]) -> list[_Way]:
        self._pass(block.split, ways)
        done = [way for branch in block.branches for way in self.write(branch, [_Way(block.split)])]
        return self._pass(block.join, done, need=block.need)

    def _loop(self, block: Loop, ways: list[_Way]) -> list[_Way]:
        """Write the body once; `head` is the step another round comes back to."""
        first = len(self.edges)
        body = self.write(block.body, ways)
        out, again = self._decide(block.check, 2, body)
        head = self.edges[first].target
        self.lead(self.write(block.redo, [again]), head)
        return [out]

    def _decide(self, decider: Work, branches: int, ways: list[_Way]) -> list[_Way]:
        self._add(decider, ways=branches)
        self.lead(ways, decider.name)
        return [_Way(decider.name, number, decider.kind) for number in range(branches)]

    def _pass(self, name: str, ways: list[_Way], *, need: int | None = None) -> list[_Way]:
        """Add a gateway that lets everything through."""
        self.steps[name] = ParallelGateway(name, join=need)
        self.lead(ways, name)
        return [_Way(name)]

    def _add(self, work: Work, *, ways: int) -> None:
        match work.kind:
            case StepKind.HUMAN:
                outcomes = [str(number) for number in range(ways)] if ways > 1 else None
                self.steps[work.name] = BaseHumanStep(work.name, outcomes=outcomes)
            case StepKind.GATEWAY:
                self.steps[work.name] = ExclusiveGateway(work.name)
            case _:
                self.steps[work.name] = Idle(work.name)
