"""Measure the API over HTTP, print it beside what is asked, and keep it in RESULTS.md.

    python -m benchmarks.http                        # some minutes
    python -m benchmarks.http --quick                # to see that it works; nothing is kept
    python -m benchmarks.http --quick --profile P    # what the server did on PostgreSQL, for pstats; nothing is kept

Somebody asks for leave, looks into an inbox of ten tasks, and decides about the one that waits longest: three requests.
The same is asked of endpoints that are written by hand against the bare driver, and as many requests are sent to one
that does nothing. All are served by uvicorn, each in a process of its own, and take turns; the clients are in a third.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import median
from typing import Final

import asyncpg
import uvloop
from attrs import frozen
from sqlalchemy import make_url

from benchmarks.by_hand import TABLES
from benchmarks.clients import Client, Rates, Work, connected, measured
from benchmarks.databases import serving
from benchmarks.served import Served, served
from tests.postgres import PostgresServer

RESULTS: Final = Path(__file__).with_name("RESULTS.md")
BEGIN, END = "<!-- http: begin -->\n", "<!-- http: end -->\n"
HEAD: Final = (
    "| database | clients | requests/s | p50 in ms | p99 in ms | start, inbox, complete: p50 in ms | rate to an empty endpoint "
    "| rate to by hand, on PostgreSQL | rounds | |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
)
CLIENTS: Final = (1, 16, 64)
BAR: Final = {("PostgreSQL", 16): 0.35}
"""What the rate must be to that by hand."""


@frozen
class Contestant:
    """Clients of a server, and what they do there."""

    clients: Sequence[Client]
    work: Work
    process: int

    async def measure(self, seconds: float) -> Rates:
        return await measured(self.clients, self.work, seconds, self.process)


@asynccontextmanager
async def by_hand(server: PostgresServer) -> AsyncIterator[Served]:
    """Serve the endpoints that are written by hand."""
    url = server.create_database()
    dsn = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        connection = await asyncpg.connect(dsn)
        await connection.execute(TABLES)
        await connection.close()
        async with served("by_hand", dsn) as found:
            yield found
    finally:
        server.drop_database(url)


async def compared(floor: Served, ours: Served, count: int, rounds: int, seconds: float) -> list[list[Rates]]:
    """Let the plugin, the endpoints by hand and the empty one take turns; returns the rounds of each."""
    async with connected(floor.port, count) as at_floor, connected(ours.port, count) as at_ours:
        contestants = [
            Contestant(at_ours, Client.work, ours.process),
            Contestant(at_floor, Client.work, floor.process),
            Contestant(at_floor, Client.ask_for_nothing, floor.process),
        ]
        for each in (*at_floor, *at_ours):
            await each.fill()
        for each in contestants:
            await each.measure(seconds / 3)
        turns = [[await each.measure(seconds) for each in contestants] for _ in range(rounds)]
    return [list(each) for each in zip(*turns, strict=True)]


def line(database: str, count: int, plugin: list[Rates], hand: list[Rates], empty: list[Rates]) -> str:
    """Write one line of the table."""
    to_hand = [one.rate / other.rate for one, other in zip(plugin, hand, strict=True)]
    to_empty = [one.rate / other.rate for one, other in zip(plugin, empty, strict=True)]
    bar = BAR.get((database, count))
    kinds = [median(each.kinds[kind] for each in plugin) for kind in ("start", "inbox", "complete")]
    cells = (
        database,
        str(count),
        f"{median(each.rate for each in plugin):.0f}",
        f"{median(each.typical for each in plugin):.2f}",
        f"{median(each.late for each in plugin):.1f}",
        ", ".join(f"{each:.2f}" for each in kinds),
        f"{median(to_empty):.3f}",
        f"{median(to_hand):.3f}" + ("" if bar is None else f", ≥ {bar}"),
        f"{min(to_hand):.3f} to {max(to_hand):.3f}",
        "" if bar is None else "bar" if median(to_hand) >= bar else "**missed**",
    )
    return f"| {' | '.join(cells)} |\n"


def keep(written: list[str]) -> None:
    """Put the lines in the place of the old ones."""
    before, rest = RESULTS.read_text().split(BEGIN)
    RESULTS.write_text(before + BEGIN + HEAD + "".join(written) + END + rest.split(END)[1])


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.http", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--rounds", type=int, default=7, help="how often they take turns; the median counts")
    parser.add_argument("--seconds", type=float, default=1.5, help="how long a turn is")
    parser.add_argument("--quick", action="store_true", help="two short rounds, and nothing is kept")
    parser.add_argument("--only", choices=("postgresql", "sqlite"), help="leave out the other database")
    parser.add_argument("--clients", type=int, nargs="*", default=CLIENTS, help="how many at once")
    parser.add_argument("--profile", help="where to write what the server did; it is slower meanwhile")
    chosen = parser.parse_args()
    if chosen.quick:
        chosen.rounds, chosen.seconds = 2, 0.5
    return chosen


async def main() -> None:
    chosen = arguments()
    written: list[str] = []
    print(HEAD, end="")
    profile = [] if chosen.profile is None else [chosen.profile]
    with serving() as server, tempfile.TemporaryDirectory() as folder:
        databases = {
            "PostgreSQL": server.postgres.create_database(),
            "SQLite": f"sqlite+aiosqlite:///{folder}/workflows.db",
        }
        for database, url in databases.items():
            if chosen.only not in {None, database.lower()}:
                continue
            async with AsyncExitStack() as stack:
                floor = await stack.enter_async_context(by_hand(server.postgres))
                ours = await stack.enter_async_context(served("plugin", url, *profile))
                for count in chosen.clients:
                    turns = await compared(floor, ours, count, chosen.rounds, chosen.seconds)
                    written.append(line(database, count, *turns))
                    busy = ", ".join(f"{median(each.busy for each in rates):.0%}" for rates in turns)
                    cpu = ", ".join(f"{median(each.cpu for each in rates):.2f}" for rates in turns)
                    print(
                        f"{written[-1]}<!-- clients busy: {busy}; server, ms per request: {cpu} -->",
                        flush=True,
                    )
    is_usual = not (chosen.quick or chosen.only or chosen.profile or chosen.clients != CLIENTS)
    if is_usual:
        keep(written)


if __name__ == "__main__":
    uvloop.run(main())
