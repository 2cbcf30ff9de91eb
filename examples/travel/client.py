"""Playing cases through the REST API, as the people in the log did."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx

from examples.travel.cases import Action, Case
from examples.travel.process import TravelRequest

PATIENCE: Final = 60.0
"""Seconds that the machine steps between two tasks may take, and a request."""
_SHORTEST_PAUSE: Final = 0.01
_LONGEST_PAUSE: Final = 0.25


class RefusedError(Exception):
    """The server said no, or something that should happen did not."""


class TravelClient:
    """The few calls that a case needs; `api` is an HTTP client at the plugin's path."""

    def __init__(self, api: httpx.AsyncClient) -> None:
        self._api = api

    async def start(self, case: Case) -> str:
        """Start an instance for a case and return its id."""
        body = {
            "definition_name": TravelRequest.__workflow_name__,
            "input_data": case.input_data,
            "correlation_id": case.name,
            "user_id": "employee",
        }
        instance: dict[str, Any] = await self._send("POST", "/instances", json=body)
        return str(instance["id"])

    async def play(self, instance_id: str, actions: Iterable[Action]) -> int:
        """Do what was done, each as soon as it is possible; return how many tasks that completed."""
        completed = 0
        for action in actions:
            if action.step is None:
                await self.rest(instance_id)
                await self._send(
                    "POST", f"/instances/{instance_id}/cancel", params={"reason": str(action.activity)}
                )
            else:
                await self._complete(await self._open_task(instance_id, action.step), action)
                completed += 1
        return completed

    async def rest(self, instance_id: str) -> dict[str, Any]:
        """Wait until the machine steps in hand are done; the tasks that follow are open then."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE
        pause = _SHORTEST_PAUSE
        while True:
            instance: dict[str, Any] = await self._send("GET", f"/instances/{instance_id}")
            if instance["status"] != "running":
                return instance
            if loop.time() > deadline:
                raise RefusedError(f"{instance['current_step']} still runs after {PATIENCE:.0f} seconds")
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def instances(self, **filters: str) -> list[dict[str, Any]]:
        """List instances; the filters are those of the API."""
        found: list[dict[str, Any]] = await self._send("GET", "/instances", params=filters)
        return found

    async def tasks(self, **filters: str) -> list[dict[str, Any]]:
        """List tasks; the filters are those of the API."""
        found: list[dict[str, Any]] = await self._send("GET", "/tasks", params=filters)
        return found

    async def _open_task(self, instance_id: str, step: str) -> str:
        await self.rest(instance_id)
        found = {
            task["step_name"]: str(task["id"])
            for task in await self.tasks(instance_id=instance_id, status="pending")
        }
        if step not in found:
            raise RefusedError(f"{step} is not asked for, but {', '.join(found) or 'nothing'}")
        return found[step]

    async def _complete(self, task_id: str, action: Action) -> None:
        body = {"output_data": dict(action.data), "completed_by": action.user, "outcome": action.outcome}
        await self._send("POST", f"/tasks/{task_id}/complete", json=body)

    async def _send(self, method: str, path: str, **request: Any) -> Any:
        try:
            response = await self._api.request(method, path, **request)
        except httpx.HTTPError as error:
            raise RefusedError(f"{method} {path}: {type(error).__name__} {error}") from error
        if response.is_error:
            raise RefusedError(f"{method} {path} answered {response.status_code}: {response.text}")
        return response.json()


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[TravelClient]:
    """Connect to the server at `url`."""
    # The server is on this machine or named on purpose: no proxy of the environment has a say.
    async with httpx.AsyncClient(
        base_url=f"{url.rstrip('/')}/workflows", timeout=PATIENCE, trust_env=False
    ) as api:
        yield TravelClient(api)
