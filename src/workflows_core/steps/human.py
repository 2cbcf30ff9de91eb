"""Steps that a person completes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workflows_core.steps.base import Join, Step, StepKind, in_order

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Mapping
    from datetime import datetime

    from workflows_core.calendar import Span, WorkingCalendar
    from workflows_core.context import WorkflowContext
    from workflows_core.deadlines import Stage
    from workflows_core.policies import Policies


class BaseHumanStep(Step):
    """A step that a person completes: it opens a task and waits.

    The hooks are asked when the task is opened. Each may be a plain or an async method.

    Attributes:
        form_schema: JSON Schema of what is to be submitted; `None` accepts any JSON object.
        outcomes: The named ways the task can be decided; edges follow them with `on=`.
        assignee_key: Key of the instance data that holds the assignee.
        assignee_group: The group the task is offered to.
        due: How long the task may take from when it is opened: a `timedelta`, seconds, or `working_hours(8)`; a date that
            `get_due_date` names comes first. `None` for no deadline.
        escalation: What happens before and after it is due, as stages: `Remind`, `AddCandidates`, `HandOver`, `Expire`.
        calendar: When people work: what working hours are counted in.
        policies: Rules about who may decide here, besides those of the definition.
        shows: Keys of the instance data that belong to what is decided; `None` for all of it. When what a task shows
            changes, its revision does.
        requires_revision: Whether completing the task must quote the revision of it that was seen.
    """

    kind = StepKind.HUMAN
    specified = (
        *Step.specified, "form_schema", "outcomes", "assignee_key", "assignee_group", "due", "escalation", "calendar",
        "policies", "shows", "requires_revision",
    )  # fmt: skip

    form_schema: Mapping[str, object] | None = None
    outcomes: Iterable[str] = ()
    assignee_key: str | None = None
    assignee_group: str | None = None
    due: Span | None = None
    escalation: Iterable[Stage] = ()
    calendar: WorkingCalendar | None = None
    policies: Policies | None = None
    shows: Iterable[str] | None = None
    requires_revision: bool = False

    def __init__(
        self,
        name: str | None = None,
        title: str | None = None,
        description: str | None = None,
        form_schema: Mapping[str, object] | None = None,
        assignee_key: str | None = None,
        *,
        outcomes: Iterable[str] | None = None,
        assignee_group: str | None = None,
        due: Span | None = None,
        escalation: Iterable[Stage] | None = None,
        calendar: WorkingCalendar | None = None,
        policies: Policies | None = None,
        shows: Iterable[str] | None = None,
        requires_revision: bool | None = None,
        join: Join | None = None,
        terminate: bool | None = None,
    ) -> None:
        super().__init__(name, description, title=title, join=join, terminate=terminate)
        self._set(
            {
                "form_schema": form_schema,
                "assignee_key": assignee_key,
                "outcomes": in_order(outcomes),
                "assignee_group": assignee_group,
                "due": due,
                "escalation": None if escalation is None else tuple(escalation),
                "calendar": calendar,
                "policies": policies,
                "shows": in_order(shows),
                "requires_revision": requires_revision,
            }
        )

    @property
    def shown_keys(self) -> tuple[str, ...] | None:
        """The keys in `shows`, in order; `None` for all."""
        return None if self.shows is None else tuple(sorted(self.shows))

    def get_assignee(self, context: WorkflowContext) -> str | Awaitable[str | None] | None:
        """Name who is to do it; by default the value under `assignee_key`, `None` for nobody yet."""
        return context.get(self.assignee_key) if self.assignee_key else None

    def get_assignee_group(self, context: WorkflowContext) -> str | Awaitable[str | None] | None:
        """Name the group it is offered to; by default `assignee_group`."""
        return self.assignee_group

    def get_candidate_users(self, context: WorkflowContext) -> Iterable[str] | Awaitable[Iterable[str]]:
        """Name others who may take it."""
        return ()

    def get_candidate_groups(self, context: WorkflowContext) -> Iterable[str] | Awaitable[Iterable[str]]:
        """Name other groups whose members may take it."""
        return ()

    def get_due_date(self, context: WorkflowContext) -> datetime | Awaitable[datetime | None] | None:
        """Say when it should be done, as an aware datetime; `None` for what `due` says."""
        return None

    def get_reminder_date(self, context: WorkflowContext) -> datetime | Awaitable[datetime | None] | None:
        """Say when to remind of it, as an aware datetime, besides what `escalation` says; `None` for not at all."""
        return None

    def get_priority(self, context: WorkflowContext) -> int | Awaitable[int]:
        """Say how urgent it is: higher comes first, 0 is ordinary."""
        return 0
