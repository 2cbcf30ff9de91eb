"""Reads the code blocks of a Markdown page, with what is noted about them.

A note is an HTML comment right above a block, which readers do not see: `<!-- test: excerpt -->`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Final

from attrs import field, frozen
from markdown_it import MarkdownIt

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = (
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")),
    *sorted(path for path in ROOT.glob("docs/**/*.md") if "_build" not in path.parts),
)
_NOTE: Final = re.compile(r"<!-- test: (?P<note>.+?) -->\s*", re.DOTALL)
_FILE: Final = re.compile(r"(?:#|//|;) (?P<name>[\w./-]+\.\w+)(?P<more> \(continued\))?")


@frozen
class Block:
    """One fenced block.

    Attributes:
        page: The file it stands in.
        line: The number of its first line of code, counted from 1.
        language: The first word behind the fence; empty if there is none.
        text: The code.
        note: What is noted about it; empty if nothing is.
    """

    page: Path
    line: int
    language: str
    text: str = field(repr=False)
    note: str = ""

    def __str__(self) -> str:
        return f"{name_of(self.page)}:{self.line} ({self.language or 'no language'})"

    @property
    def is_excerpt(self) -> bool:
        """Whether it leaves out a part of the answer that it shows."""
        return self.note == "excerpt"

    @property
    def reason_not_to_run(self) -> str:
        """Why it is only shown; empty if it is to be run."""
        kind, _, reason = self.note.partition(", ")
        return reason if kind == "shown" else ""

    @cached_property
    def file(self) -> str | None:
        """The file it belongs into, which a comment in its first line names."""
        named = _FILE.fullmatch(self.text.partition("\n")[0])
        return named["name"] if named else None

    @property
    def continues_file(self) -> bool:
        """Whether it is added to the end of its file; otherwise it is the whole of it."""
        named = _FILE.fullmatch(self.text.partition("\n")[0])
        return bool(named and named["more"])


def name_of(page: Path) -> str:
    """Return how a page is called: its path below the root of the project."""
    return page.relative_to(ROOT).as_posix() if page.is_relative_to(ROOT) else page.name


def blocks(page: Path) -> list[Block]:
    """Return all blocks of a page, in their order; those within notes and other directives too."""
    return list(_blocks(page, page.read_text(encoding="utf-8"), first_line=1))


def _blocks(page: Path, text: str, first_line: int) -> Iterator[Block]:
    note = ""
    for token in MarkdownIt("commonmark").parse(text):
        if token.type == "html_block":
            noted = _NOTE.fullmatch(token.content)
            note = noted["note"] if noted else ""
            continue
        if token.type in {"fence", "code_block"}:
            assert token.map is not None
            is_fence = token.type == "fence"
            line = first_line + token.map[0] + is_fence
            if token.info.startswith("{"):
                yield from _blocks(page, token.content, line)
            else:
                language = (token.info.split() or [""])[0] if is_fence else "indented"
                yield Block(page, line, language, token.content, note)
        note = ""
