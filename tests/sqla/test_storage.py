"""The storage on both databases, on connections of its own."""

from collections.abc import AsyncIterator

import pytest
from attrs import asdict
from sqlalchemy import insert

from workflows_core.testing.reservations import reservation
from workflows_core.testing.samples import AT, EVER
from workflows_core.testing.storage import StorageSuite
from workflows_sqla import SqlStorage, open_storage
from workflows_sqla.reservations import BATCH
from workflows_sqla.tables import reservations


class TestSqlStorage(StorageSuite):
    @pytest.fixture
    async def storage(self, database_url: str) -> AsyncIterator[SqlStorage]:
        storage = open_storage(database_url)
        assert storage is not None
        yield storage
        await storage.close()

    async def test_however_many_have_expired_all_are_forgotten(self, storage: SqlStorage) -> None:
        rows = [asdict(reservation(str(number)), recurse=False) for number in range(2 * BATCH + 1)]
        async with storage.engine.begin() as connection:
            await connection.execute(insert(reservations), rows)
        assert await storage.purge(AT) == 0
        assert await storage.purge(EVER) == len(rows)
        assert await storage.purge(EVER) == 0
