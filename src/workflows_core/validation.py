"""Everything that is wrong with a definition, in one report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from workflows_core.definitions import WorkflowDefinition


@frozen(kw_only=True)
class Problem:
    """One thing that is wrong with a definition."""

    code: str
    detail: str
    is_error: bool = True


def validate(definition: WorkflowDefinition) -> tuple[Problem, ...]:
    """Return everything that is wrong with a definition; nothing if it is fine."""
    return ()
