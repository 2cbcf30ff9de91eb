"""Streams of what happens, as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from litestar import Response
from litestar.di import NamedDependency
from litestar.exceptions import HTTPException
from litestar.response import Stream
from litestar.serialization import encode_json

from workflows_core.errors import WorkflowError
from workflows_core.feed import follow_instance
from workflows_core.serialization import shown_events
from workflows_core.states import FINAL
from workflows_litestar.problems import plain

if TYPE_CHECKING:
    from uuid import UUID

    from workflows_core.actors import Actor
    from workflows_core.engine import ExecutionEngine
    from workflows_core.ports import FeedEntry, FeedPage

STREAMS: Final = "workflow_streams"

PATIENCE: Final = 15.0
"""Seconds after which a stream gives a sign of life: proxies close what is silent for long."""

LIFETIME: Final = 900.0
"""Seconds after which a stream ends: its client connects anew, is asked again who it is, and goes on where it was."""

RETRY: Final = 2000
"""Milliseconds after which clients are to connect again."""

HEADERS: Final = {"cache-control": "no-store", "x-accel-buffering": "no"}


class Streams:
    """The open streams of an application.

    Args:
        limit: How many there may be.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._open = 0
        self._closing = asyncio.Event()

    @property
    def are_full(self) -> bool:
        """Whether there is no room for another one."""
        return self._open >= self.limit

    def begin(self) -> None:
        """Let streams live from now on."""
        self._closing = asyncio.Event()

    def close(self) -> None:
        """End all streams, those too that are opened later."""
        self._closing.set()

    async def follow_instance(
        self, engine: ExecutionEngine, instance_id: UUID, begin: int | None, actor: Actor | None
    ) -> Stream:
        """Answer with what happens in an instance from a revision on, or from now; with 204 if it has ended by then.

        Raises:
            InstanceNotFoundError: If there is none, or none that the actor may see.
        """
        instance = await engine.get_instance(instance_id, actor=actor)
        begin = instance.revision if begin is None else begin
        if instance.status in FINAL and begin >= instance.revision:
            return cast("Stream", Response(None, status_code=204))
        pages = follow_instance(engine, instance_id, begin, actor, patience=PATIENCE)
        return await self.answer(cast("AsyncGenerator[FeedPage, None]", pages))

    async def answer(self, pages: AsyncGenerator[FeedPage, None]) -> Stream:
        """Answer with pages as they come, or that there is no room for another stream."""
        if self.are_full:
            full = HTTPException(
                detail=f"There are {self.limit} open streams here, and no room for another one. Try again later.",
                status_code=503,
                headers={"retry-after": "10"},
            )
            refused: Any = plain(full)
            return cast("Stream", refused)
        first = await anext(pages)
        return Stream(self.open(pages, first), media_type="text/event-stream", headers=HEADERS)

    async def open(
        self, pages: AsyncGenerator[FeedPage, None], first: FeedPage
    ) -> AsyncGenerator[bytes, None]:
        """Stream pages; `first` was read before, to see whether there is anything. It counts while it is sent."""
        self._open += 1
        try:
            async with aclosing(pages):
                yield f"retry: {RETRY}\n\n".encode()
                yield _written(first)
                with suppress(WorkflowError):  # it connects again, and hears what is wrong
                    async for page in self._until_closed(pages):
                        yield _written(page)
        finally:
            self._open -= 1

    async def _until_closed(self, pages: AsyncIterator[FeedPage]) -> AsyncIterator[FeedPage]:
        closing = asyncio.create_task(self._closing.wait())
        ends_at = asyncio.get_running_loop().time() + LIFETIME
        try:
            while asyncio.get_running_loop().time() < ends_at:
                reading = asyncio.ensure_future(anext(pages))
                try:
                    await asyncio.wait([reading, closing], return_when=asyncio.FIRST_COMPLETED)
                finally:
                    if not reading.done():
                        reading.cancel()
                        await asyncio.gather(reading, return_exceptions=True)
                if reading.cancelled():
                    return
                try:
                    yield reading.result()
                except StopAsyncIteration:
                    return
        finally:
            closing.cancel()


OpenStreams: TypeAlias = NamedDependency[Streams]


def _written(page: FeedPage) -> bytes:
    """Write a page as events; one without entries as a comment, with the place it has come to.

    A comment needs no attention, and an id without data changes only where the client goes on.
    """
    if not page.entries:
        return f": {page.place}\nid: {page.place}\n\n".encode()
    return b"".join(map(_event, page.entries))


def _event(each: FeedEntry) -> bytes:
    entry = each.entry
    said: dict[str, Any] = {
        "instance_id": str(entry.instance_id),
        "definition_name": each.definition_name,
        "definition_version": each.definition_version,
        "revision": entry.revision,
        "at": entry.at.isoformat(),
        "actor": entry.actor,
        "events": shown_events(entry.events),
    }
    return b"id: %s\nevent: transition\ndata: %s\n\n" % (each.place.encode(), encode_json(said))
