"""Words are found wherever they stand in long lists: near the front, far behind it, often, or hardly ever."""

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import timedelta
from random import Random
from typing import Final
from uuid import UUID

import pytest
from attrs import evolve
from sqlalchemy import func, select

from workflows_core import Task, TaskOrder, TaskQuery, TaskStatus
from workflows_core.ports import Storage, place_of
from workflows_core.search import is_found
from workflows_core.testing.samples import AT, open_full_task
from workflows_core.visibility import Visibility, all_of
from workflows_sqla import SqlStorage, open_storage
from workflows_sqla.converter import from_task
from workflows_sqla.tables import tasks

MANY: Final = 2_500
SEARCHES: Final = (
    "approve", "appr", "Invoice", "rare", "late", "late invoice", "rare late", "approve of the invoice late",
    "early", "early late", "a_b", "a_", "_", "%", "1", "12", "123", "ä", "straße", "nowhere", "invoice nowhere", "",
)  # fmt: skip


def a_title(number: int, chance: Random) -> str:
    """Name a task; what comes first is told apart from what comes last."""
    words = ["Approve the invoice", str(number)]
    words += ["early"] if number < MANY // 4 else ["late"] if number > MANY * 3 // 4 else ["a_b"]
    words += ["rare"] if number % 497 == 496 else ["axb"]
    words += ["Ä straße"] if chance.random() < 0.02 else []
    return " ".join(words)


def opened() -> Iterator[Task]:
    """Make tasks that are due one after the other, with somebody or with nobody."""
    chance = Random(7)
    model = open_full_task()
    for number in range(MANY):
        yield evolve(
            model,
            id=UUID(int=chance.getrandbits(128)),
            title=a_title(number, chance),
            due_at=AT + timedelta(minutes=number),
            created_at=AT - timedelta(minutes=chance.randrange(MANY)),
            assignee=chance.choice(("ann", "bob")),
            tenant_id=chance.choice((None, "one")),
        )


@pytest.fixture(scope="module")
def office() -> Sequence[Task]:
    return [*opened()]


@pytest.fixture
async def storage(database_url: str, office: Sequence[Task]) -> AsyncIterator[Storage]:
    storage = open_storage(database_url)
    assert storage is not None
    async with storage.engine.begin() as connection:
        await connection.execute(tasks.insert(), [from_task(task) for task in office])
    yield storage
    await storage.close()


LISTS: Final[tuple[tuple[TaskOrder, str | None, Visibility | None], ...]] = (
    (TaskOrder.DUE, None, None),
    (TaskOrder.NEWEST, None, None),
    (TaskOrder.DUE, "ann", None),
    (TaskOrder.DUE, None, all_of(None)),
    (TaskOrder.DUE, None, all_of("one")),
    (TaskOrder.NEWEST, "ann", all_of(None)),
)


@pytest.mark.parametrize(("order", "assignee", "seen"), LISTS)
async def test_the_same_is_found_as_by_looking_at_every_title(
    storage: Storage,
    office: Sequence[Task],
    order: TaskOrder,
    assignee: str | None,
    seen: Visibility | None,
) -> None:
    listed = [task for task in office if assignee in {None, task.assignee}]
    if seen is not None:
        listed = [task for task in listed if task.tenant_id == seen.tenant_id]
    if order is TaskOrder.NEWEST:
        listed.sort(key=lambda task: (task.created_at, task.id.bytes), reverse=True)
    status = TaskStatus.PENDING
    query = TaskQuery(status=status, assignee=assignee, visible_to=seen, order=order, limit=20, offset=3)
    for text in SEARCHES:
        for begin in (0, len(listed) // 3):
            after = place_of(listed[begin - 1], order) if begin else None
            async with storage.unit_of_work() as unit:
                found = await unit.tasks.find(evolve(query, text=text, after=after))
            expected = [task for task in listed[begin:] if is_found(text, task.title)][3:23]
            assert [task.title for task in found] == [task.title for task in expected], (text, begin)


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_words_are_in_their_index_as_soon_as_a_task_is_written(storage: SqlStorage) -> None:
    """What PostgreSQL would put in later, many at once, it has to look through with every search until then."""
    async with storage.engine.connect() as connection:
        left = await connection.execute(select(func.gin_clean_pending_list("ix_workflow_tasks_words")))
        assert left.scalar_one() == 0
