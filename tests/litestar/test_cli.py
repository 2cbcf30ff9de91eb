"""The commands of `workflows` are among those of `litestar`."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def litestar(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "litestar", "--app", "examples.travel.app:create_app", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False
    )


def test_the_tables_of_an_application(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/travel.db"
    environment = {"WORKFLOWS_DATABASE_URL": url, "TRAVEL_DATABASE": url}

    upgraded = litestar("workflows", "db", "upgrade", **environment)
    checked = litestar("workflows", "db", "check", **environment)

    assert upgraded.returncode == 0, upgraded.stderr
    assert "The tables are at revision" in upgraded.stdout
    assert "The tables are as expected" in checked.stdout


def test_a_mistake_is_a_sentence_and_no_traceback(tmp_path: Path) -> None:
    refused = litestar("workflows", "db", "check", "--database-url", "mysql://nowhere")
    assert refused.returncode != 0
    assert "neither SQLite nor PostgreSQL" in refused.stderr
    assert "Traceback" not in refused.stderr
