"""Another process on the same database: `python -m tests.litestar.twin_app DATABASE FD`.

A start of "paid" kills it: between the commit of the start and that of the answer.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from datetime import timedelta

import uvicorn
from litestar import Litestar

from tests.servers import PATIENCE
from tests.workflows import chain, review
from workflows_core import reservations
from workflows_core.data import JsonObject
from workflows_core.reservations import Reservation, Reservations
from workflows_core.steps import MessageStep
from workflows_litestar import WorkflowPlugin, WorkflowPluginConfig, idempotency

REVIEW = chain(review(), name="review")
PAID = chain(MessageStep("paid", correlation_key="order"), name="paid")


class Mortal(Reservations):
    """Keeps an answer, or dies before."""

    async def keep(self, mine: Reservation, answer: JsonObject) -> JsonObject:
        if '"paid"' in str(answer["body"]):
            os.kill(os.getpid(), signal.SIGKILL)
        return await super().keep(mine, answer)


def application(database: str) -> Litestar:
    """What both processes serve."""
    config = WorkflowPluginConfig(database=database, auto_register_workflows=[REVIEW, PAID])
    return Litestar(plugins=[WorkflowPlugin(config)])


def main(database: str, descriptor: str) -> None:
    setattr(idempotency, "Reservations", Mortal)  # noqa: B010 - its name there is nobody's business but ours
    setattr(reservations, "HOLD", timedelta(milliseconds=200))  # noqa: B010 - who takes over need not wait for long
    setattr(reservations, "PATIENCE", PATIENCE)  # noqa: B010 - however busy the machine is
    config = uvicorn.Config(application(database), lifespan="on", log_level="warning")
    asyncio.run(uvicorn.Server(config).serve(sockets=[socket.socket(fileno=int(descriptor))]))


if __name__ == "__main__":
    main(*sys.argv[1:])
