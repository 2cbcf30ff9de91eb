"""The dashboard: what its figures are, and whose."""

from __future__ import annotations

import re

import httpx

from tests.litestar.pages import Browser, started
from tests.servers import until_async

UI = "/workflows/ui"


async def tiles(person: Browser) -> dict[str, int]:
    """The figures at the top."""
    await person.get(f"{UI}/dashboard")
    found = re.findall(r'tile-number">(\d+)</span> <span>([^<]+)<', person.page)
    return {name: int(number) for number, name in found}


async def test_the_figures_are_those_of_what_somebody_may_see(http: httpx.AsyncClient) -> None:
    await started(http)
    await started(http, by="bob")
    await started(http, workflow="payment")

    assert await tiles(Browser(http, "olga")) == {
        "Running": 0, "Waiting": 2, "Failed": 1, "Suspended": 0, "Open tasks": 2, "Overdue tasks": 0
    }  # fmt: skip
    assert (await tiles(Browser(http, "bob")))["Failed"] == 0


async def test_what_waits_is_on_the_map_with_how_many_and_how_long(http: httpx.AsyncClient) -> None:
    for _ in range(2):
        await started(http)
    olga = Browser(http, "olga")

    await olga.get(f"{UI}/dashboard")
    assert "Where Leave waits" in olga.text
    assert "2 · <1 min" in olga.text
    await olga.get(f"{UI}/workflows/leave")
    assert "2 · <1 min" in olga.text


async def test_what_ended_today_is_counted_today(http: httpx.AsyncClient) -> None:
    instance = await started(http)
    olga = Browser(http, "olga")
    await olga.get(f"{UI}/instances/{instance}")
    await olga.post(f"{UI}/instances/{instance}/cancel", reason="enough")

    async def label() -> str:
        await olga.get(f"{UI}/dashboard")
        return str(re.findall(r'aria-label="Ended per day: ([^"]+)"', olga.page)[0]).split(", ")[-1]

    assert (await until_async(label, bool)).endswith(" 1")
    assert "Nothing waits that you may see." in olga.text


async def test_a_dashboard_of_nothing_says_so(http: httpx.AsyncClient) -> None:
    ann = Browser(http, "ann")
    assert set((await tiles(ann)).values()) == {0}
    assert "tile failed" not in ann.page  # none is nothing to be alarmed about
