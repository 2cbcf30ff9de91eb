"""An application in a process of its own: `python -m benchmarks.served KIND URL DESCRIPTOR [PROFILE]`.

It ends when its standard input is closed; with a PROFILE, what it did is written there for pstats.
"""

from __future__ import annotations

import asyncio
import cProfile
import gc
import socket
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, nullcontext
from typing import Any, Final

import uvicorn
import uvloop
from attrs import frozen
from litestar import Litestar, get
from litestar.connection import ASGIConnection
from sqlalchemy import Engine, event

from benchmarks.by_hand import by_hand
from benchmarks.leave import JOURNEY, LEAVE
from workflows_core.actors import Actor
from workflows_litestar import WorkflowPlugin, WorkflowPluginConfig


def identify(connection: ASGIConnection[Any, Any, Any, Any]) -> Actor | None:
    """Believe the header: to know people is not what is measured."""
    user = connection.headers.get("x-user")
    return None if user is None else Actor(user)


@get("/gauges")
async def gauges() -> dict[str, int]:
    """Say what cannot be seen from outside."""
    gc.collect()
    return {"tasks": len(asyncio.all_tasks()), "objects": len(gc.get_objects())}


def plugin(url: str) -> Litestar:
    """Make the application with the plugin, as an office would have it."""
    config = WorkflowPluginConfig(database=url, auto_register_workflows=[LEAVE, JOURNEY], identify=identify)
    return Litestar([gauges], plugins=[WorkflowPlugin(config)])


PATIENCE: Final = 600
"""Seconds for which a connection is kept while the others have their turns."""


def with_small_caches(url: str) -> Litestar:
    """Make the same, with caches of SQLite that are full at once: two MiB for each connection look like a leak for minutes."""

    @event.listens_for(Engine, "connect")
    def limit(connection: Any, _: object) -> None:
        if url.startswith("sqlite"):
            cursor = connection.cursor()
            cursor.execute("PRAGMA cache_size = -100")
            cursor.close()

    return plugin(url)


KINDS: Final[Mapping[str, Callable[[str], Litestar]]] = {
    "by_hand": by_hand,
    "plugin": plugin,
    "with_small_caches": with_small_caches,
}


async def serve(app: Litestar, descriptor: int) -> None:
    """Serve until nobody holds the standard input any more."""
    config = uvicorn.Config(
        app, lifespan="on", log_level="warning", access_log=False, timeout_keep_alive=PATIENCE
    )
    server = uvicorn.Server(config)
    gc.collect()
    gc.freeze()  # as the how-to guide for workers and pools says; the others, too

    loop = asyncio.get_running_loop()

    def stop() -> None:
        loop.remove_reader(sys.stdin)
        server.should_exit = True

    loop.add_reader(sys.stdin, stop)  # it can be read when nobody holds it any more
    await server.serve(sockets=[socket.socket(fileno=descriptor)])


@frozen
class Served:
    """An application that is served.

    Attributes:
        port: Where, on loopback.
        process: The id of the process.
    """

    port: int
    process: int


@asynccontextmanager
async def served(kind: str, url: str, *profile: str) -> AsyncIterator[Served]:
    """Serve an application in another process."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listening:
        port = listening.getsockname()[1]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", __name__, kind, url, str(listening.fileno()), *profile),
            pass_fds=[listening.fileno()],
            stdin=PIPE,
        )
    assert process.stdin is not None
    try:
        yield Served(port, process.pid)
    finally:
        process.stdin.close()
        await process.wait()


def main(kind: str, url: str, descriptor: str, profile: str | None = None) -> None:
    with nullcontext() if profile is None else cProfile.Profile() as watched:
        uvloop.run(serve(KINDS[kind](url), int(descriptor)))
    if watched is not None:
        watched.dump_stats(profile)


if __name__ == "__main__":
    main(*sys.argv[1:])
