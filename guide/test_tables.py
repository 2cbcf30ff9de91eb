"""What the guide says in tables and lists is so."""

import ast
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from litestar import Litestar
from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler

from guide.rst import guide
from guide.workflows import MANAGER, ExpenseApproval, FailingWorkflow, ShapesWorkflow
from tests.servers import Server, until
from workflows_core.steps import StepKind
from workflows_litestar import WorkflowPlugin, WorkflowPluginConfig

TABLES = guide().tables
UNKNOWN = "00000000-0000-4000-8000-000000000000"


async def guard(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Refuses who says so in a header: the two refusals that guards have."""
    match connection.headers.get("x-i-am"):
        case "nobody":
            raise NotAuthorizedException("Authentication required")
        case "powerless":
            raise PermissionDeniedException("Only managers may do this")


@pytest.fixture
def client(database: str | None) -> Iterator[httpx.Client]:
    config = WorkflowPluginConfig(
        auto_register_workflows=[ExpenseApproval, FailingWorkflow, ShapesWorkflow],
        api_guards=[guard],
        database=database,
    )
    with Server(Litestar(plugins=[WorkflowPlugin(config=config)])) as server:
        yield server.client


def instance_of(client: httpx.Client, workflow: str) -> str:
    """Start an instance, wait until it rests, and return its path."""
    response = client.post("/workflows/instances", json={"definition_name": workflow})
    assert response.status_code == 201, response.text
    path = f"/workflows/instances/{response.json()['id']}"
    until(lambda: client.get(path).json(), lambda now: now["status"] != "running")
    return path


def task_of(client: httpx.Client, instance: str) -> str:
    """The path of the task that an instance waits for."""
    tasks = client.get("/workflows/tasks?status=pending").json()
    (task,) = [task for task in tasks if instance.endswith(task["instance_id"])]
    return f"/workflows/tasks/{task['id']}"


# Options and operations


def test_the_options_and_their_defaults() -> None:
    config = WorkflowPluginConfig()
    told = {option: ast.literal_eval(default) for option, default, _ in TABLES["Configuration Options"]}
    assert len(told) == 5
    assert {option: getattr(config, option) for option in told} == told


def test_the_operations_and_their_default_tags() -> None:
    groups = [item.partition(":")[0] for item in guide().lists["Default Tags"]]
    assert groups == ["Workflow Definitions", "Workflow Instances", "Human Tasks"]
    with Server(Litestar(plugins=[WorkflowPlugin(config=WorkflowPluginConfig())])) as server:
        paths = server.client.get("/schema/openapi.json").json()["paths"]
    # Names of path parameters are nobody's concern.
    told = {re.sub(r"\{.*?\}", "{}", path): methods for path, methods in paths.items()}
    count = 0
    for group in groups:
        for method, endpoint, _ in TABLES[group]:
            operation = told["/workflows" + re.sub(r"\{.*?\}", "{}", endpoint)][method.lower()]
            assert group in operation["tags"]
            assert ("201" if method == "POST" else "200") in operation["responses"]
            count += 1
    assert count == 13


# Diagrams

COLOURS = dict(
    re.fullmatch(r"(\w+) steps?: .*\((fill:#\w{6})\)", item).groups()  # type: ignore[union-attr]
    for item in guide().lists["Instance Graph with State"]
)
# The row of the guide for each kind of step. The guide knows no messages and no decisions by several: their shapes
# are our own choice.
SHAPES = {kind: kind.value.title() for kind in StepKind if kind not in {StepKind.MESSAGE, StepKind.DECISION}}


def fills(client: httpx.Client, instance: str) -> dict[str, str]:
    """Which step of an instance is drawn in which colour."""
    source = client.get(f"{instance}/graph").raise_for_status().json()["mermaid_source"]
    return dict(re.findall(r"^    style (\S+) (fill:#\w{6})", source, re.MULTILINE))


def test_the_colours(client: httpx.Client) -> None:
    assert set(COLOURS) == {"Completed", "Current", "Failed"}
    waiting, failed = instance_of(client, "expense_approval"), instance_of(client, "failing")
    assert fills(client, waiting) == {"submit": COLOURS["Completed"], "manager_approval": COLOURS["Current"]}
    assert fills(client, failed) == {"submit": COLOURS["Completed"], "broken": COLOURS["Failed"]}


def test_the_shapes(client: httpx.Client) -> None:
    rows = {kind: example for kind, _, example in TABLES["Node Shapes by Step Type"]}
    assert set(SHAPES.values()) == set(rows)
    graph = client.get("/workflows/definitions/shapes/graph").raise_for_status().json()
    lines = graph["mermaid_source"].splitlines()
    kinds = {node["id"]: node["type"] for node in graph["nodes"]}
    for kind, row in SHAPES.items():
        assert f"    {rows[row]}" in lines
        step = re.match(r"\w+", rows[row])
        assert step is not None
        assert kinds[step[0]] == kind


# Errors


def refused_form(client: httpx.Client) -> httpx.Response:
    task = task_of(client, instance_of(client, "expense_approval"))
    body = {"output_data": {"approved": "perhaps"}, "completed_by": MANAGER}
    response = client.post(f"{task}/complete", json=body)
    assert [complaint["pointer"] for complaint in response.json()["errors"]] == ["/output_data/approved"]
    return response


def no_name(client: httpx.Client) -> httpx.Response:
    return client.post("/workflows/instances", json={"input_data": {}})


def nobody(client: httpx.Client) -> httpx.Response:
    return client.get("/workflows/definitions", headers={"x-i-am": "nobody"})


def powerless(client: httpx.Client) -> httpx.Response:
    return client.get("/workflows/tasks", headers={"x-i-am": "powerless"})


def no_workflow(client: httpx.Client) -> httpx.Response:
    return client.get("/workflows/definitions/unknown")


def no_workflow_to_start(client: httpx.Client) -> httpx.Response:
    return client.post("/workflows/instances", json={"definition_name": "unknown"})


def no_instance(client: httpx.Client) -> httpx.Response:
    return client.get(f"/workflows/instances/{UNKNOWN}")


def no_task(client: httpx.Client) -> httpx.Response:
    return client.get(f"/workflows/tasks/{UNKNOWN}")


def completed_twice(client: httpx.Client) -> httpx.Response:
    task = task_of(client, instance_of(client, "expense_approval"))
    body = {"output_data": {"approved": True}, "completed_by": MANAGER}
    assert client.post(f"{task}/complete", json=body).status_code == 201
    return client.post(f"{task}/complete", json=body)


def reassigned_too_late(client: httpx.Client) -> httpx.Response:
    instance = instance_of(client, "expense_approval")
    task = task_of(client, instance)
    assert client.post(f"{instance}/cancel").status_code == 201
    return client.post(f"{task}/reassign", json={"new_assignee": "somebody@example.com"})


def canceled_twice(client: httpx.Client) -> httpx.Response:
    instance = instance_of(client, "expense_approval")
    assert client.post(f"{instance}/cancel").status_code == 201
    return client.post(f"{instance}/cancel")


def retried_without_need(client: httpx.Client) -> httpx.Response:
    return client.post(f"{instance_of(client, 'expense_approval')}/retry")


REFUSALS: dict[str, list[Callable[[httpx.Client], httpx.Response]]] = {
    "400": [refused_form, no_name],
    "401": [nobody],
    "403": [powerless],
    "404": [no_workflow, no_workflow_to_start, no_instance, no_task],
    "409": [completed_twice, reassigned_too_late, canceled_twice, retried_without_need],
}


def test_that_every_status_is_provoked() -> None:
    assert [status for status, _, _ in TABLES["Error Handling"]] == list(REFUSALS)


@pytest.mark.parametrize(
    ("status", "provoke"),
    [(status, provoke) for status, provocations in REFUSALS.items() for provoke in provocations],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_the_statuses(
    status: str, provoke: Callable[[httpx.Client], httpx.Response], client: httpx.Client
) -> None:
    response = provoke(client)
    assert response.status_code == int(status), response.text
    assert response.headers["content-type"].startswith("application/problem+json")
    problem = response.json()
    assert problem["status"] == int(status)
    assert problem.keys() >= {"type", "title", "status", "detail"}
    # A sentence for people: the guide's scripts show it as it is.
    assert re.fullmatch(r"\S+( \S+)+", problem["detail"])
    assert not re.search(r"Traceback|Error\(|<class|object at 0x|\{'", problem["detail"])
