"""The console script as a new user meets it: in a process of its own, in a clean folder, at a terminal."""

import os
import pty
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.conftest import EXPENSE
from workflows_cli.group import workflows
from workflows_cli.printing import clean
from workflows_cli.tables import Column, table
from workflows_cli.times import due, span

SCRIPT = Path(sys.executable).with_name("workflows")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "expense.py").write_text(EXPENSE, encoding="utf-8")
    return tmp_path


def environment(home: Path) -> dict[str, str]:
    """What a login has, and nothing of this one's."""
    named = {"WORKFLOWS_DATABASE_URL": "sqlite:///workflows.db", "WORKFLOWS_APP": "expense.py"}
    return {"HOME": str(home), "PATH": os.defpath, "TERM": "xterm", "COLUMNS": "80", **named}


def run(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SCRIPT, *arguments],
        cwd=home,
        env=environment(home),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )


def at_terminal(home: Path, *arguments: str, typed: str = "", code: int = 0) -> str:
    """What a terminal of 80 columns shows."""
    ours, theirs = pty.openpty()
    os.write(ours, typed.encode())
    with subprocess.Popen(
        [SCRIPT, *arguments], cwd=home, env=environment(home), stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        shown = b""
        while part := _read(ours):
            shown += part
        assert process.wait() == code, shown
    os.close(ours)
    return shown.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux says so where the other end was closed
        return b""


def test_a_new_user_gets_going(home: Path) -> None:
    """Nothing but sentences, exit codes and tables that fit; no file but the database is left."""
    early = run(home, "start", "expense")
    assert (early.returncode, early.stdout) == (1, "")
    assert "`workflows db upgrade`" in early.stderr
    assert not (home / "workflows.db").exists()
    assert run(home, "db", "upgrade").returncode == 0
    started = run(home, "start", "expense", "--set", "amount=5", "--wait", "0.01")
    assert (started.returncode, started.stderr) == (3, "")
    shown = at_terminal(home, "instances")
    assert "\x1b[36mrunning" in shown
    assert started.stdout.split()[0] in shown
    lines = _plain(at_terminal(home, "instance", started.stdout.split()[0])).splitlines()
    assert "to begin as soon as a process takes it up" in " ".join(lines)
    assert max(map(len, lines)) <= 80
    asked = at_terminal(home, "cancel", "--workflow", "expense", typed="n\n", code=1)
    assert "Cancel 1 instance? [y/N]:" in asked
    assert "Nothing was done." in asked


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete(home: Path, shell: str) -> None:
    said = run(home, "completion", shell)
    assert said.returncode == 0, said.stderr
    assert f"_WORKFLOWS_COMPLETE={shell}_complete" in said.stdout


def test_bash_asks_and_is_answered(home: Path) -> None:
    """With names of commands, of options, and of what an option may be."""
    for typed, number, wanted in (
        ("workflows inst", 1, "instances"),
        ("workflows tasks --status pe", 3, "pending"),
    ):
        asked = {"_WORKFLOWS_COMPLETE": "bash_complete", "COMP_WORDS": typed, "COMP_CWORD": str(number)}
        answered = subprocess.run(
            [SCRIPT], env=environment(home) | asked, cwd=home, capture_output=True, text=True, check=False
        )
        assert f"plain,{wanted}" in answered.stdout.splitlines()


# Tables and times


WIDTHS = st.integers(1, 100)
COLUMNS = (Column("ID"), Column("STATUS", is_status=True), Column("TITLE", least=5))


def test_a_table_cuts_what_may_be_cut() -> None:
    rows: list[list[object]] = [["123456", "waiting", "A title that is long"], ["7", "failed", None]]
    wide = ["ID      STATUS   TITLE", "123456  waiting  A title that is long", "7       failed"]
    cut = ["ID      STATUS   TITLE", "123456  waiting  A ti…", "7       failed"]
    for width, lines in ((None, wide), (80, wide), (22, cut), (3, cut)):
        shown = [_plain(line) for line in table(COLUMNS, rows, width)]
        assert shown == lines


@given(
    st.lists(st.tuples(st.text(max_size=12), st.sampled_from(["failed", "waiting"]), st.text(max_size=90))),
    WIDTHS,
)
def test_a_table_is_no_wider_than_the_terminal_if_it_can_be(
    rows: list[tuple[str, str, str]], width: int
) -> None:
    """And a line for each row, whatever stands in it."""
    lines = [_plain(line) for line in table(COLUMNS, rows, width)]
    least = max(2, *(len(clean(each)) for each, _, _ in rows), 0) + 2 + 7 + 2 + 5
    assert len(lines) == len(rows) + 1
    assert max(map(len, lines)) <= max(width, least)
    assert all("\n" not in line for line in lines)


def test_what_a_table_shows_cannot_command_the_terminal() -> None:
    (_, line) = table(COLUMNS, [["1", "done", "\x1b[2J\nx"]], None)
    assert "\x1b[2J" not in line
    assert "\n" not in line


def _plain(text: str) -> str:
    return re.sub(r"\x1b\[\d+m", "", text).rstrip()


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (-1, "0s"),
        (0.9, "0s"),
        (59, "59s"),
        (60, "1m"),
        (7199, "119m"),
        (7200, "2h"),
        (172799, "47h"),
        (172800, "2d"),
    ],
)
def test_spans_are_short(seconds: float, told: str) -> None:
    assert span(timedelta(seconds=seconds)) == told


def test_what_is_due_is_told_from_both_sides() -> None:
    later = timedelta(hours=3)
    assert [due(None, NOW), due(NOW + later, NOW), due(NOW - later, NOW)] == ["", "in 3h", "3h late"]


def test_every_command_says_what_it_does_and_what_its_options_mean() -> None:
    """In one line that is not cut off in the list of all."""
    root = click.Context(workflows, info_name="workflows")
    for name in workflows.list_commands(root):
        command = workflows.get_command(root, name)
        assert command is not None
        assert not command.get_short_help_str(66).endswith("..."), name
        options = [each for each in command.params if isinstance(each, click.Option)]
        assert [each.opts for each in options if not each.help] == [], name
