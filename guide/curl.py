"""Reads the curl commands of the guide, and sends what curl would send."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from guide.rst import Block

BASE = "http://localhost:8000/workflows"


@dataclass(frozen=True)
class Command:
    """One curl command.

    Attributes:
        method: GET, or what `-X` says.
        path: What follows the guide's base address.
        headers: What `-H` says.
        body: What `-d` says; `None` without it.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: str | None

    def send(
        self, client: httpx.Client, prefix: str = "/workflows", *, names: Mapping[str, str]
    ) -> httpx.Response:
        """Send it, with the ids of the guide replaced by those that `names` gives."""
        path = self.path
        for name, value in names.items():
            path = path.replace(name, value)
        headers = {"user-agent": "curl/8.5.0", "accept": "*/*", **self.headers}
        return client.request(self.method, f"{prefix}{path}", headers=headers, content=self.body)


def commands(block: Block) -> list[Command]:
    """The curl commands of a block, in their order."""
    found = re.split(r"^(?=curl )", re.sub(r"^#.*\n", "", block.text, flags=re.MULTILINE), flags=re.MULTILINE)
    return [_command(text) for text in found if text.startswith("curl ")]


def _command(text: str) -> Command:
    words = iter(shlex.split(text.replace("\\\n", " "))[1:])
    method, url, body, headers = "", "", None, {}
    for word in words:
        match word:
            case "-X":
                method = next(words)
            case "-H":
                name, _, value = next(words).partition(": ")
                headers[name] = value
            case "-d":
                body = next(words)
            case _ if word.startswith(BASE):
                url = word
            case _:
                raise ValueError(f"curl would read {word!r}; this harness does not.")
    return Command(method or ("GET" if body is None else "POST"), url.removeprefix(BASE), headers, body)
