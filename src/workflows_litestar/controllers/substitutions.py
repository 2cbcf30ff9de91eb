"""Substitutions: who is out of office, and who stands in."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import NAMESPACE_URL, UUID, uuid5

from litestar import Controller, delete, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from workflows_litestar import pages
from workflows_litestar.actor import asking, name_of
from workflows_litestar.bodies import JsonBody
from workflows_litestar.dependencies import Engine
from workflows_litestar.fields import NAME, PAGE
from workflows_litestar.idempotency import repeatable
from workflows_litestar.identity import Acting
from workflows_litestar.instance_requests import WITH_ZONE
from workflows_litestar.moments import moment
from workflows_litestar.openapi import refusals
from workflows_litestar.problems import Complaint, InvalidRequestError
from workflows_litestar.substitutions import AddSubstitutionDTO, SubstitutionDTO


class SubstitutionController(Controller):
    """Noting and ending substitutions."""

    path = "/substitutions"

    @get(
        operation_id="list_substitutions",
        summary="List substitutions",
        description="Yours, those in which you stand in, and those of others that you could end; by their beginning.",
        response_description="The substitutions.",
        responses=refusals(400),
    )
    async def list_substitutions(
        self,
        *,
        workflow_engine: Engine,
        workflow_actor: Acting,
        absent: Annotated[
            str | None, QueryParameter(description="Only those of this person.", **NAME)
        ] = None,
        substitute: Annotated[
            str | None, QueryParameter(description="Only those in which this person stands in.", **NAME)
        ] = None,
        at: Annotated[
            datetime | None,
            QueryParameter(description=f"Only those that hold at this moment{WITH_ZONE}"),
        ] = None,
        ended: Annotated[
            bool, QueryParameter(description="Also those that are over, which are left out otherwise.")
        ] = False,
        limit: pages.Limit = PAGE,
        offset: pages.Offset = 0,
    ) -> list[SubstitutionDTO]:
        """Return the substitutions that fit."""
        found = await workflow_engine.substitutions.find(
            absent=absent,
            substitute=substitute,
            at=moment(at, "at"),
            not_over_at=None if ended or at is not None else workflow_engine.clock.now(),
            actor=workflow_actor,
        )
        return [SubstitutionDTO.from_domain(each) for each in found[offset : offset + limit]]

    @post(
        operation_id="add_substitution",
        summary="Name a substitute",
        description="While it holds, whoever stands in finds the tasks of the absent among their own and does them on "
        "their behalf. It leads no further: the substitute's own substitute does not stand in for the first.",
        response_description="The substitution was noted.",
        dto=JsonBody[AddSubstitutionDTO],
        responses=refusals(400, 409, 413, 415, 422),
    )
    @repeatable
    async def add(
        self,
        data: JSONBody[AddSubstitutionDTO],
        workflow_engine: Engine,
        workflow_actor: Acting,
        request_id: str | None = None,
    ) -> SubstitutionDTO:
        """Note who stands in."""
        absent = data.absent or name_of(workflow_actor, data.user_id)
        if absent is None:
            raise InvalidRequestError(Complaint("Say who is out of office.", pointer="/absent"))
        noted = await workflow_engine.substitutions.add(
            absent,
            data.substitute,
            data.since or workflow_engine.clock.now(),
            data.until,
            definitions=data.definitions,
            groups=data.groups,
            substitution_id=None if request_id is None else uuid5(NAMESPACE_URL, request_id),
            **asking(workflow_actor, data.user_id),
        )
        return SubstitutionDTO.from_domain(noted)

    @delete(
        "/{substitution_id:str}",
        operation_id="end_substitution",
        summary="End a substitution",
        description="Now, or before it begins. What was done under it stays done; one that is over stays as it is.",
        response_description="The substitution is over.",
        status_code=200,
        responses=refusals(400, 404, 409, 413, 422),
    )
    @repeatable
    async def end(
        self, substitution_id: FromPath[UUID], workflow_engine: Engine, workflow_actor: Acting
    ) -> SubstitutionDTO:
        """Put an end to it."""
        ended = await workflow_engine.substitutions.end(substitution_id, actor=workflow_actor)
        return SubstitutionDTO.from_domain(ended)
