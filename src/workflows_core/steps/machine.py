"""Steps that a runner executes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from workflows_core.steps.base import Join, Step, StepKind

if TYPE_CHECKING:
    from workflows_core.context import WorkflowContext
    from workflows_core.retry import RetryPolicy


class BaseMachineStep(Step):
    """A step that a runner executes.

    Attributes:
        merge_output: Merge a dict returned by `execute` into the data of the instance. Otherwise it is
            only recorded as the step's output.
        retry: How often a failed execution is tried again, and when; `None` fails the step at once.
        timeout: How long one execution may take, as a `timedelta` or in seconds; `None` for as long as it likes.
            Only what waits (`await`) can be stopped: code that blocks the event loop runs to its end.
        transactional: Run inside the transaction that commits the step, with `context.session` for the step's own
            writes: both happen, exactly once, or neither. A transaction stays open for as long as the step runs.
        max_losses: How often in a row the process may die that executes the step. Then the step fails: it may be
            what kills it.
    """

    kind = StepKind.MACHINE
    specified = (*Step.specified, "merge_output", "retry", "timeout", "transactional", "max_losses")

    merge_output: bool = False
    retry: RetryPolicy | None = None
    timeout: timedelta | float | None = None
    transactional: bool = False
    max_losses: int = 5

    def __init__(
        self,
        name: str | None = None,
        description: str | None = None,
        *,
        title: str | None = None,
        join: Join | None = None,
        terminate: bool | None = None,
        merge_output: bool | None = None,
        retry: RetryPolicy | None = None,
        timeout: timedelta | float | None = None,
        transactional: bool | None = None,
        max_losses: int | None = None,
    ) -> None:
        super().__init__(name, description, title=title, join=join, terminate=terminate)
        self._set(
            {
                "merge_output": merge_output,
                "retry": retry,
                "timeout": timeout,
                "transactional": transactional,
                "max_losses": max_losses,
            }
        )

    async def execute(self, context: WorkflowContext) -> object:
        """Do the work; what is set on the context and the JSON that is returned are kept.

        It may be called again with the same `context.idempotency_key` if a process died before the
        result was committed, and never after that.
        """
        msg = f"{type(self).__name__} must define execute(context)"
        raise NotImplementedError(msg)

    async def can_execute(self, context: WorkflowContext) -> bool:
        """Say whether the step is to be executed this time; if not, it is skipped and the run goes on."""
        return True

    async def on_success(self, context: WorkflowContext, result: object) -> None:
        """React to a successful execution, before it is committed; what it sets is kept too."""

    async def on_failure(self, context: WorkflowContext, error: Exception) -> None:
        """React to a failed execution; what it sets on the context is dropped with the rest."""
