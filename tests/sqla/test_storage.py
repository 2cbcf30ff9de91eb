"""The storage on both databases, on connections of its own."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from attrs import asdict
from sqlalchemy import insert, make_url

from workflows_core.testing.reservations import reservation
from workflows_core.testing.samples import AT, EVER
from workflows_core.testing.storage import StorageSuite
from workflows_sqla import SqlStorage, open_storage
from workflows_sqla.reservations import BATCH
from workflows_sqla.sqlite import LARGEST_LOG
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


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_log_of_sqlite_is_begun_anew_when_it_is_large(database_url: str) -> None:
    file = Path(make_url(database_url).database or "")
    log = file.with_name(f"{file.name}-wal")
    storage = open_storage(database_url)
    assert storage is not None
    with closing(sqlite3.connect(file)) as reader, closing(sqlite3.connect(file)) as writer:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM workflow_instances")
        writer.execute("CREATE TABLE large (content BLOB)")
        writer.execute("INSERT INTO large VALUES (zeroblob(?))", (LARGEST_LOG,))
        writer.commit()
        await storage.purge(AT)  # that reader is in the way, and nothing else is hindered by that
        assert log.stat().st_size > LARGEST_LOG
        reader.execute("ROLLBACK")
        await storage.purge(AT)
        assert log.stat().st_size == 0
    await storage.close()
