"""Lists of tasks and of instances, in memory and on both databases, against what `may` says of each entry."""

from collections.abc import AsyncIterator

import pytest

from tests.databases import URLS
from workflows_core.memory import MemoryStorage
from workflows_core.ports import Storage
from workflows_core.testing.task_lists import TaskListSuite
from workflows_sqla import open_storage


class TestTaskLists(TaskListSuite):
    @pytest.fixture(params=["memory", *URLS])
    async def storage(self, request: pytest.FixtureRequest) -> AsyncIterator[Storage]:
        storage: Storage | None = MemoryStorage()
        if request.param in URLS:
            storage = open_storage(URLS[request.param](request))
        assert storage is not None
        yield storage
        await storage.close()
