"""`validate` and `graph`: definitions in modules, files and specifications."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.cli.conftest import Cli, read
from workflows_cli.finding import find_workflows


@pytest.mark.parametrize("place", ["expense.py", "expense.py:expense", "expense", "expense:expense"])
def test_a_workflow_is_found_in_a_file_and_in_a_module(cli: Cli, place: str) -> None:
    assert cli("validate", place).stdout == "expense 1.0.0: valid\n"


def test_a_file_in_a_package_may_import_its_neighbours(folder: Path) -> None:
    package = folder / "office" / "flows"
    package.mkdir(parents=True)
    for each in (package.parent, package):
        (each / "__init__.py").touch()
    (package / "names.py").write_text("NAME = 'inner'\n", encoding="utf-8")
    (package / "flow.py").write_text(
        "from workflows_core import BaseHumanStep, WorkflowDefinition\nfrom .names import NAME\n"
        "flow = WorkflowDefinition(name=NAME, steps=[BaseHumanStep('a')], initial_step='a', terminal_steps=['a'])\n",
        encoding="utf-8",
    )
    assert find_workflows("office/flows/flow.py").list_keys() == [("inner", "1.0.0")]


def test_a_file_called_like_another_module_is_itself(cli: Cli, folder: Path) -> None:
    (folder / "json.py").write_text((folder / "expense.py").read_text(encoding="utf-8"), encoding="utf-8")
    assert "expense 1.0.0" in cli("validate", "json.py").stdout


def test_everything_wrong_is_told_at_once(cli: Cli) -> None:
    result = cli("validate", "expense.py", "wrong.py", code=1)
    assert "expense 1.0.0: valid" in result.stdout
    for told in ("wrong 1.0.0: 2 errors", "/edges/0/target", "Did you mean 'tell'?", "[bad-expression]"):
        assert told in result.stdout


def test_problems_are_data_for_programs(cli: Cli) -> None:
    (finding,) = read(cli("validate", "wrong.py", "--json", code=1))
    assert (finding["name"], finding["version"], finding["is_valid"]) == ("wrong", "1.0.0", False)
    assert {problem["code"] for problem in finding["problems"]} == {"unknown-target", "bad-expression"}
    assert set(finding["problems"][0]) == {"code", "severity", "path", "step", "detail", "hint"}


def test_warnings_count_where_that_is_asked_for(cli: Cli, folder: Path) -> None:
    (folder / "slash.py").write_text(
        "from workflows_core import BaseHumanStep, WorkflowDefinition\n"
        "flow = WorkflowDefinition(name='s/t', steps=[BaseHumanStep('a')], initial_step='a', terminal_steps=['a'])\n",
        encoding="utf-8",
    )
    assert "1 warning" in cli("validate", "slash.py").stdout
    cli("validate", "slash.py", "--strict", code=1)


def test_what_an_application_registers_while_it_is_imported_is_checked_too(cli: Cli, folder: Path) -> None:
    (folder / "registering.py").write_text(
        "from workflows_core import WorkflowRegistry\nfrom wrong import wrong\nWorkflowRegistry().register(wrong)\n",
        encoding="utf-8",
    )
    assert "2 errors" in cli("validate", "registering.py", code=1).stdout


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        (
            "raising.py",
            "x = 1\nx.y\n",
            "AttributeError: 'int' object has no attribute 'y' (raising.py, line 2)",
        ),
        ("unreadable.py", "def f(:\n", "SyntaxError: invalid syntax (unreadable.py, line 1)"),
        ("leaving.py", "raise SystemExit(3)\n", "SystemExit: 3 (leaving.py, line 1)"),
        ("needing.py", "import absent_thing\n", "No module named 'absent_thing' (needing.py, line 1)"),
        ("empty.py", "", "There are no workflows in 'empty.py'"),
        ("broken.json", "{", "'broken.json' is not JSON"),
        ("number.json", "7", "holds something else than specifications"),
        ("partial.json", '{"name": "x"}', "The specification lacks 'version'"),
    ],
)
def test_a_file_that_cannot_be_used_says_why_and_where(
    cli: Cli, folder: Path, name: str, content: str, told: str
) -> None:
    (folder / name).write_text(content, encoding="utf-8")
    assert told in cli("validate", name, code=2).stderr


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("absent.py", "There is no file 'absent.py'"),
        ("absent.json", "cannot be read"),
        ("absent", "no module"),
    ],
)
def test_a_place_that_is_not_there_is_said(cli: Cli, place: str, told: str) -> None:
    for command in ("validate", "graph"):
        assert told in cli(command, place, code=2).stderr


@pytest.mark.parametrize(("form", "begins"), [("ascii", "●"), ("mermaid", "graph TD"), ("svg", "<svg")])
def test_a_definition_is_drawn(cli: Cli, folder: Path, form: str, begins: str) -> None:
    drawn = cli("graph", "expense.py", "--format", form).stdout
    assert drawn.lstrip().startswith(begins)
    assert "Review the expense" in drawn
    cli("graph", "expense.py", "--format", form, "--output", "drawing")
    assert (folder / "drawing").read_text(encoding="utf-8") == drawn


def test_a_drawing_as_svg_stands_alone(cli: Cli) -> None:
    assert ET.fromstring(cli("graph", "expense.py", "-f", "svg").stdout).tag.endswith("svg")


def test_what_is_not_valid_is_drawn_as_far_as_it_goes(cli: Cli) -> None:
    assert "ask -->|amount >| tell" in cli("graph", "wrong.py", "-f", "mermaid").stdout.replace(
        '"', ""
    ).replace("#62;", ">")


def test_one_of_several_is_named(cli: Cli, folder: Path) -> None:
    (folder / "both.py").write_text(
        "from expense import expense\nfrom wrong import wrong\n", encoding="utf-8"
    )
    refused = cli("graph", "both.py", code=2).stderr
    assert "There are: expense@1.0.0, wrong@1.0.0" in refused
    assert "submit" in cli("graph", "both.py", "--workflow", "expense@1.0.0", "-f", "mermaid").stdout
    assert "no workflow 'expens'" in cli("graph", "both.py", "--workflow", "expens", code=2).stderr


@pytest.mark.parametrize(
    ("options", "told"),
    [([], "either a PLACE, or --instance"), (["--instance", "7"], "not a valid UUID")],
)
def test_what_to_draw_has_to_be_said(cli: Cli, options: list[str], told: str) -> None:
    assert told in cli("graph", *options, code=2).stderr


def test_a_drawing_that_cannot_be_written_is_said(cli: Cli) -> None:
    assert "Could not open file" in cli("graph", "expense.py", "-o", "absent/x.svg", code=1).stderr


def test_specifications_are_read_from_standard_input(cli: Cli) -> None:
    specification = find_workflows("expense.py").get_definition("expense").specification
    assert "expense 1.0.0: valid" in cli("validate", "-", text=json.dumps(specification)).stdout
