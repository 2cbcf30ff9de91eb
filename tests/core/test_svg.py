"""SVG drawings: whatever steps are called, they are shown, read out, and nothing but text."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from workflows_core.diagram import Diagram, DiagramEdge, DiagramNode, NodeState
from workflows_core.drawing.stylesheet import DARK, LIGHT, STYLESHEET, standalone_stylesheet
from workflows_core.drawing.svg import Extras, svg
from workflows_core.drawing.text import ELLIPSIS, cells, wrap
from workflows_core.steps import StepKind

SVG = "{http://www.w3.org/2000/svg}"
ELEMENTS = {"svg", "g", "a", "path", "rect", "circle", "text", "title", "desc"}
ATTRIBUTES = {
    "class", "viewBox", "width", "height", "role", "aria-label", "aria-hidden", "tabindex", "href", "data-step",
    "transform", "d", "x", "y", "r", "rx", "fill", "fill-opacity", "stroke", "visibility", "text-anchor",
    "font-family", "font-size",
}  # fmt: skip

APPROVAL = Diagram(
    nodes=(
        DiagramNode("submit", "Submit", "machine", is_initial=True, state=NodeState.COMPLETED),
        DiagramNode(
            "manager_approval",
            "Manager Approval",
            "human",
            state=NodeState.CURRENT,
            description="Review and approve the expense request.",
        ),
        DiagramNode("pay", "Pay", "machine", is_terminal=True),
    ),
    edges=(
        DiagramEdge("submit", "manager_approval", is_taken=True),
        DiagramEdge("manager_approval", "pay", "approve"),
        DiagramEdge("manager_approval", "submit", "revise"),
    ),
)


def one(**fields: object) -> Diagram:
    return Diagram((DiagramNode(**({"id": "a", "label": "A", "type": "machine"} | fields)),), ())  # type: ignore[arg-type]


def drawn(diagram: Diagram, extras: Extras | None = None) -> ET.Element:
    return ET.fromstring(svg(diagram, extras=extras))


def all_of(root: ET.Element, class_: str) -> list[ET.Element]:
    return [found for found in root.iter() if class_ in found.get("class", "").split()]


def text_of(element: ET.Element) -> str:
    return " ".join("".join(element.itertext()).split())


def classes(root: ET.Element, class_: str) -> list[str]:
    return [found.get("class", "") for found in all_of(root, class_)]


# What is shown


def test_steps_have_names_for_those_who_cannot_see_them() -> None:
    """In reading order: what it is called, what it is, how it stands, and where it leads to."""
    steps = all_of(drawn(APPROVAL), "step")

    assert [step.get("aria-label") for step in steps] == [
        "Submit, machine step, completed, first step",
        "Manager Approval, human step, current",
        "Pay, machine step, last step",
    ]
    assert [step.findtext(f"{SVG}desc") for step in steps] == [
        "Leads to: → Manager Approval.",
        "Review and approve the expense request. Leads to: approve → Pay, revise → Submit.",
        "",
    ]


def test_steps_can_be_reached_with_the_keyboard() -> None:
    """Each takes the focus once; the picture itself is not read out a second time."""
    root = drawn(APPROVAL)

    assert [step.get("tabindex") for step in all_of(root, "step")] == ["0", "0", "0"]
    assert root.get("role") == "group"
    assert not any(all_of(hidden, "step") for hidden in root.iter() if hidden.get("aria-hidden"))
    assert not any(all_of(shown, "node") for shown in [*root[0]] if not shown.get("aria-hidden"))


def test_details_follow_their_step() -> None:
    """The panel that the stylesheet shows on hover and focus says everything in full."""
    root = drawn(
        one(label="Approve the request for payment as the second supervisor in line", description="Twice.")
    )
    (step,), (details,) = all_of(root, "step"), all_of(root, "details")
    (label,) = [found for found in all_of(root, "node") if found.tag == f"{SVG}g"]
    (group,) = [found for found in root.iter() if step in [*found]]

    assert [*group].index(details) == [*group].index(step) + 1
    assert details.get("visibility") == "hidden"
    lines = [text_of(line) for line in details.iter(f"{SVG}text")]
    assert (
        " ".join(lines)
        == "Approve the request for payment as the second supervisor in line machine step Twice."
    )
    assert text_of(label).endswith("…")


@pytest.mark.parametrize("state", [state for state in NodeState if state is not NodeState.NONE])
def test_states_are_more_than_colours(state: NodeState) -> None:
    """Every state has a mark of its own, a class for its colours, and a word."""
    root = drawn(one(state=state))
    marks = {
        mark.find(f"{SVG}path").get("d")  # type: ignore[union-attr]
        for other in NodeState
        for mark in all_of(drawn(one(state=other)), "mark")
    }

    assert classes(root, "node") == [f"node machine {state}"]
    assert len(all_of(root, "mark")) == 1
    assert len(marks) == len(NodeState) - 1
    assert all_of(root, "step")[0].get("aria-label") == f"A, machine step, {state}"


@pytest.mark.parametrize("kind", StepKind)
def test_kinds_have_words_and_shapes(kind: StepKind) -> None:
    """No kind of step is left to the shape for the unknown."""
    (step,) = all_of(drawn(one(type=kind)), "step")

    assert classes(drawn(one(type=kind)), "node") == [f"node {kind} none"]
    assert step.get("aria-label") != f"A, {kind} step" or kind in {"machine", "human"}


def test_a_kind_that_is_not_known() -> None:
    """It is drawn all the same."""
    root = drawn(one(type="else where"))

    assert classes(root, "node") == ["node other none"]
    assert all_of(root, "step")[0].get("aria-label") == "A, else where step"


def test_edges_say_which_they_are() -> None:
    """Those that were taken and those that lead back can be told apart; the tooltip names both ends."""
    root = drawn(APPROVAL)
    edges = [edge for edge in all_of(root, "edge") if edge.find(f"{SVG}title") is not None]

    assert {(edge.findtext(f"{SVG}title"), edge.get("class")) for edge in edges} == {
        ("Submit → Manager Approval", "edge taken"),
        ("Manager Approval → Pay (approve)", "edge"),
        ("Manager Approval → Submit (revise)", "edge back"),
    }
    assert sorted(text_of(label) for label in all_of(root, "edge-label")) == ["approve", "revise"]


def test_where_it_begins_and_ends() -> None:
    """A dot leads to the first step, and the last one leads to a ring."""
    root = drawn(APPROVAL)

    assert len(all_of(root, "start")) == len(all_of(root, "end")) == 1
    assert len(all_of(root, "arrow")) == len(APPROVAL.edges) + 2


def test_badges_and_heat() -> None:
    """Numbers at steps are shown and read out; heat is only a glow, between nothing and all."""
    extras = Extras(badges={"submit": "12 here"}, heat={"submit": 0.5, "manager_approval": 7.0, "pay": 0.0})
    root = drawn(APPROVAL, extras)

    assert [text_of(badge) for badge in all_of(root, "badge")] == ["12 here"]
    assert all_of(root, "step")[0].get("aria-label") == "Submit, machine step, completed, first step, 12 here"
    assert [found.get("fill-opacity") for found in all_of(root, "heat")] == ["0.44", "0.80"]


def test_links() -> None:
    """A step with an address is a link; it needs no help to take the focus."""
    root = drawn(APPROVAL, Extras(links={"pay": "/steps?name=pay&x=1"}))
    (link,) = root.iter(f"{SVG}a")

    assert (link.get("href"), link.get("tabindex"), link.get("role")) == ("/steps?name=pay&x=1", None, None)
    assert link.get("aria-label") == "Pay, machine step, last step"


def test_translation() -> None:
    """All that is not said by the definition can be said in another language."""
    root = drawn(APPROVAL, Extras(translate=str.upper))

    assert [step.get("aria-label") for step in all_of(root, "step")] == [
        "Submit, MACHINE STEP, COMPLETED, FIRST STEP",
        "Manager Approval, HUMAN STEP, CURRENT",
        "Pay, MACHINE STEP, LAST STEP",
    ]
    assert all_of(root, "step")[0].findtext(f"{SVG}desc") == "LEADS TO: → Manager Approval."


def test_the_title_names_the_drawing() -> None:
    assert ET.fromstring(svg(APPROVAL, title='Expenses & "more"')).get("aria-label") == 'Expenses & "more"'


def test_nothing_to_draw() -> None:
    """A definition without steps gives a drawing without any."""
    assert all_of(drawn(Diagram((), ())), "node") == []


@given(st.text(max_size=80), st.integers(1, 5), st.integers(2, 30))
def test_texts_are_broken_and_cut_to_fit(text: str, lines: int, width: int) -> None:
    """At most so many lines, none too wide; nothing is lost but what an ellipsis stands for."""
    wrapped = wrap(text, cells, width=width, lines=lines)
    shown, whole = "".join("".join(wrapped).split()), "".join(text.split())

    assert len(wrapped) <= lines
    assert all(cells(line) <= max(width, 3) for line in wrapped)
    assert shown == whole or (shown.endswith(ELLIPSIS) and whole.startswith(shown[:-1]))


def test_scripts_without_blanks_are_broken() -> None:
    assert wrap("日本語の手続きと確認", cells, width=10, lines=3) == ("日本語の手", "続きと確認")


# Under a strict policy for content


def test_no_style_and_no_script() -> None:
    """A page that allows neither inline can show it as it is."""
    source = svg(APPROVAL, extras=Extras(heat={"pay": 1}))

    assert not re.search(r"<style|<script|\sstyle=|\son\w+=|javascript:|url\(", source)


texts = st.text(max_size=20) | st.sampled_from(
    ["<script>alert(1)</script>", '" onload="x', "]]>", "<!--", "&amp;", "&#x3c;", "\x00", "\ud800", "\ufffe", "</svg>", ""]
)  # fmt: skip


@st.composite
def diagrams(draw: st.DrawFn) -> Diagram:
    ids = draw(st.lists(texts, min_size=1, max_size=5, unique=True))
    nodes = [
        DiagramNode(
            id_,
            draw(texts),
            draw(st.sampled_from([*StepKind]) | texts),
            is_initial=draw(st.booleans()),
            is_terminal=draw(st.booleans()),
            state=draw(st.sampled_from(NodeState)),
            description=draw(texts),
        )
        for id_ in ids
    ]
    ends = st.sampled_from(ids)
    return Diagram(tuple(nodes), tuple(draw(st.lists(st.builds(DiagramEdge, ends, ends, texts), max_size=6))))


def cleaned(text: str) -> str:
    """The text with blanks for what XML cannot hold."""
    return re.sub("[^\x20-\x7e\xa0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd\U00010000-\U0010fffd]", " ", text)


@given(diagrams(), texts, st.booleans())
@example(one(label="</text></svg><script>alert(1)</script>"), "</style><script>", True)
def test_any_text_is_only_text(diagram: Diagram, text: str, standalone: bool) -> None:
    """The drawing is well-formed, holds no elements or attributes but its own, and says every name in full."""
    extras = Extras(
        badges={node.id: text for node in diagram.nodes}, links={node.id: text for node in diagram.nodes}
    )
    root = ET.fromstring(svg(diagram, title=text, extras=extras, standalone=standalone))

    assert {found.tag.removeprefix(SVG) for found in root.iter()} - {"style"} <= ELEMENTS
    assert {name for found in root.iter() for name in found.attrib} <= ATTRIBUTES
    assert sorted(step.get("data-step", "") for step in all_of(root, "step")) == sorted(
        cleaned(node.id) for node in diagram.nodes
    )
    for step in all_of(root, "step"):
        assert any(step.get("aria-label", "").startswith(cleaned(node.label)) for node in diagram.nodes)


@given(diagrams())
def test_the_same_diagram_gives_the_same_drawing(diagram: Diagram) -> None:
    assert svg(diagram) == svg(Diagram(diagram.nodes, diagram.edges))


@given(diagrams())
def test_panels_stay_inside(diagram: Diagram) -> None:
    """What comes up on hover is never cut off at the left, at the right or above."""
    root = drawn(diagram)
    (group,) = root.findall(f"{SVG}g")
    left, top = map(int, re.findall(r"\d+", group.get("transform", "")))
    for details in all_of(root, "details"):
        rect = details.find(f"{SVG}rect")
        assert rect is not None
        x, y, width = (int(rect.get(name, "")) for name in ("x", "y", "width"))
        assert x + left >= 0
        assert y + top >= 0
        assert x + left + width <= int(root.get("width", ""))


# The stylesheet


def test_a_file_brings_its_own_stylesheet() -> None:
    """It is shown everywhere: its colours are plain, light and dark."""
    root = ET.fromstring(svg(APPROVAL, title="Expenses", standalone=True))
    style = root.findtext(f"{SVG}style")

    assert root.findtext(f"{SVG}title") == "Expenses"
    assert style == standalone_stylesheet()
    assert "var(" not in style
    assert LIGHT["completed"] in style
    assert DARK["completed"] in style.partition("prefers-color-scheme: dark")[2]


def test_the_stylesheet_knows_its_colours() -> None:
    """Every colour that a rule asks for is set, in light and in dark."""
    used = set(re.findall(r"var\(--diagram-([a-z-]+)\)", STYLESHEET))

    assert used == set(LIGHT) == set(DARK)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_text_can_be_read(palette: dict[str, str]) -> None:
    """The contrast of text with whatever it stands on is at least 4.5 to 1, as WCAG 2.2 asks."""
    grounds = ["page", "step", "completed", "current", "failed", "given-up"]
    texts = [*(("ink", ground) for ground in grounds), ("muted", "page"), ("muted", "given-up")]

    assert [
        pair
        for pair in [*texts, ("badge-text", "badge")]
        if _contrast(*(palette[name] for name in pair)) < 4.5
    ] == []


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_text_can_be_read_in_the_heat(palette: dict[str, str]) -> None:
    """Where heat covers a step as far as it ever does, too."""
    for ground in ("step", "completed", "current", "failed"):
        mixed = [
            round(0.8 * hot + 0.2 * under)
            for hot, under in zip(_rgb(palette["heat"]), _rgb(palette[ground]), strict=True)
        ]
        assert _contrast(palette["ink"], "#{:02x}{:02x}{:02x}".format(*mixed)) >= 4.5


def _rgb(colour: str) -> list[int]:
    return [int(colour[start : start + 2], 16) for start in (1, 3, 5)]


def _contrast(one: str, other: str) -> float:
    dark, light = sorted([_luminance(one), _luminance(other)])
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [part / 255 for part in _rgb(colour)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
