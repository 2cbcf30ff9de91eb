"""A web server inside this process, on a port that is free."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

import uvicorn
from litestar import Litestar

HOST: Final = "127.0.0.1"

T = TypeVar("T")


async def serve_while(
    app: Litestar, listener: socket.socket, work: Callable[[str], Awaitable[T]]
) -> T | None:
    """Serve an application until some work is done, and return its result; `None` if a signal stopped it earlier.

    `work` is called with the server's address. The first request waits until the application has started.
    """
    server = uvicorn.Server(uvicorn.Config(app, lifespan="on", log_level="warning"))
    with _stopped_by_signals(server):
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        working = asyncio.ensure_future(work(f"http://{HOST}:{listener.getsockname()[1]}"))
        await asyncio.wait({serving, working}, return_when=asyncio.FIRST_COMPLETED)
        interrupted = server.should_exit
        server.should_exit = True
        if interrupted:
            working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        await serving
    return None if interrupted else working.result()


@contextmanager
def _stopped_by_signals(server: uvicorn.Server) -> Iterator[None]:
    """Stop in good order on Ctrl-C and SIGTERM.

    While it serves, uvicorn handles signals itself; when done it raises them once more. With handlers of our own
    that is harmless, and a signal between two of its phases is not lost.
    """

    def stop(*_: object) -> None:
        server.should_exit = True

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def listen(port: int, *, attempts: int = 100) -> socket.socket:
    """Take a port, or the next free one after it; 0 is any.

    Raises:
        OSError: If none of so many is free.
    """
    for candidate in range(port, min(port + attempts, 65536)):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, candidate))
            listener.listen()  # keeps others out, and first requests in
        except OSError:
            listener.close()
        else:
            return listener
    raise OSError(f"No free port on {HOST} from {port} on")
