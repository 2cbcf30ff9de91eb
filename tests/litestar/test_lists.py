"""Lists ask a database as often for a page of many as for a page of one."""

from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import pytest
from sqlalchemy import Engine, event

from tests.databases import URLS
from tests.litestar.conftest import Serve
from tests.litestar.people import Person, by_header
from tests.workflows import chain, review

Statements = list[str]
_heard: ContextVar[Statements | None] = ContextVar("heard", default=None)


@pytest.fixture(params=[*URLS])
def database(request: pytest.FixtureRequest) -> str:
    """Each database."""
    return URLS[request.param](request)


@pytest.fixture
def heard() -> Iterator[Statements]:
    """What the test asks for; what goes on beside it is not heard."""

    def hear(_: Any, __: Any, statement: str, *___: Any) -> None:
        statements = _heard.get()
        if statements is not None and statement.startswith("SELECT"):
            statements.append(statement)

    statements: Statements = []
    event.listen(Engine, "before_cursor_execute", hear)
    token = _heard.set(statements)
    yield statements
    _heard.reset(token)
    event.remove(Engine, "before_cursor_execute", hear)


async def test_the_number_of_statements_does_not_depend_on_the_page(serve: Serve, heard: Statements) -> None:
    api = await serve(chain(review(assignee_group="board"), searchable=["amount"]), identify=by_header)
    bob = Person(api, "bob", groups="board", roles="operator")
    for _ in range(12):
        await bob.start(amount=1)
    for path in (
        "/instances",
        "/instances?data.amount=1",
        "/instances?step=review&sort=updated",
        "/tasks",
        "/tasks?mine=true&sort=priority",
    ):
        counts = {}
        await bob.get(path)  # what is remembered from then on is asked for once
        for limit in (1, 10, 100):
            statements: Statements = []
            _heard.set(statements)
            response = await bob.send("GET", path, params={"limit": limit, "total": True})
            assert len(response.raise_for_status().json()) == min(limit, 12)
            counts[limit] = len(statements)
        assert {*counts.values()} == {counts[1]}, (path, counts)
        assert 0 < counts[1] <= 6, (path, counts)
