"""The same answers by hand: endpoints of Litestar that do the least SQL for them, with the bare driver.

There is one workflow, whose only step asks a person; nothing else is possible, and no history is kept.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from uuid import UUID, uuid4

import asyncpg
from litestar import Litestar, get, post
from litestar.datastructures import State
from litestar.exceptions import ClientException, NotFoundException
from litestar.params import Parameter
from msgspec import Struct

from benchmarks.leave import FORM

TABLES: Final = """
CREATE TABLE by_hand_instances (
    id uuid PRIMARY KEY, status text NOT NULL, current_step text, started_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL, completed_at timestamptz, created_by text, correlation_id text,
    data text NOT NULL
);
CREATE TABLE by_hand_tasks (
    id uuid PRIMARY KEY, instance_id uuid NOT NULL, assignee text, status text NOT NULL,
    created_at timestamptz NOT NULL, completed_at timestamptz, completed_by text, form_data text
);
CREATE INDEX ON by_hand_tasks (assignee, created_at, id) WHERE status = 'pending';
"""
START: Final = """
WITH started AS (
    INSERT INTO by_hand_instances VALUES ($1, 'waiting', 'decide', $2, $2, NULL, $3, $4, $5)
)
INSERT INTO by_hand_tasks VALUES ($6, $1, $7, 'pending', $2, NULL, NULL, NULL)
"""
INBOX: Final = """
SELECT * FROM by_hand_tasks WHERE assignee = $1 AND status = $2 ORDER BY created_at, id LIMIT $3
"""
COMPLETE: Final = """
WITH done AS (
    UPDATE by_hand_tasks SET status = 'completed', completed_at = $2, completed_by = $3, form_data = $4
    WHERE id = $1 AND assignee = $3 AND status = 'pending' RETURNING *
), ended AS (
    UPDATE by_hand_instances AS i
    SET status = 'completed', current_step = NULL, completed_at = $2, updated_at = $2
    FROM done WHERE i.id = done.instance_id RETURNING i.*
)
SELECT done.*, ended.created_by, ended.correlation_id, ended.started_at FROM done, ended
"""

User = Annotated[str, Parameter(header="x-user")]


class Start(Struct, forbid_unknown_fields=True):
    definition_name: str
    input_data: dict[str, Any]
    correlation_id: str | None = None


class Complete(Struct, forbid_unknown_fields=True):
    output_data: dict[str, Any]


def instance_answer(
    id_: UUID, started_at: datetime, updated_at: datetime, by: str, mark: str | None, *, is_over: bool
) -> dict[str, Any]:
    return {
        "id": id_,
        "definition_name": "leave",
        "status": "completed" if is_over else "waiting",
        "current_step": None if is_over else "decide",
        "started_at": started_at,
        "completed_at": updated_at if is_over else None,
        "created_by": by,
        "definition_version": "1.0.0",
        "revision": 1 + is_over,
        "updated_at": updated_at,
        "tenant_id": None,
        "correlation_id": mark,
    }


def task_answer(row: asyncpg.Record) -> dict[str, Any]:
    form = row["form_data"]
    return {
        "id": row["id"],
        "instance_id": row["instance_id"],
        "step_name": "decide",
        "title": "Decide about leave",
        "description": "Look at the calendar of the team first.",
        "assignee": row["assignee"],
        "status": row["status"],
        "due_date": None,
        "created_at": row["created_at"],
        "form_schema": FORM,
        "assignee_group": None,
        "candidate_users": [],
        "candidate_groups": [],
        "priority": 0,
        "outcomes": [],
        "outcome": None,
        "output_data": None if form is None else json.loads(form),
        "comment": None,
        "completed_by": row["completed_by"],
        "completed_at": row["completed_at"],
        "workflow_name": "leave",
        "state": "assigned" if form is None else "completed",
        "revision": 1,
        "requires_revision": False,
        "owner": None,
        "follow_up_date": None,
        "tenant_id": None,
        "on_behalf_of": None,
        "closed_reason": None,
    }


@get("/empty")
async def empty() -> None:
    """Do nothing."""


@post("/workflows/instances")
async def start(data: Start, state: State, user: User) -> dict[str, Any]:
    decider = data.input_data.get("decider")
    if data.definition_name != "leave" or not isinstance(decider, str):
        raise ClientException("There is leave, with a decider.")
    id_, now, mark = uuid4(), datetime.now(UTC), data.correlation_id
    kept = json.dumps(data.input_data)
    await state.pool.execute(START, id_, now, user, mark, kept, uuid4(), decider)
    return instance_answer(id_, now, now, user, mark, is_over=False)


@get("/workflows/tasks")
async def inbox(
    state: State, assignee_id: str, user: User, status: str = "pending", limit: int = 100
) -> list[dict[str, Any]]:
    if assignee_id != user:
        raise NotFoundException
    return [task_answer(row) for row in await state.pool.fetch(INBOX, user, status, limit)]


@post("/workflows/tasks/{task_id:uuid}/complete")
async def complete(task_id: UUID, data: Complete, state: State, user: User) -> dict[str, Any]:
    if not isinstance(data.output_data.get("approved"), bool):
        raise ClientException("Say whether it is approved.")
    now, form = datetime.now(UTC), json.dumps(data.output_data)
    row = await state.pool.fetchrow(COMPLETE, task_id, now, user, form)
    if row is None:
        raise NotFoundException
    instance = instance_answer(
        row["instance_id"], row["started_at"], now, row["created_by"], row["correlation_id"], is_over=True
    )
    return {**task_answer(row), "next_task": None, "instance": instance}


def by_hand(dsn: str) -> Litestar:
    """Make the application, on a database with its tables."""

    @asynccontextmanager
    async def pooled(app: Litestar) -> AsyncIterator[None]:
        async with asyncpg.create_pool(dsn, min_size=16, max_size=16) as app.state.pool:
            yield

    return Litestar([empty, start, inbox, complete], lifespan=[pooled], openapi_config=None)
