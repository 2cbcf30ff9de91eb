"""Every code block of README, changelog and documentation does what the page says."""

import re
from pathlib import Path

import pytest

from tests.docs.blocks import PAGES, blocks, name_of
from tests.docs.reader import POSTGRES_URL, Reader

FENCE = re.compile(r"^ *(?:```+|~~~+)(?!\{)[^`\n]*$", re.MULTILINE)


def test_there_are_pages() -> None:
    assert {"README.md", "docs/index.md"} <= {name_of(page) for page in PAGES}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_does_what_it_says(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.chdir(tmp_path)
    needs_postgres = POSTGRES_URL in page.read_text(encoding="utf-8")
    replaced = {POSTGRES_URL: request.getfixturevalue("postgres_url")} if needs_postgres else {}
    found = blocks(page)
    with Reader(tmp_path, replaced) as reader:
        assert reader.follow(found) == len(found)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_block_is_missed(page: Path) -> None:
    """Counted another way: by the fences that stand alone on a line."""
    text = page.read_text(encoding="utf-8")
    directives = len(re.findall(r"^ *(?:```+)\{", text, re.MULTILINE))
    assert len(blocks(page)) * 2 == len(FENCE.findall(text)) - directives
