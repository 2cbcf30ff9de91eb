"""Draws the workflows that pages talk about, with the drawing of the core."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from examples.travel.process import TravelRequest
from workflows_core.diagram import diagram_of
from workflows_core.drawing.svg import svg

_TUTORIAL: Final = Path(__file__).parents[1] / "tutorial.md"


def expense() -> str:
    """Draw the workflow of the tutorial, from the code that stands there."""
    code = re.search(r"```python\n(# expense\.py\n.*?)```", _TUTORIAL.read_text(encoding="utf-8"), re.DOTALL)
    assert code is not None
    names: dict[str, Any] = {"__name__": "expense"}
    exec(code[1], names)  # noqa: S102 - a page of this project, which the tests run as well
    return _drawn(names["Expense"], "The expense approval of the tutorial")


def travel() -> str:
    """Draw the travel example."""
    return _drawn(TravelRequest, "The travel example")


def _drawn(workflow: Any, title: str) -> str:
    return svg(diagram_of(workflow.get_definition()), title=title, standalone=True) + "\n"
