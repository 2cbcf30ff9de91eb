"""What is going on and what went on: instances, and each of them with everything that happened."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from attrs import frozen
from litestar import Controller, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Stream
from markupsafe import Markup

from workflows_core.diagram import diagram_of
from workflows_core.drawing.svg import Extras, svg
from workflows_core.errors import (
    InvalidDataError,
    InvalidOutcomeError,
    InvalidTransitionError,
    NotPermittedError,
    StepNotFoundError,
)
from workflows_core.feed import Place
from workflows_core.history import step_executions
from workflows_core.paging import Cursor
from workflows_core.permissions import Action, may, policies_of
from workflows_core.ports import InstanceOrder, InstanceQuery, TaskQuery
from workflows_core.searchable import read_value
from workflows_core.states import FINAL, INSTANCE_COMMANDS, InstanceStatus
from workflows_litestar.streams import OpenStreams
from workflows_litestar.ui.address import beginning_at, day_of, one_of, place_of
from workflows_litestar.ui.failures import status_of
from workflows_litestar.ui.history import places, told
from workflows_litestar.ui.present import facts
from workflows_litestar.ui.tasks import text_of
from workflows_litestar.ui.view import View, words_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from workflows_core.definitions import WorkflowDefinition
    from workflows_core.instance import Instance

PAGE: Final = 25
"""How many instances a page shows."""

LONGEST_VALUE: Final = 255
"""How many characters of a value are looked for."""

OPERATIONS: Final = (Action.RETRY, Action.SKIP, Action.MOVE, Action.SUSPEND, Action.RESUME, Action.CANCEL)


@frozen(kw_only=True)
class Filter:
    """What the visitor asks for.

    Attributes:
        status: Only those in this status.
        workflow: Only those of this workflow.
        created_by: Only those that somebody started.
        mark: Only those with this mark.
        step: Only those that are at this step.
        since: Only those started on this day (UTC) or later.
        until: Only those started on this day (UTC) or earlier.
        path: Where in the data to look, of what definitions declare as searchable.
        value: What must be there.
        order: In which order.
        after: Where the page begins.
    """

    status: InstanceStatus | None
    workflow: str
    created_by: str
    mark: str
    step: str
    since: date | None
    until: date | None
    path: str
    value: str
    order: InstanceOrder
    after: Cursor | None = None

    @classmethod
    def of(cls, view: View) -> Filter:
        """Read it from the address; what cannot be read there asks for nothing."""
        path = view.said("path")
        return cls(
            status=one_of(InstanceStatus, view.said("status"), None),
            workflow=view.said("workflow"),
            created_by=view.said("created_by"),
            mark=view.said("mark"),
            step=view.said("step"),
            since=day_of(view.said("since")),
            until=day_of(view.said("until")),
            path=path if path in view.engine.registry.searchable(view.said("workflow") or None) else "",
            value=view.said("value")[:LONGEST_VALUE],
            order=one_of(InstanceOrder, view.said("order"), InstanceOrder.NEWEST),
            after=place_of(view.said("after")),
        )

    @property
    def is_narrow(self) -> bool:
        """Whether the visitor asked for less than there is."""
        return any(value for name, value in self.address.items() if name != "order")

    @property
    def is_detailed(self) -> bool:
        """Whether the visitor asked for what is seldom asked for."""
        return bool(
            self.step or self.since or self.until or (self.path and self.value) or self.address["order"]
        )

    @property
    def address(self) -> Mapping[str, object]:
        """What stands in the address for it, but for the place."""
        return {
            "status": self.status, "workflow": self.workflow, "created_by": self.created_by, "mark": self.mark,
            "step": self.step, "since": self.since, "until": self.until,
            "path": self.path if self.value else "", "value": self.value if self.path else "",
            "order": "" if self.order is InstanceOrder.NEWEST else self.order,
        }  # fmt: skip

    @property
    def query(self) -> InstanceQuery:
        """The query for a page of it."""
        known = InstanceQuery(
            status=self.status,
            definition_name=self.workflow or None,
            created_by=self.created_by or None,
            correlation_id=self.mark or None,
            step=self.step or None,
            started_after=_midnight(self.since),
            started_before=_midnight(self.until, days=1),
            data={self.path: read_value(self.value)} if self.path and self.value else {},
            order=self.order,
            limit=PAGE,
        )
        return beginning_at(self.after, known)


def _midnight(day: date | None, days: int = 0) -> datetime | None:
    """Return when a day begins, or one so many days later; `None` also where the calendar ends."""
    try:
        return None if day is None else datetime.combine(day, time(), UTC) + timedelta(days)
    except OverflowError:
        return None


class InstanceController(Controller):
    """Instances."""

    path = "/instances"

    @get("/")
    async def list_instances(self, view: NamedDependency[View]) -> Response[str]:
        """Show the instances that the visitor may see."""
        asked = Filter.of(view)
        try:
            return view.go("instances", UUID(asked.mark))
        except ValueError:
            pass
        seeing, registry = view.visitor.seeing, view.engine.registry
        return await view.page(
            "instances.html",
            asked=asked,
            page=await view.engine.page_instances(asked.query, actor=seeing),
            count=await view.engine.count_instances(asked.query, actor=seeing),
            statuses=list(InstanceStatus),
            orders=list(InstanceOrder),
            workflows=view.workflows,
            paths=registry.searchable(asked.workflow or None),
        )

    @get("/{instance_id:uuid}")
    async def show(self, view: NamedDependency[View], instance_id: FromPath[UUID]) -> Response[Any]:
        """Show an instance; a page that asks again whether it has changed hears nothing if it has not."""
        if view.said("seen") and view.request.headers.get("hx-request"):
            instance = await view.engine.get_instance(instance_id, actor=view.visitor.seeing)
            if view.said("seen") == str(instance.revision):
                return Response("", status_code=204)
        return await _shown(view, instance_id)

    @get("/{instance_id:uuid}/events", media_type="text/event-stream")
    async def follow(
        self, view: NamedDependency[View], instance_id: FromPath[UUID], workflow_streams: OpenStreams
    ) -> Stream:
        """Tell a page of an instance that something has happened."""
        place = view.request.headers.get("last-event-id") or view.said("after")
        begin = Place.parse(place).number if place else None
        return await workflow_streams.follow_instance(view.engine, instance_id, begin, view.visitor.seeing)

    @post("/{instance_id:uuid}/{action:str}")
    async def operate(
        self,
        request: Request[Any, Any, Any],
        view: NamedDependency[View],
        instance_id: FromPath[UUID],
        action: FromPath[str],
    ) -> Response[Any]:
        """Do what operators do."""
        sent, engine, asking = await request.form(), view.engine, view.visitor.asking
        reason, step, outcome = text_of(sent, "reason"), text_of(sent, "step"), text_of(sent, "outcome")
        actions: dict[str, Callable[[], Awaitable[object]]] = {
            "retry": lambda: engine.retry_workflow(instance_id, reason, step=step or None, **asking),
            "skip": lambda: engine.skip_step(instance_id, step, reason, outcome=outcome or None, **asking),
            "move": lambda: engine.move_workflow(instance_id, step, reason, **asking),
            "suspend": lambda: engine.suspend_workflow(instance_id, reason, **asking),
            "resume": lambda: engine.resume_workflow(instance_id, reason, **asking),
            "cancel": lambda: engine.cancel_workflow(instance_id, reason, **asking),
        }
        if action not in actions:
            raise NotFoundException
        if not reason:
            return await _shown(view, instance_id, view.texts("instance.reason_needed"), 400)
        try:
            await actions[action]()
        except (
            InvalidTransitionError, NotPermittedError, InvalidDataError, InvalidOutcomeError, StepNotFoundError
        ) as error:  # fmt: skip
            return await _shown(view, instance_id, str(error), status_of(error))
        return view.go("instances", instance_id, note=action)


async def _shown(view: View, instance_id: UUID, trouble: str = "", status: int = 200) -> Response[str]:
    engine, seeing = view.engine, view.visitor.seeing
    record = await engine.get_record(instance_id, actor=seeing)
    instance, definition = record.instance, await engine.get_definition(record.instance)
    tasks = await engine.tasks.find(TaskQuery(instance_id=instance_id), actor=seeing)
    title = view.texts("instance.graph_of", name=words_of(instance.definition_name))
    diagram = diagram_of(definition, instance, record.entries)
    links = {task.step_name: view.url("tasks", task.id) for task in tasks}
    return await view.page(
        "instance.html",
        status,
        instance=instance,
        definition=definition,
        explanation=await engine.explain_instance(instance_id, actor=seeing),
        graph=Markup(svg(diagram, title=title, extras=Extras(links=links))),  # noqa: S704 - all text in it is escaped
        executions=step_executions(record.entries),
        history=list(reversed(told(view, record.entries, places(definition, record.entries)))),
        tasks=sorted(tasks, key=lambda task: (not task.is_open, task.created_at)),
        facts=facts(instance.data, definition.input_schema),
        operations=_operations(view, instance, definition),
        is_live=instance.status not in FINAL,
        trouble=trouble,
        note=view.said("note"),
    )


def _operations(view: View, instance: Instance, definition: WorkflowDefinition) -> list[Action]:
    """Return what the visitor may do here as an operator, and can be done as things stand."""
    possible, policies = INSTANCE_COMMANDS[instance.status], policies_of(definition)
    return [
        action
        for action in OPERATIONS
        if action.value in possible and may(view.visitor.actor, action, None, instance, policies)
    ]
