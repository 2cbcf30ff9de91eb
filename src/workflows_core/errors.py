"""Everything the engine raises on purpose.

One base class, so that a caller can catch the lot and an adapter can map it to answers in
one table. Each error writes its own sentence from the facts it is given and keeps those
facts as attributes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from workflows_core.data import Json
    from workflows_core.validation import Problem


class WorkflowError(Exception):
    """Base of all errors raised by the engine."""


class InvalidDefinitionError(WorkflowError):
    """A definition was refused; `problems` lists everything that is wrong with it."""

    def __init__(self, name: str, problems: Sequence[Problem]) -> None:
        self.name = name
        self.problems = tuple(problems)
        lines = "\n".join(f"  {problem}" for problem in self.problems)
        super().__init__(f"Workflow definition {name!r} is not valid:\n{lines}")


class DefinitionConflictError(WorkflowError):
    """Other content is already known under the same name and version."""

    def __init__(self, name: str, version: str) -> None:
        self.name = name
        self.version = version
        super().__init__(
            f"Workflow {name!r} version {version!r} is already known with different content. "
            "Instances are pinned to what they started with: give the changed definition a new version."
        )


class DefinitionNotFoundError(WorkflowError):
    """No definition of that name (or of that exact version) is registered."""

    def __init__(self, name: str, version: str | None = None, *, known: Sequence[str] = ()) -> None:
        self.name = name
        self.version = version
        what = f"Workflow {name!r}" if version is None else f"Workflow {name!r} version {version!r}"
        hint = f" Known: {', '.join(known)}." if known else ""
        super().__init__(f"{what} is not registered.{hint}")


class InstanceNotFoundError(WorkflowError):
    """There is no instance with this id."""

    def __init__(self, instance_id: UUID) -> None:
        self.instance_id = instance_id
        super().__init__(f"There is no workflow instance {instance_id}.")


class InstanceExistsError(WorkflowError):
    """An instance with this id is already stored."""

    def __init__(self, instance_id: UUID) -> None:
        self.instance_id = instance_id
        super().__init__(f"A workflow instance {instance_id} exists already.")


class TaskNotFoundError(WorkflowError):
    """There is no task with this id."""

    def __init__(self, task_id: UUID) -> None:
        self.task_id = task_id
        super().__init__(f"There is no task {task_id}.")


class SubstitutionNotFoundError(WorkflowError):
    """There is no substitution with this id."""

    def __init__(self, substitution_id: UUID) -> None:
        self.substitution_id = substitution_id
        super().__init__(f"There is no substitution {substitution_id}.")


class MessageNotAwaitedError(WorkflowError):
    """Nobody waits for what was sent from outside, or not any more; nothing was changed."""


class InvalidSignatureError(WorkflowError):
    """A call from outside is not signed as the step that waits for it demands; nothing was changed."""

    def __init__(self, detail: str) -> None:
        self.detail = detail
        super().__init__(f"The call is not signed with the secret of the step that waits for it: {detail}")


class InvalidTransitionError(WorkflowError):
    """The command is not allowed in the present state; nothing was changed.

    `command` names what was asked, `state` what the subject is in, `subject` whom it concerns.
    """

    def __init__(self, command: str, subject: str, state: str, hint: str = "") -> None:
        self.command = command
        self.subject = subject
        self.state = state
        super().__init__(f"Cannot {command}: {subject} is {state}." + (f" {hint}" if hint else ""))


class TaskAlreadyClaimedError(InvalidTransitionError):
    """Somebody holds the task already; of many who claim it at once, one succeeds."""

    def __init__(self, task_id: UUID, assignee: str) -> None:
        self.task_id = task_id
        self.assignee = assignee
        super().__init__("claim the task", f"task {task_id}", f"with {assignee} already")


class NotPermittedError(WorkflowError):
    """The one who asks may not do that; `reason` says why, as a sentence for them."""

    def __init__(self, action: str, reason: str) -> None:
        self.action = action
        self.reason = reason
        super().__init__(f"You may not {action}: {reason}")


@frozen
class Change:
    """One difference between what somebody saw and what is there now.

    Attributes:
        pointer: JSON pointer (RFC 6901) into what the task shows (`tasks.shown`), such as `/data/amount`.
        old: The value that was seen; `None` where there was none.
        new: The value now; `None` where there is none any more.
    """

    pointer: str
    old: Json
    new: Json


class StaleTaskError(WorkflowError):
    """What the task shows has changed since the revision that was quoted; nothing was changed.

    `quoted` is what was seen, `current` what is there now, `changes` the difference. There are no changes where the
    quoted revision is none that the task ever had.
    """

    def __init__(self, task_id: UUID, quoted: int, current: int, changes: Sequence[Change] = ()) -> None:
        self.task_id = task_id
        self.quoted = quoted
        self.current = current
        self.changes = tuple(changes)
        what = ", ".join(change.pointer for change in self.changes)
        super().__init__(
            f"Task {task_id} has changed since you saw it (revision {quoted}, now {current})"
            + (f": {what}." if what else ".")
            + " Look at it again before you decide."
        )


class RevisionRequiredError(WorkflowError):
    """The task can only be completed by quoting the revision that was seen."""

    def __init__(self, task_id: UUID, current: int) -> None:
        self.task_id = task_id
        self.current = current
        super().__init__(
            f"Completing task {task_id} must quote the revision of it that you have seen; now it is {current}."
        )


class InvalidOutcomeError(WorkflowError):
    """A task was to be completed with an outcome it does not have, or without one it needs."""

    def __init__(self, subject: str, outcome: str | None, outcomes: Sequence[str]) -> None:
        self.subject = subject
        self.outcome = outcome
        self.outcomes = tuple(outcomes)
        given = "without an outcome" if outcome is None else f"with the outcome {outcome!r}"
        known = f"use one of: {', '.join(outcomes)}" if outcomes else "it has no named outcomes"
        super().__init__(f"{subject} cannot be completed {given}: {known}.")


class StepNotFoundError(WorkflowError):
    """A definition has no step of this name."""

    def __init__(self, definition: str, step: str, *, known: Sequence[str] = ()) -> None:
        self.definition = definition
        self.step = step
        hint = f" There are: {', '.join(known)}." if known else ""
        super().__init__(f"Workflow {definition!r} has no step {step!r}.{hint}")


class NoPathError(WorkflowError):
    """A step completed, but none of its ways out applies."""

    def __init__(self, step: str, detail: str) -> None:
        self.step = step
        super().__init__(f"No way out of step {step!r}: {detail}")


class InvalidDataError(WorkflowError):
    """A value is not JSON, or is JSON beyond the limits. `pointer` says where (RFC 6901)."""

    def __init__(self, pointer: str, detail: str) -> None:
        self.pointer = pointer
        self.detail = detail
        super().__init__(f"{detail} (at {pointer or 'the top level'})")


@frozen
class FormProblem:
    """One complaint about submitted data.

    Attributes:
        pointer: JSON pointer (RFC 6901) to the offending value; empty for the whole document.
        detail: A sentence for the person who filled in the form.
    """

    pointer: str
    detail: str


class NotSearchableError(WorkflowError):
    """Instances cannot be found by what is at some of these paths in their data; `searchable` are those that they can."""

    def __init__(self, paths: Sequence[str], searchable: Sequence[str]) -> None:
        self.paths = tuple(paths)
        self.searchable = tuple(searchable)
        asked = ", ".join(f"{path[:200]!r}" for path in self.paths)
        known = ", ".join(self.searchable)
        self.hint = f"searchable are {known}." if known else "no definition declares anything as searchable."
        super().__init__(f"Instances cannot be found by {asked} in their data: {self.hint}")


class FormValidationError(WorkflowError):
    """Submitted data does not fit the schema it was asked for with; nothing was changed."""

    def __init__(self, subject: str, problems: Sequence[FormProblem]) -> None:
        self.problems = tuple(problems)
        listed = "; ".join(f"{problem.pointer or '/'}: {problem.detail}" for problem in self.problems)
        super().__init__(f"The data for {subject} is not valid: {listed}")


class KeyReusedError(WorkflowError):
    """An idempotency key came with another request than before; nothing was changed. It is free again at `free_at`."""

    def __init__(self, free_at: datetime) -> None:
        self.free_at = free_at
        super().__init__(
            "This idempotency key came before with another request. Use a new key for each request; this one is free "
            f"again at {free_at:%Y-%m-%dT%H:%M:%SZ}."
        )


class RequestInProgressError(WorkflowError):
    """The same request is being carried out at this moment, and there is no answer yet.

    After `retry_after` seconds there is one, or else the request is carried out anew.
    """

    def __init__(self, retry_after: int) -> None:
        self.retry_after = max(retry_after, 1)
        super().__init__(
            "The same request is being carried out at this moment. Send it again a little later, under the same "
            "idempotency key, for the answer."
        )


class OutcomeUnknownError(WorkflowError):
    """An earlier attempt at the same request was cut short, and may have been carried out; nothing was changed now."""

    def __init__(self, instance_id: UUID) -> None:
        self.instance_id = instance_id
        super().__init__(
            "An earlier attempt at this request was cut short, and the workflow instance has changed since: it may have "
            "been carried out. Look at the instance; if there is something left to do, use a new idempotency key."
        )


class StorageError(WorkflowError):
    """The storage could not do its work: unreachable, not prepared, or out of resources."""
