"""The command line."""

import json
import subprocess
import sys
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from tests.sqla.conftest import HEAD
from workflows_cli import group
from workflows_cli.group import workflows
from workflows_sqla.cli import db


@pytest.fixture
def announce(monkeypatch: pytest.MonkeyPatch) -> None:
    """Announce commands as an installed package does, whether or not this one is installed."""
    announced = EntryPoints(
        [
            EntryPoint("db", "workflows_sqla.cli:db", group.GROUP),
            EntryPoint("missing", "workflows_absent.cli:nothing", group.GROUP),
        ]
    )
    monkeypatch.setattr(group, "entry_points", lambda group: announced.select(group=group))


def run(*arguments: str, command: click.Command = workflows, **environment: str) -> Result:
    return CliRunner().invoke(command, arguments, env=environment)


@pytest.mark.usefixtures("announce")
def test_a_path_that_is_mistyped_makes_no_file(tmp_path: Path) -> None:
    for command in ("current", "check"):
        refused = run("db", command, "--database-url", f"sqlite:///{tmp_path}/mistyped.db")
        assert refused.exit_code == 1
        assert "There is no SQLite database" in refused.output
        assert "workflows db upgrade" in refused.output
    assert [*tmp_path.iterdir()] == []


@pytest.mark.usefixtures("announce")
def test_the_tables_are_made_and_checked(empty_url: str) -> None:
    url = empty_url
    checked = run("db", "check", "--database-url", url)
    assert (checked.exit_code, "workflows db upgrade" in checked.output) == (1, True)
    assert "workflows db upgrade" in run("db", "current", "--database-url", url).output

    for _ in range(2):
        upgraded = run("db", "upgrade", "--database-url", url)
        assert (upgraded.exit_code, upgraded.output) == (0, f"The tables are at revision {HEAD}.\n")
    assert run("db", "current", WORKFLOWS_DATABASE_URL=url).output == f"{HEAD}\n"
    assert run("db", "check", WORKFLOWS_DATABASE_URL=url).output == "The tables are as expected.\n"
    answers = {"upgrade": {"revision": HEAD}, "current": {"revision": HEAD}, "check": {"differences": []}}
    for command, answer in answers.items():
        assert json.loads(run("db", command, "--json", "--database-url", url).output) == answer


@pytest.mark.parametrize(
    ("url", "advice"),
    [
        ("mysql://localhost/db", "neither SQLite nor PostgreSQL"),
        ("workflows.db", "neither SQLite nor PostgreSQL"),
        ("sqlite://", "use a file"),
        ("postgresql://postgres@127.0.0.1:1/db", "Does it run, is the URL right?"),
    ],
)
def test_what_cannot_be_used_is_one_clear_error(url: str, advice: str) -> None:
    refused = run("upgrade", "--database-url", url, command=db)
    assert refused.exit_code != 0
    assert advice in refused.output
    assert "Traceback" not in refused.output


def test_a_url_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORKFLOWS_DATABASE_URL", raising=False)
    assert "WORKFLOWS_DATABASE_URL" in run("upgrade", "--help", command=db).output
    assert "--database-url" in run("upgrade", command=db).output


@pytest.mark.usefixtures("announce")
def test_a_command_whose_extra_is_missing_says_so() -> None:
    assert "missing     Not installed." in run("--help").output
    refused = run("missing", "--anything")
    assert refused.exit_code == 1
    assert "workflows_absent" in refused.output
    assert "pip install" in refused.output


def test_who_does_not_upgrade_does_not_wait_for_alembic() -> None:
    """Nor hears what it logs while it is imported."""
    program = "import sys; import workflows_sqla.storage; sys.exit('alembic' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_without_click_the_script_names_the_extra() -> None:
    program = "import sys; sys.modules['click'] = None; import workflows_cli; workflows_cli.main()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (
        1, "The command line needs an extra: pip install 'workflows-litestar[cli]'\n",
    )  # fmt: skip
