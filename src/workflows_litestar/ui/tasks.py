"""A task: what is to be decided, and everything that can be done with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from attrs import evolve, frozen
from litestar import Controller, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from workflows_core.data import Json
from workflows_core.errors import (
    Change,
    FormValidationError,
    InvalidDataError,
    InvalidOutcomeError,
    InvalidTransitionError,
    NotPermittedError,
    RevisionRequiredError,
    StaleTaskError,
    TaskAlreadyClaimedError,
    TaskNotFoundError,
)
from workflows_core.permissions import Action
from workflows_core.tasks import shown
from workflows_litestar.ui import forms
from workflows_litestar.ui.failures import status_of
from workflows_litestar.ui.history import told
from workflows_litestar.ui.present import facts
from workflows_litestar.ui.times import read
from workflows_litestar.ui.view import HTML, View

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from litestar.datastructures import FormMultiDict

    from workflows_core.errors import WorkflowError
    from workflows_core.instance import Instance
    from workflows_core.tasks import Task
    from workflows_litestar.ui.forms import Form


@frozen(kw_only=True)
class Trouble:
    """Why something was not done: what the visitor has to know beside what they had entered.

    Attributes:
        sentence: It in words.
        changes: What the task shows otherwise than what they had seen.
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
        form, seen = evolve(form, problems={}), _revision(sent)
        return await _shown(view, task_id, form=form, comment=text_of(sent, "comment"), seen=seen)

    @post("/complete")
    async def complete(
        self, request: Request[Any, Any, Any], view: NamedDependency[View], task_id: FromPath[UUID]
    ) -> Response[Any]:
        """Complete a task, or show what is wrong with what was entered."""
        sent, tasks = await request.form(), view.engine.tasks
        task = await tasks.get(task_id, actor=view.visitor.seeing)
        form, entered = forms.submitted(task.form_schema, sent)
        comment, seen = text_of(sent, "comment"), _revision(sent)
        try:
            if entered.problems:
                problems = forms.all_problems(view.engine.forms, task.form_schema, entered)
                raise FormValidationError(task.title, problems)
            done = await tasks.complete(
                task_id,
                entered.data,
                outcome=text_of(sent, "outcome") or None,
                comment=comment or None,
                revision=seen,
                **view.visitor.asking,
            )
        except FormValidationError as error:
            form = evolve(form, problems=forms.by_pointer(error.problems))
            return await _shown(view, task_id, form=form, comment=comment, seen=seen, status=400)
        except StaleTaskError as error:
            trouble = Trouble(sentence=view.texts("task.stale"), changes=error.changes)
            return await _shown(view, task_id, form=form, comment=comment, trouble=trouble, status=412)
        except InvalidTransitionError as error:
            return await _too_late(view, error, task_id, form, comment)
        except (NotPermittedError, InvalidDataError, InvalidOutcomeError, RevisionRequiredError) as error:
            trouble, status = Trouble(sentence=_sentence(view, error)), status_of(error)
            return await _shown(
                view, task_id, form=form, comment=comment, seen=seen, trouble=trouble, status=status
            )
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

    @post("/draft")
    async def save_draft(
        self, request: Request[Any, Any, Any], view: NamedDependency[View], task_id: FromPath[UUID]
    ) -> Response[Any]:
        """Put aside what was filled in so far; scripts ask for it while the visitor types."""
        task = await view.engine.tasks.get(task_id, actor=view.visitor.seeing)
        _, entered = forms.submitted(task.form_schema, await request.form())

        def save() -> Awaitable[object]:
            return view.engine.tasks.save_draft(task_id, entered.data, **view.visitor.asking)

        if not request.headers.get("hx-request"):
            return await _done(view, task_id, save, note="draft")
        try:
            await save()
        except (InvalidTransitionError, NotPermittedError, InvalidDataError):
            return Response(view.texts("note.no_draft"), media_type=HTML)  # whoever decides will hear why
        return Response(view.texts("note.draft"), media_type=HTML)

    @post("/comment")
    async def comment(
        self, request: Request[Any, Any, Any], view: NamedDependency[View], task_id: FromPath[UUID]
    ) -> Response[Any]:
        """Say something about a task."""
        text = text_of(await request.form(), "text")
        return await _done(
            view,
            task_id,
            lambda: view.engine.tasks.comment(task_id, text, **view.visitor.asking),
            note="commented",
        )

    @post("/{action:str}")
    async def hand_on(
        self,
        request: Request[Any, Any, Any],
        view: NamedDependency[View],
        task_id: FromPath[UUID],
        action: FromPath[str],
    ) -> Response[Any]:
        """Give a task to somebody else, for good or for a while, take it back, or set when it is to be done."""
        sent, tasks, asking = await request.form(), view.engine.tasks, view.visitor.asking
        text, name = text_of(sent, "text"), text_of(sent, "name")
        actions: dict[str, Callable[[], Awaitable[object]]] = {
            "ask": lambda: tasks.request_information(task_id, text, of=name or None, **asking),
            "answer": lambda: tasks.answer(task_id, text, **asking),
            "withdraw": lambda: tasks.withdraw_question(task_id, reason=text, **asking),
            "delegate": lambda: tasks.delegate(task_id, name, reason=text, **asking),
            "resolve": lambda: tasks.resolve(task_id, comment=text, **asking),
            "reassign": lambda: tasks.reassign(task_id, name, reason=text, **asking),
            "due": lambda: tasks.update(
                task_id, due_at=read(text_of(sent, "value"), "/due_at"), reason=text, **asking
            ),
            "follow": lambda: tasks.update(
                task_id, follow_up_at=read(text_of(sent, "value"), "/follow_up_at"), reason=text, **asking
            ),
            "priority": lambda: tasks.update(
                task_id, priority=_number(text_of(sent, "value")), reason=text, **asking
            ),
        }
        if action not in actions:
            raise NotFoundException
        return await _done(view, task_id, actions[action], note=action)


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
    try:
        await view.engine.tasks.get(task_id, actor=view.visitor.seeing)
    except TaskNotFoundError:  # they gave away all that they had to do with it
        return view.go(note=note)
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
    seen: int | None = None,
    trouble: Trouble | None = None,
    status: int = 200,
) -> Response[str]:
    """Show a task: as it is, or with what was entered.

    `seen` is the revision that the visitor has decided on; as long as they were not shown what has changed since, the
    form goes on to quote that.
    """
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
        revision=current.revision if seen is None else seen,
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


def text_of(sent: FormMultiDict, name: str) -> str:
    """Return a field of a form, without blanks around it; empty if there is none."""
    value = sent.get(name, "")
    return value.strip() if isinstance(value, str) else ""


def _number(text: str) -> int:
    try:
        return int(text[:20])
    except ValueError:
        raise InvalidDataError("/priority", "A priority is a whole number, such as 1") from None


def _revision(sent: FormMultiDict) -> int | None:
    text = text_of(sent, "revision")
    return int(text) if text.isdecimal() and len(text) < 10 else None
