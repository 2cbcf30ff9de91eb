"""What those look at who keep the workflows running: people and load balancers."""

from __future__ import annotations

from typing import Any, cast

from litestar import Controller, Response, get
from litestar.exceptions import HTTPException

from workflows_core.health import health
from workflows_core.statistics import statistics
from workflows_litestar.dependencies import Engine
from workflows_litestar.identity import Acting
from workflows_litestar.openapi import OpenOperation, refusals
from workflows_litestar.problems import plain
from workflows_litestar.statistics import HealthDTO, StatisticsDTO


class StatisticsController(Controller):
    """How things stand."""

    path = "/stats"

    @get(
        operation_id="get_workflow_statistics",
        summary="Count instances and tasks",
        description="By workflow and status, as far as whoever asks may see them.",
        response_description="The numbers.",
        responses=refusals(),
    )
    async def get_statistics(self, workflow_engine: Engine, workflow_actor: Acting) -> StatisticsDTO:
        """Return how things stand."""
        return StatisticsDTO.from_domain(await statistics(workflow_engine, workflow_actor))


class HealthController(Controller):
    """Whether the process that answers can do its work."""

    path = "/health"

    @get(
        operation_id="get_workflow_health",
        summary="Ask whether all is well",
        description="The database answers and the runner is alive, or else it is 503. Nobody has to sign in to ask.",
        response_description="All is well.",
        opt={"exclude_from_auth": True},
        operation_class=OpenOperation,
        responses=refusals(),
    )
    async def get_health(self, workflow_engine: Engine) -> Response[HealthDTO]:
        """Say whether all is well."""
        found = await health(workflow_engine)
        if found.is_well:
            return Response(HealthDTO.from_domain(found), headers={"cache-control": "no-store"})
        what = "No steps are executed." if found.is_reachable else "The storage does not answer."
        unwell: Any = plain(HTTPException(detail=what, status_code=503))
        return cast("Response[HealthDTO]", unwell)
