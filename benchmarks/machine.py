"""Measure what the machine costs, as ratios to a bare Python loop in the same run; print it and keep it in RESULTS.md.

python -m benchmarks.machine
python -m benchmarks.machine --quick        # to see that it works; nothing is kept
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final
from uuid import UUID

from attrs import frozen

from workflows_core import commands as cmd
from workflows_core.context import WorkflowContext
from workflows_core.definitions import Edge, WorkflowDefinition
from workflows_core.instance import Instance
from workflows_core.machine import advance
from workflows_core.states import TokenState
from workflows_core.steps import BaseHumanStep, BaseMachineStep, ExclusiveGateway, ParallelGateway
from workflows_core.validation import validate

AT: Final = datetime(2026, 1, 1, tzinfo=UTC)
RESULTS: Final = Path(__file__).with_name("RESULTS.md")
BEGIN, END = "<!-- machine: begin -->\n", "<!-- machine: end -->\n"
HEAD: Final = "| job | what | must be | measured | |\n| --- | --- | --- | --- | --- |\n"
LOOP: Final = 1_000_000
"""Rounds of the bare loop that everything is a ratio to."""


@frozen
class Figure:
    """Something that was measured.

    Attributes:
        job: What was done.
        what: What the figure is.
        limit: What it must not exceed; `None` where it is only told.
        value: What it is.
    """

    job: str
    what: str
    limit: float | None
    value: float

    def line(self) -> str:
        """Write a line of the table."""
        limit = "" if self.limit is None else f"≤ {self.limit:g}"
        verdict = "" if self.limit is None else "holds" if self.value <= self.limit else "**missed**"
        return f"| {self.job} | {self.what} | {limit} | {self.value:.3g} | {verdict} |\n"


def seconds(work: Callable[[], object]) -> float:
    begun = perf_counter()
    work()
    return perf_counter() - begun


def bare_loop() -> None:
    number = 0
    for _ in range(LOOP):
        number += 1  # noqa: SIM113 - the bare loop that is measured


def execute(definition: WorkflowDefinition, instance: Instance, number: int) -> Instance:
    """Start and complete the step of one token."""
    _, instance = advance(definition, instance, cmd.StartStep(at=AT, token=number, owner="r"))
    attempt = instance.tokens[number].attempt
    return advance(definition, instance, cmd.CompleteStep(at=AT, token=number, attempt=attempt))[1]


def started(definition: WorkflowDefinition) -> Instance:
    return advance(definition, None, cmd.Start(at=AT, instance_id=UUID(int=1), data={}))[1]


class Work(BaseMachineStep):
    """A machine step that does nothing: the machine never calls it."""

    async def execute(self, context: WorkflowContext) -> None: ...


CYCLE: Final = WorkflowDefinition(
    name="cycle",
    steps=[Work("work"), ExclusiveGateway("again"), BaseHumanStep("end")],
    edges=[
        Edge("work", "again"),
        Edge("again", "work", condition="more"),
        Edge("again", "end", default=True),
    ],
    initial_step="work",
    terminal_steps=["end"],
)


def rounds_of_a_loop(rounds: int) -> Iterator[float]:
    """Go round a loop so many times; yield the seconds of each round."""
    instance = started(CYCLE)
    for _ in range(rounds):
        begun = perf_counter()
        (number,) = instance.tokens
        instance = execute(CYCLE, instance, number)
        (number,) = instance.tokens
        _, instance = advance(CYCLE, instance, cmd.Leave(at=AT, token=number, targets=("work",)))
        yield perf_counter() - begun


def fork(branches: int) -> WorkflowDefinition:
    names = [f"b{number}" for number in range(branches)]
    return WorkflowDefinition(
        name="fork",
        steps=[ParallelGateway("fork", names), *map(Work, names), Work("join")],
        edges=[Edge(name, "join") for name in names],
        initial_step="fork",
        terminal_steps=["join"],
    )


def run_branches(definition: WorkflowDefinition) -> None:
    """Execute all branches one by one; the join fires once, with the last of them."""
    instance = started(definition)
    for number in list(instance.tokens):
        instance = execute(definition, instance, number)
    (joined,) = instance.tokens.values()
    assert (joined.step, joined.state) == ("join", TokenState.READY)


def large(steps: int) -> WorkflowDefinition:
    """A definition with people, conditions, and a way back every tenth step."""
    names = [f"s{number}" for number in range(steps)]
    made = [BaseHumanStep(name, outcomes=("on", "back")) if index % 10 == 9 else Work(name)
            for index, name in enumerate(names)]  # fmt: skip
    edges = []
    for index, name in enumerate(names[:-1]):
        if index % 10 == 9:
            edges += [Edge(name, names[index + 1], on="on"), Edge(name, names[index - 5], on="back")]
        else:
            edges.append(Edge(name, names[index + 1]))
    made[-1] = Work(names[-1])
    return WorkflowDefinition(
        name="large", steps=made, edges=edges, initial_step=names[0], terminal_steps=[names[-1]]
    )


def measure(rounds: int, length: int) -> list[Figure]:
    loop = median(seconds(bare_loop) for _ in range(rounds))
    times = list(rounds_of_a_loop(length))
    early, late = median(times[10:110]), median(times[-100:])
    few, many = fork(100), fork(1_000)
    for definition in (few, many):
        assert definition.graph.nodes
    hundred = median(seconds(lambda: run_branches(few)) for _ in range(rounds))
    thousand = median(seconds(lambda: run_branches(many)) for _ in range(rounds))
    checks = [(large(1_000), seconds) for _ in range(rounds)]
    validation = median(
        clock(lambda definition=definition: validate(definition)) for definition, clock in checks
    )
    assert not validate(checks[0][0])
    return [
        Figure(
            f"one round of a loop of {length:,}",
            "the last 100 rounds to rounds 10 to 110",
            1.25,
            late / early,
        ),
        Figure("one round of a loop", "rounds of the bare loop", None, late / (loop / LOOP)),
        Figure(
            "1,000 branches and a join",
            "time to that of 100 branches; quadratic is 100",
            30,
            thousand / hundred,
        ),
        Figure("validation of 1,000 steps", "milliseconds", 100, validation * 1000),
        Figure(
            "validation of 1,000 steps", "time to a million rounds of the bare loop", None, validation / loop
        ),
    ]


def keep(lines: list[str]) -> None:
    """Put the lines in the place of the old ones."""
    text = RESULTS.read_text()
    if BEGIN not in text:
        text += f"\n## The machine\n\n`python -m benchmarks.machine` measures the pure machine alone, without any storage.\n\n{BEGIN}{END}"
    before, rest = text.split(BEGIN)
    RESULTS.write_text(before + BEGIN + HEAD + "".join(lines) + END + rest.split(END)[1])


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.machine", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--quick", action="store_true", help="one short round, and nothing is kept")
    quick = parser.parse_args().quick
    lines = [figure.line() for figure in (measure(1, 1_000) if quick else measure(7, 10_000))]
    print(HEAD + "".join(lines), end="")
    if not quick:
        keep(lines)


if __name__ == "__main__":
    main()
