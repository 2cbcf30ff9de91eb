"""Whether this process can do its work."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from attrs import frozen

from workflows_core.errors import StorageError
from workflows_core.hosting import running_runner

if TYPE_CHECKING:
    from workflows_core.engine import ExecutionEngine

logger = logging.getLogger("workflows")

PATIENCE: Final = 5.0
"""Seconds after which a storage that does not answer counts as unreachable."""


@frozen(kw_only=True)
class Health:
    """What is in order.

    Attributes:
        is_reachable: Whether the storage answers.
        is_running: Whether steps are executed: by the runner of this process, or, where it is not to execute any, by that
            of another one.
        runners: How many runners share the work, this one included.
    """

    is_reachable: bool
    is_running: bool
    runners: int

    @property
    def is_well(self) -> bool:
        """Whether all of it is in order."""
        return self.is_reachable and self.is_running


async def health(engine: ExecutionEngine) -> Health:
    """Look at storage and runner; it costs one statement, and never raises because they are not in order."""
    try:
        async with asyncio.timeout(PATIENCE):
            enlisted = await engine.storage.runners()
    except (StorageError, TimeoutError) as error:
        logger.warning("The storage does not answer: %s", str(error) or "it takes too long")
        return Health(is_reachable=False, is_running=False, runners=0)
    if engine.runs_steps:
        runner = running_runner(engine.storage)
        is_running = runner is not None and not runner.is_stopping and runner.id in enlisted
    else:
        is_running = bool(enlisted)
    return Health(is_reachable=True, is_running=is_running, runners=len(enlisted))
