"""The state of one workflow instance, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from attrs import field, frozen

from workflows_core.data import JsonObject
from workflows_core.quorum import Ballot
from workflows_core.states import InstanceStatus, TokenState
from workflows_core.tasks import Task


@frozen
class Failure:
    """Why a token failed.

    Attributes:
        error_type: The name of the exception's class.
        message: What it said.
        origin: The user code that raised: `execute`, a hook, a condition.
    """

    error_type: str
    message: str
    origin: str

    def __str__(self) -> str:
        return f"{self.error_type}: {self.message} (in {self.origin})"


@frozen
class Awaited:
    """The message that a token waits for.

    Attributes:
        name: The name of the message.
        correlation_key: The key it must be sent to.
    """

    name: str
    correlation_key: str


@frozen(slots=False)
class Token:
    """A mark at a step: here something is to be done, is being done, or failed.

    Attributes:
        id: Its number within the instance, counted from 1 and never used again.
        step: The step it sits at.
        state: Where it is in the life of that step.
        since: When it came into this state (UTC).
        attempt: How often the step was started for this token.
        owner: The runner that executes the step; set while the state is `running`.
        exit: How the step ended, once it did: `completed`, an outcome, `error` or `timeout`.
        task_id: The task it waits for, if it waits for one.
        failure: Why it failed; set while the state is `failed`.
        due_at: When it goes on by itself (UTC): the timer it waits for, the end of its patience, the next attempt, or
            the next alarm of its tasks.
        awaits: The message it waits for, if it waits for one.
        forgiven: Attempts that do not count against the retry policy: those before somebody asked for another try,
            and those whose runner was lost.
        losses: How often in a row its runner was lost; one that gave the step back does not count.
        ballot: The decision by several that is being made here, if it is one.
    """

    id: int
    step: str
    state: TokenState
    since: datetime
    attempt: int = 0
    owner: str | None = None
    exit: str | None = None
    task_id: UUID | None = None
    failure: Failure | None = None
    due_at: datetime | None = None
    awaits: Awaited | None = None
    forgiven: int = 0
    losses: int = 0
    ballot: Ballot | None = None


@frozen(kw_only=True, slots=False)
class Instance:
    """One run of a definition.

    The value is whole: `machine.decide` needs nothing else to know what may happen next. Its
    mappings are shared between successive values and never changed in place.

    Attributes:
        id: The instance's id.
        definition_name: The definition it runs.
        definition_version: The exact version it is pinned to.
        revision: How many transitions it has gone through; the version a save is based on.
        tokens: The live tokens by number, oldest first.
        arrivals: Step name to the numbers of the tokens that wait there for a join.
        data: What the steps and forms wrote.
        forms: Human step name to what was last submitted for it.
        tasks: The open tasks by id.
        doers: Human step name to everybody who completed a task of it, or was stood in for, in the order in which they
            first did.
        participants: Everybody who held a task or acted on one, and all that one was offered to, as keys; see
            `participants`.
        next_token: The number the next token gets.
        started_at: When it was started (UTC).
        updated_at: When its last transition happened (UTC).
        completed_at: When it ended (UTC); `None` while it lives.
        created_by: Who started it.
        tenant_id: The tenant it belongs to.
        correlation_id: The caller's own mark for it.
        idempotency_key: The caller's key under which it was started at most once.
        metadata: What the caller noted about it; steps read it and never write it.
        cancel_reason: Why it was canceled; `None` unless it was.
        suspend_reason: Why it is suspended; `None` while it is not.
        wake_at: When something in it is due next (UTC); `None` while it only waits for people. A note
            for the storage's index, not part of what the history says.
        saved_size: Bytes of data in the stored snapshot; likewise a note.
        unsaved_size: Bytes of patches since that snapshot; likewise a note.
    """

    id: UUID
    definition_name: str
    definition_version: str
    revision: int
    tokens: Mapping[int, Token]
    arrivals: Mapping[str, tuple[int, ...]]
    data: JsonObject
    forms: Mapping[str, JsonObject]
    tasks: Mapping[UUID, Task]
    next_token: int
    started_at: datetime
    updated_at: datetime
    completed_at: datetime | None = None
    created_by: str | None = None
    tenant_id: str | None = None
    correlation_id: str | None = None
    idempotency_key: str | None = None
    metadata: JsonObject = field(factory=dict)
    doers: Mapping[str, tuple[str, ...]] = field(factory=dict)
    participants: tuple[str, ...] = ()
    cancel_reason: str | None = None
    suspend_reason: str | None = None
    wake_at: datetime | None = field(default=None, eq=False)
    saved_size: int = field(default=0, eq=False)
    unsaved_size: int = field(default=0, eq=False)

    @property
    def status(self) -> InstanceStatus:
        """What the tokens say; nobody sets it."""
        if not self.tokens and not self.arrivals:
            return InstanceStatus.COMPLETED if self.cancel_reason is None else InstanceStatus.CANCELED
        if self.suspend_reason is not None:
            return InstanceStatus.SUSPENDED
        states = {token.state for token in self.tokens.values()}
        if TokenState.FAILED in states:
            return InstanceStatus.FAILED
        if states <= {TokenState.WAITING}:
            return InstanceStatus.WAITING
        return InstanceStatus.RUNNING

    @property
    def is_resting(self) -> bool:
        """Whether nothing moves it but somebody or something outside, or time."""
        if self.suspend_reason is not None:
            return all(token.state is not TokenState.RUNNING for token in self.tokens.values())
        return all(token.state in _AT_REST for token in self.tokens.values())

    @property
    def current_steps(self) -> tuple[str, ...]:
        """The steps that hold a live token, oldest token first, each once."""
        if not self.arrivals and len(self.tokens) < 2:
            return tuple(token.step for token in self.tokens.values())
        waiting = {number: step for step, numbers in self.arrivals.items() for number in numbers}
        live = waiting | {number: token.step for number, token in self.tokens.items()}
        return tuple(dict.fromkeys(live[number] for number in sorted(live)))

    @property
    def current_step(self) -> str | None:
        """The step of the oldest live token; `None` once the instance has ended."""
        steps = self.current_steps
        return steps[0] if steps else None

    @property
    def failures(self) -> tuple[tuple[str, Failure], ...]:
        """Step and reason of every failed token, oldest first."""
        return tuple(
            (token.step, token.failure) for token in self.tokens.values() if token.failure is not None
        )


_AT_REST = frozenset({TokenState.WAITING, TokenState.FAILED})
