"""The kinds of steps, and what an author can say about each.

A step is a small object that users subclass. Every option can be given as a class attribute
or as a constructor argument; the argument wins. Steps hold no state of a run: the same object
serves all instances of its definition, at the same time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from datetime import datetime

    from workflows_core.context import WorkflowContext

Join: TypeAlias = Literal["all", "any"] | int


class StepKind(StrEnum):
    """What a step is, for graphs and for the engine."""

    MACHINE = "machine"
    HUMAN = "human"
    GATEWAY = "gateway"


class Step:
    """What all steps have in common.

    Attributes:
        name: The step's name, unique in its definition. Where it is not given, the key under which
            the step stands in the definition is its name.
        title: What people read; made from the name where it is not given.
        description: More about it, for people.
        join: When a step with several incoming edges begins: `"all"` waits for every branch that
            can still come, `"any"` begins once for each that comes, a number begins at that
            arrival and cancels what was still on its way.
        terminate: Completing this step ends all other branches of the instance at once.
    """

    kind: ClassVar[StepKind]
    specified: ClassVar[tuple[str, ...]] = ("title", "description", "join", "terminate")
    """The attributes that are part of what a definition says."""

    name: str = ""
    title: str = ""
    description: str = ""
    join: Join = "all"
    terminate: bool = False

    def __init__(
        self,
        name: str | None = None,
        description: str | None = None,
        *,
        title: str | None = None,
        join: Join | None = None,
        terminate: bool | None = None,
    ) -> None:
        given = {
            "name": name,
            "description": description,
            "title": title,
            "join": join,
            "terminate": terminate,
        }
        self._set(given)

    def _set(self, given: Mapping[str, object]) -> None:
        """Keep the arguments that were given; the class attributes stand for the others."""
        for attribute, value in given.items():
            if value is not None:
                setattr(self, attribute, value)

    @property
    def label(self) -> str:
        """The title, or the name written for people."""
        return self.title or self.name.replace("_", " ").title()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"


class BaseMachineStep(Step):
    """A step that a runner executes.

    Attributes:
        merge_output: Merge a dict returned by `execute` into the data of the instance. Otherwise it is
            only recorded as the step's output.
    """

    kind = StepKind.MACHINE
    specified = (*Step.specified, "merge_output")

    merge_output: bool = False

    def __init__(
        self,
        name: str | None = None,
        description: str | None = None,
        *,
        title: str | None = None,
        join: Join | None = None,
        terminate: bool | None = None,
        merge_output: bool | None = None,
    ) -> None:
        super().__init__(name, description, title=title, join=join, terminate=terminate)
        self._set({"merge_output": merge_output})

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
                "outcomes": None if outcomes is None else tuple(outcomes),
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


class Gateway(Step):
    """A step without work of its own: it only chooses the ways out."""

    kind = StepKind.GATEWAY


class ExclusiveGateway(Gateway):
    """Go on along exactly one edge.

    `condition` is a callable of the context (plain or async) that returns the name of one target.
    Without it, the first outgoing edge whose own condition holds is taken, in the order in which
    the edges were written, and the default edge if none does.
    """

    specified = (*Step.specified, "condition")

    condition: Callable[[WorkflowContext], str | Awaitable[str]] | None = None

    def __init__(
        self,
        name: str | None = None,
        condition: Callable[[WorkflowContext], str | Awaitable[str]] | None = None,
        description: str | None = None,
        *,
        title: str | None = None,
        join: Join | None = None,
    ) -> None:
        super().__init__(name, description, title=title, join=join)
        self._set({"condition": condition})


class InclusiveGateway(Gateway):
    """Go on along one or more edges: `condition` returns the names of the targets."""

    specified = (*Step.specified, "condition")

    condition: Callable[[WorkflowContext], Iterable[str] | Awaitable[Iterable[str]]] | None = None

    def __init__(
        self,
        name: str | None = None,
        condition: Callable[[WorkflowContext], Iterable[str] | Awaitable[Iterable[str]]] | None = None,
        description: str | None = None,
        *,
        title: str | None = None,
        join: Join | None = None,
    ) -> None:
        super().__init__(name, description, title=title, join=join)
        self._set({"condition": condition})


class ParallelGateway(Gateway):
    """Go on along all edges; `branches` names targets that need no edge of their own."""

    specified = (*Step.specified, "branches")

    branches: Iterable[str] = ()

    def __init__(
        self,
        name: str | None = None,
        branches: Iterable[str] | None = None,
        description: str | None = None,
        *,
        title: str | None = None,
        join: Join | None = None,
    ) -> None:
        super().__init__(name, description, title=title, join=join)
        self._set({"branches": None if branches is None else tuple(branches)})


STEP_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,200}")
"""What a step may be called: up to 200 characters, none of them a control character."""


STEP_TYPES: Final[Mapping[str, type[Step]]] = MappingProxyType(
    {
        kind.__name__: kind
        for kind in (BaseMachineStep, BaseHumanStep, ExclusiveGateway, InclusiveGateway, ParallelGateway)
    }
)
"""The classes that authors use or derive from, by name."""

OPTION_TYPES: Final[Mapping[str, type]] = MappingProxyType({})
"""The classes of values that options take, by name."""


def base_of(kind: type[Step]) -> type[Step]:
    """Return the nearest of `STEP_TYPES` that a class of steps is derived from."""
    return next(base for base in kind.__mro__ if STEP_TYPES.get(base.__name__) is base)
