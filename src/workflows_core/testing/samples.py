"""Values to test storages with: what the machine makes of a small workflow, and values with every field set."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from attrs import evolve

from workflows_core import commands as cmd
from workflows_core import events as ev
from workflows_core.data import NO_PATCH, JsonObject, Patch
from workflows_core.deadlines import Alarm
from workflows_core.definitions import Edge, WorkflowDefinition
from workflows_core.instance import Awaited, Failure, Instance, Token
from workflows_core.machine import advance
from workflows_core.messages import Message, Wait, deliveries
from workflows_core.ports import StoredDefinition
from workflows_core.quorum import Ballot, Seat
from workflows_core.states import TaskState, TokenState
from workflows_core.steps import BaseHumanStep, BaseMachineStep, MessageStep
from workflows_core.tasks import Note, NoteKind, Question, Task
from workflows_core.transition import HistoryEntry, Transition, transition

AT: Final = datetime(2026, 3, 29, 0, 59, 59, 999_999, tzinfo=UTC)
SECOND: Final = timedelta(seconds=1)
HOUR: Final = timedelta(hours=1)
EVER: Final = datetime(9000, 1, 1, tzinfo=UTC)

DEFINITION: Final = WorkflowDefinition(
    name="conformance",
    steps=[
        BaseMachineStep("prepare"),
        BaseMachineStep("enrich"),
        BaseHumanStep("approve", outcomes=("yes", "no")),
        BaseMachineStep("pay"),
    ],
    edges=[
        Edge("prepare", "enrich"),
        Edge("enrich", "approve"),
        Edge("approve", "pay", on="yes"),
        Edge("approve", "prepare", on="no"),
    ],
    initial_step="prepare",
    terminal_steps=["pay"],
)

DOCUMENTS: Final[dict[str, JsonObject]] = {
    "nothing": {},
    "numbers": {
        "one": 1, "one point zero": 1.0, "true": True, "zero": 0, "false": False, "minus": -0.0, "huge": 1e16,
        "tiny": 5e-324, "largest": 2**63 - 1, "least": -(2**63), "precise": 0.1 + 0.2,
    },
    "nested": {"a": [{"b": [[], {}, [{"c": None}]]}, [1, [1.0, [True]]]]},
    "order": {"z": 1, "a": {"y": 1, "b": 2}, "m": 3, "10": 1, "9": 2},
    "text": {"": "", "grüße 日本 🚲": 'quote " backslash \\ slash / line\n tab\t \u2028 \x7f', "$ref": "#/~0~1", "ﬀ": "ﬀ"},
    "long": {"text": "x" * 100_000, "many": list(range(5_000))},
}  # fmt: skip


def move(
    before: Instance | None, command: cmd.Command, definition: WorkflowDefinition = DEFINITION
) -> Transition:
    """Return the transition that the machine makes of a command."""
    events, after = advance(definition, before, command)
    return transition(before, after, events, actor=command.actor, searchable=definition.searchable)


def start(at: datetime = AT, *, definition: WorkflowDefinition = DEFINITION, **fields_: Any) -> Transition:
    """Start an instance; its first step is ready, so that it is due at `at`."""
    values: dict[str, Any] = {"instance_id": uuid4(), "data": {}}
    return move(None, cmd.Start(at=at, **values | fields_), definition)


def begin_step(
    before: Instance,
    at: datetime | None = None,
    owner: str = "runner",
    *,
    definition: WorkflowDefinition = DEFINITION,
) -> Transition:
    """Have a runner start the first step that is ready."""
    (token,) = before.tokens.values()
    at = at or before.updated_at + SECOND
    return move(before, cmd.StartStep(at=at, token=token.id, owner=owner), definition)


def complete_step(
    before: Instance, patch: Patch, *, definition: WorkflowDefinition = DEFINITION
) -> Transition:
    """Complete the running step with what it wrote."""
    (token,) = before.tokens.values()
    done = cmd.CompleteStep(at=before.updated_at + SECOND, token=token.id, attempt=token.attempt, patch=patch)
    return move(before, done, definition)


def give_up(instance: Instance, at: datetime) -> Transition:
    """Report that the runner of the running step is gone."""
    (token,) = instance.tokens.values()
    return move(instance, cmd.LoseStep(at=at, token=token.id, attempt=token.attempt))


def open_task(before: Instance, **fields_: Any) -> Transition:
    """Open the task of the human step that is ready."""
    (token,) = before.tokens.values()
    values: dict[str, Any] = {"task_id": uuid4(), "title": "Approve", "outcomes": ("yes", "no")}
    return move(before, cmd.OpenTask(at=before.updated_at + SECOND, token=token.id, **values | fields_))


def written(key: str, value: Any) -> Patch:
    """Return the patch of a step that set one key."""
    return Patch(changed=(((key,), value),), size=len(json.dumps(value)) + len(key))


def course(data: JsonObject | None = None, **task: Any) -> list[Transition]:
    """Lead an instance from its start to its open task."""
    changes = [start(data=data or {})]
    for key in ("first", "second"):
        changes.append(begin_step(changes[-1].instance))
        changes.append(complete_step(changes[-1].instance, written(key, {"done": True})))
    return [*changes, open_task(changes[-1].instance, **task)]


def full_task(**changes: Any) -> Task:
    """Return a task with every field set."""
    task = Task(
        id=uuid4(), instance_id=uuid4(), definition_name="n", definition_version="1.0", token=7, step_name="appröve",
        title="Please “approve”\n", created_at=AT,
        description="…", form_schema={"type": "object", "minimum": 1.0, "a": [1]}, outcomes=("yes", "no"),
        assignee="ann", assignee_group="boards", candidate_users=("bob", "cy"), candidate_groups=("b", "a"),
        for_anyone=True, priority=-3, due_at=AT + HOUR, follow_up_at=AT + SECOND, tenant_id="t",
        state=TaskState.COMPLETED, revision=7, shows=("amount",), requires_revision=True, owner="dan",
        delegators=("dan", "eve"), question=Question(
            asked_by="ann", text="Why?", at=AT, due_at=AT + HOUR, alarms=(Alarm(1, AT + SECOND, 2),)
        ),
        alarms=(Alarm(0, AT, 1), Alarm(2)), thread=(
            Note(at=AT, kind=NoteKind.QUESTION, text="Why?", by="ann", on_behalf_of="dan", to="cy"),
            Note(at=AT, kind=NoteKind.COMMENT, text="“So”"),
        ),
        drafts={"ann": {"z": 1.0, "a": []}}, completed_at=AT + SECOND, completed_by="bob", on_behalf_of="ann",
        outcome="no", form_data={"z": 1.0, "a": {"b": [True, None]}}, comment="Sorry", closed_reason="late",
    )  # fmt: skip
    return evolve(task, **changes)


def open_full_task(**changes: Any) -> Task:
    """Return a task that somebody holds, with every field set that such a task has."""
    ended: dict[str, Any] = dict.fromkeys(
        ("completed_at", "completed_by", "on_behalf_of", "outcome", "form_data", "comment", "closed_reason")
    )
    return full_task(**{"state": TaskState.ASSIGNED, **ended, **changes})


def every_event(instance_id: UUID, task: Task) -> tuple[ev.Event, ...]:
    """Return one event of each kind, with every field set."""
    failed: dict[str, Any] = {"error_type": "ValueError", "message": "not “so”\n", "origin": "execute"}
    return (
        ev.InstanceStarted(
            at=AT, instance_id=instance_id, definition_name="n", definition_version="1", entry=ev.Entry(1, "a", "ready"),
            data=DOCUMENTS["numbers"], size=7, created_by="ann", tenant_id="t", correlation_id="c", idempotency_key="k",
            metadata=DOCUMENTS["order"],
        ),
        ev.StepStarted(at=AT, token=1, attempt=2, owner="r"),
        ev.StepCompleted(
            at=AT, token=1, output=[1, 1.0, None],
            patch=Patch(changed=((("a", "b"), {"c": 1.0}), (("d",), None)), deleted=(("e",), ("f", "g")), size=9),
        ),
        ev.StepSkipped(at=AT, token=1, exit="yes", reason="broken “bank”", by="ops"),
        ev.AttemptFailed(at=AT, token=1, **failed, retry_at=AT + HOUR),
        ev.StepFailed(at=AT, token=1, **failed),
        ev.ErrorCaught(at=AT, token=1, **failed, exit="timeout"),
        ev.StepLost(at=AT, token=1, retry_at=AT + HOUR, handed_back=True),
        ev.StepRetried(at=AT, token=1, reason="the bank answers again", by="ann"),
        ev.RouteRetried(at=AT, token=1, reason="the rule was mended", by="ann"),
        ev.StepLeft(at=AT, token=1, entries=(ev.Entry(2, "b", "ready"), ev.Entry(3, "c", "arrived"))),
        ev.JoinFired(at=AT, consumed=(2, 3), entry=ev.Entry(4, "c", "leaving")),
        ev.TokenCanceled(at=AT, token=4, reason="no"),
        ev.TokenPlaced(at=AT, entry=ev.Entry(5, "c", "arrived"), reason="again", by="ops"),
        ev.TimerSet(at=AT, token=5, due_at=AT + HOUR),
        ev.TimerFired(at=AT, token=5),
        ev.MessageAwaited(at=AT, token=5, name="paid", correlation_key="order “7”", due_at=AT + HOUR),
        ev.MessageReceived(at=AT, token=5, message_id="m-1", key="paid", payload={"z": 1.0, "a": [None]}, size=9),
        ev.TaskOpened(
            at=AT, token=5, task_id=task.id, step=task.step_name, title=task.title, description=task.description,
            form_schema=task.form_schema, outcomes=task.outcomes, assignee=task.assignee,
            assignee_group=task.assignee_group, candidate_users=task.candidate_users,
            candidate_groups=task.candidate_groups, priority=task.priority, due_at=task.due_at, alarms=task.alarms,
            shows=task.shows, requires_revision=task.requires_revision,
        ),
        *_task_events(task),
        ev.InstanceCanceled(at=AT, reason="enough", by="ann"),
        ev.InstanceSuspended(at=AT, reason="wait", by="ann"),
        ev.InstanceResumed(at=AT, reason="all is well", by="ann"),
    )  # fmt: skip


def _task_events(task: Task) -> tuple[ev.Event, ...]:
    said: dict[str, Any] = {"at": AT, "task_id": task.id, "by": "bob"}
    stood_in: dict[str, Any] = {**said, "on_behalf_of": "ann"}
    done: dict[str, Any] = {
        **stood_in, "token": 5, "step": "s", "data": {"z": 1, "a": 1.0}, "size": 12, "outcome": "no", "comment": "…",
    }  # fmt: skip
    seat = Seat(
        name="board", is_group=True, weight=2, task_id=task.id, outcome="no", by="bob", on_behalf_of="ann"
    )
    clock: dict[str, Any] = {"due_at": AT + HOUR, "alarms": task.alarms}
    return (
        ev.TaskClaimed(**stood_in, reason="mine"),
        ev.TaskUnclaimed(**stood_in, reason="yours"),
        ev.TaskReassigned(**said, assignee="cy", reason="ill"),
        ev.TaskDelegated(**stood_in, assignee="cy", owner="ann", reason="help"),
        ev.TaskResolved(**stood_in, reason="done “so”"),
        ev.InformationRequested(**stood_in, asked="cy", asked_by="ann", question="why?"),
        ev.InformationGiven(**stood_in, answer="so", **clock),
        ev.QuestionWithdrawn(**said, **clock, reason="found"),
        ev.TaskCommented(**stood_in, text="hm\n"),
        ev.DraftSaved(**stood_in, data={"z": 1.0, "a": [None]}),
        ev.TaskRescheduled(**said, **clock, reason="holidays"),
        ev.TaskPrioritized(**said, priority=-7, reason="calm"),
        ev.FollowUpSet(**said, follow_up_at=AT + HOUR, reason="later"),
        ev.TaskReminded(at=AT, task_id=task.id, stage=-1, rounds=2, following=Alarm(0, AT + HOUR, 2)),
        ev.TaskEscalated(at=AT, task_id=task.id, stage=2, detail="It goes to “dan”."),
        ev.CandidatesAdded(**said, users=("cy",), groups=("b",), reason="late"),
        ev.TaskCompleted(**done),
        ev.TaskCanceled(at=AT, task_id=task.id, reason="late"),
        ev.TaskExpired(at=AT, task_id=task.id, reason="too late"),
        ev.DecisionOpened(at=AT, token=5, step="s", seats=(seat,), excluded=("dan",)),
        ev.VoteCast(**done),
        ev.DecisionReached(at=AT, token=5, step="s", outcome="no", reason="1 no of 1"),
    )


def full_start() -> Transition:
    """Return a start with every field of every value set; no machine would make it."""
    id_ = uuid4()
    open_ = open_full_task(instance_id=id_)
    closed = full_task(instance_id=id_)
    bare = Task(
        id=uuid4(), instance_id=id_, definition_name="n", definition_version="1.0", token=9, step_name="b", title="",
        created_at=AT,
    )  # fmt: skip
    failure = Failure("ValueError", "no “value”", "execute")
    tokens = [
        Token(11, "b", TokenState.FAILED, AT, attempt=3, exit="completed", failure=failure),
        Token(2, "a", TokenState.RUNNING, AT + SECOND, attempt=1, owner="runner"),
        Token(7, "appröve", TokenState.WAITING, AT, task_id=open_.id),
        Token(9, "b", TokenState.WAITING, AT, task_id=bare.id),
        Token(
            12,
            "d",
            TokenState.WAITING,
            AT,
            ballot=Ballot((Seat(name="ann", task_id=bare.id, outcome="yes"),)),
        ),
        Token(
            10, "c", TokenState.WAITING, AT, awaits=Awaited("paid", "order “7”"), due_at=AT + HOUR, forgiven=2
        ),
    ]
    instance = Instance(
        id=id_, definition_name="n", definition_version="1.0", revision=1,
        tokens={token.id: token for token in tokens}, arrivals={"z": (4, 3), "a": (1,)},
        data=DOCUMENTS["nested"], forms={"z": {"a": 1.0}, "a": {}}, tasks={open_.id: open_, bare.id: bare},
        next_token=13, doers={"z": ("ann", "bob"), "a": ("cy",)}, participants=("user:bob", "group:b"), started_at=AT, updated_at=AT + SECOND, completed_at=AT + HOUR, created_by="ann",
        tenant_id="t", correlation_id="c", idempotency_key="k", metadata={"z": 1, "a": 1.0}, cancel_reason="no",
        suspend_reason="wait",
        wake_at=AT + HOUR, saved_size=100, unsaved_size=3,
    )  # fmt: skip
    entry = HistoryEntry(instance_id=id_, revision=1, at=AT, actor="ann", events=every_event(id_, open_))
    return Transition(instance=instance, entry=entry, tasks=(open_, closed, bare), saves_data=True)


def definition(name: str = "n", version: str = "1", **fields_: Any) -> StoredDefinition:
    """Return what is stored of a definition."""
    defaults: dict[str, Any] = {
        "content_hash": f"hash of {name} {version}",
        "specification": {},
        "created_at": AT,
    }
    return StoredDefinition(name=name, version=version, **defaults | fields_)


LISTENING: Final = WorkflowDefinition(
    name="listening",
    steps=[BaseMachineStep("work"), MessageStep("paid"), MessageStep("shipped"), BaseMachineStep("end")],
    edges=[
        Edge("work", "paid"),
        Edge("work", "shipped"),
        Edge("paid", "end"),
        Edge("shipped", "end"),
    ],
    initial_step="work",
    terminal_steps=["end"],
)


def listening(key: str = "order 7", *, at: datetime = AT, **fields_: Any) -> list[Transition]:
    """Lead an instance from its start to two tokens that wait, for `paid` and `shipped`, both under one key."""
    changes = [start(at, definition=LISTENING, **fields_)]
    changes.append(begin_step(changes[-1].instance, at, definition=LISTENING))
    changes.append(complete_step(changes[-1].instance, NO_PATCH, definition=LISTENING))
    before = after = changes[-1].instance
    events: list[ev.Event] = []
    for token in before.tokens.values():
        wait = cmd.AwaitMessage(at=before.updated_at, token=token.id, name=token.step, correlation_key=key)
        happened, after = advance(LISTENING, after, wait)
        events += happened
    return [*changes, transition(before, after, events, actor=None)]


def message(name: str = "paid", key: str | None = "order 7", **fields_: Any) -> Message:
    """Return a message to a key (or, with `key=None`, to the instance that is given)."""
    defaults: dict[str, Any] = {
        "id": uuid4().hex, "payload": {"z": 1.0, "a": [None]}, "size": 20, "sent_at": AT, "expires_at": EVER,
    }  # fmt: skip
    return Message(name=name, correlation_key=key, **defaults | fields_)


def take(instance: Instance, mail: Iterable[tuple[Wait, Message]]) -> Transition:
    """Hand messages to the tokens of an instance that wait for them."""
    after = instance
    events: list[ev.Event] = []
    for command in deliveries(mail, instance.updated_at + SECOND):
        happened, after = advance(LISTENING, after, command)
        events += happened
    return transition(instance, after, events, actor=None)
