"""What happens, as it happens: server-sent events."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Annotated, cast
from uuid import UUID

from litestar import Controller, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, HeaderParameter, QueryParameter
from litestar.response import Stream

from workflows_core.errors import InvalidDataError
from workflows_core.feed import Place, follow
from workflows_litestar.dependencies import Engine
from workflows_litestar.fields import NAME
from workflows_litestar.identity import Acting
from workflows_litestar.openapi import refusals
from workflows_litestar.problems import Complaint, InvalidRequestError
from workflows_litestar.streams import PATIENCE, OpenStreams

if TYPE_CHECKING:
    from workflows_core.ports import FeedPage

LastEventId = Annotated[
    str | None,
    HeaderParameter(
        name="Last-Event-ID",
        description="The id of the last event that was received; browsers send it.",
        **NAME,
    ),
]
After = Annotated[
    str | None,
    QueryParameter(
        description="Where to begin, if no event was received yet: an id, or 0 for the beginning. By default, now.",
        **NAME,
    ),
]
_DESCRIPTION = (
    "Each event is named `transition`; its data is what was committed together: `instance_id`, `definition_name`, "
    "`definition_version`, `revision`, `at`, `actor` and `events`, those of an instance in their order. A client that "
    "reconnects with the id of the last event misses nothing. The number of open streams is limited; streams end after "
    "a while, and clients connect again."
)


class EventController(Controller):
    """Streams of what happens."""

    path = "/"

    @get(
        "/events",
        operation_id="stream_workflow_events",
        summary="Follow all workflow instances",
        description=f"Of the instances that whoever asks may see. {_DESCRIPTION}",
        response_description="The events.",
        media_type="text/event-stream",
        responses=refusals(400),
    )
    async def stream(
        self,
        *,
        workflow_engine: Engine,
        workflow_actor: Acting,
        workflow_streams: OpenStreams,
        last_event_id: LastEventId = None,
        after: After = None,
    ) -> Stream:
        """Stream what happens in all instances."""
        place = last_event_id or after
        if place is not None:
            _check_place(place, "after")
        pages = follow(workflow_engine, place, workflow_actor, patience=PATIENCE)
        return await workflow_streams.answer(cast("AsyncGenerator[FeedPage, None]", pages))

    @get(
        "/instances/{instance_id:str}/events",
        operation_id="stream_workflow_instance_events",
        summary="Follow a workflow instance",
        description=(
            f"The ids are revisions. The stream ends when the instance has ended; who connects then once more is "
            f"answered with 204, and browsers stop. {_DESCRIPTION}"
        ),
        response_description="The events.",
        media_type="text/event-stream",
        responses={
            **refusals(400, 404),
            204: ResponseSpec(
                None, description="The instance has ended, and nothing more will happen in it."
            ),
        },
    )
    async def stream_instance(
        self,
        *,
        instance_id: FromPath[UUID],
        workflow_engine: Engine,
        workflow_actor: Acting,
        workflow_streams: OpenStreams,
        last_event_id: LastEventId = None,
        after: After = None,
    ) -> Stream:
        """Stream what happens in one instance."""
        place = last_event_id or after
        begin = None if place is None else _check_place(place, "after").number
        return await workflow_streams.follow_instance(workflow_engine, instance_id, begin, workflow_actor)


def _check_place(text: str, parameter: str) -> Place:
    try:
        return Place.parse(text)
    except InvalidDataError as error:
        raise InvalidRequestError(Complaint(f"{error.detail}.", parameter=parameter)) from None
