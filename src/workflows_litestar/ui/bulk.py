"""Several tasks at once: taking them, and deciding those alike that need no form."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from litestar import Controller, Request, Response, post
from litestar.di import NamedDependency

from workflows_core.errors import TaskNotFoundError
from workflows_litestar.ui.tasks import text_of
from workflows_litestar.ui.view import View

if TYPE_CHECKING:
    from collections.abc import Sequence

    from litestar.datastructures import FormMultiDict

    from workflows_core.human_tasks import Answer
    from workflows_core.tasks import Task

MOST: Final = 100
"""How many tasks are looked at; a page of the inbox has fewer."""


class BulkController(Controller):
    """Several tasks at once."""

    path = "/bulk"

    @post("/claim")
    async def claim(self, request: Request[Any, Any, Any], view: NamedDependency[View]) -> Response[Any]:
        """Take every selected task."""
        chosen = _chosen(await request.form())
        return await _told(view, await view.engine.tasks.claim_many(chosen, **view.visitor.asking))

    @post("/decide")
    async def decide(self, request: Request[Any, Any, Any], view: NamedDependency[View]) -> Response[str]:
        """Ask how to decide: only what all of them can be decided with is offered."""
        tasks = await _tasks(view, _chosen(await request.form()))
        alike = [task for task in tasks if _needs_no_form(view, task)]
        common = [
            outcome
            for outcome in (alike[0].outcomes if alike else ())
            if all(outcome in task.outcomes for task in alike)
        ]
        has_none = bool(alike) and not any(task.outcomes for task in alike)
        others = [task for task in tasks if task not in alike]
        return await view.page("bulk.html", alike=alike, others=others, outcomes=common, has_none=has_none)

    @post("/complete")
    async def complete(self, request: Request[Any, Any, Any], view: NamedDependency[View]) -> Response[Any]:
        """Decide every selected task alike, as far as it still shows what was seen."""
        sent = await request.form()
        chosen = _chosen(sent)
        seen = {id_: text_of(sent, f"revision-{id_}") for id_ in chosen}
        answers = await view.engine.tasks.complete_many(
            chosen,
            {},
            outcome=text_of(sent, "outcome") or None,
            comment=text_of(sent, "comment") or None,
            revisions={id_: int(text) for id_, text in seen.items() if text.isdecimal() and len(text) < 10},
            **view.visitor.asking,
        )
        return await _told(view, answers)


async def _told(view: View, answers: Sequence[Answer]) -> Response[Any]:
    """Go back to the inbox if all went well; else say what became of each."""
    if all(answer.error is None for answer in answers):
        return view.go(tab=view.said("tab"), note="bulk", count=len(answers))
    titles = {task.id: task.title for task in await _tasks(view, [answer.task_id for answer in answers])}
    return await view.page("bulk_result.html", 409, answers=answers, titles=titles)


async def _tasks(view: View, ids: Sequence[UUID]) -> list[Task]:
    """Return those of the tasks that the visitor may see."""
    found = []
    for id_ in ids:
        with suppress(TaskNotFoundError):
            found.append(await view.engine.tasks.get(id_, actor=view.visitor.seeing))
    return found


def _needs_no_form(view: View, task: Task) -> bool:
    schema = task.form_schema
    return task.is_open and (schema is None or not view.engine.forms.problems(schema, {}))


def _chosen(sent: FormMultiDict) -> list[UUID]:
    """Return the selected tasks, each once; what is no id is left out."""
    found: dict[UUID, None] = {}
    for text in sent.getall("task", [])[:MOST]:
        with suppress(ValueError):
            found[UUID(str(text))] = None
    return list(found)
