"""Everything else that people do with a task on its page."""

from __future__ import annotations

import re

import httpx

from tests.litestar.pages import SCRIPT, Browser, opened, started


async def test_a_comment_is_shown_to_others_and_never_run(http: httpx.AsyncClient) -> None:
    await started(http)
    bob, claire = Browser(http, "bob"), Browser(http, "claire")
    path = await opened(bob)

    assert (await bob.post(f"{path}/comment", text=f"look {SCRIPT}")).status_code == 303

    await claire.get(path)
    assert f"bob commented just now look {SCRIPT}" in claire.text
    assert SCRIPT not in claire.page


async def test_a_question_goes_out_and_comes_back_with_its_answer(http: httpx.AsyncClient) -> None:
    await started(http)
    bob, ann = Browser(http, "bob"), Browser(http, "ann")
    path = await opened(bob)

    await bob.post(f"{path}/ask", text="Which days?")
    await bob.get(path)
    assert "You cannot do this task now: It is with ann" in bob.text
    assert await opened(ann, "mine") == path
    assert "bob asks ann: Which days?" in ann.text
    answer = await ann.post(f"{path}/answer", text="All of them")

    assert answer.status_code == 303
    await bob.get(path)
    assert "ann answered just now All of them" in bob.text
    assert "Your decision" in bob.text


async def test_a_question_can_be_withdrawn(http: httpx.AsyncClient) -> None:
    await started(http)
    bob = Browser(http, "bob")
    path = await opened(bob)
    await bob.post(f"{path}/ask", text="Which days?", name="claire")

    assert (await bob.post(f"{path}/withdraw")).status_code == 303

    await bob.get(path)
    assert "A question is open" not in bob.text


async def test_a_task_is_delegated_and_comes_back(http: httpx.AsyncClient) -> None:
    await started(http)
    bob, claire = Browser(http, "bob"), Browser(http, "claire")
    path = await opened(bob)

    await bob.post(f"{path}/delegate", name="claire", text="have a look")
    await claire.get(path)
    assert (await claire.post(f"{path}/resolve", text="looks good")).status_code == 303

    assert await opened(bob, "mine") == path
    assert "looks good" in bob.text


async def test_who_gives_a_task_away_for_good_need_not_see_it_any_more(http: httpx.AsyncClient) -> None:
    await started(http)
    claire = Browser(http, "claire")
    path = await opened(claire)

    assert (await claire.post(f"{path}/reassign", name="ann", text="yours")).status_code == 303

    ann = Browser(http, "ann")
    assert await opened(ann, "mine") == path
    assert "claire gave the task to ann" in ann.text


async def test_what_somebody_may_not_do_is_not_offered_and_is_refused(http: httpx.AsyncClient) -> None:
    await started(http)
    bob, ann = Browser(http, "bob"), Browser(http, "ann")
    path = await opened(bob)

    await ann.get(path)
    assert "You cannot do this task now: It is offered to the group deciders." in ann.text
    for action in ("claim", "complete", "delegate", "reassign"):
        assert f"{path}/{action}" not in ann.page or action == "complete"
        answer = await ann.post(f"{path}/{action}", name="ann", outcome="approve", data__amount="1")
        assert answer.status_code == 403, action
        assert "You may not" in ann.text


async def test_a_draft_is_offered_again_to_who_saved_it_and_to_nobody_else(http: httpx.AsyncClient) -> None:
    await started(http)
    bob, claire = Browser(http, "bob"), Browser(http, "claire")
    path = await opened(bob)

    assert (await bob.post(f"{path}/draft", data__amount="77.5", data__note="not yet")).status_code == 303

    await bob.get(path)
    assert 'value="77.5"' in bob.page
    assert 'value="not yet"' in bob.page
    await claire.get(path)
    assert "77.5" not in claire.page


async def test_a_decision_on_something_that_has_changed_shows_first_what_is_new(
    http: httpx.AsyncClient,
) -> None:
    await started(http)
    bob, claire = Browser(http, "bob"), Browser(http, "claire")
    path = await opened(bob)
    await claire.get(path)
    await bob.post(f"{path}/ask", text="Which days?")
    ann = Browser(http, "ann")
    await ann.get(path)
    await ann.post(f"{path}/answer", text="Only one day")

    await bob.get(path)
    await bob.post(f"{path}/unclaim")

    wrong = await claire.post(f"{path}/complete", data__amount="", outcome="approve", comment="my words")
    assert wrong.status_code == 400
    answer = await claire.post(f"{path}/complete", data__amount="5", outcome="approve", comment="my words")

    assert answer.status_code == 412
    assert "This changed while you were looking at it" in claire.text
    assert "Only one day" in claire.text
    assert 'value="5"' in claire.page
    assert "my words" in claire.text
    again = await claire.post(f"{path}/complete", data__amount="5", outcome="approve", comment="my words")
    assert again.status_code == 303


async def test_a_manager_sets_due_date_and_priority(http: httpx.AsyncClient) -> None:
    await started(http)
    claire, bob = Browser(http, "claire"), Browser(http, "bob")
    path = await opened(claire)

    assert (await claire.post(f"{path}/due", value="2020-05-01T12:30", text="late")).status_code == 303
    assert (await claire.post(f"{path}/priority", value="5")).status_code == 303

    await claire.get(path)
    assert 'value="2020-05-01T12:30"' in claire.page
    assert "claire set the due date: 2020-05-01 12:30 UTC" in claire.text
    assert "Priority 5" in claire.text
    await bob.get("/workflows/ui", tab="overdue")
    assert f'href="{path}"' in bob.page
    assert (await claire.post(f"{path}/due", value="")).status_code == 303
    await claire.get(path)
    assert "no deadline" in claire.text


async def test_what_is_no_date_and_no_number_changes_nothing(http: httpx.AsyncClient) -> None:
    await started(http)
    claire = Browser(http, "claire")
    path = await opened(claire)

    for action, value in (
        ("due", "soon"),
        ("due", "9999-12-31T00:00"),
        ("priority", "high"),
        ("priority", ""),
    ):
        assert (await claire.post(f"{path}/{action}", value=value)).status_code == 400, (action, value)
        assert (
            "Write a date" in claire.text
            or "must lie between" in claire.text
            or "whole number" in claire.text
        )

    await claire.get(path)
    assert "no deadline" in claire.text


async def test_due_date_and_priority_are_not_for_those_who_only_decide(http: httpx.AsyncClient) -> None:
    await started(http)
    bob = Browser(http, "bob")
    path = await opened(bob)

    for action in ("due", "priority"):
        assert f"{path}/{action}" not in bob.page
        assert (await bob.post(f"{path}/{action}", value="")).status_code in {400, 403}
    assert (await bob.post(f"{path}/due", value="2020-05-01T12:30")).status_code == 403
    await bob.get(path)
    assert "no deadline" in bob.text
    assert (await bob.post(f"{path}/follow", value="2100-05-01T12:30")).status_code == 303
    await bob.get(path)
    assert "Put off until 2100-05-01 12:30 UTC" in bob.text


async def test_all_that_is_overdue_and_may_be_seen_is_listed(http: httpx.AsyncClient) -> None:
    for _ in range(2):
        await started(http)
    claire, ann, olga = Browser(http, "claire"), Browser(http, "ann"), Browser(http, "olga")
    path = await opened(claire)
    await claire.post(f"{path}/due", value="2020-05-01T12:30")

    for person in (ann, olga):  # who started it, and who sees everything: neither of them can do it
        await person.get("/workflows/ui", tab="overdue")
        assert 'class="row-title"' not in person.page
        await person.get("/workflows/ui", tab="all", late="1")
        assert re.findall(r'class="row-title" href="([^"]+)"', person.page) == [path]
        assert 'name="late" value="1" data-submits checked' in person.page
    await olga.get("/workflows/ui/dashboard")
    assert "tab=all&amp;late=1" in olga.page
