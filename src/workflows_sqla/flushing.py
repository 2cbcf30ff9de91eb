"""Writing transitions in a transaction of their own, with as little talk as the database allows.

A flush is one message to PostgreSQL and one answer, whether it carries one transition or hundreds; to SQLite it
is one call in the thread of the connection. A lone transition and a batch go through the same statements.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import chain
from typing import Any, Final, Protocol, TypeAlias, TypedDict
from uuid import UUID

from attrs import frozen
from sqlalchemy import ClauseElement
from sqlalchemy.ext.asyncio import AsyncEngine

from workflows_core.transition import Transition
from workflows_sqla import writes
from workflows_sqla.change_statements import add_signal
from workflows_sqla.changes import CHANNEL, NOBODY, Watched, news, payload, watched_in
from workflows_sqla.converter import Values, from_task, from_transition, with_changed_tasks
from workflows_sqla.drivers import POSTGRESQL, SQLITE, DriverStatement, give_up, lent
from workflows_sqla.faults import faults_translated, values_checked, was_rolled_back
from workflows_sqla.people import calls_for, people_values
from workflows_sqla.searching import value_calls, values_in
from workflows_sqla.sqlite import in_its_thread, transaction

_ATTEMPTS: Final = 5
"""How often a flush is tried that the database rolls back for the sake of others."""


class Flush(Protocol):
    """Writes transitions and commits."""

    async def __call__(self, transitions: Sequence[Transition]) -> frozenset[UUID]:
        """Do what `ports.Storage.flush` says, for transitions that do not concern messages."""
        ...


def flush_on(engine: AsyncEngine) -> Flush:
    """Return the way of flushing that suits the database."""
    return SqliteFlush(engine) if engine.dialect.name == "sqlite" else PostgresFlush(engine)


def in_order(transitions: Iterable[Transition]) -> list[Transition]:
    """Sort as everybody does who writes them: two transactions that want the same rows must not wait for each other."""
    return sorted(transitions, key=_place)


def _place(transition: Transition) -> tuple[bool, str, int]:
    key = transition.instance.idempotency_key if transition.is_start else None
    return transition.is_start, key or "", transition.instance.id.int


class PostgresFlush:
    """Sends all transitions in one message: one statement, executed for each, in one transaction.

    Without `BEGIN`, what is executed between two synchronization points of the protocol is one transaction. Each
    execution finds its row through the primary key: unlike one statement over arrays, which reads the whole table
    as long as the planner believes it to be small.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def __call__(self, transitions: Sequence[Transition]) -> frozenset[UUID]:
        """Write transitions; see the port."""
        with values_checked():
            values = [all_values(each, watched_in(self._engine)) for each in in_order(transitions)]
            statement = _at_once(**shape(values))
            rows = [statement.arguments(each) for each in values]
        with faults_translated():
            written = await self._sent(statement.text, rows)
        return frozenset(each.instance.id for each in transitions) - written

    async def _sent(self, text: str, rows: list[list[Any]]) -> frozenset[UUID]:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return frozenset(row[0] for row in await _fetch(self._engine, text, rows))
            except Exception as error:
                if attempt == _ATTEMPTS or not was_rolled_back(error):
                    raise
        raise AssertionError


def all_values(transition: Transition, watched: Watched) -> Values:
    """Make the parameters of the statement that does all at once."""
    told = [payload(each) for each in news(transition, watched)]
    values = with_changed_tasks(transition) | people_values(transition)
    return values | {
        "new_values": [*values_in(transition)] or None,
        "channel": CHANNEL,
        "payloads": told or None,
    }


def shape(values: Sequence[Values]) -> Shape:
    """Return the arguments of `writes.write` for a statement that can do all of these."""
    needed = frozenset(name for name in writes.OPTIONAL for each in values if each[name] is not None)
    return {"needed": needed, "starts": any(each["base_revision"] is None for each in values)}


@cache
def _at_once(*, needed: frozenset[str], starts: bool) -> DriverStatement:
    return DriverStatement.of(writes.write(needed, starts=starts), POSTGRESQL)


async def _fetch(engine: AsyncEngine, text: str, rows: list[list[Any]]) -> list[Sequence[Any]]:
    while True:
        async with lent(engine) as connection:
            driver: Any = connection.driver_connection
            if driver.is_closed():  # it died in the pool, as all do when the server is restarted
                await give_up(connection)
                continue
            try:
                answers: list[Sequence[Any]] = await driver.fetchmany(text, rows)
            except BaseException as error:
                if driver.is_closed() or not isinstance(error, Exception):
                    await give_up(connection)
                raise
            return answers


class Shape(TypedDict):
    """What a statement has to be able to do; see `writes.write`."""

    needed: frozenset[str]
    starts: bool


_Call: TypeAlias = tuple[str, list[Any]]


@frozen
class _Work:
    """What is to be called for a transition: all but the first only if that changed a row; and what to tell then."""

    instance_id: UUID
    calls: list[_Call]
    news: list[UUID | None]


class SqliteFlush:
    """Writes all transitions in one call, made in the thread of the connection."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def __call__(self, transitions: Sequence[Transition]) -> frozenset[UUID]:
        """Write transitions; see the port."""
        with values_checked():
            work = [_Work(each.instance.id, _calls(each), news(each, NOBODY)) for each in transitions]
        with faults_translated(), values_checked():
            async with lent(self._engine) as connection:
                return await in_its_thread(connection, _write, work)


def _calls(transition: Transition) -> list[_Call]:
    values = from_transition(transition)
    first = writes.add_instance if transition.is_start else writes.save_instance
    calls = [_call(first, values), _call(writes.add_entry, values)]
    calls += [_call(writes.save_task, from_task(task, prefix="task_")) for task in transition.tasks]
    more = chain(calls_for(transition), value_calls(transition))
    return calls + [_call(build, parameters) for build, parameters in more]


def _call(build: Callable[[], ClauseElement], values: Values) -> _Call:
    statement = _one_of(build)
    return statement.text, statement.arguments(values)


@cache
def _one_of(build: Callable[[], ClauseElement]) -> DriverStatement:
    return DriverStatement.of(build(), SQLITE)


def _write(connection: sqlite3.Connection, work: list[_Work]) -> frozenset[UUID]:
    """Do it in one transaction; return the instances whose first call changed nothing."""
    lost: set[UUID] = set()
    told: set[UUID | None] = set()
    with transaction(connection):
        for each in work:
            first, *others = each.calls
            if connection.execute(*first).rowcount:
                for call in others:
                    connection.execute(*call)
                told.update(each.news)
            else:
                lost.add(each.instance_id)
        for instance_id in told:
            connection.execute(*_call(add_signal, {"told_id": instance_id}))
    return frozenset(lost)
