"""Every Python snippet is run, and does what the guide says it does."""

import dataclasses
import warnings
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from typing import Any, get_type_hints
from uuid import UUID

import httpx
import pytest
from litestar import Litestar
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency, Provide
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler
from litestar.security.jwt import Token
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

import workflows_litestar.dto
from guide import prepared
from guide.answers import EXTRA_FIELDS
from guide.people import Person, SignedIn
from guide.rst import guide
from guide.snippets import run, with_our_imports
from guide.workflows import MANAGER, ApprovalWorkflow, LateApproval
from tests.servers import Server, until
from workflows_litestar import WorkflowPlugin, WorkflowPluginConfig, WorkflowRegistry
from workflows_sqla import PersistentExecutionEngine

PEOPLE = {
    "alice": Person("alice@example.com"),
    "manager": Person(MANAGER),
    "root": Person("root", roles=["admin"]),
}
SNIPPETS = {block.name: block for block in guide().of("python")}
CHECKED: list[str] = []


def of(name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Say which snippet a test runs."""
    CHECKED.append(name)
    return lambda test: test


def test_that_none_is_left_out() -> None:
    assert list(SNIPPETS) == CHECKED  # in the order of the guide
    assert len(SNIPPETS) == len(guide().of("python")) == 19


def test_that_other_languages_are_run_elsewhere() -> None:
    elsewhere = {"bash", "json", "text", "html", "javascript"}
    assert {block.language for block in guide().blocks} == {"python", *elsewhere}


@pytest.mark.parametrize("name", SNIPPETS)
def test_that_only_import_lines_are_changed(name: str) -> None:
    before = SNIPPETS[name].text.splitlines()
    after = with_our_imports(SNIPPETS[name].text).splitlines()
    assert len(before) == len(after)
    for old, new in zip(before, after, strict=True):
        assert old == new or old.startswith("from "), (old, new)


# Applications


def signed_in(app: Any) -> SignedIn:
    return SignedIn(app, PEOPLE)


def bearer(who: str) -> dict[str, str]:
    return {"authorization": f"Bearer {who}"}


def api_with(config: WorkflowPluginConfig) -> Litestar:
    return Litestar(plugins=[WorkflowPlugin(config=config)])


def operations(server: Server) -> dict[str, Any]:
    """Path and method to what the OpenAPI document says of it."""
    paths = server.client.get("/schema/openapi.json").raise_for_status().json().get("paths", {})
    return {
        f"{method.upper()} {path}": what
        for path, methods in paths.items()
        for method, what in methods.items()
    }


def approve(client: httpx.Client, prefix: str, workflow: str, step: str, form: Mapping[str, Any]) -> Any:
    """Start an instance and bring it up to its next human step, or its end; return it."""
    start = {"definition_name": workflow, "input_data": {"amount": 2500.0}, "user_id": "alice@example.com"}
    response = client.post(f"{prefix}/instances", json=start, headers=bearer("alice"))
    assert response.status_code == 201, response.text
    instance = f"{prefix}/instances/{response.json()['id']}"
    until(
        lambda: client.get(instance, headers=bearer("alice")).json(), lambda now: now["status"] == "waiting"
    )
    (task,) = client.get(f"{prefix}/tasks?status=pending", headers=bearer("manager")).json()
    assert task["step_name"] == step
    done = {"output_data": form, "completed_by": MANAGER}
    response = client.post(f"{prefix}/tasks/{task['id']}/complete", json=done, headers=bearer("manager"))
    assert response.status_code == 201, response.text
    return until(
        lambda: client.get(instance, headers=bearer("alice")).json(), lambda now: now["status"] != "running"
    )


# The snippets, in the order of the guide


@of("Quick Start")
def test_quick_start() -> None:
    with Server(run(SNIPPETS["Quick Start"]).app) as server:
        response = server.client.get("/workflows/definitions")
        assert (response.status_code, response.json()) == (200, [])
        assert "GET /workflows/definitions" in operations(server)


@of("Configuration Options")
def test_configuration_options() -> None:
    async def require_auth_guard(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        if not connection.user:
            raise PermissionDeniedException("Sign in first")

    config = run(SNIPPETS["Configuration Options"], require_auth_guard=require_auth_guard).config
    assert config.enable_api is True
    assert config.api_path_prefix == "/api/v1/workflows"
    assert config.include_api_in_schema is True
    assert list(config.api_guards) == [require_auth_guard]
    assert list(config.api_tags) == ["Workflows"]
    with Server(signed_in(api_with(config))) as server:
        definitions = "/api/v1/workflows/definitions"
        assert server.client.get(definitions).status_code == 403
        assert server.client.get(definitions, headers=bearer("alice")).status_code == 200
        assert server.client.get("/workflows/definitions").status_code == 404


@of("Disabling the API")
def test_disabling_the_api() -> None:
    with Server(run(SNIPPETS["Disabling the API"], Litestar=Litestar).app) as server:
        assert server.client.get("/workflows/definitions").status_code == 404
        assert not [operation for operation in operations(server) if "/workflows" in operation]


@of("Full Setup with Persistence")
def test_full_setup_with_persistence(engines: list[AsyncEngine]) -> None:
    snippet = run(SNIPPETS["Full Setup with Persistence"], ApprovalWorkflow=ApprovalWorkflow)
    assert engines == [snippet.db_engine]
    with Server(snippet.app, engines) as server:
        (definition,) = server.client.get("/api/workflows/definitions").raise_for_status().json()
        assert definition["name"] == "approval"
        instance = approve(
            server.client, "/api/workflows", "approval", "manager_approval", {"approved": True}
        )
        assert instance["current_step"] == "finance_approval"
    # What it wrote is in the database, and a second process with the same code goes on from there.
    again = run(SNIPPETS["Full Setup with Persistence"], ApprovalWorkflow=ApprovalWorkflow)
    with Server(again.app, engines) as server:
        (task,) = server.client.get("/api/workflows/tasks?status=pending").raise_for_status().json()
        assert task["instance_id"] == instance["id"]
        done = {"output_data": {"approved": True}, "completed_by": "finance@example.com"}
        assert server.client.post(f"/api/workflows/tasks/{task['id']}/complete", json=done).status_code == 201
        there = f"/api/workflows/instances/{instance['id']}"
        until(lambda: server.client.get(there).json(), lambda now: now["status"] == "completed")


@of("Basic Authentication Guard")
def test_basic_authentication_guard() -> None:
    block = SNIPPETS["Basic Authentication Guard"]
    config = run(block, WorkflowPluginConfig=WorkflowPluginConfig).config
    with Server(signed_in(api_with(config))) as server:
        response = server.client.get("/api/workflows/definitions")
        assert (response.status_code, response.json()["detail"]) == (401, "Authentication required")
        assert server.client.get("/api/workflows/definitions", headers=bearer("alice")).status_code == 200


@of("Role-Based Admin Guard")
def test_role_based_admin_guard() -> None:
    snippet = run(
        SNIPPETS["Role-Based Admin Guard"],
        ASGIConnection=ASGIConnection,
        BaseRouteHandler=BaseRouteHandler,
        NotAuthorizedException=NotAuthorizedException,
    )
    config = WorkflowPluginConfig(api_guards=[snippet.admin_guard])
    with Server(signed_in(api_with(config))) as server:
        told = {}
        for who in ("nobody", "alice", "root"):
            response = server.client.get("/workflows/definitions", headers=bearer(who))
            told[who] = (response.status_code, response.json())
        assert told["root"] == (200, [])
        assert {who: (status, body["detail"]) for who, (status, body) in told.items() if who != "root"} == {
            "nobody": (401, "Authentication required"),
            "alice": (401, "Admin access required"),
        }


@of("JWT Authentication Example")
def test_jwt_authentication_example() -> None:
    async def retrieve_user_from_token(token: Token, _: ASGIConnection[Any, Any, Any, Any]) -> Any:
        return snippet.User(token.sub, f"{token.sub}@example.com", []) if token.sub == "alice" else None

    snippet = run(
        SNIPPETS["JWT Authentication Example"],
        retrieve_user_from_token=retrieve_user_from_token,
        ASGIConnection=ASGIConnection,
        BaseRouteHandler=BaseRouteHandler,
        NotAuthorizedException=NotAuthorizedException,
    )
    with Server(snippet.app) as server, warnings.catch_warnings():
        # PyJWT rightly says that "your-secret-key" is too short for a secret.
        warnings.filterwarnings("ignore", message=".*HMAC key is .* bytes long")
        tokens = {who: snippet.jwt_auth.create_token(identifier=who) for who in ("alice", "mallory")}
        for headers, status in (
            ({}, 401),
            (bearer("made-up"), 401),
            (bearer(tokens["mallory"]), 401),
            (bearer(tokens["alice"]), 200),
        ):
            response = server.client.get("/workflows/definitions", headers=headers)
            assert response.status_code == status, response.text
            assert status == 200 or response.json()["detail"]


@of("Custom Tags")
def test_custom_tags() -> None:
    config = run(SNIPPETS["Custom Tags"], WorkflowPluginConfig=WorkflowPluginConfig).config
    with Server(api_with(config)) as server:
        found = operations(server)
        assert len(found) >= 13
        assert {frozenset(what["tags"]) for what in found.values()} == {
            frozenset({"Business Processes", "Approvals"})
        }


@of("Excluding from Schema")
def test_excluding_from_schema() -> None:
    config = run(SNIPPETS["Excluding from Schema"], WorkflowPluginConfig=WorkflowPluginConfig).config
    with Server(api_with(config)) as server:
        assert operations(server) == {}
        assert server.client.get("/workflows/definitions").status_code == 200


@of("Per-Environment Configuration")
def test_per_environment_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    for environment, shown in (("development", True), ("production", False)):
        monkeypatch.setenv("ENV", environment)
        block = SNIPPETS["Per-Environment Configuration"]
        config = run(block, WorkflowPluginConfig=WorkflowPluginConfig).config
        with Server(api_with(config)) as server:
            assert bool(operations(server)) is shown
            assert server.client.get("/workflows/definitions").status_code == 200


def same_fields(name: str, **given: Any) -> None:
    """A class of the guide has the fields of ours, with the same names, types and order; ours come last."""
    dto = getattr(run(SNIPPETS[name], dataclass=dataclasses.dataclass, **given), name)
    ours = getattr(workflows_litestar.dto, name)
    printed, found = get_type_hints(dto), list(get_type_hints(ours).items())
    assert found[: len(printed)] == list(printed.items())
    assert {field for field, _ in found[len(printed) :]} == EXTRA_FIELDS.get(name, {}).keys()


@of("StartWorkflowDTO")
def test_start_workflow_dto() -> None:
    same_fields("StartWorkflowDTO", Any=Any)


@of("CompleteTaskDTO")
def test_complete_task_dto() -> None:
    same_fields("CompleteTaskDTO", Any=Any)


@of("WorkflowDefinitionDTO")
def test_workflow_definition_dto() -> None:
    same_fields("WorkflowDefinitionDTO", Any=Any)


@of("WorkflowInstanceDTO")
def test_workflow_instance_dto() -> None:
    same_fields("WorkflowInstanceDTO", UUID=UUID, datetime=datetime)


@of("HumanTaskDTO")
def test_human_task_dto() -> None:
    same_fields("HumanTaskDTO", Any=Any, UUID=UUID, datetime=datetime)


@of("Backend Setup")
def test_backend_setup(engines: list[AsyncEngine]) -> None:
    snippet = run(SNIPPETS["Backend Setup"])
    with Server(signed_in(snippet.app), engines) as server:
        assert server.client.get("/health").json() == {"status": "healthy"}
        for path in ("/api/workflows/tasks", "/api/workflows/definitions/approval/graph"):
            response = server.client.get(path)
            assert (response.status_code, response.json()["detail"]) == (401, "Authentication required")
        ours = [what for path, what in operations(server).items() if "/api/workflows" in path]
        assert len(ours) >= 13
        assert {tuple(what["tags"]) for what in ours} == {("Workflow API",)}
        (definition,) = server.client.get("/api/workflows/definitions", headers=bearer("alice")).json()
        assert definition == {
            "name": "approval",
            "version": "1.0.0",
            "description": "Simple approval workflow",
            "steps": ["submit", "manager_review"],
            "edges": [{"source": "submit", "target": "manager_review", "condition": None}],
            "initial_step": "submit",
            "terminal_steps": ["manager_review"],
        }
        form = {"approved": True, "comments": "Well done"}
        instance = approve(server.client, "/api/workflows", "approval", "manager_review", form)
        assert instance["status"] == "completed"
        assert instance["context_data"] == {"amount": 2500.0, "submitted": True, **form}
        assert [(step["step_name"], step["status"]) for step in instance["step_history"]] == [
            ("submit", "succeeded"),
            ("manager_review", "succeeded"),
        ]


@of("Use Guards Consistently")
def test_use_guards_consistently(monkeypatch: pytest.MonkeyPatch) -> None:
    async def require_auth(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        if not connection.user:
            raise NotAuthorizedException(detail="Authentication required")

    for environment, status in (("development", 200), ("production", 401)):
        monkeypatch.setenv("ENV", environment)
        snippet = run(
            SNIPPETS["Use Guards Consistently"],
            WorkflowPluginConfig=WorkflowPluginConfig,
            require_auth=require_auth,
        )
        with Server(signed_in(api_with(snippet.config))) as server:
            assert server.client.get("/workflows/definitions").status_code == status


@of("Scope Dependencies Properly")
def test_scope_dependencies_properly(engines: list[AsyncEngine]) -> None:
    made: list[AsyncSession] = []
    factory = async_sessionmaker(prepared.create_async_engine("postgresql+asyncpg://localhost/workflows"))

    def session_factory() -> AsyncSession:
        made.append(factory())
        return made[-1]

    block = SNIPPETS["Scope Dependencies Properly"]
    snippet = run(block, AsyncSession=AsyncSession, session_factory=session_factory)
    registry = WorkflowRegistry()
    registry.register_workflow_class(ApprovalWorkflow)

    async def provide_engine(session: NamedDependency[AsyncSession]) -> PersistentExecutionEngine:
        return PersistentExecutionEngine(registry=registry, session=session)

    async def provide_registry() -> WorkflowRegistry:
        return registry

    app = Litestar(
        plugins=[WorkflowPlugin(config=WorkflowPluginConfig())],
        dependencies={
            "session": Provide(snippet.provide_session),
            "workflow_engine": Provide(provide_engine),
            "workflow_registry": Provide(provide_registry),
        },
    )
    with Server(app, engines) as server:
        instance = approve(server.client, "/workflows", "approval", "manager_approval", {"approved": True})
        before = len(made)
        for _ in range(3):
            server.client.get(f"/workflows/instances/{instance['id']}").raise_for_status()
        assert len(made) == before + 3  # each request has its own
        assert len(set(map(id, made))) == len(made)
        until(lambda: [session for session in made if session.in_transaction()], lambda left: not left)


# The handler is the application's own, and Litestar asks its author to write NamedDependency[AsyncSession].
@pytest.mark.filterwarnings("ignore:.*Inferred dependency field 'session'")
@of("Monitor Task Completion")
def test_monitor_task_completion(engines: list[AsyncEngine], postgres_url: str) -> None:
    snippet = run(SNIPPETS["Monitor Task Completion"], AsyncSession=AsyncSession)
    session_factory = async_sessionmaker(
        prepared.create_async_engine("postgresql+asyncpg://localhost/workflows")
    )

    async def provide_session() -> AsyncIterator[AsyncSession]:
        async with session_factory() as session:
            yield session

    config = WorkflowPluginConfig(
        auto_register_workflows=[ApprovalWorkflow, LateApproval],
        database=postgres_url,
    )
    app = Litestar(
        route_handlers=[snippet.task_metrics],
        plugins=[WorkflowPlugin(config=config)],
        dependencies={"session": Provide(provide_session)},
    )
    with Server(app, engines) as server:
        assert server.client.get("/api/metrics/tasks").json() == {"overdue_count": 0, "overdue_tasks": []}
        for workflow in ("approval", "late_approval"):
            assert (
                server.client.post("/workflows/instances", json={"definition_name": workflow}).status_code
                == 201
            )
        tasks = until(lambda: server.client.get("/workflows/tasks").json(), lambda tasks: len(tasks) == 2)
        late = min(tasks, key=lambda task: task["due_date"])
        metrics = server.client.get("/api/metrics/tasks").raise_for_status().json()
        assert metrics["overdue_count"] == 1
        (overdue,) = metrics["overdue_tasks"]
        assert overdue.keys() == {"id", "title", "hours_overdue"}
        assert (overdue["id"], overdue["title"]) == (late["id"], "Manager Approval")
        assert 3 <= overdue["hours_overdue"] < 3.1
