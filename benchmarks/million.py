"""A past: finished instances by the million, made of one that the engine has finished."""

from __future__ import annotations

import asyncpg

from benchmarks.candidates import chain
from benchmarks.databases import Database

# Ids in the order of time, as the engine makes them: a moment of the last year, version 7, and what is random.
_ID = """(
    lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint - n * 31536::bigint), 12, '0')
    || '7' || substr(md5(n::text), 1, 3) || '8' || substr(md5(n::text), 4, 15)
)::uuid"""


async def fill(connection: asyncpg.Connection, model: Database, count: int) -> None:
    """Copy a finished instance of `model` into this database, with its history, under so many ids."""
    running = model.host
    instance = await running.engine.start_workflow(chain())
    await running.notices.ended(instance.id)
    for table, key in (("workflow_instances", "id"), ("workflow_history", "instance_id")):
        rows = await model.connections[0].fetch(f"SELECT * FROM {table} WHERE {key} = $1", instance.id)
        columns = list(rows[0].keys())
        await connection.execute(f"CREATE TEMPORARY TABLE model_{table} (LIKE {table})")
        await connection.copy_records_to_table(f"model_{table}", records=rows, columns=columns)
        values = ", ".join(f"{_ID}" if name == key else _value(name) for name in columns)
        await connection.execute(
            f"INSERT INTO {table} ({', '.join(columns)})"
            f" SELECT {values} FROM generate_series(1, {count}) AS n, model_{table}"
        )
    await connection.execute("VACUUM ANALYZE")


def _value(name: str) -> str:
    """Spread what happened over the last year."""
    return f"{name} - n * interval '31.536 seconds'" if name.endswith("_at") or name == "at" else name
