"""Servers that a page starts: by `litestar run`, or just by defining `app`."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, TypeVar

import uvicorn

T = TypeVar("T")
PATIENCE: Final = 30.0
"""Seconds until what should have happened counts as not happening."""


def until(ask: Callable[[], T], holds: Callable[[T], object]) -> T:
    """Ask until the answer is the one that is waited for; return the last answer, whatever it is."""
    deadline = time.monotonic() + PATIENCE
    while not holds(answer := ask()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return answer


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@contextmanager
def by_command(command: list[str], folder: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """Run `litestar ... run` in a folder, on a free port, and give the server's address."""
    port = free_port()
    log = folder / "server.log"
    with (
        log.open("w") as output,
        subprocess.Popen(
            [sys.executable, "-m", *command, "--port", str(port)],
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            until(lambda: process.poll() is not None or _listens(port), bool)
            if process.poll() is not None or not _listens(port):
                raise RuntimeError(f"The server did not start:\n{log.read_text()}")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE)
            process.kill()


def _listens(port: int) -> bool:
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def in_thread(app: Any) -> Iterator[str]:
    """Serve an application, on a free port and an event loop of its own, and give the server's address."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, lifespan="on", ws="none", log_config=None))
    thread = threading.Thread(target=asyncio.run, args=(server.serve([listener]),), name="server")
    thread.start()
    try:
        until(lambda: server.started or not thread.is_alive(), bool)
        if not server.started:
            raise RuntimeError("The application did not start; the log says why.")
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
        listener.close()


def environment(folder: Path) -> dict[str, str]:
    """Return the environment in which a page's commands run: the tools of this virtualenv come first."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    return {**kept, "PATH": path, "HOME": str(folder), "PYTHONWARNINGS": "error", "COLUMNS": "80"}
