"""Worker processes that can be killed, paused and counted on; each runs `workflows worker` as a user would."""

import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from tests.durability.app import DIES_IN, JOURNAL
from tests.forks import FORKS
from workflows_cli.group import workflows
from workflows_sqla.flushing import PostgresFlush, SqliteFlush
from workflows_sqla.transactions import OwnTransaction

DIES_AT = "EXAMPLE_DIES_AT"
"""`before 3` or `after 3`: the process dies at its third commit."""


class Worker:
    """One `workflows worker`.

    Args:
        url: The database.
        journal: The file that steps write to; what the worker logs goes to one beside it.
        options: More of its options.
        environment: More of its environment.
    """

    def __init__(
        self, url: str, journal: Path, *options: str, environment: Mapping[str, str] | None = None
    ) -> None:
        arguments = ("worker", "--database-url", url, "--app", "tests.durability.app", *options)
        variables = {JOURNAL: str(journal), **(environment or {})}
        self._process: BaseProcess = FORKS.Process(target=_work, args=(arguments, variables), daemon=True)
        self._process.start()

    @property
    def is_alive(self) -> bool:
        return self._process.is_alive()

    @property
    def was_killed(self) -> bool:
        return self._process.exitcode == -signal.SIGKILL

    def kill(self) -> None:
        """Kill it, and wait until it is dead. A dead one is left alone."""
        self._process.kill()
        self._process.join()

    def signal(self, number: int) -> None:
        assert self._process.pid is not None
        os.kill(self._process.pid, number)

    def stop(self, *, signals: bool = True) -> int | None:
        """Tell it to stop (unless it was told already), and return with what it exited."""
        if signals:
            self._process.terminate()
        self._process.join(60)
        return self._process.exitcode


@contextmanager
def workers(*running: Worker) -> Iterator[None]:
    """Kill what is left of them in the end."""
    try:
        yield
    finally:
        for worker in running:
            worker.kill()


def _work(arguments: tuple[str, ...], environment: Mapping[str, str]) -> None:
    """Be a worker; what it logs is kept beside the journal."""
    os.environ.update(environment)
    log = Path(environment[JOURNAL]).with_suffix(".log").open("a", encoding="utf-8")
    sys.stderr = sys.stdout = log
    if DIES_AT in environment:
        _die_at_a_commit(*environment[DIES_AT].split())
    workflows(list(arguments), prog_name="workflows")


def _die_at_a_commit(moment: str, number: str) -> None:
    """Kill this process at one of its commits, whichever way it commits."""
    commits = count(1)

    def fatal(commit: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def counted(*arguments: Any) -> Any:
            dies = next(commits) == int(number)
            if dies and moment == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            answer = await commit(*arguments)
            if dies:
                os.kill(os.getpid(), signal.SIGKILL)
            return answer

        return counted

    for kind, name in ((OwnTransaction, "commit"), (SqliteFlush, "__call__"), (PostgresFlush, "__call__")):
        setattr(kind, name, fatal(getattr(kind, name)))


__all__ = ["DIES_AT", "DIES_IN", "Worker", "workers"]
