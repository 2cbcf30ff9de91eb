"""The storage on a session of the caller."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from workflows_core.errors import InstanceNotFoundError, StorageError
from workflows_core.testing.samples import begin_step, course, start
from workflows_core.testing.storage import StorageSuite, applied, found, stored
from workflows_sqla import SessionStorage, SqlStorage
from workflows_sqla.tables import metadata


class Base(DeclarativeBase):
    pass


class Note(Base):
    """What an application stores in the same transaction."""

    __tablename__ = "notes"
    id: Mapped[int] = mapped_column(primary_key=True)
    words: Mapped[str]


@pytest.fixture
async def session(engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with async_sessionmaker(engine, expire_on_commit=False)() as session:
        yield session


@pytest.fixture
def committed(engine: AsyncEngine) -> SqlStorage:
    """What everybody else sees."""
    return SqlStorage(engine)


async def notes(engine: AsyncEngine) -> list[str]:
    async with engine.connect() as connection:
        return list((await connection.execute(text("SELECT words FROM notes"))).scalars())


class TestIdleSession(StorageSuite):
    """A session without a transaction does all that a storage must."""

    @pytest.fixture
    async def storage(self, session: AsyncSession) -> AsyncIterator[SessionStorage]:
        storage = SessionStorage(session)
        yield storage
        await storage.close()
        assert not session.in_transaction()


async def test_an_idle_session_stays_idle_and_keeps_its_objects(
    session: AsyncSession, committed: SqlStorage
) -> None:
    session.add(note := Note(id=1, words="mine"))
    await session.commit()
    storage = SessionStorage(session)
    (instance,) = await stored(storage, [start()])
    async with storage.unit_of_work() as unit:
        await unit.apply([begin_step(instance)])

    assert not session.in_transaction()
    assert note.words == "mine"  # not expired: reading it would need the database
    assert (await found(committed, instance.id)).revision == 1


async def test_a_commit_takes_the_transaction_of_the_caller_along(
    session: AsyncSession, engine: AsyncEngine, committed: SqlStorage
) -> None:
    session.add(Note(id=1, words="together"))
    (instance,) = await stored(SessionStorage(session), [start()])

    assert not session.in_transaction()
    assert await notes(engine) == ["together"]
    assert (await found(committed, instance.id)).revision == 1


async def test_leaving_without_commit_never_undoes_what_the_caller_did(
    session: AsyncSession, engine: AsyncEngine
) -> None:
    session.add(Note(id=1, words="mine"))
    await session.flush()
    async with SessionStorage(session).unit_of_work() as unit:
        with pytest.raises(InstanceNotFoundError):
            await unit.instances.get(start().instance.id)

    assert session.in_transaction()
    await session.commit()
    assert await notes(engine) == ["mine"]


@pytest.mark.parametrize("caller_began", [True, False])
@pytest.mark.parametrize("commits", [True, False])
async def test_without_autocommit_the_caller_commits(
    session: AsyncSession, engine: AsyncEngine, committed: SqlStorage, caller_began: bool, commits: bool
) -> None:
    if caller_began:
        session.add(Note(id=1, words="mine"))
        await session.flush()
    storage = SessionStorage(session, autocommit=False)
    (*_, last) = await stored(storage, course())

    assert session.in_transaction()
    assert (await found(storage, last.id)) == last
    with pytest.raises(InstanceNotFoundError):
        await found(committed, last.id)
    await (session.commit() if commits else session.rollback())
    if commits:
        assert await found(committed, last.id) == last
        assert await notes(engine) == (["mine"] if caller_began else [])
    else:
        with pytest.raises(InstanceNotFoundError):
            await found(committed, last.id)


async def test_without_autocommit_what_was_not_committed_is_undone(
    session: AsyncSession, committed: SqlStorage
) -> None:
    change = start()
    async with SessionStorage(session, autocommit=False).unit_of_work() as unit:
        await unit.apply([change])
    assert not session.in_transaction()
    with pytest.raises(InstanceNotFoundError):
        await found(committed, change.instance.id)


async def test_losers_are_found_in_the_transaction_of_the_caller(session: AsyncSession) -> None:
    instances = await stored(SessionStorage(session), [start(), start(), start()])
    await stored(SessionStorage(session), [begin_step(instances[0])])
    await session.execute(text("SELECT 1"))

    lost = await applied(SessionStorage(session), [begin_step(instance) for instance in instances])
    assert lost == {instances[0].id}


async def test_a_session_on_a_connection_joins_its_transaction(
    engine: AsyncEngine, committed: SqlStorage
) -> None:
    async with engine.connect() as connection:
        outer = await connection.begin()
        if engine.dialect.name == "sqlite":
            await connection.exec_driver_sql("BEGIN")  # its driver would commit the savepoint otherwise
        async with AsyncSession(connection, join_transaction_mode="create_savepoint") as session:
            (instance,) = await stored(SessionStorage(session), [start()])
            assert await found(SessionStorage(session), instance.id) == instance
        await outer.rollback()
    with pytest.raises(InstanceNotFoundError):
        await found(committed, instance.id)


async def test_a_session_may_have_other_databases_too(engine: AsyncEngine, tmp_path: Path) -> None:
    other = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/other.db")
    binds: dict[Any, Any] = {**dict.fromkeys(metadata.tables.values(), engine), Note: other}
    async with AsyncSession(binds=binds) as session:
        for autocommit in (True, False):
            (*_, last) = await stored(SessionStorage(session, autocommit=autocommit), course())
            await session.commit()
            assert await found(SqlStorage(engine), last.id) == last
    await other.dispose()


async def test_a_session_without_a_database_is_one_clear_error() -> None:
    async with AsyncSession() as session:
        with pytest.raises(StorageError, match="bind it to an engine"):
            SessionStorage(session)
