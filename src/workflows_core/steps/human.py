"""Steps that a person completes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workflows_core.steps.base import Join, Step, StepKind, in_order

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Mapping
    from datetime import datetime

    from workflows_core.context import WorkflowContext


class BaseHumanStep(Step):
    """A step that a person completes: it opens a task and waits.

    The hooks are asked when the task is opened. Each may be a plain or an async method.

    Attributes:
        form_schema: JSON Schema of what is to be submitted; `None` accepts any JSON object.
        outcomes: The named ways the task can be decided; edges follow them with `on=`.
        assignee_key: Key of the instance data that holds the assignee.
        assignee_group: The group the task is offered to.
    """

    kind = StepKind.HUMAN
    specified = (*Step.specified, "form_schema", "outcomes", "assignee_key", "assignee_group")

    form_schema: Mapping[str, object] | None = None
    outcomes: Iterable[str] = ()
    assignee_key: str | None = None
    assignee_group: str | None = None

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
            }
        )

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
        """Say when it should be done, as an aware datetime; `None` for no deadline."""
        return None

    def get_priority(self, context: WorkflowContext) -> int | Awaitable[int]:
        """Say how urgent it is: higher comes first, 0 is ordinary."""
        return 0
