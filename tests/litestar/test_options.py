"""What can be said about the plugin, and what cannot."""

from typing import Any

import pytest
from litestar import Litestar
from litestar.connection import ASGIConnection
from litestar.di import Provide
from litestar.exceptions import (
    ImproperlyConfiguredException,
    NotAuthorizedException,
    PermissionDeniedException,
)
from litestar.handlers import BaseRouteHandler
from litestar.params import FromQuery, QueryParameter

from tests.litestar.conftest import Serve, serving
from tests.litestar.problems import refused
from tests.workflows import Do, chain, review, workflow
from workflows_core.engine import ExecutionEngine, LocalExecutionEngine
from workflows_core.errors import DefinitionConflictError, InvalidDefinitionError, StorageError
from workflows_core.registry import WorkflowRegistry
from workflows_litestar import WorkflowPlugin, WorkflowPluginConfig
from workflows_litestar.controllers import CONTROLLERS

GROUPS = {"Workflow Definitions", "Workflow Instances", "Human Tasks"}


@pytest.fixture
def database() -> None:
    """The plugin's own memory."""


def operations(**options: Any) -> dict[str, Any]:
    """Operation id to what the OpenAPI document says of it."""
    app = Litestar(plugins=[WorkflowPlugin(WorkflowPluginConfig(**options))])
    paths = app.openapi_schema.to_schema().get("paths", {})
    return {
        what["operationId"]: what | {"path": path, "method": method.upper()}
        for path, methods in paths.items()
        for method, what in methods.items()
    }


async def test_without_any_configuration() -> None:
    async with serving(Litestar(plugins=[WorkflowPlugin()])) as api:
        assert await api.get("/definitions") == await api.get("/instances") == await api.get("/tasks") == []


@pytest.mark.parametrize(
    ("prefix", "below"),
    [("/api/v1/approvals", "/api/v1/approvals"), ("/api//x/", "/api/x"), ("/", "")],
)
async def test_another_prefix(prefix: str, below: str) -> None:
    config = WorkflowPluginConfig(api_path_prefix=prefix, auto_register_workflows=[chain(review())])
    async with serving(Litestar(plugins=[WorkflowPlugin(config)]), below) as api:
        assert (await api.started())["status"] == "waiting"
        if below:
            assert (await api.http.get("http://test/workflows/definitions")).status_code == 404


async def test_guards_stand_before_everything(serve: Serve) -> None:
    """They see every request first, and what they refuse is answered as their exception says.

    But for calls from outside, whose callers are nobody's users, and for the question whether all is well.
    """
    asked: list[str] = []

    async def guard(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        asked.append(connection.url.path)
        match connection.headers.get("x-i-am"):
            case "nobody":
                raise NotAuthorizedException("Please log in.", headers={"www-authenticate": "Bearer"})
            case "powerless":
                raise PermissionDeniedException("Only managers may do this.")

    api = await serve(chain(review()), api_guards=[guard])
    open_ones = {"call_webhook", "get_workflow_health"}
    guarded = {name: what for name, what in operations().items() if name not in open_ones}
    for what in guarded.values():
        path = what["path"].removeprefix("/workflows").replace("{name}", "x")
        for who, status in (("nobody", 401), ("powerless", 403)):
            # Nothing of this could be understood: the guard is asked before.
            response = await api.http.request(what["method"], path, headers={"x-i-am": who}, content=b"{")
            problem = refused(response, status)
            assert problem["type"] == "about:blank"
            assert problem["detail"] in {"Please log in.", "Only managers may do this."}
            assert ("www-authenticate" in response.headers) == (status == 401)
    assert len(asked) == 2 * len(guarded)
    assert (await api.http.post("/webhooks/x", content=b"{", headers={"x-i-am": "nobody"})).status_code == 415
    assert await api.get("/definitions")


def test_the_operations_and_their_groups() -> None:
    found = operations()
    groups = [set(what["tags"]) - {"Workflows"} for what in found.values()]
    assert all(len(group) == 1 for group in groups)
    assert set().union(*groups) == set(CONTROLLERS) >= GROUPS
    assert all("Workflows" in what["tags"] for what in found.values())


def test_other_tags_stand_alone() -> None:
    tags = {tuple(what["tags"]) for what in operations(api_tags=["Approvals", "Business"]).values()}
    assert tags == {("Approvals", "Business")}


async def test_out_of_the_schema(serve: Serve) -> None:
    assert operations(include_api_in_schema=False) == {}
    api = await serve(include_api_in_schema=False)
    assert await api.get("/definitions") == []


async def test_without_the_api() -> None:
    app = Litestar(plugins=[WorkflowPlugin(WorkflowPluginConfig(enable_api=False))])
    async with serving(app) as api:
        assert (await api.http.get("/definitions")).status_code == 404


async def test_parameters_of_the_application_are_known() -> None:
    """What its layers or its providers read from the query may be sent."""

    async def provide_engine(trace: FromQuery[str] = "") -> ExecutionEngine:
        traces.append(trace)
        return engine

    traces: list[str] = []
    engine = LocalExecutionEngine(WorkflowRegistry())
    app = Litestar(
        plugins=[WorkflowPlugin()],
        dependencies={"workflow_engine": Provide(provide_engine)},
        parameters={"api_key": QueryParameter(annotation=str, required=False)},
    )
    async with serving(app) as api:
        assert await api.get("/instances", trace="t1", api_key="k") == []
        refused(await api.http.get("/instances?tracing=t1"), 400)
    assert traces == ["t1"]


async def test_errors_of_the_application_stay_its_own() -> None:
    """Outside of the API nothing is answered differently; inside, an application's error page has no place."""

    def page(*_: Any) -> Any:
        raise AssertionError

    app = Litestar(plugins=[WorkflowPlugin()], exception_handlers={404: page, 400: page})
    async with serving(app) as api:
        refused(await api.http.get("/definitions/unknown"), 404)
    async with serving(Litestar(plugins=[WorkflowPlugin()])) as api:
        outside = await api.http.get("http://test/elsewhere")
    assert (outside.status_code, outside.json()["detail"]) == (404, "Not Found")


async def test_a_failure_says_nothing_about_the_inside(caplog: pytest.LogCaptureFixture) -> None:
    """The log has the details."""

    async def guard(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        raise RuntimeError("the password is 1234")

    plugin = WorkflowPlugin(WorkflowPluginConfig(api_guards=[guard]))
    async with serving(Litestar(plugins=[plugin], logging_config=None)) as api:
        problem = refused(await api.http.get("/definitions"), 500)
    assert "1234" not in str(problem)
    assert any("1234" in str(record.exc_info) for record in caplog.records)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"api_path_prefix": "workflows"}, "slash"),
        ({"api_path_prefix": "/{tenant:str}"}, "slash"),
        ({"api_path_prefix": "/a b"}, "slash"),
        ({"api_path_prefix": None}, "slash"),
        ({"api_guards": "auth"}, "list"),
        ({"api_guards": ["auth"]}, "not a function"),
        ({"api_guards": 7}, "list"),
        ({"api_tags": "Workflows"}, "list"),
        ({"api_tags": [""]}, "not a name"),
        ({"auto_register_workflows": [int]}, "get_definition"),
    ],
)
def test_what_cannot_work_is_refused_at_once(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ImproperlyConfiguredException, match=told):
        WorkflowPluginConfig(**options)


def test_workflows_that_cannot_be_registered() -> None:
    """The error is the registry's own, and comes before anything is served."""
    with pytest.raises(DefinitionConflictError):
        WorkflowPlugin(WorkflowPluginConfig(auto_register_workflows=[chain(review()), chain(Do("other"))]))
    with pytest.raises(InvalidDefinitionError):
        WorkflowPlugin(
            WorkflowPluginConfig(auto_register_workflows=[workflow(review(), edges=[], ends={"unknown"})])
        )


def test_a_registry_to_use() -> None:
    registry = WorkflowRegistry()
    plugin = WorkflowPlugin(
        WorkflowPluginConfig(registry=registry, auto_register_workflows=[chain(review())])
    )
    assert plugin.registry is registry
    assert [each.name for each in registry.list_definitions()] == ["example"]


@pytest.mark.parametrize("database", ["mysql://localhost/x", "workflows.db", 7, "sqlite+aiosqlite://"])
def test_a_database_nobody_knows(database: object) -> None:
    """It is refused before anything is served, with what would do."""
    with pytest.raises(StorageError, match=r"sqlite\+aiosqlite:///workflows\.db"):
        Litestar(plugins=[WorkflowPlugin(WorkflowPluginConfig(database=database))])


def test_every_answer_is_documented() -> None:
    """Problems by their schema, and what is sent by what is refused."""
    document = Litestar(plugins=[WorkflowPlugin()]).openapi_schema.to_schema()
    for methods in document["paths"].values():
        for what in methods.values():
            for status, answer in what["responses"].items():
                problem = int(status) >= 400
                usual = {"application/json"}
                if what["operationId"].startswith("stream"):
                    usual = {"text/event-stream"}
                elif what["operationId"].endswith("_graph"):
                    usual.add("image/svg+xml")
                kinds = {"application/problem+json"} if problem else usual
                kinds = set() if status in {"204", "304"} else kinds
                assert set(answer.get("content", ())) == kinds
                assert answer["description"]
                if problem:
                    assert answer["content"]["application/problem+json"]["schema"] == {
                        "$ref": "#/components/schemas/Problem"
                    }
    for name, schema in document["components"]["schemas"].items():
        if name in {"StartWorkflowDTO", "CompleteTaskDTO", "ReassignTaskDTO"}:
            assert schema["additionalProperties"] is False
            assert all(each.get("description") for each in schema["properties"].values())
