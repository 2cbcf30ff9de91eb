"""Every page: nothing that is not ours runs on it, nobody stumbles over it, and it fits on a telephone."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.servers import Server
from tests.ui.conftest import Begin, Enter
from tests.ui.test_work import complete

SCRIPT = "</script><script>alert('run')</script><img src=x onerror=\"alert('run')\">"
LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft " * 3
LIGHT = {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}}
DARK = {"color_scheme": "dark", "viewport": {"width": 1280, "height": 900}}
TELEPHONE = {"viewport": {"width": 360, "height": 740}}


def test_nobody_stumbles_over_a_page_and_it_fits(enter: Enter, begin: Begin, server: Server) -> None:
    light, dark, telephone = enter("Claire", **LIGHT), enter("Claire", **DARK), enter("Claire", **TELEPHONE)
    found = []
    for path in paths(begin, server):
        for person in (light, dark, telephone):
            person.open(path)
        found += [(path, problem) for problem in light.problems()]
        found += [(path, f"dark: {problem}") for problem in dark.problems(contrast=True)]
        if telephone.overflow() > 0:
            found.append((path, f"{telephone.overflow()} pixels too wide"))

    assert found == []


def paths(begin: Begin, server: Server) -> list[str]:
    """Every page, with something on it."""
    open_task, done = begin(LONG[:120], mark="a mark"), begin(explanation=LONG)
    complete(server.client, done, {"granted": 3}, "Bob", "reject")
    tasks = [server.client.get(f"/workflows/tasks/{task}").json() for task in (open_task, done)]
    return [
        "", "?tab=all", "?tab=all&q=nothing", f"/tasks/{open_task}", f"/tasks/{done}",
        "/workflows", "/workflows/expense", "/workflows/expense/start", "/workflows/none",
        "/dashboard", "/absence", "?tab=all&late=1", "/instances", "/instances?workflow=none", *(f"/instances/{each['instance_id']}" for each in tasks),
    ]  # fmt: skip


def test_what_only_operators_do_is_not_shown_to_others(enter: Enter, begin: Begin, server: Server) -> None:
    task = server.client.get(f"/workflows/tasks/{begin()}").json()
    for name, is_offered in (("Ann", False), ("Olga", True)):
        person = enter(name)
        person.open(f"/instances/{task['instance_id']}")
        expect(person.page.get_by_text("Operate")).to_be_visible(visible=is_offered)


def test_script_in_every_field_is_never_run(enter: Enter, server: Server) -> None:
    ann, bob = enter("Ann"), enter("Bob")
    ann.open("/workflows/expense/start")
    form = ann.page.locator("#form")
    for name in ("data/purpose", "data/explanation", "data/receipts/0/what", "mark"):
        form.locator(f'[name="{name}"]').fill(SCRIPT)
    form.locator('[name="data/amount"]').fill(SCRIPT)
    form.locator('[name="data/category"]').first.check()
    ann.press("Start")
    form.locator('[name="data/amount"]').fill("1")
    form.locator('[name="data/receipts/0/cost"]').fill("1")
    ann.press("Start")
    ann.page.wait_for_selector("#live")
    instance = ann.page.url.rpartition("/")[2].partition("?")[0]
    (task,) = server.client.get("/workflows/tasks", params={"instance_id": instance}).json()
    for person in (bob, ann):
        person.open(f"/tasks/{task['id']}")
        person.page.locator("#say").fill(SCRIPT)
        person.press("Comment")
        person.page.wait_for_selector(".thread")
    bob.page.locator('[name="data/granted"]').fill(SCRIPT)
    bob.page.locator("#comment").fill(SCRIPT)
    bob.press("Approve")
    bob.page.locator('[name="data/granted"]').fill("1")
    bob.press("Approve")
    bob.page.wait_for_selector(".tabs")
    for path in (f"/instances/{instance}", f"/tasks/{task['id']}", f"?tab=all&q={SCRIPT}", "/instances"):
        for person in (ann, bob):
            person.open(path)
            assert person.page.locator("img[src=x]").count() == 0
    # `enter` looks at dialogs, violations and errors at the end.
