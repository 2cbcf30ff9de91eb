"""Links lead somewhere, and nothing in the repository says where or how it was made."""

import re
import subprocess
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.docs.blocks import PAGES, ROOT, name_of

FORBIDDEN = {
    "a path of the machine it was written on": r"(?<![\w.])/(?:root|home/\w+|Users/\w+|work)/",
    "the address of a package index": r"\b(?:pypi\.org|pythonhosted\.org|registry\.npmjs\.org|deb\.debian\.org)\b",
    "a file of some machine": r"file:///[a-z]+/",
}


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False
    ).stdout.decode()
    paths = [ROOT / name for name in listed.split("\0") if name]
    return paths or [path for path in ROOT.rglob("*.py") if ".venv" not in path.parts]


def test_nothing_tells_of_the_machine_it_was_written_on() -> None:
    found = []
    for path in tracked():
        if not path.is_file() or path == Path(__file__):
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [
            f"{name_of(path)} holds {what}: {match[0]}"
            for what, pattern in FORBIDDEN.items()
            for match in re.finditer(pattern, text)
        ]
    assert found == []


# Links


@cache
def _tokens(page: Path) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8"))


def links(page: Path) -> list[str]:
    """The targets of all links and pictures, those in HTML too."""
    inline = [child for token in _tokens(page) for child in token.children or ()]
    found = [str(token.attrs[key]) for token in inline for key in ("href", "src") if key in token.attrs]
    html = [token.content for token in [*inline, *_tokens(page)] if token.type.startswith("html")]
    return found + re.findall(r'(?:src|srcset|href)="([^"]+)"', "".join(html))


def anchors(page: Path) -> set[str]:
    """The anchors of all headings, as GitHub and MyST make them."""
    tokens = _tokens(page)
    titles = [following.content for token, following in pairwise(tokens) if token.type == "heading_open"]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for link in links(page):
        if re.match(r"https?://|mailto:", link):
            continue
        target, _, anchor = link.partition("#")
        path = (page.parent / target).resolve() if target else page
        if not path.exists() or (anchor and path.suffix == ".md" and anchor not in anchors(path)):
            broken.append(link)
    assert broken == []


def test_every_page_is_linked_from_an_overview() -> None:
    """The tables of contents are made of these links; see `docs/conf.py`."""
    overviews = [page for page in PAGES if page.name == "index.md"]
    linked = {name_of((page.parent / link).resolve()) for page in overviews for link in links(page)}
    assert {name_of(page) for page in PAGES if page.is_relative_to(ROOT / "docs")} - {
        "docs/index.md"
    } <= linked
