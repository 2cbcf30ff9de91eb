"""What is refused, with which status and which words; and that nothing changes then."""

from typing import Any

import pytest

from tests.litestar.conftest import Api, Serve
from tests.litestar.problems import places, refused
from tests.workflows import Do, chain, review

UNKNOWN = "00000000-0000-4000-8000-000000000000"
JSON = {"content-type": "application/json"}
START = {"definition_name": "example"}
COMPLETE = {"output_data": {"approved": True}, "completed_by": "bob"}


@pytest.fixture
async def api(serve: Serve) -> Api:
    """An API with one instance that waits for a review."""
    schema: Any = {"type": "object", "properties": {"amount": {"type": "number", "minimum": 1}}}
    return await serve(
        chain(review(), Do("pay")),
        chain(review("decide", outcomes=["yes", "no"]), name="checked", input_schema=schema),
    )


async def unchanged(api: Api, before: Any) -> None:
    assert await everything(api) == before


async def everything(api: Api) -> Any:
    """All that a client can see."""
    instances = await api.get("/instances")
    return [await api.get(f"/instances/{each['id']}") for each in instances], await api.get("/tasks")


# What is not known


NOT_THERE: list[tuple[str, str, Any]] = [
    ("GET", "/definitions/unknown", None),
    ("GET", "/definitions/unknown/graph", None),
    ("POST", "/instances", {"definition_name": "unknown"}),
    ("GET", f"/instances/{UNKNOWN}", None),
    ("GET", f"/instances/{UNKNOWN}/graph", None),
    ("POST", f"/instances/{UNKNOWN}/cancel", None),
    ("POST", f"/instances/{UNKNOWN}/retry", None),
    ("GET", f"/tasks/{UNKNOWN}", None),
    ("POST", f"/tasks/{UNKNOWN}/complete", COMPLETE),
    ("POST", f"/tasks/{UNKNOWN}/reassign", {"new_assignee": "carol"}),
]


async def test_what_does_not_exist(api: Api, subtests: pytest.Subtests) -> None:
    for method, path, body in NOT_THERE:
        with subtests.test(f"{method} {path}"):
            problem = refused(await api.http.request(method, path, json=body), 404)
            assert "unknown" in problem["detail"] or UNKNOWN in problem["detail"]


async def test_an_unknown_workflow_names_the_known_ones(api: Api) -> None:
    problem = refused(await api.http.get("/definitions/exampel"), 404)
    assert "example" in problem["detail"]


# Data


NOT_STORABLE = [
    ('{"a": ["x", "\\u0000"]}', "/input_data/a/1", "NUL"),
    ('{"a/b": {"\\u0000": 1}}', "/input_data/a~1b/\x00", "NUL"),
    ('{"n": 9223372036854775808}', "/input_data/n", "64 bits"),
    ('{"n": ' + "9" * 400 + "}", "/input_data/n", "64 bits"),
    ('{"deep": ' + "[" * 65 + "]" * 65 + "}", "/input_data/deep/0/0/0/…", "deeper"),
    ('{"long": "' + "x" * 1_100_000 + '"}', "/input_data", "more than the limit"),
]


async def test_data_that_cannot_be_stored(api: Api, subtests: pytest.Subtests) -> None:
    for data, pointer, told in NOT_STORABLE:
        with subtests.test(f"{pointer} {told}"):
            body = f'{{"definition_name": "example", "input_data": {data}}}'
            problem = refused(await api.http.post("/instances", content=body, headers=JSON), 400)
            assert places(problem) == [pointer]
            assert told in problem["detail"]
    assert await api.get("/instances") == []


async def test_start_data_that_does_not_fit(api: Api) -> None:
    body = {"definition_name": "checked", "input_data": {"amount": 0}}
    problem = refused(await api.http.post("/instances", json=body), 400)

    assert places(problem) == ["/input_data/amount"]
    assert await api.get("/instances") == []


# Forms


NOT_VALID: list[tuple[Any, list[str]]] = [
    ({"completed_by": "bob"}, ["/output_data"]),
    ({"output_data": {"approved": True}}, ["/completed_by"]),
    (COMPLETE | {"output_data": {}}, ["/output_data/approved"]),
    (
        COMPLETE | {"output_data": {"approved": "perhaps", "comments": 7}},
        ["/output_data/approved", "/output_data/comments"],
    ),
    (COMPLETE | {"output_data": {"approved": True, "x": {"\x00": 1}}}, ["/output_data/x/\x00"]),
    (COMPLETE | {"outcome": "maybe"}, ["/outcome"]),
    (COMPLETE | {"comment": "\x00"}, ["/comment"]),
    (COMPLETE | {"form": {}}, ["/form"]),
]


async def test_a_form_that_is_not_valid_changes_nothing(api: Api, subtests: pytest.Subtests) -> None:
    task = await api.task(await api.start())
    before = await everything(api)

    for body, pointers in NOT_VALID:
        with subtests.test(str(body)):
            problem = refused(await api.http.post(f"/tasks/{task['id']}/complete", json=body), 400)
            assert places(problem) == pointers
    await unchanged(api, before)


async def test_a_decision_that_is_missing_names_what_there_is(api: Api) -> None:
    task = await api.task(await api.start("checked"))

    problem = refused(await api.http.post(f"/tasks/{task['id']}/complete", json=COMPLETE), 400)

    assert places(problem) == ["/outcome"]
    assert "yes, no" in problem["detail"]


# States


async def test_what_is_not_possible_any_more_changes_nothing(api: Api) -> None:
    """Double completion, and all that would change what has ended."""
    ended = await api.start()
    task = await api.task(ended)
    await api.complete(task)
    await api.rest(ended)
    canceled = await api.start()
    dropped = await api.task(canceled)
    await api.post(f"/instances/{canceled['id']}/cancel")
    waiting = await api.start()
    before = await everything(api)

    for path, body in (
        (f"/tasks/{task['id']}/complete", COMPLETE),
        (f"/tasks/{task['id']}/reassign", {"new_assignee": "carol"}),
        (f"/tasks/{dropped['id']}/complete", COMPLETE),
        (f"/tasks/{dropped['id']}/reassign", {"new_assignee": "carol"}),
        (f"/instances/{ended['id']}/cancel", None),
        (f"/instances/{ended['id']}/retry", None),
        (f"/instances/{canceled['id']}/cancel", None),
        (f"/instances/{canceled['id']}/retry", None),
        (f"/instances/{waiting['id']}/retry", None),
    ):
        refused(await api.http.post(path, json=body), 409)
    await unchanged(api, before)


async def test_a_closed_task_says_that_it_is_closed(api: Api) -> None:
    task = await api.task(await api.start())
    await api.complete(task)

    problem = refused(await api.http.post(f"/tasks/{task['id']}/complete", json=COMPLETE), 409)

    assert "completed" in problem["detail"]


async def test_a_form_for_a_closed_task_is_not_looked_at(api: Api) -> None:
    """Whoever comes too late is told so, and not to correct the form first."""
    task = await api.task(await api.start())
    await api.complete(task)

    refused(await api.http.post(f"/tasks/{task['id']}/complete", json=COMPLETE | {"output_data": {}}), 409)
