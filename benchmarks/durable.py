"""Measure what durability costs, print it beside what is asked, and keep it in RESULTS.md.

    python -m benchmarks.durable                # everything but the million
    python -m benchmarks.durable postgres-16    # some rows
    python -m benchmarks.durable --quick        # to see that it works; nothing is kept

Only ratios and counts are kept: how fast the machine is does not matter.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

from benchmarks.databases import serving
from benchmarks.rows import ROWS, Effort, Figure

RESULTS = Path(__file__).with_name("RESULTS.md")
BEGIN, END = "<!-- durable: begin -->\n", "<!-- durable: end -->\n"
HEAD = (
    "| row | job | what | bar | goal | measured | rounds | |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- |\n"
)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.durable", description=__doc__.splitlines()[0])
    usual = [name for name in ROWS if name != "million"]
    parser.add_argument(
        "rows",
        nargs="*",
        metavar="ROW",
        help=f"which to measure, of {', '.join(ROWS)}; by default all but million",
    )
    parser.add_argument(
        "--rounds", type=int, default=5, help="how often floor and candidate take turns; the median counts"
    )
    parser.add_argument(
        "--instances", type=int, default=50, help="instances in a round, for each that runs at once"
    )
    parser.add_argument("--quick", action="store_true", help="one short round, and nothing is kept")
    chosen = parser.parse_args()
    unknown = set(chosen.rows) - ROWS.keys()
    if unknown:
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    chosen.rows = chosen.rows or usual
    return chosen


def line(name: str, figure: Figure) -> str:
    """Write one line of the table."""
    sign = "≤" if figure.at_most else "≥"
    goal = "" if figure.goal is None else f"{sign} {figure.goal:g}"
    verdict = (
        "goal"
        if figure.goal is not None and figure.meets(figure.goal)
        else "bar"
        if figure.meets(figure.bar)
        else "**missed**"
    )
    spread = f"{min(figure.values):.3g} to {max(figure.values):.3g}" if len(figure.values) > 1 else ""
    cells = (
        name,
        figure.job,
        figure.what,
        f"{sign} {figure.bar:g}",
        goal,
        f"{figure.value:.3g}",
        spread,
        verdict,
    )
    return f"| {' | '.join(cells)} |\n"


def keep(measured: Iterable[tuple[str, list[str]]]) -> None:
    """Put the lines of the rows that were measured in the place of their old ones."""
    before, rest = RESULTS.read_text().split(BEGIN)
    table, after = rest.split(END)
    lines: dict[str, list[str]] = {name: [] for name in ROWS}
    for kept in table.removeprefix(HEAD).splitlines(keepends=True):
        lines.setdefault(kept.split(" | ")[0].removeprefix("| "), []).append(kept)
    lines |= dict(measured)
    RESULTS.write_text(before + BEGIN + HEAD + "".join(chain.from_iterable(lines.values())) + END + after)


async def main() -> None:
    chosen = arguments()
    effort = Effort(1, 4) if chosen.quick else Effort(chosen.rounds, chosen.instances)
    measured = []
    print(HEAD, end="")
    gc.collect()
    gc.freeze()  # what is loaded stays: it is set aside, as in a worker
    with serving() as server:
        for name in chosen.rows:
            lines = [line(name, figure) for figure in await ROWS[name](server, effort)]
            print("".join(lines), end="", flush=True)
            measured.append((name, lines))
            if not chosen.quick:
                keep([measured[-1]])


if __name__ == "__main__":
    asyncio.run(main())
