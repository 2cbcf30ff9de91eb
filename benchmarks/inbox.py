"""Measure pages of twenty tasks among very many; print it beside what is asked, and keep it in RESULTS.md.

    python -m benchmarks.inbox                  # a million open tasks on PostgreSQL, a hundred thousand on SQLite
    python -m benchmarks.inbox --rows 20000     # of both so many, to see that it works; nothing is kept

There are as many closed tasks as open ones. Every list is read from its front and from a place deep within, and
on PostgreSQL in turns with a query for the same page that is written by hand against the bare driver.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from random import Random
from statistics import median, quantiles
from time import perf_counter
from typing import Any, Final

import asyncpg
from attrs import evolve, field, frozen
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from benchmarks.office import MODEL, NOW, Office, fill
from tests.plans import NO_INDEX, SORTED, plan_of
from tests.postgres import PostgresServer
from workflows_core.engine import ExecutionEngine
from workflows_core.participants import group_key, keys_of, user_key
from workflows_core.ports import TaskOrder, TaskQuery, place_of
from workflows_core.registry import WorkflowRegistry
from workflows_core.states import TaskStatus
from workflows_sqla import SqlStorage
from workflows_sqla.inbox import task_page

RESULTS: Final = Path(__file__).with_name("RESULTS.md")
BEGIN, END = "<!-- inbox: begin -->\n", "<!-- inbox: end -->\n"
HEAD: Final = (
    "| database | open tasks | list | page | p50 in ms | p95 in ms, ≤ 20 | to that of few, ≤ 2.5 | to by hand, ≤ 6 | plan | |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
)
FEW: Final = 10_000
PAGE: Final = 20
DEEP: Final = 2_000
"""How many tasks stand before a deep page, if the list is so long; otherwise half of it."""

FEWEST: Final = 24
LONGEST: Final = 5.0
"""A page is not read again after so many seconds, if it has been read often enough; by hand not at all."""

OPEN: Final = TaskStatus.PENDING


@frozen
class List:
    """A kind of list, and the query for it that is written by hand.

    Attributes:
        asked: Makes a query, for somebody or something by chance.
        by_hand: The ranges of indexes of which the list is made up, as `FROM ... WHERE ...` with the parameters.
        sorted_on: Where something small is sorted, and may be: the page itself, or the few that have a rare word.
    """

    asked: Callable[[Office, Random], TaskQuery]
    by_hand: Callable[[TaskQuery], list[tuple[str, list[Any]]]]
    sorted_on: tuple[str, ...] = ()


def rows_where(condition: str, *given: Any) -> list[tuple[str, list[Any]]]:
    return [(f"workflow_tasks t WHERE {condition}", [*given])]


def offered(key: str) -> tuple[str, list[Any]]:
    return "workflow_offers t WHERE t.key = ?", [key]


def of_actor(query: TaskQuery) -> list[tuple[str, list[Any]]]:
    assert query.for_actor is not None
    user, groups = query.for_actor.user_id, query.for_actor.groups
    mine = "workflow_tasks t WHERE t.assignee = ? AND t.status = 'pending'", [user]
    return [mine, *map(offered, keys_of(user, groups))]


def having_word(query: TaskQuery) -> list[tuple[str, list[Any]]]:
    """By hand one would look for a common word through the list in its order."""
    return rows_where("t.status = 'pending' AND strpos(t.words, ?) > 0", f" {query.text}")


def having_rare_word(query: TaskQuery) -> list[tuple[str, list[Any]]]:
    """A rare word one would look up, and look whether the task that comes next has the other one too."""
    *others, rare = (query.text or "").split()
    ordered = "ORDER BY w.due_key, w.created_at, w.task_id OFFSET 0"
    begun = f"(SELECT * FROM workflow_words w WHERE w.word >= ? AND w.word < ? {ordered}) t"
    has_other = "(SELECT strpos(o.words, ?) > 0 FROM workflow_tasks o WHERE o.id = t.task_id)"
    conditions = " AND ".join([has_other] * len(others)) or "true"
    given = [rare, rare + chr(sys.maxunicode), *(f" {word}" for word in others)]
    return [(f"{begun} WHERE {conditions}", given)]


LISTS: Final[dict[str, List]] = {
    "with somebody": List(
        lambda office, chance: TaskQuery(assignee=office.user(chance), status=OPEN),
        lambda query: rows_where("t.assignee = ? AND t.status = 'pending'", query.assignee),
    ),
    "offered to a user": List(
        lambda office, chance: TaskQuery(candidate_user=office.user(chance)),
        lambda query: [offered(user_key(query.candidate_user or ""))],
    ),
    "offered to a group": List(
        lambda office, chance: TaskQuery(candidate_group=office.group(chance)),
        lambda query: [offered(group_key(query.candidate_group or ""))],
    ),
    "mine or my groups'": List(
        lambda office, chance: TaskQuery(for_actor=office.actor(chance)),
        of_actor,
        sorted_on=("sqlite",),
    ),
    "open": List(
        lambda *_: TaskQuery(status=OPEN),
        lambda _: rows_where("t.status = 'pending'"),
    ),
    "open, the pressing first": List(
        lambda *_: TaskQuery(status=OPEN, order=TaskOrder.PRIORITY),
        lambda _: rows_where("t.status = 'pending'"),
    ),
    "open, the newest first": List(
        lambda *_: TaskQuery(status=OPEN, order=TaskOrder.NEWEST),
        lambda _: rows_where("t.status = 'pending'"),
    ),
    "completed": List(
        lambda *_: TaskQuery(status=TaskStatus.COMPLETED),
        lambda _: rows_where("t.status = 'completed'"),
    ),
    "due before": List(
        lambda *_: TaskQuery(status=OPEN, due_before=NOW.replace(month=7)),
        lambda query: rows_where("t.status = 'pending' AND t.due_key < ?", query.due_before),
    ),
    "overdue": List(
        lambda *_: TaskQuery(status=OPEN, due_before=NOW),
        lambda query: rows_where("t.status = 'pending' AND t.due_key < ?", query.due_before),
    ),
    "overdue with somebody": List(
        lambda office, chance: TaskQuery(assignee=office.user(chance), status=OPEN, due_before=NOW),
        lambda query: rows_where(
            "t.assignee = ? AND t.status = 'pending' AND t.due_key < ?", query.assignee, query.due_before
        ),
    ),
    "of a priority": List(
        lambda _, chance: TaskQuery(status=OPEN, priority=chance.choice((-1, 0, 1, 5))),
        lambda query: rows_where("t.status = 'pending' AND t.rank = ?", -(query.priority or 0)),
    ),
    "of a workflow": List(
        lambda office, chance: TaskQuery(status=OPEN, definition_name=office.workflow(chance)),
        lambda query: rows_where("t.definition_name = ? AND t.status = 'pending'", query.definition_name),
    ),
    "with a common word": List(
        lambda *_: TaskQuery(status=OPEN, text="appr"),
        having_word,
        sorted_on=("postgresql", "sqlite"),
    ),
    "with a name": List(
        lambda office, chance: TaskQuery(status=OPEN, text=office.name(chance)),
        having_rare_word,
        sorted_on=("postgresql", "sqlite"),
    ),
    "with two words": List(
        lambda office, chance: TaskQuery(status=OPEN, text=f"invoice {office.name(chance)}"),
        having_rare_word,
        sorted_on=("postgresql", "sqlite"),
    ),
    "with a word that is nowhere": List(
        lambda *_: TaskQuery(status=OPEN, text="nowhere"),
        having_rare_word,
        sorted_on=("postgresql", "sqlite"),
    ),
}
_ORDERS: Final = {
    TaskOrder.DUE: ("due_key", "created_at"),
    TaskOrder.PRIORITY: ("rank", "due_key", "created_at"),
    TaskOrder.NEWEST: ("created_at",),
}


@frozen
class Figure:
    """How long the pages of a list take.

    Attributes:
        page: Which page.
        times: Seconds, of each time it was read.
        by_hand: Likewise of the query that is written by hand, where there is one.
        plan: What is wrong with the way in which the database reads it; empty if nothing is.
    """

    page: str
    times: list[float] = field(factory=list)
    by_hand: list[float] = field(factory=list)
    plan: str = ""


Figures = dict[tuple[str, str], Figure]


@frozen
class Database:
    """A database with an office in it."""

    office: Office
    sql: AsyncEngine
    engine: ExecutionEngine
    bare: asyncpg.Connection | None

    @property
    def name(self) -> str:
        return {"postgresql": "PostgreSQL", "sqlite": "SQLite"}[self.sql.dialect.name]

    async def queries(self, kind: List, page: str, chance: Random) -> list[TaskQuery]:
        """Make queries for a page of a list: its front, or a place deep within."""
        return [await self._placed(kind.asked(self.office, chance), page) for _ in range(12)]

    async def _placed(self, query: TaskQuery, page: str) -> TaskQuery:
        query = evolve(query, limit=PAGE)
        if page == "first":
            return query
        found = await self.engine.find_tasks(evolve(query, limit=1, offset=DEEP))
        if not found:
            before = await self.engine.find_tasks(evolve(query, limit=DEEP))
            found = before[len(before) // 2 :]
        return evolve(query, after=place_of(found[0], query.order) if found else None)

    async def read(self, query: TaskQuery, kind: List, figure: Figure) -> None:
        """Read a page, and read it once more by the query that is written by hand."""
        figure.times.append(await _timed(self.engine.tasks.page(query)))
        if self.bare is not None and sum(figure.by_hand) < LONGEST:
            figure.by_hand.append(await _timed(self.bare.fetch(*_by_hand(kind, query))))

    async def plan(self, query: TaskQuery, kind: List) -> str:
        async with self.sql.connect() as connection:
            page = evolve(query, limit=PAGE + 1)
            plan = await plan_of(connection, *task_page(page, connection.dialect.name))
        sorts = SORTED.search(plan) and self.sql.dialect.name not in kind.sorted_on
        wrong = {"sorts": sorts, "reads all": NO_INDEX.search(plan)}
        return ", ".join(what for what, found in wrong.items() if found)


async def measure(databases: Sequence[Database], name: str, rounds: int) -> list[Figures]:
    """Read the pages of a list so often, in each database in turn: whatever else the machine does concerns all."""
    chances, found, kind = [Random(1) for _ in databases], [Figures() for _ in databases], LISTS[name]
    for page in ("first", "deep"):
        queries = [
            await each.queries(kind, page, chance) for each, chance in zip(databases, chances, strict=True)
        ]
        figures = [
            Figure(page, plan=await each.plan(some[0], kind))
            for each, some in zip(databases, queries, strict=True)
        ]
        begun = perf_counter()
        for number in range(rounds):
            for each, some, figure in zip(databases, queries, figures, strict=True):
                await each.read(some[number % len(some)], kind, figure)
            if number >= FEWEST and perf_counter() - begun > LONGEST:
                break
        for measured, figure in zip(found, figures, strict=True):
            measured[name, page] = figure
    return found


def _by_hand(kind: List, query: TaskQuery) -> tuple[Any, ...]:
    """Write the query for a page: each range in its order, as far as the page; several are merged."""
    direction, sign = ("DESC", "<") if query.order is TaskOrder.NEWEST else ("ASC", ">")
    columns, ranges = _ORDERS[query.order], kind.by_hand(query)
    place = [] if query.after is None else [*query.after.key, query.after.id]
    parts: list[str] = []
    for source, _ in ranges:
        id_ = "id" if source.startswith("workflow_tasks") else "task_id"
        order = [f"t.{name}" for name in (*columns, id_)]
        begin = f" AND ({', '.join(order)}) {sign} ({', '.join('?' for _ in place)})" if place else ""
        some = "t.*" if len(ranges) == 1 and id_ == "id" else f"{', '.join(order)} AS id"
        sorting = ", ".join(f"{each} {direction}" for each in order)
        parts.append(f"(SELECT {some} FROM {source}{begin} ORDER BY {sorting} LIMIT {PAGE + 1})")
    statement = " UNION ALL ".join(parts)
    if "t.*" not in statement:
        sorting = ", ".join(f"p.{name} {direction}" for name in (*columns, "id"))
        statement = (
            f"SELECT t.* FROM (SELECT DISTINCT * FROM ({statement}) p ORDER BY {sorting} LIMIT {PAGE + 1}) p"
            f" JOIN workflow_tasks t ON t.id = p.id ORDER BY {sorting}"
        )
    numbers = count(1)
    numbered = re.sub(r"\?", lambda _: f"${next(numbers)}", statement)
    return numbered, *(value for _, values in ranges for value in (*values, *place))


async def _timed(work: Awaitable[object]) -> float:
    begun = perf_counter()
    await work
    return perf_counter() - begun


def lines(database: Database, measured: Figures, few: Figures | None) -> list[str]:
    """Write the lines of the table."""
    written = []
    for (name, page), figure in measured.items():
        late = quantiles(figure.times, n=20)[-1] * 1000
        typical = median(figure.times)
        ratios = [
            typical / median(few[name, page].times) if few else None,
            typical / median(figure.by_hand) if figure.by_hand else None,
        ]
        bars = zip((late, *ratios), (20, 2.5, 6), strict=True)
        holds = not figure.plan and all(value is None or value <= bar for value, bar in bars)
        cells = (
            database.name,
            f"{database.office.rows:,}",
            name,
            page,
            f"{typical * 1000:.2f}",
            f"{late:.2f}",
            *("" if ratio is None else f"{ratio:.2f}" for ratio in ratios),
            figure.plan,
            "holds" if holds else "**missed**",
        )
        written.append(f"| {' | '.join(cells)} |\n")
    return written


@asynccontextmanager
async def filled(url: str, rows: int) -> AsyncIterator[Database]:
    """Make a database with an office in it, and say how long it took."""
    engine = create_async_engine(url)
    office, begun = Office(rows), perf_counter()
    try:
        storage = SqlStorage(engine)
        await storage.prepare()
        await fill(engine, office)
        reading = ExecutionEngine(WorkflowRegistry(), storage, runs_steps=False)
        print(
            f"<!-- {engine.dialect.name}: {rows:,} open tasks in {perf_counter() - begun:.0f} s -->",
            flush=True,
        )
        if engine.dialect.name == "sqlite":
            yield Database(office, engine, reading, None)
            return
        dsn = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        bare = await asyncpg.connect(dsn)
        try:
            yield Database(office, engine, reading, bare)
        finally:
            await bare.close()
    finally:
        await engine.dispose()


def keep(written: list[str]) -> None:
    """Put the lines in the place of the old ones."""
    before, rest = RESULTS.read_text().split(BEGIN)
    RESULTS.write_text(before + BEGIN + HEAD + "".join(written) + END + rest.split(END)[1])


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.inbox", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument(
        "--rows", type=int, help="how many tasks are open, on both databases; nothing is kept"
    )
    parser.add_argument("--rounds", type=int, default=120, help="how often each page is read")
    parser.add_argument(
        "--only", choices=("postgresql", "sqlite"), help="leave out the other; nothing is kept"
    )
    chosen = parser.parse_args()
    if chosen.rows is not None and chosen.rows < MODEL:
        parser.error(f"at least {MODEL} rows are made")
    return chosen


async def main() -> None:
    chosen = arguments()
    written: list[str] = []
    print(HEAD, end="")

    def show(database: Database, measured: Figures, few: Figures | None = None) -> None:
        written.extend(found := lines(database, measured, few))
        print("".join(found), end="", flush=True)

    if chosen.only != "sqlite":
        with PostgresServer(fsync=True) as server:
            rows = chosen.rows or 1_000_000
            async with (
                filled(server.create_database(), min(FEW, rows)) as few,
                filled(server.create_database(), rows) as many,
            ):
                for name in LISTS:
                    less, more = await measure((few, many), name, chosen.rounds)
                    show(many, more, less)
    if chosen.only != "postgresql":
        with tempfile.TemporaryDirectory() as folder:
            async with filled(f"sqlite+aiosqlite:///{folder}/inbox.db", chosen.rows or 100_000) as database:
                for name in LISTS:
                    (figures,) = await measure((database,), name, chosen.rounds)
                    show(database, figures)
    if chosen.rows is None and chosen.only is None:
        keep(written)


if __name__ == "__main__":
    asyncio.run(main())
