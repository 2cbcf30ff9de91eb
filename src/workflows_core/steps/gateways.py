"""Steps without work of their own: they only choose the ways out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workflows_core.steps.base import Join, Step, StepKind, in_order

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from workflows_core.context import WorkflowContext


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
        self._set({"branches": in_order(branches)})
