"""What happens, as it happens: server-sent events."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Annotated, Any, cast
from uuid import UUID

from litestar import Controller, Response, get
from litestar.exceptions import HTTPException
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, HeaderParameter, QueryParameter
from litestar.response import Stream

from workflows_core.errors import InvalidDataError
from workflows_core.feed import Place, follow, follow_instance
from workflows_core.states import FINAL
from workflows_litestar.dependencies import Engine
from workflows_litestar.fields import NAME
from workflows_litestar.identity import Acting
from workflows_litestar.openapi import refusals
from workflows_litestar.problems import Complaint, InvalidRequestError, plain
from workflows_litestar.streams import HEADERS, PATIENCE, OpenStreams, Streams

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
        return await _opened(workflow_streams, cast("AsyncGenerator[FeedPage, None]", pages))

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
        instance = await workflow_engine.get_instance(instance_id, actor=workflow_actor)
        place = last_event_id or after
        begin = instance.revision if place is None else _check_place(place, "after").number
        if instance.status in FINAL and begin >= instance.revision:
            return cast("Stream", Response(None, status_code=204))
        pages = follow_instance(workflow_engine, instance_id, begin, workflow_actor, patience=PATIENCE)
        return await _opened(workflow_streams, cast("AsyncGenerator[FeedPage, None]", pages))


def _check_place(text: str, parameter: str) -> Place:
    try:
        return Place.parse(text)
    except InvalidDataError as error:
        raise InvalidRequestError(Complaint(f"{error.detail}.", parameter=parameter)) from None


async def _opened(streams: Streams, pages: AsyncGenerator[FeedPage, None]) -> Stream:
    if streams.are_full:
        full = HTTPException(
            detail=f"There are {streams.limit} open streams here, and no room for another one. Try again later.",
            status_code=503,
            headers={"retry-after": "10"},
        )
        refused: Any = plain(full)
        return cast("Stream", refused)
    first = await anext(pages)
    return Stream(streams.open(pages, first), media_type="text/event-stream", headers=HEADERS)
