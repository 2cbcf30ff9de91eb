"""`export` and `import`: what is written down is kept under its version, all of it or nothing."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Cli, read, settle

PART = {"name": "Submit", "type": "BaseMachineStep", "part": "the step 'submit'"}


def test_what_was_exported_is_known_where_it_was_started(
    cli: Cli, folder: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And kept where it was not; then whoever starts it finds the same."""
    settle(database_url, monkeypatch)
    cli("export", "expense.py", "-o", "expense.json")
    assert "expense: " not in cli("validate", "expense.json").stdout
    assert "Submit" in cli("graph", "expense.json").stdout
    rehearsed = cli("import", "expense.json", "--dry-run", "--json")
    assert rehearsed.stderr == "Nothing was imported.\n"
    (answer,) = read(rehearsed)
    assert (answer["fate"], answer["problems"], answer["needed_code"][0]) == ("added", [], PART)
    assert read(cli("export")) == []

    told = cli("import", "expense.json").stdout
    assert told.startswith("expense 1.0.0: added\n  To run it, a process needs:\n")
    assert "the BaseMachineStep Submit, for the step 'submit'" in told
    assert cli("export").stdout == (folder / "expense.json").read_text(encoding="utf-8")
    cli("start", "expense")
    assert read(cli("import", "expense.py", "--json"))[0]["fate"] == "known"


def test_nobody_starts_other_content_under_a_version_that_is_kept(
    cli: Cli, folder: Path, database: str
) -> None:
    cli("import", "expense.py")
    text = (folder / "expense.py").read_text(encoding="utf-8")
    (folder / "other.py").write_text(text.replace("Review the", "Look at the"), encoding="utf-8")
    assert (
        "already known with different content" in cli("start", "expense", "--app", "other.py", code=1).stderr
    )
    assert read(cli("instances", "--json")) == []


def test_if_one_is_refused_none_is_kept(cli: Cli, folder: Path, database: str) -> None:
    """Everything that is wrong is said, with everything else that is."""
    cli("import", "expense.py")
    (specification,) = read(cli("export"))
    new, other = {**specification, "name": "new"}, {**specification, "description": "Other."}
    wrong = {**specification, "name": "wrong", "initial_step": "submitt", "terminal_steps": ["payy"]}
    (folder / "several.json").write_text(json.dumps([new, other, wrong, new]), encoding="utf-8")
    answers = read(cli("import", "several.json", "--json", code=1))
    assert [each["fate"] for each in answers] == ["added", "conflict", "invalid", "known"]
    assert {"unknown-initial-step", "unknown-terminal-step"} <= {
        each["code"] for each in answers[2]["problems"]
    }
    told = cli("import", "several.json", code=1)
    assert "give it a new one" in told.stdout
    assert "Did you mean 'submit'?" in told.stdout
    assert told.stderr == "Nothing was imported.\n"
    assert [each["name"] for each in read(cli("export"))] == ["expense"]


def test_versions_are_chosen_by_name(cli: Cli, folder: Path, database: str) -> None:
    (specification,) = read(cli("export", "expense.py"))
    versions = [{**specification, "version": each} for each in ("1", "2")]
    (folder / "versions.json").write_text(json.dumps(versions), encoding="utf-8")
    cli("import", "versions.json")
    assert [each["version"] for each in read(cli("export", "--workflow", "expense"))] == ["1", "2"]
    assert [each["version"] for each in read(cli("export", "--workflow", "expense@2"))] == ["2"]
    assert "There are: expense@1, expense@2" in cli("export", "--workflow", "expense@3", code=2).stderr


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[{", "is not JSON: Expecting property name enclosed in double quotes: line 1 column 3"),
        ("7", "holds something else than specifications"),
        ('[{"name": "a"}]', "lacks 'version' (at /0)"),
    ],
)
def test_what_is_no_specification_is_told(
    cli: Cli, folder: Path, database: str, text: str, told: str
) -> None:
    (folder / "broken.json").write_text(text, encoding="utf-8")
    assert told in cli("import", "broken.json", code=2).stderr
    assert told in cli("import", "-", text=text, code=2).stderr


def test_what_is_not_valid_is_not_exported(cli: Cli) -> None:
    assert "[bad-expression]" in cli("export", "wrong.py", code=1).stderr
    assert "Say what to export" in cli("export", code=2).stderr


def test_the_functions_that_are_needed_are_named(cli: Cli, folder: Path, database: str) -> None:
    (folder / "expense.py").write_text(
        "from workflows_core import *\n"
        "def is_large(context): return context.get('amount') > 100\n"
        "def review_by(context): return None\n"
        "large = WorkflowDefinition(name='large', steps=[ScheduledStep('wait', review_by), BaseHumanStep('a'), BaseHumanStep('b')],"
        " edges=[Edge('wait', 'a', condition=is_large), Edge('wait', 'b', default=True)], initial_step='wait',"
        " terminal_steps=['a', 'b'])\n",
        encoding="utf-8",
    )
    told = cli("import", "expense.py").stdout
    assert "the function review_by, for the step 'wait'" in told
    assert "the function is_large, for the edge from 'wait' to 'a'" in told
