"""Several tasks at once."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from tests.litestar.conftest import ServePages
from tests.litestar.pages import LEAVE, Browser, identify, started
from workflows_core import BaseHumanStep, WorkflowDefinition

UI = "/workflows/ui"
PLAIN = WorkflowDefinition(
    name="plain",
    steps=[BaseHumanStep("sign", "Sign it", outcomes=["yes", "no"], assignee_group="deciders")],
    initial_step="sign",
    terminal_steps=["sign"],
)


@pytest.fixture
async def http(serve_pages: ServePages) -> httpx.AsyncClient:
    return await serve_pages(LEAVE, PLAIN, identify=identify)


async def chosen(person: Browser, tab: str = "open") -> list[str]:
    await person.get(UI, tab=tab)
    return re.findall(r'type="checkbox" name="task" value="([^"]+)"', person.page)


async def test_all_that_is_selected_is_taken(http: httpx.AsyncClient) -> None:
    for _ in range(3):
        await started(http, workflow="plain")
    bob = Browser(http, "bob")

    answer = await bob.post(f"{UI}/bulk/claim", task=(await chosen(bob))[:2])

    assert answer.status_code == 303
    await bob.get(UI, tab="all", note="bulk", count="2")
    assert "Mine 2 My groups 1" in bob.text
    assert "Done: 2." in bob.text


async def test_what_needs_no_form_is_decided_alike(http: httpx.AsyncClient) -> None:
    for workflow in ("plain", "plain", "leave"):
        await started(http, workflow=workflow)
    bob = Browser(http, "bob")

    await bob.post(f"{UI}/bulk/decide", task=await chosen(bob))
    assert "2 tasks are decided alike" in bob.text
    assert "To be done one by one Decide" in bob.text
    hidden: dict[str, Any] = dict(re.findall(r'name="(revision-[^"]+)" value="(\d+)"', bob.page))
    tasks = re.findall(r'name="task" value="([^"]+)"', bob.page)
    answer = await bob.post(f"{UI}/bulk/complete", task=tasks, outcome="yes", **hidden)

    assert answer.status_code == 303
    await bob.get(UI, tab="open")
    assert "Sign it" not in bob.text


async def test_what_could_not_be_done_is_told_one_by_one(http: httpx.AsyncClient) -> None:
    for _ in range(2):
        await started(http, workflow="plain")
    bob, claire = Browser(http, "bob"), Browser(http, "claire")
    tasks = await chosen(bob)
    await claire.get(f"{UI}/tasks/{tasks[0]}")
    await claire.post(f"{UI}/tasks/{tasks[0]}/claim")

    answer = await bob.post(f"{UI}/bulk/claim", task=[*tasks, "nonsense"])

    assert answer.status_code == 409
    assert "with claire already" in bob.text
    assert bob.text.count("Sign it Done") == 1


async def test_nothing_selected_is_nothing_done(http: httpx.AsyncClient) -> None:
    await started(http, workflow="plain")
    bob = Browser(http, "bob")
    await bob.get(UI, tab="open")

    assert (await bob.post(f"{UI}/bulk/claim")).status_code == 303
    await bob.get(UI, tab="open")
    assert (await bob.post(f"{UI}/bulk/decide")).status_code == 200
