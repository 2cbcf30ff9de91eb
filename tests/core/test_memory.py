"""The storage in memory does what every storage must do."""

import pytest

from workflows_core.memory import MemoryStorage
from workflows_core.testing.storage import StorageSuite


class TestMemory(StorageSuite):
    @pytest.fixture
    async def storage(self) -> MemoryStorage:
        return MemoryStorage()
