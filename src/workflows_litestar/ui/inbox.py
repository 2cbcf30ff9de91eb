"""The inbox: what there is to do."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final
from uuid import UUID

from attrs import evolve, field, frozen
from litestar import Controller, Response, get
from litestar.di import NamedDependency

from workflows_core.actors import Actor
from workflows_core.errors import TaskNotFoundError
from workflows_core.paging import Cursor
from workflows_core.ports import InstanceQuery, TaskOrder, TaskQuery
from workflows_core.states import TaskStatus
from workflows_litestar.ui.address import beginning_at, one_of, place_of
from workflows_litestar.ui.view import View

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE: Final = 25
"""How many tasks a page shows."""


class Tab(StrEnum):
    """Which tasks are shown."""

    MINE = "mine"
    """Those that are with the visitor."""
    OPEN = "open"
    """Those that they could take."""
    OVERDUE = "overdue"
    """Both of these, as far as they are late."""
    ALL = "all"
    """All that they may see."""


@frozen
class Filter:
    """What the visitor asks for.

    Attributes:
        tab: Which tasks.
        text: Words in their titles.
        workflow: The workflow they belong to.
        status: Their status; only asked for among all.
        is_late: Whether only what is overdue is asked for; only among all.
        order: In which order.
        after: Where the page begins.
    """

    tab: Tab
    text: str
    workflow: str
    status: TaskStatus
    order: TaskOrder
    is_late: bool = False
    after: Cursor | None = field(default=None)

    @classmethod
    def of(cls, view: View) -> Filter:
        """Read it from the address; what cannot be read there asks for nothing."""
        usual = Tab.MINE if view.visitor.name is not None else Tab.ALL
        tab = one_of(Tab, view.said("tab"), usual)
        status = one_of(TaskStatus, view.said("status"), TaskStatus.PENDING)
        is_late = tab is Tab.ALL and bool(view.said("late"))
        return cls(
            tab=tab,
            text=view.said("q")[:200],
            workflow=view.said("workflow"),
            status=status if tab is Tab.ALL and not is_late else TaskStatus.PENDING,
            order=one_of(TaskOrder, view.said("order"), TaskOrder.DUE),
            is_late=is_late,
            after=place_of(view.said("after")),
        )

    @property
    def is_narrow(self) -> bool:
        """Whether the visitor asked for less than the tab holds."""
        return bool(self.text or self.workflow or self.status is not TaskStatus.PENDING or self.is_late)

    @property
    def address(self) -> Mapping[str, object]:
        """What stands in the address for it, but for the place."""
        status = self.status if self.status is not TaskStatus.PENDING else ""
        order = self.order if self.order is not TaskOrder.DUE else ""
        return {
            "tab": self.tab, "q": self.text, "workflow": self.workflow, "status": status, "order": order,
            "late": "1" if self.is_late else "",
        }  # fmt: skip


def query(view: View, asked: Filter, tab: Tab) -> TaskQuery:
    """Return the query for a tab."""
    known = TaskQuery(
        status=asked.status if tab is Tab.ALL else TaskStatus.PENDING,
        text=asked.text or None,
        definition_name=asked.workflow or None,
        order=asked.order,
    )
    if tab is Tab.ALL:
        return evolve(known, due_before=view.now) if asked.is_late else known
    actor = view.visitor.seeing or Actor(view.visitor.name)
    known = evolve(known, for_actor=actor)
    if tab is Tab.OVERDUE:
        return evolve(known, due_before=view.now)
    return evolve(known, is_free=tab is Tab.OPEN)


class InboxController(Controller):
    """What there is to do."""

    path = "/"

    @get("/")
    async def inbox(self, view: NamedDependency[View]) -> Response[str]:
        """Show what there is to do."""
        asked, tasks = Filter.of(view), view.engine.tasks
        counts = {tab: await tasks.count(query(view, asked, tab), actor=view.visitor.seeing) for tab in Tab}
        wanted = evolve(query(view, asked, asked.tab), limit=PAGE)
        page = await tasks.page(beginning_at(asked.after, wanted), actor=view.visitor.seeing)
        cases = InstanceQuery(ids=frozenset(task.instance_id for task in page.items))
        found = await view.engine.find_instances(cases) if page.items else ()  # who sees a task sees its case
        return await view.page(
            "inbox.html",
            cases={case.id: case for case in found},
            asked=asked,
            counts=counts,
            page=page,
            tabs=list(Tab),
            orders=list(TaskOrder),
            statuses=list(TaskStatus),
            workflows=view.workflows,
            done=await _done(view),
        )


async def _done(view: View) -> object:
    """Return the task that was just done, if the address names one."""
    try:
        return await view.engine.tasks.get(UUID(view.said("about")), actor=view.visitor.seeing)
    except (ValueError, TaskNotFoundError):
        return None
