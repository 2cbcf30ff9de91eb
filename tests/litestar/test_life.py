"""The life of an instance over HTTP, from start to end, over every storage."""

import asyncio
from datetime import datetime
from typing import Any

from tests.litestar.conftest import Serve
from tests.litestar.problems import refused
from tests.servers import until_async
from tests.workflows import APPROVAL_FORM, Do, chain, review, workflow
from workflows_core.context import WorkflowContext
from workflows_core.definitions import Edge
from workflows_core.steps import BaseHumanStep, ParallelGateway


async def test_machine_person_machine(serve: Serve) -> None:
    """A request is started, approved and paid; each answer shows what is so by then."""
    api = await serve(chain(Do("submit"), review(), Do("pay")))

    started = await api.start(
        input_data={"amount": 12.5}, user_id="alice", tenant_id="acme", correlation_id="order 7"
    )
    waiting = await api.rest(started)
    task = await api.task(started)
    completed = await api.complete(task, {"approved": True, "comments": "fine"}, comment="Well done")
    ended = await api.rest(started)

    assert (started["status"], started["current_step"]) == ("running", "submit")
    assert (waiting["status"], waiting["current_step"], waiting["current_steps"]) == (
        "waiting",
        "review",
        ["review"],
    )
    assert (task["title"], task["status"], task["form_schema"]) == ("Review", "pending", APPROVAL_FORM)
    (listed,) = await api.get("/tasks", instance_id=started["id"])
    shown = await api.get(f"/tasks/{task['id']}")
    assert {name: completed[name] for name in listed} == {name: shown[name] for name in listed} == listed
    assert (completed["status"], completed["completed_by"], completed["comment"]) == (
        "completed",
        "bob",
        "Well done",
    )
    assert completed["output_data"] == {"approved": True, "comments": "fine"}
    assert datetime.fromisoformat(completed["completed_at"]) >= datetime.fromisoformat(task["created_at"])
    assert (ended["status"], ended["current_step"], ended["error"]) == ("completed", None, None)
    assert {ended[name] for name in ("created_by", "tenant_id", "correlation_id")} == {
        "alice",
        "acme",
        "order 7",
    }
    assert ended["revision"] > waiting["revision"] > started["revision"]
    assert ended["context_data"] == {
        "amount": 12.5,
        "submit": 1,
        "approved": True,
        "comments": "fine",
        "pay": 1,
    }
    assert [(step["step_name"], step["status"], step["completed_by"]) for step in ended["step_history"]] == [
        ("submit", "succeeded", None),
        ("review", "succeeded", "bob"),
        ("pay", "succeeded", None),
    ]


async def test_nested_changes_are_there_after_a_reload(serve: Serve) -> None:
    """What a step changes deep inside the data, in place, is stored."""

    def change(context: WorkflowContext) -> None:
        context.data["order"]["lines"][0]["price"] = 7
        context.data["order"]["customer"]["name"] = "Bob"
        context.get("tags").append("late")

    api = await serve(chain(Do("change", change), review()))
    order = {"lines": [{"price": 5}], "customer": {"id": 1}}

    waiting = await api.started(input_data={"order": order, "tags": ["new"], "kept": [1.5, None, True]})

    assert waiting["context_data"] == {
        "order": {"lines": [{"price": 7}], "customer": {"id": 1, "name": "Bob"}},
        "tags": ["new", "late"],
        "kept": [1.5, None, True],
    }


async def test_outcomes_and_what_else_a_task_says(serve: Serve) -> None:
    """A decision among several is offered, taken and shown."""

    class Decide(BaseHumanStep):
        name = "decide"
        description = "Look twice."
        outcomes = ("approve", "reject")
        assignee_group = "managers"

        def get_candidate_users(self, context: WorkflowContext) -> list[str]:
            return ["carol"]

        def get_priority(self, context: WorkflowContext) -> int:
            return 5

    api = await serve(
        workflow(
            Decide(),
            Do("yes"),
            Do("no"),
            edges=[Edge("decide", "yes", on="approve"), Edge("decide", "no", on="reject")],
            ends={"yes", "no"},
        )
    )
    instance = await api.start()
    task = await api.task(instance)
    unknown = await api.http.post(
        f"/tasks/{task['id']}/complete",
        json={"output_data": {}, "completed_by": "bob", "outcome": "perhaps"},
    )
    completed = await api.complete(task, {}, outcome="reject")
    ended = await api.rest(instance)

    assert (task["outcomes"], task["outcome"]) == (["approve", "reject"], None)
    assert (task["description"], task["priority"], task["candidate_users"], task["assignee_group"]) == (
        "Look twice.",
        5,
        ["carol"],
        "managers",
    )
    assert [complaint["pointer"] for complaint in refused(unknown, 400)["errors"]] == ["/outcome"]
    assert completed["outcome"] == "reject"
    assert [(step["step_name"], step["outcome"]) for step in ended["step_history"]] == [
        ("decide", "reject"),
        ("no", None),
    ]


async def test_fan_out_runs_every_branch_and_joins_once(serve: Serve) -> None:
    """People and machines stand side by side; what follows waits for all of them."""
    api = await serve(
        workflow(
            ParallelGateway("fork"),
            Do("machine"),
            review("first"),
            review("second"),
            Do("join"),
            edges=[
                *(Edge("fork", branch) for branch in ("machine", "first", "second")),
                *(Edge(branch, "join") for branch in ("machine", "first", "second")),
            ],
            ends={"join"},
        )
    )
    instance = await api.started()
    tasks = await api.get("/tasks", instance_id=instance["id"])

    assert sorted(instance["current_steps"]) == ["first", "join", "second"]
    for task in tasks:
        await api.complete(task)
    ended = await api.rest(instance)
    assert ended["status"] == "completed"
    assert (ended["context_data"]["machine"], ended["context_data"]["join"]) == (1, 1)


async def test_a_step_that_raises_is_seen_and_can_be_retried(serve: Serve) -> None:
    """The reason is in the instance and in its history; only what failed is done again."""
    broken = [True]

    def work(context: WorkflowContext) -> None:
        if broken:
            raise RuntimeError("no connection to the bank")

    api = await serve(chain(Do("submit"), Do("pay", work), Do("notify")))
    failed = await api.started()

    assert failed["status"] == "failed"
    assert "no connection to the bank" in failed["error"]
    assert "pay" in failed["error"]
    submitted, paid = failed["step_history"]
    assert (submitted["status"], submitted["error"]) == ("succeeded", None)
    assert (paid["status"], paid["attempt"]) == ("failed", 1)
    assert "no connection to the bank" in paid["error"]

    broken.clear()
    retried = await api.post(f"/instances/{failed['id']}/retry", {"reason": "It answers", "user_id": "olga"})
    ended = await api.rest(failed)
    asked = [
        entry for entry in await api.get(f"/instances/{failed['id']}/history") if entry["actor"] == "olga"
    ]
    assert retried["status"] == "running"
    assert [event["reason"] for entry in asked for event in entry["events"] if "reason" in event] == [
        "It answers"
    ]
    assert (ended["status"], ended["error"]) == ("completed", None)
    assert [(step["step_name"], step["status"]) for step in ended["step_history"]] == [
        ("submit", "succeeded"),
        ("pay", "failed"),
        ("pay", "succeeded"),
        ("notify", "succeeded"),
    ]


async def test_a_result_that_is_not_json_is_seen_and_can_be_retried(serve: Serve) -> None:
    """The message names the step and the type."""
    results: list[Any] = [{1, 2}, {"total": 3}]
    api = await serve(chain(Do("compute", lambda _: results.pop(0))))

    failed = await api.started()
    assert failed["status"] == "failed"
    assert "compute" in failed["error"]
    assert "set" in failed["error"]

    await api.post(f"/instances/{failed['id']}/retry")
    ended = await api.rest(failed)
    assert ended["status"] == "completed"
    assert ended["step_history"][-1]["output"] == {"total": 3}


async def test_cancel_ends_everything(serve: Serve) -> None:
    """The task goes with the instance, a running step is stopped, and the reason is kept."""
    begun, stopped = asyncio.Event(), asyncio.Event()

    async def hang(context: WorkflowContext) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    api = await serve(
        workflow(
            ParallelGateway("fork", ["hang", "review"]),
            Do("hang", hang),
            review(),
            edges=[],
            ends={"hang", "review"},
        )
    )
    instance = await api.start()
    task = await api.task(instance)
    await begun.wait()

    canceled = await api.post(f"/instances/{instance['id']}/cancel", reason="No longer needed")
    await stopped.wait()

    now = await api.get(f"/instances/{instance['id']}")
    assert (canceled["status"], canceled["current_step"]) == ("canceled", None)
    assert (now["status"], now["cancel_reason"]) == ("canceled", "No longer needed")
    assert (await api.get(f"/tasks/{task['id']}"))["status"] == "canceled"


async def test_reassign(serve: Serve) -> None:
    """The task is somebody else's at once, in every list."""
    api = await serve(chain(review()))
    task = await api.task(await api.start())

    answer = await api.post(f"/tasks/{task['id']}/reassign", {"new_assignee": "carol", "reason": "vacation"})

    assert answer == task | {"assignee": "carol", "state": "assigned"}
    assert await api.get("/tasks", assignee_id="carol") == [answer]


async def test_two_hundred_starts_at_once(serve: Serve) -> None:
    """None is refused, and every instance reaches its person."""
    api = await serve(chain(Do("submit"), review()))

    started = await asyncio.gather(*(api.start(input_data={"n": n}) for n in range(200)))
    tasks = await until_async(
        lambda: api.get("/tasks", status="pending", limit=1000), lambda found: len(found) == 200
    )

    assert {task["instance_id"] for task in tasks} == {instance["id"] for instance in started}
    waiting = await api.get("/instances", status="waiting", limit=1000)
    assert len(waiting) == 200


async def test_of_eight_completions_at_once_one_wins(serve: Serve) -> None:
    """The others are told so, and what follows runs once."""
    api = await serve(chain(review(), Do("pay")))
    instance = await api.start()
    task = await api.task(instance)

    answers = await asyncio.gather(
        *(
            api.http.post(
                f"/tasks/{task['id']}/complete",
                json={"output_data": {"approved": True, "by": n}, "completed_by": f"user{n}"},
            )
            for n in range(8)
        )
    )
    ended = await api.rest(instance)

    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 7]
    (winner,) = [answer.json() for answer in answers if answer.status_code == 201]
    for answer in answers:
        if answer.status_code != 201:
            refused(answer, 409)
    assert ended["context_data"] == winner["output_data"] | {"pay": 1}
    assert [step["step_name"] for step in ended["step_history"]] == ["review", "pay"]
