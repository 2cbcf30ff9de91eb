"""Real servers on loopback, and patience with a deadline."""

import asyncio
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Self, TypeVar

import httpx
import uvicorn
from sqlalchemy.ext.asyncio import AsyncEngine

T = TypeVar("T")
PATIENCE = 30.0
"""Seconds after which what is waited for will not come any more."""
_PAUSE = 0.01


def until(ask: Callable[[], T], holds: Callable[[T], object]) -> T:
    """Ask until the answer is the one that is waited for, and return it."""
    deadline = time.monotonic() + PATIENCE
    while not holds(answer := ask()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"After {PATIENCE} seconds the answer still is {answer!r}")
        time.sleep(_PAUSE)
    return answer


async def until_async(ask: Callable[[], Awaitable[T]], holds: Callable[[T], object]) -> T:
    """As `until`, while the rest of the event loop goes on."""
    deadline = time.monotonic() + PATIENCE
    while not holds(answer := await ask()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"After {PATIENCE} seconds the answer still is {answer!r}")
        await asyncio.sleep(_PAUSE)
    return answer


class Server:
    """uvicorn with an application, in a thread and on a free port, and an HTTP client for it.

    Args:
        app: The application.
        engines: What the application uses and nobody disposes of.
    """

    def __init__(self, app: Any, engines: Sequence[AsyncEngine] = ()) -> None:
        self._engines = engines
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(app, lifespan="on", ws="none", log_config=None, timeout_graceful_shutdown=10)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=asyncio.run, args=(self._serve(),), name="server")

    async def _serve(self) -> None:
        await self._server.serve([self._socket])
        for engine in self._engines:
            await engine.dispose()

    def __enter__(self) -> Self:
        self._thread.start()
        until(lambda: self._server.started or not self._thread.is_alive(), bool)
        if not self._server.started:
            raise RuntimeError("The application did not start; the log says why.")
        self.client = httpx.Client(base_url=self.url, timeout=PATIENCE, trust_env=False)
        return self

    def __exit__(self, *_: object) -> None:
        if hasattr(self, "client"):
            self.client.close()
        self._server.should_exit = True
        self._thread.join(PATIENCE)
        self._socket.close()
        if self._thread.is_alive():
            raise RuntimeError("The server did not stop.")
