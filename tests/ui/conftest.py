"""One browser and one server for all tests of the pages; each person has a window of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.servers import Server
from tests.ui.browsing import Person, chromium
from tests.ui.office import office


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    path: Path = tmp_path_factory.mktemp("office") / "office.sqlite3"
    with Server(office(f"sqlite+aiosqlite:///{path}")) as server:
        yield server


Enter = Callable[..., Person]


@pytest.fixture
def enter(browser: Browser, server: Server) -> Iterator[Enter]:
    """Let somebody come in; at the end nothing may have been wrong with any page they saw."""
    people: list[Person] = []

    def enter(name: str = "", **options: Any) -> Person:
        person = Person(browser, server.url, name, **options)
        people.append(person)
        return person

    yield enter
    for person in people:
        person.context.close()
    assert [(person.name, wrong) for person in people for wrong in person.wrong] == []


Begin = Callable[..., str]


@pytest.fixture
def begin(server: Server) -> Begin:
    """Start an expense of Ann's through the API; returns the id of the task of the managers."""

    def begin(purpose: str = "Train to Vienna", mark: str = "", **data: Any) -> str:
        body = {
            "definition_name": "expense",
            "input_data": {"purpose": purpose, "amount": 120.5, "category": "travel", **data},
            "user_id": "Ann",
            "correlation_id": mark or None,
        }
        instance = server.client.post("/workflows/instances", json=body).raise_for_status().json()["id"]
        (task,) = server.client.get("/workflows/tasks", params={"instance_id": instance}).json()
        return str(task["id"])

    return begin
