"""The stylesheet of drawings: one set of rules, its colours as custom properties.

A page includes `STYLESHEET` once and may set the properties (`--diagram-page`, ...) itself. Files carry
`standalone_stylesheet()`, in which the colours stand as they are: not every program that shows SVG
knows custom properties.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

LIGHT: Final[Mapping[str, str]] = MappingProxyType({
    "page": "#ffffff",
    "ink": "#1f2937",
    "muted": "#4b5563",
    "line": "#94a3b8",
    "step": "#f8fafc",
    "border": "#64748b",
    "completed": "#d9f7df",
    "completed-border": "#15803d",
    "current": "#fff1b8",
    "current-border": "#a16207",
    "failed": "#ffdcdc",
    "failed-border": "#b91c1c",
    "given-up": "#f1f5f9",
    "mark": "#ffffff",
    "badge": "#1f2937",
    "badge-text": "#ffffff",
    "heat": "#fb923c",
    "focus": "#2563eb",
})  # fmt: skip

DARK: Final[Mapping[str, str]] = MappingProxyType({
    "page": "#111827",
    "ink": "#f1f5f9",
    "muted": "#cbd5e1",
    "line": "#64748b",
    "step": "#1e293b",
    "border": "#94a3b8",
    "completed": "#14432a",
    "completed-border": "#4ade80",
    "current": "#5a4206",
    "current-border": "#facc15",
    "failed": "#641c1c",
    "failed-border": "#f87171",
    "given-up": "#1a2331",
    "mark": "#111827",
    "badge": "#f1f5f9",
    "badge-text": "#111827",
    "heat": "#c2410c",
    "focus": "#60a5fa",
})  # fmt: skip

_SHAPES: Final = """\
.diagram { font-family: system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif; font-size: 13px; }
.diagram text { stroke: none; }
.diagram .line { fill: none; stroke-width: 1.5; }
.diagram .back .line { stroke-dasharray: 6 4; }
.diagram .taken .line { stroke-width: 2.25; }
.diagram .reach { fill: none; stroke: transparent; stroke-width: 14; pointer-events: stroke; }
.diagram .edge:hover .line { stroke-width: 3.5; }
.diagram .edge-label text { font-size: 11.5px; }
.diagram .shape { stroke-width: 1.5; stroke-linejoin: round; }
.diagram .bars { fill: none; stroke-width: 1.5; }
.diagram .icon { fill: none; stroke-width: 1.3; stroke-linecap: round; stroke-linejoin: round; }
.diagram .label { font-weight: 500; }
.diagram .current .shape, .diagram .failed .shape { stroke-width: 3; }
.diagram .skipped .shape { stroke-dasharray: 6 4; }
.diagram .canceled .shape { stroke-dasharray: 2 4; }
.diagram .mark path { fill: none; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
.diagram .badge text { font-size: 11px; font-weight: 600; }
.diagram .end .shape { stroke-width: 4; }
.diagram .step { cursor: default; }
.diagram .step:focus { outline: none; }
.diagram .step:focus-visible { outline-style: solid; outline-width: 2.5px; outline-offset: 10px; }
.diagram a.step { cursor: pointer; }
.diagram .hit { fill: transparent; stroke: none; stroke-width: 3; pointer-events: all; }
.diagram .details { visibility: hidden; pointer-events: none; }
.diagram .step:hover + .details, .diagram .step:focus + .details { visibility: visible; }
.diagram .details text { font-size: 12px; }
.diagram .details .name { font-weight: 600; }
@media (prefers-reduced-motion: no-preference) {
  .diagram .line, .diagram .hit { transition: stroke-width .12s, stroke .12s; }
}
@media print {
  .diagram .details { display: none; }
}
"""

_COLOURS: Final = """\
.diagram { color: var(--diagram-ink); }
.diagram text, .diagram .arrow, .diagram .start .shape { fill: var(--diagram-ink); }
.diagram .line { stroke: var(--diagram-line); }
.diagram .arrow { fill: var(--diagram-line); }
.diagram .taken .line, .diagram .edge:hover .line { stroke: var(--diagram-ink); }
.diagram .taken .arrow, .diagram .edge:hover .arrow { fill: var(--diagram-ink); }
.diagram .edge-label rect { fill: var(--diagram-page); }
.diagram .edge-label text { fill: var(--diagram-muted); }
.diagram .taken .edge-label text, .diagram .edge:hover .edge-label text { fill: var(--diagram-ink); }
.diagram .shape { fill: var(--diagram-step); stroke: var(--diagram-border); }
.diagram .bars, .diagram .icon { stroke: var(--diagram-border); }
.diagram .end .shape { fill: var(--diagram-page); stroke: var(--diagram-ink); }
.diagram .start .shape { stroke: var(--diagram-ink); }
.diagram .completed .shape { fill: var(--diagram-completed); stroke: var(--diagram-completed-border); }
.diagram .completed .icon, .diagram .completed .bars { stroke: var(--diagram-completed-border); }
.diagram .current .shape { fill: var(--diagram-current); stroke: var(--diagram-current-border); }
.diagram .current .icon, .diagram .current .bars { stroke: var(--diagram-current-border); }
.diagram .failed .shape { fill: var(--diagram-failed); stroke: var(--diagram-failed-border); }
.diagram .failed .icon, .diagram .failed .bars { stroke: var(--diagram-failed-border); }
.diagram .skipped .shape, .diagram .canceled .shape { fill: var(--diagram-given-up); }
.diagram .skipped .label, .diagram .canceled .label { fill: var(--diagram-muted); }
.diagram .heat { fill: var(--diagram-heat); }
.diagram .mark circle { fill: var(--diagram-border); stroke: var(--diagram-page); }
.diagram .mark path { stroke: var(--diagram-mark); }
.diagram .completed .mark circle { fill: var(--diagram-completed-border); }
.diagram .current .mark circle { fill: var(--diagram-current-border); }
.diagram .failed .mark circle { fill: var(--diagram-failed-border); }
.diagram .badge rect { fill: var(--diagram-badge); stroke: var(--diagram-page); }
.diagram .badge text { fill: var(--diagram-badge-text); }
.diagram .step:hover .hit { stroke: var(--diagram-border); }
.diagram .step:focus-visible { outline-color: var(--diagram-focus); }
.diagram .details rect { fill: var(--diagram-page); stroke: var(--diagram-border); }
.diagram .details .more { fill: var(--diagram-muted); }
"""


def _properties(palette: Mapping[str, str]) -> str:
    return " ".join(f"--diagram-{name}: {colour};" for name, colour in palette.items())


def _coloured(palette: Mapping[str, str]) -> str:
    return re.sub(r"var\(--diagram-([a-z-]+)\)", lambda match: palette[match[1]], _COLOURS)


STYLESHEET: Final = f"""\
:root {{ {_properties(LIGHT)} }}
@media (prefers-color-scheme: dark) {{ :root:not([data-theme="light"]) {{ {_properties(DARK)} }} }}
[data-theme="dark"] {{ {_properties(DARK)} }}
{_SHAPES}{_COLOURS}"""
"""For pages: light or dark as the reader prefers, or as `data-theme` on the root element says."""


def standalone_stylesheet() -> str:
    """Return the stylesheet for files: light, or dark where the reader prefers it."""
    return f"{_SHAPES}{_coloured(LIGHT)}@media (prefers-color-scheme: dark) {{\n{_coloured(DARK)}}}\n"
