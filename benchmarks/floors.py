"""The floors: the least that a durable step can cost, written by hand against the bare drivers.

A step is one message with one commit: the row of the instance is updated by key, a row is appended to its history.
The two documents say what any such program must know to go on after a crash, and to tell later what happened:
the step, who executes it since when, and what the last one wrote.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import asyncpg
from attrs import frozen
from transitions import Machine

TABLES = """
CREATE TABLE floor_instances (
    id uuid PRIMARY KEY, status text NOT NULL, step text, revision int NOT NULL,
    updated_at timestamptz NOT NULL, state text NOT NULL, data text NOT NULL
);
CREATE TABLE floor_history (
    instance_id uuid NOT NULL, revision int NOT NULL, at timestamptz NOT NULL, event text NOT NULL,
    PRIMARY KEY (instance_id, revision)
);
"""
START = """
WITH started AS (INSERT INTO floor_instances VALUES ($1, $2, $3, $4, $5, $6, $8))
INSERT INTO floor_history VALUES ($1, $4, $5, $7)
"""
STEP = """
WITH stepped AS (
    UPDATE floor_instances SET status = $2, step = $3, revision = $4, updated_at = $5, state = $6 WHERE id = $1
)
INSERT INTO floor_history VALUES ($1, $4, $5, $7)
"""
SQLITE_START = "INSERT INTO floor_instances VALUES (?, ?, ?, ?, ?, ?, ?)"
SQLITE_STEP = (
    "UPDATE floor_instances SET status = ?, step = ?, revision = ?, updated_at = ?, state = ? WHERE id = ?"
)
SQLITE_ENTRY = "INSERT INTO floor_history VALUES (?, ?, ?, ?)"

OWNER = uuid.uuid4().hex


@frozen
class Job:
    """What every floor does: instances, each with so many steps after its start.

    Attributes:
        instances: How many.
        steps: How many steps each has.
        data: What each is started with.
        patch: What each step writes.
    """

    instances: int
    steps: int = 10
    data: str = "{}"
    patch: str = "1"

    def writes(self, number: int) -> tuple[str, str | None, int, datetime, str, str]:
        """Return status, step, revision, time, state and event after so many steps of an instance."""
        now = datetime.now(UTC)
        is_over = number == self.steps
        step = None if is_over else f"step_{number}"
        state = {"step": step, "attempt": 1, "owner": OWNER, "since": now.isoformat()}
        event = {"done": f"step_{number - 1}", "wrote": {f"step_{number - 1}": self.patch}, "next": step}
        status = "completed" if is_over else "running"
        return status, step, number + 1, now, json.dumps(state), json.dumps(event | {"owner": OWNER})


async def postgres(connections: Sequence[asyncpg.Connection], job: Job) -> float:
    """Do the job, one instance at a time on every connection; return the seconds it took."""
    ids = iter([uuid.uuid4() for _ in range(job.instances)])
    begun = perf_counter()
    await asyncio.gather(*(_loop(connection, ids, job) for connection in connections))
    return perf_counter() - begun


async def _loop(connection: asyncpg.Connection, ids: Iterator[uuid.UUID], job: Job) -> None:
    for id_ in ids:
        await connection.execute(START, id_, *job.writes(0), job.data)
        for number in range(1, job.steps + 1):
            await connection.execute(STEP, id_, *job.writes(number))


def sqlite(folder: Path, job: Job) -> float:
    """Do the job in a new SQLite database, one transaction for each write; return the seconds it took."""
    file = folder / f"floor-{uuid.uuid4().hex}.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.executescript(TABLES)
        begun = perf_counter()
        for _ in range(job.instances):
            id_ = uuid.uuid4().bytes
            for number in range(job.steps + 1):
                _write(connection, id_, job.writes(number), None if number else job.data)
        return perf_counter() - begun


class _Model:
    """What the package gives a state."""


def state_machine(job: Job) -> float:
    """Do the job with the package `transitions`, which keeps no history; return the seconds of processor time."""
    names = [f"step_{number}" for number in range(job.steps + 1)]
    machine = Machine(
        model=None,
        states=names,
        initial=names[0],
        transitions=[["go_on", source, target] for source, target in pairwise(names)],
    )
    begun = process_time()
    for _ in range(job.instances):
        model: Any = _Model()
        machine.add_model(model)
        for _ in range(job.steps):
            model.go_on()
        machine.remove_model(model)
    return process_time() - begun


def _write(connection: sqlite3.Connection, id_: bytes, values: tuple[Any, ...], data: str | None) -> None:
    status, step, revision, at, state, event = values
    moment = at.timestamp()
    connection.execute("BEGIN IMMEDIATE")
    if data is None:
        connection.execute(SQLITE_STEP, (status, step, revision, moment, state, id_))
    else:
        connection.execute(SQLITE_START, (id_, status, step, revision, moment, state, data))
    connection.execute(SQLITE_ENTRY, (id_, revision, moment, event))
    connection.execute("COMMIT")
