"""Processes that cost little: they are forked from a server that has imported everything."""

import multiprocessing
from multiprocessing.context import ForkServerContext
from typing import Final

FORKS: Final[ForkServerContext] = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.durability.processes", "tests.tasks.rivals", "workflows_cli.worker"])
