"""Every script of the guide talks to a real server: the page and the JavaScript."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from litestar import Litestar
from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException
from litestar.handlers import BaseRouteHandler
from sqlalchemy.ext.asyncio import AsyncEngine

from guide.people import Person, SignedIn
from guide.rst import guide
from guide.scripts import NODE, Request, browse, requests_of, scripts_of
from guide.snippets import run
from guide.workflows import MANAGER, ExpenseApproval
from tests.servers import Server, until
from workflows_litestar import WorkflowPlugin, WorkflowPluginConfig

BLOCKS = {block.name: block for block in guide().of("html") + guide().of("javascript")}
UNKNOWN = "00000000-0000-4000-8000-000000000000"
TOKEN = "a-token"
STORAGE = {"auth_token": TOKEN, "user_id": MANAGER}
API = "/api/workflows"

CHECKED: list[str] = []


def of(name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Say which scripts a test runs. Where there is no node, their requests are sent instead."""
    CHECKED.append(name)
    return lambda test: test if NODE else requests_only(name)


@pytest.fixture
def backend() -> Iterator[Server]:
    """An expense API below the path that the scripts use; whoever has the token may use it."""

    async def guard(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        if connection.user is None:
            raise NotAuthorizedException("Please log in")

    yield from serve(API, [guard])


@pytest.fixture
def plain_backend() -> Iterator[Server]:
    """As above, but for the scripts that send no token."""
    yield from serve(API, [])


@pytest.fixture
def root_backend() -> Iterator[Server]:
    """As above, below the default path."""
    yield from serve("/workflows", [])


def serve(prefix: str, guards: list[Any]) -> Iterator[Server]:
    config = WorkflowPluginConfig(
        auto_register_workflows=[ExpenseApproval], api_path_prefix=prefix, api_guards=guards
    )
    app = SignedIn(Litestar(plugins=[WorkflowPlugin(config=config)]), {TOKEN: Person(MANAGER)})
    with Server(app) as server:
        server.client.headers["authorization"] = f"Bearer {TOKEN}"
        yield server


def new_task(server: Server, prefix: str = API, workflow: str = "expense_approval") -> dict[str, Any]:
    """Start an instance and return the task it waits for."""
    start = {"definition_name": workflow, "user_id": "alice@example.com"}
    instance = server.client.post(f"{prefix}/instances", json=start).raise_for_status().json()
    tasks = until(
        lambda: [
            task
            for task in server.client.get(f"{prefix}/tasks?status=pending").raise_for_status().json()
            if task["instance_id"] == instance["id"]
        ],
        bool,
    )
    return dict(tasks[0])


# The scripts, run as they are printed


@of("Rendering in HTML")
def test_rendering_in_html(root_backend: Server) -> None:
    block = BLOCKS["Rendering in HTML"]
    task = new_task(root_backend, "/workflows")
    (script,) = scripts_of(block)
    graph = (
        root_backend.client.get(f"/workflows/instances/{task['instance_id']}/graph").raise_for_status().json()
    )
    page = browse(
        root_backend.url,
        script.replace("550e8400-e29b-41d4-a716-446655440000", task["instance_id"]),
        storage=STORAGE,
    )
    assert page.requests == [["GET", f"/workflows/instances/{task['instance_id']}/graph"]]
    assert page.elements == {"workflow-graph": {"innerHTML": f"<svg>{graph['mermaid_source']}</svg>"}}


@of("Frontend Task Inbox")
def test_frontend_task_inbox(engines: list[AsyncEngine]) -> None:
    # The guide shows it as the page of this very application.
    snippet = run(guide().block("Backend Setup", "python"))
    with Server(SignedIn(snippet.app, {TOKEN: Person(MANAGER)}), engines) as server:
        server.client.headers["authorization"] = f"Bearer {TOKEN}"
        task = new_task(server, workflow="approval")
        page = browse(
            server.url,
            *scripts_of(BLOCKS["Frontend Task Inbox"]),
            ask=f"""(async () => {{
              const id = {task["id"]!r};
              const all = await inbox.loadTasks();
              const one = await inbox.getTask(id);
              let refused = null;
              try {{ await inbox.completeTask(id, {{}}, {MANAGER!r}); }} catch (e) {{ refused = e.message; }}
              const done = await inbox.completeTask(id, {{ approved: true }}, {MANAGER!r});
              return {{ all, one, refused, done }};
            }})()""",
            storage=STORAGE,
        )
        assert page.answer["all"] == [task]
        one = page.answer["one"]  # holds what the task is about besides
        assert {name: one[name] for name in task} == task
        assert page.answer["refused"] == "Failed to complete task"
        assert page.answer["done"]["status"] == "completed"
        instance = f"{API}/instances/{task['instance_id']}"
        until(lambda: server.client.get(instance).json(), lambda now: now["status"] == "completed")
        # What the last lines of the script show when it is loaded.
        assert page.shown == [["console.log", "Pending tasks:", [task]]]
        # Without a token the guard answers, as problem details.
        page = browse(server.url, *scripts_of(BLOCKS["Frontend Task Inbox"]), storage={})
        ((_, _, problem),) = page.shown
        assert (problem["status"], problem["detail"]) == (401, "Authentication required")


@of("Starting Workflows from UI")
def test_starting_workflows_from_ui(backend: Server) -> None:
    data = "{ email: 'alice@example.com', amount: 2500, description: 'Conference attendance' }"
    page = browse(
        backend.url,
        *scripts_of(BLOCKS["Starting Workflows from UI"]),
        ask=f"startExpenseRequest({data})",
        storage=STORAGE,
    )
    assert page.shown == [["showNotification", f"Request submitted! ID: {page.answer['id']}"]]
    instance = backend.client.get(f"{API}/instances/{page.answer['id']}").json()
    assert instance["definition_name"] == "expense_approval"
    assert instance["created_by"] == "alice@example.com"
    assert instance["context_data"]["description"] == "Conference attendance"


@of("Error Handling")
def test_error_handling(plain_backend: Server) -> None:
    code = scripts_of(BLOCKS["Error Handling"])
    task = new_task(plain_backend)["id"]

    def complete(task_id: str, data: str) -> list[list[Any]]:
        ask = f"completeTask({task_id!r}, {data})"
        return browse(plain_backend.url, *code, ask=ask, storage=STORAGE).shown

    ((function, detail),) = complete(task, "{ approved: 'perhaps' }")
    assert function == "showFormErrors"
    assert "approved" in detail
    assert complete(UNKNOWN, "{ approved: true }") == [["showError", "Task no longer exists"]]
    assert complete(task, "{ approved: true }") == [["showSuccess", "Task completed!"]]
    assert complete(task, "{ approved: true }") == [["showError", "Task already completed"]]


# Without node


BODIES: dict[str, Any] = {
    "output_data": {"approved": True},
    "completed_by": MANAGER,
    "definition_name": "expense_approval",
    "input_data": {"requester": "alice@example.com", "amount": 2500, "description": "Conference attendance"},
    "user_id": "alice@example.com",
}


def requests_only(name: str) -> Callable[[Server, Server], None]:
    """A test that sends the requests in the scripts; what these do with the answers stays unchecked."""

    def test_requests_only(plain_backend: Server, root_backend: Server) -> None:
        for one in requests_of(BLOCKS[name]):
            server, prefix = (
                (plain_backend, API) if one.path.startswith(API) else (root_backend, "/workflows")
            )
            task = new_task(server, prefix)
            path = one.path.format(taskId=task["id"], instanceId=task["instance_id"])
            body = {key: BODIES[key] for key in one.keys}
            response = server.client.request(one.method, path, json=body or None)
            assert response.status_code == (201 if one.method == "POST" else 200), response.text

    return test_requests_only


def test_that_none_is_left_out() -> None:
    assert list(BLOCKS) == CHECKED
    assert len(BLOCKS) == len(guide().of("html")) + len(guide().of("javascript")) == 4


def test_that_the_requests_of_the_scripts_are_found() -> None:
    """So that the check without node misses none."""
    found = {name: requests_of(block) for name, block in BLOCKS.items()}
    complete = frozenset({"output_data", "completed_by"})
    assert found == {
        "Rendering in HTML": [Request("GET", "/workflows/instances/{instanceId}/graph")],
        "Frontend Task Inbox": [
            Request("GET", "/api/workflows/tasks?status=pending"),
            Request("GET", "/api/workflows/tasks/{taskId}"),
            Request("POST", "/api/workflows/tasks/{taskId}/complete", complete),
        ],
        "Starting Workflows from UI": [
            Request(
                "POST", "/api/workflows/instances", frozenset({"definition_name", "input_data", "user_id"})
            )
        ],
        "Error Handling": [Request("POST", "/api/workflows/tasks/{taskId}/complete", complete)],
    }
