"""A reader who follows a page to the letter: types every command, runs every line, checks every answer.

| block | is |
|---|---|
| `python` | run, all of a page in one namespace; where its first line names a file (`# app.py`), written to it too |
| `bash`, `console` | done: curl asks the server of the page, `litestar run` starts one, make, pip and git are checked, `export` holds for the page, everything else is run by bash |
| `json`, `text` | compared with what the block before answered or printed |
| `toml`, `ini` | written to the file that their first line names |
| `sql` | run on the database that the page has made |

Everything happens in an empty folder. A block of another language, and one that should not be run, says so and why:
`<!-- test: shown, REASON -->`.
"""

from __future__ import annotations

import ast
import importlib.metadata
import inspect
import io
import json
import re
import shlex
import sqlite3
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from configparser import ConfigParser
from contextlib import ExitStack, contextmanager, redirect_stdout
from pathlib import Path
from types import ModuleType
from typing import Any, Final, NoReturn, Self

import httpx
from attrs import evolve, frozen
from packaging.requirements import Requirement
from sqlalchemy.ext.asyncio import AsyncEngine

from tests import servers
from tests.docs import serving
from tests.docs.background import BackgroundLoop
from tests.docs.blocks import ROOT, Block
from tests.docs.matching import Bindings
from tests.docs.shell import Command, Curl, commands, curl
from workflows_core.hosting import stop_runners

POSTGRES_URL: Final = "postgresql+asyncpg://app:secret@localhost/app"
"""What pages write for a PostgreSQL database; an empty one takes its place."""


@frozen
class Answer:
    """What a block said, for the blocks below it to show.

    Attributes:
        text: What it printed, or the body of the response.
        again: Asks once more, where that changes nothing: what the engine does in the background needs a moment.
        status: The HTTP status; 0 where there is none.
    """

    text: str
    again: Callable[[], Answer] | None = None
    status: int = 0

    @property
    def is_refusal(self) -> bool:
        """Whether a server said no."""
        return self.status >= 400


class Reader:
    """Follows the blocks of one page.

    Args:
        folder: The empty folder it works in.
        replaced: What to write instead of something in the page: the address of a database server.
    """

    def __init__(self, folder: Path, replaced: Mapping[str, str] | None = None) -> None:
        self._folder = folder
        self._replaced = dict(replaced or {})
        self._module = ModuleType(f"page_{id(self)}")
        self._loop = BackgroundLoop()
        self._server: ExitStack | None = None
        self._client: httpx.Client | None = None
        self._environment = serving.environment(folder)
        self._ids = Bindings()
        self._answer: Answer | None = None
        self._known_modules = set(sys.modules)

    def __enter__(self) -> Self:
        with ExitStack() as opening:
            sys.modules[self._module.__name__] = self._module  # where Litestar looks annotations up
            opening.callback(self._forget_modules)
            sys.path.insert(0, str(self._folder))
            opening.callback(sys.path.remove, str(self._folder))
            opening.enter_context(self._loop)
            opening.callback(lambda: self._loop.run(self._clean_up()))
            opening.callback(self._stop_server)
            self._open = opening.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def _forget_modules(self) -> None:
        """Let the next page import files of the same names."""
        for name in set(sys.modules) - self._known_modules:
            file = getattr(sys.modules[name], "__file__", None)
            if name == self._module.__name__ or str(file or "").startswith(str(self._folder)):
                del sys.modules[name]

    async def _clean_up(self) -> None:
        await stop_runners()
        for value in list(vars(self._module).values()):
            if isinstance(value, AsyncEngine):
                await value.dispose()

    def follow(self, blocks: Iterable[Block]) -> int:
        """Do what the blocks say and return how many there were.

        Raises:
            AssertionError: If something is not as the page says; with its line.
        """
        count = 0
        for block in blocks:
            self._check_shown(block) if block.reason_not_to_run else self._do(block)
            count += 1
        self._nothing_unseen("the end of the page")
        return count

    def _do(self, block: Block) -> None:
        if block.note not in {"", "excerpt"}:
            fail(block, f"the note {block.note!r} is none: write `excerpt`, or `shown` and why")
        match block.language:
            case "python":
                self._nothing_unseen(block)
                self._answer = Answer(self._run_python(block))
            case "bash" | "console":
                self._run_commands(block)
            case "json":
                self._compare_json(block)
            case "text":
                self._compare_text(block)
            case "toml" | "ini":
                self._write_settings(block)
            case "sql":
                self._run_sql(block)
            case "indented":
                fail(block, "write it between fences, with its language")
            case _:
                fail(block, "nobody knows how to run that; if it cannot be run, say so and why")

    @staticmethod
    def _check_shown(block: Block) -> None:
        """Read a block that is not run, as far as that goes."""
        match block.language:
            case "python":
                compile(block.text, str(block), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
            case "json":
                json.loads(block.text)
            case "toml":
                tomllib.loads(block.text)

    def _nothing_unseen(self, where: object) -> None:
        """A refusal that the page does not show is one that its author did not expect."""
        if self._answer is not None and self._answer.is_refusal:
            raise AssertionError(
                f"Before {where}: the server refused, and the page is silent:\n{self._answer.text}"
            )
        self._answer = None

    # Python

    def _run_python(self, block: Block) -> str:
        """Run a block and return what it printed."""
        text = self._substituted(block.text)
        self._write_file(block, text)
        # Behind as many empty lines as stand before it, so that tracebacks name the line of the page.
        code = compile(
            "\n" * (block.line - 1) + text,
            str(block.page),
            "exec",
            ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
            dont_inherit=True,
        )
        printed = io.StringIO()
        with redirect_stdout(printed):
            result = eval(code, vars(self._module))
            if inspect.iscoroutine(result):
                self._loop.run(result)
        return printed.getvalue()

    def _write_file(self, block: Block, text: str) -> None:
        if block.file is not None:
            path = self._folder / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            before = path.read_text(encoding="utf-8") + "\n\n" if block.continues_file else ""
            path.write_text(before + text, encoding="utf-8")

    def _substituted(self, text: str) -> str:
        for printed, real in self._replaced.items():
            text = text.replace(printed, real)
        return self._ids.substituted(text)

    def _write_settings(self, block: Block) -> None:
        if block.file is None:
            fail(block, "say in its first line which file it belongs into: `# pyproject.toml`")
        if block.language == "toml":
            tomllib.loads(block.text)
        else:
            ConfigParser(interpolation=None).read_string(block.text)
        self._write_file(block, block.text)

    # Commands

    def _run_commands(self, block: Block) -> None:
        for command in commands(block.language, block.text):
            self._nothing_unseen(block)
            self._answer = self._run_command(block, evolve(command, text=self._substituted(command.text)))
            if command.output is not None:
                self._expect_text(block, command.output, self._answer)

    def _run_command(self, block: Block, command: Command) -> Answer | None:
        match command.program:
            case "curl":
                return self._ask(curl(command.text))
            case "litestar" if " run" in command.text:
                self._serve_by_command(command.text.split())
            case "export" if ";" not in command.text:  # for all commands below
                name, _, value = shlex.split(command.text)[1].partition("=")
                self._environment[name] = value
                return Answer("")
            case "make":
                _check_make(block, command.text)
            case "pip":
                _check_pip(block, command.text)
            case _:
                return self._run_in_bash(block, command.text)
        return None

    def _run_in_bash(self, block: Block, text: str) -> Answer:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text],
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode:
            fail(block, f"{text!r} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return Answer(done.stdout)

    # The server of the page

    def _serve_by_command(self, command: list[str]) -> None:
        self._stop_server()
        self._start(lambda: serving.by_command(command, self._folder, self._environment))

    def _start(self, server: Callable[[], Any]) -> httpx.Client:
        with ExitStack() as starting:
            url = starting.enter_context(server())
            self._client = starting.enter_context(
                httpx.Client(base_url=url, timeout=servers.PATIENCE, trust_env=False)
            )
            self._server = starting.pop_all()
        return self._client

    def _stop_server(self) -> None:
        if self._server is not None:
            self._server.close()
        self._server = self._client = None

    def _ask(self, sent: Curl) -> Answer:
        client = self._client
        if client is None:
            app = vars(self._module).get("app")
            assert app is not None, "curl needs a server: `litestar run`, or an `app` in the page"
            client = self._start(lambda: _addressed(servers.Server(app)))
        response = client.request(sent.method, sent.path, headers=dict(sent.headers), content=sent.body)
        again = (lambda: self._ask(sent)) if sent.method == "GET" else None
        return Answer(response.text, again, response.status_code)

    # Answers

    def _compare_json(self, block: Block) -> None:
        printed = json.loads(block.text)
        if self._answer is None:
            return  # JSON by itself, such as a form: that it can be read is all there is to check
        self._expect(
            block,
            lambda answer: self._ids.differences(
                printed, json.loads(answer.text), is_excerpt=block.is_excerpt
            ),
        )

    def _compare_text(self, block: Block) -> None:
        if self._answer is None:
            fail(block, "nothing above it has printed anything")
        self._expect_text(block, block.text, self._answer)

    def _expect_text(self, block: Block, printed: str, answer: Answer | None) -> None:
        self._answer = answer
        self._expect(block, lambda answer: self._text_differences(block, printed, answer.text))

    def _text_differences(self, block: Block, printed: str, actual: str) -> list[str]:
        expected, came = ([line.rstrip() for line in text.strip().splitlines()] for text in (printed, actual))
        rest = iter(came)
        if block.is_excerpt:
            missing = [
                line for line in expected if not any(self._ids.same_text(line, other) for other in rest)
            ]
            return [f"{line!r} is not there, or not in this order:\n{actual}" for line in missing[:1]]
        return [] if self._ids.same_text("\n".join(expected), "\n".join(came)) else [f"it printed:\n{actual}"]

    def _expect(self, block: Block, differences: Callable[[Answer], list[str]]) -> None:
        """Compare with the last answer; ask again for as long as it may still become the printed one."""
        answer, self._answer = self._answer, None
        assert answer is not None
        found = differences(answer)
        deadline = time.monotonic() + servers.PATIENCE
        while found and answer.again is not None and time.monotonic() < deadline:
            time.sleep(0.02)
            found = differences(answer.again())
        if found:
            fail(block, "; ".join(found))

    def _run_sql(self, block: Block) -> None:
        """Run statements on the one SQLite database of the folder; the last may be a query whose rows are printed."""
        files = [path for path in self._folder.iterdir() if path.suffix in {".db", ".sqlite3"}]
        if len(files) != 1:
            fail(block, f"the page has made {len(files)} SQLite databases, not one")
        connection = sqlite3.connect(files[0])
        try:
            rows = connection.execute(block.text).fetchall()
        finally:
            connection.close()
        self._answer = Answer("\n".join(" | ".join(map(str, row)) for row in rows))


def _check_make(block: Block, command: str) -> None:
    """What is to be made exists: `tests/examples` run the demo and the replay, CI the others."""
    targets = set(re.findall(r"^([a-z][a-z-]*):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    unknown = [word for word in command.split()[1:] if "=" not in word and word not in targets]
    if unknown:
        fail(block, f"the Makefile makes no {', '.join(unknown)}")


def _check_pip(block: Block, command: str) -> None:
    """What is to be installed is this distribution, with extras that it has, or a tested version of another."""
    ours = importlib.metadata.metadata("workflows-litestar")
    known = {line.partition("==")[0].lower() for line in (ROOT / "constraints.txt").read_text().splitlines()}
    words = command.replace("'", "").replace('"', "").split()[1:]
    if words[0] != "install":
        fail(block, f"only `pip install` is known here, not {command!r}")
    for word in words[1:]:
        wanted = Requirement(word)
        if wanted.name == ours["Name"]:
            unknown = wanted.extras - set(ours.get_all("Provides-Extra") or ())
            if unknown:
                fail(block, f"{wanted.name} has no extra {', '.join(unknown)}")
        elif wanted.name.lower() not in known:
            fail(block, f"{wanted.name} is not among the tested versions")


@contextmanager
def _addressed(server: servers.Server) -> Iterator[str]:
    with server:
        yield server.url


def fail(block: Block, why: str) -> NoReturn:
    """Say what is wrong with a block."""
    raise AssertionError(f"{block}: {why}")
