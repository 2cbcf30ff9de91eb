"""People in front of the pages, without browsers."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import httpx
from litestar.connection import ASGIConnection

from tests.servers import until_async
from workflows_core import BaseHumanStep, BaseMachineStep, Edge, WorkflowContext, WorkflowDefinition
from workflows_core.actors import Actor

SCRIPT = "<script>alert(1)</script>"
ANN = Actor("ann")
BOB = Actor("bob", groups=["deciders"])
CLAIRE = Actor("claire", groups=["deciders"], roles=["manager"])
OLGA = Actor("olga", roles=["operator"])
PEOPLE = {str(each.user_id): each for each in (ANN, BOB, CLAIRE, OLGA)}
FORM: dict[str, Any] = {
    "type": "object",
    "properties": {
        "amount": {"type": "number", "title": f"Amount {SCRIPT}", "minimum": 1},
        "note": {"type": "string", "description": SCRIPT},
    },
    "required": ["amount"],
}
LEAVE = WorkflowDefinition(
    name="leave",
    steps=[
        BaseHumanStep(
            "decide",
            f"Decide {SCRIPT}",
            form_schema=FORM,
            outcomes=["approve", "reject"],
            assignee_group="deciders",
        ),
        BaseHumanStep("tell", "Tell them", assignee_key="asker"),
    ],
    edges=[Edge("decide", "tell", on="approve"), Edge("decide", "tell", on="reject")],
    initial_step="decide",
    terminal_steps=["tell"],
)


class Pay(BaseMachineStep):
    name = "pay"

    async def execute(self, context: WorkflowContext) -> None:
        if not context.get("account"):
            raise LookupError(f"no account {SCRIPT}")


PAYMENT = WorkflowDefinition(
    name="payment",
    description=f"Pay somebody. {SCRIPT}",
    steps=[Pay(), BaseHumanStep("file", "File it", assignee_key="asker")],
    edges=[Edge("pay", "file")],
    initial_step="pay",
    terminal_steps=["file"],
    searchable=["asker"],
    input_schema={
        "type": "object",
        "properties": {
            "asker": {"type": "string", "title": "Who asks", "minLength": 2},
            "account": {"type": "string", "title": SCRIPT},
            "parts": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"what": {"type": "string"}, "cost": {"type": "number"}},
                    "required": ["what", "cost"],
                },
            },
        },
        "required": ["asker"],
    },
)


class Browser:
    """Somebody who looks at the pages; `page` is the last they saw."""

    def __init__(self, http: httpx.AsyncClient, name: str = "") -> None:
        self.http, self.name = http, name
        self.page = ""

    async def get(self, path: str, /, **query: str) -> httpx.Response:
        response = await self.http.get(path, params=query or None, headers={"x-user": self.name})
        self.page = response.text
        return response

    async def post(self, path: str, **fields: Any) -> httpx.Response:
        """Send a form of the page they are on, with the token and the revision that stand there."""
        hidden = dict(re.findall(r'type="hidden" name="(_csrf_token|revision)" value="([^"]*)"', self.page))
        data = {**hidden, **{name.replace("__", "/"): value for name, value in fields.items()}}
        response = await self.http.post(path, data=data, headers={"x-user": self.name})
        if response.text:
            self.page = response.text
        return response

    @property
    def text(self) -> str:
        """What the page says, without its markup."""
        return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", self.page)))


def identify(connection: ASGIConnection[Any, Any, Any, Any]) -> Actor | None:
    return PEOPLE.get(connection.headers.get("x-user", ""))


async def started(http: httpx.AsyncClient, by: str = "ann", workflow: str = "leave", **data: Any) -> str:
    """Start an instance, wait until it rests, and return its id."""
    body = {"definition_name": workflow, "input_data": {"asker": "ann", **data}}
    response = await http.post("/workflows/instances", json=body, headers={"x-user": by})
    instance = str(response.raise_for_status().json()["id"])
    path = f"/workflows/instances/{instance}"

    async def now() -> Any:
        return (await http.get(path, headers={"x-user": by})).json()

    await until_async(now, lambda found: found["status"] != "running")
    return instance


async def opened(person: Browser, tab: str = "open") -> str:
    """Open the first task of a tab, and return its address."""
    await person.get("/workflows/ui", tab=tab)
    (path, *_) = re.findall(r'class="row-title" href="([^"]+)"', person.page)
    await person.get(path)
    return str(path)
