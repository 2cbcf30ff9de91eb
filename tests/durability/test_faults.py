"""What the database does to us: it goes away, it is full, it refuses. Nothing is lost, doubled or swallowed."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from tests.databases import prepare
from tests.durability.conftest import PATIENCE
from tests.postgres import PostgresServer
from tests.workflows import Do, chain, review
from workflows_core.context import WorkflowContext
from workflows_core.definitions import WorkflowDefinition
from workflows_core.engine import ExecutionEngine
from workflows_core.errors import StorageError
from workflows_core.instance import Instance
from workflows_core.ports import InstanceQuery
from workflows_core.registry import WorkflowRegistry
from workflows_core.steps import MessageStep
from workflows_sqla import SqlStorage, upgrade

T = TypeVar("T")

REFUSED = "out of order"


@asynccontextmanager
async def running(database: AsyncEngine) -> AsyncIterator[ExecutionEngine]:
    async with ExecutionEngine(WorkflowRegistry(), SqlStorage(database)) as engine:
        yield engine


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[AsyncEngine]:
    database = create_async_engine(database_url)
    yield database
    await database.dispose()


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    with PostgresServer(own=True) as server:
        yield server


async def reached(engine: ExecutionEngine, instance: Instance, step: str | None) -> Instance:
    """Wait until an instance rests at a step, however often the database cannot be asked."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                found = await engine.wait(instance.id)
                if found.current_step == step:
                    return found
            except StorageError:
                pass
            await asyncio.sleep(0.02)


# It goes away


async def test_results_wait_while_the_database_is_away(
    server: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Steps that end meanwhile are committed once it is back, and none is executed twice."""
    executed: Counter[str] = Counter()
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def wait(context: WorkflowContext) -> None:
        executed[context.idempotency_key] += 1
        if sum(executed.values()) == 20:
            begun.set()
        await may_end.wait()
        context.set("waited", True)

    database = create_async_engine(server.create_database(server.template("schema", prepare)))
    definition = chain(Do("first"), Do("wait", wait), Do("after"), review())
    async with running(database) as engine, asyncio.timeout(PATIENCE):
        instances = [await engine.start_workflow(definition) for _ in range(20)]
        await begun.wait()
        await asyncio.to_thread(server.crash)
        may_end.set()
        with pytest.raises(StorageError):
            await engine.start_workflow(definition)
        with pytest.raises(StorageError):
            await engine.get_instance(instances[0].id)
        while "could not be stored" not in caplog.text:  # noqa: ASYNC110 - the runner has tried in vain
            await asyncio.sleep(0.01)
        await asyncio.to_thread(server.recover)

        for instance in instances:
            done = await reached(engine, instance, "review")
            assert done.data == {"first": 1, "waited": True, "after": 1}
        assert len(await engine.find_instances(InstanceQuery())) == 20
    assert set(executed.values()) == {1}
    await database.dispose()


async def test_the_runner_goes_on_when_the_database_is_back(server: PostgresServer) -> None:
    """With what it hears, what falls due, and what it holds; however often that happens."""
    database = create_async_engine(server.create_database(server.template("schema", prepare)))
    definition = chain(Do("first"), review("one"), Do("second"), review("two"))
    async with running(database) as engine, asyncio.timeout(PATIENCE):
        instance = await engine.start_workflow(definition)
        await reached(engine, instance, "one")
        for _ in range(2):
            await asyncio.to_thread(server.crash)
            with pytest.raises(StorageError):
                await engine.complete_human_task(instance.id, "one", "ann", {"approved": True})
            await asyncio.to_thread(server.recover)
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    await engine.complete_human_task(instance.id, "one", "ann", {"approved": True})
                    break
                except StorageError:
                    await asyncio.sleep(0.02)
        assert (await reached(engine, instance, "two")).data["second"] == 1
    await database.dispose()


async def test_connections_stay_within_the_pool(postgres_url: str) -> None:
    """However much there is to be done; beside it there is one, for locks and for listening."""
    database = create_async_engine(postgres_url, pool_size=2, max_overflow=1)
    await upgrade(database)
    counts: list[int] = []

    async def count(context: WorkflowContext) -> None:
        counts.append(await connections(context))

    async with running(database) as engine:
        definition = chain(Do("a"), Do("count", count), Do("pay", count, transactional=True), review())
        instances = await asyncio.gather(*(engine.start_workflow(definition) for _ in range(100)))
        for instance in instances:
            await reached(engine, instance, "review")
    await database.dispose()
    assert len(counts) == 200
    assert max(counts) <= 2 + 1 + 1

    # nobody is left
    last = create_async_engine(postgres_url)
    async with last.connect() as connection:
        assert (await connection.execute(COUNT)).scalar_one() == 1
    await last.dispose()


COUNT = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND backend_type = 'client backend'"  # the server itself cleans up at times
)


async def connections(context: WorkflowContext) -> int:
    """Count them on a connection of the step's own, which does not count, or on that of its transaction."""
    if context.session is not None:
        return int((await context.session.execute(COUNT)).scalar_one())
    return 0


# It is full


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_full_disk_is_reported_and_waited_for(
    database: AsyncEngine, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever asks is told; what the runner has to commit waits until there is room."""
    limit = [0]

    @event.listens_for(database.sync_engine, "checkout")
    def confine(connection: Any, *_: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {limit[0] or 1_000_000_000}")

    begun, may_end = asyncio.Event(), asyncio.Event()

    async def write(context: WorkflowContext) -> None:
        begun.set()
        await may_end.wait()
        context.set("text", "x" * 500_000)

    async with running(database) as engine, asyncio.timeout(PATIENCE):
        instance = await engine.start_workflow(chain(Do("write", write), review()))
        await begun.wait()
        limit[0] = 10
        with pytest.raises(StorageError, match="full"):
            await engine.start_workflow("example", {"text": "y" * 500_000})
        may_end.set()
        while "could not be stored" not in caplog.text:  # noqa: ASYNC110 - the runner has tried in vain
            await asyncio.sleep(0.01)
        assert "full" in caplog.text
        limit[0] = 0
        assert len((await reached(engine, instance, "review")).data["text"]) == 500_000  # type: ignore[arg-type]
        assert len(await engine.find_instances(InstanceQuery())) == 1


# It refuses


@contextmanager
def refusing(database: AsyncEngine, which: Callable[[int, str], bool]) -> Iterator[list[str]]:
    """Let the database refuse statements; yields those that it did not."""
    seen: list[str] = []

    def refuse(connection: Any, cursor: object, statement: str, *_: object) -> None:
        word = statement.split(maxsplit=1)[0]
        if which(len(seen), word):
            raise OperationalError(statement, (), Exception(REFUSED))
        seen.append(word)

    event.listen(database.sync_engine, "before_cursor_execute", refuse)
    try:
        yield seen
    finally:
        event.remove(database.sync_engine, "before_cursor_execute", refuse)


async def test_a_failure_at_any_statement_leaves_the_earlier_state_whole(database: AsyncEngine) -> None:
    """Each command is refused at its first statement, its second, and so on, until it passes."""
    registry = WorkflowRegistry()
    definition = chain(review("one"), review("two"))
    registry.register(definition)
    engine = ExecutionEngine(registry, SqlStorage(database), runs_steps=False)
    instance: Instance | None = None
    commands: list[Callable[[Any], Any]] = [
        lambda _: engine.start_workflow("example", {"n": 1}),
        lambda it: engine.reassign_task(next(iter(it.tasks)), "bob"),
        lambda it: engine.complete_human_task(it.id, "one", "bob", {"approved": True}),
        lambda _: engine.publish_message("nobody", "waits", message_id="m"),
        lambda it: engine.suspend_workflow(it.id),
        lambda it: engine.resume_workflow(it.id),
        lambda it: engine.cancel_workflow(it.id),
    ]
    for command in commands:
        for number in range(50):
            before = await everything(database)
            with refusing(database, lambda seen, _: seen == number) as seen:  # noqa: B023
                answer = await told(command(instance))
            if not isinstance(answer, StorageError):
                assert len(seen) <= number
                break
            assert REFUSED in str(answer)
            assert await everything(database) == before
        else:
            pytest.fail("it never passed")
        if isinstance(answer, Instance):
            instance = answer
        elif instance is not None:
            instance = await engine.get_instance(instance.id)
    assert instance is not None
    assert instance.status == "canceled"
    await engine.storage.close()


async def told(asked: Awaitable[T]) -> T | StorageError:
    """Return the answer, or why there is none."""
    try:
        return await asked
    except StorageError as error:
        return error


TABLES = ("instances", "history", "tasks", "messages", "waits")

REFUSE = {
    "sqlite": """
        CREATE TRIGGER refuse BEFORE {verb} ON workflow_{table}
        BEGIN SELECT RAISE(ABORT, 'out of order'); END
    """,
    "postgresql": """
        CREATE TRIGGER refuse BEFORE {verb} ON workflow_{table} FOR EACH ROW EXECUTE FUNCTION refuse()
    """,
}
ALLOW = {"sqlite": "DROP TRIGGER refuse", "postgresql": "DROP TRIGGER refuse ON workflow_{table}"}


@asynccontextmanager
async def refused_rows(database: AsyncEngine, table: str, verb: str) -> AsyncIterator[None]:
    """Let the database itself refuse rows, in the middle of whatever is sent to it at once."""
    dialect = database.dialect.name
    async with database.begin() as connection:
        await connection.execute(text(REFUSE[dialect].format(table=table, verb=verb)))
    try:
        yield
    finally:
        async with database.begin() as connection:
            await connection.execute(text(ALLOW[dialect].format(table=table)))


async def test_a_row_that_is_refused_takes_the_whole_transition_along(database: AsyncEngine) -> None:
    """Whichever table it belongs to: instance, history, tasks, messages and waits change together or not at all."""
    if database.dialect.name == "postgresql":
        async with database.begin() as connection:
            raises = "BEGIN RAISE EXCEPTION 'out of order'; END"
            await connection.execute(
                text(
                    f"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS '{raises.replace(chr(39), chr(39) * 2)}'"
                )
            )
    registry = WorkflowRegistry()
    registry.register(chain(review(), MessageStep("paid"), review("last")))
    engine = ExecutionEngine(registry, SqlStorage(database), runs_steps=False)

    async def tried(command: Callable[[], Awaitable[Any]], *rows: tuple[str, str]) -> Any:
        for table, verb in rows:
            before = await everything(database)
            async with refused_rows(database, table, verb):
                assert REFUSED in str(await told(command()))
            assert await everything(database) == before, (table, verb)
        return await command()

    instance = await tried(
        lambda: engine.start_workflow("example"),
        ("instances", "INSERT"), ("history", "INSERT"), ("tasks", "INSERT"),
    )  # fmt: skip
    (task,) = instance.tasks
    await tried(
        lambda: engine.complete_task(task, {"approved": True}, user_id="ann"),
        ("instances", "UPDATE"), ("history", "INSERT"), ("tasks", "UPDATE"), ("waits", "INSERT"),
    )  # fmt: skip
    await engine.suspend_workflow(instance.id)
    await tried(
        lambda: engine.publish_message("paid", str(instance.id)),
        ("messages", "INSERT"),
        ("instances", "UPDATE"),
    )
    await engine.resume_workflow(instance.id)
    await tried(
        lambda: engine.deliver_mail(instance.id),
        ("instances", "UPDATE"), ("history", "INSERT"), ("messages", "UPDATE"), ("waits", "DELETE"), ("tasks", "INSERT"),
    )  # fmt: skip
    assert (await engine.get_instance(instance.id)).current_step == "last"
    await engine.storage.close()


async def everything(database: AsyncEngine) -> dict[str, list[Any]]:
    """All rows of the tables that commands write."""
    async with database.connect() as connection:
        return {
            table: sorted(
                map(repr, (await connection.execute(text(f"SELECT * FROM workflow_{table}"))).all())
            )
            for table in TABLES
        }


async def test_the_runner_tries_again_whatever_is_refused(
    database: AsyncEngine, caplog: pytest.LogCaptureFixture
) -> None:
    """Every third statement fails for a while; nothing is lost, nothing is done twice, and the log says so."""
    executed: Counter[str] = Counter()

    def note(context: WorkflowContext) -> None:
        executed[context.idempotency_key] += 1

    definition = chain(Do("a", note), Do("b", note), Do("c", note), review())
    async with running(database) as engine:
        instances = [await engine.start_workflow(definition) for _ in range(10)]
        tries = [0]

        def sometimes(_: int, word: str) -> bool:
            tries[0] += 1
            return tries[0] % 3 == 0 and tries[0] < 60

        with refusing(database, sometimes):
            for instance in instances:
                await reached(engine, instance, "review")
    assert len(executed) == 30
    assert set(executed.values()) == {1}


async def test_serialization_failures_and_deadlocks_are_tried_again(postgres_url: str) -> None:
    """The database gives up a transaction for the sake of another; nobody notices."""
    database = create_async_engine(postgres_url)
    await upgrade(database)
    async with database.begin() as connection:
        await connection.execute(text("CREATE TABLE counters (id INTEGER PRIMARY KEY, n INTEGER NOT NULL)"))
        await connection.execute(text("INSERT INTO counters VALUES (1, 0), (2, 0)"))
    both = asyncio.Barrier(2)
    attempts: Counter[str] = Counter()

    async def cross(context: WorkflowContext) -> None:
        attempts[context.current_step] += 1
        first, second = (1, 2) if context.get("forth") else (2, 1)
        update = text("UPDATE counters SET n = n + 1 WHERE id = :id")
        await context.session.execute(update, {"id": first})
        if sum(attempts.values()) <= 2:
            await both.wait()  # each holds what the other wants
        await context.session.execute(update, {"id": second})

    async with running(database) as engine, asyncio.timeout(PATIENCE):
        definition = chain(Do("cross", cross, transactional=True), review())
        instances = [await engine.start_workflow(definition, {"forth": forth}) for forth in (True, False)]
        for instance in instances:
            assert (await reached(engine, instance, "review")).status == "waiting"
        async with database.connect() as connection:
            counted = (await connection.execute(text("SELECT n FROM counters"))).scalars().all()
    assert (list(counted), attempts["cross"]) == ([2, 2], 3)
    await database.dispose()


async def test_too_many_connections_are_reported_and_waited_for(
    postgres_url: str, postgres_server: PostgresServer
) -> None:
    """Whoever asks is told; what the runner has to do waits until a connection is to be had."""
    owner = create_async_engine(postgres_url)
    await upgrade(owner)
    role = f"limited_{owner.url.database}"
    async with owner.begin() as connection:
        await connection.execute(text(f"CREATE ROLE \"{role}\" LOGIN PASSWORD 'limited' CONNECTION LIMIT 3"))
        await connection.execute(text(f'GRANT ALL ON ALL TABLES IN SCHEMA public TO "{role}"'))
    url = owner.url.set(username=role, password="limited")
    database = create_async_engine(url, pool_size=10)
    refused = [0]

    async def start(definition: WorkflowDefinition) -> Instance:
        while isinstance(answer := await told(engine.start_workflow(definition)), StorageError):
            assert "too many connections" in str(answer)
            refused[0] += 1
            await asyncio.sleep(0.01)
        return answer

    async with running(database) as engine, asyncio.timeout(PATIENCE):
        definition = chain(Do("a"), Do("b"), review())
        instances = await asyncio.gather(*(start(definition) for _ in range(40)))
        for instance in instances:
            assert (await reached(engine, instance, "review")).data == {"a": 1, "b": 1}
        assert len(await engine.find_instances(InstanceQuery())) == 40
    assert refused[0] > 0
    await database.dispose()
    async with owner.begin() as connection:
        await connection.execute(text(f'DROP OWNED BY "{role}"'))
        await connection.execute(text(f'DROP ROLE "{role}"'))
    await owner.dispose()
