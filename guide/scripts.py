"""Runs the scripts of the guide as a page would, under node; says so where there is none."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from guide.rst import Block

NODE = shutil.which(os.environ.get("WORKFLOWS_GUIDE_NODE", "node"))
HOW = (
    f"executed by {NODE}"
    if NODE
    else "NOT executed, as there is no node here; the requests they contain were sent instead"
)


@dataclass(frozen=True)
class Page:
    """What running scripts left.

    Attributes:
        answer: What the last expression gave.
        shown: What was shown to the user, as the name of the function and its arguments.
        requests: What was requested, as method and path.
        elements: Id to what is in the element.
    """

    answer: Any
    shown: list[list[Any]]
    requests: list[list[str]]
    elements: dict[str, dict[str, str]]


def browse(base: str, *code: str, ask: str = "", storage: Mapping[str, str]) -> Page:
    """Run scripts on a page of the site `base`, evaluate the expression `ask`, and wait until all is settled."""
    assert NODE is not None
    done = subprocess.run(
        [NODE, Path(__file__).with_name("browser.js")],
        input=json.dumps({"base": base, "storage": dict(storage), "code": code, "ask": ask}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Page(**json.loads(done.stdout))


class _Scripts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.inside = False
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag == "script"

    def handle_endtag(self, tag: str) -> None:
        self.inside = False

    def handle_data(self, data: str) -> None:
        if self.inside and data.strip():
            self.found.append(data)


def scripts_of(block: Block) -> list[str]:
    """The scripts in a block: of a page, those between its script tags."""
    if block.language != "html":
        return [block.text]
    parser = _Scripts()
    parser.feed(block.text)
    return parser.found


@dataclass(frozen=True)
class Request:
    """A request that a script contains.

    Attributes:
        method: Its method.
        path: Its path, with the names of the script's variables in braces.
        keys: The keys of the object it sends, at top level.
    """

    method: str
    path: str
    keys: frozenset[str] = frozenset()


FETCH = re.compile(
    r"fetch\((?P<quote>[`'])(?P<path>.*?)(?P=quote)(?P<options>.*?)\n?\s*(?:\}\))?\);", re.DOTALL
)
BODY = re.compile(r"JSON\.stringify\(\{(?P<object>.*)\}\)", re.DOTALL)
API_BASE = re.compile(r"apiBase = '(?P<base>[^']*)'")


def requests_of(block: Block) -> list[Request]:
    """What the scripts in a block would request, found without running them."""
    base = API_BASE.search(block.text)
    found = []
    for fetch in FETCH.finditer(block.text):
        path = fetch["path"].replace("${this.apiBase}", base["base"] if base else "").replace("${", "{")
        method = re.search(r"method: '(\w+)'", fetch["options"])
        body = BODY.search(fetch["options"] + "})")
        inner = re.sub(r"\{[^{}]*\}", "{}", body["object"]) if body else ""
        found.append(Request(method[1] if method else "GET", path, frozenset(re.findall(r"(\w+):", inner))))
    return found
