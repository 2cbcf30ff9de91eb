"""Where things wait, on the graph: how many are at each step, and the hotter the longer one of them has not moved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from workflows_core.drawing.svg import Extras
from workflows_litestar.ui import times

if TYPE_CHECKING:
    from workflows_core.definitions import WorkflowDefinition
    from workflows_core.statistics import Flow
    from workflows_litestar.ui.view import View

_COOL: Final = 3600.0
"""A wait of so many seconds glows at most half: nobody shall worry about the longest of very short waits."""


def heated(
    view: View, flow: Flow, definition: WorkflowDefinition, *, links: Mapping[str, str] | None = None
) -> Extras:
    """Return what to draw on the graph of a definition."""
    key = (definition.name, definition.version)
    here = [each for each in flow.steps if (each.definition_name, each.definition_version) == key]
    waits = {each.step: (flow.at - each.unmoved_since).total_seconds() for each in here}
    longest = max((_COOL * 2, *waits.values()))
    return Extras(
        badges={
            each.step: f"{each.count} · {times.short(view.texts, each.unmoved_since, flow.at)}"
            for each in here
        },
        heat={step: max(seconds, 0.0) / longest for step, seconds in waits.items()},
        links=links or {},
    )
