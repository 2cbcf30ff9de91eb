"""Work with the pages in a real browser: several people, fast and slow, with and without scripts."""

from __future__ import annotations

import re

import httpx
from playwright.sync_api import expect

from tests.servers import Server
from tests.ui.conftest import Begin, Enter


def test_an_expense_lives_from_its_start_to_its_payment_among_three_people(enter: Enter) -> None:
    ann, bob, dora = enter(), enter("Bob"), enter("Dora")
    ann.open()
    ann.choose("Ann")
    ann.follow("Workflows")
    ann.page.get_by_role("link", name="Start Expense").click()
    ann.page.get_by_label("Purpose").fill("Conference in Graz")
    ann.page.get_by_label("Amount in euros").fill("1250")
    ann.page.get_by_label("Travel and lodging").check()
    ann.page.get_by_label("Spent on").fill("2026-11-20")
    ann.page.get_by_label("What", exact=True).fill("Ticket")
    ann.page.get_by_label("Cost", exact=True).fill("250")
    ann.press("Add another")
    ann.page.get_by_label("What", exact=True).nth(1).fill("Hotel")
    ann.page.get_by_label("Cost", exact=True).nth(1).fill("1000")
    ann.page.get_by_label("Your own mark").fill("graz-7")
    ann.press("Start")
    expect(ann.page.get_by_role("heading", name="graz-7")).to_be_visible()
    expect(ann.page.locator("#live")).to_contain_text("“Approve the expense” waits to be done")

    bob.open("?tab=open&order=newest")
    bob.follow("Approve the expense")
    expect(bob.page.locator("main")).to_contain_text("Conference in Graz")
    expect(bob.page.locator("main")).to_contain_text("due in 8 working hours")
    bob.press("Take it")
    bob.page.get_by_label("Granted amount").fill("1200")
    bob.page.locator("#comment").fill("Without the minibar.")
    bob.press("Approve")
    expect(bob.page.get_by_role("status")).to_contain_text("“Approve the expense” is done. Approve.")

    # Ann has not touched her page: it brings itself up to date.
    expect(ann.page.locator("#live")).to_contain_text("“Pay the expense” waits to be done")
    expect(ann.page.locator(".timeline").first).to_contain_text("Without the minibar.")

    dora.open("?tab=open&order=newest")
    dora.follow("Pay the expense")
    dora.page.get_by_label("Reference of the payment").fill("SEPA 4711")
    dora.press("Complete")
    expect(dora.page.get_by_role("status")).to_contain_text("is done")
    expect(ann.page.locator("#live .head")).to_contain_text("Completed")
    expect(ann.page.locator("#live")).to_contain_text("SEPA 4711")


def test_a_double_click_decides_once_and_is_no_error(enter: Enter, begin: Begin, server: Server) -> None:
    task = begin()
    bob = enter("Bob")
    bob.open(f"/tasks/{task}")
    bob.page.get_by_label("Granted amount").fill("5")

    bob.page.get_by_role("button", name="Approve", exact=True).dblclick(no_wait_after=True)

    expect(bob.page.get_by_role("status")).to_contain_text("is done")
    (entry,) = server.client.get(f"/workflows/tasks/{task}").json()["output_data"].items()
    assert entry == ("granted", 5)


def test_the_same_form_in_two_tabs_decides_once(enter: Enter, begin: Begin) -> None:
    task = begin()
    bob = enter("Bob")
    bob.open(f"/tasks/{task}")
    other = bob.context.new_page()
    other.goto(bob.page.url)
    for page in (bob.page, other):
        page.get_by_label("Granted amount").fill("5")
    for page in (bob.page, other):
        page.get_by_role("button", name="Approve", exact=True).click()

        expect(page.get_by_role("status")).to_contain_text("is done")


def test_of_two_people_on_one_task_the_slower_keeps_what_they_had_entered(enter: Enter, begin: Begin) -> None:
    task = begin()
    bob, claire = enter("Bob"), enter("Claire")
    for person in (bob, claire):
        person.open(f"/tasks/{task}")
        person.page.get_by_label("Granted amount").fill("77" if person is claire else "5")

    bob.press("Approve")
    expect(bob.page.get_by_role("status")).to_contain_text("is done")
    claire.press("Reject")

    expect(claire.page.get_by_role("alert")).to_contain_text("This task was closed in the meantime")
    expect(claire.page.get_by_label("Granted amount")).to_have_value("77")
    expect(claire.page.locator("main")).to_contain_text("by Bob")


def test_who_sees_an_old_page_is_shown_what_changed_before_they_decide(
    enter: Enter, begin: Begin, server: Server
) -> None:
    task = begin()
    bob, claire = enter("Bob"), enter("Claire")
    claire.open(f"/tasks/{task}")
    claire.page.get_by_label("Granted amount").fill("77")
    bob.open(f"/tasks/{task}")
    bob.page.get_by_text("Ask a question").first.click()
    bob.page.get_by_label("What do you want to know?").fill("Which hotel?")
    bob.press("Ask a question")
    ann = enter("Ann")
    ann.open()
    ann.open(f"/tasks/{task}")
    ann.page.get_by_label("Your answer").fill("The cheapest one")
    ann.press("Answer")
    expect(ann.page.get_by_role("status").first).to_contain_text("Your answer was sent")
    bob.open(f"/tasks/{task}")
    bob.press("Give it back")

    claire.press("Approve")

    expect(claire.page.get_by_role("alert")).to_contain_text("This changed while you were looking at it")
    expect(claire.page.locator(".changes")).to_contain_text("The cheapest one")
    expect(claire.page.get_by_label("Granted amount")).to_have_value("77")
    claire.press("Approve")
    expect(claire.page.get_by_role("status")).to_contain_text("is done")


def test_errors_stand_at_their_field_and_are_one_click_away(enter: Enter, begin: Begin) -> None:
    bob = enter("Bob")
    bob.open(f"/tasks/{begin()}")
    bob.page.get_by_label("Granted amount").fill("a lot")
    bob.page.locator("#comment").fill("My words")
    bob.press("Approve")

    summary = bob.page.get_by_role("alert")
    expect(summary).to_contain_text("One thing has to be corrected")
    expect(summary).to_be_focused()
    expect(bob.page.get_by_label("Granted amount")).to_have_value("a lot")
    expect(bob.page.get_by_label("Granted amount")).to_have_attribute("aria-invalid", "true")
    expect(bob.page.locator("#comment")).to_have_value("My words")
    summary.get_by_role("link").click()
    expect(bob.page.get_by_label("Granted amount")).to_be_focused()


def test_what_is_typed_is_kept_as_a_draft(enter: Enter, begin: Begin) -> None:
    task = begin()
    bob = enter("Bob")
    bob.open(f"/tasks/{task}")
    bob.page.get_by_label("Granted amount").fill("33")
    expect(bob.page.locator("#form")).to_contain_text("Draft saved.")

    bob.open()
    bob.open(f"/tasks/{task}")

    expect(bob.page.get_by_label("Granted amount")).to_have_value("33")


def test_starting_claiming_and_completing_work_without_scripts(enter: Enter) -> None:
    ann = enter("Ann", java_script_enabled=False)
    ann.open("/workflows/expense/start")
    ann.page.get_by_label("Purpose").fill("A chair")
    ann.page.get_by_label("Amount in euros").fill("80")
    ann.page.get_by_label("Equipment").check()
    ann.page.get_by_label("Your own mark").fill("chair-1")
    ann.press("Start")
    expect(ann.page.get_by_role("heading", name="chair-1")).to_be_visible()
    ann.page.locator("section", has=ann.page.get_by_role("heading", name="Tasks")).get_by_role("link").click()
    path = re.sub(r".*/ui", "", ann.page.url)

    bob = enter("Bob", java_script_enabled=False)
    bob.open(path)
    bob.press("Take it")
    expect(bob.page.get_by_role("status").first).to_contain_text("The task is with you now.")
    bob.page.get_by_label("Granted amount").fill("80")
    bob.press("Approve")

    expect(bob.page.get_by_role("status")).to_contain_text("is done")


def test_an_operator_brings_a_failed_instance_on_its_way(enter: Enter, begin: Begin, server: Server) -> None:
    task = begin(mark="ledger")
    olga = enter("Olga")
    instance = server.client.get(f"/workflows/tasks/{task}").json()["instance_id"]
    complete(server.client, task, {"granted": 1}, "Bob", "approve")
    (pay,) = (
        each
        for each in server.client.get("/workflows/tasks", params={"instance_id": instance}).json()
        if each["status"] == "pending"
    )
    olga.open(f"/instances/{instance}")
    complete(server.client, pay["id"], {"reference": "fail"}, "Dora")
    expect(olga.page.locator("#live .head")).to_contain_text("Failed")
    expect(olga.page.locator("#live")).to_contain_text("The ledger does not answer.")

    olga.page.get_by_text("Skip a step").first.click()
    olga.page.locator("#skip-reason").fill("Booked by hand")
    olga.press("Skip a step")

    expect(olga.page.get_by_role("status").first).to_contain_text("The step was skipped.")
    expect(olga.page.locator("#live .head")).to_contain_text("Completed")
    expect(olga.page.locator("#live")).to_contain_text("Booked by hand")


def complete(
    client: httpx.Client, task: str, data: dict[str, object], user: str, outcome: str | None = None
) -> None:
    body = {"output_data": data, "completed_by": user, "outcome": outcome}
    client.post(f"/workflows/tasks/{task}/complete", json=body).raise_for_status()


def test_the_inbox_is_gone_through_with_the_keyboard_alone(enter: Enter, begin: Begin) -> None:
    begin()
    bob = enter("Bob")
    bob.open("?tab=open")
    bob.page.keyboard.press("/")
    expect(bob.page.get_by_label("Search titles")).to_be_focused()
    bob.page.keyboard.type("appr")
    bob.page.keyboard.press("Enter")
    expect(bob.page).to_have_url(re.compile("q=appr"))
    bob.page.locator("h1").click()
    bob.page.keyboard.press("j")
    bob.page.keyboard.press("Enter")
    expect(bob.page.get_by_role("heading", name="Approve the expense")).to_be_visible()
    bob.page.get_by_label("Granted amount").focus()
    bob.page.keyboard.type("12")
    while not bob.page.get_by_role("button", name="Approve", exact=True).evaluate(
        "each => each === document.activeElement"
    ):
        bob.page.keyboard.press("Tab")
    bob.page.keyboard.press("Enter")
    expect(bob.page.get_by_role("status")).to_contain_text("is done")


def test_whoever_stands_in_does_what_waits_for_somebody_who_is_away(enter: Enter, begin: Begin) -> None:
    task = begin()
    bob, dora = enter("Bob", java_script_enabled=False), enter("Dora")
    bob.open()
    bob.follow("Out of office")
    bob.page.get_by_label("Who stands in", exact=True).fill("Dora")
    bob.page.get_by_label("Last day").fill("2100-01-01")
    bob.press("Note it")
    expect(bob.page.get_by_role("status")).to_contain_text("It is noted.")

    dora.open(f"/tasks/{task}")
    expect(dora.page.locator("main")).to_contain_text("You do this for Bob.")
    dora.page.get_by_label("Granted amount").fill("5")
    dora.press("Approve")
    expect(dora.page.get_by_role("status").first).to_contain_text(
        "Done. This comes next for you"
    )  # she pays as well

    bob.page.get_by_role("button", name="End it").click()
    expect(bob.page.locator("main")).to_contain_text("Nobody: your tasks wait for you.")
