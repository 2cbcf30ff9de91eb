"""Lists of instances, in memory and on both databases."""

from collections.abc import AsyncIterator

import pytest

from tests.databases import URLS
from workflows_core.memory import MemoryStorage
from workflows_core.ports import Storage
from workflows_core.testing.instance_lists import InstanceListSuite
from workflows_sqla import open_storage


class TestInstanceLists(InstanceListSuite):
    @pytest.fixture(params=["memory", *URLS])
    async def storage(self, request: pytest.FixtureRequest) -> AsyncIterator[Storage]:
        storage: Storage | None = MemoryStorage()
        if request.param in URLS:
            storage = open_storage(URLS[request.param](request))
        assert storage is not None
        yield storage
        await storage.close()
