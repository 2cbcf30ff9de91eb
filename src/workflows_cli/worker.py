"""`workflows worker`: a process that executes the steps of workflows, and does nothing else."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import click

from workflows_cli.hosts import opened
from workflows_cli.options import app, database_url
from workflows_core.errors import WorkflowError
from workflows_core.runner import Runner
from workflows_core.transition import LEASE

if TYPE_CHECKING:
    from workflows_core.ports import Storage
    from workflows_core.registry import WorkflowRegistry

logger = logging.getLogger("workflows.worker")

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


@click.command()
@database_url
@app
@click.option(
    "--definitions",
    multiple=True,
    metavar="NAME[@VERSION]",
    help="Serve this one alone; may be given several times. All that are found by default.",
)
@click.option(
    "--concurrency",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    help="How many steps are executed at the same time.",
)
@click.option(
    "--grace",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How long steps may take to finish after SIGTERM or Ctrl-C; what does not is handed back.",
)
@click.option(
    "--lease",
    type=click.FloatRange(min=0.1),
    default=LEASE.total_seconds(),
    show_default=True,
    metavar="SECONDS",
    help="How long others wait for a worker that gives no sign of life before they take its steps over.",
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"], case_sensitive=False),
    default="info",
    show_default=True,
    help="What to log, to standard error.",
)
def worker(
    *,
    database_url: str,
    registry: WorkflowRegistry,
    definitions: tuple[str, ...],
    concurrency: int,
    grace: float,
    lease: float,
    log_level: str,
) -> None:
    """Execute the steps of workflows until it is told to stop.

    Any number of workers share the work of one database, with each other and with web processes. SIGTERM or Ctrl-C
    stops one: steps in hand finish, or are handed back to the others. A second signal does not wait for them.

    Exits with 0 after a stop, with 1 if the database cannot be used at the start, with 2 if the options are wrong, and
    with 128 and the number of the signal after a second one.
    """
    logging.basicConfig(
        level=log_level.upper(), stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s"
    )
    _check(definitions, registry)
    storage = opened(database_url)
    runner = Runner(
        storage,
        registry,
        concurrency=concurrency,
        lease=timedelta(seconds=lease),
        grace=grace,
        definitions=definitions or None,
    )
    try:
        stopped_by = asyncio.run(_work(runner, storage))
    except WorkflowError as error:
        raise click.ClickException(str(error)) from error
    if stopped_by is not None:
        sys.exit(128 + stopped_by)


def _check(definitions: tuple[str, ...], registry: WorkflowRegistry) -> None:
    keys = registry.list_keys()
    known = {name for name, _ in keys} | {"@".join(key) for key in keys}
    unknown = sorted(set(definitions) - known)
    if unknown:
        raise click.BadParameter(
            f"{', '.join(unknown)} not found; there are: {', '.join('@'.join(key) for key in keys)}",
            param_hint="--definitions",
        )


async def _work(runner: Runner, storage: Storage) -> int | None:
    """Run until a signal comes; return the number of a second one, which did not let it stop in order."""
    signals: asyncio.Queue[int] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, signals.put_nowait, number)
    try:
        await runner.start()
        _set_aside()
        logger.info("Worker %s serves %s.", runner.id, ", ".join(sorted(map("@".join, runner.served.keys))))
        logger.info("Worker %s stops: %s.", runner.id, signal.Signals(await signals.get()).name)
        return await _stop(runner, signals)
    finally:
        await storage.close()


def _set_aside() -> None:
    """Let the collector of garbage pass over what is loaded by now: it stays until the end."""
    gc.collect()
    gc.freeze()


async def _stop(runner: Runner, signals: asyncio.Queue[int]) -> int | None:
    stopping, again = asyncio.create_task(runner.stop()), asyncio.create_task(signals.get())
    await asyncio.wait({stopping, again}, return_when=asyncio.FIRST_COMPLETED)
    if again.done():
        logger.warning("Worker %s was told twice; its steps are taken over by others.", runner.id)
        stopping.cancel()
    else:
        again.cancel()
        logger.info("Worker %s stopped.", runner.id)
    await asyncio.gather(stopping, again, return_exceptions=True)
    return again.result() if not again.cancelled() else None
