"""A server is killed in the middle of its work, for real, and started again."""

import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.litestar.crash_app import STEPS
from tests.servers import PATIENCE, until

ROOT = Path(__file__).parents[2]
INSTANCES = 12


class Process:
    """The server, what it wrote down, and a client that outlives it."""

    def __init__(self, database: str, folder: Path) -> None:
        self._database = database
        self.log = folder / "log"
        self.log.touch()
        self._socket = socket.create_server(("127.0.0.1", 0))  # requests wait here until a server takes them
        url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/workflows"
        self.http = httpx.Client(base_url=url, timeout=PATIENCE, trust_env=False)

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        descriptor = str(self._socket.fileno())
        command = [
            sys.executable,
            "-m",
            "tests.litestar.crash_app",
            self._database,
            str(self.log),
            descriptor,
        ]
        with subprocess.Popen(command, cwd=ROOT, pass_fds=[int(descriptor)]) as process:
            try:
                yield process
            finally:
                process.kill()

    def begun(self) -> Counter[tuple[str, str]]:
        """How often each step of each instance began."""
        lines = [line.split() for line in self.log.read_text().splitlines()]
        return Counter((instance, step) for instance, step in lines)

    def start(self) -> list[str]:
        answers = [self.http.post("/instances", json={"definition_name": "long"}) for _ in range(INSTANCES)]
        return [answer.raise_for_status().json()["id"] for answer in answers]

    def get(self, path: str) -> Any:
        return self.http.get(path).raise_for_status().json()

    def finish(self) -> None:
        """Open the gate, approve everything, and wait until all has ended."""
        self.log.with_name("gate").touch()
        tasks = until(lambda: self.get("/tasks?status=pending"), lambda tasks: len(tasks) == INSTANCES)
        for task in tasks:
            body = {"output_data": {}, "completed_by": "bob"}
            self.http.post(f"/tasks/{task['id']}/complete", json=body).raise_for_status()
        until(lambda: self.get("/instances?status=completed"), lambda ended: len(ended) == INSTANCES)

    def close(self) -> None:
        self.http.close()
        self._socket.close()


@pytest.fixture
def process(database_url: str, tmp_path: Path) -> Iterator[Process]:
    process = Process(database_url, tmp_path)
    yield process
    process.close()


def the_same_end(process: Process, ids: list[str]) -> None:
    """Every step of every instance is done exactly once, and what was executed is what the history says."""
    begun = process.begun()
    for id_ in ids:
        instance = process.get(f"/instances/{id_}")
        executions = Counter(step["step_name"] for step in instance["step_history"])
        done = Counter(
            step["step_name"] for step in instance["step_history"] if step["status"] == "succeeded"
        )
        steps = (*STEPS, "last")
        assert (instance["status"], instance["context_data"]) == ("completed", dict.fromkeys(steps, 1))
        assert done == dict.fromkeys([*STEPS, "approve", "last"], 1)
        for step in steps:
            # An execution is stored before it begins: one that was killed in between left no line.
            assert executions[step] - 1 <= begun[id_, step] <= executions[step]


def test_killed_inside_a_step(process: Process) -> None:
    """What was done stays done, the step in hand is executed again, and all go on to the same end."""
    with process.running() as server:
        ids = process.start()
        until(process.begun, lambda begun: sum(step == "gate" for _, step in begun) == INSTANCES)
        before = process.begun()
        server.kill()
    with process.running():
        process.finish()
        the_same_end(process, ids)

    assert set(before.values()) == {1}
    after = process.begun()
    for id_ in ids:
        assert {step: after[id_, step] for step in STEPS} == {step: 1 + (step == "gate") for step in STEPS}


def test_killed_anywhere(process: Process) -> None:
    """In the middle of starts, steps and commits."""
    process.log.with_name("gate").touch()
    with process.running() as server:
        ids = process.start()
        until(process.begun, lambda begun: begun.total() > INSTANCES * len(STEPS) // 2)
        server.kill()
    with process.running():
        process.finish()
        the_same_end(process, ids)
