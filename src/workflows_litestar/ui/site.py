"""The pages, and where they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from litestar import Request, Response, Router, post
from litestar.di import NamedDependency, Provide

from workflows_litestar.dependencies import Engine
from workflows_litestar.identity import Acting
from workflows_litestar.ui import csrf
from workflows_litestar.ui.absence import AbsenceController
from workflows_litestar.ui.bulk import BulkController
from workflows_litestar.ui.dashboard import DashboardController
from workflows_litestar.ui.failures import exception_handlers
from workflows_litestar.ui.headers import MARK
from workflows_litestar.ui.inbox import InboxController
from workflows_litestar.ui.instances import InstanceController
from workflows_litestar.ui.static import static_file
from workflows_litestar.ui.tasks import TaskController
from workflows_litestar.ui.view import View
from workflows_litestar.ui.visitor import LONGEST_NAME, remembering, visitor_of
from workflows_litestar.ui.workflows import WorkflowController

if TYPE_CHECKING:
    from collections.abc import Sequence

    from litestar.types import Guard

    from workflows_core.actors import Actor

MAX_FORM = 4 * 1024 * 1024
"""How many bytes a form may have."""


def ui_router(prefix: str, guards: Sequence[Guard], people: Sequence[Actor]) -> Router:
    """Return the pages.

    Args:
        prefix: Where they are.
        guards: What every request for a page must pass; stylesheets and scripts need not.
        people: Whom a visitor may choose to be where no identity is configured.
    """

    async def provide_view(
        request: Request[Any, Any, Any], workflow_engine: Engine, workflow_actor: Acting
    ) -> View:
        return View(request, workflow_engine, visitor_of(request, workflow_actor, people), prefix)

    pages = Router(
        "/",
        route_handlers=[
            InboxController,
            TaskController,
            WorkflowController,
            InstanceController,
            DashboardController,
            BulkController,
            AbsenceController,
            choose_visitor,
        ],
        guards=guards,
        before_request=csrf.check,
        dependencies={"view": Provide(provide_view)},
        request_max_body_size=MAX_FORM,
    )
    files = Router("/static", route_handlers=[static_file])
    return Router(
        prefix,
        route_handlers=[files, pages],
        include_in_schema=False,
        exception_handlers=exception_handlers(prefix),
        opt={MARK: True},
    )


@post("/visitor")
async def choose_visitor(request: Request[Any, Any, Any], view: NamedDependency[View]) -> Response[str]:
    """Note whom the visitor says they are, where the application does not know it."""
    form = await request.form()
    name = str(form.get("name", "")).strip()[:LONGEST_NAME]
    if view.visitor.is_identified:
        return view.go()
    return view.go(cookie=remembering(name, view.prefix or "/"))
