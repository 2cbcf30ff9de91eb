"""What people do with tasks: one method for each thing.

Every method takes `actor`, who asks; whether they may is decided by `permissions.may` on the same state of the instance
that the change is based on. Without an actor the application itself asks, in the name of `user_id`: it is trusted to
have checked who that is, and bound only by the separation of duties that the definition declares.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from attrs import frozen

from workflows_core import commands as cmd
from workflows_core import given
from workflows_core.actors import Actor, Asking, name_of
from workflows_core.changes import changes_since
from workflows_core.data import to_object
from workflows_core.errors import (
    FormValidationError,
    InvalidTransitionError,
    NotPermittedError,
    StaleTaskError,
    TaskNotFoundError,
    WorkflowError,
)
from workflows_core.given import LONGEST_TEXT
from workflows_core.permissions import Action, may, policies_of
from workflows_core.task_reading import TaskReader, TaskView, check_visible

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
    from uuid import UUID

    from workflows_core.engine import ExecutionEngine
    from workflows_core.instance import Instance
    from workflows_core.tasks import Task
    from workflows_core.transition import Transition

__all__ = ["LONGEST_TEXT", "UNCHANGED", "Answer", "Completion", "HumanTasks", "TaskView", "Unchanged"]

Unchanged: TypeAlias = Literal["unchanged"]

UNCHANGED: Final = "unchanged"


@frozen
class Completion:
    """What came of completing a task.

    Attributes:
        task: The task as it is now.
        instance: Its instance as it went on from there.
        next_task: What the same person can do next in this instance, if there is anything yet; machine steps may still
            be running that lead to more (`HumanTasks.next`).
    """

    task: Task
    instance: Instance
    next_task: Task | None


@frozen
class Answer:
    """What became of one of many tasks.

    Attributes:
        task_id: Which task.
        task: The task as it is now, if it was done.
        error: Why it was not, otherwise.
    """

    task_id: UUID
    task: Task | None = None
    error: WorkflowError | None = None


class HumanTasks(TaskReader):
    """The tasks of an engine: finding them, and everything that can be done with one."""

    def __init__(self, engine: ExecutionEngine) -> None:
        super().__init__(engine)
        self._engine = engine

    # Doing

    async def claim(
        self,
        task_id: UUID,
        *,
        actor: Actor | None = None,
        user_id: str | None = None,
        reason: str | None = None,
    ) -> Task:
        """Take a task that nobody holds.

        A substitute takes it for whom they stand in for: it is with the other then, and noted who took it.

        Raises:
            TaskNotFoundError: If there is none, or none that the actor may see.
            TaskAlreadyClaimedError: If somebody holds it; of many who claim it at once, one succeeds.
            NotPermittedError: If it is not offered to them.
            InvalidTransitionError: If it is closed.
        """
        asking = Asking(actor, user_id, given.reason(reason))
        return await self._do(task_id, "claim the task", asking, cmd.ClaimTask)

    async def unclaim(
        self,
        task_id: UUID,
        *,
        actor: Actor | None = None,
        user_id: str | None = None,
        reason: str | None = None,
    ) -> Task:
        """Give a task back to all it is offered to.

        Raises:
            TaskNotFoundError: If there is none, or none that the actor may see.
            NotPermittedError: If they neither hold it nor are a manager.
            InvalidTransitionError: If it is closed, with nobody, delegated, or offered to nobody else.
        """
        asking = Asking(actor, user_id, given.reason(reason))
        return await self._do(task_id, "unclaim the task", asking, cmd.UnclaimTask)

    async def complete(
        self,
        task_id: UUID,
        data: Mapping[str, object],
        *,
        outcome: str | None = None,
        comment: str | None = None,
        revision: int | None = None,
        actor: Actor | None = None,
        user_id: str | None = None,
    ) -> Completion:
        """Complete a task: of a decision by several it is a vote.

        The data is checked against the task's `form_schema` before anything changes.

        Args:
            task_id: The task.
            data: What is submitted. It is merged into the data of the instance at top level; that of a vote is not.
            outcome: One of the task's outcomes, where it has some.
            comment: What the person has to say about it.
            revision: The revision of the task that they have seen: if it has changed since, nothing happens.
            actor: Who asks.
            user_id: Who it is, where there is no actor.

        Raises:
            TaskNotFoundError: If there is none, or none that the actor may see.
            InvalidTransitionError: If it is closed, or with somebody who was asked or has it by delegation; of many who
                complete it at once, one succeeds.
            NotPermittedError: If it is not theirs to decide, or a rule is against it.
            FormValidationError: If the data does not fit the form.
            InvalidOutcomeError: If the outcome is not one of the task's, or is missing.
            InvalidDataError: If the data is not JSON.
            StaleTaskError: If the task shows something else now than what was seen; with what has changed.
            RevisionRequiredError: If what was seen must be quoted and is not.
        """
        submitted, size = to_object(data, what="The submitted data")
        said = given.text(comment, "The comment", "/comment") if comment and comment.strip() else None
        words = "complete the task"

        def command(task: Task, instance: Instance, actor: Actor | None) -> cmd.CompleteTask:
            self._check(actor or Actor.trusted(user_id), Action.COMPLETE, task, instance, words)
            if task.form_schema is not None:
                problems = self._engine.forms.problems(task.form_schema, submitted)
                if problems:
                    raise FormValidationError(f"task {task.title!r}", problems)
            return cmd.CompleteTask(
                at=self._engine.clock.now(),
                task_id=task_id,
                data=submitted,
                size=size,
                outcome=outcome,
                comment=said,
                revision=revision,
                actor=name_of(actor, user_id),
                identity=actor,
            )

        try:
            change = await self._change(task_id, actor, words, command)
        except StaleTaskError as error:
            raise await self._explained(error) from None
        done = next(each for each in change.tasks if each.id == task_id)
        person = actor or Actor(user_id, tenant_id=change.instance.tenant_id)
        if actor is not None and change.instance.tasks:
            person = await self._engine.known(actor)
        return Completion(done, change.instance, self._next(change.instance, person))

    async def _explained(self, error: StaleTaskError) -> StaleTaskError:
        """Add to a refusal what has changed."""
        task = await self.get(error.task_id)
        entries = await self._engine.get_history(task.instance_id)
        changes = changes_since(error.quoted, task.id, entries)
        return StaleTaskError(task.id, error.quoted, error.current, changes)

    async def complete_at(
        self,
        instance_id: UUID,
        step_name: str,
        data: Mapping[str, object],
        *,
        outcome: str | None = None,
        comment: str | None = None,
        revision: int | None = None,
        actor: Actor | None = None,
        user_id: str | None = None,
    ) -> Completion:
        """Complete the open task of a step; of several the one that is with the user, or else the oldest.

        See `complete`.

        Raises:
            InstanceNotFoundError: If there is no such instance, or none that the actor may see.
            InvalidTransitionError: If the step has no open task.
        """

        async def complete(task: Task) -> Completion:
            return await self.complete(
                task.id, data,
                outcome=outcome, comment=comment, revision=revision, actor=actor, user_id=user_id,
            )  # fmt: skip

        user = name_of(actor, user_id)
        known = self._engine.recent.get(instance_id)
        only = None if known is None else _only(known, step_name)
        if only is not None:
            # Refused, perhaps because another one is there by now.
            with suppress(InvalidTransitionError, TaskNotFoundError, NotPermittedError):
                return await complete(only)
        instance = await self._engine.get_instance(instance_id, actor=actor)
        meant = _meant(instance, step_name, user)
        if meant is None:
            raise InvalidTransitionError(
                "complete the task", f"step {step_name!r} of instance {instance_id}", "not open"
            )
        return await complete(meant)

    async def reassign(
        self,
        task_id: UUID,
        new_assignee: str,
        *,
        reason: str | None = None,
        actor: Actor | None = None,
        user_id: str | None = None,
    ) -> Task:
        """Give an open task to somebody else, for good. A question that is open is withdrawn.

        Raises:
            TaskNotFoundError: If there is none, or none that the actor may see.
            NotPermittedError: If they are no manager, or a rule is against the new assignee.
            InvalidTransitionError: If it is closed.
        """
        receiver = given.user(new_assignee, "The new assignee", "/new_assignee")
        asking = Asking(actor, user_id, given.reason(reason))
        return await self._do(task_id, "reassign the task", asking, cmd.ReassignTask, assignee=receiver)

    async def delegate(
        self,
        task_id: UUID,
        to: str,
        *,
        reason: str | None = None,
        actor: Actor | None = None,
        user_id: str | None = None,
    ) -> Task:
        """Let somebody else work on a task; it comes back when they resolve it, to be completed.

        Raises:
            TaskNotFoundError: If there is none, or none that the actor may see.
            NotPermittedError: If it is not theirs, or a rule is against the other.
            InvalidTransitionError: If it is closed, or somebody was asked for information.
            InvalidDataError: If the other has it already.
        """
        receiver = given.user(to, "The delegate", "/to")
        asking = Asking(actor, user_id, given.reason(reason))
        return await self._do(task_id, "delegate the task", asking, cmd.DelegateTask, assignee=receiver)

    async def resolve(
        self,
        task_id: UUID,
        *,
        comment: str | None = None,
        actor: Actor | None = None,
        user_id: str | None = None,
    ) -> Task:
        """Give a delegated task back to its owner, with what there is to say; its owner may take it back as well.

        Raises:
            TaskNotFoundError: If there is none, or none that the actor may see.
            NotPermittedError: If they are neither delegate nor owner nor manager.
            InvalidTransitionError: If it is not delegated.
        """
        asking = Asking(actor, user_id, given.reason(comment))
        return await self._do(task_id, "resolve the task", asking, cmd.ResolveTask)

    async def request_information(
        self,
        task_id: UUID,
        question: str,
        *,
        of: str | None = None,
        actor: Actor | None = None,
        user_id: str | None = None,
    ) -> Task:
        """Ask somebody a question before going on. The task goes to them, and its deadlines stand still.

        Args:
            task_id: The task.
            question: What is asked.
            of: Who is asked; by default whoever started the instance.
            actor: Who asks.
            user_id: Who it is, where there is no actor.

        Raises:
            TaskNotFoundError: If there is none, or none that the actor may see.
            NotPermittedError: If it is not theirs.
            InvalidTransitionError: If it is closed, or somebody was asked already.
            InvalidDataError: If there is nobody to ask.
        """
        asked = None if of is None else given.user(of, "Who is asked", "/of")
        text = given.text(question, "The question", "/question")
        asking = Asking(actor, user_id)
        return await self._do(
            task_id, "request information", asking, cmd.RequestInformation, question=text, asked=asked
        )

    async def answer(
        self, task_id: UUID, answer: str, *, actor: Actor | None = None, user_id: str | None = None
    ) -> Task:
        """Answer what was asked: the task goes back, with as much time left as there was.

        Raises:
            TaskNotFoundError: If there is none, or none that the actor may see.
            NotPermittedError: If they were not asked.
            InvalidTransitionError: If nothing was asked.
        """
        asking = Asking(actor, user_id)
        text = given.text(answer, "The answer", "/answer")
        return await self._do(task_id, "answer the question", asking, cmd.AnswerQuestion, answer=text)

    async def withdraw_question(
        self,
        task_id: UUID,
        *,
        reason: str | None = None,
        actor: Actor | None = None,
        user_id: str | None = None,
    ) -> Task:
        """Take a task back from whoever was asked, without an answer.

        Raises:
            TaskNotFoundError: If there is none, or none that the actor may see.
            NotPermittedError: If they did not ask and are no manager.
            InvalidTransitionError: If nothing was asked.
        """
        asking = Asking(actor, user_id, given.reason(reason))
        return await self._do(task_id, "withdraw the question", asking, cmd.WithdrawQuestion)

    async def comment(
        self, task_id: UUID, text: str, *, actor: Actor | None = None, user_id: str | None = None
    ) -> Task:
        """Say something about an open task: whoever sees it may.

        Raises:
            TaskNotFoundError: If there is none, or none that the actor may see.
            InvalidTransitionError: If it is closed.
        """
        asking = Asking(actor, user_id)
        return await self._do(
            task_id,
            "comment on the task",
            asking,
            cmd.CommentTask,
            text=given.text(text, "The comment", "/text"),
        )

    async def save_draft(
        self,
        task_id: UUID,
        data: Mapping[str, object],
        *,
        actor: Actor | None = None,
        user_id: str | None = None,
    ) -> Task:
        """Put aside what somebody has filled in so far; it need not fit the form. `Task.drafts` offers it again.

        Raises:
            TaskNotFoundError: If there is none, or none that the actor may see.
            NotPermittedError: If it is not theirs to fill in.
            InvalidTransitionError: If it is closed, or somebody was asked for information.
            InvalidDataError: If the data is not JSON, or nobody is named.
        """
        draft, _ = to_object(data, what="The draft")
        asking = Asking(actor, user_id)
        return await self._do(task_id, "save a draft", asking, cmd.SaveDraft, data=draft)

    async def update(
        self,
        task_id: UUID,
        *,
        due_at: datetime | Unchanged | None = UNCHANGED,
        priority: int | Unchanged = UNCHANGED,
        follow_up_at: datetime | Unchanged | None = UNCHANGED,
        reason: str | None = None,
        actor: Actor | None = None,
        user_id: str | None = None,
    ) -> Task:
        """Set due date, priority and follow-up date, as many of them as are given, all or none.

        What is to happen before and after the due date moves with it.

        Raises:
            TaskNotFoundError: If there is none, or none that the actor may see.
            NotPermittedError: If they are no manager; the follow-up date is for whoever holds the task as well.
            InvalidTransitionError: If it is closed, or its clock stands.
            InvalidDataError: If a date has no time zone, or a number is too large.
        """
        asking = Asking(actor, user_id, given.reason(reason))
        changes: list[tuple[type, dict[str, object]]] = []
        if due_at != UNCHANGED:
            changes.append((cmd.RescheduleTask, {"due_at": given.moment(due_at, "/due_at")}))
        if priority != UNCHANGED:
            changes.append((cmd.PrioritizeTask, {"priority": given.priority(priority, "/priority")}))
        if follow_up_at != UNCHANGED:
            changes.append((cmd.FollowUpTask, {"follow_up_at": given.moment(follow_up_at, "/follow_up_at")}))
        return await self._do_all(task_id, "change the task", asking, changes)

    # Many at once

    async def claim_many(
        self,
        task_ids: Iterable[UUID],
        *,
        actor: Actor | None = None,
        user_id: str | None = None,
        reason: str | None = None,
    ) -> Sequence[Answer]:
        """Claim many tasks, each for itself; return an answer for each, in the order given. See `claim`."""
        return await _each(task_ids, lambda id_: self.claim(id_, actor=actor, user_id=user_id, reason=reason))

    async def complete_many(
        self,
        task_ids: Iterable[UUID],
        data: Mapping[str, object],
        *,
        outcome: str | None = None,
        comment: str | None = None,
        revisions: Mapping[UUID, int] | None = None,
        actor: Actor | None = None,
        user_id: str | None = None,
    ) -> Sequence[Answer]:
        """Complete many tasks with the same data, each for itself. See `complete`.

        Args:
            task_ids: The tasks.
            data: What is submitted for each.
            outcome: The outcome of each.
            comment: What there is to say about each.
            revisions: Task to the revision of it that was seen.
            actor: Who asks.
            user_id: Who it is, where there is no actor.
        """
        seen = revisions or {}

        async def complete(task_id: UUID) -> Task:
            done = await self.complete(
                task_id,
                data,
                outcome=outcome,
                comment=comment,
                revision=seen.get(task_id),
                actor=actor,
                user_id=user_id,
            )
            return done.task

        return await _each(task_ids, complete)

    async def reassign_many(
        self,
        task_ids: Iterable[UUID],
        new_assignee: str,
        *,
        reason: str | None = None,
        actor: Actor | None = None,
        user_id: str | None = None,
    ) -> Sequence[Answer]:
        """Give many tasks to somebody else, each for itself. See `reassign`."""
        return await _each(
            task_ids,
            lambda id_: self.reassign(id_, new_assignee, reason=reason, actor=actor, user_id=user_id),
        )

    # How

    async def _do(self, task_id: UUID, words: str, asking: Asking, kind: type, **fields: object) -> Task:
        return await self._do_all(task_id, words, asking, [(kind, fields)])

    async def _do_all(
        self,
        task_id: UUID,
        words: str,
        asking: Asking,
        changes: Sequence[tuple[type, dict[str, object]]],
    ) -> Task:
        """Carry out commands about a task, all or none, and return the task after them."""

        def commands(_task: Task, _instance: Instance, actor: Actor | None) -> list[cmd.Command]:
            common = {
                "at": self._engine.clock.now(),
                "task_id": task_id,
                "actor": name_of(actor, asking.user_id),
                "identity": actor,
            }
            if asking.reason is not None:
                common["reason"] = asking.reason
            return [kind(**common, **fields) for kind, fields in changes]

        if not changes:
            return await self.get(task_id, actor=asking.actor)
        change = await self._change(task_id, asking.actor, words, commands)
        done = next((each for each in change.tasks if each.id == task_id), None)
        return done or change.instance.tasks[task_id]

    async def _change(
        self,
        task_id: UUID,
        actor: Actor | None,
        words: str,
        commands: Callable[[Task, Instance, Actor | None], cmd.Command | list[cmd.Command]],
    ) -> Transition:
        """Carry out commands about a task: on what is known of it, or else on what is read.

        For whom somebody stands in is only looked up where they may not do it in their own name, which comes first.
        """
        known = self._engine.recent.get_of_task(task_id)
        if known is not None:
            alone = None if actor is None else actor.standing_in(())
            asked = self._checked(known.tasks[task_id], alone, words, commands)
            change = await self._engine.attempt(known, asked)
            if change is not None:
                return change
        task, seen, actor = await self._loaded(task_id, actor)
        asked = self._checked(task, actor, words, commands)
        return await self._engine.change(task.instance_id, asked, seen=seen)

    def _checked(
        self,
        task: Task,
        actor: Actor | None,
        words: str,
        commands: Callable[[Task, Instance, Actor | None], cmd.Command | list[cmd.Command]],
    ) -> Callable[[Instance], cmd.Command | list[cmd.Command]]:
        """Return the commands for an instance, asked for after looking whether the task is there to be seen."""

        def checked(instance: Instance) -> cmd.Command | list[cmd.Command]:
            if actor is not None:
                check_visible(actor, task, instance, self._engine.definition_of(instance))
            if task.id not in instance.tasks:
                state = task.status if not task.is_open else "closed in the meantime"
                raise InvalidTransitionError(words, f"task {task.id}", state)
            return commands(task, instance, actor)

        return checked

    def _check(self, actor: Actor, action: Action, task: Task, instance: Instance, words: str) -> None:
        """Refuse what somebody may not do, before looking at what they sent."""
        policies = policies_of(self._engine.definition_of(instance), task.step_name)
        found = may(actor, action, instance.tasks[task.id], instance, policies)
        if not found:
            raise NotPermittedError(words, found.reason)


def _only(instance: Instance, step_name: str) -> Task | None:
    """Return the task of a step if there is one alone: of several it depends on with whom they are now."""
    tasks = [task for task in instance.tasks.values() if task.step_name == step_name]
    return tasks[0] if len(tasks) == 1 else None


def _meant(instance: Instance, step_name: str, user: str | None) -> Task | None:
    """Return the task that somebody means who names its step: the one that is with them, or else the oldest."""
    tasks = [task for task in instance.tasks.values() if task.step_name == step_name]
    return min(tasks, key=lambda task: (user is None or task.assignee != user, task.token), default=None)


async def _each(task_ids: Iterable[UUID], do: Callable[[UUID], Awaitable[Task]]) -> list[Answer]:
    """Do something with each task, one after the other: they may share a session, and an instance."""
    answers = []
    for task_id in task_ids:
        try:
            answers.append(Answer(task_id, task=await do(task_id)))
        except WorkflowError as error:
            answers.append(Answer(task_id, error=error))
    return answers
