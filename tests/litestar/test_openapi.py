"""Whatever is sent, the answer is one that the OpenAPI document announces, and none says that we failed."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from litestar import Litestar
from schemathesis import Case, GenerationMode
from schemathesis.core.result import Ok

from tests.servers import Server, until
from tests.workflows import Do, chain, review
from workflows_core.context import WorkflowContext
from workflows_core.steps import MessageStep, WebhookStep
from workflows_litestar import WorkflowPlugin, WorkflowPluginConfig

EXAMPLES = settings().max_examples // 12
"""How many requests of each kind are sent to each operation, on each database: 8 by default, 416 in depth."""

STREAMS = ("/events", "/instances/{instance_id}/events")
"""What does not end by itself: see `test_events`."""

Known = Mapping[str, Sequence[str]]
"""Name of a path parameter to values that there are."""


def fail(_: WorkflowContext) -> None:
    raise RuntimeError("out of paper")


class Called(WebhookStep):
    """Notes where to call."""

    def __init__(self) -> None:
        super().__init__("called")
        self.tokens: list[str] = []

    async def on_waiting(self, context: WorkflowContext, callback: str) -> None:
        self.tokens.append(callback)


@pytest.fixture
def called() -> Called:
    return Called()


@pytest.fixture
def server(database_url: str, called: Called) -> Iterator[Server]:
    workflows = [
        chain(Do("submit"), review(), Do("pay")),
        chain(Do("broken", fail), name="broken"),
        chain(called, MessageStep("paid"), review(), name="told"),
    ]
    config = WorkflowPluginConfig(database=database_url, auto_register_workflows=workflows)
    with Server(Litestar(plugins=[WorkflowPlugin(config)])) as server:
        yield server


@pytest.fixture
def known(server: Server, called: Called) -> Known:
    """Instances in every status, with their tasks."""

    def get(path: str) -> Any:
        return server.client.get(f"/workflows{path}").raise_for_status().json()

    def post(path: str, body: Any = None) -> None:
        server.client.post(f"/workflows{path}", json=body).raise_for_status()

    for name in ["example"] * 10 + ["broken"] * 3 + ["told"] * 3:
        post("/instances", {"definition_name": name, "user_id": "alice"})
    tasks = until(lambda: get("/tasks?status=pending"), lambda tasks: len(tasks) == 10)
    post(f"/tasks/{tasks[0]['id']}/complete", {"output_data": {"approved": True}, "completed_by": "bob"})
    post(f"/instances/{tasks[1]['instance_id']}/cancel")
    until(lambda: {each["status"] for each in get("/instances")}, lambda found: "running" not in found)
    assert {each["status"] for each in get("/instances")} == {"waiting", "completed", "canceled", "failed"}
    return {
        "name": ["example", "broken", "paid"],
        "instance_id": [each["id"] for each in get("/instances")],
        "task_id": [each["id"] for each in get("/tasks")],
        "token": called.tokens,
    }


def aimed(case: Case[Any], known: Known, data: st.DataObject) -> None:
    """Have a request mean something that there is, as often as not."""
    for name in case.path_parameters or {}:
        if name == "token" or data.draw(st.booleans()):  # an unknown token is looked for a while
            case.path_parameters[name] = data.draw(st.sampled_from(known[name]))
    if isinstance(case.body, dict) and "definition_name" in case.body and data.draw(st.booleans()):
        case.body["definition_name"] = data.draw(st.sampled_from(known["name"]))


# The thread of the server uses `random` while requests are made up.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
def test_every_answer_is_announced(server: Server, known: Known, subtests: pytest.Subtests) -> None:
    """Requests as the document describes them, and others, to everything in it; some to what there is."""
    document = schemathesis.openapi.from_url(f"{server.url}/schema/openapi.json")
    statuses: set[int] = set()
    for result in document.get_all_operations():
        assert isinstance(result, Ok)
        operation = result.ok()
        if operation.path.endswith(STREAMS):
            continue
        for mode in GenerationMode:

            @settings(
                max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck)
            )
            @given(case=operation.as_strategy(generation_mode=mode), data=st.data())
            def answers(case: Case[Any], data: st.DataObject) -> None:
                aimed(case, known, data)
                # What a form or a state does not allow the document cannot tell.
                refused = [
                    schemathesis.checks.positive_data_acceptance,
                    schemathesis.checks.negative_data_rejection,
                ]
                response = case.call_and_validate(excluded_checks=refused)
                statuses.add(response.status_code)

            with subtests.test(f"{operation.label} {mode}"):
                try:
                    answers()
                except Unsatisfiable:  # there is no wrong way to ask for this
                    assert mode is GenerationMode.NEGATIVE
    assert statuses >= {200, 201, 400, 404, 409}
    assert not {status for status in statuses if status >= 500}
