"""Streams of what happens, read from a real server."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from litestar import Litestar

from tests.litestar.test_messages import by_header
from tests.servers import Server, until
from tests.workflows import Do, chain, review
from workflows_litestar import WorkflowPlugin, WorkflowPluginConfig

ANN, EVE = {"x-user": "ann"}, {"x-user": "eve"}


@pytest.fixture
def server(database_url: str) -> Iterator[Server]:
    config = WorkflowPluginConfig(
        database=database_url,
        identify=by_header,
        max_streams=2,
        auto_register_workflows=[chain(Do("submit"), review(assignee_key="who"))],
    )
    with Server(Litestar(plugins=[WorkflowPlugin(config)], logging_config=None)) as server:
        yield server


def start(server: Server) -> Any:
    """Start an instance of Ann's and wait until it rests."""
    body = {"definition_name": "example", "input_data": {"who": "rob"}}
    started = server.client.post("/workflows/instances", json=body, headers=ANN).raise_for_status().json()
    path = f"/workflows/instances/{started['id']}"
    return until(
        lambda: server.client.get(path, headers=ANN).json(), lambda now: now["current_step"] == "review"
    )


class Events:
    """What comes through a stream."""

    def __init__(self, response: httpx.Response) -> None:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        self._lines = response.iter_lines()

    def take(self, count: int) -> list[tuple[str, Any]]:
        """Wait for so many, and return their ids and data."""
        return [self._next() for _ in range(count)]

    def opened(self) -> None:
        """Wait until the stream says where it is."""
        while not next(self._lines).startswith(": "):
            pass

    def _next(self) -> tuple[str, Any]:
        fields: dict[str, str] = {}
        for line in self._lines:
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
            elif "data" in fields:
                assert fields["event"] == "transition"
                return fields["id"], json.loads(fields["data"])
            else:
                fields = {}
        raise EOFError


def test_all_that_happens_and_nothing_twice(server: Server) -> None:
    with server.client.stream("GET", "/workflows/events", headers=ANN) as response:
        events = Events(response)
        events.opened()
        first, second = start(server), start(server)
        count = first["revision"] + second["revision"]
        live = events.take(count)
    for instance in (first, second):
        revisions = [each["revision"] for _, each in live if each["instance_id"] == instance["id"]]
        assert revisions == [*range(1, instance["revision"] + 1)]

    id_, _ = live[0]
    with server.client.stream("GET", "/workflows/events", headers=ANN | {"Last-Event-ID": id_}) as response:
        assert Events(response).take(count - 1) == live[1:]


def test_everybody_hears_what_they_may_see(server: Server) -> None:
    instance = start(server)
    path = f"/workflows/instances/{instance['id']}/events"
    assert server.client.get(path, headers=EVE).status_code == 404
    assert server.client.get("/workflows/events").status_code == 401
    with (
        server.client.stream("GET", "/workflows/events?after=0", headers=EVE) as hers,
        server.client.stream("GET", f"{path}?after=0", headers=ANN) as own,
    ):
        events = Events(own)
        assert [id_ for id_, _ in events.take(instance["revision"])] == [
            str(number + 1) for number in range(instance["revision"])
        ]
        silent = Events(hers)  # which would be closed if nobody held it
        silent.opened()
        # There is no room for a third one.
        full = server.client.get("/workflows/events", headers=ANN)
        assert (full.status_code, full.headers["retry-after"]) == (503, "10")
        operator = {"x-user": "olga", "x-roles": "operator"}
        ended = server.client.post(f"/workflows/instances/{instance['id']}/cancel", headers=operator)
        ended.raise_for_status()
        (last,) = events.take(1)
        with pytest.raises(EOFError):  # it has ended
            events.take(1)
    again = server.client.get(path, headers=ANN | {"Last-Event-ID": last[0]})
    assert again.status_code == 204


def test_what_is_no_place_is_refused(server: Server) -> None:
    response = server.client.get("/workflows/events?after=yesterday", headers=ANN)
    assert response.status_code == 400
    assert "no place" in response.json()["detail"]
