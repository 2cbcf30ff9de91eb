"""What cannot be understood is refused before anything is asked of a storage: so memory will do for these."""

import json
from typing import Any

import pytest

from tests.litestar.conftest import Api, Serve
from tests.litestar.problems import places, refused
from tests.workflows import chain, review

JSON = {"content-type": "application/json"}
START = {"definition_name": "example"}


@pytest.fixture
def database() -> None:
    """The plugin's own memory."""


@pytest.fixture
async def api(serve: Serve) -> Api:
    return await serve(chain(review()))


# Parameters


@pytest.mark.parametrize(
    ("path", "parameter", "told"),
    [
        ("/instances/not-a-uuid", "instance_id", "UUID"),
        ("/instances/not-a-uuid/graph", "instance_id", "UUID"),
        ("/tasks/7", "task_id", "UUID"),
        ("/tasks?instance_id=7", "instance_id", "UUID"),
        ("/instances?status=sleeping", "status", "waiting"),
        ("/instances?status=", "status", "waiting"),
        ("/tasks?status=open", "status", "pending"),
        ("/definitions/example/graph?graph_format=gif", "graph_format", "mermaid"),
        *(
            (f"/{resource}?{name}={value}", name, told)
            for resource in ("instances", "tasks")
            for name, value, told in (
                ("limit", "0", "1"),
                ("limit", "-1", "1"),
                ("limit", "1000000000", "1000"),
                ("limit", "99999999999999999999", "1000"),
                ("limit", "many", "integer"),
                ("limit", "", "integer"),
                ("limit", "1.5", "integer"),
                ("offset", "-1", "0"),
                ("offset", "99999999999999999999", "2147483647"),
            )
        ),
        ("/instances?workflow_name=a%00b", "workflow_name", "NUL"),
        ("/instances?created_by=%00", "created_by", "NUL"),
        (f"/instances?correlation_id={'x' * 256}", "correlation_id", "255"),
        ("/tasks?assignee_id=%00", "assignee_id", "NUL"),
        (f"/tasks?assignee_group={'x' * 256}", "assignee_group", "255"),
    ],
)
async def test_parameters_that_make_no_sense(api: Api, path: str, parameter: str, told: str) -> None:
    """The answer names the parameter, and says what is possible."""
    problem = refused(await api.http.get(path), 400)

    (complaint,) = problem["errors"]
    assert complaint["parameter"] == parameter
    assert told in complaint["detail"]
    assert complaint["detail"] in problem["detail"]


async def test_everything_that_is_wrong_with_the_parameters_is_said(api: Api) -> None:
    problem = refused(await api.http.get("/tasks?status=open&limit=0&instance_id=7"), 400)
    assert {complaint["parameter"] for complaint in problem["errors"]} == {"status", "limit", "instance_id"}


async def test_parameters_that_nobody_knows(api: Api) -> None:
    """A filter with a misspelled name would let everything through."""
    instance = await api.start()
    for method, path, told in (
        ("GET", "/instances?staus=waiting", "status"),
        ("GET", "/tasks?assignee=bob", "assignee_id"),
        ("GET", "/definitions?name=example", "none"),
        ("GET", f"/instances/{instance['id']}?graph_format=mermaid", "none"),
        ("POST", f"/instances/{instance['id']}/cancel?cause=none", "reason"),
        ("POST", "/instances?definition_name=example", "wait"),
    ):
        problem = refused(await api.http.request(method, path), 400)
        (complaint,) = problem["errors"]
        assert complaint["parameter"] == path.partition("?")[2].partition("=")[0]
        assert told in complaint["detail"]
    assert (await api.get(f"/instances/{instance['id']}"))["status"] == "waiting"


async def test_a_parameter_that_is_there_twice(api: Api) -> None:
    problem = refused(await api.http.get("/instances?status=waiting&status=failed"), 400)
    assert [complaint["parameter"] for complaint in problem["errors"]] == ["status"]


async def test_a_reason_that_cannot_be_stored(api: Api) -> None:
    instance = await api.start()
    for reason in ("a%00b", "x" * 10_001):
        response = await api.http.post(f"/instances/{instance['id']}/cancel?reason={reason}")
        assert refused(response, 400)["errors"][0]["parameter"] == "reason"
    assert (await api.get(f"/instances/{instance['id']}"))["status"] == "waiting"


# Bodies


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "object"),
        (b"{", "JSON"),
        (b"null", "object"),
        (b"[]", "object"),
        (b'"text"', "object"),
        (b"\xff\xfe", "JSON"),
        (b'{"definition_name": "\xff"}', "JSON"),
        (b'{"definition_name": "example", "input_data": {"n": NaN}}', "JSON"),
        (b'{"definition_name": "example", "input_data": {"n": 1e999}}', "range"),
        (b"[" * 100_000, "deep"),
        (b'{"definition_name": "example", "input_data": ' + b'{"a":' * 5000 + b"1" + b"}" * 5001, "deep"),
    ],
)
async def test_bodies_that_are_no_json_object(api: Api, body: bytes, told: str) -> None:
    problem = refused(await api.http.post("/instances", content=body, headers=JSON), 400)

    assert told in problem["detail"]
    assert places(problem) == [""]
    assert await api.get("/instances") == []


async def test_a_body_that_is_too_large(api: Api) -> None:
    """It is refused unread, whether or not its length is announced."""
    large = json.dumps(START | {"input_data": {"long": "x" * 3_000_000}}).encode()

    async def pieces() -> Any:
        for start in range(0, len(large), 65536):
            yield large[start : start + 65536]

    for content in (large, pieces()):
        refused(await api.http.post("/instances", content=content, headers=JSON), 413)
    assert await api.get("/instances") == []


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
async def test_a_body_that_is_not_announced_as_json(api: Api, kind: str) -> None:
    """A page of another site could make a browser send these."""
    response = await api.http.post("/instances", content=json.dumps(START), headers={"content-type": kind})

    assert "application/json" in refused(response, 415)["detail"]
    assert await api.get("/instances") == []


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "application/merge-patch+json"])
async def test_other_ways_to_announce_json(api: Api, kind: str) -> None:
    response = await api.http.post("/instances", content=json.dumps(START), headers={"content-type": kind})
    assert response.status_code == 201


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, ["/definition_name"]),
        ({"definition_name": None}, ["/definition_name"]),
        ({"definition_name": 7}, ["/definition_name"]),
        ({"definition_name": "a\x00"}, ["/definition_name"]),
        ({"definition_name": "x" * 256}, ["/definition_name"]),
        (START | {"input_data": []}, ["/input_data"]),
        (START | {"input_data": "text"}, ["/input_data"]),
        (START | {"correlation_id": 7, "tenant_id": "\x00"}, ["/correlation_id", "/tenant_id"]),
        (START | {"user_id": {}, "usr_id": "x", "a/b~c": 1}, ["/usr_id", "/a~1b~0c", "/user_id"]),
    ],
)
async def test_everything_that_is_wrong_with_a_body_is_said(api: Api, body: Any, pointers: list[str]) -> None:
    problem = refused(await api.http.post("/instances", json=body), 400)

    assert places(problem) == pointers
    assert all(complaint["detail"] in problem["detail"] for complaint in problem["errors"])
    assert await api.get("/instances") == []


async def test_what_would_do_is_said(api: Api) -> None:
    instance = await api.start()
    task = await api.task(instance)
    for method, path, body, told in (
        ("POST", "/tasks/bulk", {"action": "eat", "task_ids": [task["id"]]}, "claim, complete, reassign"),
        ("PATCH", f"/tasks/{task['id']}", {"due_date": "tomorrow"}, "such as 2026-11-29T14:00:00Z"),
        ("POST", f"/tasks/{task['id']}/resolve", {}, "while it is delegated."),
        ("POST", f"/instances/{instance['id']}/skip", {"step": "reveiw", "reason": "x"}, "There are: review"),
    ):
        problem = (await api.http.request(method, path, json=body)).json()
        assert told in problem["detail"]


@pytest.mark.parametrize("reason", ["", " \n"])
async def test_a_reason_that_says_nothing(api: Api, reason: str) -> None:
    instance = await api.start()
    for action, body in (("skip", {"step": "review"}), ("move", {"target": "review"})):
        response = await api.http.post(
            f"/instances/{instance['id']}/{action}", json=body | {"reason": reason}
        )
        assert places(refused(response, 400)) == ["/reason"]
    assert (await api.get(f"/instances/{instance['id']}"))["revision"] == instance["revision"]


async def test_an_unknown_field_names_the_known_ones(api: Api) -> None:
    problem = refused(await api.http.post("/instances", json=START | {"usr_id": "x"}), 400)
    assert "user_id" in problem["detail"]
