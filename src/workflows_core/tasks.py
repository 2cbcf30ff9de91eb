"""Human tasks: the value, and how events change it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from attrs import evolve, frozen

from workflows_core.data import JsonObject
from workflows_core.errors import InvalidTransitionError
from workflows_core.events import TaskCanceled, TaskCompleted, TaskEvent, TaskOpened, TaskReassigned
from workflows_core.states import TASK_MOVES, TaskStatus


@frozen(kw_only=True)
class Task:
    """Work that waits for a person.

    Attributes:
        id: The task's own id.
        instance_id: The instance it belongs to.
        token: The token that waits at the step for this task.
        step_name: The human step it was opened for.
        title: What the person reads first.
        description: More about what is to be done; may be empty.
        form_schema: JSON Schema the submitted data must fit; `None` accepts any object.
        outcomes: The named outcomes it can be completed with; empty if it has none.
        assignee: Who is to do it; `None` while nobody is named.
        assignee_group: The group it is offered to, if any.
        candidate_users: Others who may take it.
        candidate_groups: Other groups whose members may take it.
        priority: Higher comes first; 0 is ordinary.
        due_at: When it should be done (UTC); `None` if there is no deadline.
        tenant_id: The tenant of its instance.
        status: Where it is in its life.
        created_at: When it was opened (UTC).
        completed_at: When it was completed or canceled (UTC).
        completed_by: Who completed it.
        outcome: The outcome it was completed with.
        form_data: What was submitted.
        comment: What the person said on completing it.
    """

    id: UUID
    instance_id: UUID
    token: int
    step_name: str
    title: str
    created_at: datetime
    description: str = ""
    form_schema: JsonObject | None = None
    outcomes: tuple[str, ...] = ()
    assignee: str | None = None
    assignee_group: str | None = None
    candidate_users: tuple[str, ...] = ()
    candidate_groups: tuple[str, ...] = ()
    priority: int = 0
    due_at: datetime | None = None
    tenant_id: str | None = None
    status: TaskStatus = TaskStatus.PENDING
    completed_at: datetime | None = None
    completed_by: str | None = None
    outcome: str | None = None
    form_data: JsonObject | None = None
    comment: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether somebody can still act on it."""
        return bool(TASK_MOVES[self.status])


def check_task(task: Task, event: str, command: str) -> None:
    """Refuse what the table does not allow in the task's status.

    Raises:
        InvalidTransitionError: Naming the command, the task and its status.
    """
    if event not in TASK_MOVES[task.status]:
        raise InvalidTransitionError(command, f"task {task.id}", task.status)


def evolve_task(task: Task | None, event: TaskEvent, *, instance_id: UUID, tenant_id: str | None) -> Task:
    """Return the task as it is after the event; `None` stands for the task before it was opened."""
    if isinstance(event, TaskOpened):
        return Task(
            id=event.task_id,
            instance_id=instance_id,
            tenant_id=tenant_id,
            token=event.token,
            step_name=event.step,
            title=event.title,
            description=event.description,
            form_schema=event.form_schema,
            outcomes=event.outcomes,
            assignee=event.assignee,
            assignee_group=event.assignee_group,
            candidate_users=event.candidate_users,
            candidate_groups=event.candidate_groups,
            priority=event.priority,
            due_at=event.due_at,
            created_at=event.at,
        )
    if task is None:
        msg = f"{type(event).__name__} for a task that was never opened"
        raise ValueError(msg)
    status = TASK_MOVES[task.status][type(event).__name__]
    match event:
        case TaskReassigned():
            return evolve(task, status=status, assignee=event.assignee)
        case TaskCompleted():
            return evolve(
                task,
                status=status,
                completed_at=event.at,
                completed_by=event.by,
                outcome=event.outcome,
                form_data=event.data,
                comment=event.comment,
            )
        case TaskCanceled():
            return evolve(task, status=status, completed_at=event.at)
