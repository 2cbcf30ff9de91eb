"""`workflows worker`: what it finds, what it refuses, and how it ends."""

import signal
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.durability.conftest import World, until, world_on
from tests.durability.processes import Worker, workers
from tests.workflows import Do, chain, review
from workflows_cli.finding import NotFoundError, find_workflows
from workflows_cli.worker import worker
from workflows_core.definitions import Workflow
from workflows_core.registry import WorkflowRegistry
from workflows_core.states import TokenState

FIRST, SECOND = chain(Do("a"), review(), name="first"), chain(Do("a"), review(), name="second", version="2")


class Third(Workflow):
    __workflow_name__ = "third"
    steps = (Do("a"),)
    initial_step = "a"
    terminal_steps = ("a",)


def registry() -> WorkflowRegistry:
    made = WorkflowRegistry()
    made.register(FIRST)
    return made


class Plugin:
    def __init__(self) -> None:
        self.registry = registry()


class Application:
    def __init__(self) -> None:
        self.plugins = [object(), Plugin()]


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """A module of an application."""
    made = types.ModuleType("example_app")
    monkeypatch.setitem(sys.modules, "example_app", made)
    return made


ALL = [("first", "1.0.0"), ("second", "2"), ("third", "1.0.0")]


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (FIRST, ALL[:1]),
        (Third, ALL[2:]),
        ([FIRST, SECOND, Third], ALL),
        ({"registry": FIRST}.values(), ALL[:1]),
        (registry(), ALL[:1]),
        (registry, ALL[:1]),
        (lambda: (FIRST, [Third]), [ALL[0], ALL[2]]),
        (Plugin(), ALL[:1]),
        (Application(), ALL[:1]),
    ],
    ids=[
        "definition",
        "class",
        "list",
        "iterable",
        "registry",
        "function",
        "nested",
        "plugin",
        "application",
    ],
)
def test_workflows_are_found_where_they_are_named(module: Any, value: object, found: list[object]) -> None:
    module.here = value
    module.inner = types.SimpleNamespace(here=value)
    for place in ("example_app:here", "example_app:inner.here"):
        assert sorted(find_workflows(place).list_keys()) == found


def test_a_module_is_all_workflows_in_it(module: Any) -> None:
    """Except what is private, or none."""
    module.first, module.Third, module._second = FIRST, Third, SECOND
    module.Workflow, module.number, module.function = Workflow, 7, registry
    assert sorted(find_workflows("example_app").list_keys()) == [ALL[0], ALL[2]]


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("example_absent", "no module 'example_absent'"),
        ("example_absent.inner:app", "no module 'example_absent'"),
        ("example_app:absent", "'example_app' has no 'absent'"),
        ("example_app:number", "no workflows in 'example_app:number'"),
        ("example_app", "no workflows"),
        ("example_app:nothing", "no workflows"),
        ("", "not the name of a module"),
        (":app", "not the name of a module"),
    ],
)
def test_what_is_not_there_is_said(module: Any, place: str, told: str) -> None:
    module.number, module.nothing = 7, list
    with pytest.raises(NotFoundError, match=told):
        find_workflows(place)


def test_a_module_that_lacks_something_says_what(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "example_broken.py").write_text("import example_dependency\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    told = r"No module named 'example_dependency' \(example_broken.py, line 1\)"
    with pytest.raises(NotFoundError, match=told):
        find_workflows("example_broken:app")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(worker, arguments)


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        (["--app", "example_absent"], 2, "There is no module 'example_absent'"),
        (["--definitions", "thrid"], 2, "thrid not found; there are: first@1.0.0"),
        (["--definitions", "first@2"], 2, "first@2 not found"),
        (["--database-url", "mysql://h/d"], 2, "No installed storage knows 'mysql'"),
        (["--database-url", "sqlite://"], 2, "use a file"),
        (["--concurrency", "0"], 2, "0 is not in the range"),
        (["--database-url", "postgresql://postgres@127.0.0.1:1/d"], 1, "cannot be reached"),
        (["--database-url", "sqlite:///no-such-folder/workflows.db"], 1, "does its folder exist"),
    ],
)
def test_what_cannot_work_is_one_clear_error(
    module: Any, tmp_path: Path, options: list[str], code: int, told: str
) -> None:
    module.first = FIRST
    defaults = {"--database-url": f"sqlite:///{tmp_path}/workflows.db", "--app": "example_app"}
    given = dict(zip(options[::2], options[1::2], strict=True))
    result = run(*(word for pair in (defaults | given).items() for word in pair))
    assert result.exit_code == code, result.output
    assert told in result.output
    assert "Traceback" not in result.output


def test_tables_that_are_missing_say_what_to_do(module: Any, tmp_path: Path) -> None:
    module.first = FIRST
    result = run("--database-url", f"sqlite:///{tmp_path}/workflows.db", "--app", "example_app")
    assert result.exit_code == 1
    assert "workflows db upgrade" in result.output


def test_it_is_a_command_of_the_console_script() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "workflows_cli", "worker", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Execute the steps of workflows" in done.stdout


# How it ends


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> Any:
    async with world_on(database_url, tmp_path / "journal") as world:
        yield world


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_lets_it_finish(world: World, database_url: str, number: signal.Signals) -> None:
    """What is in hand ends, and nothing begins any more; it exits with 0."""
    instance = await world.engine.start_workflow("paused")
    stopping = Worker(database_url, world.journal)
    with workers(stopping):
        await until(lambda: world.begun()[str(instance.id), "wait"] == 1)
        stopping.signal(number)
        await until(lambda: "instances in hand" in world.log())
        world.journal.with_suffix(".go").touch()
        assert stopping.stop(signals=False) == 0
    assert f"stops: {number.name}" in world.log()
    left = await world.engine.get_instance(instance.id)
    assert (left.data, left.current_step) == ({"wait": 1}, "after")
    assert await world.engine.storage.runners() == frozenset()
    with workers(Worker(database_url, world.journal)):
        assert (await world.ended(instance.id)).status == "completed"


async def test_what_takes_too_long_is_handed_back(world: World, database_url: str) -> None:
    """To another worker, which does not count it as lost."""
    instance = await world.engine.start_workflow("paused")
    stopping = Worker(database_url, world.journal, "--grace", "0.1")
    with workers(stopping):
        await until(lambda: world.begun()[str(instance.id), "wait"] == 1)
        assert stopping.stop() == 0
    assert "gave 1 steps back" in world.log()
    (token,) = (await world.engine.get_instance(instance.id)).tokens.values()
    assert (token.state, token.attempt, token.losses) == (TokenState.READY, 1, 0)
    world.journal.with_suffix(".go").touch()
    with workers(Worker(database_url, world.journal)):
        assert (await world.ended(instance.id)).data == {"wait": 2, "after": 1}


async def test_a_second_signal_does_not_wait(world: World, database_url: str) -> None:
    """Others take over what it had in hand."""
    instance = await world.engine.start_workflow("paused")
    stopping = Worker(database_url, world.journal)
    with workers(stopping):
        await until(lambda: world.begun()[str(instance.id), "wait"] == 1)
        stopping.signal(signal.SIGTERM)
        await until(lambda: "instances in hand" in world.log())
        assert stopping.stop() == 128 + signal.SIGTERM
    assert "told twice" in world.log()
    world.journal.with_suffix(".go").touch()
    with workers(Worker(database_url, world.journal)):
        assert (await world.ended(instance.id)).data == {"wait": 2, "after": 1}


async def test_it_serves_what_it_is_told(world: World, database_url: str) -> None:
    short, long = [await world.engine.start_workflow(name) for name in ("short", "chain")]
    with workers(Worker(database_url, world.journal, "--definitions", "short@1.0.0")):
        assert (await world.ended(short.id)).status == "completed"
        await until(lambda: "Workflow chain version 1.0.0 is not served here" in world.log())
    assert await world.engine.get_instance(long.id) == long
    with workers(Worker(database_url, world.journal, "--definitions", "chain")):
        assert (await world.ended(long.id)).status == "completed"
