"""Mermaid text: the guide's format, and no name or title that breaks it."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from workflows_core.diagram import Diagram, DiagramEdge, DiagramNode, NodeState
from workflows_core.mermaid import mermaid

QUOTED = r'"(?:[\w ,.!?=+/€-]|#\d+;)+"'
PLAIN = r"[A-Za-z0-9_]+(?:(?:, |[ .-])[A-Za-z0-9_]+)*"
TEXT = rf"(?:{QUOTED}|{PLAIN})"
ID = r"[A-Za-z0-9_]+(?:-[A-Za-z0-9_]+)*"
NODE = re.compile(rf"    ({ID})(?:\[\[|\(\[|\{{\{{|\[|\{{)({TEXT})(?:\]\]|\]\)|\}}\}}|\]|\}})")
EDGE = re.compile(rf"    ({ID}) -->(?:\|({TEXT})\|)? ({ID})")
STYLE = re.compile(rf"    style ({ID}) [a-z-]+:[#A-Za-z0-9 ]+(?:,[a-z-]+:[#A-Za-z0-9]+)?")


def one(label: str, type_: str = "machine", id_: str = "a") -> Diagram:
    return Diagram((DiagramNode(id_, label, type_),), ())


def lines(diagram: Diagram) -> list[str]:
    return mermaid(diagram).split("\n")


def read(text: str) -> str:
    """What Mermaid shows for a text as it stands in brackets."""
    if not text.startswith('"'):
        return text
    return re.sub(r"#(\d+);", lambda entity: chr(int(entity[1])), text[1:-1])


# The format of the guide


def test_the_format() -> None:
    """Nodes, edges and styles, each on its line, names and titles as they are."""
    diagram = Diagram(
        (
            DiagramNode("submit", "Submit", "machine", state=NodeState.COMPLETED),
            DiagramNode("manager_approval", "Manager Approval", "human", state=NodeState.CURRENT),
            DiagramNode("pay", "Pay", "machine"),
        ),
        (
            DiagramEdge("submit", "manager_approval"),
            DiagramEdge("manager_approval", "pay", "approve"),
            DiagramEdge("manager_approval", "submit", "amount > 3"),
        ),
    )

    assert mermaid(diagram) == (
        "graph TD\n"
        "    submit[Submit]\n"
        "    manager_approval{{Manager Approval}}\n"
        "    pay[Pay]\n"
        "    submit --> manager_approval\n"
        "    manager_approval -->|approve| pay\n"
        '    manager_approval -->|"amount #62; 3"| submit\n'
        "    style submit fill:#90EE90,stroke:#006400\n"
        "    style manager_approval fill:#FFD700,stroke:#B8860B"
    )


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("machine", "    a[Wait 24h]"),
        ("human", "    a{{Wait 24h}}"),
        ("decision", "    a{{Wait 24h}}"),
        ("gateway", "    a{Wait 24h}"),
        ("timer", "    a([Wait 24h])"),
        ("webhook", "    a[[Wait 24h]]"),
        ("message", "    a[[Wait 24h]]"),
        ("something new", "    a[Wait 24h]"),
    ],
)
def test_shapes(kind: str, line: str) -> None:
    """Every kind of step has the shape of the guide; what it does not know is a rectangle."""
    assert lines(one("Wait 24h", kind)) == ["graph TD", line]


@pytest.mark.parametrize(
    ("state", "fill"),
    [
        (NodeState.COMPLETED, "fill:#90EE90"),
        (NodeState.CURRENT, "fill:#FFD700"),
        (NodeState.FAILED, "fill:#FF6B6B"),
        (NodeState.SKIPPED, None),
        (NodeState.CANCELED, None),
        (NodeState.NONE, None),
    ],
)
def test_colours(state: NodeState, fill: str | None) -> None:
    """Completed, current and failed steps have the colours of the guide, and no others have any."""
    source = mermaid(Diagram((DiagramNode("a", "A", "machine", state=state),), ()))

    assert re.findall(r"^    style a (fill:#\w{6}),", source, re.MULTILINE) == ([fill] if fill else [])


# Names and titles that would say something to Mermaid


@pytest.mark.parametrize(
    "name", ["submit", "second-look", "x_1", "step2", "process_2_end_of", "Ends", "graphs", "2fa"]
)
def test_names_that_are_safe_stay(name: str) -> None:
    """The ids in the text are the names of the steps, so that people find them again."""
    assert lines(one("A", id_=name))[1] == f"    {name}[A]"


@pytest.mark.parametrize(
    "name",
    ["end", "End", "graph", "style", "class", "default", "click", "end-x", "x-end", "process_end", "constructor",
     "__proto__", "o", "x", "v", "TD", "a b", "a-->b", "größe", "a.b", "-a", 'a"b', "a[b]", "_blank", "a\nb"],
)  # fmt: skip
def test_names_that_are_not_are_numbered(name: str) -> None:
    """A name that Mermaid could read as its own word is replaced everywhere by one that it cannot."""
    diagram = Diagram(
        (DiagramNode("first", "A", "machine"), DiagramNode(name, "B", "machine", state=NodeState.FAILED)),
        (DiagramEdge("first", name),),
    )

    assert lines(diagram)[2:] == [
        "    step2[B]",
        "    first --> step2",
        "    style step2 fill:#FF6B6B,stroke:#8B0000",
    ]


def test_numbers_leave_names_alone() -> None:
    """A step that is called like a number keeps its name; the numbered one gives way."""
    nodes = [
        DiagramNode("a b", "A", "machine"),
        DiagramNode("step1", "B", "machine"),
        DiagramNode("c d", "C", "machine"),
    ]

    assert lines(Diagram(tuple(nodes), ()))[1:] == ["    step1n[A]", "    step1[B]", "    step3[C]"]


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("Wait 24h", "Wait 24h"),
        ("Check, then pay", "Check, then pay"),
        ("Pay now!", '"Pay now!"'),
        ("the end", '"the end"'),
        ("Größe", '"Größe"'),
        ("日本 🎉", '"日本 #127881;"'),
        ('say "hi"', '"say #34;hi#34;"'),
        ("a --> b", '"a --#62; b"'),
        ("<script>alert(1)</script>", '"#60;script#62;alert#40;1#41;#60;/script#62;"'),
        ('%%{init: {"securityLevel": "loose"}}%%', None),
        ("#lt;b#gt;", '"#35;lt#59;b#35;gt#59;"'),
        ("`**bold**`", '"#96;#42;#42;bold#42;#42;#96;"'),
        ("a\nb\r\n c", "a b c"),
        ("direction TD", '"direction#32;TD"'),
        ("", '" "'),
        ("\x00\u2028", '" "'),
    ],
)
def test_labels(label: str, shown: str | None) -> None:
    """What is not plainly safe is quoted, and every sign with a meaning is an entity; Mermaid shows it as written."""
    (line,) = lines(one(label))[1:]
    text = line.removeprefix("    a[").removesuffix("]")

    assert shown is None or text == shown
    assert re.fullmatch(TEXT, text)
    assert read(text).strip() == " ".join(re.sub(r"[\x00\u2028]", " ", label).split())


texts = st.text(max_size=12) | st.lists(
    st.sampled_from(["end", "graph", "style", "direction", "TD", '"', "]", "-->", "|", "#", ";", "%%", "{", "<b>", "\n", " ", "a"]),
    max_size=6,
).map("".join)  # fmt: skip


@st.composite
def diagrams(draw: st.DrawFn) -> Diagram:
    ids = draw(st.lists(texts, min_size=1, max_size=4, unique=True))
    kinds = st.sampled_from(["machine", "human", "gateway", "timer", "webhook", "else"])
    nodes = [
        DiagramNode(id_, draw(texts), draw(kinds), state=draw(st.sampled_from(NodeState))) for id_ in ids
    ]
    ends = st.sampled_from(ids)
    edges = draw(st.lists(st.builds(DiagramEdge, ends, ends, texts), max_size=4))
    return Diagram(tuple(nodes), tuple(edges))


@given(diagrams())
@example(one("a]\n    click a href javascript:alert(1)"))
def test_any_text_says_nothing_but_itself(diagram: Diagram) -> None:
    """Every line is a node, an edge or a style; there is one for each, and they name the same steps."""
    first, *rest = lines(diagram)
    nodes = [NODE.fullmatch(line) for line in rest[: len(diagram.nodes)]]
    edges = [EDGE.fullmatch(line) for line in rest[len(nodes) : len(nodes) + len(diagram.edges)]]
    styles = [STYLE.fullmatch(line) for line in rest[len(nodes) + len(edges) :]]

    assert first == "graph TD"
    assert None not in [*nodes, *edges, *styles]
    ids = {node.id: match[1] for node, match in zip(diagram.nodes, nodes, strict=True) if match}
    assert len(set(ids.values())) == len(diagram.nodes)
    assert [(ids[edge.source], ids[edge.target]) for edge in diagram.edges] == [
        (match[1], match[3]) for match in edges if match
    ]
    assert [ids[node.id] for node in diagram.nodes if node.state is not NodeState.NONE] == [
        match[1] for match in styles if match
    ]


@given(texts)
def test_labels_are_shown_as_written(label: str) -> None:
    """Whatever a step is called, that is what people read; gaps of any kind become one blank."""
    match = NODE.fullmatch(lines(one(label))[1])

    assert match is not None
    assert (
        re.sub(r"\s+", " ", read(match[2])).strip()
        == re.sub(r"[\s\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]+", " ", label).strip()
    )


@given(st.text(alphabet="aB3_ ,.-", max_size=4000))
def test_long_labels_take_no_time(label: str) -> None:
    """No pattern goes over a label again and again."""
    assert mermaid(one(label * 20 + "!"))
