"""The storage on both databases."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from workflows_core.testing.storage import StorageSuite
from workflows_sqla import SqlStorage, open_storage


async def opened(url: str) -> SqlStorage:
    storage = open_storage(url)
    assert storage is not None
    await storage.prepare()
    return storage


class TestSqlite(StorageSuite):
    @pytest.fixture
    async def storage(self, tmp_path: Path) -> AsyncIterator[SqlStorage]:
        storage = await opened(f"sqlite:///{tmp_path}/workflows.db")
        yield storage
        await storage.close()


class TestPostgres(StorageSuite):
    @pytest.fixture
    async def storage(self, postgres_url: str) -> AsyncIterator[SqlStorage]:
        storage = await opened(postgres_url)
        yield storage
        await storage.close()
