"""Reads the commands of `bash` and `console` blocks."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Final

from attrs import frozen

_PROMPT: Final = "$ "
_BASE: Final = re.compile(r"http://(?:localhost|127\.0\.0\.1):8000(?=/|$)")


@frozen
class Command:
    """One command, and the output that is printed below it; `None` where nothing is said about that."""

    text: str
    output: str | None = None

    @property
    def program(self) -> str:
        """The program it calls."""
        return self.text.split(maxsplit=1)[0]


def commands(language: str, text: str) -> list[Command]:
    """Return the commands of a block; in a `console` they stand behind a `$`, with their output below."""
    if language == "bash":
        return [Command(line) for line in _logical_lines(text) if line and not line.startswith("#")]
    found: list[Command] = []
    for line in _logical_lines(text, keep_empty=True):
        if line.startswith(_PROMPT):
            found.append(Command(line.removeprefix(_PROMPT), ""))
        elif found:
            found[-1] = Command(found[-1].text, f"{found[-1].output}{line}\n")
        else:
            raise ValueError(f"A console begins with {_PROMPT!r}, not with {line!r}.")
    return found


def _logical_lines(text: str, *, keep_empty: bool = False) -> list[str]:
    """Join what a backslash or an open quote continues."""
    lines: list[str] = []
    pending = ""
    for line in text.splitlines():
        pending += line
        if pending.endswith("\\"):
            pending = pending[:-1]
        elif not pending.lstrip().startswith("#") and not keep_empty and _is_open(pending):
            pending += "\n"
        else:
            lines.append(pending if keep_empty else pending.strip())
            pending = ""
    return [*lines, pending] if pending else lines


def _is_open(text: str) -> bool:
    try:
        shlex.split(text)
    except ValueError:
        return True
    return False


@frozen
class Curl:
    """What a curl command sends.

    Attributes:
        method: The HTTP method.
        path: Path and query; the server is the one that the page has started.
        headers: The headers it names.
        body: The body; `None` without one.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: str | None


def curl(text: str) -> Curl:
    """Read a curl command; what this harness does not know of curl is an error."""
    words = iter(shlex.split(text, posix=True)[1:])
    method, path, body = "", "", None
    headers: dict[str, str] = {}
    for word in words:
        match word:
            case "-s" | "--silent":
                pass
            case "-X" | "--request":
                method = next(words)
            case "-H" | "--header":
                name, _, value = next(words).partition(": ")
                headers[name] = value
            case "-d" | "--data":
                body = next(words)
                headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
            case "--json":
                body = next(words)
                headers |= {"Content-Type": "application/json", "Accept": "application/json"}
            case _ if _BASE.match(word):
                path = _BASE.sub("", word) or "/"
            case _:
                raise ValueError(f"curl may know {word!r}; this harness does not.")
    if not path:
        raise ValueError(f"No address in: {text}")
    return Curl(method or ("GET" if body is None else "POST"), path, headers, body)
