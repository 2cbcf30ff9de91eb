"""The travel example: its definition on the in-memory engine, the demo and the replay over HTTP."""

import json
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from examples.travel import replay
from examples.travel.cases import LOG, Action, Case, actions, load, replayed_activities, replayed_end
from examples.travel.process import TravelRequest
from workflows_core.engine import LocalExecutionEngine
from workflows_core.errors import FormValidationError, InvalidOutcomeError
from workflows_core.instance import Instance
from workflows_core.registry import WorkflowRegistry
from workflows_core.validation import validate

ROOT = Path(__file__).parents[2]
CASES = load()


@pytest.fixture
async def engine() -> AsyncIterator[LocalExecutionEngine]:
    registry = WorkflowRegistry()
    registry.register_workflow_class(TravelRequest)
    async with LocalExecutionEngine(registry) as engine:
        yield engine


async def play(engine: LocalExecutionEngine, instance: Instance, *played: Action) -> Instance:
    """Do what was done, and return the instance at rest."""
    for action in played:
        instance = await engine.wait(instance.id)
        if action.step is None:
            await engine.cancel_workflow(instance.id, str(action.activity), user_id=action.user)
        else:
            await engine.complete_human_task(
                instance.id, action.step, action.user, action.data, outcome=action.outcome
            )
    return await engine.wait(instance.id)


async def start(engine: LocalExecutionEngine, case: Case) -> Instance:
    return await engine.start_workflow("prepaid_travel_costs", case.input_data, user_id="employee")


async def activities(engine: LocalExecutionEngine, instance: Instance) -> tuple[str, ...]:
    """What was done, in the words of the log; by the history alone."""
    record = await engine.get_record(instance.id)
    done = [step for step in record.step_executions if step.status == "succeeded" and step.completed_at]
    done.sort(key=lambda step: (step.completed_at is None, step.completed_at))
    return replayed_activities([(step.step_name, step.outcome) for step in done], instance.cancel_reason)


# The log


def test_the_log_is_the_one_described() -> None:
    """`DATA.md` says what the file holds and how the cases ended."""
    assert (len(CASES), sum(len(case.events) for case in CASES)) == (69, 536)
    assert len({case.name for case in CASES}) == 69
    assert Counter(case.end for case in CASES) == {
        "paid": 62,
        "canceled after payment": 3,
        "canceled before payment": 3,
        "withdrawn": 1,
    }


# The definition


def test_the_definition_is_valid() -> None:
    """Neither an error nor a warning."""
    assert list(validate(TravelRequest.get_definition())) == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_case_goes_as_logged(engine: LocalExecutionEngine, case: Case) -> None:
    """The logged decisions, taken in the logged order, lead to the logged end."""
    ended = await play(engine, await start(engine, case), *actions(case))

    assert await activities(engine, ended) == case.activities
    assert replayed_end(ended.status, ended.data) == case.end


SUBMITTED = Action(None, "permit_submission", "employee", data={"permit_budget": 900, "pre_approval": True})
PRE_APPROVED = Action(None, "permit_pre_approval", "pre_approver", "approve")
PRE_REJECTED = Action(None, "permit_pre_approval", "pre_approver", "reject")
APPROVED = Action(None, "permit_supervisor", "supervisor", "approve")
FINALLY_APPROVED = Action(None, "permit_supervisor", "supervisor", "approve_final")
REVISED = Action(None, "permit_rejected", "employee", "revise")
GIVEN_UP = Action(None, "permit_rejected", "employee", "give_up")


@pytest.fixture
async def permit(engine: LocalExecutionEngine) -> Instance:
    """A request whose permit waits for pre-approver and supervisor."""
    return await play(engine, await start(engine, CASES[0]), SUBMITTED)


def open_steps(instance: Instance) -> set[str]:
    return {task.step_name for task in instance.tasks.values()}


async def test_pre_approver_and_supervisor_are_asked_together(
    engine: LocalExecutionEngine, permit: Instance
) -> None:
    """The request waits for both, whoever answers first."""
    assert open_steps(permit) == {"permit_pre_approval", "permit_supervisor"}
    assert open_steps(await play(engine, permit, FINALLY_APPROVED)) == {"permit_pre_approval"}
    assert open_steps(await play(engine, permit, PRE_APPROVED)) == {"request_submission"}


async def test_only_a_final_approval_spares_the_director(
    engine: LocalExecutionEngine, permit: Instance
) -> None:
    """The director decides on what the supervisor approved provisionally."""
    assert open_steps(await play(engine, permit, PRE_APPROVED, APPROVED)) == {"permit_director"}
    rejected = await play(engine, permit, Action(None, "permit_director", "director", "reject"))
    assert open_steps(rejected) == {"permit_rejected"}


async def test_a_rejection_ends_the_round(engine: LocalExecutionEngine, permit: Instance) -> None:
    """Nobody is asked about what was rejected already."""
    assert open_steps(await play(engine, permit, PRE_REJECTED)) == {"permit_rejected"}


async def test_an_approval_of_an_earlier_round_does_not_count(
    engine: LocalExecutionEngine, permit: Instance
) -> None:
    """After a revision, everybody is asked again."""
    again = await play(engine, permit, FINALLY_APPROVED, PRE_REJECTED, REVISED, SUBMITTED, PRE_APPROVED)
    assert open_steps(again) == {"permit_supervisor"}
    assert open_steps(await play(engine, again, FINALLY_APPROVED)) == {"request_submission"}


async def test_giving_up_ends_it_whatever_was_approved(
    engine: LocalExecutionEngine, permit: Instance
) -> None:
    """An approval that waits for the others goes with the request."""
    ended = await play(engine, permit, FINALLY_APPROVED, PRE_REJECTED, GIVEN_UP)
    assert (ended.status, replayed_end(ended.status, ended.data)) == ("completed", "withdrawn")


async def test_forms_and_outcomes_are_checked(engine: LocalExecutionEngine) -> None:
    """A submission says how much; a decision is one of those offered."""
    instance = await start(engine, CASES[0])
    with pytest.raises(FormValidationError, match="permit_budget"):
        await engine.complete_human_task(
            instance.id, "permit_submission", "employee", {"pre_approval": False}
        )
    await play(engine, instance, SUBMITTED)
    with pytest.raises(InvalidOutcomeError, match="approve_final"):
        await engine.complete_human_task(instance.id, "permit_supervisor", "supervisor", {}, outcome="maybe")


# The demo


def sqlite_url(folder: Path) -> str:
    return f"sqlite+aiosqlite:///{folder / 'travel.sqlite3'}"


@contextmanager
def demo(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the demo, and give what it says until it waits for people."""
    command = [sys.executable, "-W", "error", "-m", "examples.travel.demo", *arguments]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            assert process.stdout is not None
            said = []
            for line in process.stdout:
                said.append(line)
                if line.startswith("Ctrl-C"):
                    break
            yield process, "".join(said)
        finally:
            process.kill()


def curls(text: str) -> list[list[str]]:
    return [shlex.split(line) for line in text.splitlines() if line.strip().startswith("curl ")]


def send(command: list[str]) -> Any:
    """Do what curl would."""
    url = next(word for word in command if word.startswith("http"))
    headers = dict([command[command.index("-H") + 1].split(": ")]) if "-H" in command else {}
    method = command[command.index("-X") + 1] if "-X" in command else "GET"
    content = command[command.index("-d") + 1] if "-d" in command else None
    response = httpx.request(method, url, headers=headers, content=content, trust_env=False)
    assert response.is_success, response.text
    return response.json()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_the_demo_says_what_to_type(tmp_path: Path, number: signal.Signals) -> None:
    """Its commands work as printed; a signal stops it in good order, and a second run goes on with what is there."""
    arguments = ("--port", "0", "--database", sqlite_url(tmp_path))
    with demo(*arguments) as (process, said):
        assert "Take back the rejected travel permit" in said
        tasks, completion, instance, graph, own = map(send, curls(said))
        assert {task["assignee_group"] for task in tasks} == {"supervisors"}
        assert completion["status"] in {"waiting", "completed"}
        assert instance["id"] == completion.get("instance_id", instance["id"])
        assert "permit_supervisor{{" in graph["mermaid_source"]
        assert own["definition_name"] == "prepaid_travel_costs"
        process.send_signal(number)
        assert process.stdout is not None
        rest = process.stdout.read()
        assert (process.wait(), rest) == (0, "")

    with demo(*arguments) as (_, said):
        base = str(re.search(r"http://127\.0\.0\.1:\d+", said)[0])  # type: ignore[index]
        ids = {found["id"] for found in send(["curl", f"{base}/workflows/instances?limit=100"])}
        assert len(ids) == 10
        assert {instance["id"], own["id"]} <= ids
        assert f"{base}/schema" in said
        assert httpx.get(f"{base}/schema/openapi.json", trust_env=False).is_success


def test_the_demo_takes_the_next_free_port(tmp_path: Path) -> None:
    """A port that is taken is no reason to stop; `--once` ends it when all is said."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "examples.travel.demo", "--once", "--port", str(port)]
        done = subprocess.run(
            [*command, "--database", sqlite_url(tmp_path)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Port {port} is taken; using ")


# The replay


def test_all_cases_agree_on_sqlite(capsys: pytest.CaptureFixture[str]) -> None:
    """Through the REST API, on a database of its own."""
    assert replay.main([]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"cases that agree, step by step +69 +69$", printed, re.MULTILINE)
    assert re.search(r"ended: canceled after payment +3 +3$", printed, re.MULTILINE)


def test_all_cases_agree_on_postgresql(postgres_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert replay.main(["--database", postgres_url]) == 0
    assert re.search(r"steps \(activities\) +536 +536$", capsys.readouterr().out, re.MULTILINE)


def test_a_case_that_differs_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A log that the process cannot have written is not agreed with."""
    cases = [json.loads(line) for line in LOG.read_text(encoding="utf-8").splitlines()[:2]]
    del cases[1]["events"][1]  # the director approves what no supervisor has
    log = tmp_path / "impossible.jsonl"
    log.write_text("\n".join(map(json.dumps, cases)), encoding="utf-8")

    assert replay.main(["--log", str(log)]) == 1
    printed = capsys.readouterr()
    assert f"{cases[1]['case']}: permit_director is not asked for, but permit_supervisor" in printed.err
    assert cases[0]["case"] not in printed.err


def test_a_server_that_is_not_there_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        assert replay.main(["--url", f"http://127.0.0.1:{unused.getsockname()[1]}"]) == 1
    assert "ConnectError" in capsys.readouterr().err
