"""Nothing that people send, and nothing that opens a door, stands in a log, however much is logged."""

import logging
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, closing
from typing import Any, Final

import httpx
import pytest
from litestar import Litestar
from litestar.logging import LoggingConfig

from tests.litestar.conftest import Api, serving
from tests.litestar.people import Person, by_header
from tests.litestar.test_messages import Called
from tests.servers import Server
from tests.workflows import Do, chain, review
from workflows_core.context import WorkflowContext
from workflows_core.definitions import WorkflowDefinition
from workflows_core.signatures import sign
from workflows_core.steps import MessageStep, ScheduledStep
from workflows_litestar import WorkflowPlugin, WorkflowPluginConfig

MARK: Final = "s3cr3t"
"""Stands in everything that nobody may read."""

OF_CLIENTS: Final = ("httpx", "httpcore")
"""What the client of the test logs is not the server's."""


def fail(context: WorkflowContext) -> None:
    raise RuntimeError(f"The account {context.get('account')} is closed")


class Logs(logging.Handler):
    """Keeps all that is logged, as it would be written."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s"))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.startswith(OF_CLIENTS):
            self.lines.append(self.format(record))


@pytest.fixture
def logs() -> Iterator[Logs]:
    """Everything that is logged, by whomever: SQLAlchemy looks once, when an engine is made, how much that is to be."""
    logs = Logs()
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.DEBUG)
    yield logs
    root.setLevel(before)
    root.removeHandler(logs)


Serve = Callable[..., Awaitable[Api]]


@pytest.fixture
async def serve(database: str | None, logs: Logs) -> AsyncIterator[Serve]:
    """Serve workflows to people who say who they are, with every exception logged."""
    async with AsyncExitStack() as stack:

        async def serve(*workflows: WorkflowDefinition) -> Api:
            config = WorkflowPluginConfig(
                auto_register_workflows=workflows, database=database, identify=by_header
            )
            everything = LoggingConfig(
                root={"level": "DEBUG", "handlers": []},
                loggers={"litestar": {"level": "DEBUG", "propagate": True}},
                log_exceptions="always",
            )
            app = Litestar(plugins=[WorkflowPlugin(config)], logging_config=everything)
            logging.getLogger().addHandler(logs)  # Litestar has removed whatever there was
            return await stack.enter_async_context(serving(app))

        yield serve


async def test_nothing_that_is_sent_stands_in_a_log(
    serve: Serve, logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY_OF_CALLS", f"{MARK} key")
    called = Called(secret="KEY_OF_CALLS")
    workflows = [
        chain(review(assignee_key="decider"), Do("pay"), name="paid"),
        chain(Do("broken", fail), name="broken"),
        chain(called, MessageStep("told"), review(assignee_key="decider"), name="called"),
        chain(ScheduledStep("later", lambda context: context["nowhere"]), name="undecided"),
    ]
    api = await serve(*workflows)
    ann, bob = Person(api, "ann", roles="operator"), Person(api, "bob")
    data = {"decider": "bob", "account": f"{MARK} account"}

    async def every(*requests: tuple[Person, str, str, Any, int]) -> None:
        for person, method, path, body, status in requests:
            answer = await person.send(method, path, body, headers={"authorization": f"Bearer {MARK}"})
            assert answer.status_code == status, answer.text

    paid = await ann.start("paid", **data)
    task = f"/tasks/{(await bob.task(paid))['id']}"
    await every(
        (bob, "PUT", f"{task}/draft", {"data": {"comments": f"{MARK} draft"}}, 200),
        (bob, "POST", f"{task}/comments", {"text": f"{MARK} comment"}, 201),
        (bob, "POST", f"{task}/complete", {"output_data": {"approved": f"{MARK} perhaps"}}, 400),
        (bob, "POST", f"{task}/complete", {"output_data": [f"{MARK} list"]}, 400),
        (bob, "POST", f"{task}/complete", {"output_data": {"approved": True, "comments": MARK}}, 201),
        (bob, "POST", f"{task}/complete", {"output_data": {"approved": True, "comments": MARK}}, 409),
        (ann, "GET", f"/instances?data.account={MARK}", None, 400),
        (ann, "GET", f"/tasks?text={MARK}", None, 200),
    )
    for name in ("broken", "undecided"):
        failed = await ann.start(name, **data)
        assert (await ann.get(f"/instances/{failed['id']}"))["status"] == "failed"

    waiting = await ann.start("called", **data)
    (token,) = called.tokens
    body = f'{{"payload": "{MARK} payload"}}'.encode()
    for key, status in ((b"guessed", 403), (f"{MARK} key".encode(), 202)):
        headers = {"content-type": "application/json", "X-Signature-256": sign(key, body)}
        answer = await api.http.post(f"/webhooks/{token}", content=body, headers=headers)
        assert answer.status_code == status
    await every((ann, "POST", f"/instances/{waiting['id']}/messages/told", {"payload": {"note": MARK}}, 202))
    assert logs.lines
    assert [line for line in logs.lines if MARK in line or token in line] == []


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_nor_when_the_database_fails(serve: Serve, logs: Logs, request: pytest.FixtureRequest) -> None:
    sought = chain(review(), name="sought", searchable=["account"])
    api = await serve(sought)
    ann = Person(api, "ann", roles="operator")
    await ann.start("sought", account=f"{MARK} account")
    with closing(sqlite3.connect(request.getfixturevalue("tmp_path") / "workflows.db")) as connection:
        connection.execute("DROP TABLE workflow_searchable")
    answer: httpx.Response = await ann.send("GET", f"/instances?data.account={MARK}")
    assert answer.status_code == 503
    started = {"definition_name": "sought", "input_data": {"account": MARK}}
    assert (await ann.send("POST", "/instances", started)).status_code == 503
    assert any("workflow_searchable" in line for line in logs.lines)  # what is wrong is said
    assert [line for line in logs.lines if MARK in line] == []


def test_servers_log_no_address_of_a_webhook(logs: Logs, monkeypatch: pytest.MonkeyPatch) -> None:
    access = logging.getLogger("uvicorn.access")  # other tests may have had it configured
    monkeypatch.setattr(access, "disabled", False)
    monkeypatch.setattr(access, "handlers", [logs])
    monkeypatch.setattr(access, "propagate", False)
    access.setLevel(logging.NOTSET)
    with Server(Litestar(plugins=[WorkflowPlugin()], logging_config=None)) as server:
        answer = server.client.post(f"/workflows/webhooks/{MARK}", content="no JSON")
        assert answer.status_code == 415
    (line,) = [line for line in logs.lines if line.startswith("uvicorn.access")]
    assert MARK not in line
    assert "POST /workflows/webhooks/" in line
