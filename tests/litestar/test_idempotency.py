"""The same request under the same key is answered once, however often and wherever it comes."""

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from litestar import Litestar
from litestar.di import Provide
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from tests.litestar.conftest import Answer, Api, Serve, serving
from tests.litestar.people import Person, by_header
from tests.litestar.problems import refused
from tests.litestar.twin_app import PAID, REVIEW, application
from tests.servers import PATIENCE
from tests.workflows import Do, chain
from workflows_core import reservations
from workflows_core.context import WorkflowContext
from workflows_core.engine import LocalExecutionEngine
from workflows_core.errors import StorageError
from workflows_core.human_tasks import HumanTasks
from workflows_core.registry import WorkflowRegistry
from workflows_core.reservations import HOLD, KEPT_FOR, Reservations
from workflows_core.steps import WebhookStep
from workflows_core.testing.clock import VirtualClock
from workflows_litestar import WorkflowPlugin, WorkflowPluginConfig
from workflows_litestar.bodies import MAX_BODY
from workflows_sqla import PersistentExecutionEngine

ROOT: Final = Path(__file__).parents[2]
START: Final[Answer] = {"definition_name": "review", "input_data": {"a": 1, "b": [{"c": 2.5}]}}
OTHER: Final[Answer] = {"definition_name": "review", "input_data": {"a": 2}}
APPROVED: Final[Answer] = {"output_data": {"approved": True}, "completed_by": "bob"}


async def send(api: Api, path: str, body: Any = None, key: str = "k", **options: Any) -> httpx.Response:
    headers = {"idempotency-key": key, **options.pop("headers", {})}
    return await api.http.request(options.pop("method", "POST"), path, json=body, headers=headers, **options)


def same(*responses: httpx.Response) -> Any:
    """See that responses agree in all that they say, and return what it is."""
    said = {(each.status_code, each.content, tuple(sorted(each.headers.items()))) for each in responses}
    assert len(said) == 1, said
    return responses[0].json()


def reused(response: httpx.Response) -> None:
    assert refused(response, 422)["type"] == "urn:workflows:problem:idempotency-key-reused"


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is busy is no reason to send anybody away."""
    monkeypatch.setattr(reservations, "PATIENCE", PATIENCE)


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    """What does not depend on where it is stored is tried in memory."""
    async with serving(application_in_memory()) as api:
        yield api


def application_in_memory(*workflows: Any) -> Litestar:
    config = WorkflowPluginConfig(auto_register_workflows=workflows or [REVIEW])
    return Litestar(plugins=[WorkflowPlugin(config)])


# The same again


async def test_the_same_request_gets_the_same_answer(serve: Serve) -> None:
    api = await serve(REVIEW)
    first, again = [await send(api, "/instances", START) for _ in range(2)]
    assert first.status_code == 201
    assert first.headers["etag"] == '"1"'
    instance = same(first, again)

    path = f"/tasks/{(await api.task(instance))['id']}/complete"
    assert same(*[await send(api, path, APPROVED, "done") for _ in range(3)])["status"] == "completed"
    refused(await send(api, path, APPROVED, "another"), 409)
    assert [each["id"] for each in await api.get("/instances")] == [instance["id"]]


async def test_a_request_without_a_key_is_carried_out_each_time(api: Api) -> None:
    assert len({(await api.start("review"))["id"] for _ in range(2)}) == 2


async def test_many_at_once_get_one_answer(serve: Serve) -> None:
    api = await serve(REVIEW)
    instance = same(*await asyncio.gather(*(send(api, "/instances", START) for _ in range(6))))
    assert [each["id"] for each in await api.get("/instances")] == [instance["id"]]

    path = f"/tasks/{(await api.task(instance))['id']}"
    comment = {"text": "well", "user_id": "bob"}
    same(*await asyncio.gather(*(send(api, f"{path}/comments", comment, "c") for _ in range(6))))
    assert [each["text"] for each in (await api.get(path))["thread"]] == ["well"]


def test_every_operation_that_changes_something_takes_a_key() -> None:
    document = Litestar(plugins=[WorkflowPlugin()]).openapi_schema.to_schema()
    operations = [each for item in document["paths"].values() for each in item.items()]
    assert len(operations) > 30
    for method, operation in operations:
        names = {each["name"] for each in operation.get("parameters", ())}
        assert ("Idempotency-Key" in names) == (method != "get"), operation["operationId"]
        assert "request_id" not in names
        if method != "get":
            assert operation["responses"].keys() >= {"400", "409", "413", "422"}, operation["operationId"]


async def test_every_way_to_change_a_task_is_repeated(api: Api) -> None:
    task = await api.task(await api.started("review"))
    path, bob = f"/tasks/{task['id']}", {"user_id": "bob"}
    requests = [
        ("POST", f"{path}/claim", bob),
        ("PUT", f"{path}/draft", {"data": {"comments": "hm"}, **bob}),
        ("PATCH", path, {"priority": 3, **bob}),
        ("POST", f"{path}/unclaim", bob),
        ("POST", "/tasks/bulk", {"action": "claim", "task_ids": [task["id"]], **bob}),
    ]
    first = [
        await send(api, where, body, str(n), method=how) for n, (how, where, body) in enumerate(requests)
    ]
    assert all(each.is_success for each in first)
    again = [
        await send(api, where, body, str(n), method=how) for n, (how, where, body) in enumerate(requests)
    ]
    for one, other in zip(first, again, strict=True):
        same(one, other)
    events = [each["events"] for each in await api.get(f"{path}/history")]
    assert len(events) == 1 + len(requests)


# Another request


async def test_another_request_under_the_key_is_refused(api: Api) -> None:
    instance = (await send(api, "/instances", START)).json()
    path = f"/instances/{instance['id']}"
    reused(await send(api, "/instances", OTHER))
    reused(await send(api, "/instances", START, params={"wait": 1}))
    reused(await send(api, f"{path}/suspend", {}))
    reused(await send(api, f"{path}/messages/paid", {}))

    assert (await send(api, f"{path}/suspend", {}, "s", headers={"if-match": '"1"'})).status_code == 201
    reused(await send(api, f"{path}/suspend", {}, "s", headers={"if-match": '"2"'}))
    assert [each["revision"] for each in await api.get("/instances")] == [2]


async def test_how_a_request_is_written_makes_no_difference(api: Api) -> None:
    first = await send(api, "/instances", START, params={"wait": 0})
    headers = {"content-type": "application/json", "idempotency-key": "k"}
    for written in (
        json.dumps(START, indent=2),
        json.dumps({**dict(reversed(START.items())), "input_data": {"b": [{"c": 2.50}], "a": 1}}),
        '{"definition_name": "revi\\u0065w", "input_data": {"a": 1, "b": [{"c": 25e-1}]}}',
    ):
        same(first, await api.http.post("/instances/?wait=0", content=written, headers=headers))


async def test_a_body_that_is_no_json_is_taken_as_it_is(api: Api) -> None:
    """Not every request needs one, and some numbers are too large for anything to be written again."""
    refused(await send(api, "/instances", {"definition_name": "review", "input_data": {"n": 10**30}}), 400)
    path = f"/instances/{(await send(api, '/instances', START)).json()['id']}/cancel"
    headers = {"idempotency-key": "c"}
    same(*[await api.http.post(path, content=b"\xff", headers=headers) for _ in range(2)])
    reused(await api.http.post(path, content=b"\xfe", headers=headers))
    reused(await api.http.post(path, headers=headers))


async def test_a_key_that_cannot_be_used_is_refused(api: Api) -> None:
    for key in ("", "two words", "x" * 256, b"gr\xfc\xdfe", b"tab\t."):
        headers: Any = {"idempotency-key": key}
        problem = refused(await api.http.post("/instances", json=START, headers=headers), 400)
        assert [each["parameter"] for each in problem["errors"]] == ["Idempotency-Key"]
        assert (await api.http.get("/instances", headers=headers)).status_code == 200  # nobody looks at it
    assert await api.get("/instances") == []


async def test_the_limit_of_bodies_comes_first(api: Api) -> None:
    instance = (await send(api, "/instances", START)).json()
    long = {"content": b" " * (MAX_BODY + 1), "headers": {"idempotency-key": "c"}}
    refused(await api.http.post(f"/instances/{instance['id']}/cancel", **long), 413)  # type: ignore[arg-type]
    assert (await send(api, f"/instances/{instance['id']}/cancel", key="c")).status_code == 201


# What is kept


async def test_what_was_not_valid_may_be_corrected_under_the_same_key(api: Api) -> None:
    refused(await send(api, "/instances", {"definition_name": 7}), 400)
    refused(await send(api, "/instances", {"definition_name": "nothing"}), 404)
    instance = (await send(api, "/instances", START)).json()

    path = f"/tasks/{(await api.task(instance))['id']}/complete"
    refused(await send(api, path, {**APPROVED, "output_data": {}}, "t"), 400)
    assert (await send(api, path, APPROVED, "t")).status_code == 201


async def test_what_was_not_possible_is_answered_as_before(api: Api) -> None:
    """Whoever wants to try anew uses a new key."""
    path = f"/instances/{(await api.started('review'))['id']}"
    stale = {"if-match": '"9"'}
    first = await send(api, f"{path}/resume", {"reason": "all is well"})
    second = await send(api, f"{path}/suspend", {}, "s", headers=stale)
    refused(first, 409)
    refused(second, 412)

    assert (await send(api, f"{path}/suspend", {}, "new")).status_code == 201
    same(first, await send(api, f"{path}/resume", {"reason": "all is well"}))
    same(second, await send(api, f"{path}/suspend", {}, "s", headers=stale))
    assert (await send(api, f"{path}/resume", key="newer")).status_code == 201


async def test_what_failed_here_is_tried_again(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """In its place nothing else is: it may have been carried out."""
    with monkeypatch.context() as patch:
        patch.setattr(Reservations, "keep", broken)
        refused(await send(api, "/instances", START), 503)
    (instance,) = await api.get("/instances")
    reused(await send(api, "/instances", OTHER))
    assert same(*[await send(api, "/instances", START) for _ in range(2)])["id"] == instance["id"]
    assert len(await api.get("/instances")) == 1


async def broken(*_: object) -> None:
    raise StorageError("It is full.")


async def test_no_key_and_no_token_is_stored(database_url: str) -> None:
    class Called(WebhookStep):
        async def on_waiting(self, context: WorkflowContext, callback: str) -> None:
            tokens.append(callback)

    tokens: list[str] = []
    config = WorkflowPluginConfig(
        database=database_url, auto_register_workflows=[chain(Called("called"), name="called")]
    )
    async with serving(Litestar(plugins=[WorkflowPlugin(config)])) as api:
        await api.started("called")
        calls = [await send(api, f"/webhooks/{tokens[0]}", {"secret": "s3cret"}, "my-key") for _ in range(2)]
        assert same(*calls) == {"is_delivered": True}
    engine = create_async_engine(database_url)
    async with engine.connect() as connection:
        (row,) = (await connection.execute(text("SELECT * FROM workflow_reservations"))).all()
    await engine.dispose()
    for secret in (tokens[0], "my-key", "s3cret"):
        assert secret not in str(row)


# Whose key


@asynccontextmanager
async def signed_in() -> AsyncIterator[Api]:
    config = WorkflowPluginConfig(auto_register_workflows=[REVIEW], identify=by_header)
    async with serving(Litestar(plugins=[WorkflowPlugin(config)])) as api:
        yield api


KEY: Final = {"idempotency-key": "k"}


async def test_the_keys_of_different_people_never_meet() -> None:
    async with signed_in() as api:
        people = [
            Person(api, "alice", tenant="acme"),
            Person(api, "bob", tenant="acme"),
            Person(api, "alice", tenant="other"),
            Person(api, "alice"),
        ]
        started = [await each.send("POST", "/instances", START, headers=KEY) for each in people]
        assert len({each.json()["id"] for each in started}) == len(people)
        for person, response in zip(people, started, strict=True):
            same(response, await person.send("POST", "/instances", START, headers=KEY))
        refused(await api.http.post("/instances", json=START, headers=KEY), 401)


async def test_an_answer_is_kept_for_those_who_still_have_the_same_rights() -> None:
    async with signed_in() as api:
        instance = await Person(api, "alice").start("review")
        path = f"/instances/{instance['id']}/suspend"
        olga, demoted = Person(api, "olga", roles="operator"), Person(api, "olga")
        refused(await demoted.send("POST", path, {}, headers=KEY), 403)
        first = await olga.send("POST", path, {}, headers=KEY)
        assert first.status_code == 201
        problem = refused(await demoted.send("POST", path, {}, headers=KEY), 403)
        assert "had other groups or roles" in problem["detail"]
        same(first, await olga.send("POST", path, {}, headers=KEY))


async def test_calls_to_different_addresses_never_meet() -> None:
    tokens: list[str] = []

    class Called(WebhookStep):
        async def on_waiting(self, context: WorkflowContext, callback: str) -> None:
            tokens.append(callback)

    async with serving(application_in_memory(chain(Called("called"), name="called"))) as api:
        for _ in range(2):
            await api.started("called")
        for token in tokens:
            assert (await send(api, f"/webhooks/{token}", {})).json() == {"is_delivered": True}
        assert {each["status"] for each in await api.get("/instances")} == {"completed"}


# Time


class Timed:
    """An application whose time a test decides about."""

    def __init__(self, *workflows: Any) -> None:
        self.clock = VirtualClock()
        registry = WorkflowRegistry()
        for each in workflows:
            registry.register(each)
        self.engine = LocalExecutionEngine(registry, clock=self.clock, runs_steps=False)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Api]:
        provide = Provide(lambda: self.engine, sync_to_thread=False)
        app = Litestar(plugins=[WorkflowPlugin()], dependencies={"workflow_engine": provide})
        async with serving(app) as api:
            yield api


async def test_after_a_day_the_key_is_free_again() -> None:
    timed = Timed(REVIEW)
    async with timed.serving() as api:
        first = await send(api, "/instances", START)
        timed.clock.advance(KEPT_FOR, microseconds=-1)
        same(first, await send(api, "/instances", START))
        timed.clock.advance(microseconds=1)
        assert (await send(api, "/instances", OTHER)).json()["id"] != first.json()["id"]
        reused(await send(api, "/instances", START))

        timed.clock.advance(KEPT_FOR)
        assert (await send(api, "/instances", START)).status_code == 201
        assert len(await api.get("/instances")) == 3


async def test_what_takes_long_is_waited_for() -> None:
    """Whoever comes in the meantime gets the same answer."""
    going_on, may_end = asyncio.Event(), asyncio.Event()

    async def work(_: WorkflowContext) -> None:
        going_on.set()
        await may_end.wait()

    async with serving(application_in_memory(chain(Do("work", work), name="review"))) as api:
        first = asyncio.create_task(send(api, "/instances", START, params={"wait": 30}))
        await going_on.wait()
        again = asyncio.create_task(send(api, "/instances", START, params={"wait": 30}))
        await asyncio.sleep(0)
        may_end.set()
        assert same(await first, await again)["status"] == "completed"


async def test_what_takes_too_long_is_asked_for_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reservations, "PATIENCE", 0.0)
    going_on, may_end = asyncio.Event(), asyncio.Event()

    async def work(_: WorkflowContext) -> None:
        going_on.set()
        await may_end.wait()

    async with serving(application_in_memory(chain(Do("work", work), name="review"))) as api:
        first = asyncio.create_task(send(api, "/instances", START, params={"wait": 30}))
        await going_on.wait()
        again = await send(api, "/instances", START, params={"wait": 30})
        assert refused(again, 409)["type"] == "urn:workflows:problem:request-in-progress"
        assert 1 <= int(again.headers["retry-after"]) <= HOLD.total_seconds() + 30
        may_end.set()
        same(await first, await send(api, "/instances", START, params={"wait": 30}))


# Whoever takes over


class Cut(BaseException):
    """The process ends here."""


async def cut(*_: object, **__: object) -> None:
    raise Cut


async def cut_short(patch: pytest.MonkeyPatch, where: tuple[type, str], sending: Awaitable[object]) -> None:
    """Send a request to a process that ends there."""
    with patch.context() as patched:
        patched.setattr(*where, cut)
        with pytest.raises(Cut):
            await sending


DONE: Final = (Reservations, "keep")
"""The command is committed, and its answer is not."""
BEGUN: Final = (HumanTasks, "complete")
"""The key is reserved, and nothing is done."""


async def test_a_start_that_was_cut_short_is_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    timed = Timed(REVIEW)
    async with timed.serving() as api:
        await cut_short(monkeypatch, DONE, send(api, "/instances", START))
        timed.clock.advance(HOLD)
        reused(await send(api, "/instances", OTHER))
        found = same(*[await send(api, "/instances", START) for _ in range(2)])
        assert [each["id"] for each in await api.get("/instances")] == [found["id"]]

        timed.clock.advance(KEPT_FOR)
        assert (await send(api, "/instances", START)).json()["id"] != found["id"]


@pytest.mark.parametrize("path", ["/messages", "/instances/{id}/messages/paid"])
async def test_a_message_that_was_cut_short_is_delivered_once(
    monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    timed = Timed(PAID)
    async with timed.serving() as api:
        instances = [await api.start("paid", input_data={"order": "7"}) for _ in range(2)]
        path = path.format(**instances[0])
        message = {"payload": 1} | ({"name": "paid", "correlation_key": "7"} if path == "/messages" else {})
        await cut_short(monkeypatch, DONE, send(api, path, message))
        timed.clock.advance(HOLD)
        receipt = same(*[await send(api, path, message) for _ in range(2)])
        assert (receipt["instance_id"], receipt["is_delivered"]) == (instances[0]["id"], True)
        found = [(await api.get(f"/instances/{each['id']}"))["status"] for each in instances]
        assert found == ["completed", "waiting"]


async def test_nothing_that_was_cut_short_is_done_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second comment is like the first one: only that the task has changed since tells that it may be there already."""
    timed = Timed(REVIEW)
    async with timed.serving() as api:
        task = await api.task(await api.start("review"))
        path, comment = f"/tasks/{task['id']}", {"text": "well", "user_id": "bob"}
        timed.clock.advance(seconds=1)
        await cut_short(monkeypatch, DONE, send(api, f"{path}/comments", comment, "c"))
        timed.clock.advance(HOLD)
        for _ in range(2):
            problem = refused(await send(api, f"{path}/comments", comment, "c"), 409)
            assert problem["type"] == "urn:workflows:problem:outcome-unknown"
        assert [each["text"] for each in (await api.get(path))["thread"]] == ["well"]

        await cut_short(monkeypatch, DONE, send(api, f"{path}/complete", APPROVED, "t"))
        timed.clock.advance(HOLD)
        problem = refused(await send(api, f"{path}/complete", APPROVED, "t"), 409)
        assert problem["type"] == "urn:workflows:problem:invalid-transition"


async def test_what_was_not_done_is_done_by_whoever_takes_over(monkeypatch: pytest.MonkeyPatch) -> None:
    timed = Timed(REVIEW)
    async with timed.serving() as api:
        path = f"/tasks/{(await api.task(await api.start('review')))['id']}/complete"
        timed.clock.advance(seconds=1)
        await cut_short(monkeypatch, BEGUN, send(api, path, APPROVED))
        timed.clock.advance(HOLD)
        refused(await send(api, path, {**APPROVED, "output_data": {}}), 422)
        assert same(*[await send(api, path, APPROVED) for _ in range(2)])["status"] == "completed"


async def test_whoever_is_overtaken_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was only slow: of two who carry out the same, the first who ends answers for both."""
    timed, begun, may_end = Timed(REVIEW), asyncio.Event(), asyncio.Event()
    keep = Reservations.keep

    async def late(*given: Any) -> Any:
        monkeypatch.setattr(Reservations, "keep", keep)
        begun.set()
        await may_end.wait()
        return await keep(*given)

    monkeypatch.setattr(Reservations, "keep", late)
    async with timed.serving() as api:
        first = asyncio.create_task(send(api, "/instances", START))
        await begun.wait()
        await api.http.post(f"/instances/{(await api.get('/instances'))[0]['id']}/suspend")
        timed.clock.advance(HOLD)
        second = await send(api, "/instances", START)
        may_end.set()
        assert same(await first, second)["status"] == "suspended"


async def test_whoever_is_too_slow_leaves_it_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    timed, begun, may_go_on = Timed(REVIEW), asyncio.Event(), asyncio.Event()
    commented = HumanTasks.comment

    async def late(*given: Any, **named: Any) -> Any:
        monkeypatch.setattr(HumanTasks, "comment", commented)
        begun.set()
        await may_go_on.wait()
        return await commented(*given, **named)

    async with timed.serving() as api:
        path = f"/tasks/{(await api.task(await api.start('review')))['id']}"
        timed.clock.advance(seconds=1)
        monkeypatch.setattr(HumanTasks, "comment", late)
        comment = {"text": "well", "user_id": "bob"}
        first = asyncio.create_task(send(api, f"{path}/comments", comment))
        await begun.wait()
        timed.clock.advance(HOLD)
        second = await send(api, f"{path}/comments", comment)
        assert second.status_code == 201
        may_go_on.set()
        assert refused(await first, 409)["type"] == "urn:workflows:problem:request-in-progress"
        same(second, await send(api, f"{path}/comments", comment))
        assert [each["text"] for each in (await api.get(path))["thread"]] == ["well"]


# Other processes


@asynccontextmanager
async def twin(database: str) -> AsyncIterator[Api]:
    """Another process on the database."""
    with socket.create_server(("127.0.0.1", 0)) as listening:  # requests wait here until it takes them
        descriptor = listening.fileno()
        command = ("-m", "tests.litestar.twin_app", database, str(descriptor))
        process = await asyncio.create_subprocess_exec(
            sys.executable, *command, cwd=ROOT, pass_fds=[descriptor]
        )
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/workflows"
        async with httpx.AsyncClient(base_url=url, timeout=PATIENCE, trust_env=False) as http:
            yield Api(http)
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_processes_answer_alike(database_url: str) -> None:
    """Also where one is killed after it has started an instance, and before it has answered."""
    async with twin(database_url) as one, serving(application(database_url)) as other:
        await one.get("/instances")
        for key in ("a", "b", "c"):
            requests = (send(api, "/instances", START, key) for api in (one, other) * 3)
            said = {(each.status_code, each.content) for each in await asyncio.gather(*requests)}
            assert len(said) == 1, said
        assert len(await other.get("/instances")) == 3

        paid = {"definition_name": "paid", "input_data": {"order": "7"}}
        with pytest.raises(httpx.TransportError):
            await send(one, "/instances", paid)
        (instance,) = await other.get("/instances", workflow_name="paid")
        assert same(*[await send(other, "/instances", paid) for _ in range(2)])["id"] == instance["id"]
        assert len(await other.get("/instances")) == 4


# Engines of the application


@pytest.mark.parametrize("autocommit", [True, False])
async def test_an_engine_on_a_session_of_the_application(database_url: str, *, autocommit: bool) -> None:
    """An answer is kept with what the application commits, and only then."""
    engine = create_async_engine(database_url)
    registry = WorkflowRegistry()
    registry.register(REVIEW)
    fails = False

    async def provide_session() -> AsyncIterator[AsyncSession]:
        async with async_sessionmaker(engine, expire_on_commit=False)() as session:
            yield session
            if fails:
                raise StorageError("It is full.")
            await session.commit()

    async def provide_engine(session: AsyncSession) -> PersistentExecutionEngine:
        return PersistentExecutionEngine(registry, session, autocommit=autocommit)

    dependencies = {"session": Provide(provide_session), "workflow_engine": Provide(provide_engine)}
    async with serving(Litestar(plugins=[WorkflowPlugin()], dependencies=dependencies)) as api:
        started = same(*[await send(api, "/instances", START) for _ in range(2)])
        reused(await send(api, "/instances", OTHER))
        fails = True
        await send(api, "/instances", START, "other")
        fails = False
        count = len(await api.get("/instances"))
        assert count == 1 + autocommit
        assert started["id"] in {each["id"] for each in await api.get("/instances")}
    await engine.dispose()
