"""Pages of the inbox are read off an index, in its order, and no table is read through."""

from typing import Any, Final
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.plans import NO_INDEX, SORTED, plan_of
from workflows_core import Actor, TaskOrder, TaskQuery, TaskStatus
from workflows_core.paging import Cursor
from workflows_core.ports import place_of
from workflows_core.testing.samples import AT, full_task
from workflows_sqla.inbox import task_page

SEVERAL: Final = frozenset({"mine or my groups"})
"""What puts several ranges together, each of them in order already; on SQLite the page itself is sorted."""

QUERIES: dict[str, dict[str, Any]] = {
    "open": {"status": TaskStatus.PENDING},
    "assignee": {"assignee": "ann", "status": TaskStatus.PENDING},
    "candidate user": {"candidate_user": "ann"},
    "candidate group": {"candidate_group": "board"},
    "mine or my groups": {"for_actor": Actor("ann", groups=["board", "legal"])},
    "definition": {"definition_name": "travel", "status": TaskStatus.PENDING},
    "priority": {"priority": 3, "status": TaskStatus.PENDING},
    "tenant": {"tenant_id": "t", "status": TaskStatus.PENDING},
}


def begun(order: TaskOrder) -> Cursor:
    return place_of(full_task(id=UUID(int=7), due_at=AT), order)


@pytest.mark.parametrize("order", TaskOrder)
async def test_a_page_is_read_off_an_index(database_url: str, order: TaskOrder) -> None:
    database = create_async_engine(database_url)
    async with database.connect() as connection:
        if (
            database.dialect.name == "postgresql"
        ):  # on empty tables anything is cheap: forbid what must not be needed
            for way in ("seqscan", "sort", "incremental_sort", "bitmapscan"):
                await connection.execute(text(f"SET enable_{way} = off"))
        for name, filters in QUERIES.items():
            for after in (None, begun(order)):
                query = TaskQuery(**filters, order=order, after=after, limit=20)
                page = task_page(query, database.dialect.name)
                plan = await plan_of(connection, page)
                assert "ix_workflow_" in plan, (name, plan)
                assert not NO_INDEX.search(plan), (name, plan)
                assert name in SEVERAL or not SORTED.search(plan), (name, plan)
    await database.dispose()
