"""Clients of the API, as light as can be: what is measured is the server and not them."""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter, process_time
from typing import Final, TypeAlias

import msgspec
from attrs import frozen

PAGE: Final = 10
"""How many tasks an inbox shows, and how many always wait for everybody."""

DECISION: Final = msgspec.json.encode({"output_data": {"approved": True, "remark": "Enjoy"}})


class Client:
    """Somebody with a connection that is kept, who asks for one thing after the other.

    Attributes:
        times: Kind of request to the seconds that each took.
    """

    def __init__(self, user: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.user = user
        self.times: dict[str, list[float]] = defaultdict(list)
        self._reader, self._writer = reader, writer
        self._head = f"host: localhost\r\nx-user: {user}\r\n".encode()
        self._data = {"decider": user, "days": 3, "reason": "The sea"}

    @classmethod
    async def connect(cls, port: int, user: str) -> Client:
        return cls(user, *await asyncio.open_connection("127.0.0.1", port))

    def close(self) -> None:
        """Go away, whatever is under way."""
        self._writer.transport.abort()

    def send(self, method: str, path: str, body: bytes = b"") -> None:
        """Ask for something, and do not wait."""
        about = f"content-type: application/json\r\ncontent-length: {len(body)}\r\n" if body else ""
        line = f"{method} {path} HTTP/1.1\r\n"
        self._writer.write(b"".join((line.encode(), self._head, about.encode(), b"\r\n", body)))

    async def ask(self, kind: str, method: str, path: str, body: bytes = b"") -> bytes:
        """Ask for something, and return the body of the answer.

        Raises:
            RuntimeError: If it is refused.
        """
        begun = perf_counter()
        self.send(method, path, body)
        head = await self._reader.readuntil(b"\r\n\r\n")
        begin = head.index(b"content-length: ") + len(b"content-length: ")
        answer = await self._reader.readexactly(int(head[begin : head.index(b"\r", begin)]))
        self.times[kind].append(perf_counter() - begun)
        if head[9:10] != b"2":
            raise RuntimeError(f"{method} {path}: {head!r} {answer!r}")
        return answer

    async def receive(self) -> bytes:
        """Return what comes next, whatever it is; nothing at the end."""
        return await self._reader.read(65_536)

    def starting(self, workflow: str = "leave") -> tuple[str, str, bytes]:
        """Return method, path and body of a start."""
        body = {"definition_name": workflow, "input_data": self._data}
        return "POST", "/workflows/instances", msgspec.json.encode(body)

    def looking(self) -> tuple[str, str]:
        """Return method and path to look into the inbox."""
        return "GET", f"/workflows/tasks?status=pending&assignee_id={self.user}&limit={PAGE}"

    def deciding(self, task: str) -> tuple[str, str, bytes]:
        """Return method, path and body of a decision."""
        return "POST", f"/workflows/tasks/{task}/complete", DECISION

    async def start(self, workflow: str = "leave") -> None:
        """Ask for leave."""
        await self.ask("start", *self.starting(workflow))

    async def look(self) -> str | None:
        """Look into the inbox, and return what waits there longest; `None` if nothing does."""
        page = await self.ask("inbox", *self.looking())
        begin = page.find(b'"id":"') + len(b'"id":"')
        return page[begin : begin + 36].decode() if len(page) > 2 else None

    async def decide(self, task: str) -> None:
        """Decide about a task."""
        await self.ask("complete", *self.deciding(task))

    async def fill(self) -> None:
        """Have an inbox that is full."""
        for _ in range(PAGE - 1):
            await self.start()

    async def work(self) -> None:
        """Ask for leave, look into the inbox, decide about what waits there longest: it stays as full as it is."""
        await self.start()
        task = await self.look()
        assert task is not None
        await self.decide(task)

    async def ask_for_nothing(self) -> None:
        """Do the same to a handler that does nothing."""
        await self.ask("empty", "GET", "/empty")


Work: TypeAlias = Callable[[Client], Awaitable[None]]


@asynccontextmanager
async def connected(port: int, count: int) -> AsyncIterator[list[Client]]:
    """Have so many clients, each another person."""
    clients = [await Client.connect(port, f"person-{number}") for number in range(count)]
    try:
        yield clients
    finally:
        for each in clients:
            each.close()


@frozen
class Rates:
    """What a server did for its clients in a while.

    Attributes:
        rate: Requests per second.
        typical: Half of the requests took no longer, in milliseconds.
        late: 99 of 100 requests took no longer, in milliseconds.
        kinds: Kind of request to the typical one of it, in milliseconds.
        busy: Which part of the time the clients worked: with 1, they would be what is measured.
        cpu: Milliseconds that the server worked for a request.
    """

    rate: float
    typical: float
    late: float
    kinds: dict[str, float]
    busy: float
    cpu: float


def worked(process: int) -> float:
    """Return the seconds for which a process had a processor."""
    times = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK")


async def measured(clients: Sequence[Client], work: Work, seconds: float, server: int) -> Rates:
    """Have all clients of a server, which is that process, work for a while."""
    for each in clients:
        each.times.clear()
    begun, cpu, served = perf_counter(), process_time(), worked(server)

    async def go_on(client: Client) -> None:
        while perf_counter() - begun < seconds:
            await work(client)

    async with asyncio.TaskGroup() as group:
        for each in clients:
            group.create_task(go_on(each))
    took, busy, served = perf_counter() - begun, process_time() - cpu, worked(server) - served
    kinds: dict[str, list[float]] = defaultdict(list)
    for each in clients:
        for kind, times in each.times.items():
            kinds[kind] += times
    every = [seconds for times in kinds.values() for seconds in times]
    return Rates(
        len(every) / took,
        median(every) * 1000,
        quantiles(every, n=100)[-1] * 1000,
        {kind: median(times) * 1000 for kind, times in kinds.items()},
        busy / took,
        served / len(every) * 1000,
    )
