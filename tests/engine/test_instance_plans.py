"""Pages of instances are read off an index, in its order, and no table is read through."""

from typing import Any, Final
from uuid import UUID

import pytest
from attrs import evolve
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.plans import NO_INDEX, SORTED, plan_of
from workflows_core import InstanceQuery
from workflows_core.ports import InstanceOrder, place_of_instance, summarize
from workflows_core.states import InstanceStatus
from workflows_core.testing.samples import AT, HOUR, full_start
from workflows_sqla.instance_lists import instance_page

BY_START: Final = frozenset({InstanceOrder.NEWEST, InstanceOrder.OLDEST})
WAITING: Final = {"status": InstanceStatus.WAITING}
QUERIES: Final[dict[str, dict[str, Any]]] = {
    "all": {},
    "status": WAITING,
    "step": {"step": "review"},
    "step and status": {"step": "review", **WAITING},
    "data": {"data": {"customer": "acme"}},
    "data twice": {"data": {"customer": "acme", "amount": 7}},
    "definition": {"definition_name": "travel"},
    "starter": {"created_by": "ann"},
    "tenant": {"tenant_id": "t"},
    "mark": {"correlation_id": "7"},
    "started": {"started_after": AT, "started_before": AT + HOUR},
    "changed": {"updated_after": AT, "updated_before": AT + HOUR, **WAITING},
}
MERGED: Final = {True: {"step"}, False: QUERIES.keys() - {"status", "step and status", "changed"}}
"""What puts several ranges together, in the orders by start and by change; or, by change, is found by data and sorted."""


@pytest.mark.parametrize("order", InstanceOrder)
async def test_a_page_is_read_off_an_index(database_url: str, order: InstanceOrder) -> None:
    database = create_async_engine(database_url)
    place = place_of_instance(summarize(evolve(full_start().instance, id=UUID(int=7))), order)
    async with database.connect() as connection:
        if database.dialect.name == "postgresql":  # on empty tables anything is cheap
            for way in ("seqscan", "sort", "incremental_sort", "bitmapscan"):
                await connection.execute(text(f"SET enable_{way} = off"))
        for name, filters in QUERIES.items():
            for after in (None, place):
                query = InstanceQuery(**filters, order=order, after=after, limit=20)
                plan = await plan_of(connection, instance_page(query))
                assert "ix_workflow_" in plan, (name, plan)
                assert not NO_INDEX.search(plan), (name, plan)
                if name not in MERGED[order in BY_START]:
                    assert not SORTED.search(plan), (name, plan)
    await database.dispose()
