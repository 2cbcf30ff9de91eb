"""The storage on both databases, on connections of its own."""

from collections.abc import AsyncIterator

import pytest

from workflows_core.testing.storage import StorageSuite
from workflows_sqla import SqlStorage, open_storage


class TestSqlStorage(StorageSuite):
    @pytest.fixture
    async def storage(self, database_url: str) -> AsyncIterator[SqlStorage]:
        storage = open_storage(database_url)
        assert storage is not None
        yield storage
        await storage.close()
