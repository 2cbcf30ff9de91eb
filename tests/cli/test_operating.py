"""Instances from the command line: started, listed, shown, and what operators do to them."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.cli.conftest import Cli, read, settle, worked

NOBODY = UUID(int=7)


def last_event(cli: Cli, instance: str) -> dict[str, Any]:
    """What happened last to an instance."""
    event: dict[str, Any] = read(cli("instance", instance, "--history", "--json"))["history"][-1]["events"][
        -1
    ]
    return event


def started(cli: Cli, url: str, *options: str, amount: int = 5) -> str:
    """Start an expense, and let its first step be done."""
    name: str = read(cli("start", "expense", "--set", f"amount={amount}", *options, "--json"))["id"]
    worked(url, name)
    return name


def test_a_life_is_led_from_the_command_line(
    cli: Cli, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of each step the history says who did it."""
    settle(database_url, monkeypatch)
    told = cli("start", "expense@1.0.0", "-s", "amount=5", "-s", "number=A1", "--as", "anna").stdout
    instance = told.split()[0]
    assert "“Submit” is to begin as soon as a process takes it up" in told
    worked(database_url, instance)

    (task,) = read(cli("tasks", "--instance", instance, "--json"))
    assert (task["title"], task["status"]) == ("Review the expense", "pending")
    assert read(cli("claim", task["id"], "--actor", "bert", "--json"))[0]["done"]["assignee"] == "bert"
    assert read(cli("tasks", "--for", "carl", "--json")) == []
    done = cli("complete", task["id"], "--outcome", "approve", "-s", "note=fine", "--as", "bert")
    assert "waits for the message 'receipt' with the key 'A1'" in done.stdout
    assert cli("message", "receipt", "--key", "A1", "-d", '{"no": 7}').stdout == f"{instance} took receipt.\n"
    worked(database_url, instance)

    shown = read(cli("instance", instance, "--history", "--json"))
    assert (shown["status"], shown["created_by"]) == ("completed", "anna")
    assert (shown["context_data"]["paid"], shown["context_data"]["receipt"]) == (5, {"no": 7})
    assert [each["step_name"] for each in shown["step_history"]] == ["submit", "review", "receipt", "pay"]
    assert list(dict.fromkeys(each["actor"] for each in shown["history"])) == ["anna", None, "bert", "olga"]
    assert "The draft" not in json.dumps(shown["history"])
    told = cli("instance", instance, "--history").stdout
    assert "It is completed, since" in told
    assert "approve by bert" in told
    assert "TaskClaimed" in told


def test_a_list_is_filtered_and_goes_on(cli: Cli, database: str) -> None:
    first, second, third = (
        read(cli("start", "expense", "--as", name, "--correlation-id", name, "--json"))["id"]
        for name in ("anna", "bert", "carl")
    )
    listed = cli("instances", "--limit", "2")
    assert [line.split()[0] for line in listed.stdout.splitlines()] == ["ID", third, second]
    assert "--offset 2" in listed.stderr
    assert [each["id"] for each in read(cli("instances", "--offset", "2", "--json"))] == [first]
    for options in (["--created-by", "bert"], ["--correlation-id", "bert"]):
        assert [each["id"] for each in read(cli("instances", *options, "--json"))] == [second]
    assert len(read(cli("instances", "--workflow", "expense", "--status", "running", "--json"))) == 3
    oldest = read(cli("instances", "--order", "oldest", "--step", "submit", "--json"))
    assert [each["id"] for each in oldest] == [first, second, third]
    assert len(read(cli("instances", "--started-after", "1h", "--updated-before", "0s", "--json"))) == 3
    assert read(cli("instances", "--started-after", "9999-01-01T00:00+01:00", "--json")) == []
    nothing = cli("instances", "--workflow", "other")
    assert (nothing.stdout, nothing.stderr) == ("", "There are none.\n")


def test_instances_are_found_by_their_data(cli: Cli, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cheap, dear = (started(cli, database, amount=amount) for amount in (5, 500))
    assert [each["id"] for each in read(cli("instances", "--where", "amount=500", "--json"))] == [dear]
    suspended = read(cli("suspend", "--where", "amount=5", "--yes", "--json"))
    assert [each["id"] for each in suspended] == [cheap]
    assert "searchable are amount" in cli("instances", "--where", "sum=5", code=1).stderr
    monkeypatch.delenv("WORKFLOWS_APP")
    assert "--where needs --app" in cli("instances", "--where", "amount=5", code=2).stderr


def test_what_data_holds_cannot_command_the_terminal(cli: Cli, database: str) -> None:
    said = "\x9b2J \u202e é 😀"
    instance = read(cli("start", "expense", "-d", json.dumps({"said": said}), "--json"))["id"]
    for options in ([], ["--json"]):
        told = cli("instance", instance, *options).stdout
        assert "\x9b" not in told
        assert "\\u009b2J \\u202e é 😀" in told
    assert read(cli("instance", instance, "--json"))["context_data"] == {"said": said}


def test_the_same_key_starts_one(cli: Cli, database: str) -> None:
    one, two = (read(cli("start", "expense", "--idempotency-key", "k", "--json"))["id"] for _ in "ab")
    assert one == two


def test_waiting_says_whether_it_rests(cli: Cli, database: str) -> None:
    """Nobody executes the step of the first; the second waits for a person."""
    assert read(cli("start", "expense", "--wait", "0.01", "--json", code=3))["status"] == "running"
    instance = started(cli, database)
    skipped = cli("skip", instance, "review", "--outcome", "reject", "--reason", "late").stdout
    assert "“Tell them” waits to be done" in skipped
    (task,) = read(cli("tasks", "--instance", instance, "--json"))
    assert read(cli("complete", task["id"], "--wait", "0.01", "--json"))["status"] == "completed"


def test_what_failed_is_retried_each_for_itself(cli: Cli, database: str) -> None:
    failed = [started(cli, database, amount=13) for _ in "ab"]
    waiting = started(cli, database)
    assert "nobody pays thirteen" in cli("instance", failed[0]).stdout
    refused = cli("retry", "--workflow", "expense", code=2)
    assert "This would retry 2 instances: say --yes" in refused.stderr
    answers = read(cli("retry", *failed, waiting, NOBODY, "--reason", "Lucky now", "--json", code=1))
    assert [each["id"] for each in answers] == [*failed, waiting, str(NOBODY)]
    assert [each["done"] and each["done"]["status"] for each in answers] == ["running"] * 2 + [None] * 2
    assert "Cannot retry" in answers[2]["error"]
    assert "There is no workflow instance" in answers[3]["error"]
    assert (last_event(cli, failed[0])["by"], last_event(cli, failed[0])["reason"]) == ("olga", "Lucky now")
    worked(database, *failed)
    told = cli("retry", "--workflow", "expense", "--yes").stdout
    assert all(f"{each}  running  at submit" in told for each in failed)
    worked(database, *failed)
    assert "Cannot retry" in cli("retry", waiting, code=1).stderr
    assert cli("retry", "--workflow", "other", "--yes").stderr == "There is nothing to retry.\n"


def test_operators_suspend_resume_move_and_cancel(cli: Cli, database: str) -> None:
    one, two = started(cli, database), started(cli, database)
    suspended = read(cli("suspend", "--status", "waiting", "--yes", "--reason", "Audit", "--json"))
    assert {each["done"]["status"] for each in suspended} == {"suspended"}
    assert read(cli("instance", one, "--json"))["suspend_reason"] == "Audit"
    assert f"{one}  waiting  at review" in cli("resume", one, "--reason", "It was nothing").stdout
    assert last_event(cli, one)["reason"] == "It was nothing"
    assert [each["id"] for each in read(cli("resume", "--created-by", "olga", "--yes", "--json"))] == [two]
    moved = cli("move", one, "regret", "--from", "review", "--reason", "No use").stdout
    assert "“Tell them” waits to be done" in moved
    assert f"{one}  canceled" in cli("cancel", one, "--reason", "Over").stdout
    shown = read(cli("instance", one, "--history", "--json"))
    assert (shown["cancel_reason"], shown["history"][-1]["actor"]) == ("Over", "olga")
    assert [each["id"] for each in read(cli("cancel", "--workflow", "expense", "--yes", "--json"))] == [two]


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["start", "expnse"], 2, "There is no workflow 'expnse'. There are: expense@1.0.0."),
        (["start", "expense", "-s", "amount=much"], 1, "/amount"),
        (["start", "expense", "-d", '{"amount": '], 2, "this is not JSON: Expecting value: line 1 column 12"),
        (["start", "expense", "-d", "@absent.json"], 2, "'absent.json' cannot be read"),
        (["start", "expense", "--app", "absent.py"], 2, "There is no file 'absent.py'"),
        (["instances", "--database-url", "mysql://h/d"], 2, "No installed storage knows 'mysql'"),
        (
            ["instances", "--database-url", "sqlite:///absent.db"],
            1,
            "There is no SQLite database 'absent.db'",
        ),
        (["instances", "--database-url", "sqlite:///no/absent.db"], 1, "does its folder exist"),
        (["instances", "--database-url", "sqlite:///empty.db"], 1, "run `workflows db upgrade`"),
        (["instances", "--status", "done"], 2, "'done' is not one of"),
        (["instances", "--updated-before", "2026-03-01T12:00"], 2, "a moment with its time zone"),
        (["instances", "--updated-before", "999999d"], 2, "nor a span such as 2h"),
        (["instances", "--where", "amount"], 2, "'amount' is not PATH=VALUE"),
        (["instance", "7"], 2, "not a valid UUID"),
        (["instance", NOBODY], 1, "`workflows instances` lists those that there are"),
        (["task", NOBODY], 1, "`workflows tasks` lists those that are open"),
        (["complete", NOBODY], 1, "There is no task"),
        (["skip", NOBODY, "review"], 2, "Missing option '--reason'"),
        (["cancel"], 2, "Say which instances to cancel"),
        (["cancel", NOBODY, "--status", "failed"], 2, "Say which instances to cancel"),
        (["message", "receipt"], 2, "either --to ID, or --key TEXT"),
        (["message", "receipt", "--to", NOBODY], 1, "There is no workflow instance"),
        (["message", "@x", "--key", "A"], 1, "are the engine's own"),
    ],
)
@pytest.mark.usefixtures("database")
def test_a_mistake_is_told_and_changes_nothing(
    cli: Cli, folder: Path, arguments: list[object], code: int, told: str
) -> None:
    (folder / "empty.db").touch()
    assert told in cli(*arguments, code=code).stderr
    assert not (folder / "absent.db").exists()
    assert read(cli("instances", "--json")) == []


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["instance", NOBODY], 1, "There is no workflow instance"),
        (["start", "expense", "-s", "amount=much"], 1, "/amount"),
        (["start", "expnse"], 2, "There is no workflow 'expnse'"),
        (["instances", "--status", "done"], 2, "Invalid value for '--status'"),
        (["instances", "--database-url", "mysql://h/d"], 2, "No installed storage knows 'mysql'"),
        (["complte"], 2, "No such command 'complte'"),
    ],
)
def test_programs_read_why_it_was_refused(
    cli: Cli, database: str, arguments: list[str], code: int, told: str
) -> None:
    refused = cli(*arguments, "--json", code=code)
    assert refused.stdout == ""
    assert told in json.loads(refused.stderr)["error"]
    assert "Error: " in cli(*arguments, code=code).stderr


def test_a_step_that_is_not_there_is_told(cli: Cli, database: str) -> None:
    instance = started(cli, database)
    for command in ("skip", "move"):
        refused = cli(command, instance, "reveiw", "--reason", "x", code=1).stderr
        assert "has no step 'reveiw'. There are: submit, review" in refused


def test_an_application_without_the_workflow_cannot_change_it(cli: Cli, database: str, folder: Path) -> None:
    instance = started(cli, database)
    text = (folder / "expense.py").read_text(encoding="utf-8")
    (folder / "newer.py").write_text(
        text.replace('name="expense",', 'name="expense", version="2",'), encoding="utf-8"
    )
    refused = cli("cancel", instance, "--app", "newer.py", code=1).stderr
    assert "Does --app name the application that has it?" in refused
    assert "“Review the expense” waits to be done" in cli("instance", instance).stdout


APPLICATION = """
from litestar import Litestar

from expense import expense
from workflows_litestar import WorkflowPlugin, WorkflowPluginConfig

database = "sqlite:///of-the-application.db"


def create_app():
    config = WorkflowPluginConfig(auto_register_workflows=[expense], database=database)
    return Litestar(plugins=[WorkflowPlugin(config)])


app = create_app()
database = None
without = create_app()
"""


def test_an_application_says_where_its_database_is(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless somebody says otherwise, also for commands that need nothing else of it."""
    (folder / "application.py").write_text(APPLICATION, encoding="utf-8")
    monkeypatch.setenv("LITESTAR_APP", "application:app")
    cli("db", "upgrade")
    assert (folder / "of-the-application.db").exists()
    instance = read(cli("start", "expense", "--json"))["id"]
    assert [each["id"] for each in read(cli("instances", "--json"))] == [instance]
    assert read(cli("instance", instance, "--json"))["status"] == "running"
    assert "'elsewhere.db'" in cli("instances", "--database-url", "sqlite:///elsewhere.db", code=1).stderr
    for place in ("application:without", "application", "expense.py", "expense.json"):
        monkeypatch.setenv("LITESTAR_APP", place)
        assert "Missing option '--database-url'" in cli("instances", code=2).stderr
    monkeypatch.setenv("LITESTAR_APP", "application:absent")
    assert "'application' has no 'absent'" in cli("instance", instance, code=1).stderr


def test_an_application_is_made_where_a_function_makes_it(cli: Cli, folder: Path) -> None:
    text = APPLICATION.partition("app = create_app()")[0]
    (folder / "factory.py").write_text(text, encoding="utf-8")
    refused = cli("start", "expense", "--app", "factory:create_app", code=1).stderr
    assert "There is no SQLite database 'of-the-application.db'" in refused
