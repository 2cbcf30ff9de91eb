"""The workflows that workers are killed over. What their steps do is in a journal, outside of every transaction."""

import asyncio
import os
import signal
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import text

from workflows_core.context import WorkflowContext
from workflows_core.definitions import Edge, WorkflowDefinition
from workflows_core.retry import RetryPolicy
from workflows_core.steps import (
    BaseHumanStep,
    BaseMachineStep,
    ExclusiveGateway,
    MessageStep,
    ParallelGateway,
    TimerStep,
    WebhookStep,
)

JOURNAL = "EXAMPLE_JOURNAL"
"""Names the file that steps write to."""

DIES_IN = "EXAMPLE_DIES_IN"
"""Names the step that kills its process, once; or, with an exclamation mark behind it, always."""


def journal() -> Path:
    return Path(os.environ[JOURNAL])


def note(context: WorkflowContext, what: str = "began") -> None:
    """Write a line; it is there whatever happens to the process afterwards."""
    line = f"{what} {context.instance_id} {context.current_step} {context.attempt}\n"
    with journal().open("a", encoding="utf-8") as file:
        file.write(line)


def die_if_told(context: WorkflowContext) -> None:
    told = os.environ.get(DIES_IN, "")
    name = told.removesuffix("!")
    if name != context.current_step:
        return
    died = journal().with_suffix(f".{name}")
    if told.endswith("!") or not died.exists():
        died.touch()
        os.kill(os.getpid(), signal.SIGKILL)


class Work(BaseMachineStep):
    """Notes that it began, and counts how often it is done."""

    async def execute(self, context: WorkflowContext) -> Any:
        note(context)
        die_if_told(context)
        context.set(self.name, context.get(self.name, 0) + 1)
        return {"step": self.name}


class Flaky(Work):
    """Fails at its first attempt."""

    retry = RetryPolicy(attempts=3, delay=0)

    async def execute(self, context: WorkflowContext) -> Any:
        note(context)
        die_if_told(context)
        if not context.get("fails_once") or journal().with_suffix(f".{context.instance_id}").exists():
            context.set(self.name, 1)
            return
        journal().with_suffix(f".{context.instance_id}").touch()
        raise ConnectionError("not now")


class Pay(Work):
    """Writes a row in the transaction that commits it."""

    transactional = True

    async def execute(self, context: WorkflowContext) -> Any:
        note(context)
        insert = text("INSERT INTO ledger (entry) VALUES (:entry)")
        await context.session.execute(insert, {"entry": context.idempotency_key})
        die_if_told(context)
        context.set(self.name, 1)


class Called(WebhookStep):
    """Notes where to call."""

    async def on_waiting(self, context: WorkflowContext, callback: str) -> None:
        with journal().open("a", encoding="utf-8") as file:
            file.write(f"callback {context.instance_id} {callback}\n")


class Wait(Work):
    """Goes on when a file is there: the test says when."""

    async def execute(self, context: WorkflowContext) -> Any:
        note(context)
        while not journal().with_suffix(".go").exists():  # noqa: ASYNC110 - another process makes it
            await asyncio.sleep(0.01)
        note(context, "ended")
        context.set(self.name, context.attempt)


class WaitAndPay(Wait):
    """Waits in the transaction that commits it, after it has written its row."""

    transactional = True

    async def execute(self, context: WorkflowContext) -> Any:
        insert = text("INSERT INTO ledger (entry) VALUES (:entry)")
        await context.session.execute(insert, {"entry": context.idempotency_key})
        await super().execute(context)


EVERYTHING = WorkflowDefinition(
    name="everything",
    steps=[
        Work("begin"),
        Pay("pay"),
        Flaky("flaky"),
        ParallelGateway("fork", ["left", "right"]),
        Work("left"),
        Work("right"),
        Work("joined"),
        ExclusiveGateway("choose", lambda context: "timer" if context.get("begin") else "never"),
        Work("never"),
        TimerStep("timer", 0.05),
        MessageStep("paid", correlation_key="key"),
        Called("called"),
        BaseHumanStep("approve", outcomes=("yes", "no")),
        Work("last"),
    ],
    edges=[
        Edge("begin", "pay"),
        Edge("pay", "flaky"),
        Edge("flaky", "fork"),
        Edge("left", "joined"),
        Edge("right", "joined"),
        Edge("joined", "choose"),
        Edge("choose", "timer"),
        Edge("choose", "never"),
        Edge("never", "timer"),
        Edge("timer", "paid"),
        Edge("paid", "called"),
        Edge("called", "approve"),
        Edge("approve", "last", on="yes"),
        Edge("approve", "begin", on="no"),
    ],
    initial_step="begin",
    terminal_steps=["last"],
)
"""A workflow with a step of every kind."""

CHAIN = WorkflowDefinition(
    name="chain",
    steps=[Work("one"), Pay("two"), Work("three"), Work("four"), Work("five")],
    edges=[Edge("one", "two"), Edge("two", "three"), Edge("three", "four"), Edge("four", "five")],
    initial_step="one",
    terminal_steps=["five"],
)

SHORT = WorkflowDefinition(
    name="short",
    steps=[Work("one"), Work("two"), Work("three")],
    edges=[Edge("one", "two"), Edge("two", "three")],
    initial_step="one",
    terminal_steps=["three"],
)

PAUSED = WorkflowDefinition(
    name="paused",
    steps=[Wait("wait"), Work("after")],
    edges=[Edge("wait", "after")],
    initial_step="wait",
    terminal_steps=["after"],
)

PAUSED_TRANSACTION = WorkflowDefinition(
    name="paused_transaction",
    steps=[WaitAndPay("wait"), Work("after")],
    edges=[Edge("wait", "after")],
    initial_step="wait",
    terminal_steps=["after"],
)

TIMER = WorkflowDefinition(
    name="timer",
    steps=[
        TimerStep("timer", until=lambda context: datetime.fromisoformat(context.get("at"))),
        Work("after"),
    ],
    edges=[Edge("timer", "after")],
    initial_step="timer",
    terminal_steps=["after"],
)

POISON = WorkflowDefinition(
    name="poison", steps=[Work("poison")], initial_step="poison", terminal_steps=["poison"]
)
