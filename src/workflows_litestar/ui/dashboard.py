"""How things stand: what is going on, what is late, how much gets done, and where things wait longest."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

from attrs import frozen
from litestar import Controller, Response, get
from litestar.di import NamedDependency
from markupsafe import Markup

from workflows_core.diagram import diagram_of
from workflows_core.drawing.svg import svg
from workflows_core.states import FINAL, InstanceStatus
from workflows_core.statistics import flow, statistics
from workflows_litestar.ui.heat import heated
from workflows_litestar.ui.view import View, words_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from workflows_core.statistics import Flow, Statistics

SLOWEST: Final = 8
"""How many steps are listed where things wait longest."""
MAPS: Final = 3
"""Of how many workflows the graph is drawn."""

HEIGHT: Final = 96
WIDTH: Final = 30


@frozen
class Bar:
    """What got done on one day, as a bar.

    Attributes:
        day: The day.
        count: How many ended.
        x: Where the bar stands.
        y: Where it begins, from above.
        height: How high it is.
    """

    day: date
    count: int
    x: int
    y: int
    height: int


class DashboardController(Controller):
    """How things stand."""

    path = "/dashboard"

    @get("/")
    async def show(self, view: NamedDependency[View]) -> Response[str]:
        """Show how things stand with what the visitor may see."""
        figures = await statistics(view.engine, view.visitor.seeing)
        moving = await flow(view.engine, view.visitor.seeing)
        return await view.page(
            "dashboard.html",
            figures=figures,
            statuses=[status for status in InstanceStatus if status not in FINAL],
            workflows=list(_workflows(figures)),
            slowest=sorted(moving.steps, key=lambda each: each.unmoved_since)[:SLOWEST],
            bars=_bars(moving.ended),
            chart=(len(moving.ended) * WIDTH, HEIGHT),
            maps=list(_maps(view, moving)),
        )


def _workflows(figures: Statistics) -> Iterator[tuple[str, Mapping[InstanceStatus, int]]]:
    for name, tallies in groupby(figures.tallies, lambda each: each.definition_name):
        counts = dict.fromkeys(InstanceStatus, 0)
        for each in tallies:
            counts[each.status] += each.count
        yield name, counts


def _bars(ended: Mapping[date, int]) -> list[Bar]:
    most = max((*ended.values(), 1))
    heights = [round((HEIGHT - 36) * count / most) for count in ended.values()]
    return [
        Bar(day, count, number * WIDTH, HEIGHT - 18 - height, height)
        for number, ((day, count), height) in enumerate(zip(ended.items(), heights, strict=True))
    ]


def _maps(view: View, moving: Flow) -> Iterator[tuple[str, str, Markup]]:
    """Yield the graphs of the workflows in which most is going on: name, version, drawing."""
    counts: dict[tuple[str, str], int] = {}
    for each in moving.steps:
        key = (each.definition_name, each.definition_version)
        counts[key] = counts.get(key, 0) + each.count
    for name, version in sorted(counts, key=lambda key: (-counts[key], key))[:MAPS]:
        definition = view.engine.registry.find_definition(name, version)
        if definition is not None:
            title = view.texts("dashboard.map_of", name=words_of(name))
            extras = heated(view, moving, definition)
            yield name, version, Markup(svg(diagram_of(definition), title=title, extras=extras))  # noqa: S704 - all text in it is escaped
