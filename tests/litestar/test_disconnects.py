"""Clients that go away in the middle leave nothing behind."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from litestar import Litestar
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from tests.servers import PATIENCE, Server
from tests.workflows import chain, review
from workflows_litestar import WorkflowPlugin, WorkflowPluginConfig


@pytest.fixture
async def engine(database: str | None) -> AsyncIterator[AsyncEngine]:
    assert database is not None
    engine = create_async_engine(database)
    yield engine
    await engine.dispose()


@pytest.mark.parametrize("database", ["sqlite", "postgres"], indirect=True)
async def test_no_connection_to_the_database_is_lost_with_a_stream(engine: AsyncEngine) -> None:
    """Whoever is cut off in the middle of a statement cannot give a connection back: a new one has to be made."""
    lost: list[object] = []
    event.listen(engine.sync_engine, "invalidate", lambda *about: lost.append(about))
    config = WorkflowPluginConfig(database=engine, auto_register_workflows=[chain(review())])

    async def look_in(url: str) -> None:
        async with (
            httpx.AsyncClient(base_url=url, timeout=PATIENCE, trust_env=False) as http,
            http.stream("GET", "/workflows/events") as answer,
        ):
            async for _ in answer.aiter_raw():
                break

    with Server(Litestar(plugins=[WorkflowPlugin(config)]), engines=[engine]) as server:
        for _ in range(5):
            await asyncio.gather(*(look_in(server.url) for _ in range(5)))
    assert lost == []
