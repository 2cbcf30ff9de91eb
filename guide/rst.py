"""Reads the guide: its code blocks in their order, its tables and its lists."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from docutils import nodes
from docutils.core import publish_doctree

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Block:
    """A code block of the guide.

    Attributes:
        name: The bold line that introduces it, such as "List Definitions", or else the title of its section.
        language: What it is written in.
        text: What stands in it, without the indentation.
        line: The line of the guide at which the text begins.
    """

    name: str
    language: str
    text: str
    line: int

    def __str__(self) -> str:
        return f"{self.name} ({self.language}, line {self.line})"


@dataclass(frozen=True)
class Guide:
    """What the harness wants to know of the guide.

    Attributes:
        blocks: Its code blocks, in their order.
        tables: Section title to the rows of the table there, below the head.
        lists: Section title to the items of the first bulleted list there.
    """

    blocks: Sequence[Block]
    tables: Mapping[str, Sequence[tuple[str, ...]]]
    lists: Mapping[str, Sequence[str]]

    def of(self, language: str) -> list[Block]:
        """The blocks in one language."""
        return [block for block in self.blocks if block.language == language]

    def block(self, name: str, language: str) -> Block:
        """The one block of that name and language."""
        (found,) = [block for block in self.of(language) if block.name == name]
        return found

    def answer_to(self, block: Block) -> Block | None:
        """The answer printed after a block, before the next thing to send; `None` if there is none."""
        following = self.blocks[self.blocks.index(block) + 1 :]
        return following[0] if following and following[0].language in {"json", "text"} else None


def path() -> Path:
    """Where the guide is: `WORKFLOWS_GUIDE`, or its place beside the clone."""
    return ROOT / os.environ.get("WORKFLOWS_GUIDE", "../shared/spec/web-plugin.rst")


@cache
def guide() -> Guide:
    """The guide, read once."""
    # The roles that only Sphinx knows (`:doc:`) are no concern here: nothing below depends on them.
    quiet = {"report_level": 5, "halt_level": 5, "syntax_highlight": "none", "_disable_config": True}
    source = path().read_text(encoding="utf-8")
    document = publish_doctree(source, settings_overrides=quiet)
    return Guide(
        tuple(_blocks(document, source)),
        {_title(table): tuple(_rows(table)) for table in document.findall(nodes.table)},
        {
            _title(items): tuple(item.astext() for item in items)
            for items in reversed(list(document.findall(nodes.bullet_list)))
        },
    )


def _blocks(document: nodes.document, source: str) -> Iterator[Block]:
    lines = [line.strip() for line in source.splitlines()]
    position = 0
    for literal in document.findall(nodes.literal_block):
        text = literal.astext()
        language = next((name for name in literal["classes"] if name != "code"), "")
        position = _find(lines, [line.strip() for line in text.splitlines()], position)
        yield Block(_name(literal), language, text, position + 1)


def _name(literal: nodes.literal_block) -> str:
    siblings = literal.parent.children
    for before in reversed(siblings[: siblings.index(literal)]):
        match before.children:
            case [nodes.strong() as bold]:
                return bold.astext().rstrip(":")
    return _title(literal)


def _find(lines: Sequence[str], wanted: Sequence[str], start: int) -> int:
    """Where the lines stand in the source: docutils tells it of some directives only roughly."""
    for position in range(start, len(lines)):
        if lines[position : position + len(wanted)] == wanted:
            return position
    raise ValueError(f"Not found in the guide: {wanted[0]}")


def _rows(table: nodes.table) -> Iterator[tuple[str, ...]]:
    for body in table.findall(nodes.tbody):
        for row in body.findall(nodes.row):
            yield tuple(entry.astext() for entry in row)


def _title(node: nodes.Node) -> str:
    while not isinstance(node, nodes.section):
        node = node.parent
    return node[0].astext()
