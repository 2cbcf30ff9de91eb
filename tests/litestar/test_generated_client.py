"""A Python client that is generated from the OpenAPI document works against a running server."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any, Final

import pytest
from litestar import Litestar

from tests.litestar.people import by_header
from tests.servers import Server
from tests.workflows import Do, chain, review
from workflows_litestar import WorkflowPlugin, WorkflowPluginConfig

PACKAGE: Final = "workflows_client"
OPTIONS: Final = (
    "--path=openapi.json",
    "--config=config.yml",
    "--meta=none",
    f"--output-path={PACKAGE}",
    "--fail-on-warning",
)


@pytest.fixture
def server() -> Iterator[Server]:
    expense = chain(Do("submit"), review(assignee_key="decider"), Do("pay"), name="expense")
    config = WorkflowPluginConfig(auto_register_workflows=[expense], identify=by_header)
    with Server(Litestar(plugins=[WorkflowPlugin(config)])) as server:
        yield server


@pytest.fixture
def document(server: Server) -> Any:
    return server.client.get("/schema/openapi.json").raise_for_status().json()


@pytest.fixture
def generated(document: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mapping[str, Any]]:
    """The modules of the client, by the last part of their names."""
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    (tmp_path / "config.yml").write_text("post_hooks: []")  # nobody reads it: it need not look well
    made = subprocess.run(
        [sys.executable, "-m", "openapi_python_client", "generate", *OPTIONS],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    monkeypatch.syspath_prepend(tmp_path)
    package = import_module(PACKAGE)
    names = [each.name for each in walk_packages(package.__path__, f"{PACKAGE}.")]
    yield {name.rpartition(".")[2]: import_module(name) for name in names}
    for name in [PACKAGE, *names]:
        del sys.modules[name]


def test_a_generated_client_drives_an_approval(
    generated: Mapping[str, Any], document: Any, server: Server
) -> None:
    operations = [each["operationId"] for path in document["paths"].values() for each in path.values()]
    assert generated.keys() >= {*operations}

    def do(operation: str, who: str, *place: Any, **options: Any) -> Any:
        with generated["client"].Client(base_url=server.url, headers={"x-user": who}) as client:
            return generated[operation].sync(*place, client=client, **options)

    models = generated["models"]
    data = models.StartWorkflowDTOInputDataType0.from_dict({"decider": "bob", "amount": 2500.0})
    body = models.StartWorkflowDTO(definition_name="expense", input_data=data)
    started = do("start_workflow", "ann", body=body, wait=30, idempotency_key="once")
    assert (started.status, started.current_step, started.created_by) == ("waiting", "review", "ann")
    assert do("start_workflow", "ann", body=body, wait=30, idempotency_key="once").id == started.id

    (task,) = do("list_human_tasks", "bob", mine=True, status=models.TaskStatus.PENDING)
    assert (task.instance_id, task.assignee, task.due_date) == (started.id, "bob", None)
    assert task.form_schema.to_dict()["required"] == ["approved"]

    def decision(**form: Any) -> Any:
        return models.CompleteTaskDTO(output_data=models.CompleteTaskDTOOutputData.from_dict(form))

    refused = do("complete_human_task", "bob", task.id, body=decision(approved="perhaps"))
    assert isinstance(refused, models.Problem)
    assert [each.pointer for each in refused.errors] == ["/output_data/approved"]
    completed = do("complete_human_task", "bob", task.id, body=decision(approved=True), wait=30)
    assert (completed.status, completed.completed_by, completed.instance.status) == (
        "completed",
        "bob",
        "completed",
    )

    instance = do("get_workflow_instance", "ann", started.id)
    given = {"decider": "bob", "amount": 2500.0, "approved": True}
    assert instance.context_data.to_dict() == {**given, "submit": 1, "pay": 1}
    assert [each.step_name for each in instance.step_history] == ["submit", "review", "pay"]
    assert do("get_workflow_instance", "eve", started.id).status == 404
