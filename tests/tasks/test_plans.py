"""Pages of the inbox are read off an index, in its order, and no table is read through."""

import re
from typing import Any, Final
from uuid import UUID

import pytest
from sqlalchemy import Executable, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import ClauseElement

from workflows_core import Actor, TaskOrder, TaskQuery, TaskStatus
from workflows_core.paging import Cursor
from workflows_core.ports import place_of
from workflows_core.testing.samples import AT, full_task
from workflows_sqla.inbox import task_page


class Explain(Executable, ClauseElement):
    """Asks PostgreSQL how a statement would be carried out."""

    inherit_cache = False

    def __init__(self, statement: Any) -> None:
        self.statement = statement


@compiles(Explain)
def _explain(element: Explain, compiler: Any, **options: Any) -> str:
    return f"EXPLAIN {compiler.process(element.statement, **options)}"


async def plan_of(connection: AsyncConnection, statement: Any) -> str:
    """Return how a statement would be carried out, a line for each part."""
    if connection.dialect.name == "postgresql":
        found = await connection.execute(Explain(statement))
    else:  # the plan does not depend on the values
        compiled = statement.compile(dialect=connection.dialect, compile_kwargs={"render_postcompile": True})
        nothing = (None,) * len(compiled.positiontup)
        found = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", nothing)
    return "\n".join(str(row[-1]) for row in found.all())


SORTED: Final = re.compile(r"\bSort\b|TEMP B-TREE")

UNSORTED: Final = frozenset({"open", "assignee", "definition", "tenant"})
"""What is in one place; the others put several together, each of them in order already."""

NO_INDEX = re.compile(r"Seq Scan on workflow_|SCAN workflow_\w+$", re.MULTILINE)
"""A table that is read through."""

QUERIES: dict[str, dict[str, Any]] = {
    "open": {"status": TaskStatus.PENDING},
    "assignee": {"assignee": "ann", "status": TaskStatus.PENDING},
    "candidate user": {"candidate_user": "ann"},
    "candidate group": {"candidate_group": "board"},
    "mine or my groups": {"for_actor": Actor("ann", groups=["board", "legal"])},
    "definition": {"definition_name": "travel", "status": TaskStatus.PENDING},
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
                assert name not in UNSORTED or not SORTED.search(plan), (name, plan)
    await database.dispose()
