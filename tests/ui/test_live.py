"""The page of an instance brings itself up to date: by a stream, and where there is none by looking."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Route, expect

from tests.servers import Server
from tests.ui.browsing import Person
from tests.ui.conftest import Begin, Enter
from tests.ui.test_work import complete

NO_LOOKING = "window.setInterval = () => 0"
HIDDEN = (
    "is => { Object.defineProperty(document, 'hidden', {value: is, configurable: true});"
    " document.dispatchEvent(new Event('visibilitychange')); }"
)

Look = Callable[..., Person]


@pytest.fixture
def expense(begin: Begin, server: Server) -> tuple[str, str]:
    """An instance, and the task that it waits for."""
    task = begin()
    return server.client.get(f"/workflows/tasks/{task}").json()["instance_id"], task


@pytest.fixture
def look(enter: Enter, expense: tuple[str, str]) -> Look:
    """Look at an instance on a page that has started to follow it."""

    def look(*, script: str = "", refuse: int = 0) -> Person:
        ann = enter("Ann")
        ann.context.add_init_script(script)
        if refuse:
            ann.page.route("**/events?*", lambda route: _refuse(route, refuse))
        with ann.page.expect_response("**/events?*"):
            ann.open(f"/instances/{expense[0]}")
        return ann

    return look


def _refuse(route: Route, status: int) -> None:
    route.fulfill(status=status, body="")


def finish(server: Server, expense: tuple[str, str]) -> None:
    """Approve and pay, one right after the other."""
    instance, task = expense
    complete(server.client, task, {"granted": 1}, "Bob", "approve")
    tasks = server.client.get("/workflows/tasks", params={"instance_id": instance}).json()
    (pay,) = (each["id"] for each in tasks if each["status"] == "pending")
    complete(server.client, pay, {"reference": "SEPA 12"}, "Dora")


def test_a_page_hears_what_happens_and_does_not_look(
    look: Look, server: Server, expense: tuple[str, str]
) -> None:
    """Until the instance has ended; then it is not followed any more."""
    ann = look(script=NO_LOOKING)
    finish(server, expense)
    expect(ann.page.locator("#live .head")).to_contain_text("Completed")
    expect(ann.page.locator("#live")).to_contain_text("SEPA 12")
    expect(ann.page.locator("[data-events]")).to_have_count(0)


def test_where_there_is_no_stream_it_looks(look: Look, server: Server, expense: tuple[str, str]) -> None:
    ann = look(refuse=404)
    finish(server, expense)
    expect(ann.page.locator("#live .head")).to_contain_text("Completed")


def test_what_happened_while_nobody_looked_is_there_when_somebody_does(
    look: Look, server: Server, expense: tuple[str, str]
) -> None:
    """A page in the background holds no stream."""
    ann = look(script=NO_LOOKING)
    with ann.page.expect_event("requestfailed", lambda request: "/events?" in request.url):
        ann.page.evaluate(HIDDEN, True)
    complete(server.client, expense[1], {"granted": 1}, "Bob", "approve")
    ann.page.evaluate(HIDDEN, False)
    expect(ann.page.locator("#live")).to_contain_text("“Pay the expense” waits to be done")
