"""A travel service to try out: `python -m examples.travel.demo`, or `make demo`.

Serves the application on a database in `.demo/`, brings some real cases to different stages, and says
where to look and what to type. What is done there stays: a second run goes on with it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final

from examples.travel.app import create_app, sqlite_url
from examples.travel.cases import actions, load
from examples.travel.client import TravelClient, connected
from examples.travel.process import TravelRequest
from examples.travel.server import listen, serve_while

PORT: Final = 8000
WORKFLOW: Final = TravelRequest.__workflow_name__
STAGES: Final = {
    "request for payment 76758": 1,  # the permit waits for pre-approver and supervisor
    "request for payment 74519": 2,  # the supervisor was quicker than the pre-approver
    "request for payment 76396": 2,  # the director is asked
    "request for payment 73190": 2,  # rejected: back to the employee
    "request for payment 76930": 7,  # the payment is requested a second time
    "request for payment 185377": 2,  # without a permit; finance is to release the payment
    "request for payment 73897": 6,  # paid; the file is still open
    "request for payment 76424": 7,  # paid and closed
    "request for payment 72939": 7,  # canceled after its approval
}
"""Cases of the log, and how many of their actions have happened."""


async def bring_cases(client: TravelClient) -> dict[str, str]:
    """Play some cases to their stages, one after the other; return their ids by name."""
    cases = {case.name: case for case in load()}
    ids = {}
    for name, count in STAGES.items():
        ids[name] = await client.start(cases[name])
        await client.play(ids[name], islice(actions(cases[name]), count))
        await client.rest(ids[name])
    return ids


async def present(url: str, *, database: str, once: bool) -> None:
    """Fill an empty database, print what to do, and stay."""
    async with connected(url) as client:
        if not await client.instances(workflow_name=WORKFLOW, limit="1"):
            await bring_cases(client)
        print(await guide(client, url, database), flush=True)
    if not once:
        print("\nCtrl-C stops the server. What you did stays; delete the database to begin anew.", flush=True)
        await asyncio.Event().wait()


async def guide(client: TravelClient, url: str, database: str) -> str:
    """Say where to look and what to type, with the ids of what waits now."""
    waiting = await client.tasks(status="pending")
    lines = [
        f"Travel requests of a university, on {url} (database: {database.rpartition('@')[2]})",
        "",
        f"  Pages: say who you are    {url}/workflows/ui",
        f"  API, to read and to try   {url}/schema",
        f"  The process as a picture  {url}/workflows/definitions/{WORKFLOW}/graph?graph_format=svg",
        "",
        "These tasks wait:",
        "",
        *(f"  {_who(task):15} {task['title']}" for task in waiting),
        "",
        "Type:",
        "",
        "  # what waits for the supervisors?",
        f"  curl -s '{url}/workflows/tasks?status=pending&assignee_group=supervisors'",
    ]
    decision = next((task for task in waiting if task["assignee_group"] == "supervisors"), None)
    if decision is not None:
        lines += _about(decision, url)
    lines += [
        "",
        "  # a request of your own",
        _post(
            f"{url}/workflows/instances", {"definition_name": WORKFLOW, "input_data": _OWN, "user_id": "you"}
        ),
    ]
    return "\n".join(lines)


_OWN: Final = {"case": "my trip", "requester": "you", "needs_permit": False, "amount": 123.45}


def _who(task: dict[str, Any]) -> str:
    return str(task["assignee_group"] or task["assignee"])


def _about(task: dict[str, Any], url: str) -> list[str]:
    """Show the commands for one decision of a supervisor."""
    instance = f"{url}/workflows/instances/{task['instance_id']}"
    body = {"output_data": {}, "completed_by": "supervisor", "outcome": "approve_final"}
    return [
        "",
        "  # approve one of them",
        _post(f"{url}/workflows/tasks/{task['id']}/complete", body),
        "",
        "  # what became of it, step by step, and as a graph for Mermaid",
        f"  curl -s '{instance}'",
        f"  curl -s '{instance}/graph'",
    ]


def _post(url: str, body: dict[str, Any]) -> str:
    return f"  curl -s -X POST '{url}' -H 'Content-Type: application/json' -d '{json.dumps(body)}'"


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m examples.travel.demo", description="Try the travel service."
    )
    parser.add_argument(
        "--port", type=int, default=PORT, help=f"where to serve, or the next free one (default: {PORT})"
    )
    parser.add_argument("--database", help="database URL (default: an SQLite file in .demo/)")
    parser.add_argument("--once", action="store_true", help="end after having said what to do")
    return parser.parse_args(given)


def _own_database() -> str:
    folder = Path(".demo")
    folder.mkdir(exist_ok=True)
    return sqlite_url(folder / "travel.sqlite3")


def main(given: Sequence[str] | None = None) -> int:
    arguments = _arguments(given)
    database = arguments.database or _own_database()
    listener = listen(arguments.port)
    port = listener.getsockname()[1]
    if arguments.port not in {0, port}:
        print(f"Port {arguments.port} is taken; using {port}.", flush=True)
    asyncio.run(
        serve_while(create_app(database), listener, partial(present, database=database, once=arguments.once))
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
