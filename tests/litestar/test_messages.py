"""Messages and calls from outside, over HTTP."""

import logging
from typing import Any
from uuid import uuid4

import pytest
from litestar import Litestar
from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException
from litestar.security.jwt import JWTAuth, Token

from tests.litestar.conftest import Answer, Api, Serve, serving
from tests.litestar.problems import places, refused
from tests.servers import until_async
from tests.workflows import chain, review
from workflows_core.actors import Actor
from workflows_core.context import WorkflowContext
from workflows_core.errors import StorageError
from workflows_core.memory import MemoryStorage
from workflows_core.signatures import sign
from workflows_core.steps import MessageStep, WebhookStep
from workflows_litestar import WorkflowPlugin, WorkflowPluginConfig

PAID = chain(MessageStep("paid", correlation_key="order"), review(), name="paid")
MESSAGE = {"name": "paid", "correlation_key": "7", "payload": {"amount": 12.5}}
JSON = {"content-type": "application/json"}


class Called(WebhookStep):
    """Notes where to call."""

    def __init__(self, **options: Any) -> None:
        super().__init__("called", **options)
        self.tokens: list[str] = []

    async def on_waiting(self, context: WorkflowContext, callback: str) -> None:
        self.tokens.append(callback)


async def accepted(api: Api, path: str, body: Any = None) -> Answer:
    response = await api.http.post(path, json=body)
    assert response.status_code == 202, response.text
    return dict(response.json())


async def reached(api: Api, instance: Answer, step: str) -> Answer:
    """Wait until an instance is at a step."""
    return await until_async(
        lambda: api.get(f"/instances/{instance['id']}"), lambda now: now["current_step"] == step
    )


# Messages


async def test_a_message_moves_the_one_who_waits_for_it(serve: Serve) -> None:
    api = await serve(PAID)
    waiting = await api.started("paid", input_data={"order": "7"})

    receipt = await accepted(api, "/messages", {**MESSAGE, "user_id": "bank"})

    assert receipt["is_delivered"]
    assert receipt["instance_id"] == waiting["id"]
    after = await reached(api, waiting, "review")
    assert after["context_data"]["paid"] == {"amount": 12.5}


async def test_a_message_that_comes_early_and_twice_is_delivered_once(serve: Serve) -> None:
    api = await serve(PAID)
    message = {**MESSAGE, "message_id": "m-1", "ttl_seconds": 60}
    first = await accepted(api, "/messages", message)
    assert (first["message_id"], first["instance_id"], first["is_delivered"]) == ("m-1", None, False)
    assert await accepted(api, "/messages", message | {"payload": "other"}) == first

    one = await api.start("paid", input_data={"order": "7"})
    assert (await reached(api, one, "review"))["context_data"]["paid"] == {"amount": 12.5}
    assert (await accepted(api, "/messages", message))["instance_id"] == one["id"]


async def test_a_message_to_one_instance(serve: Serve) -> None:
    api = await serve(PAID)
    mine, other = [await api.started("paid", input_data={"order": "7"}) for _ in range(2)]

    receipt = await accepted(api, f"/instances/{mine['id']}/messages/paid", {"payload": [1]})

    assert receipt["instance_id"] == mine["id"]
    assert (await reached(api, mine, "review"))["context_data"]["paid"] == [1]
    assert (await api.rest(other))["current_step"] == "paid"


async def test_messages_that_are_refused(serve: Serve, subtests: pytest.Subtests) -> None:
    api = await serve(PAID)
    waiting = await api.started("paid", input_data={"order": "7"})
    mine = f"/instances/{waiting['id']}/messages"
    wrong: list[tuple[str, Any, int, list[str]]] = [
        ("/messages", {}, 400, ["/name", "/correlation_key"]),
        ("/messages", MESSAGE | {"name": "@webhook"}, 400, ["/name"]),
        ("/messages", MESSAGE | {"name": "\n"}, 400, ["/name"]),
        ("/messages", MESSAGE | {"correlation_key": "x" * 401}, 400, ["/correlation_key"]),
        ("/messages", MESSAGE | {"ttl_seconds": 0}, 400, ["/ttl_seconds"]),
        ("/messages", MESSAGE | {"payload": {"a": ["\x00"]}}, 400, ["/payload/a/0"]),
        ("/messages", MESSAGE | {"paylod": 1}, 400, ["/paylod"]),
        (f"{mine}/@webhook", {}, 400, ["/name"]),
        (f"{mine}/unknown", {}, 404, []),
        (f"/instances/{uuid4()}/messages/paid", {}, 404, []),
    ]
    for path, body, status, pointers in wrong:
        with subtests.test(f"{path} {body}"):
            problem = refused(await api.http.post(path, json=body), status)
            assert (places(problem) if pointers else []) == pointers
    assert (await api.rest(waiting))["current_step"] == "paid"

    await api.post(f"/instances/{waiting['id']}/cancel")
    refused(await api.http.post(f"{mine}/paid", json={}), 409)


# Calls


async def test_a_call_goes_to_the_step_that_told_the_address(serve: Serve) -> None:
    step = Called(callback_key="answer")
    api = await serve(chain(step, review()))
    waiting = await api.started()
    path = f"/webhooks/{step.tokens[0]}"

    answer = await accepted(api, path, {"ok": True})

    assert answer == {"is_delivered": True}
    assert (await reached(api, waiting, "review"))["context_data"] == {"answer": {"ok": True}}
    assert await accepted(api, path, {"ok": True}) == answer
    refused(await api.http.post(path, json={"ok": False}), 404)
    seen = (await api.http.get(f"/instances/{waiting['id']}")).text
    assert step.tokens[0] not in seen


async def test_a_call_may_say_nothing_and_must_be_json_if_it_says_something(serve: Serve) -> None:
    step = Called()
    api = await serve(chain(step, review()))
    waiting = await api.started()
    path = f"/webhooks/{step.tokens[0]}"

    refused(await api.http.post(path, content=b"{", headers=JSON), 400)
    refused(await api.http.post(path, data={"a": "b"}), 415)
    refused(await api.http.post("/webhooks/unknown", json={}), 404)
    assert (await api.http.post(path)).status_code == 202
    assert (await reached(api, waiting, "review"))["context_data"] == {"called": None}


async def test_a_call_must_be_signed_where_the_step_has_a_secret(serve: Serve) -> None:
    step = Called(secret=lambda _: "top secret")
    api = await serve(chain(step, review()))
    waiting = await api.started()
    path, body = f"/webhooks/{step.tokens[0]}", b'{"ok":  true}'

    refused(await api.http.post(path, content=body, headers=JSON), 403)
    wrong = {"X-Signature-256": sign(b"guessed", body)}
    problem = refused(await api.http.post(path, content=body, headers=JSON | wrong), 403)
    assert "X-Signature-256" in problem["detail"]
    assert (await api.rest(waiting))["current_step"] == "called"

    right = {"X-Signature-256": sign(b"top secret", body)}
    assert (await api.http.post(path, content=body, headers=JSON | right)).status_code == 202


# Who may


def by_header(connection: ASGIConnection[Any, Any, Any, Any]) -> Actor | None:
    name = connection.headers.get("x-user")
    roles = filter(None, connection.headers.get("x-roles", "").split(","))
    return None if name is None else Actor(name, roles=frozenset(roles))


async def test_messages_are_for_operators_and_calls_for_who_knows_the_address() -> None:
    def nobody(*_: Any) -> None:
        raise NotAuthorizedException("Nobody passes.")

    step = Called()
    workflows = [PAID, chain(step, review(), name="called")]
    config = WorkflowPluginConfig(auto_register_workflows=workflows, identify=by_header)
    ann, stranger = {"x-user": "ann"}, {"x-user": "eve"}
    operator = {"x-user": "olga", "x-roles": "operator"}
    async with serving(Litestar(plugins=[WorkflowPlugin(config)])) as api:
        api.http.headers.update(ann)
        own = await api.started("paid", input_data={"order": "7"})
        to_own = f"/instances/{own['id']}/messages/paid"
        for path, headers, status in (
            ("/messages", stranger, 403),
            ("/messages", ann, 403),
            (to_own, stranger, 404),
            (to_own, ann, 403),
        ):
            body = MESSAGE if path == "/messages" else {}
            refused(await api.http.post(path, json=body, headers=headers), status)
        assert (await api.rest(own))["current_step"] == "paid"
        body = {**MESSAGE, "user_id": "somebody else"}
        refused(await api.http.post("/messages", json=body, headers=operator), 403)
        receipt = (await api.http.post("/messages", json=MESSAGE, headers=operator)).json()
        assert receipt["instance_id"] == own["id"]
        await api.started("called")

    guarded = WorkflowPluginConfig(auto_register_workflows=workflows, api_guards=[nobody])
    jwt = JWTAuth[Actor](retrieve_user_handler=_user_of, token_secret="x" * 32)
    app = Litestar(plugins=[WorkflowPlugin(guarded)], on_app_init=[jwt.on_app_init])
    async with serving(app) as api:
        assert (await api.http.post("/messages", json=MESSAGE)).status_code == 401
        refused(await api.http.post("/webhooks/unknown", json={}), 404)


async def _user_of(token: Token, _: Any) -> Actor:
    return Actor(token.sub)


async def test_an_address_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever goes wrong: it is as good as a password."""

    class Away(MemoryStorage):
        is_away = False

        def unit_of_work(self) -> Any:
            if self.is_away:
                raise StorageError("The database is away.")
            return super().unit_of_work()

    step, storage = Called(), Away()
    config = WorkflowPluginConfig(auto_register_workflows=[chain(step, review())], database=storage)
    async with serving(Litestar(plugins=[WorkflowPlugin(config)], logging_config=None)) as api:
        await api.started()
        storage.is_away = True
        with caplog.at_level(logging.DEBUG):
            refused(await api.http.post(f"/webhooks/{step.tokens[0]}", json={}), 503)
        storage.is_away = False
    assert "/webhooks/{token" in caplog.text
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("workflows")]
    assert ours
    assert not any(step.tokens[0] in line for line in ours)
