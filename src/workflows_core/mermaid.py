"""Diagrams as Mermaid text.

Shapes and colours are those of the guide. Whatever steps are called, the text stays a valid
flowchart that says nothing else: what is not plainly safe is quoted, and in quotes every sign that
Mermaid or HTML could read as its own is written as a character entity (`#40;`).
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from workflows_core.diagram import NodeState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workflows_core.diagram import Diagram, DiagramNode

SHAPES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "human": ("{{", "}}"),
        "decision": ("{{", "}}"),
        "gateway": ("{", "}"),
        "timer": ("([", "])"),
        "webhook": ("[[", "]]"),
        "message": ("[[", "]]"),
    }
)
"""Kind of step to the brackets around its label; all others are rectangles."""

STYLES: Final[Mapping[NodeState, str]] = MappingProxyType(
    {
        NodeState.COMPLETED: "fill:#90EE90,stroke:#006400",
        NodeState.CURRENT: "fill:#FFD700,stroke:#B8860B",
        NodeState.FAILED: "fill:#FF6B6B,stroke:#8B0000",
        NodeState.SKIPPED: "stroke-dasharray:5 5",
        NodeState.CANCELED: "stroke-dasharray:2 4",
    }
)
"""How a step is drawn in each state that shows."""

_RECTANGLE = ("[", "]")

_PLAIN_ID = re.compile(r"[A-Za-z0-9_]+(-[A-Za-z0-9_]+)*")
_PLAIN_LABEL = re.compile(r"[A-Za-z0-9_]+((, |[ .-])[A-Za-z0-9_]+)*")
# Words that some version of Mermaid reads as its own even inside a label, and names that every object of
# JavaScript has: Mermaid keeps nodes in objects by their ids.
_RESERVED = re.compile(
    r"\b(acc(title|descr)|call|class|classdef|click|default|direction|end|flowchart|graph|href|"
    r"interpolate|linkstyle|style|subgraph|td|tb|bt|rl|lr|br|[ovx]|_\w*|"
    r"constructor|hasownproperty|isprototypeof|propertyisenumerable|prototype|to(locale)?string|valueof)\b"
    r"|_(blank|parent|self|top|end\b)",
    re.IGNORECASE,
)
_GAPS = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]+")
# The one phrase that is looked for anywhere in a line, quotes or not: `direction TD`.
_DIRECTION = re.compile(r"(?<=direction) ", re.IGNORECASE)
_HARMLESS = re.compile(r"[\w ,.!?=+/€-]")


def mermaid(diagram: Diagram) -> str:
    """Return the diagram as a Mermaid flowchart, without a line break at its end.

    The ids are the names of the steps wherever Mermaid can take them; others are numbered.
    """
    ids = _ids(diagram.nodes)
    lines = ["graph TD"]
    lines += [f"{ids[node.id]}{_shape(node)}" for node in diagram.nodes]
    for edge in diagram.edges:
        label = f"|{_text(edge.label)}|" if edge.label else ""
        lines.append(f"{ids[edge.source]} -->{label} {ids[edge.target]}")
    lines += [f"style {ids[node.id]} {STYLES[node.state]}" for node in diagram.nodes if node.state in STYLES]
    return "\n    ".join(lines)


def _shape(node: DiagramNode) -> str:
    opening, closing = SHAPES.get(node.type, _RECTANGLE)
    return f"{opening}{_text(node.label)}{closing}"


def _ids(nodes: tuple[DiagramNode, ...]) -> dict[str, str]:
    """Return step name to id: the name itself, or a number that no step is called by."""
    ids = {node.id: node.id for node in nodes if _is_plain(_PLAIN_ID, node.id)}
    for number, node in enumerate(nodes, start=1):
        if node.id not in ids:
            id_ = f"step{number}"
            while id_ in ids:
                id_ += "n"
            ids[node.id] = id_
    return ids


def _is_plain(pattern: re.Pattern[str], text: str) -> bool:
    return bool(pattern.fullmatch(text)) and not _RESERVED.search(text)


def _text(text: str) -> str:
    """Return the label as it may stand in brackets or between bars."""
    text = _GAPS.sub(" ", text).strip()
    if _is_plain(_PLAIN_LABEL, text):
        return text
    escaped = "".join(sign if _HARMLESS.match(sign) else f"#{ord(sign)};" for sign in text)
    return f'"{_DIRECTION.sub("#32;", escaped) or " "}"'
