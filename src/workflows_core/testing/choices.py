"""What a simulation is told: how people, gateways and the outside answer, and what stands in for machine steps."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from attrs import frozen

from workflows_core.errors import WorkflowError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from workflows_core.definitions import WorkflowDefinition
    from workflows_core.steps import Step
    from workflows_core.tasks import Task


class SimulationError(WorkflowError):
    """A simulation was told something that does not fit its workflow, or does not come to rest."""


@frozen
class Answer:
    """How a task is completed, a message arrives, or a call from outside comes in.

    Attributes:
        data: The submitted form, or the payload; by default nothing, or with a seed what chance makes of the form.
        outcome: The outcome of the task, where the step has named ones.
        by: Who completes the task; by default its assignee, or else `"somebody"`.
        comment: What is said on completing the task.
        after: How long after the step was reached it happens.
    """

    data: Any = None
    outcome: str | None = None
    by: str | None = None
    comment: str | None = None
    after: timedelta = timedelta(0)


Choice: TypeAlias = object
"""What happens at a step, each time it is reached; a list is gone through once, one item at each visit.

For a human step: an outcome, the submitted data, an `Answer` with more, or a function of the task that returns
one of these. For a gateway, and for a machine step whose edges have conditions: the step to go on to, a tuple of
several, or a function of the context that returns either; its conditions are not asked then. For a step that waits for
a message or a call: an `Answer`, or the payload.
"""

Fake: TypeAlias = object
"""What happens instead of a machine step's `execute`: a function of the context, an error to raise, or a value to
return; a list is gone through once, one item at each execution."""


NONE: Final = object()
"""No choice at all; `None` may be one."""


class Script:
    """What is given for some steps, and how much of it is left."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._left: dict[str, Iterator[Any]] = {
            name: iter(choice) if isinstance(choice, list) else repeat(choice)
            for name, choice in given.items()
        }
        self._taken: dict[str, Any] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(self._left)

    def __contains__(self, step: str) -> bool:
        return step in self._left

    def take(self, step: str) -> Any:
        """Return what is given for the next visit of a step, `NONE` if nothing is (any more)."""
        taken = self._taken[step] = next(self._left.get(step, iter(())), NONE)
        return taken

    def give_back(self, step: str) -> None:
        """Let what was taken last for a step be taken again."""
        taken = self._taken.pop(step, NONE)
        if taken is not NONE:
            self._left[step] = chain([taken], self._left[step])


def check_steps(definition: WorkflowDefinition, given: Iterable[str], what: str) -> None:
    """Check that something is given for steps only.

    Raises:
        SimulationError: If it is not; naming the steps there are.
    """
    unknown = [name for name in given if name not in definition.steps]
    if unknown:
        known = ", ".join(map(repr, definition.steps))
        msg = f"{what} name {', '.join(map(repr, unknown))}, which is no step; the steps are {known}."
        raise SimulationError(msg)


def answer_for(step: Step, task: Task | None, choice: Any) -> Answer:
    """Read the choice for a step that waits for somebody or something outside."""
    while callable(choice):
        choice = choice(task)
    if isinstance(choice, Answer):
        return choice
    if task is None:
        return Answer(choice)
    if isinstance(choice, str):
        return Answer(outcome=choice)
    if isinstance(choice, Mapping):
        return Answer(choice)
    msg = f"{choice!r} is no way to complete {step.name!r}: give an outcome, the data, or an Answer."
    raise SimulationError(msg)
