"""The life of an instance, from start to end, over every storage."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.engine.conftest import MakeEngine
from tests.workflows import APPROVAL_FORM, Do, chain, review, workflow
from workflows_core import events as ev
from workflows_core.context import WorkflowContext
from workflows_core.definitions import Edge, Workflow
from workflows_core.engine import ExecutionEngine
from workflows_core.errors import (
    DefinitionConflictError,
    DefinitionNotFoundError,
    FormValidationError,
    InvalidDataError,
    InvalidOutcomeError,
    InvalidTransitionError,
)
from workflows_core.instance import Instance
from workflows_core.memory import MemoryStorage
from workflows_core.ports import InstanceQuery, TaskQuery
from workflows_core.registry import WorkflowRegistry
from workflows_core.states import InstanceStatus, TaskStatus
from workflows_core.steps import BaseHumanStep, BaseMachineStep, ExclusiveGateway, ParallelGateway
from workflows_core.transition import Transition


async def open_task_id(engine: ExecutionEngine, instance: Instance, step: str | None = None) -> Any:
    tasks = await engine.find_tasks(TaskQuery(instance_id=instance.id, status=TaskStatus.PENDING))
    return next(task.id for task in tasks if step in {None, task.step_name})


async def history_of(engine: ExecutionEngine, instance: Instance) -> list[tuple[str, str]]:
    record = await engine.get_record(instance.id)
    return [(execution.step_name, execution.status) for execution in record.step_executions]


async def test_machine_person_machine(make_engine: MakeEngine) -> None:
    """An approval goes from its first step over a person to its last, and everything written is there."""
    engine = await make_engine(chain(Do("submit"), review(), Do("pay")))

    started = await engine.start_workflow("example", {"amount": 12.5}, user_id="alice")
    waiting = await engine.wait(started.id)
    completed = await engine.complete_human_task(
        started.id, "review", "bob", {"approved": True, "comments": "fine"}
    )
    ended = await engine.wait(completed.id)

    assert (started.status, started.current_step, started.created_by) == ("running", "submit", "alice")
    assert (waiting.status, waiting.current_step) == ("waiting", "review")
    assert completed.current_step == "pay"
    assert (ended.status, ended.current_step) == ("completed", None)
    assert ended.completed_at is not None
    assert ended.data == {"amount": 12.5, "submit": 1, "approved": True, "comments": "fine", "pay": 1}
    assert ended.forms == {"review": {"approved": True, "comments": "fine"}}
    assert await history_of(engine, ended) == [
        ("submit", "succeeded"),
        ("review", "succeeded"),
        ("pay", "succeeded"),
    ]


async def test_nested_changes_are_kept(make_engine: MakeEngine) -> None:
    """What a step changes deep inside the data, in place, is there after a reload."""

    def change(context: WorkflowContext) -> None:
        context.data["order"]["lines"][0]["price"] = 7
        context.data["order"]["customer"]["name"] = "Bob"
        del context.data["order"]["note"]
        context.get("tags").append("late")

    engine = await make_engine(chain(Do("change", change), review()))
    data = {
        "order": {"lines": [{"price": 5}], "customer": {"id": 1}, "note": "x"},
        "tags": ["new"],
        "kept": [1.0],
    }

    instance = await engine.start_workflow("example", data)
    await engine.wait(instance.id)

    assert (await engine.get_instance(instance.id)).data == {
        "order": {"lines": [{"price": 7}], "customer": {"id": 1, "name": "Bob"}},
        "tags": ["new", "late"],
        "kept": [1.0],
    }
    assert data["tags"] == ["new"]


async def test_fan_out_runs_every_branch_and_joins_once(make_engine: MakeEngine) -> None:
    """Branches write different keys at the same time, nested ones too; all are kept and the join runs once."""

    def note(name: str) -> Do:
        def work(context: WorkflowContext) -> None:
            context.set(name, 1)
            context.data.setdefault("seen", {})[name] = True

        return Do(name, work)

    branches = ["a", "b", "c", "d"]
    definition = workflow(
        ParallelGateway("fork", branches),
        *[note(name) for name in branches],
        Do("join"),
        review("end"),
        edges=[*[Edge(name, "join") for name in branches], Edge("join", "end")],
        ends={"end"},
    )
    engine = await make_engine(definition)

    instance = await engine.start_workflow("example", {"seen": {}})
    rested = await engine.wait(instance.id)

    assert rested.data == {"a": 1, "b": 1, "c": 1, "d": 1, "join": 1, "seen": dict.fromkeys(branches, True)}
    assert (await history_of(engine, rested)).count(("join", "succeeded")) == 1


async def test_a_person_may_be_first_last_in_a_branch_and_in_a_loop(make_engine: MakeEngine) -> None:
    """People stand anywhere in the graph; a rejection sends back as often as it is given."""
    decide = review("decide", outcomes=["approve", "reject"])
    definition = workflow(
        review("first"),
        ParallelGateway("fork"),
        Do("machine"),
        review("branch"),
        decide,
        Do("fix"),
        review("last"),
        edges=[
            Edge("first", "fork"),
            Edge("fork", "machine"),
            Edge("fork", "branch"),
            Edge("machine", "decide"),
            Edge("branch", "decide"),
            Edge("decide", "fix", on="reject"),
            Edge("fix", "decide"),
            Edge("decide", "last", on="approve"),
        ],
        ends={"last"},
    )
    engine = await make_engine(definition)
    form = {"approved": True}

    started = await engine.start_workflow("example")
    assert (started.status, started.current_step) == ("waiting", "first")
    await engine.complete_human_task(started.id, "first", "a", form)
    await engine.complete_human_task(started.id, "branch", "b", form)
    await engine.wait(started.id)
    for _ in range(3):
        await engine.complete_human_task(started.id, "decide", "c", form, outcome="reject")
        await engine.wait(started.id)
    await engine.complete_human_task(started.id, "decide", "c", form, outcome="approve")
    ended = await engine.complete_human_task(started.id, "last", "d", form)

    assert ended.status is InstanceStatus.COMPLETED
    assert ended.data["fix"] == 3
    assert ended.data["machine"] == 1


@pytest.mark.parametrize(("amount", "way"), [(50, "small"), (500, "large"), (5000, "huge")])
async def test_conditions_choose_the_way(make_engine: MakeEngine, amount: int, way: str) -> None:
    """Gateways, callables, expressions and default edges lead where the data says."""
    gate = ExclusiveGateway("gate", lambda context: "small" if context.get("amount") < 100 else "more")
    definition = workflow(
        gate,
        Do("small"),
        Do("more"),
        Do("large"),
        Do("huge"),
        edges=[
            Edge("gate", "small"),
            Edge("gate", "more"),
            Edge("more", "huge", condition="amount >= 1000"),
            Edge("more", "large", default=True),
        ],
        ends={"small", "large", "huge"},
    )
    engine = await make_engine(definition)

    instance = await engine.wait((await engine.start_workflow("example", {"amount": amount})).id)

    assert instance.status is InstanceStatus.COMPLETED
    assert instance.data[way] == 1


async def test_a_step_that_raises_fails_visibly_and_retry_runs_it_alone(make_engine: MakeEngine) -> None:
    """The failure is in the status, the error and the history; what was done is not done again."""
    broken = [True]

    def work(context: WorkflowContext) -> None:
        context.set("half", "done")
        if broken:
            raise RuntimeError("no connection to the bank")

    engine = await make_engine(chain(Do("submit"), Do("pay", work), Do("notify")))
    instance = await engine.start_workflow("example")

    failed = await engine.wait(instance.id)
    summary = (await engine.find_instances(InstanceQuery(status=InstanceStatus.FAILED)))[0]
    record = await engine.get_record(instance.id)
    assert failed.status is InstanceStatus.FAILED
    assert failed.data == {"submit": 1}
    assert summary.id == instance.id
    assert "no connection to the bank" in (summary.error or "")
    assert [(e.step_name, e.status, bool(e.error)) for e in record.step_executions] == [
        ("submit", "succeeded", False),
        ("pay", "failed", True),
    ]

    broken.clear()
    await engine.retry_workflow(instance.id, "The bank answers again", user_id="ops")
    ended = await engine.wait(instance.id)
    asked = [
        (event.by, event.reason)
        for entry in await engine.get_history(instance.id)
        for event in entry.events
        if isinstance(event, ev.StepRetried)
    ]
    assert asked == [("ops", "The bank answers again")]
    assert ended.status is InstanceStatus.COMPLETED
    assert ended.data == {"submit": 1, "half": "done", "notify": 1}


@pytest.mark.parametrize(
    ("work", "told"),
    [
        (lambda _: {1, 2}, "set"),
        (lambda _: {"at": datetime.now(UTC)}, "datetime"),
        (lambda _: {"n": float("nan")}, "nan"),
        (lambda context: context.set("x", object()), "object"),
        (lambda context: context.data.update({"deep": {"b": b"bytes"}}), "bytes"),
        (lambda context: context.set("x", {1: "a"}), "int"),
        (lambda _: "a\x00b", "NUL"),
    ],
)
async def test_what_is_not_json_fails_its_step(make_engine: MakeEngine, work: Any, told: str) -> None:
    """The message names the step and the type, nothing is written, and the instance can be retried."""
    engine = await make_engine(chain(Do("compute", work), Do("after")))

    failed = await engine.wait((await engine.start_workflow("example", {"kept": 1})).id)
    step, failure = failed.failures[0]

    assert failed.status is InstanceStatus.FAILED
    assert failed.data == {"kept": 1}
    assert step == "compute"
    assert "compute" in failure.message
    assert told in failure.message
    assert (await engine.retry_workflow(failed.id)).status is InstanceStatus.RUNNING


async def test_a_condition_that_raises_keeps_what_was_done(make_engine: MakeEngine) -> None:
    """Retrying chooses the way again and does not execute the completed step again."""
    broken = [True]

    def way(context: WorkflowContext) -> bool:
        if broken:
            raise KeyError("rate")
        return True

    engine = await make_engine(
        workflow(Do("pay"), Do("end"), edges=[Edge("pay", "end", condition=way)], ends={"end"})
    )
    failed = await engine.wait((await engine.start_workflow("example")).id)
    assert failed.status is InstanceStatus.FAILED
    assert failed.data == {"pay": 1}
    assert "pay" in failed.failures[0][1].origin

    broken.clear()
    await engine.retry_workflow(failed.id)
    ended = await engine.wait(failed.id)
    assert ended.status is InstanceStatus.COMPLETED
    assert ended.data == {"pay": 1, "end": 1}


async def test_no_way_out_is_a_failure(make_engine: MakeEngine) -> None:
    """A step whose edges all say no fails with NoPathError; work is never dropped."""
    engine = await make_engine(
        workflow(Do("a"), Do("b"), edges=[Edge("a", "b", condition="a > 1")], ends={"b"})
    )

    failed = await engine.wait((await engine.start_workflow("example")).id)

    assert failed.failures[0][1].error_type == "NoPathError"


async def test_an_error_edge_catches_the_failure(make_engine: MakeEngine) -> None:
    """With an edge for errors the run goes on there."""

    def work(context: WorkflowContext) -> None:
        raise ValueError("refused")

    engine = await make_engine(
        workflow(
            Do("pay", work),
            Do("end"),
            review("repair"),
            edges=[Edge("pay", "end"), Edge("pay", "repair", on="error")],
            ends={"end", "repair"},
        )
    )

    waiting = await engine.wait((await engine.start_workflow("example")).id)

    assert (waiting.status, waiting.current_step) == ("waiting", "repair")


async def test_hooks_of_a_step(make_engine: MakeEngine) -> None:
    """`can_execute` skips, `on_success` may write, `on_failure` is told, `merge_output` merges."""
    told: list[str] = []

    class Skipped(BaseMachineStep):
        name = "skipped"

        async def can_execute(self, context: WorkflowContext) -> bool:
            return False

        async def execute(self, context: WorkflowContext) -> None:
            raise AssertionError

    class Merged(BaseMachineStep):
        name = "merged"
        merge_output = True

        async def execute(self, context: WorkflowContext) -> dict[str, int]:
            return {"total": 3}

        async def on_success(self, context: WorkflowContext, result: object) -> None:
            context.set("result", result)

    class Failing(BaseMachineStep):
        name = "failing"

        async def execute(self, context: WorkflowContext) -> None:
            raise OSError("down")

        async def on_failure(self, context: WorkflowContext, error: Exception) -> None:
            told.append(str(error))

    engine = await make_engine(chain(Skipped(), Merged(), Failing()))

    failed = await engine.wait((await engine.start_workflow("example")).id)

    assert failed.data == {"total": 3, "result": {"total": 3}}
    assert told == ["down"]
    assert await history_of(engine, failed) == [
        ("skipped", "skipped"),
        ("merged", "succeeded"),
        ("failing", "failed"),
    ]


async def test_hooks_of_a_human_step_describe_the_task(make_engine: MakeEngine) -> None:
    """Plain and async hooks say who, until when and how urgent."""
    due = datetime(2030, 1, 1, 12, tzinfo=UTC)

    class Approve(BaseHumanStep):
        name = "approve"
        title = "Approve it"
        description = "Look twice."
        form_schema = APPROVAL_FORM
        assignee_key = "manager"
        assignee_group = "managers"

        async def get_candidate_users(self, context: WorkflowContext) -> list[str]:
            return ["carol"]

        def get_candidate_groups(self, context: WorkflowContext) -> set[str]:
            return {"deputies", "board"}

        async def get_due_date(self, context: WorkflowContext) -> datetime:
            return due.astimezone(tz=None)

        def get_priority(self, context: WorkflowContext) -> int:
            return 5

    engine = await make_engine(chain(Approve(), Do("end")))
    instance = await engine.start_workflow("example", {"manager": "bob"}, tenant_id="acme")

    task = await engine.get_task(await open_task_id(engine, instance))

    assert (task.title, task.description, task.assignee, task.assignee_group) == (
        "Approve it",
        "Look twice.",
        "bob",
        "managers",
    )
    assert (task.candidate_users, task.candidate_groups) == (("carol",), ("board", "deputies"))
    assert (task.due_at, task.priority, task.form_schema, task.tenant_id) == (due, 5, APPROVAL_FORM, "acme")
    assert [found.id for found in await engine.find_tasks(TaskQuery(assignee="bob"))] == [task.id]
    assert await engine.find_tasks(TaskQuery(assignee_group="others")) == []
    assert [t.id for t in await engine.find_tasks(TaskQuery(due_before=due + timedelta(seconds=1)))] == [
        task.id
    ]


async def test_a_hook_that_raises_fails_the_step(make_engine: MakeEngine) -> None:
    """The incident names the hook; a retry asks it again."""
    engine = await make_engine(chain(BaseHumanStep("approve", assignee_key="manager"), Do("end")))

    failed = await engine.start_workflow("example", {"manager": 7})

    assert failed.status is InstanceStatus.FAILED
    assert failed.failures[0][1].origin == "get_assignee"


async def test_forms_are_checked_before_anything_changes(make_engine: MakeEngine) -> None:
    """Every complaint comes with its pointer, and the task stays open for a better try."""
    engine = await make_engine(chain(review(), Do("end")))
    instance = await engine.start_workflow("example")

    with pytest.raises(FormValidationError) as refused:
        await engine.complete_human_task(instance.id, "review", "bob", {"comments": 7})

    assert {problem.pointer for problem in refused.value.problems} == {"/approved", "/comments"}
    assert await engine.get_instance(instance.id) == instance
    assert (await engine.complete_human_task(instance.id, "review", "bob", {"approved": False})).data[
        "approved"
    ] is False


async def test_outcomes_are_the_declared_ones(make_engine: MakeEngine) -> None:
    """A task with outcomes needs one of them; one without takes none."""
    engine = await make_engine(
        workflow(
            BaseHumanStep("decide", outcomes=["yes", "no"]),
            Do("done"),
            edges=[Edge("decide", "done")],
            ends={"done"},
        )
    )
    instance = await engine.start_workflow("example")
    task_id = await open_task_id(engine, instance)

    for outcome in (None, "maybe"):
        with pytest.raises(InvalidOutcomeError):
            await engine.complete_task(task_id, {}, outcome=outcome)
    ended = await engine.complete_task(task_id, {}, outcome="no", user_id="bob", comment="not now")

    task = await engine.get_task(task_id)
    assert ended.current_step == "done"
    assert (task.status, task.outcome, task.completed_by, task.comment) == (
        "completed",
        "no",
        "bob",
        "not now",
    )


async def test_eight_complete_one_task_and_one_succeeds(make_engine: MakeEngine) -> None:
    """The others are told that it is done; the next step runs once."""
    engine = await make_engine(chain(review(), Do("pay"), review("end")))
    instance = await engine.start_workflow("example")
    task_id = await open_task_id(engine, instance)

    answers = await asyncio.gather(
        *(engine.complete_task(task_id, {"approved": True}, user_id=f"user{n}") for n in range(8)),
        return_exceptions=True,
    )
    rested = await engine.wait(instance.id)

    assert sum(isinstance(answer, Instance) for answer in answers) == 1
    assert sum(isinstance(answer, InvalidTransitionError) for answer in answers) == 7
    assert rested.data["pay"] == 1


async def test_cancel_ends_everything(make_engine: MakeEngine) -> None:
    """Open tasks are canceled, a running step is stopped, and nothing can be asked any more."""
    begun, stopped = asyncio.Event(), asyncio.Event()

    async def hang(context: WorkflowContext) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            stopped.set()
            raise

    definition = workflow(
        ParallelGateway("fork", ["hang", "review"]),
        Do("hang", hang),
        review(),
        edges=[],
        ends={"hang", "review"},
    )
    engine = await make_engine(definition)
    instance = await engine.start_workflow("example")
    task_id = await open_task_id(engine, instance)
    await asyncio.wait_for(begun.wait(), 10)

    canceled = await engine.cancel_workflow(instance.id, "No longer needed", user_id="alice")
    await asyncio.wait_for(stopped.wait(), 10)

    assert (canceled.status, canceled.cancel_reason, canceled.current_step) == (
        "canceled",
        "No longer needed",
        None,
    )
    assert (await engine.get_task(task_id)).status is TaskStatus.CANCELED
    for ask in (
        engine.cancel_workflow(instance.id),
        engine.retry_workflow(instance.id),
        engine.complete_task(task_id, {"approved": True}),
        engine.reassign_task(task_id, "bob"),
    ):
        with pytest.raises(InvalidTransitionError):
            await ask
    assert await engine.get_instance(instance.id) == canceled


async def test_reassign(make_engine: MakeEngine) -> None:
    """The task goes to somebody else, and the history says who did that and why."""
    engine = await make_engine(chain(review(), Do("end")))
    instance = await engine.start_workflow("example")
    task_id = await open_task_id(engine, instance)

    task = await engine.reassign_task(task_id, "carol", user_id="alice", reason="on vacation")

    entry = (await engine.get_history(instance.id))[-1]
    assert task.assignee == "carol"
    assert (await engine.get_task(task_id)).assignee == "carol"
    assert entry.actor == "alice"
    assert entry.events[0].reason == "on vacation"  # type: ignore[union-attr]


async def test_two_hundred_starts_at_once(make_engine: MakeEngine) -> None:
    """None fails, and every instance reaches its person."""
    engine = await make_engine(chain(Do("submit"), review()))

    started = await asyncio.gather(*(engine.start_workflow("example", {"n": n}) for n in range(200)))
    rested = await asyncio.gather(*(engine.wait(instance.id, timeout=60) for instance in started))

    assert {(instance.status, instance.current_step) for instance in rested} == {("waiting", "review")}
    assert sorted(instance.data["n"] for instance in rested) == list(range(200))  # type: ignore[type-var]


async def test_bad_starts(make_engine: MakeEngine) -> None:
    """Unknown names, data that is not JSON and data that does not fit are refused, and nothing is started."""
    schema: Any = {"type": "object", "properties": {"amount": {"type": "number"}}, "required": ["amount"]}
    engine = await make_engine(chain(review(), input_schema=schema))

    with pytest.raises(DefinitionNotFoundError):
        await engine.start_workflow("unknown")
    with pytest.raises(DefinitionNotFoundError):
        await engine.start_workflow("example", {"amount": 1}, version="9.9")
    with pytest.raises(InvalidDataError):
        await engine.start_workflow("example", {"amount": float("inf")})
    with pytest.raises(FormValidationError):
        await engine.start_workflow("example", {"amount": "much"})
    assert await engine.find_instances(InstanceQuery()) == []


async def test_the_same_key_starts_once(make_engine: MakeEngine) -> None:
    """Of many starts under one key one happens, and all get it; tenants do not share keys."""
    engine = await make_engine(chain(review()))

    one = await asyncio.gather(
        *(engine.start_workflow("example", {"n": n}, idempotency_key="k") for n in range(5))
    )
    other = await engine.start_workflow("example", idempotency_key="k", tenant_id="acme")

    assert len({instance.id for instance in one}) == 1
    assert other.id != one[0].id


async def test_other_content_under_a_known_version_is_refused(make_engine: MakeEngine) -> None:
    """The storage remembers what instances were started with, across processes."""
    first = await make_engine(chain(review()))
    await first.start_workflow("example")

    second = await make_engine(chain(review(), Do("more")))

    with pytest.raises(DefinitionConflictError):
        await second.start_workflow("example")


async def test_workflow_classes(make_engine: MakeEngine) -> None:
    """A class with its parts in attributes registers and starts by name or as itself."""

    class Leave(Workflow):
        """Days off."""

        steps = (Do("request"), review("approve"))
        edges = (Edge("request", "approve"),)
        initial_step = "request"
        terminal_steps = ("approve",)

    engine = await make_engine(Leave)

    by_name = await engine.start_workflow("Leave")
    by_class = await engine.start_workflow(Leave)

    assert by_name.definition_name == by_class.definition_name == "Leave"


class Patient(MemoryStorage):
    """A storage that writes nothing before what it waits for has happened."""

    def __init__(self) -> None:
        super().__init__()
        self.is_writing: dict[str, asyncio.Event] = {}
        self.may_write: dict[str, asyncio.Event] = {}

    async def flush(self, transitions: Sequence[Transition]) -> frozenset[UUID]:
        for step in [step for each in transitions for step in each.instance.data if step in self.may_write]:
            self.is_writing[step].set()
            await self.may_write.pop(step).wait()
        await asyncio.sleep(0)  # as one does that talks to a database
        return await super().flush(transitions)


async def test_a_step_that_ends_while_another_is_committed_is_not_executed_again() -> None:
    """What it reports counts, although the instance that is written then still has it running."""
    storage, executed = Patient(), Counter[str]()
    is_writing = storage.is_writing["left"] = asyncio.Event()
    right_has_ended = storage.may_write["left"] = asyncio.Event()

    async def right(_: WorkflowContext) -> None:
        executed["right"] += 1
        await is_writing.wait()
        asyncio.get_running_loop().call_soon(right_has_ended.set)

    definition = workflow(
        Do("begin"), Do("left"), Do("right", right), Do("end"),
        edges=[Edge("begin", "left"), Edge("begin", "right"), Edge("left", "end"), Edge("right", "end")],
        ends={"end"},
    )  # fmt: skip
    registry = WorkflowRegistry()
    registry.register(definition)
    async with asyncio.timeout(30), ExecutionEngine(registry, storage) as engine:
        instance = await engine.start_workflow("example")
        ended = await engine.wait(instance.id)
    assert ended.status == "completed"
    assert executed == {"right": 1}
