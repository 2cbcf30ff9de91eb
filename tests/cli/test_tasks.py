"""Tasks from the command line: listed, shown, taken, and done in one line or by answering."""

from tests.cli.conftest import Cli, read
from tests.cli.test_operating import started


def task_of(cli: Cli, instance: str) -> str:
    (task,) = read(cli("tasks", "--instance", instance, "--json"))
    name: str = task["id"]
    return name


def test_a_list_says_with_whom_they_are(cli: Cli, database: str) -> None:
    free, held = (task_of(cli, started(cli, database)) for _ in "ab")
    cli("claim", held, "--as", "bert", "--reason", "mine")
    lines = cli("tasks").stdout.splitlines()
    assert lines[0].split() == ["ID", "TITLE", "WORKFLOW", "WITH", "DUE"]
    assert {line.split()[0]: line.split()[-1] for line in lines[1:]} == {free: "anybody", held: "bert"}
    assert [each["id"] for each in read(cli("tasks", "--assignee", "bert", "--json"))] == [held]
    assert {each["id"] for each in read(cli("tasks", "--for", "bert", "--json"))} == {free, held}
    assert len(read(cli("tasks", "--search", "review", "--workflow", "expense", "--json"))) == 2
    assert cli("tasks", "--overdue").stderr == "There are none.\n"
    assert "--offset 1" in cli("tasks", "--limit", "1").stderr


def test_a_task_shows_its_form_and_what_would_follow(cli: Cli, database: str) -> None:
    task = task_of(cli, started(cli, database))
    told = cli("task", task).stdout
    assert "It is offered to anybody." in told
    assert "'reject' leads to “Tell them”." in told
    assert "note   string   Note, required" in told
    shown = read(cli("task", task, "--json"))
    assert shown["form_schema"]["required"] == ["note"]
    assert shown["explanation"][1:] == ["'approve' leads to “Receipt”.", "'reject' leads to “Tell them”."]


def test_of_several_each_is_taken_for_itself(cli: Cli, database: str) -> None:
    one, two = (task_of(cli, started(cli, database)) for _ in "ab")
    assert f"{one}  assigned  to bert" in cli("claim", one, "--as", "bert").stdout
    told = cli("claim", one, two, "--as", "carl", code=1).stdout
    assert f"{one}  refused" in told
    assert f"{two}  assigned  to carl" in told
    assert "with bert already" in cli("claim", one, "--as", "carl", code=1).stderr


def test_what_does_not_fit_is_told_and_loses_nothing(cli: Cli, database: str) -> None:
    task = task_of(cli, started(cli, database))
    refused = cli("complete", task, "--outcome", "approve", "-s", "limit=0", code=1).stderr
    assert (
        refused
        == "Error: The data is not valid:\n  /limit: Must be at least 1.\n  /note: 'note' is required.\n"
    )
    assert "use one of: approve, reject" in cli("complete", task, "-s", "note=x", code=1).stderr
    assert "changed since" in cli("complete", task, "-s", "note=x", "--revision", 99, code=1).stderr
    assert read(cli("task", task, "--json"))["status"] == "pending"


def test_people_are_asked_until_it_fits(cli: Cli, database: str) -> None:
    """The note is required; the limit has a default, and is refused below 1."""
    task = task_of(cli, started(cli, database))
    told = cli("complete", task, "--ask", "--as", "bert", text="reject\nlate\n0\nreject\ntoo late\n\n")
    assert "'reject' leads to “Tell them”." in told.stdout
    assert "Must be at least 1" in told.stderr
    assert "“Tell them” waits to be done" in told.stdout
    shown = read(cli("task", task, "--json"))
    assert (shown["completed_by"], shown["output_data"]) == ("bert", {"note": "too late", "limit": 100})
    assert "is completed" in cli("complete", task, "--ask", code=1).stderr
