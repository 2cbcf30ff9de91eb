"""What answers about tasks hold, beyond those of the guide."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Self
from uuid import UUID

from attrs import evolve

from workflows_core.actors import Actor
from workflows_core.tasks import NoteKind
from workflows_litestar.dto import HumanTaskDTO, WorkflowInstanceDTO
from workflows_litestar.fields import about
from workflows_litestar.problems import Problem, problem_of
from workflows_litestar.waiting import rested

if TYPE_CHECKING:
    from workflows_core.engine import ExecutionEngine
    from workflows_core.human_tasks import Answer, Completion, TaskView
    from workflows_core.tasks import Note, Question, Task
    from workflows_litestar.actor import Asking


@dataclass(frozen=True)
class NoteDTO:
    """Something that was said about a task."""

    at: datetime
    kind: Annotated[str, about("What it is.", NoteKind)]
    text: str
    by: Annotated[str | None, about("Who said it.")]
    on_behalf_of: Annotated[str | None, about("For whom, if they stood in for somebody.")]
    to: Annotated[str | None, about("Whom a question went to.")]

    @classmethod
    def from_domain(cls, note: Note) -> Self:
        """Show a note."""
        return cls(
            at=note.at,
            kind=str(note.kind),
            text=note.text,
            by=note.by,
            on_behalf_of=note.on_behalf_of,
            to=note.to,
        )


@dataclass(frozen=True)
class QuestionDTO:
    """What somebody was asked before the task can go on."""

    asked_by: Annotated[str, about("Who asked; the task comes back to them.")]
    text: str
    at: Annotated[datetime, about("When they asked; since then the clock of the task stands.")]

    @classmethod
    def from_domain(cls, question: Question) -> Self:
        """Show a question."""
        return cls(asked_by=question.asked_by, text=question.text, at=question.at)


@dataclass(frozen=True)
class TaskDetailDTO(HumanTaskDTO):
    """Work that waits for a person, with all that they need to decide."""

    data: Annotated[
        dict[str, Any] | None,
        about("What is decided about: data of the instance. Null once the task is closed."),
    ]
    draft: Annotated[dict[str, Any] | None, about("What the one who asks has put aside.")]
    thread: Annotated[list[NoteDTO], about("What was said about it, oldest first.")]
    question: Annotated[QuestionDTO | None, about("What somebody was asked, while that is open.")]

    @classmethod
    def from_view(cls, view: TaskView, user_id: str | None) -> Self:
        """Show a task to somebody."""
        task = view.task
        return cls(
            **_of_task(task),
            data=view.data,
            draft=None if user_id is None else task.drafts.get(user_id),
            thread=[NoteDTO.from_domain(each) for each in task.thread],
            question=None if task.question is None else QuestionDTO.from_domain(task.question),
        )


@dataclass(frozen=True)
class CompletedTaskDTO(HumanTaskDTO):
    """A task that was completed, and what came of it."""

    next_task: Annotated[
        HumanTaskDTO | None,
        about(
            "What the same person can do next in this instance. Machine steps may lead to more: see `wait`."
        ),
    ]
    instance: Annotated[WorkflowInstanceDTO, about("Its instance, as it went on from there.")]

    @classmethod
    def from_completion(cls, done: Completion) -> Self:
        """Show what came of completing a task."""
        return cls(
            **_of_task(done.task),
            next_task=None if done.next_task is None else HumanTaskDTO.from_domain(done.next_task),
            instance=WorkflowInstanceDTO.from_domain(done.instance),
        )


@dataclass(frozen=True)
class BulkAnswerDTO:
    """What became of one of many tasks: it was done, or there is a problem."""

    task_id: UUID
    task: Annotated[HumanTaskDTO | None, about("The task as it is now, if it was done.")]
    problem: Annotated[Problem | None, about("Why it was not, otherwise: as if it had been asked for alone.")]

    @classmethod
    def from_domain(cls, answer: Answer) -> Self:
        """Show an answer."""
        return cls(
            task_id=answer.task_id,
            task=None if answer.task is None else HumanTaskDTO.from_domain(answer.task),
            problem=None if answer.error is None else problem_of(answer.error, "/output_data"),
        )


def _of_task(task: Task) -> dict[str, Any]:
    shown = HumanTaskDTO.from_domain(task)
    return {each.name: getattr(shown, each.name) for each in fields(shown)}


async def completed(
    engine: ExecutionEngine, done: Completion, asked: Asking, seconds: int
) -> CompletedTaskDTO:
    """Show what came of completing a task, once its instance has rested or so many seconds are over."""
    instance = await rested(engine, done.instance, seconds)
    if instance.revision != done.instance.revision:
        person = asked["actor"] or Actor(asked["user_id"], tenant_id=instance.tenant_id)
        done = evolve(done, instance=instance, next_task=await engine.tasks.next(instance.id, person))
    return CompletedTaskDTO.from_completion(done)
