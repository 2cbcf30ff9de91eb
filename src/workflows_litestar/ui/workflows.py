"""The workflows that can be started, and what each of them looks like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from attrs import evolve
from litestar import Controller, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from markupsafe import Markup

from workflows_core.diagram import diagram_of
from workflows_core.drawing.svg import svg
from workflows_core.errors import FormValidationError, InvalidDataError
from workflows_core.mermaid import mermaid
from workflows_core.ports import InstanceQuery
from workflows_core.statistics import flow
from workflows_core.validation import validate
from workflows_litestar.ui import forms
from workflows_litestar.ui.heat import heated
from workflows_litestar.ui.tasks import text_of
from workflows_litestar.ui.view import View, words_of

if TYPE_CHECKING:
    from workflows_core.definitions import WorkflowDefinition
    from workflows_litestar.ui.forms import Form

LATEST: Final = 5
"""How many of the newest instances a workflow's page lists."""


class WorkflowController(Controller):
    """Workflows."""

    path = "/workflows"

    @get("/")
    async def list_workflows(self, view: NamedDependency[View]) -> Response[str]:
        """Show the workflows that can be started."""
        return await view.page("workflows.html", definitions=view.engine.registry.list_definitions())

    @get("/{name:str}")
    async def show(self, view: NamedDependency[View], name: FromPath[str]) -> Response[str]:
        """Show a workflow."""
        definition = _definition(view, name)
        diagram = diagram_of(definition)
        title = view.texts("workflow.graph_of", name=words_of(name))
        now_at = await flow(view.engine, view.visitor.seeing, workflow=name, days=1)
        extras = heated(view, now_at, definition, links=_links(definition))
        query = InstanceQuery(definition_name=name, limit=LATEST)
        return await view.page(
            "workflow.html",
            definition=definition,
            graph=Markup(svg(diagram, title=title, extras=extras)),  # noqa: S704 - all text in it is escaped
            mermaid=mermaid(diagram),
            problems=validate(definition, view.engine.forms),
            versions=list(reversed(view.engine.registry.get_versions(name))),
            latest=await view.engine.find_instances(query, actor=view.visitor.seeing),
        )

    @get("/{name:str}/start")
    async def begin(self, view: NamedDependency[View], name: FromPath[str]) -> Response[str]:
        """Show the form to start a workflow with."""
        definition = _definition(view, name)
        return await _form(view, definition, forms.empty(definition.input_schema), key=uuid4().hex)

    @post("/{name:str}/form")
    async def more(
        self, request: Request[Any, Any, Any], view: NamedDependency[View], name: FromPath[str]
    ) -> Response[str]:
        """Show the form again with room for another item of a list."""
        sent, definition = await request.form(), _definition(view, name)
        form, _ = forms.submitted(definition.input_schema, sent)
        return await _form(view, definition, evolve(form, problems={}), key=text_of(sent, "key"))

    @post("/{name:str}/start")
    async def start(
        self, request: Request[Any, Any, Any], view: NamedDependency[View], name: FromPath[str]
    ) -> Response[Any]:
        """Start a workflow; the same form sent twice starts it once."""
        sent, definition = await request.form(), _definition(view, name)
        form, entered = forms.submitted(definition.input_schema, sent)
        key, mark = text_of(sent, "key"), text_of(sent, "mark")
        problems = forms.all_problems(view.engine.forms, definition.input_schema, entered)
        try:
            if problems:
                raise FormValidationError(name, problems)
            instance = await view.engine.start_workflow(
                definition.name,
                entered.data,
                version=definition.version,
                user_id=view.visitor.name,
                tenant_id=view.visitor.actor.tenant_id,
                correlation_id=mark or None,
                idempotency_key=key or None,
            )
        except FormValidationError as error:
            form = evolve(form, problems=forms.by_pointer(error.problems))
            return await _form(view, definition, form, key=key, mark=mark, status=400)
        except InvalidDataError as error:
            form = evolve(form, problems={error.pointer: (f"{error.detail}.",)})
            return await _form(view, definition, form, key=key, mark=mark, status=400)
        return view.go("instances", instance.id, note="started")


def _definition(view: View, name: str) -> WorkflowDefinition:
    return view.engine.registry.get_definition(name, view.said("version") or None)


async def _form(
    view: View, definition: WorkflowDefinition, form: Form, *, key: str, mark: str = "", status: int = 200
) -> Response[str]:
    return await view.page("start.html", status, definition=definition, form=form, key=key, mark=mark)


def _links(definition: WorkflowDefinition) -> dict[str, str]:
    return {step: f"#step-{number}" for number, step in enumerate(definition.steps)}
