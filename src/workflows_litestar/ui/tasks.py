"""A task: what is to be decided, and everything that can be done with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from attrs import evolve, frozen
from litestar import Controller, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from workflows_core.data import Json
from workflows_core.errors import (
    Change,
    FormProblem,
    FormValidationError,
    InvalidDataError,
    InvalidOutcomeError,
    InvalidTransitionError,
    NotPermittedError,
    StaleTaskError,
    TaskAlreadyClaimedError,
)
from workflows_core.permissions import Action
from workflows_core.tasks import shown
from workflows_litestar.ui import forms
from workflows_litestar.ui.failures import status_of
from workflows_litestar.ui.history import told
from workflows_litestar.ui.present import facts
from workflows_litestar.ui.view import View

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from litestar.datastructures import FormMultiDict

    from workflows_core.errors import WorkflowError
    from workflows_core.instance import Instance
    from workflows_core.tasks import Task
    from workflows_litestar.ui.forms import Form

NO_OUTCOME: Final = ""


@frozen(kw_only=True)
class Trouble:
    """Why something was not done: what the visitor has to know beside what they had entered.

    Attributes:
        sentence: It in words.
        changes: What the task shows otherwise than what they had seen.
        revision: The revision that they see now.
    """

    sentence: str
    changes: tuple[Change, ...] = ()


class TaskController(Controller):
    """One task."""

    path = "/tasks/{task_id:uuid}"

    @get("/")
    async def show(self, view: NamedDependency[View], task_id: FromPath[UUID]) -> Response[str]:
        """Show a task."""
        return await _shown(view, task_id)

    @post("/form")
    async def more(
        self, request: Request[Any, Any, Any], view: NamedDependency[View], task_id: FromPath[UUID]
    ) -> Response[str]:
        """Show the form again with room for another item of a list."""
        sent = await request.form()
        task = await view.engine.tasks.get(task_id, actor=view.visitor.seeing)
        form, _ = forms.submitted(task.form_schema, sent)
        return await _shown(view, task_id, form=evolve(form, problems={}), comment=_text(sent, "comment"))

    @post("/complete")
    async def complete(
        self, request: Request[Any, Any, Any], view: NamedDependency[View], task_id: FromPath[UUID]
    ) -> Response[Any]:
        """Complete a task, or show what is wrong with what was entered."""
        sent, tasks = await request.form(), view.engine.tasks
        task = await tasks.get(task_id, actor=view.visitor.seeing)
        form, entered = forms.submitted(task.form_schema, sent)
        comment = _text(sent, "comment")
        try:
            if entered.problems:
                raise FormValidationError("", _all_problems(view, task, entered.data, entered.problems))
            done = await tasks.complete(
                task_id,
                entered.data,
                outcome=_text(sent, "outcome") or None,
                comment=comment or None,
                revision=_revision(sent),
                **view.visitor.asking,
            )
        except FormValidationError as error:
            form = evolve(form, problems=forms.by_pointer(error.problems))
            return await _shown(view, task_id, form=form, comment=comment, status=400)
        except StaleTaskError as error:
            trouble = Trouble(sentence=view.texts("task.stale"), changes=error.changes)
            return await _shown(view, task_id, form=form, comment=comment, trouble=trouble, status=412)
        except InvalidTransitionError as error:
            return await _too_late(view, error, task_id, form, comment)
        except (NotPermittedError, InvalidDataError, InvalidOutcomeError) as error:
            trouble = Trouble(sentence=str(error))
            status = status_of(error)
            return await _shown(view, task_id, form=form, comment=comment, trouble=trouble, status=status)
        if done.next_task is not None:
            return view.go("tasks", done.next_task.id, note="next")
        return view.go(note="completed", about=task_id)

    @post("/claim")
    async def claim(self, view: NamedDependency[View], task_id: FromPath[UUID]) -> Response[Any]:
        """Take a task."""

        async def claim() -> None:
            try:
                await view.engine.tasks.claim(task_id, **view.visitor.asking)
            except TaskAlreadyClaimedError as error:
                if error.assignee != view.visitor.name:  # a second click on the same button is no trouble
                    raise

        return await _done(view, task_id, claim, note="claimed")

    @post("/unclaim")
    async def unclaim(self, view: NamedDependency[View], task_id: FromPath[UUID]) -> Response[Any]:
        """Give a task back."""
        return await _done(
            view, task_id, lambda: view.engine.tasks.unclaim(task_id, **view.visitor.asking), note="unclaimed"
        )


async def _done(
    view: View, task_id: UUID, do: Callable[[], Awaitable[object]], *, note: str
) -> Response[Any]:
    """Do something with a task and show it, or show it with the reason why it was not done."""
    try:
        await do()
    except (InvalidTransitionError, NotPermittedError, InvalidDataError) as error:
        return await _shown(
            view, task_id, trouble=Trouble(sentence=_sentence(view, error)), status=status_of(error)
        )
    return view.go("tasks", task_id, note=note)


def _sentence(view: View, error: WorkflowError) -> str:
    if isinstance(error, TaskAlreadyClaimedError):
        return view.texts("task.taken", name=error.assignee)
    if isinstance(error, InvalidDataError):
        return f"{error.detail}."
    return str(error)


async def _too_late(
    view: View, error: InvalidTransitionError, task_id: UUID, form: Form, comment: str
) -> Response[Any]:
    """Answer a submission of a task that is not open any more: it was the same one twice, or somebody was faster."""
    task = await view.engine.tasks.get(task_id, actor=view.visitor.seeing)
    if not task.is_open and task.completed_by == view.visitor.name and task.completed_by is not None:
        return view.go(note="completed", about=task_id)
    trouble = Trouble(sentence=str(error) if task.is_open else view.texts("task.too_late"))
    return await _shown(view, task_id, form=form, comment=comment, trouble=trouble, status=status_of(error))


async def _shown(
    view: View,
    task_id: UUID,
    *,
    form: Form | None = None,
    comment: str = "",
    trouble: Trouble | None = None,
    status: int = 200,
) -> Response[str]:
    """Show a task: as it is, or with what was entered."""
    tasks, seeing = view.engine.tasks, view.visitor.seeing
    explanation = await tasks.explain(task_id, view.visitor.actor)
    task = await tasks.get(task_id, actor=seeing)
    instance = await view.engine.get_instance(task.instance_id)
    definition = await view.engine.get_definition(instance)
    current = instance.tasks.get(task_id, task)
    entries = await tasks.get_history(task_id)
    return await view.page(
        "task.html",
        status,
        task=current,
        instance=instance,
        explanation=explanation,
        may=explanation.actions,
        Action=Action,
        facts=facts(_seen(current, instance), definition.input_schema),
        form=form or _begun(view, current, instance),
        is_kept=form is not None,
        comment=comment,
        trouble=trouble,
        history=told(view, entries),
        note=view.said("note"),
    )


def _seen(task: Task, instance: Instance) -> dict[str, Json]:
    data = shown(task, instance.data)["data"]
    return data if isinstance(data, dict) else {}


def _begun(view: View, task: Task, instance: Instance) -> Form:
    """Return the form with what the visitor has put aside, or submitted here the last time."""
    name = view.visitor.name
    if not task.is_open:
        return forms.empty(task.form_schema, task.form_data)
    if name is not None and name in task.drafts:
        return forms.empty(task.form_schema, task.drafts[name])
    if name is not None and instance.doers.get(task.step_name, ())[-1:] == (name,):
        return forms.empty(task.form_schema, instance.forms.get(task.step_name))
    return forms.empty(task.form_schema)


def _all_problems(
    view: View, task: Task, data: dict[str, Json], unread: tuple[FormProblem, ...]
) -> tuple[FormProblem, ...]:
    """Return everything that is wrong: what could not be read, and what the schema says about the rest."""
    places = {problem.pointer for problem in unread}
    schema = task.form_schema
    others = () if schema is None else view.engine.forms.problems(schema, data)
    return (*unread, *(problem for problem in others if problem.pointer not in places))


def _text(sent: FormMultiDict, name: str) -> str:
    value = sent.get(name, "")
    return value.strip() if isinstance(value, str) else ""


def _revision(sent: FormMultiDict) -> int | None:
    text = _text(sent, "revision")
    return int(text) if text.isdecimal() and len(text) < 10 else None
