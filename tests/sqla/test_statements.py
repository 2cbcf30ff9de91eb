"""What a transition costs: counts do not depend on the machine."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from attrs import evolve
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from workflows_core.testing.samples import AT, EVER, HOUR, begin_step, course, start
from workflows_core.testing.storage import applied, found, stored
from workflows_core.transition import Transition
from workflows_sqla import SqlStorage, upgrade


@pytest.fixture
async def storage(engine: AsyncEngine) -> SqlStorage:
    await upgrade(engine)
    storage = SqlStorage(engine)
    await stored(storage, [start()])  # whatever a first connection does is done
    return storage


@contextmanager
def statements(engine: AsyncEngine) -> Iterator[list[str]]:
    """Collect the first word of every statement; what begins and ends transactions is not among them."""
    seen: list[str] = []

    def collect(_1: object, _2: object, statement: str, *_: object) -> None:
        word = statement.split(maxsplit=1)[0]
        if word not in {"BEGIN", "PRAGMA"}:
            seen.append(word)

    event.listen(engine.sync_engine, "before_cursor_execute", collect)
    try:
        yield seen
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", collect)


def held(changes: list[Transition]) -> list[Transition]:
    """The transitions as a runner makes them, which takes what becomes ready: nothing is due at once."""
    return [
        evolve(each, instance=evolve(each.instance, wake_at=each.instance.updated_at + HOUR))
        for each in changes
    ]


async def test_a_transition_is_two_statements_and_one_more_for_tasks(storage: SqlStorage) -> None:
    *changes, last = held(course())
    for change in changes:
        with statements(storage.engine) as seen:
            await stored(storage, [change])
        assert seen == ["INSERT" if change.is_start else "UPDATE", "INSERT"]
    with statements(storage.engine) as seen:
        await stored(storage, [last])
    assert seen == ["UPDATE", "INSERT", "INSERT"]


async def test_a_batch_is_a_constant_number_of_statements(storage: SqlStorage) -> None:
    for count in (2, 50):
        courses = [held(course()) for _ in range(count)]
        expected = [
            ["INSERT", "INSERT"],
            *[["SELECT", "UPDATE", "INSERT"]] * 4,
            ["SELECT", "UPDATE", "INSERT", "INSERT"],
        ]
        for changes, words in zip(zip(*courses, strict=True), expected, strict=True):
            with statements(storage.engine) as seen:
                assert not await applied(storage, changes)
            assert seen == words


async def test_telling_others_is_one_statement_more_and_only_where_somebody_must_hear_of_it(
    storage: SqlStorage,
) -> None:
    """However many instances are due at once that nobody holds."""
    tells = "SELECT" if storage.engine.dialect.name == "postgresql" else "INSERT"
    for count in (1, 20):
        with statements(storage.engine) as seen:
            assert not await applied(storage, [start() for _ in range(count)])
        assert seen == ["INSERT", "INSERT", tells]


async def test_an_instance_is_read_with_two_statements_and_one_more_for_patches(storage: SqlStorage) -> None:
    changes = course()
    *_, moving = await stored(storage, changes[:-1])
    with statements(storage.engine) as seen:
        await found(storage, moving.id)
    assert seen == ["SELECT"] * 3
    *_, waiting = await stored(storage, changes[-1:])
    with statements(storage.engine) as seen:
        await found(storage, waiting.id)
    assert seen == ["SELECT"] * 2


async def test_due_instances_are_taken_with_a_constant_number_of_statements(storage: SqlStorage) -> None:
    for count in (1, 40):
        await stored(storage, [start() for _ in range(count)])
        with statements(storage.engine) as seen:
            assert len(await storage.claim_due(AT, EVER, 50)) >= count
        assert seen == ["SELECT", "UPDATE", "SELECT"]


async def test_the_snapshot_is_written_when_it_is_said_to_be(storage: SqlStorage) -> None:
    (instance,) = await stored(storage, [start(data={"text": "x" * 10_000})])
    written: list[int] = []

    def collect(_1: object, _2: object, _3: str, parameters: object, *_: object) -> None:
        written.append(len(repr(parameters)))

    event.listen(storage.engine.sync_engine, "before_cursor_execute", collect)
    await stored(storage, [begin_step(instance)])
    assert sum(written) < 2_000
