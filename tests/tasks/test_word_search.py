"""Words are found wherever they stand in long lists: near the front, far behind it, often, or hardly ever."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final
from uuid import UUID

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from tests.workflows import Do, chain, review
from workflows_core import Actor, Task, TaskOrder, TaskQuery, TaskStatus, WorkflowRegistry
from workflows_core.engine import ExecutionEngine
from workflows_core.ports import Storage, place_of
from workflows_core.search import is_found, words_in
from workflows_core.testing.samples import AT, open_full_task
from workflows_core.visibility import Visibility, all_of
from workflows_sqla import SqlStorage, open_storage
from workflows_sqla.converter import from_task
from workflows_sqla.tables import tasks, words

MANY: Final = 4_500
SEARCHES: Final = (
    "approve", "appr", "a", "Invoice", "rare", "late", "late invoice", "rare late", "approve of the invoice late",
    "early", "early late", "a_b", "a_", "_", "%", "1", "12", "123", "ä", "straße", "nowhere", "invoice nowhere", "",
    "w", "w early", "w1 late", "v", "v1 late", "v late", "h", "h late", "late h v", "h early", "z", "h z", "v h w late a",
    " ".join(f"w{number}" for number in range(120)),
)  # fmt: skip
"""Words that are frequent near the front, far behind it, or nowhere, and beginnings of few words, or of very many."""


def a_title(number: int, chance: Random) -> str:
    """Name a task; what comes first is told apart from what comes last."""
    named = ["Approve the invoice", str(number)]
    named += ["early"] if number < MANY // 4 else ["late"] if number > MANY * 3 // 4 else ["a_b"]
    named += ["rare"] if number % 497 == 496 else ["axb"]
    named += [f"w{number % 7}", f"w{number % 5}", f"v{number % 120}"]
    named += [f"h{number}"] if number > MANY * 0.52 else []
    named += [f"z{number}", f"z{number}z"] if number > MANY * 0.95 else []
    named += ["Ä straße"] if chance.random() < 0.02 else []
    return " ".join(named)


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


@pytest.fixture
async def empty(database_url: str) -> AsyncIterator[SqlStorage]:
    storage = open_storage(database_url)
    assert storage is not None
    yield storage
    await storage.close()


def titles() -> st.SearchStrategy[str]:
    """Titles of a few words, many of which begin alike, or are the same."""
    word = st.text("ab", min_size=1, max_size=3) | st.integers(0, 99).map(lambda number: f"a{number}")
    return st.lists(word, max_size=6).map(" ".join)


def searches() -> st.SearchStrategy[tuple[str, TaskOrder, int, int]]:
    """Words, the order, how many tasks are asked for, and behind how many of the list."""
    return st.tuples(titles(), st.sampled_from(TaskOrder), st.integers(1, 70), st.integers(0, 40))


@given(written=st.lists(titles(), max_size=80), search=searches())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_stands_in_titles_is_found_by_how_it_begins(
    empty: SqlStorage, written: Sequence[str], search: tuple[str, TaskOrder, int, int]
) -> None:
    searched, order, limit, begin = search
    model = open_full_task()
    made = [
        evolve(model, id=UUID(int=number + 1), title=title, due_at=AT + timedelta(minutes=number % 7))
        for number, title in enumerate(written)
    ]
    async with empty.engine.begin() as connection:
        await connection.execute(tasks.delete())
        if made:
            await connection.execute(tasks.insert(), [from_task(task) for task in made])
    query = TaskQuery(status=TaskStatus.PENDING, order=order, limit=len(made) or 1)
    async with empty.unit_of_work() as unit:
        listed = await unit.tasks.find(query)
        after = place_of(listed[begin], order) if begin < len(listed) else None
        found = await unit.tasks.find(evolve(query, text=searched, after=after, limit=limit))
    rest = listed if after is None else listed[begin + 1 :]
    assert found == [task for task in rest if is_found(searched, task.title)][:limit]


# What is in the table of words


def written(task: Task) -> Iterator[tuple[object, ...]]:
    """Yield the rows that an open task should have."""
    due_key = datetime(9999, 12, 31, tzinfo=UTC) if task.due_at is None else task.due_at
    initials = sum({1 << ord(word[0]) % 32 for word in words_in(task.title)})
    for word in words_in(task.title):
        yield due_key, task.created_at, task.id, -task.priority, initials, word


async def check_words(storage: SqlStorage, engine: ExecutionEngine) -> int:
    """See that there are the words of all open tasks, and no others; say how many."""
    async with storage.engine.connect() as connection:
        found = await connection.execute(select(words))
        there = Counter((*place, bits % (1 << 32), word) for *place, bits, word in found)
    tasks = await engine.find_tasks(TaskQuery(status=TaskStatus.PENDING))
    assert there == Counter(row for task in tasks for row in written(task))
    return there.total()


async def test_the_words_of_what_is_open_are_there_whatever_is_done(empty: SqlStorage) -> None:
    title = "Read the Ünïcode 100% _twice_"
    definition = chain(review("read", title=title), review("again", title=f"{title} again"), Do("end"))
    registry = WorkflowRegistry()
    registry.register(definition)
    engine = ExecutionEngine(registry, empty, runs_steps=False)
    for _ in range(3):
        await engine.start_workflow("example")
    assert await check_words(empty, engine) == 15
    first, second, third = await engine.find_tasks(TaskQuery(status=TaskStatus.PENDING))
    await engine.tasks.update(first.id, due_at=AT)
    await engine.tasks.update(second.id, due_at=AT, priority=9)
    assert await check_words(empty, engine) == 15
    await engine.tasks.update(third.id, priority=3)
    assert await check_words(empty, engine) == 15
    await engine.tasks.claim(first.id, actor=Actor("ann"))
    await engine.tasks.update(second.id, due_at=None, priority=-1)
    assert await check_words(empty, engine) == 15
    await engine.tasks.complete(first.id, data={"approved": True}, actor=Actor("ann"))
    assert await check_words(empty, engine) == 16
    await engine.cancel_workflow(third.instance_id)
    assert await check_words(empty, engine) == 11


async def test_the_words_are_there_whoever_writes_the_rows_of_tasks(empty: SqlStorage) -> None:
    """A database that is mended by hand finds what it holds."""
    engine = ExecutionEngine(WorkflowRegistry(), empty, runs_steps=False)
    task = evolve(open_full_task(), title="Read this")
    async with empty.engine.begin() as connection:
        await connection.execute(tasks.insert(), from_task(task))
    assert await check_words(empty, engine) == 2
    for changes, left in (
        ({"status": "completed"}, 0),
        ({"status": "pending"}, 2),
        ({"title": "Read that twice", "words": " read that twice"}, 3),
        ({"title": "", "words": ""}, 0),
        ({"title": "Read", "words": " read"}, 1),
    ):
        async with empty.engine.begin() as connection:
            await connection.execute(tasks.update().values(changes))
        assert await check_words(empty, engine) == left
    async with empty.engine.begin() as connection:
        await connection.execute(tasks.delete())
    assert await check_words(empty, engine) == 0
