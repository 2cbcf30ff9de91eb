"""Diagrams in a terminal: boxes and lines where there is room, a list where there is none."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workflows_core.diagram import Diagram, DiagramEdge, DiagramNode, NodeState
from workflows_core.drawing.ascii import ascii_drawing
from workflows_core.drawing.text import cells

APPROVAL = Diagram(
    nodes=(
        DiagramNode("submit", "Submit", "machine", is_initial=True, state=NodeState.COMPLETED),
        DiagramNode("manager_approval", "Manager Approval", "human", state=NodeState.CURRENT),
        DiagramNode("pay", "Pay", "machine"),
        DiagramNode("refuse", "Tell them that it was refused", "machine", is_terminal=True),
    ),
    edges=(
        DiagramEdge("submit", "manager_approval"),
        DiagramEdge("manager_approval", "pay", "approve"),
        DiagramEdge("manager_approval", "refuse", "reject"),
        DiagramEdge("manager_approval", "submit", "revise"),
        DiagramEdge("pay", "pay"),
    ),
)

DRAWN = """\
                  ●
                  │
                  ▼
      ╭─ machine, completed ──╮
      │       ✓ Submit        │◀╮
      ╰───────────┬───────────╯ │
                  │             │
                  │          revise
                  │             │
                  ▼             │
       ╭─ human, current ────╮  │
       │ ▶ Manager Approval  ├──╯
       ╰──────────┬──────────╯
      ╭───────────┴───────────╮
   approve                 reject
      │                       │
      ▼                       ▼
╭─ machine ─╮     ╭─ machine ─────────────╮
│    Pay    │◀╮   │ Tell them that it was │
│           ├─╯   │        refused        │
╰───────────╯     ╰───────────┬───────────╯
                              │
                              ▼
                              ◉"""

LISTED = """\
1. ✓ Submit (machine, completed, first step)
     → 2. Manager Approval
2. ▶ Manager Approval (human, current)
     approve → 3. Pay
     reject → 4. Tell them that it was refused
     revise → 1. Submit
3. Pay (machine)
     → 3. Pay
4. Tell them that it was refused (machine, last step)"""


PLAIN = """\
      *
      |
      v
+- machine -+
|   Gr??e   |
+-----+-----+
      |
     ja
      |
      v
+- machine -+
|     B     |
+-----+-----+
      |
      v
      o"""


def test_boxes_and_lines() -> None:
    """Kinds and states in the frame, names inside, loops at the side."""
    assert ascii_drawing(APPROVAL) == DRAWN


def test_a_list_where_there_is_no_room() -> None:
    """In a narrow terminal: every step, each way out of it, and numbers to find the next one by."""
    width = max(map(cells, DRAWN.split("\n")))

    assert ascii_drawing(APPROVAL, columns=width + 8) == DRAWN
    assert ascii_drawing(APPROVAL, columns=30) == LISTED


def test_plain_signs() -> None:
    """Where only ASCII can be shown, the drawing is the same with other strokes."""
    diagram = Diagram(
        (
            DiagramNode("a", "Größe", "machine", is_initial=True),
            DiagramNode("b", "B", "machine", is_terminal=True),
        ),
        (DiagramEdge("a", "b", "ja"),),
    )

    assert ascii_drawing(diagram, is_plain=True) == PLAIN


def test_lines_that_cross_do_not_seem_to_meet() -> None:
    """One passes below the other."""
    nodes = tuple(DiagramNode(id_, id_, "machine") for id_ in "rabcd")
    pairs = ["ra", "rb", "ac", "ad", "bc", "bd"]
    drawing = ascii_drawing(Diagram(nodes, tuple(DiagramEdge(*pair) for pair in pairs)))

    assert drawing.split("\n")[8:11] == [
        "      ╰───────╮       │",
        "      ╭───────│───────┤",
        "      ├───────┴───────┤",
    ]


def test_wide_signs_take_two_cells() -> None:
    """The frame stays straight."""
    drawing = ascii_drawing(Diagram((DiagramNode("a", "日本語の手続き", "machine"),), ()))

    assert len(set(map(cells, drawing.split("\n")))) == 1


def test_nothing_to_draw() -> None:
    assert ascii_drawing(Diagram((), ())) == ""


texts = st.text(max_size=40) | st.sampled_from(
    ["\x1b[31mred", "a\nb", "\u202eabc", "\x07", "e\u0301", "日本"]
)


@st.composite
def diagrams(draw: st.DrawFn) -> Diagram:
    ids = draw(st.lists(st.text(max_size=3), min_size=1, max_size=5, unique=True))
    nodes = [
        DiagramNode(
            id_,
            draw(texts),
            draw(texts),
            draw(st.booleans()),
            draw(st.booleans()),
            draw(st.sampled_from(NodeState)),
        )
        for id_ in ids
    ]
    ends = st.sampled_from(ids)
    return Diagram(tuple(nodes), tuple(draw(st.lists(st.builds(DiagramEdge, ends, ends, texts), max_size=6))))


@given(diagrams(), st.none() | st.integers(1, 120), st.booleans())
def test_any_text_is_only_shown(diagram: Diagram, columns: int | None, is_plain: bool) -> None:
    """No name can move the cursor, colour the screen or turn the text around; plain is plain."""
    drawing = ascii_drawing(diagram, columns=columns, is_plain=is_plain)

    assert all(sign.isprintable() for line in drawing.split("\n") for sign in line)
    assert drawing.isascii() or not is_plain


@given(diagrams(), st.integers(1, 120))
def test_drawings_fit(diagram: Diagram, columns: int) -> None:
    """What is wider than the terminal is not drawn, but told."""
    drawing = ascii_drawing(diagram, columns=columns)
    listed = ascii_drawing(diagram, columns=0)

    assert drawing == listed or max(map(cells, drawing.split("\n"))) <= columns
