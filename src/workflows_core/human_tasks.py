"""What people do with tasks: one method for each thing.

Every method takes `actor`, who asks; whether they may is decided by `permissions.may` on the same state of the instance
that the change is based on. Without an actor the application itself asks, in the name of `user_id`: it is trusted to
have checked who that is, and bound only by the separation of duties that the definition declares.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, TypeVar

from attrs import evolve, frozen

from workflows_core import commands as cmd
from workflows_core.actors import Actor
from workflows_core.changes import changes_since
from workflows_core.data import to_object
from workflows_core.errors import (
    FormValidationError,
    InvalidDataError,
    InvalidTransitionError,
    NotPermittedError,
    StaleTaskError,
    TaskNotFoundError,
    WorkflowError,
)
from workflows_core.explanation import explain_task
from workflows_core.paging import Page
from workflows_core.permissions import Action, may, policies_of
from workflows_core.ports import place_of
from workflows_core.tasks import shown
from workflows_core.visibility import all_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
    from uuid import UUID

    from workflows_core.data import JsonObject
    from workflows_core.engine import ExecutionEngine
    from workflows_core.explanation import TaskExplanation
    from workflows_core.instance import Instance
    from workflows_core.ports import TaskQuery
    from workflows_core.tasks import Task
    from workflows_core.transition import HistoryEntry, Transition

T = TypeVar("T")
Unchanged: TypeAlias = Literal["unchanged"]

UNCHANGED: Final = "unchanged"
LONGEST_TEXT: Final = 20_000
"""How many characters a comment, a question or a reason may have."""

_EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(9000, 1, 1, tzinfo=UTC)


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
class TaskView:
    """A task and its instance, as of the same moment.

    Attributes:
        task: The task.
        instance: The instance it belongs to.
    """

    task: Task
    instance: Instance

    @property
    def data(self) -> JsonObject | None:
        """The data of the instance that is decided about; `None` once the task is closed."""
        if not self.task.is_open:
            return None
        found: JsonObject = shown(self.task, self.instance.data)["data"]  # type: ignore[assignment]  # an object
        return found


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


class HumanTasks:
    """The tasks of an engine: finding them, and everything that can be done with one."""

    def __init__(self, engine: ExecutionEngine) -> None:
        self._engine = engine

    # Reading

    async def get(self, task_id: UUID, *, actor: Actor | None = None) -> Task:
        """Return a task, open or closed.

        Raises:
            TaskNotFoundError: If there is none, or none that the actor may see.
        """
        if actor is None:
            async with self._engine.storage.unit_of_work() as unit:
                return await unit.tasks.get(task_id)
        return (await self.view(task_id, actor=actor)).task

    async def view(self, task_id: UUID, *, actor: Actor | None = None) -> TaskView:
        """Return a task, open or closed, with what is decided about; both belong together.

        Raises:
            TaskNotFoundError: If there is none, or none that the actor may see.
        """
        return (await self._view(task_id, actor))[0]

    async def _view(self, task_id: UUID, actor: Actor | None) -> tuple[TaskView, Actor | None]:
        task, instance, known = await self._loaded(task_id, actor)
        if known is not None:
            await self._check_visible(known, task, instance)
        return TaskView(task, instance), known

    async def find(self, query: TaskQuery, *, actor: Actor | None = None) -> Sequence[Task]:
        """Return the tasks the query asks for, in its order; to an actor, those that they may see."""
        query = await self._scoped(query, actor)
        async with self._engine.storage.unit_of_work() as unit:
            return await unit.tasks.find(query)

    async def page(self, query: TaskQuery, *, actor: Actor | None = None) -> Page[Task]:
        """Return the tasks the query asks for, at most `limit`, and where the next page begins."""
        if query.limit is None:
            return Page(tuple(await self.find(query, actor=actor)), None)
        found = await self.find(evolve(query, limit=query.limit + 1), actor=actor)
        items = tuple(found[: query.limit])
        return Page(items, place_of(items[-1], query.order) if len(found) > query.limit else None)

    async def count(self, query: TaskQuery, *, actor: Actor | None = None) -> int:
        """Return how many tasks the query asks for, whatever its page; to an actor, those that they may see."""
        query = await self._scoped(query, actor)
        async with self._engine.storage.unit_of_work() as unit:
            return await unit.tasks.count(query)

    async def _scoped(self, query: TaskQuery, actor: Actor | None) -> TaskQuery:
        """Keep a query to what an actor may see, and let `for_actor` stand for all whom they stand in for."""
        if actor is not None:
            is_own = _is_about(query, actor)  # who holds a task, or could take it, has a part in its instance
            seen = all_of(actor.tenant_id) if is_own else await self._engine.visibility(actor)
            query = evolve(query, visible_to=seen)
        if query.for_actor is not None:
            query = evolve(query, for_actor=await self._engine.known(query.for_actor))
        return query

    async def explain(self, task_id: UUID, actor: Actor) -> TaskExplanation:
        """Explain a task to somebody: with whom it is, what they can do with it or why not, and what would follow.

        Raises:
            TaskNotFoundError: If there is none, or none that they may see.
        """
        seen, known = await self._view(task_id, actor)
        assert known is not None  # noqa: S101 - as the actor is not
        definition = await self._engine.get_definition(seen.instance)
        return explain_task(seen.task, known, seen.instance, definition, self._engine.clock.now())

    async def get_history(self, task_id: UUID, *, actor: Actor | None = None) -> Sequence[HistoryEntry]:
        """Return everything that happened to a task: the entries of its instance with the events about it alone.

        Raises:
            TaskNotFoundError: If there is none, or none that the actor may see.
        """
        task = await self.get(task_id, actor=actor)
        entries = await self._engine.get_history(task.instance_id)
        about = [
            (entry, tuple(event for event in entry.events if getattr(event, "task_id", None) == task_id))
            for entry in entries
        ]
        return [evolve(entry, events=events) for entry, events in about if events]

    async def next(self, instance_id: UUID, actor: Actor) -> Task | None:
        """Return what somebody can do next in an instance, `None` if there is nothing.

        What they hold comes first, then what was opened first.
        """
        actor = await self._engine.known(actor)
        instance = await self._engine.get_instance(instance_id)
        return _next_task(self._engine, instance, actor)

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
        asking = _Asking(actor, user_id, _reason(reason))
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
        asking = _Asking(actor, user_id, _reason(reason))
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
        said = _text(comment, "The comment", "/comment") if comment and comment.strip() else None
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
                actor=_name(actor, user_id),
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
        return Completion(done, change.instance, _next_task(self._engine, change.instance, person))

    async def _explained(self, error: StaleTaskError) -> StaleTaskError:
        """Add to a refusal what has changed."""
        task = await self.get(error.task_id)
        entries = await self._engine.get_history(task.instance_id)
        changes = changes_since(error.quoted, task.id, entries)
        return StaleTaskError(task.id, error.quoted, error.current, changes)

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
        receiver = _user(new_assignee, "The new assignee", "/new_assignee")
        asking = _Asking(actor, user_id, _reason(reason))
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
        receiver = _user(to, "The delegate", "/to")
        asking = _Asking(actor, user_id, _reason(reason))
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
        asking = _Asking(actor, user_id, _reason(comment))
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
        asked = None if of is None else _user(of, "Who is asked", "/of")
        text = _text(question, "The question", "/question")
        asking = _Asking(actor, user_id)
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
        asking = _Asking(actor, user_id)
        text = _text(answer, "The answer", "/answer")
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
        asking = _Asking(actor, user_id, _reason(reason))
        return await self._do(task_id, "withdraw the question", asking, cmd.WithdrawQuestion)

    async def comment(
        self, task_id: UUID, text: str, *, actor: Actor | None = None, user_id: str | None = None
    ) -> Task:
        """Say something about an open task: whoever sees it may.

        Raises:
            TaskNotFoundError: If there is none, or none that the actor may see.
            InvalidTransitionError: If it is closed.
        """
        asking = _Asking(actor, user_id)
        return await self._do(
            task_id, "comment on the task", asking, cmd.CommentTask, text=_text(text, "The comment", "/text")
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
        asking = _Asking(actor, user_id)
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
        asking = _Asking(actor, user_id, _reason(reason))
        changes: list[tuple[type, dict[str, object]]] = []
        if due_at != UNCHANGED:
            changes.append((cmd.RescheduleTask, {"due_at": _moment(due_at, "/due_at")}))
        if priority != UNCHANGED:
            changes.append((cmd.PrioritizeTask, {"priority": _number(priority, "/priority")}))
        if follow_up_at != UNCHANGED:
            changes.append((cmd.FollowUpTask, {"follow_up_at": _moment(follow_up_at, "/follow_up_at")}))
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

    async def _do(self, task_id: UUID, words: str, asking: _Asking, kind: type, **fields: object) -> Task:
        return await self._do_all(task_id, words, asking, [(kind, fields)])

    async def _do_all(
        self,
        task_id: UUID,
        words: str,
        asking: _Asking,
        changes: Sequence[tuple[type, dict[str, object]]],
    ) -> Task:
        """Carry out commands about a task, all or none, and return the task after them."""

        def commands(_task: Task, _instance: Instance, actor: Actor | None) -> list[cmd.Command]:
            common = {
                "at": self._engine.clock.now(),
                "task_id": task_id,
                "actor": _name(actor, asking.user_id),
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

    async def _loaded(self, task_id: UUID, actor: Actor | None) -> tuple[Task, Instance, Actor | None]:
        """Return a task with its instance, and the actor as known at this moment: all that is needed to decide."""
        async with self._engine.storage.unit_of_work() as unit:
            known = None if actor is None else await self._engine.known_in(unit, actor)
            instance = await unit.instances.get_of_task(task_id)
            task = instance.tasks.get(task_id) or await unit.tasks.get(
                task_id
            )  # the instance has the open ones
            return task, instance, known

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
            himself = None if actor is None else actor.standing_in(())
            asked = self._checked(known.tasks[task_id], himself, words, commands)
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
                self._check_visible_now(actor, task, instance)
            if task.id not in instance.tasks:
                state = task.status if not task.is_open else "closed in the meantime"
                raise InvalidTransitionError(words, f"task {task.id}", state)
            return commands(task, instance, actor)

        return checked

    async def _check_visible(self, actor: Actor, task: Task, instance: Instance) -> None:
        definition = await self._engine.get_definition(instance)
        policies = policies_of(definition, task.step_name)
        if not may(actor, Action.VIEW, task, instance, policies):
            raise TaskNotFoundError(task.id)

    def _check_visible_now(self, actor: Actor, task: Task, instance: Instance) -> None:
        definition = self._engine.definition_of(instance)
        if not may(actor, Action.VIEW, task, instance, policies_of(definition, task.step_name)):
            raise TaskNotFoundError(task.id)

    def _check(self, actor: Actor, action: Action, task: Task, instance: Instance, words: str) -> None:
        """Refuse what somebody may not do, before looking at what they sent."""
        policies = policies_of(self._engine.definition_of(instance), task.step_name)
        found = may(actor, action, instance.tasks[task.id], instance, policies)
        if not found:
            raise NotPermittedError(words, found.reason)


@frozen
class _Asking:
    """Who asks, and why."""

    actor: Actor | None
    user_id: str | None
    reason: str | None = None


def _name(actor: Actor | None, user_id: str | None) -> str | None:
    return user_id if actor is None else actor.user_id


def _is_about(query: TaskQuery, actor: Actor) -> bool:
    """Say whether a query asks for an actor's own tasks, of which they may see every one."""
    own = {query.assignee, query.candidate_user} - {None}
    return query.for_actor == actor or own == {actor.user_id} or query.candidate_group in actor.groups


def _next_task(engine: ExecutionEngine, instance: Instance, actor: Actor) -> Task | None:
    if actor.user_id is None:
        return None
    definition = engine.definition_of(instance)
    found = [
        task
        for task in instance.tasks.values()
        if may(actor, Action.COMPLETE, task, instance, policies_of(definition, task.step_name))
    ]
    return min(
        found, key=lambda task: (task.assignee != actor.user_id, task.created_at, task.id.bytes), default=None
    )


async def _each(task_ids: Iterable[UUID], do: Callable[[UUID], Awaitable[Task]]) -> list[Answer]:
    """Do something with each task, one after the other: they may share a session, and an instance."""
    answers = []
    for task_id in task_ids:
        try:
            answers.append(Answer(task_id, task=await do(task_id)))
        except WorkflowError as error:
            answers.append(Answer(task_id, error=error))
    return answers


def _text(given: str, what: str, pointer: str) -> str:
    text = to_object({"text": given}, what=what)[0]["text"]
    if not isinstance(text, str) or not text.strip() or len(text) > LONGEST_TEXT:
        raise InvalidDataError(pointer, f"{what} must be text of 1 to {LONGEST_TEXT} characters")
    return text


def _reason(given: str | None) -> str | None:
    return None if given is None or not given.strip() else _text(given, "The reason", "/reason")


def _user(given: str, what: str, pointer: str) -> str:
    name = to_object({"name": given}, what=what)[0]["name"]
    if not isinstance(name, str) or not name.strip():
        raise InvalidDataError(pointer, f"{what} must be the name of a user")
    return name


def _moment(given: datetime | str | None, pointer: str) -> datetime | None:
    if given is None:
        return None
    if not isinstance(given, datetime) or given.tzinfo is None:
        raise InvalidDataError(pointer, "A moment must have a time zone")
    try:
        moment = given.astimezone(UTC)
    except OverflowError:
        moment = _LATEST
    if not _EARLIEST <= moment < _LATEST:
        raise InvalidDataError(pointer, f"A moment must lie between {_EARLIEST:%Y} and {_LATEST:%Y}")
    return moment


def _number(given: int | str, pointer: str) -> int:
    if not isinstance(given, int) or isinstance(given, bool) or abs(given) >= 2**31:
        raise InvalidDataError(pointer, "A priority must be a whole number of 32 bits")
    return given
