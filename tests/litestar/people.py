"""People who sign in to the API by a header: what an application does behind a proxy that knows them."""

from typing import Any

import httpx
from litestar.connection import ASGIConnection

from tests.litestar.conftest import Answer, Api
from workflows_core.actors import Actor


def by_header(connection: ASGIConnection[Any, Any, Any, Any]) -> Actor | None:
    """Believe what the headers say."""
    headers = connection.headers
    name = headers.get("x-user")
    if name is None:
        return None
    return Actor(
        name,
        groups=headers.get("x-groups", "").split(),
        roles=headers.get("x-roles", "").split(),
        tenant_id=headers.get("x-tenant"),
    )


class Person:
    """Somebody who uses the API."""

    def __init__(
        self, api: Api, name: str, *, groups: str = "", roles: str = "", tenant: str | None = None
    ) -> None:
        self.api = api
        self.headers = {"x-user": name, "x-groups": groups, "x-roles": roles}
        if tenant is not None:
            self.headers["x-tenant"] = tenant

    async def send(self, method: str, path: str, body: Any = None, **options: Any) -> httpx.Response:
        headers = self.headers | options.pop("headers", {})
        return await self.api.http.request(method, path, json=body, headers=headers, **options)

    async def get(self, path: str, **query: Any) -> Any:
        return (await self.send("GET", path, params=query)).raise_for_status().json()

    async def post(self, path: str, body: Any = None, **options: Any) -> Any:
        response = await self.send("POST", path, body, **options)
        assert response.status_code == 201, response.text
        return response.json()

    async def start(self, workflow: str = "example", **data: Any) -> Answer:
        """Start an instance, and return it once it rests."""
        body = {"definition_name": workflow, "input_data": data}
        started: Answer = await self.post("/instances", body, params={"wait": 30})
        return started

    async def task(self, instance: Answer) -> Answer:
        """The one task that an instance waits for."""
        (task,) = await self.get("/tasks", instance_id=instance["id"], status="pending")
        return dict(task)
