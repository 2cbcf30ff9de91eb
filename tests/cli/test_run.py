"""`run`: a workflow in memory, led by options or by somebody at a terminal."""

from pathlib import Path

import pytest

from tests.cli.conftest import Cli, read

APPROVE = 'review=approve:{"note": "fine"}'


def test_it_goes_on_until_it_waits_and_says_for_what(cli: Cli) -> None:
    told = cli("run", "expense.py", "--set", "amount=5").stdout
    assert "succeeded  submit" in told
    assert "“Review the expense” waits to be done" in told
    assert '"submitted": true' in told


def test_it_goes_to_its_end_where_everything_is_said(cli: Cli) -> None:
    answers = [
        "--complete",
        f"anna@{APPROVE}",
        "--message",
        'receipt:{"no": 7}',
        "--data",
        '{"amount": 5, "number": "A"}',
    ]
    done = read(cli("run", "expense.py:expense", *answers, "--json"))
    assert done["status"] == "completed"
    assert done["context_data"]["paid"] == 5
    assert done["context_data"]["receipt"] == {"no": 7}
    steps = [(each["step_name"], each["outcome"], each["completed_by"]) for each in done["step_history"]]
    assert steps == [
        ("submit", None, None), ("review", "approve", "anna"), ("receipt", None, None), ("pay", None, None),
    ]  # fmt: skip


def test_a_failure_is_the_exit_code(cli: Cli) -> None:
    told = cli("run", "expense.py", "-s", "amount=13", code=1).stdout
    assert "failed     submit  RuntimeError: nobody pays thirteen (in execute)" in told


def test_what_was_not_used_is_said(cli: Cli) -> None:
    result = cli("run", "expense.py", "-c", 'review=reject:{"note": "no"}', "-c", APPROVE, "-m", "receipt")
    assert "Not used: --complete review" in result.stderr
    assert "Not used: --message receipt" in result.stderr


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        (["--complete", "revew=approve"], 2, "'expense' has no step 'revew'. There are: submit, review"),
        (["--complete", "=x"], 2, "is not [USER@]STEP[=OUTCOME][:JSON]"),
        (["--complete", "review=approve:{"], 2, "this is not JSON"),
        (["--complete", "review=approve:7"], 2, "an object is expected"),
        (["--data", "@absent.json"], 2, "'absent.json' cannot be read"),
        (["--set", "amount"], 2, "'amount' is not KEY=VALUE"),
        (["--as", " "], 2, "say who you are"),
        (["--workflow", "other"], 2, "There are: expense@1.0.0"),
        (["--set", "amount=much"], 1, "/amount"),
        (["--complete", 'review=perhaps:{"note": "x"}'], 1, "use one of: approve, reject"),
        (["--complete", "review=approve"], 1, "note"),
    ],
)
def test_a_mistake_is_told(cli: Cli, options: list[str], code: int, told: str) -> None:
    assert told in cli("run", "expense.py", *options, code=code).stderr


def test_a_specification_cannot_be_run(cli: Cli, folder: Path) -> None:
    (folder / "expense.json").write_text("{}", encoding="utf-8")
    assert "Name the module or the file of Python" in cli("run", "expense.json", code=2).stderr


def test_a_timer_is_waited_for_as_long_as_somebody_is_patient(cli: Cli, folder: Path) -> None:
    (folder / "timed.py").write_text(
        "from datetime import timedelta\nfrom workflows_core import *\n"
        "def timed(seconds):\n"
        "    return WorkflowDefinition(name='timed', steps=[DelayStep('a', timedelta(seconds=seconds))], initial_step='a',"
        " terminal_steps=['a'])\n"
        "soon, late = lambda: timed(0.01), lambda: timed(1000)\n",
        encoding="utf-8",
    )
    assert read(cli("run", "timed.py:soon", "--json"))["status"] == "completed"
    assert read(cli("run", "timed.py:late", "--json"))["status"] == "waiting"


def test_people_are_asked_until_it_fits(cli: Cli) -> None:
    """The note is required; the limit has a default, and is refused below 1."""
    typed = "anna\nreject\n\ntoo much\n0\nanna\nreject\ntoo much\nmany\n\nbert\n"
    told = cli("run", "expense.py", "--ask", "--as", "carl", text=typed).stdout
    assert "Who does it [carl]: anna" in told
    assert "Outcome (approve, reject): reject" in told
    assert "limit (number) [100]: " in told
    assert "succeeded  review  reject by anna" in told
    assert "succeeded  regret  by bert" in told
