"""Layouts: nothing overlaps, every line leads where it should, and everybody sees which way is on."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import combinations, pairwise

from hypothesis import given
from hypothesis import strategies as st

from workflows_core.drawing.channels import Course, Tracks, Wire, assign_tracks
from workflows_core.drawing.geometry import (
    Box,
    Layout,
    Link,
    Outline,
    PlacedBox,
    PlacedLink,
    Point,
    Spacing,
    half_flat,
    half_width,
)
from workflows_core.drawing.layout import layout

PIXELS = Spacing(boxes=36, lines=20, tracks=12, leaving=16, entering=26, labels=10, ports=12, snap=16)
CELLS = Spacing(boxes=4, lines=2, tracks=1, leaving=1, entering=2, labels=1, ports=1, snap=1)

Rectangle = tuple[int, int, int, int]
"""Left, top, right, bottom."""


@st.composite
def graphs(draw: st.DrawFn, most: int = 9) -> tuple[list[Box], list[Link]]:
    """Any boxes, and any links between them: loops, several between the same two, parts without a way to them."""
    count = draw(st.integers(1, most))
    outlines = st.sampled_from([*Outline])
    sizes = st.sampled_from([20, 44, 96, 160])
    boxes = [Box(f"b{n}", draw(sizes), draw(st.sampled_from([20, 44])), draw(outlines)) for n in range(count)]
    ids = st.sampled_from([box.id for box in boxes])
    labels = st.sampled_from([(0, 0), (0, 0), (40, 18), (120, 18)])
    links = st.builds(lambda source, target, label: Link(source, target, *label), ids, ids, labels)
    return boxes, draw(st.lists(links, max_size=2 * most))


spacings = st.sampled_from([PIXELS, CELLS])


def bounds(placed: PlacedBox) -> Rectangle:
    return placed.left, placed.top, placed.right, placed.bottom


def label_bounds(placed: PlacedLink) -> Rectangle | None:
    if placed.label is None:
        return None
    half_across, half_down = placed.link.label_width // 2, placed.link.label_height // 2
    x, y = placed.label
    return x - half_across, y - half_down, x + half_across, y + half_down


def overlap(one: Rectangle, other: Rectangle) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def by_id(result: Layout) -> dict[str, PlacedBox]:
    return {placed.box.id: placed for placed in result.boxes}


def chain(*ids: str) -> list[Link]:
    return [Link(one, other) for one, other in pairwise(ids)]


def boxes(ids: str) -> list[Box]:
    return [Box(id_, 100, 40) for id_ in ids]


# Rules that hold for every graph


@given(graphs(), spacings)
def test_nothing_overlaps(graph: tuple[list[Box], list[Link]], spacing: Spacing) -> None:
    """Boxes and labels have their places for themselves."""
    result = layout(*graph, spacing)
    labels = [found for link in result.links if (found := label_bounds(link)) is not None]
    taken = [*map(bounds, result.boxes), *labels]

    assert [pair for pair in combinations(taken, 2) if overlap(*pair)] == []


@given(graphs(), spacings)
def test_everything_is_inside(graph: tuple[list[Box], list[Link]], spacing: Spacing) -> None:
    """Nothing sticks out of the size that is given."""
    result = layout(*graph, spacing)
    labels = [found for link in result.links if (found := label_bounds(link)) is not None]
    corners = [
        corner for b in (*map(bounds, result.boxes), *labels) for corner in ((b[0], b[1]), (b[2], b[3]))
    ]
    points = [*corners, *(point for link in result.links for point in link.points)]

    assert [(x, y) for x, y in points if not (0 <= x <= result.width and 0 <= y <= result.height)] == []


@given(graphs(), spacings)
def test_everything_is_there(graph: tuple[list[Box], list[Link]], spacing: Spacing) -> None:
    """Every box and every link is in the result, in the order given; a label where there is one."""
    result = layout(*graph, spacing)

    assert graph[0] == [placed.box for placed in result.boxes]
    assert graph[1] == [placed.link for placed in result.links]
    assert [link.label_width > 0 for link in graph[1]] == [
        placed.label is not None for placed in result.links
    ]


@given(graphs(), spacings)
def test_links_end_at_borders(graph: tuple[list[Box], list[Link]], spacing: Spacing) -> None:
    """A link leaves its source below and comes in above; one that leads back uses the sides."""
    result = layout(*graph, spacing)
    placed = by_id(result)
    for link in result.links:
        source, target = placed[link.link.source], placed[link.link.target]
        ends = (source, link.points[0], link.points[1]), (target, link.points[-1], link.points[-2])
        if link.is_back:
            for box, end, beside in ends:
                reach = half_width(box.box.outline, box.box.width, box.height, end.y - box.y)
                assert reach == abs(end.x - box.x)
                assert end.y == beside.y
                assert abs(beside.x - box.x) > reach
        else:
            assert source.bottom == link.points[0].y < link.points[1].y
            assert target.top == link.points[-1].y > link.points[-2].y
            for box, end, _ in ends:
                assert abs(end.x - box.x) <= half_flat(box.box.outline, box.box.width, box.height)


@given(graphs(), spacings)
def test_lines_pass_boxes_and_labels_by(graph: tuple[list[Box], list[Link]], spacing: Spacing) -> None:
    """No line runs through a box, nor through a label but its own."""
    result = layout(*graph, spacing)
    for link in result.links:
        own = {link.link.source, link.link.target} if link.is_back else set()  # they are met at a slope
        obstacles = [
            *(bounds(placed) for placed in result.boxes if placed.box.id not in own),
            *(found for other in result.links if other is not link and (found := label_bounds(other))),
        ]
        for one, other in pairwise(link.points):
            line = min(one.x, other.x), min(one.y, other.y), max(one.x, other.x), max(one.y, other.y)
            if one.x == other.x or one.y == other.y:
                assert not any(_runs_through(line, obstacle) for obstacle in obstacles)
            else:  # it cuts a corner between two rows, where no box is
                assert not any(overlap(line, obstacle) for obstacle in obstacles)


def _runs_through(line: Rectangle, box: Rectangle) -> bool:
    """Whether a line across or up and down has a point strictly inside a box."""
    left, top, right, bottom = line
    if top == bottom:
        return box[1] < top < box[3] and left < box[2] and box[0] < right
    return box[0] < left < box[2] and top < box[3] and box[1] < bottom


@given(graphs(), spacings)
def test_lines_that_have_nothing_in_common_do_not_run_over_each_other(
    graph: tuple[list[Box], list[Link]], spacing: Spacing
) -> None:
    """Who follows a line never comes off it: only those with a common end share a part of it."""
    result = layout(*graph, spacing)
    for one, other in combinations(result.links, 2):
        if one.link.source == other.link.source or one.link.target == other.link.target:
            continue
        for first in pairwise(one.points):
            for second in pairwise(other.points):
                assert not _run_over(first, second)


def _run_over(one: tuple[Point, Point], other: tuple[Point, Point]) -> bool:
    for along, across in ((0, 1), (1, 0)):
        if one[0][across] == one[1][across] == other[0][across] == other[1][across]:
            (low, high), (other_low, other_high) = (
                sorted((one[0][along], one[1][along])),
                sorted((other[0][along], other[1][along])),
            )
            return low < other_high and other_low < high
    return False


@given(graphs(), spacings)
def test_all_but_loops_lead_down(graph: tuple[list[Box], list[Link]], spacing: Spacing) -> None:
    """A link that does not lead back leads to a later layer, so without those that do nothing goes round."""
    result = layout(*graph, spacing)
    layer = {placed.box.id: placed.layer for placed in result.boxes}
    for link in result.links:
        if link.is_back:
            assert layer[link.link.target] <= layer[link.link.source]
        else:
            assert layer[link.link.target] > layer[link.link.source]


@given(graphs())
def test_the_same_graph_gives_the_same_layout(graph: tuple[list[Box], list[Link]]) -> None:
    """Nothing is left to chance."""
    assert layout(*graph, PIXELS) == layout([*graph[0]], [*graph[1]], PIXELS)


def test_hashes_have_no_say() -> None:
    """Another process, with other hashes of strings, comes to the same layout."""
    script = (
        "from workflows_core.drawing.geometry import *\nfrom workflows_core.drawing.layout import layout\n"
        "boxes = [Box(f'b{n}', 60, 40) for n in range(30)]\n"
        "links = [Link(f'b{n}', f'b{n * n % 30}') for n in range(30)] + [Link(f'b{n}', f'b{n // 2}') for n in range(30)]\n"
        "print(layout(boxes, links, Spacing(boxes=4, lines=2, tracks=1, leaving=1, entering=2, labels=1, ports=1, snap=1)))"
    )
    results = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }

    assert len(results) == 1


# What people expect to see


def test_an_empty_graph() -> None:
    assert Layout(0, 0, (), ()) == layout([], [], PIXELS)


def test_a_chain_is_straight() -> None:
    """One after the other: one column, and lines that do not turn."""
    result = layout(boxes("abcd"), chain(*"abcd"), PIXELS)

    assert [placed.layer for placed in result.boxes] == [0, 1, 2, 3]
    assert len({placed.x for placed in result.boxes}) == 1
    assert [len(link.points) for link in result.links] == [2, 2, 2]


def test_branches_stand_side_by_side_below_their_middle() -> None:
    """Two branches of a gateway are symmetric to it and to where they meet again."""
    result = layout(boxes("abcd"), [*chain(*"abd"), *chain(*"acd")], PIXELS)
    a, b, c, d = result.boxes

    assert a.x == d.x
    assert a.x - b.x == c.x - a.x > 0
    assert b.y == c.y


def test_a_loop_comes_back_at_the_side() -> None:
    """The way back climbs beside the steps it repeats, and all others still lead down."""
    result = layout(boxes("abc"), [*chain(*"abc"), Link("c", "a")], PIXELS)
    *_, back = result.links

    assert [link.is_back for link in result.links] == [False, False, True]
    assert len({placed.x for placed in result.boxes}) == 1
    assert {abs(point.x - result.boxes[0].x) for point in back.points[1:-1]} == {50 + PIXELS.lines}


def test_what_leads_back_depends_on_where_reading_begins() -> None:
    """The first box is the first to be read: a step before it is no loop only because it was written first."""
    first = layout(boxes("ab"), [Link("a", "b"), Link("b", "a")], PIXELS)
    second = layout(boxes("ba"), [Link("a", "b"), Link("b", "a")], PIXELS)

    assert [link.is_back for link in first.links] == [False, True]
    assert [link.is_back for link in second.links] == [True, False]


def test_a_step_that_leads_to_itself() -> None:
    """Its loop leaves and comes back at one side."""
    result = layout(boxes("a"), [Link("a", "a", 40, 18)], PIXELS)
    (loop,), (box,) = result.links, result.boxes

    assert loop.is_back
    assert loop.points[0].x == loop.points[-1].x == box.right
    assert loop.points[0].y != loop.points[-1].y


def test_many_loops_at_one_step_make_it_higher() -> None:
    """There is room for every end."""
    ids = "abcdefg"
    result = layout(boxes(ids), [*chain(*ids), *(Link("g", id_) for id_ in "abcdef")], PIXELS)
    *_, last = result.boxes
    ends = [link.points[0] for link in result.links if link.is_back]

    assert last.height > last.box.height
    assert len(ends) == len(set(ends))


def test_links_do_not_cross_without_need() -> None:
    """Two pairs written crosswise are drawn side by side."""
    links = [Link("r", "a"), Link("r", "b"), Link("a", "d"), Link("b", "c"), Link("c", "z"), Link("d", "z")]
    placed = by_id(layout(boxes("rabcdz"), links, PIXELS))

    assert (placed["a"].x < placed["b"].x) == (placed["d"].x < placed["c"].x)


def test_lines_that_swap_columns_go_round_each_other() -> None:
    """On any two tracks they would run over each other; so one of them takes two, and a column between."""
    wires = [Wire(1, 0, ((100, 7),)), Wire(2, 100, ((0, 8),))]

    assert assign_tracks(wires, apart=10) == Tracks(3, (Course(2, ((0, 50),)), Course(1)))
    assert assign_tracks([wires[0], Wire(2, 100, ((200, 8),))], apart=10) == Tracks(2, (Course(1), Course(0)))


def test_lines_without_room_to_go_round_cut_the_corner() -> None:
    """Then they are seen to cross all the same."""
    wires = [Wire(1, 0, ((15, 7),)), Wire(2, 15, ((0, 8),))]

    assert assign_tracks(wires, apart=10).courses == (Course(0, cuts=True), Course(1, cuts=True))
