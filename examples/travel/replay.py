"""Play every case of the log through the REST API, and compare what came of it with the log.

`python -m examples.travel.replay` starts a server of its own on a database that is thrown away; `--database` names
another, `--url` a server that runs already. Each case is played by people named after the roles in the
log, in the logged order. Two things are compared:

* the activities of the case with the steps the server completed, in its own order;
* the end of the case, read from its last activity (`Case.end`), with the end of the instance, read from its
  status and data (`replayed_end`).

Ends with 0 if all agree, 1 if some case differs.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from attrs import frozen

from examples.travel.app import create_app, sqlite_url
from examples.travel.cases import LOG, Case, actions, load, replayed_activities, replayed_end
from examples.travel.client import RefusedError, TravelClient, connected
from examples.travel.server import listen, serve_while


@frozen
class Replayed:
    """What became of one case.

    Attributes:
        case: The case as logged.
        activities: What the server did, in the words of the log.
        end: How it ended there.
        tasks: How many tasks were completed.
        trouble: Why it could not be played to its end, if so.
    """

    case: Case
    activities: tuple[str, ...] = ()
    end: str = "open"
    tasks: int = 0
    trouble: str | None = None

    @property
    def agrees(self) -> bool:
        return self.trouble is None and self.activities == self.case.activities and self.end == self.case.end

    @property
    def difference(self) -> str:
        if self.trouble is not None:
            return f"{self.case.name}: {self.trouble}"
        return (
            f"{self.case.name}\n"
            f"  log:    {self.case.end}: {' > '.join(self.case.activities)}\n"
            f"  replay: {self.end}: {' > '.join(self.activities)}"
        )


async def replay(url: str, cases: Sequence[Case], *, parallel: int) -> list[Replayed]:
    """Play cases, so many at a time, on the server at `url`."""
    turns = asyncio.Semaphore(parallel)
    async with connected(url) as client:

        async def in_turn(case: Case) -> Replayed:
            async with turns:
                try:
                    return await _play(client, case)
                except RefusedError as error:
                    return Replayed(case, trouble=str(error))

        return await asyncio.gather(*map(in_turn, cases))


async def _play(client: TravelClient, case: Case) -> Replayed:
    instance_id = await client.start(case)
    tasks = await client.play(instance_id, actions(case))
    instance = await client.rest(instance_id)
    return Replayed(
        case, _activities(instance), replayed_end(instance["status"], instance["context_data"]), tasks
    )


def _activities(instance: dict[str, Any]) -> tuple[str, ...]:
    """Read what was done from the history of an instance: parallel tasks count when they are completed."""
    done = [step for step in instance["step_history"] if step["status"] == "succeeded"]
    done.sort(key=lambda step: step["completed_at"])
    steps = [(step["step_name"], step["outcome"]) for step in done]
    return replayed_activities(steps, instance["cancel_reason"])


def table(results: Sequence[Replayed]) -> str:
    """Set the log and the replay side by side."""
    logged, ended = Counter(result.case.end for result in results), Counter(result.end for result in results)
    rows = [
        ("cases", len(results), sum(result.trouble is None for result in results)),
        (
            "steps (activities)",
            sum(len(result.case.events) for result in results),
            sum(len(result.activities) for result in results),
        ),
        (
            "tasks completed",
            sum(action.step is not None for result in results for action in actions(result.case)),
            sum(result.tasks for result in results),
        ),
        *((f"ended: {end}", logged[end], ended[end]) for end in sorted(logged.keys() | ended.keys())),
        ("cases that agree, step by step", len(results), sum(result.agrees for result in results)),
    ]
    lines = [f"{'':32}{'log':>6}{'replay':>8}", *(f"{what:32}{a:6}{b:8}" for what, a, b in rows)]
    return "\n".join(lines)


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m examples.travel.replay", description="Replay the travel log."
    )
    parser.add_argument(
        "--url", help="a running server, such as http://127.0.0.1:8000; by default an own one is started"
    )
    parser.add_argument(
        "--database", help="database URL for the own server; by default a temporary SQLite file"
    )
    parser.add_argument("--log", type=Path, default=LOG, help="another log of the same form")
    parser.add_argument("--parallel", type=int, default=8, metavar="N", help="cases played at the same time")
    return parser.parse_args(given)


async def _replay_anywhere(arguments: argparse.Namespace) -> list[Replayed] | None:
    play = partial(replay, cases=load(arguments.log), parallel=max(1, arguments.parallel))
    if arguments.url:
        return await play(arguments.url)
    with tempfile.TemporaryDirectory(prefix="travel-") as folder:
        database = arguments.database or sqlite_url(Path(folder) / "replay.sqlite3")
        return await serve_while(create_app(database), listen(0), play)


def main(given: Sequence[str] | None = None) -> int:
    results = asyncio.run(_replay_anywhere(_arguments(given)))
    if results is None:
        print("Stopped before the end.", file=sys.stderr)
        return 1
    print(table(results))
    differing = [result.difference for result in results if not result.agrees]
    if differing:
        print("\nThese cases differ:", *differing, sep="\n", file=sys.stderr)
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
