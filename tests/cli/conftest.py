"""A workflow in a file, and the command line in this process."""

import asyncio
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner, Result

from tests.databases import URLS
from tests.servers import PATIENCE
from workflows_cli.finding import find_workflows
from workflows_cli.group import workflows
from workflows_core.engine import ExecutionEngine
from workflows_core.hosting import open_storage

EXPENSE = """
from workflows_core import BaseHumanStep, BaseMachineStep, Edge, MessageStep, WorkflowDefinition


class Submit(BaseMachineStep):
    name = "submit"

    async def execute(self, context):
        if context.get("amount") == 13:
            raise RuntimeError("nobody pays thirteen")
        context.set("submitted", True)


class Pay(BaseMachineStep):
    name = "pay"

    async def execute(self, context):
        context.set("paid", context.get("amount"))


expense = WorkflowDefinition(
    name="expense",
    steps=[
        Submit,
        BaseHumanStep(
            "review",
            title="Review the expense",
            outcomes=("approve", "reject"),
            form_schema={
                "type": "object",
                "properties": {
                    "note": {"type": "string", "title": "Note"},
                    "limit": {"type": "integer", "minimum": 1, "default": 100},
                },
                "required": ["note"],
            },
        ),
        MessageStep("receipt", correlation_key="number"),
        Pay,
        BaseHumanStep("regret", title="Tell them"),
    ],
    edges=[
        Edge("submit", "review"),
        Edge("review", "receipt", on="approve"),
        Edge("review", "regret", on="reject"),
        Edge("receipt", "pay"),
    ],
    initial_step="submit",
    terminal_steps=["pay", "regret"],
    input_schema={"type": "object", "properties": {"amount": {"type": "number"}}},
    searchable=["amount"],
)
"""

WRONG = """
from workflows_core import BaseHumanStep, Edge, WorkflowDefinition

wrong = WorkflowDefinition(
    name="wrong",
    steps=[BaseHumanStep("ask"), BaseHumanStep("tell")],
    edges=[Edge("ask", "tel"), Edge("ask", "tell", condition="amount >")],
    initial_step="ask",
    terminal_steps=["tell"],
)
"""

Cli = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where a user works: in a folder with workflows."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "expense.py").write_text(EXPENSE, encoding="utf-8")
    (tmp_path / "wrong.py").write_text(WRONG, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name in ("WORKFLOWS_DATABASE_URL", "WORKFLOWS_APP", "LITESTAR_APP", "WORKFLOWS_USER"):
        monkeypatch.delenv(name, raising=False)
    yield tmp_path
    for name, module in [*sys.modules.items()]:
        if (getattr(module, "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def cli(folder: Path) -> Cli:
    """Run a command; whatever it was, nobody sees a traceback."""

    def run(*arguments: object, code: int = 0, text: str | None = None, **options: Any) -> Result:
        result = CliRunner().invoke(workflows, [str(each) for each in arguments], input=text, **options)
        assert result.exit_code == code, result.output
        assert "Traceback" not in result.output
        return result

    return run


@pytest.fixture
def database(request: pytest.FixtureRequest, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A prepared database, which the environment names as it names the workflows."""
    return settle(URLS["sqlite"](request), monkeypatch)


def settle(url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let the environment say where the instances and their workflows are, and who works there."""
    monkeypatch.setenv("WORKFLOWS_DATABASE_URL", url)
    monkeypatch.setenv("WORKFLOWS_APP", "expense.py")
    monkeypatch.setenv("WORKFLOWS_USER", "olga")
    return url


def worked(url: str, *instance_ids: str) -> None:
    """Execute the steps of instances until they rest, as a worker does."""

    async def work() -> None:
        async with ExecutionEngine(find_workflows("expense.py"), open_storage(url)) as engine:
            for each in instance_ids:
                await engine.wait(UUID(each), timeout=PATIENCE)

    asyncio.run(work())


def read(result: Result) -> Any:
    """What a program reads of what a command wrote."""
    return json.loads(result.stdout)
