"""Out of office: naming who stands in, on a page."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.litestar.conftest import ServePages
from tests.litestar.pages import LEAVE, SCRIPT, Browser, opened, started

PAGE = "/workflows/ui/absence"
TODAY = datetime.now(UTC).date()
NEXT_WEEK = (TODAY + timedelta(days=7)).isoformat()
ABSENCE = {"first_day": (TODAY - timedelta(days=1)).isoformat(), "last_day": NEXT_WEEK}


async def test_who_stands_in_does_the_tasks_of_the_other(http: httpx.AsyncClient) -> None:
    await started(http)
    bob, ann = Browser(http, "bob"), Browser(http, "ann")
    await bob.get("/workflows/ui", tab="open")
    assert f'href="{PAGE}"' in bob.page
    await bob.get(PAGE)
    assert "Nobody: your tasks wait for you." in bob.text

    assert (await bob.post(PAGE, substitute="ann", **ABSENCE)).status_code == 303

    await bob.get(PAGE)
    assert f"ann {ABSENCE['first_day']} – {NEXT_WEEK}" in bob.text
    await ann.get(PAGE)
    assert f"For whom you stand in bob {ABSENCE['first_day']} – {NEXT_WEEK}" in ann.text
    path = await opened(ann)
    assert "You do this for bob." in ann.text
    done = await ann.post(f"{path}/complete", data__amount="5", outcome="approve")
    assert done.status_code == 303


async def test_it_ends_when_the_absent_is_back(http: httpx.AsyncClient) -> None:
    bob, ann = Browser(http, "bob"), Browser(http, "ann")
    await bob.get(PAGE)
    await bob.post(PAGE, substitute="ann", **ABSENCE)
    await bob.get(PAGE)
    (end,) = re.findall(rf'action="({PAGE}/[^"]+/end)"', bob.page)

    await ann.get(PAGE)
    assert end not in ann.page
    assert (await ann.post(end)).status_code == 403
    assert (await bob.post(end)).status_code == 303

    await bob.get(PAGE)
    assert "Nobody: your tasks wait for you." in bob.text


@pytest.mark.parametrize(
    ("entered", "said"),
    [
        ({"substitute": "bob"}, "Somebody else has to be named who stands in."),
        ({"substitute": "", "last_day": NEXT_WEEK}, "Somebody else has to be named who stands in."),
        ({"substitute": "ann", "last_day": "2001-01-01"}, "It ends before it begins."),
        ({"substitute": "ann", "last_day": "9999-12-31"}, "Write days as year, month and day"),
        ({"substitute": f"ann {SCRIPT}", "last_day": "tomorrow"}, "Write days as year, month and day"),
    ],
)
async def test_what_cannot_be_noted_is_said_and_nothing_typed_is_lost(
    http: httpx.AsyncClient, entered: dict[str, str], said: str
) -> None:
    bob = Browser(http, "bob")
    await bob.get(PAGE)

    answer = await bob.post(PAGE, **ABSENCE | entered)

    assert answer.status_code == 400
    assert said in bob.text
    assert f'value="{ABSENCE["first_day"]}"' in bob.page
    assert SCRIPT not in bob.page
    await bob.get(PAGE)
    assert "Nobody: your tasks wait for you." in bob.text


async def test_it_can_be_for_one_workflow(http: httpx.AsyncClient) -> None:
    await started(http)
    bob, ann = Browser(http, "bob"), Browser(http, "ann")
    await bob.get(PAGE)
    await bob.post(PAGE, substitute="ann", definition="payment", **ABSENCE)

    await bob.get(PAGE)
    assert f"{NEXT_WEEK} · Payment" in bob.text
    await ann.get("/workflows/ui", tab="open")
    assert "There is nothing that you could take at the moment." in ann.text


async def test_a_form_of_another_site_names_nobody(http: httpx.AsyncClient) -> None:
    mallory = Browser(http, "bob")
    assert (await mallory.post(PAGE, substitute="mallory", **ABSENCE)).status_code == 403


async def test_whoever_has_no_name_is_asked_for_it(serve_pages: ServePages) -> None:
    somebody = Browser(await serve_pages(LEAVE))
    await somebody.get(PAGE)
    assert "Say who you are" in somebody.text
    assert (await somebody.post(PAGE, substitute="ann", **ABSENCE)).status_code in {400, 403}
