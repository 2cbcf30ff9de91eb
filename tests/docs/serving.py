"""Servers that a page starts by `litestar run`."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx

from tests import servers


@contextmanager
def by_command(command: list[str], folder: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """Run `litestar ... run` in a folder, on a free port, and give the server's address."""
    log = folder / "server.log"
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        process = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-m", *command, "--fd", str(listener.fileno())],
                cwd=folder,
                env=environment,
                pass_fds=[listener.fileno()],
                stdout=stack.enter_context(log.open("w")),
                stderr=subprocess.STDOUT,
            )
        )
        listener.close()  # from now on it is the server's alone
        stack.callback(_end, process)
        servers.until(lambda: process.poll() is not None or _answers(url), bool)
        if process.poll() is not None:
            raise RuntimeError(f"The server did not start:\n{log.read_text()}")
        yield url


def _answers(url: str) -> bool:
    try:
        httpx.get(url, trust_env=False)
    except httpx.TransportError:
        return False
    return True


def _end(process: subprocess.Popen[bytes]) -> None:
    """Stop it as a reader does; and if it does not listen, for good."""
    process.send_signal(signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        process.wait(servers.PATIENCE)
    process.kill()


def environment(folder: Path) -> dict[str, str]:
    """Return the environment in which a page's commands run: the tools of this virtualenv come first."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    return {**kept, "PATH": path, "HOME": str(folder), "PYTHONWARNINGS": "error", "COLUMNS": "80"}
