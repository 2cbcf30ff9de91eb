"""Who may use which route: every operation of the document has a row, and every row is tried by everybody.

What somebody may not see is 404, as if it were not there; what they see and may not do is 403; what is not possible now is
409 to those who may.
"""

from collections.abc import AsyncIterator
from typing import Any, Final, NamedTuple

import pytest
from litestar import Litestar

from tests.litestar.conftest import Answer, Api, serving
from tests.litestar.people import Person, by_header
from tests.workflows import Do, chain, review
from workflows_litestar import WorkflowPlugin, WorkflowPluginConfig

PEOPLE: Final[dict[str, dict[str, str]]] = {
    "stranger": {"name": "eve", "tenant": "acme"},
    "starter": {"name": "alice", "tenant": "acme"},
    "assignee": {"name": "bob", "tenant": "acme"},
    "operator": {"name": "olga", "roles": "operator", "tenant": "acme"},
    "outsider": {"name": "mallory", "roles": "operator", "groups": "board", "tenant": "other"},
}


class Row(NamedTuple):
    """The status that each of `PEOPLE` gets, in that order, and the body they send."""

    statuses: tuple[int, int, int, int, int]
    body: Any = None


ANYBODY = Row((200, 200, 200, 200, 200))
WHO_SEES = Row((404, 200, 200, 200, 404))
STREAM: Final = None
"""It does not end: `test_events` says who hears what."""

ROWS: Final[dict[str, Row | None]] = {
    "list_workflow_definitions": ANYBODY,
    "get_workflow_definition": ANYBODY,
    "get_workflow_definition_graph": ANYBODY,
    "list_workflow_definition_versions": ANYBODY,
    "validate_workflow_definition": ANYBODY,
    "get_workflow_definition_schema": ANYBODY,
    "get_workflow_health": ANYBODY,
    # Lists and counts are for everybody, and hold what they may see: see below.
    "list_workflow_instances": ANYBODY,
    "list_human_tasks": ANYBODY,
    "get_workflow_statistics": ANYBODY,
    "stream_workflow_events": STREAM,
    "stream_workflow_instance_events": STREAM,
    "start_workflow": Row((201, 201, 201, 201, 201), {"definition_name": "example"}),
    # Instances
    "get_workflow_instance": WHO_SEES,
    "explain_workflow_instance": WHO_SEES,
    "get_workflow_instance_graph": WHO_SEES,
    "get_workflow_instance_history": WHO_SEES,
    "list_workflow_instance_tasks": WHO_SEES,
    "cancel_workflow_instance": Row((404, 403, 403, 201, 404)),
    "retry_workflow_instance": Row((404, 403, 403, 409, 404)),
    "resume_workflow_instance": Row((404, 403, 403, 409, 404)),
    "suspend_workflow_instance": Row((404, 403, 403, 201, 404), {"reason": "fraud?"}),
    "skip_workflow_step": Row((404, 403, 403, 201, 404), {"step": "review", "reason": "he is ill"}),
    "move_workflow_instance": Row((404, 403, 403, 201, 404), {"target": "begin", "reason": "once more"}),
    # Messages
    "publish_message": Row((403, 403, 403, 202, 202), {"name": "paid", "correlation_key": "7"}),
    "send_message_to_workflow_instance": Row((404, 403, 403, 404, 404), {}),  # nothing waits for it
    "call_webhook": Row((404, 404, 404, 404, 404), {}),  # whoever knows the address may
    # Tasks
    "get_human_task": WHO_SEES,
    "explain_human_task": WHO_SEES,
    "get_human_task_history": WHO_SEES,
    "claim_human_task": Row((404, 403, 403, 403, 404), {}),  # it is assigned
    "unclaim_human_task": Row((404, 403, 409, 409, 404), {}),
    "complete_human_task": Row((404, 403, 201, 403, 404), {"output_data": {"approved": True}}),
    "save_human_task_draft": Row((404, 403, 200, 403, 404), {"data": {"comments": "well"}}),
    "delegate_human_task": Row((404, 403, 201, 403, 404), {"to": "carl"}),
    "resolve_human_task": Row((404, 403, 409, 409, 404), {}),
    "request_information": Row((404, 403, 201, 403, 404), {"question": "why?"}),
    "answer_question": Row((404, 403, 409, 403, 404), {"answer": "because"}),
    "withdraw_question": Row((404, 403, 403, 409, 404), {}),
    "comment_on_human_task": Row((404, 201, 201, 201, 404), {"text": "hello"}),
    "reassign_human_task": Row((404, 403, 403, 201, 404), {"new_assignee": "carl"}),
    "update_human_task": Row((404, 403, 403, 200, 404), {"priority": 3}),
    # Substitutions: people name their own; for others operators do, of those that they know in their tenant.
    "list_substitutions": ANYBODY,
    "add_substitution": Row(
        (403, 403, 201, 201, 201), {"absent": "bob", "substitute": "carl", "until": "9000-01-01T00:00:00Z"}
    ),
    "end_substitution": Row((404, 404, 200, 200, 404)),
    # What each may do with each task is told item by item: see below.
    "change_human_tasks": Row((201, 201, 201, 201, 201), {"action": "claim", "task_ids": ["{task_id}"]}),
}


def application() -> Litestar:
    workflow = chain(Do("begin"), review(assignee_key="reviewer"), Do("end"))
    config = WorkflowPluginConfig(auto_register_workflows=[workflow], identify=by_header)
    return Litestar(plugins=[WorkflowPlugin(config)], logging_config=None)


OPERATIONS: Final = {
    operation.operation_id: (method.upper(), path.removeprefix("/workflows"))
    for path, item in (application().openapi_schema.paths or {}).items()
    for method in ("get", "post", "put", "patch", "delete")
    if (operation := getattr(item, method)) is not None
}


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with serving(application()) as api:
        yield api


@pytest.fixture
def people(api: Api) -> dict[str, Person]:
    return {who: Person(api, **person) for who, person in PEOPLE.items()}


async def begun(people: dict[str, Person]) -> tuple[Answer, Answer]:
    """Start an instance, and return it with the task that it waits for."""
    instance = await people["starter"].start(reviewer="bob")
    return instance, await people["starter"].task(instance)


def test_every_operation_has_a_row() -> None:
    assert OPERATIONS.keys() == ROWS.keys()


@pytest.mark.parametrize("operation", [name for name, row in ROWS.items() if row is not STREAM])
async def test_everybody_gets_what_the_row_says(people: dict[str, Person], operation: str) -> None:
    method, path = OPERATIONS[operation]
    row = ROWS[operation]
    assert row is not None
    for (who, person), status in zip(people.items(), row.statuses, strict=True):
        instance, task = await begun(people)
        names = {
            "instance_id": instance["id"],
            "task_id": task["id"],
            "name": "example" if "definitions" in path else "paid",
            "token": "no-such-token",
        }
        if "{substitution_id}" in path:
            named = {"substitute": "carl", "until": "9000-01-01T00:00:00Z"}
            names["substitution_id"] = (await people["assignee"].post("/substitutions", named))["id"]
        body = {
            key: [each.format(**names) for each in value] if isinstance(value, list) else value
            for key, value in (row.body or {}).items()
        }
        response = await person.send(method, path.format(**names), None if row.body is None else body)
        assert response.status_code == status, (who, response.text)
        if status == 404:  # not even that there is such a thing
            assert "alice" not in response.text
            assert "bob" not in response.text


@pytest.mark.parametrize("who", PEOPLE)
async def test_lists_and_counts_hold_what_somebody_may_see(people: dict[str, Person], who: str) -> None:
    instance, task = await begun(people)
    sees = who not in {"stranger", "outsider"}
    person = people[who]
    assert [each["id"] for each in await person.get("/instances")] == [instance["id"]] * sees
    assert [each["id"] for each in await person.get("/tasks")] == [task["id"]] * sees
    response = await person.send("GET", "/tasks", params={"total": True})
    assert response.headers["x-total-count"] == str(int(sees))
    counted = await person.get("/stats")
    assert (sum(counted["instances"].values()), counted["open_tasks"]) == (sees, sees)


async def test_what_is_done_in_bulk_is_checked_item_by_item(people: dict[str, Person]) -> None:
    instance, task = await begun(people)
    body = {"action": "complete", "task_ids": [task["id"]], "output_data": {"approved": True}}
    for who, status in (("stranger", 404), ("outsider", 404), ("operator", 403), ("starter", 403)):
        response = await people[who].send("POST", "/tasks/bulk", body)
        assert [(each["task"], each["problem"]["status"]) for each in response.json()] == [(None, status)]
    assert (await people["starter"].get(f"/instances/{instance['id']}"))["status"] == "waiting"
