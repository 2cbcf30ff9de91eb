"""The pages without a browser: what they say, whom they let in, and what they refuse."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from importlib.resources import files
from typing import Any

import httpx
import pytest
from litestar import Litestar
from litestar.config.csrf import CSRFConfig
from litestar.exceptions import ImproperlyConfiguredException, NotAuthorizedException

from tests.litestar.conftest import ServePages
from tests.litestar.pages import ANN, BOB, LEAVE, SCRIPT, Browser, identify, opened, started
from workflows_core import BaseHumanStep, WorkflowDefinition
from workflows_core.actors import Actor
from workflows_litestar import WorkflowPlugin, WorkflowPluginConfig
from workflows_litestar.ui.english import ENGLISH

# What every page has


@pytest.mark.parametrize(
    "path", ["", "/tasks/00000000-0000-0000-0000-000000000000", "/static/ui.css", "/static/none.css"]
)
async def test_every_answer_tells_browsers_to_run_nothing_that_is_not_ours(
    http: httpx.AsyncClient, path: str
) -> None:
    for name in ("ann", "nobody"):
        headers = (await Browser(http, name).get(f"/workflows/ui{path}")).headers
        assert "default-src 'none'; script-src 'self'; style-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"


async def test_no_page_is_kept_and_every_file_is(http: httpx.AsyncClient) -> None:
    ann = Browser(http, "ann")

    assert (await ann.get("/workflows/ui")).headers["cache-control"] == "no-store"
    files = re.findall(r'(?:href|src)="(/workflows/ui/static/[^"]+)"', ann.page)
    assert len({file.partition("?")[0] for file in files}) == 5
    for file in files:
        answer = await ann.get(unescape(file))
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]


async def test_the_api_answers_without_the_headers_of_pages(http: httpx.AsyncClient) -> None:
    answer = await Browser(http, "ann").get("/workflows/definitions")

    assert answer.status_code == 200
    assert "content-security-policy" not in answer.headers


async def test_pages_can_be_left_out(serve_pages: ServePages) -> None:
    http = await serve_pages(LEAVE, enable_ui=False)

    assert (await http.get("/workflows/ui")).status_code == 404
    assert (await http.get("/workflows/definitions")).status_code == 200


async def test_pages_can_lie_elsewhere(serve_pages: ServePages) -> None:
    person = Browser(await serve_pages(LEAVE, ui_path_prefix="/office/"))

    assert (await person.get("/office")).status_code == 200
    assert 'href="/office/static/ui.css' in person.page


async def test_pages_are_not_part_of_the_api_document(http: httpx.AsyncClient) -> None:
    paths = (await http.get("/schema/openapi.json")).json()["paths"]

    assert not [path for path in paths if path.startswith("/workflows/ui")]


# Who may look


async def test_who_is_not_known_is_told_to_sign_in(http: httpx.AsyncClient) -> None:
    nobody = Browser(http, "nobody")

    assert (await nobody.get("/workflows/ui")).status_code == 401
    assert "Sign in" in nobody.text


async def test_guards_of_the_api_guard_the_pages(serve_pages: ServePages) -> None:
    def refuse(*_: object) -> None:
        raise NotAuthorizedException("Not today.")

    person = Browser(await serve_pages(LEAVE, api_guards=[refuse]))

    assert (await person.get("/workflows/ui")).status_code == 401
    assert "Not today." in person.text


async def test_a_task_of_others_is_not_there(http: httpx.AsyncClient) -> None:
    await started(http, by="claire")
    path = await opened(Browser(http, "bob"))

    ann = Browser(http, "ann")
    assert (await ann.get(path)).status_code == 404
    assert "not for you to see" in ann.text
    assert (await Browser(http, "claire").get(path)).status_code == 200


async def test_without_an_identity_a_visitor_says_who_they_are(serve_pages: ServePages) -> None:
    person = Browser(await serve_pages(LEAVE))
    await person.get("/workflows/ui")
    assert "Say who you are" in person.text

    answer = await person.post("/workflows/ui/visitor", name="ann é,;=")

    assert (answer.status_code, answer.headers["location"]) == (303, "/workflows/ui")
    await person.get("/workflows/ui")
    assert 'value="ann é,;="' in person.page


async def test_a_demo_user_is_that_person_and_no_more(serve_pages: ServePages) -> None:
    http = await serve_pages(LEAVE, ui_demo_users=[ANN, BOB])
    await started(http)
    person = Browser(http)
    await person.get("/workflows/ui", tab="all")
    assert "There are no tasks that you may see." in person.text

    await person.post("/workflows/ui/visitor", name="bob")
    await opened(person)
    assert "Your decision" in person.text

    await person.post("/workflows/ui/visitor", name="mallory")
    await person.get("/workflows/ui", tab="all")
    assert "There are no tasks that you may see." in person.text


async def test_demo_users_and_an_identity_exclude_each_other() -> None:
    config = WorkflowPluginConfig(identify=identify, ui_demo_users=[ANN])

    with pytest.raises(ImproperlyConfiguredException, match="ui_demo_users"):
        Litestar(plugins=[WorkflowPlugin(config)])


@pytest.mark.parametrize("users", ["ann", [Actor(None)], [Actor.trusted("ann")], ["ann"]])
def test_demo_users_that_are_none_are_refused(users: Any) -> None:
    with pytest.raises(ImproperlyConfiguredException, match="ui_demo_users"):
        WorkflowPluginConfig(ui_demo_users=users)


# Forms of other sites


@pytest.mark.parametrize(
    ("fields", "headers"),
    [
        ({}, {}),
        ({"_csrf_token": "made up"}, {}),
        ({"_csrf_token": "é"}, {}),
        (None, {"sec-fetch-site": "cross-site"}),
        (None, {"sec-fetch-site": "same-site"}),
        (None, {"origin": "http://evil.example"}),
        (None, {"origin": "null"}),
    ],
)
async def test_a_form_of_another_site_does_nothing(
    http: httpx.AsyncClient, fields: dict[str, str] | None, headers: dict[str, str]
) -> None:
    await started(http)
    bob = Browser(http, "bob")
    path = await opened(bob)
    data = {"_csrf_token": http.cookies["workflows_csrf"]} if fields is None else fields

    answer = await http.post(f"{path}/claim", data=data, headers={"x-user": "bob", **headers})

    assert answer.status_code == 403
    assert "did not come from this site" in answer.text
    await bob.get("/workflows/ui", tab="open")
    assert "Decide" in bob.text


async def test_a_form_of_ours_is_taken_from_its_own_origin(http: httpx.AsyncClient) -> None:
    await started(http)
    bob = Browser(http, "bob")
    path = await opened(bob)
    data = {"_csrf_token": http.cookies["workflows_csrf"]}

    answer = await http.post(f"{path}/claim", data=data, headers={"x-user": "bob", "origin": "http://test"})

    assert answer.status_code == 303


async def test_the_protection_that_an_application_has_is_used(serve_pages: ServePages) -> None:
    csrf = CSRFConfig(secret="x" * 32, exclude=["^/workflows/instances"])
    http = await serve_pages(LEAVE, identify=identify, csrf=csrf)
    await started(http)
    bob = Browser(http, "bob")
    path = await opened(bob)

    assert "workflows_csrf" not in http.cookies
    assert (await bob.post(f"{path}/claim")).status_code == 303
    assert (await bob.post(f"{path}/claim", _csrf_token="")).status_code == 403


# The inbox


async def test_the_inbox_counts_what_it_lists(http: httpx.AsyncClient) -> None:
    for _ in range(3):
        await started(http)
    bob = Browser(http, "bob")
    path = await opened(bob)
    await bob.post(f"{path}/claim")

    await bob.get("/workflows/ui")
    assert "Mine 1 My groups 2 Overdue 0 All 3" in bob.text
    assert bob.page.count('class="row-title"') == 1
    await bob.get("/workflows/ui", tab="open")
    assert bob.page.count('class="row-title"') == 2
    await bob.get("/workflows/ui", tab="all", q="dec")
    assert bob.page.count('class="row-title"') == 3
    await bob.get("/workflows/ui", tab="all", q="other")
    assert "Mine 0 My groups 0 Overdue 0 All 0" in bob.text
    assert "No task fits this search." in bob.text


async def test_the_pages_of_the_inbox_show_everything_once(http: httpx.AsyncClient) -> None:
    for _ in range(30):
        await started(http)
    bob, seen = Browser(http, "bob"), []
    path = "/workflows/ui?tab=open&order=newest"
    while path:
        await bob.get(path)
        seen += re.findall(r'class="row-title" href="([^"]+)"', bob.page)
        path = next(iter(re.findall(r'rel="next" href="([^"]+)"', bob.page)), "")
        path = unescape(path)

    assert (len(seen), len(set(seen))) == (30, 30)


@pytest.mark.parametrize(
    "query",
    ["tab=none", "order=none", "after=none", "after=WyJkdWUiLDFd", "status=x&tab=all", "q=%00", "x=1"],
)
async def test_what_cannot_be_read_in_an_address_asks_for_nothing(
    http: httpx.AsyncClient, query: str
) -> None:
    assert (await Browser(http, "bob").get(f"/workflows/ui?{query}")).status_code == 200


async def test_a_late_task_is_said_to_be_late(serve_pages: ServePages) -> None:
    class Late(BaseHumanStep):
        name = "late"
        title = "Too late"

        def get_due_date(self, context: Any) -> datetime:
            return datetime.now(UTC) - timedelta(hours=3, minutes=1)

    definition = WorkflowDefinition(
        name="leave", steps=[Late(assignee_key="asker")], initial_step="late", terminal_steps=["late"]
    )
    http = await serve_pages(definition, identify=identify)
    await started(http)
    ann = Browser(http, "ann")

    await ann.get("/workflows/ui", tab="overdue")

    assert "late by 3 hours" in ann.text


# A task


async def test_a_task_is_completed_and_told_of_in_the_inbox(http: httpx.AsyncClient) -> None:
    await started(http)
    bob = Browser(http, "bob")
    path = await opened(bob)

    done = await bob.post(f"{path}/complete", data__amount="12.5", outcome="approve", comment="fine")

    assert done.status_code == 303
    await bob.get(done.headers["location"])
    assert "is done." in bob.text
    await bob.get(path)
    assert "completed the task: Approve" in bob.text
    assert 'value="12.5"' in bob.page


async def test_errors_stand_at_their_field_and_nothing_that_was_typed_is_lost(
    http: httpx.AsyncClient,
) -> None:
    await started(http)
    bob = Browser(http, "bob")
    path = await opened(bob)

    answer = await bob.post(
        f"{path}/complete", data__amount="much", data__note=SCRIPT, outcome="approve", comment="my words"
    )

    assert answer.status_code == 400
    assert 'id="f-data%2Famount-error"' in bob.page
    assert "Must be a number" in bob.text
    assert 'value="much"' in bob.page
    assert 'value="&lt;script&gt;alert(1)&lt;/script&gt;"' in bob.page
    assert "my words" in bob.text
    assert SCRIPT not in bob.page


async def test_submitting_twice_does_it_once_and_is_no_error(http: httpx.AsyncClient) -> None:
    await started(http)
    bob = Browser(http, "bob")
    path = await opened(bob)
    form = {"data__amount": "1", "outcome": "approve"}

    first, second = await bob.post(f"{path}/complete", **form), await bob.post(f"{path}/complete", **form)

    assert (first.status_code, second.status_code) == (303, 303)
    assert first.headers["location"] == second.headers["location"]


async def test_who_is_too_late_is_told_and_sees_what_they_had_entered(http: httpx.AsyncClient) -> None:
    await started(http)
    bob, claire = Browser(http, "bob"), Browser(http, "claire")
    path = await opened(bob)
    await claire.get(path)
    await bob.post(f"{path}/complete", data__amount="1", outcome="approve")

    answer = await claire.post(f"{path}/complete", data__amount="777", outcome="reject")

    assert answer.status_code == 409
    assert "closed in the meantime" in claire.text
    assert 'value="777"' in claire.page


async def test_of_two_who_claim_one_is_told_who_was_faster(http: httpx.AsyncClient) -> None:
    await started(http)
    bob, claire = Browser(http, "bob"), Browser(http, "claire")
    path = await opened(bob)
    await claire.get(path)

    assert (await bob.post(f"{path}/claim")).status_code == 303
    assert (await bob.post(f"{path}/claim")).status_code == 303
    assert (await claire.post(f"{path}/claim")).status_code == 409
    assert "bob was faster" in claire.text
    assert "You cannot do this task now" in claire.text


async def test_an_error_of_ours_says_nothing_about_the_inside(
    http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr("workflows_core.human_tasks.HumanTasks.page", fail)
    bob = Browser(http, "bob")

    assert (await bob.get("/workflows/ui")).status_code == 500
    assert "secret" not in bob.page
    assert "secret" in caplog.text


def test_what_is_shipped_of_others_is_what_they_published() -> None:
    folder = files("workflows_litestar.ui") / "static"
    digest = hashlib.sha256((folder / "htmx.min.js").read_bytes()).hexdigest()

    assert digest in (folder / "README.md").read_text(encoding="utf-8")
    assert "Zero-Clause BSD" in (folder / "htmx.LICENSE.txt").read_text(encoding="utf-8")


def test_every_text_that_a_page_names_is_in_the_catalogue() -> None:
    folder = files("workflows_litestar.ui") / "templates"
    pages = "".join(
        each.read_text(encoding="utf-8") for each in folder.iterdir() if each.name.endswith(".html")
    )
    named = set(re.findall(r'\bt\(\s*["\']([a-z_.]+)["\']\s*[,)]', pages))
    counted = set(re.findall(r'\bt\.count\(\s*["\']([a-z_.]+)["\']', pages))

    assert len(named) > 100
    assert named | {f"{key}.{number}" for key in counted for number in ("one", "other")} <= ENGLISH.keys()
