"""Every curl command is sent to a real server, and its answer compared with the printed one."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import metadata
from typing import Any

import httpx
import pytest
from litestar import Litestar

from guide.answers import EXCERPTS, differences, moment, printed
from guide.curl import Command, commands
from guide.rst import Block, guide
from guide.workflows import ExpenseApproval, SpelledOut
from tests.servers import Server, until
from workflows_litestar import WorkflowPlugin, WorkflowPluginConfig

CURLS = {
    (block.name, number): (block, command)
    for block in guide().of("bash")
    for number, command in enumerate(commands(block), 1)
}


@dataclass
class Run:
    """A server of the guide with one instance that waits for the manager.

    Attributes:
        client: Talks to the server.
        started: What the guide's own start of the instance was answered.
        task: The task it waits for.
    """

    client: httpx.Client
    started: httpx.Response
    task: dict[str, Any]

    @property
    def names(self) -> dict[str, str]:
        """The ids of the guide, and those they stand for here; what is abbreviated comes last."""
        instance, task = self.started.json()["id"], self.task["id"]
        return {
            "550e8400-e29b-41d4-a716-446655440000": instance,
            "660e8400-e29b-41d4-a716-446655440001": task,
            "550e8400...": instance,
            "660e8400...": task,
            "{id}": instance,
        }

    def instance(self) -> Any:
        return self.client.get(f"/workflows/instances/{self.started.json()['id']}").raise_for_status().json()

    def task_now(self) -> Any:
        return self.client.get(f"/workflows/tasks/{self.task['id']}").raise_for_status().json()


@pytest.fixture
def run(key: tuple[str, int], database: str | None) -> Iterator[Run]:
    # Only here does the guide call the first step by another name than before, for the same request.
    workflow = SpelledOut if key[0] == "Definition Graph" else ExpenseApproval
    config = WorkflowPluginConfig(auto_register_workflows=[workflow], database=database)
    with Server(Litestar(plugins=[WorkflowPlugin(config=config)])) as server:
        _, start = CURLS["Start Workflow", 1]
        started = start.send(server.client, names={})
        assert started.status_code == 201, started.text
        tasks = until(lambda: server.client.get("/workflows/tasks").raise_for_status().json(), bool)
        yield Run(server.client, started, tasks[0])


def nothing(run: Run, answer: Any) -> None:
    """The comparison with the printed answer says all."""


def canceled(run: Run, answer: Any) -> None:
    assert answer["status"] == run.instance()["status"] == "canceled"
    assert answer["id"] == run.started.json()["id"]
    assert run.task_now()["status"] == "canceled"


def completed(run: Run, answer: Any) -> None:
    assert answer["status"] == run.task_now()["status"] == "completed"
    assert answer["id"] == run.task["id"]
    instance = run.instance()
    assert instance["current_step"] == "finance_approval"
    assert instance["context_data"]["approved"] is True
    assert instance["context_data"]["comments"] == "Approved for Q4 budget"


def reassigned(run: Run, answer: Any) -> None:
    assert answer["assignee"] == run.task_now()["assignee"] == "other-manager@example.com"
    its_own(run, answer)


def its_own(run: Run, task: Any) -> None:
    """Ids and moments hang together as they do in the guide."""
    started = run.started.json()
    assert (task["id"], task["instance_id"]) == (run.task["id"], started["id"])
    assert moment(task["due_date"]) - moment(started["started_at"]) == timedelta(days=1)
    assert moment(task["created_at"]) >= moment(started["started_at"])


def listed(run: Run, answer: Any) -> None:
    """It is the task in question, and no filter lets everything through."""
    its_own(run, *answer)
    for other in ("status=completed", "assignee_id=somebody@example.com", "assignee_group=clerks"):
        assert (other, run.client.get(f"/workflows/tasks?{other}").json()) == (other, [])


def the_only(run: Run, answer: Any) -> None:
    """It is the instance in question, and no filter lets everything through."""
    assert [instance["id"] for instance in answer] == [run.started.json()["id"]]
    for other in ("status=completed", "status=running", "offset=1", "workflow_name=expense"):
        assert (other, run.client.get(f"/workflows/instances?{other}").json()) == (other, [])


def history(run: Run, answer: Any) -> None:
    started, (step,) = run.started.json(), answer["step_history"]
    assert (answer["id"], answer["started_at"]) == (started["id"], started["started_at"])
    assert moment(answer["started_at"]) <= moment(step["started_at"]) <= moment(step["completed_at"])


def expect(
    name: str,
    also: Callable[[Run, Any], None] = nothing,
    *,
    as_: Callable[[Any], Any] = lambda answer: answer,
) -> tuple[Any, Collection[str], Callable[[Run, Any], None]]:
    """What is printed below the command `name`, perhaps put another way; what it leaves out; what else must hold."""
    below = guide().answer_to(guide().block(name, "bash"))
    assert below is not None
    return as_(printed(below)), EXCERPTS.get(name, ()), also


def first(answers: Any) -> Any:
    return answers[0]


def later(started: Any) -> Any:
    """What a list shows of an instance some moments after its start was answered."""
    return [started | {"status": "waiting", "current_step": "manager_approval"}]


# Which printed answer belongs to which command. Where the guide prints none below a command, it is one that the
# guide prints elsewhere for the same thing, as it is by now.
EXPECTED = {
    ("List Definitions", 1): expect("List Definitions"),
    ("Get Definition", 1): expect("List Definitions", as_=first),
    ("Get Definition Graph", 1): expect("Get Definition Graph"),
    ("Get Definition Graph", 2): expect("Get Definition Graph"),
    ("Start Workflow", 1): expect("Start Workflow"),
    ("List Instances with Filters", 1): expect("Start Workflow", the_only, as_=later),
    ("List Instances with Filters", 2): expect("Start Workflow", the_only, as_=later),
    ("List Instances with Filters", 3): expect("Start Workflow", the_only, as_=later),
    ("Get Instance Details", 1): expect("Get Instance Details", history),
    ("Get Instance Graph with State", 1): expect("Get Instance Graph with State"),
    ("Cancel Instance", 1): expect(
        "Start Workflow",
        canceled,
        as_=lambda started: started | {"status": "canceled", "current_step": None, "completed_at": "set"},
    ),
    ("List Tasks", 1): expect("List Tasks", listed),
    ("List Tasks", 2): expect("List Tasks", listed),
    ("List Tasks", 3): expect("List Tasks", listed),
    ("Get Task Detail", 1): expect("List Tasks", its_own, as_=first),
    ("Complete Task", 1): expect(
        "List Tasks", completed, as_=lambda tasks: tasks[0] | {"status": "completed"}
    ),
    ("Reassign Task", 1): expect(
        "List Tasks", reassigned, as_=lambda tasks: tasks[0] | {"assignee": "other-manager@example.com"}
    ),
    ("Definition Graph", 1): expect("Definition Graph"),
    ("Instance Graph with State", 1): expect("Get Instance Graph with State"),
}


@pytest.mark.parametrize("key", CURLS, ids=lambda key: f"{key[0]} {key[1]}")
def test_curl(key: tuple[str, int], run: Run) -> None:
    _, command = CURLS[key]
    wanted, excerpts, also = EXPECTED[key]
    response = command.send(run.client, names=run.names)
    assert response.status_code == (201 if command.method == "POST" else 200), response.text
    assert differences(wanted, response.json(), excerpts=excerpts) == []
    also(run, response.json())


def test_that_all_commands_are_sent_and_all_answers_compared() -> None:
    assert set(EXPECTED) == set(CURLS)
    assert len(CURLS) == 19
    assert sum(len(commands(block)) == 0 for block in guide().of("bash")) == 1  # `pip install`, below
    answers = guide().of("json") + guide().of("text")
    assert {block.name for block in answers} <= {name for name, _ in EXPECTED}
    assert len(answers) == 7


def test_that_the_distribution_has_the_extra_that_the_guide_installs() -> None:
    assert guide().block("Installation", "bash").text == "pip install litestar-workflows[web]"
    ours = metadata("workflows-litestar")
    assert {"web", "db"} <= set(ours.get_all("Provides-Extra") or [])

    def needed(extra: str) -> set[str]:
        lines = [line.replace('"', "'") for line in ours.get_all("Requires-Dist") or []]
        suffix = f"; extra == '{extra}'"
        return {line.removesuffix(suffix) for line in lines if line.endswith(suffix)}

    # The build writes an extra that another one includes out in full.
    assert needed("db")
    assert needed("db") < needed("web")


def test_that_curl_is_read_as_a_shell_reads_it() -> None:
    text = (
        'curl -X POST "http://localhost:8000/workflows/x?a=b%20c" \\\n  -H "A: b" \\\n  -d \'{\n  "c": 1\n}\''
    )
    block = Block("", "bash", f"# say what\n{text}\n\n# and\ncurl http://localhost:8000/workflows/y", 1)
    assert commands(block) == [
        Command("POST", "/x?a=b%20c", {"A": "b"}, '{\n  "c": 1\n}'),
        Command("GET", "/y", {}, None),
    ]
