"""The little SVG that the pictures of the documentation need."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from xml.sax.saxutils import escape, quoteattr

FONT: Final = (
    "ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
)
MONO: Final = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace"

PALETTES: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "light": MappingProxyType(
            {
                "text": "#1f2328",
                "quiet": "#59636e",
                "line": "#d1d9e0",
                "panel": "#ffffff",
                "band": "#f6f8fa",
                "accent": "#6d28d9",
                "tint": "#f3eefe",
            }
        ),
        "dark": MappingProxyType(
            {
                "text": "#f0f6fc",
                "quiet": "#9198a1",
                "line": "#3d444d",
                "panel": "#151b23",
                "band": "#1c232c",
                "accent": "#b794f6",
                "tint": "#291f40",
            }
        ),
    }
)
"""Colours by role, for a light and a dark page; each text reaches a contrast of 4.5 on what it stands on."""


def element(name: str, content: str = "", **attributes: object) -> str:
    """Write an element; underscores in the names of attributes become hyphens."""
    written = "".join(
        f" {key.rstrip('_').replace('_', '-')}={quoteattr(str(value))}" for key, value in attributes.items()
    )
    return f"<{name}{written}>{content}</{name}>" if content else f"<{name}{written}/>"


def text(x: float, y: float, content: str, **attributes: object) -> str:
    """Write a line of text."""
    return element("text", escape(content), x=x, y=y, **attributes)


def document(width: int, height: int, title: str, style: str, parts: list[str]) -> str:
    """Write a picture; the title is what screen readers say."""
    body = "\n".join([element("title", escape(title)), element("style", style), *parts])
    return (
        element(
            "svg",
            f"\n{body}\n",
            xmlns="http://www.w3.org/2000/svg",
            width=width,
            height=height,
            viewBox=f"0 0 {width} {height}",
            role="img",
        )
        + "\n"
    )
