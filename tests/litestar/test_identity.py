"""Who makes a request: the principal, and nobody whom a body names."""

import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from uuid import UUID

import pytest
from litestar import Litestar, Request, get, post
from litestar.connection import ASGIConnection
from litestar.exceptions import ImproperlyConfiguredException, NotAuthorizedException
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult
from litestar.middleware.session.server_side import ServerSideSessionBackend, ServerSideSessionConfig
from litestar.params import JSONBody
from litestar.security.jwt import JWTAuth, Token
from litestar.security.session_auth import SessionAuth
from litestar.types import Guard

from tests.litestar.conftest import Api, serving
from tests.litestar.problems import refused
from tests.workflows import chain, review
from workflows_core import errors
from workflows_core.engine import ExecutionEngine
from workflows_litestar import Actor, WorkflowPlugin, WorkflowPluginConfig
from workflows_litestar.dependencies import Engine
from workflows_litestar.identity import NO_IDENTITY, Acting, actor_from
from workflows_litestar.problems import KINDS

SECRET = "no secret, but 32 characters long"


@dataclass
class User:
    id: str
    roles: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    tenant_id: str | None = None


def by_header(connection: ASGIConnection[Any, Any, Any, Any]) -> Actor | None:
    """Believe a header: what an application does behind a proxy that signs people in."""
    name = connection.headers.get("x-user")
    return None if name is None else Actor(name, tenant_id=connection.headers.get("x-tenant"))


async def later(connection: ASGIConnection[Any, Any, Any, Any]) -> Actor | None:
    return by_header(connection)


def app_with(*, guards: list[Guard] | None = None, identify: Any = by_header, **options: Any) -> Litestar:
    config = WorkflowPluginConfig(
        auto_register_workflows=[chain(review(assignee_key="reviewer"))],
        identify=identify,
        api_guards=guards or [],
    )
    return Litestar(plugins=[WorkflowPlugin(config)], logging_config=None, **options)


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with serving(app_with()) as api:
        api.http.headers["x-user"] = "alice"
        yield api


def as_user(name: str, tenant: str | None = None) -> dict[str, str]:
    return {"x-user": name} | ({} if tenant is None else {"x-tenant": tenant})


# Bodies


async def test_who_starts_is_the_principal(api: Api) -> None:
    for body in ({}, {"user_id": "alice"}, {"user_id": None}, {"user_id": ""}):
        assert (await api.start(**body))["created_by"] == "alice"


async def test_the_tenant_is_that_of_the_principal(api: Api) -> None:
    api.http.headers["x-tenant"] = "acme"
    for body in ({}, {"tenant_id": "acme"}):
        assert (await api.start(**body))["tenant_id"] == "acme"
    refused(await api.http.post("/instances", json={"definition_name": "example", "tenant_id": "other"}), 403)
    del api.http.headers["x-tenant"]
    refused(await api.http.post("/instances", json={"definition_name": "example", "tenant_id": "acme"}), 403)


async def test_somebody_else_in_a_body_is_refused_and_changes_nothing(api: Api) -> None:
    started = await api.start(input_data={"reviewer": "alice"})
    task = await api.task(started)
    before = await api.get("/instances"), await api.get("/tasks")

    complete = {"output_data": {"approved": True}, "completed_by": "bob"}
    for path, body in (
        ("/instances", {"definition_name": "example", "user_id": "bob"}),
        (f"/tasks/{task['id']}/complete", complete),
    ):
        problem = refused(await api.http.post(path, json=body), 403)
        assert problem["type"] == "urn:workflows:problem:not-permitted"
        assert "bob" in problem["detail"]
        assert "You act in the name of alice. Leave the name out." in problem["detail"]
    assert before == (await api.get("/instances"), await api.get("/tasks"))


async def test_who_completes_is_the_principal(api: Api) -> None:
    task = await api.task(await api.start(input_data={"reviewer": "alice"}))
    done = await api.post(f"/tasks/{task['id']}/complete", {"output_data": {"approved": True}})
    assert done["completed_by"] == "alice"


async def test_what_is_with_somebody_else_is_theirs(api: Api) -> None:
    """The one who started it sees the task, and may not do it."""
    task = await api.task(await api.start(input_data={"reviewer": "bob"}))
    body = {"output_data": {"approved": True}}
    problem = refused(await api.http.post(f"/tasks/{task['id']}/complete", json=body), 403)
    assert "bob" in problem["detail"]
    response = await api.http.post(f"/tasks/{task['id']}/complete", json=body, headers=as_user("bob"))
    assert response.json()["completed_by"] == "bob"


# Who somebody is


@pytest.mark.parametrize("identify", [by_header, later])
async def test_who_is_not_known_is_refused_everywhere(identify: Any) -> None:
    app = app_with(identify=identify)
    async with serving(app) as api:
        paths = app.openapi_schema.to_schema()["paths"]
        for path, methods in paths.items():
            if path.startswith("/workflows/webhooks"):
                continue  # whoever calls has the token
            for method in methods:
                url = path.removeprefix("/workflows").replace("{name}", "example")
                response = await api.http.request(method, url, content=b"{")
                if path.endswith("/health"):
                    continue
                problem = refused(response, 401)
                assert "Sign in" in problem["detail"]


async def test_guards_come_first() -> None:
    def guard(*_: Any) -> None:
        raise NotAuthorizedException("Closed.")

    async with serving(app_with(guards=[guard])) as api:
        assert refused(await api.http.get("/tasks"), 401)["detail"] == "Closed."


async def test_handlers_of_the_application_may_ask() -> None:
    @get("/me")
    async def me(workflow_actor: Acting, workflow_engine: Engine) -> str:
        assert isinstance(workflow_engine, ExecutionEngine)
        assert workflow_actor is not None
        return workflow_actor.user_id or ""

    async with serving(app_with(route_handlers=[me])) as api:
        response = await api.http.get("http://test/me", headers=as_user("alice"))
        assert (response.status_code, response.text) == (200, "alice")
        assert (await api.http.get("http://test/me")).status_code == 401


@pytest.mark.parametrize("answer", ["alice", 7, Actor.trusted("alice")])
async def test_an_answer_that_is_no_principal_is_our_fault(answer: object) -> None:
    """Nobody gets in by mistake."""
    async with serving(app_with(identify=lambda _: answer)) as api:
        refused(await api.http.get("/tasks"), 500)


class Colour(Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("user", "actor"),
    [
        (User("ann", ["clerk"], ["finance"], "acme"), Actor("ann", ["finance"], ["clerk"], "acme")),
        ({"id": 7, "roles": "clerk"}, Actor("7", roles=["clerk"])),
        ({"id": UUID(int=1), "email": "x@y"}, Actor(str(UUID(int=1)))),
        ({"sub": "ann", "name": "Ann", "groups": None}, Actor("ann")),
        ({"id": "", "email": "ann@acme"}, Actor("ann@acme")),
        ({"name": "ann", "tenant_id": 3}, Actor("ann", tenant_id="3")),
        (
            {"id": "ann", "roles": [Colour.RED, User("x"), {"name": "clerk"}, None]},
            Actor("ann", roles=["red", "clerk"]),
        ),
        ("ann", Actor("ann")),
    ],
)
def test_the_usual_users(user: object, actor: Actor) -> None:
    assert actor_from(user) == actor


@pytest.mark.parametrize("user", [{}, object(), {"id": None, "age": 7}, {"id": True}, ""])
def test_a_user_without_a_name(user: object) -> None:
    with pytest.raises(ImproperlyConfiguredException, match="identify="):
        actor_from(user)


def test_identify_must_be_a_function() -> None:
    with pytest.raises(ImproperlyConfiguredException, match="identify"):
        WorkflowPluginConfig(identify="alice")  # type: ignore[arg-type]


# Authentication of Litestar


class ByHeader(AbstractAuthenticationMiddleware):
    async def authenticate_request(
        self, connection: ASGIConnection[Any, Any, Any, Any]
    ) -> AuthenticationResult:
        name = connection.headers.get("x-user")
        return AuthenticationResult(None if name is None else User(name), None)


async def test_a_middleware_that_authenticates() -> None:
    """Whoever it lets through without a user is still not known."""
    async with serving(app_with(identify=None, middleware=[ByHeader])) as api:
        response = await api.http.post(
            "/instances", json={"definition_name": "example"}, headers=as_user("ann")
        )
        assert response.json()["created_by"] == "ann"
        refused(await api.http.get("/instances"), 401)


async def test_tokens() -> None:
    async def find(token: Token, _: ASGIConnection[Any, Any, Any, Any]) -> User:
        return User(token.sub)

    auth = JWTAuth[User](retrieve_user_handler=find, token_secret=SECRET, exclude=["/workflows/definitions"])
    async with serving(app_with(identify=None, on_app_init=[auth.on_app_init])) as api:
        headers = {"authorization": auth.format_auth_header(auth.create_token("ann"))}
        response = await api.http.post("/instances", json={"definition_name": "example"}, headers=headers)
        assert response.json()["created_by"] == "ann"
        assert (await api.http.get("/instances")).status_code == 401
        refused(await api.http.get("/definitions"), 401)  # what it leaves out is not open to everybody


async def test_sessions() -> None:
    async def find(session: dict[str, Any], _: ASGIConnection[Any, Any, Any, Any]) -> User | None:
        return User(session["user"]) if "user" in session else None

    auth = SessionAuth[User, ServerSideSessionBackend](
        retrieve_user_handler=find,
        session_backend_config=ServerSideSessionConfig(secure=False),
        exclude=["/login"],
    )

    @post("/login")
    async def login(data: JSONBody[dict[str, str]], request: Request[Any, Any, Any]) -> None:
        request.set_session({"user": data["name"]})

    app = app_with(identify=None, on_app_init=[auth.on_app_init], route_handlers=[login])
    async with serving(app) as api:
        assert (await api.http.get("/instances")).status_code == 401
        (await api.http.post("http://test/login", json={"name": "ann"})).raise_for_status()
        assert (await api.start())["created_by"] == "ann"


# Development


async def test_that_nobody_is_known_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(app_with(identify=None)) as api:
        await api.start(user_id="anybody")
        await api.start(user_id="somebody")
        assert [record.message for record in caplog.records].count(NO_IDENTITY) == 1
        assert next(each for each in caplog.records if each.message == NO_IDENTITY).levelno == logging.WARNING
    caplog.clear()
    async with serving(app_with()), serving(app_with(identify=None, middleware=[ByHeader])):
        assert NO_IDENTITY not in caplog.text


async def test_without_an_identity_bodies_are_believed() -> None:
    async with serving(app_with(identify=None)) as api:
        started = await api.start(user_id="alice", tenant_id="acme")
        assert (started["created_by"], started["tenant_id"]) == ("alice", "acme")
        assert (await api.complete(await api.task(started)))["completed_by"] == "bob"


# Errors


def test_every_error_of_the_core_has_an_answer() -> None:
    """Those without a row are our own fault, wherever they come from."""
    ours = {errors.WorkflowError, errors.InvalidDefinitionError, errors.NoPathError}
    found = {
        each
        for each in vars(errors).values()
        if isinstance(each, type) and issubclass(each, errors.WorkflowError)
    }
    assert found - ours == KINDS.keys()


def test_what_is_refused_is_announced() -> None:
    """Each status of the table is one that the OpenAPI document knows."""
    document = app_with().openapi_schema.to_schema()
    announced = {
        status
        for methods in document["paths"].values()
        for what in methods.values()
        for status in what["responses"]
    }
    assert {str(kind.status) for kind in KINDS.values()} <= announced
