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
from workflows_core.visibility import all_of
from workflows_sqla.inbox import task_page

SORTS: Final = frozenset({"mine or my groups", "words"})
"""What may sort the page itself, on SQLite where several ranges are put together, or the few that have a rare word."""

QUERIES: dict[str, dict[str, Any]] = {
    "open": {"status": TaskStatus.PENDING},
    "assignee": {"assignee": "ann", "status": TaskStatus.PENDING},
    "candidate user": {"candidate_user": "ann"},
    "candidate group": {"candidate_group": "board"},
    "mine or my groups": {"for_actor": Actor("ann", groups=["board", "legal"])},
    "definition": {"definition_name": "travel", "status": TaskStatus.PENDING},
    "priority": {"priority": 3, "status": TaskStatus.PENDING},
    "words": {"text": "travel invoice", "status": TaskStatus.PENDING},
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
                plan = await plan_of(connection, *page)
                assert "ix_workflow_" in plan, (name, plan)
                assert not NO_INDEX.search(plan), (name, plan)
                assert name in SORTS or not SORTED.search(plan), (name, plan)
    await database.dispose()


def test_what_differs_in_values_alone_is_asked_by_the_same_statement() -> None:
    """Making one takes longer than executing it."""
    ann, bob = Actor("ann", groups=["board", "legal"]), Actor("bob", groups=["sales", "staff"])
    for dialect in ("postgresql", "sqlite"):
        for one, other in (
            ({"assignee": "ann", "limit": 20}, {"assignee": "bob", "limit": 30}),
            ({"for_actor": ann, "text": "invoice"}, {"for_actor": bob, "text": "travel"}),
            ({"visible_to": all_of("one")}, {"visible_to": all_of("other")}),
            ({"after": begun(TaskOrder.DUE)}, {"after": place_of(full_task(), TaskOrder.DUE)}),
        ):
            first, second = (task_page(TaskQuery(**each), dialect) for each in (one, other))
            assert first[0] is second[0]
            assert first[1] != second[1]


def test_there_are_few_statements_for_all_sizes_of_a_page() -> None:
    made = {id(task_page(TaskQuery(limit=limit), "postgresql")[0]) for limit in range(1, 513)}
    assert len(made) == 5


def test_a_statement_that_is_large_is_made_again() -> None:
    """There may be any number of these."""
    query = TaskQuery(status=TaskStatus.PENDING, text=" ".join(f"w{number}" for number in range(90)))
    assert task_page(query, "sqlite")[0] is not task_page(query, "sqlite")[0]
