"""Whatever is sent, the answer is one that the OpenAPI document announces, and none says that we failed."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
import schemathesis
from attrs import frozen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from litestar import Litestar
from schemathesis import Case, GenerationMode
from schemathesis.core.result import Ok

from tests.databases import URLS
from tests.servers import Server, until
from tests.workflows import Do, chain, review
from workflows_core.context import WorkflowContext
from workflows_core.steps import MessageStep, WebhookStep
from workflows_litestar import WorkflowPlugin, WorkflowPluginConfig

EXAMPLES = settings().max_examples // 12
"""How many requests of each kind are sent to each operation: 8 by default, 416 in depth. To make one up takes longer
than to answer it, so all databases are sent the same."""

NAMES = ["example", "broken", "paid"]
"""Of workflows that there are."""

STREAMS = ("/events", "/instances/{instance_id}/events")
"""What does not end by itself: see `test_events`."""


def fail(_: WorkflowContext) -> None:
    raise RuntimeError("out of paper")


class Called(WebhookStep):
    """Notes where to call."""

    def __init__(self) -> None:
        super().__init__("called")
        self.tokens: list[str] = []

    async def on_waiting(self, context: WorkflowContext, callback: str) -> None:
        self.tokens.append(callback)


@frozen
class Office:
    """A server, and what there is on it.

    Attributes:
        database: The kind of its database.
        server: The server.
        known: Name of a path parameter to values that there are.
    """

    database: str
    server: Server
    known: Mapping[str, Sequence[str]]

    def answer(self, case: Case[Any], aims: Mapping[str, int]) -> int:
        """Send a request, and return the status of its answer if that is one that is announced."""
        for name, number in aims.items():
            case.path_parameters[name] = self.known[name][number % len(self.known[name])]
        # What a form or a state does not allow the document cannot tell.
        refused = [schemathesis.checks.positive_data_acceptance, schemathesis.checks.negative_data_rejection]
        try:
            return case.call_and_validate(base_url=self.server.url, excluded_checks=refused).status_code
        except BaseException as error:
            error.add_note(f"On {self.database}.")
            raise


@contextmanager
def serving(database: str, url: str) -> Iterator[Office]:
    """Serve instances in every status, with their tasks."""
    called = Called()
    workflows = [
        chain(Do("submit"), review(), Do("pay")),
        chain(Do("broken", fail), name="broken"),
        chain(called, MessageStep("paid"), review(), name="told"),
    ]
    config = WorkflowPluginConfig(database=url, auto_register_workflows=workflows)
    with Server(Litestar(plugins=[WorkflowPlugin(config)])) as server:
        yield Office(database, server, _fill(server) | {"token": called.tokens})


def _fill(server: Server) -> dict[str, Sequence[str]]:
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
    for number in range(3):
        post(
            "/substitutions",
            {"absent": f"ann {number}", "substitute": "bob", "until": "2099-01-01T00:00:00Z"},
        )
    return {
        "name": NAMES,
        "instance_id": [each["id"] for each in get("/instances")],
        "task_id": [each["id"] for each in get("/tasks")],
        "substitution_id": [each["id"] for each in get("/substitutions")],
    }


@pytest.fixture
def offices(request: pytest.FixtureRequest) -> Iterator[list[Office]]:
    """One on each database."""
    with ExitStack() as stack:
        yield [stack.enter_context(serving(kind, make(request))) for kind, make in URLS.items()]


def aimed(case: Case[Any], data: st.DataObject) -> Mapping[str, int]:
    """Have a request mean something that there is, as often as not; returns which one each path parameter is to name."""
    if isinstance(case.body, dict) and "definition_name" in case.body and data.draw(st.booleans()):
        case.body["definition_name"] = data.draw(st.sampled_from(NAMES))
    return {
        name: data.draw(st.integers(0, 15))
        for name in case.path_parameters or {}
        if name == "token" or data.draw(st.booleans())  # an unknown token is looked for a while
    }


# The threads of the servers use `random` while requests are made up.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
@pytest.mark.parametrize(
    ("mode", "expected"),
    [(GenerationMode.POSITIVE, {200, 201, 400, 404, 409}), (GenerationMode.NEGATIVE, {400})],
)
def test_every_answer_is_announced(
    offices: list[Office], mode: GenerationMode, expected: set[int], subtests: pytest.Subtests
) -> None:
    """Requests as the document describes them, or others, to everything in it; some to what there is."""
    document = schemathesis.openapi.from_url(f"{offices[0].server.url}/schema/openapi.json")
    statuses: dict[str, set[int]] = {office.database: set() for office in offices}
    for result in document.get_all_operations():
        assert isinstance(result, Ok)
        operation = result.ok()
        if operation.path.endswith(STREAMS):
            continue

        @settings(
            max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck)
        )
        @given(case=operation.as_strategy(generation_mode=mode), data=st.data())
        def answers(case: Case[Any], data: st.DataObject) -> None:
            aims = aimed(case, data)
            for office in offices:
                statuses[office.database].add(office.answer(case, aims))

        with subtests.test(operation.label):
            try:
                answers()
            except Unsatisfiable:  # there is no wrong way to ask for this
                assert mode is GenerationMode.NEGATIVE
    for found in statuses.values():
        assert found >= expected
        assert not {status for status in found if status >= 500}
