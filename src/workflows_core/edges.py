"""Edges: the ways between steps, as an author writes them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias, cast

from attrs import field, frozen

from workflows_core.steps import Step

if TYPE_CHECKING:
    from workflows_core.context import WorkflowContext
    from workflows_core.groups import Group

Condition: TypeAlias = "Callable[[WorkflowContext], object] | str"
StepReference: TypeAlias = "str | Step | type[Step] | Group"


def name_of(reference: StepReference) -> str:
    """Return the name that a reference stands for, or the reference itself where it has none yet.

    A group, and a step that gets its name from the definition, are looked up when the definition is
    built. What is no reference at all is left for the validation to report.
    """
    if isinstance(reference, Step) or (inspect.isclass(reference) and issubclass(reference, Step)):
        name: object = reference.name  # of a class it may be a property
        return name if isinstance(name, str) and name else cast("str", reference)
    return cast("str", reference)


@frozen
class Edge:
    """A way from one step to the next.

    Attributes:
        source: The step it leaves, by name, class or object; or the group.
        target: The step it leads to, likewise.
        condition: A callable of the context or an expression; `None` holds always.
        on: Which end of the step it belongs to: `None` any normal completion, the name of an
            outcome, `"error"`, or `"timeout"`.
        default: Taken when no conditional edge of the same step was.
    """

    source: str = field(converter=name_of)
    target: str = field(converter=name_of)
    condition: Condition | None = None
    on: str | None = None
    default: bool = False

    @property
    def is_conditional(self) -> bool:
        """Whether it may or may not be taken when its step ends in the way it belongs to."""
        return self.condition is not None

    @property
    def label(self) -> str:
        """What stands beside it in a picture; empty for a plain edge."""
        if self.condition is None:
            return self.on or ("otherwise" if self.default else "")
        text = (
            self.condition
            if isinstance(self.condition, str)
            else getattr(self.condition, "__name__", "condition")
        )
        text = "condition" if text == "<lambda>" else text
        return f"{self.on}: {text}" if self.on else text
