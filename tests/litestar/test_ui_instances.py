"""Workflows and their instances on pages: starting, following and operating them."""

from __future__ import annotations

import html
import re

import httpx
import pytest

from tests.litestar.pages import SCRIPT, Browser, started
from tests.servers import until_async

UI = "/workflows/ui"


async def test_a_workflow_shows_its_graph_its_steps_and_how_to_start_it(http: httpx.AsyncClient) -> None:
    ann = Browser(http, "ann")

    await ann.get(f"{UI}/workflows")
    assert "Payment" in ann.text
    await ann.get(f"{UI}/workflows/payment")

    assert '<svg xmlns="http://www.w3.org/2000/svg" class="diagram"' in ann.page
    assert "graph TD" in ann.text
    assert "File it" in ann.text
    assert "Nothing is wrong with it." in ann.text
    assert SCRIPT not in ann.page


async def test_a_workflow_or_version_that_nobody_knows_is_not_there(http: httpx.AsyncClient) -> None:
    ann = Browser(http, "ann")

    assert (await ann.get(f"{UI}/workflows/none")).status_code == 404
    assert (await ann.get(f"{UI}/workflows/payment", version="9")).status_code == 404


async def test_a_start_form_says_what_is_wrong_and_starts_once(http: httpx.AsyncClient) -> None:
    ann = Browser(http, "ann")
    await ann.get(f"{UI}/workflows/payment/start")
    (key,) = re.findall(r'name="key" value="(\w+)"', ann.page)
    path, form = f"{UI}/workflows/payment/start", {"key": key, "data__account": "DE12", "mark": "invoice 7"}

    answer = await ann.post(path, data__asker="a", **form)
    assert answer.status_code == 400
    assert "Must have at least 2 characters." in ann.text
    assert 'value="DE12"' in ann.page
    assert 'value="invoice 7"' in ann.page

    first = await ann.post(path, data__asker="ann", **form)
    second = await ann.post(path, data__asker="ann", **form)
    assert first.status_code == 303
    assert first.headers["location"] == second.headers["location"]
    await ann.get(f"{UI}/instances")
    assert ann.page.count('class="row-title"') == 1
    assert "invoice 7" in ann.text


async def test_a_list_in_a_form_grows_without_scripts(http: httpx.AsyncClient) -> None:
    ann = Browser(http, "ann")
    await ann.get(f"{UI}/workflows/payment/start")
    form = {"data__parts__0__what": "paper", "data__parts__0__cost": "4", "key": "k"}

    await ann.post(f"{UI}/workflows/payment/form", _more="data/parts", **form)
    assert 'value="paper"' in ann.page
    assert 'name="data/parts/1/what"' in ann.page
    form |= {"data__parts__1__what": "ink", "data__asker": "ann", "data__account": "DE12"}
    answer = await ann.post(f"{UI}/workflows/payment/start", **form)
    assert answer.status_code == 400
    assert 'id="f-data%2Fparts%2F1%2Fcost-error"' in ann.page
    answer = await ann.post(f"{UI}/workflows/payment/start", **form, data__parts__1__cost="9.5")

    assert answer.status_code == 303
    await ann.get(answer.headers["location"].partition("?")[0])
    assert '"what": "ink"' in ann.text


async def test_an_instance_tells_where_it_stands_and_what_happened(http: httpx.AsyncClient) -> None:
    instance = await started(http, workflow="payment")
    olga = Browser(http, "olga")

    await olga.get(f"{UI}/instances/{instance}")

    assert "It has failed at “Pay”" in olga.text
    assert f"no account {SCRIPT}" in olga.text
    assert "Pay failed" in olga.text
    assert "Somebody has to retry, skip or move it." in olga.text
    assert SCRIPT not in olga.page


async def test_lists_of_instances_are_filtered_and_found_by_id(http: httpx.AsyncClient) -> None:
    instance = await started(http, workflow="payment")
    await started(http)
    ann = Browser(http, "ann")
    asker = {"path": "asker", "value": "ann"}

    for query, count in (
        ({}, 2),
        ({"status": "failed"}, 1),
        ({"workflow": "leave"}, 1),
        ({"created_by": "bob"}, 0),
        ({"step": "pay"}, 1),
        ({"step": "nowhere"}, 0),
        ({"since": "2000-01-01", "until": "9999-12-31"}, 2),
        ({"since": "2999-01-01"}, 0),
        ({"until": "2000-01-01"}, 0),
        (asker, 1),
        ({**asker, "value": "17"}, 0),
        ({**asker, "workflow": "leave"}, 1),  # which declares no such thing
        ({"path": "secret", "value": "1"}, 2),
        (
            {
                "status": "nonsense",
                "order": "nonsense",
                "after": "x",
                "since": "soon",
                "until": "",
                "step": "",
            },
            2,
        ),
    ):
        await ann.get(f"{UI}/instances", **query)
        assert ann.page.count('class="row-title"') == count, query
    for order, titles in (("oldest", ["Payment", "Leave"]), ("newest", ["Leave", "Payment"])):
        await ann.get(f"{UI}/instances", order=order)
        assert re.findall(r'class="row-title"[^>]*>([^<]+)<', ann.page) == titles
    found = await ann.get(f"{UI}/instances", mark=instance)
    assert found.headers["location"] == f"{UI}/instances/{instance}"


async def test_pages_of_instances_hold_all(http: httpx.AsyncClient) -> None:
    for _ in range(27):
        await started(http)
    ann = Browser(http, "ann")

    await ann.get(f"{UI}/instances")
    (path,) = re.findall(r'rel="next" href="([^"]+)"', ann.page)
    assert ann.page.count('class="row-title"') == 25
    await started(http)  # moves nothing
    await ann.get(html.unescape(path))
    assert ann.page.count('class="row-title"') == 2
    await ann.get(html.unescape(path), order="oldest")  # a place in a list of another order is its front
    assert ann.page.count('class="row-title"') == 25


async def test_an_instance_of_others_is_not_there(http: httpx.AsyncClient) -> None:
    instance = await started(http, workflow="payment")
    bob = Browser(http, "bob")

    assert (await bob.get(f"{UI}/instances/{instance}")).status_code == 404
    await bob.get(f"{UI}/instances")
    assert "Nothing was started yet that you may see." in bob.text
    await bob.get(f"{UI}/workflows/payment")
    assert "Nothing was started yet that you may see." in bob.text


async def test_a_page_that_asks_again_hears_only_what_is_new(http: httpx.AsyncClient) -> None:
    instance = await started(http)
    ann = Browser(http, "ann")
    await ann.get(f"{UI}/instances/{instance}")
    (again,) = re.findall(r'hx-get="([^"]+)"', ann.page)
    headers = {"x-user": "ann", "hx-request": "true"}

    assert (await http.get(again, headers=headers)).status_code == 204
    await http.post(
        f"/workflows/instances/{instance}/cancel", headers={"x-user": "olga"}, params={"reason": "no"}
    )
    answer = await http.get(again, headers=headers)
    assert answer.status_code == 200
    assert "hx-get" not in answer.text


async def test_operators_operate_with_a_reason(http: httpx.AsyncClient) -> None:
    instance = await started(http, workflow="payment")
    olga, path = Browser(http, "olga"), f"{UI}/instances/{instance}"
    await olga.get(path)

    for action, fields in (
        ("suspend", {"reason": "wait"}),
        ("resume", {"reason": "all is well"}),
        ("skip", {"reason": "paid by hand", "step": "pay"}),
        ("move", {"reason": "again", "step": "pay"}),
    ):
        answer = await olga.post(f"{path}/{action}", **fields)
        assert answer.headers["location"] == f"{path}?note={action}"

    async def seen() -> str:
        await olga.get(path)
        return olga.text

    await until_async(seen, lambda text: "It has failed at" in text)
    assert (await olga.post(f"{path}/retry", reason="the bank answers")).status_code == 303
    assert (await olga.post(f"{path}/cancel", reason="enough")).status_code == 303
    await olga.get(path)
    for said in ("paid by hand", "wait", "all is well", "again", "enough", "olga canceled it"):
        assert said in olga.text
    for said in ("olga asked for another try of", "the bank answers"):
        assert said in olga.text


@pytest.mark.parametrize("action", ["retry", "suspend", "resume", "skip", "move", "cancel"])
async def test_what_needs_a_reason_is_not_done_without_one(http: httpx.AsyncClient, action: str) -> None:
    instance = await started(http, workflow="payment")
    olga, path = Browser(http, "olga"), f"{UI}/instances/{instance}"
    await olga.get(path)

    assert (await olga.post(f"{path}/{action}", step="pay", reason=" ")).status_code == 400
    assert "Give a reason" in olga.text


async def test_who_is_no_operator_is_offered_nothing_and_refused(http: httpx.AsyncClient) -> None:
    instance = await started(http, workflow="payment")
    ann, path = Browser(http, "ann"), f"{UI}/instances/{instance}"

    await ann.get(path)
    assert f"{path}/cancel" not in ann.page
    assert (await ann.post(f"{path}/cancel", reason="mine")).status_code == 403
    await ann.get(f"{UI}/workflows/payment/start")
    assert (await ann.post(f"{path}/nonsense", reason="mine")).status_code == 404


async def test_a_page_follows_only_what_its_visitor_may_see(http: httpx.AsyncClient) -> None:
    instance = await started(http, workflow="payment")
    path = f"{UI}/instances/{instance}/events"
    assert (await http.get(path, headers={"x-user": "bob"})).status_code == 404
    await http.post(
        f"/workflows/instances/{instance}/cancel", headers={"x-user": "olga"}, params={"reason": "no"}
    )
    assert (await http.get(path, headers={"x-user": "ann"})).status_code == 204
    heard = await http.get(path, headers={"x-user": "ann", "last-event-id": "1"})
    assert (heard.status_code, "event: transition" in heard.text) == (200, True)
    assert heard.headers["content-type"].startswith("text/event-stream")
    assert "script-src 'self'" in heard.headers["content-security-policy"]
    assert (await http.get(f"{path}?after=x", headers={"x-user": "ann"})).status_code == 400
