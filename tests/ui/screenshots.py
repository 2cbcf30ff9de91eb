"""Pictures of every page for the documentation: `python -m tests.ui.screenshots`.

They go to `docs/_static/screenshots`, light and dark, wide and as on a telephone.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
from playwright.sync_api import Browser

from tests.servers import Server
from tests.ui.browsing import Person, chromium
from tests.ui.office import office

FOLDER: Final = Path(__file__).parents[2] / "docs" / "_static" / "screenshots"
SIZES: Final = {"": {"width": 1200, "height": 800}, "-telephone": {"width": 360, "height": 740}}
EXPENSES: Final = (
    ("Train to Vienna", 120.5, "travel", "2026-1041"),
    ("Workstation for the new colleague", 2890, "equipment", "2026-1042"),
    ("Dinner with the auditors", 310, "meals", "2026-1043"),
    ("Hotel in Graz, three nights", 465, "travel", "2026-1044"),
    ("Standing desk", 640, "equipment", "2026-1045"),
    ("Team lunch", 89.9, "meals", "2026-1046"),
)


def main() -> int:
    """Take the pictures; those that are named, or all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    only = sys.argv[1:]
    with Server(office()) as server, chromium() as browser:
        places = {name: place for name, place in prepared(server.client).items() if not only or name in only}
        for scheme in ("light", "dark"):
            for size, viewport in SIZES.items():
                take(browser, server.url, places, f"{scheme}{size}", color_scheme=scheme, viewport=viewport)
    return 0


def take(browser: Browser, url: str, places: dict[str, tuple[str, str]], suffix: str, **options: Any) -> None:
    for name, (who, path) in places.items():
        person = Person(browser, url, who, **options)
        person.open(path)
        person.page.wait_for_load_state("networkidle")
        target = FOLDER / f"{name}-{suffix}.png"
        person.page.screenshot(path=target, full_page=suffix.endswith("telephone"))
        person.context.close()
        print(target.name, target.stat().st_size // 1024, "KB")  # noqa: T201 - it is a command


def prepared(client: httpx.Client) -> dict[str, tuple[str, str]]:
    """Put something on every page; return its name to who looks at it and where it is."""
    tasks = [*expenses(client)]
    complete(
        client,
        tasks[0],
        {"granted": 120.5},
        "Bob",
        outcome="approve",
        comment="In the budget of the project.",
    )
    complete(
        client, tasks[2], {"granted": 0}, "Claire", outcome="reject", comment="We did not order the audit."
    )
    complete(client, tasks[4], {"granted": 600}, "Bob", outcome="approve")
    payment = open_task(client, instance_of(client, tasks[4]))
    complete(client, payment, {"reference": "fail"}, "Dora")
    complete(client, tasks[5], {"granted": 89.9}, "Bob", outcome="approve")
    payment = open_task(client, instance_of(client, tasks[5]))
    complete(client, payment, {"reference": "SEPA 4711"}, "Dora")
    away = {
        "absent": "Bob",
        "substitute": "Claire",
        "since": "2026-11-01T00:00:00Z",
        "until": "2099-01-08T00:00:00Z",
    }
    client.post("/workflows/substitutions", json={**away, "user_id": "Bob"}).raise_for_status()
    return {
        "absence": ("Bob", "/absence"),
        "inbox": ("Bob", "?tab=open"),
        "task": ("Bob", f"/tasks/{tasks[1]}"),
        "workflow-list": ("Ann", "/workflows"),
        "workflow-detail": ("Ann", "/workflows/expense"),
        "start": ("Ann", "/workflows/expense/start"),
        "instances": ("Olga", "/instances"),
        "instance": ("Ann", f"/instances/{instance_of(client, tasks[0])}"),
        "failed": ("Olga", f"/instances/{instance_of(client, tasks[4])}"),
        "dashboard": ("Olga", "/dashboard"),
    }


def expenses(client: httpx.Client) -> Iterator[str]:
    """Start expenses; yield the tasks of the managers."""
    for purpose, amount, category, mark in EXPENSES:
        data = {"purpose": purpose, "amount": amount, "category": category, "spent_on": "2026-11-20"}
        body = {"definition_name": "expense", "input_data": data, "user_id": "Ann", "correlation_id": mark}
        yield open_task(
            client, client.post("/workflows/instances", json=body).raise_for_status().json()["id"]
        )


def open_task(client: httpx.Client, instance: str) -> str:
    found = client.get("/workflows/tasks", params={"instance_id": instance, "status": "pending"})
    return str(found.raise_for_status().json()[0]["id"])


def instance_of(client: httpx.Client, task: str) -> str:
    return str(client.get(f"/workflows/tasks/{task}").raise_for_status().json()["instance_id"])


def complete(
    client: httpx.Client,
    task: str,
    data: dict[str, object],
    user: str,
    **more: str,
) -> None:
    body = {"output_data": data, "completed_by": user, **more}
    client.post(f"/workflows/tasks/{task}/complete", json=body).raise_for_status()


if __name__ == "__main__":
    sys.exit(main())
