"""A server to be killed: `python -m tests.litestar.crash_app DATABASE LOG FD`.

Each step writes a line to the log when it begins; the steps called "gate" wait until a file of that name is
beside the log.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from itertools import pairwise
from pathlib import Path

import uvicorn
from litestar import Litestar

from workflows_core.context import WorkflowContext
from workflows_core.definitions import Edge, WorkflowDefinition
from workflows_core.steps import BaseHumanStep, BaseMachineStep
from workflows_litestar import WorkflowPlugin, WorkflowPluginConfig

STEPS = ("first", "second", "gate", "third", "fourth")


class Noted(BaseMachineStep):
    """Writes down that it begins, at once and for good."""

    log: Path

    async def execute(self, context: WorkflowContext) -> None:
        with self.log.open("a") as file:
            file.write(f"{context.instance_id} {self.name}\n")
            file.flush()
            os.fsync(file.fileno())
        while self.name == "gate" and not self.log.with_name("gate").exists():  # noqa: ASYNC110 - a file
            await asyncio.sleep(0.01)
        context.set(self.name, context.get(self.name, 0) + 1)


def workflow(log: Path) -> WorkflowDefinition:
    """Machine steps in a row, then a person, then a machine again."""
    kind = type("Noted", (Noted,), {"log": log})
    steps = [*map(kind, STEPS), BaseHumanStep("approve"), kind("last")]
    return WorkflowDefinition(
        name="long",
        steps=steps,
        edges=[Edge(one.name, other.name) for one, other in pairwise(steps)],
        initial_step="first",
        terminal_steps=["last"],
    )


def main(database: str, log: str, descriptor: str) -> None:
    config = WorkflowPluginConfig(database=database, auto_register_workflows=[workflow(Path(log))])
    app = Litestar(plugins=[WorkflowPlugin(config)])
    server = uvicorn.Server(uvicorn.Config(app, lifespan="on", log_level="warning"))
    asyncio.run(server.serve(sockets=[socket.socket(fileno=int(descriptor))]))


if __name__ == "__main__":
    main(*sys.argv[1:])
