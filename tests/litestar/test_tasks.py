"""What people do with tasks over HTTP."""

from collections.abc import AsyncIterator
from functools import cache
from typing import Any

import pytest
from litestar import Litestar

from tests.litestar.conftest import Api, serving
from tests.litestar.people import Person, by_header
from tests.litestar.problems import places, refused
from tests.workflows import Do, chain, review
from workflows_core.context import WorkflowContext
from workflows_core.memory import MemoryStorage
from workflows_core.steps import BaseHumanStep
from workflows_litestar import WorkflowPlugin, WorkflowPluginConfig

LATER = "2100-01-01T12:00:00Z"
UNKNOWN = "00000000-0000-4000-8000-000000000000"


class Offered(BaseHumanStep):
    """Offered to bob, and to everybody in finance."""

    async def get_candidate_users(self, _: WorkflowContext) -> list[str]:
        return ["bob"]

    async def get_candidate_groups(self, _: WorkflowContext) -> list[str]:
        return ["finance"]


@cache
def app() -> Litestar:
    """One for all: each test has instances of its own."""
    workflows = [
        chain(review(assignee_key="reviewer"), review("second", assignee_key="reviewer")),
        chain(
            review(assignee_key="reviewer"), Do("pay"), review("second", assignee_key="reviewer"), name="paid"
        ),
        chain(Offered("decide"), name="offered"),
        chain(
            BaseHumanStep("decide", assignee_key="reviewer", shows=["amount"], requires_revision=True),
            name="careful",
        ),
    ]
    config = WorkflowPluginConfig(
        auto_register_workflows=workflows, identify=by_header, database=MemoryStorage()
    )
    return Litestar(plugins=[WorkflowPlugin(config)])


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with serving(app()) as api:
        yield api


@pytest.fixture
def alice(api: Api) -> Person:
    return Person(api, "alice")


@pytest.fixture
def bob(api: Api) -> Person:
    return Person(api, "bob")


@pytest.fixture
def boss(api: Api) -> Person:
    return Person(api, "boss", roles="manager operator")


FORM = {"output_data": {"approved": True}}


async def test_a_task_with_all_there_is_to_it(alice: Person, bob: Person) -> None:
    task = await bob.task(await alice.start(reviewer="bob", amount=7))
    shown = await bob.get(f"/tasks/{task['id']}")

    assert shown["data"] == {"reviewer": "bob", "amount": 7}
    assert (shown["draft"], shown["thread"], shown["question"]) == (None, [], None)
    assert shown | task == shown  # the list shows the same


async def test_claim_and_give_back(alice: Person, bob: Person, api: Api) -> None:
    ann = Person(api, "ann", groups="finance")
    task = await bob.task(await alice.start("offered"))
    assert (task["state"], task["assignee"]) == ("offered", None)

    claimed = await bob.post(f"/tasks/{task['id']}/claim")
    assert (claimed["state"], claimed["assignee"]) == ("assigned", "bob")
    problem = refused(await ann.send("POST", f"/tasks/{task['id']}/claim", {}), 409)
    assert problem["type"] == "urn:workflows:problem:task-already-claimed"
    assert "bob" in problem["detail"]

    assert (await bob.post(f"/tasks/{task['id']}/unclaim", {"reason": "No time."}))["state"] == "offered"
    assert (await ann.post(f"/tasks/{task['id']}/claim", {}))["assignee"] == "ann"
    refused(await alice.send("POST", f"/tasks/{task['id']}/claim"), 403)
    entries = await alice.get(f"/tasks/{task['id']}/history")
    assert [each["actor"] for each in entries][1:] == ["bob", "bob", "ann"]
    assert [event["event"] for each in entries for event in each["events"]] == [
        "TaskOpened",
        "TaskClaimed",
        "TaskUnclaimed",
        "TaskClaimed",
    ]
    assert entries[2]["events"][0]["reason"] == "No time."


async def test_delegate_and_resolve(alice: Person, bob: Person, api: Api) -> None:
    carol = Person(api, "carol")
    task = await bob.task(await alice.start(reviewer="bob"))
    refused(await carol.send("GET", f"/tasks/{task['id']}"), 404)

    delegated = await bob.post(f"/tasks/{task['id']}/delegate", {"to": "carol", "reason": "You know more."})
    assert (delegated["assignee"], delegated["owner"], delegated["state"]) == ("carol", "bob", "delegated")
    problem = refused(await carol.send("POST", f"/tasks/{task['id']}/complete", FORM), 409)
    assert "resolves" in problem["detail"]
    problem = refused(await bob.send("POST", f"/tasks/{task['id']}/delegate", {"to": "carol"}), 403)

    resolved = await carol.post(f"/tasks/{task['id']}/resolve", {"comment": "It is fine."})
    assert (resolved["assignee"], resolved["state"]) == ("bob", "assigned")
    (note,) = (await bob.get(f"/tasks/{task['id']}"))["thread"]
    assert (note["kind"], note["by"], note["text"]) == ("resolution", "carol", "It is fine.")
    problem = refused(await bob.send("POST", f"/tasks/{task['id']}/delegate", {"to": "bob"}), 400)
    assert places(problem) == ["/to"]


async def test_ask_and_answer(alice: Person, bob: Person) -> None:
    """Whoever started it is asked, unless somebody else is named."""
    task = await bob.task(await alice.start(reviewer="bob"))
    asked = await bob.post(f"/tasks/{task['id']}/request-information", {"question": "Why so much?"})
    assert (asked["assignee"], asked["state"]) == ("alice", "asked")
    assert (await alice.get(f"/tasks/{task['id']}"))["question"]["text"] == "Why so much?"
    refused(await bob.send("POST", f"/tasks/{task['id']}/answer", {"answer": "Because."}), 403)

    answered = await alice.post(f"/tasks/{task['id']}/answer", {"answer": "It was far."})
    assert (answered["assignee"], answered["state"]) == ("bob", "assigned")
    thread = (await bob.get(f"/tasks/{task['id']}"))["thread"]
    assert [(each["kind"], each["text"]) for each in thread] == [
        ("question", "Why so much?"),
        ("answer", "It was far."),
    ]
    await bob.post(f"/tasks/{task['id']}/request-information", {"question": "Really?", "of": "carol"})
    taken = await bob.post(f"/tasks/{task['id']}/withdraw-question")
    assert (taken["assignee"], taken["state"]) == ("bob", "assigned")
    problem = refused(
        await bob.send("POST", f"/tasks/{task['id']}/request-information", {"question": "?", "of": "bob"}),
        400,
    )
    assert places(problem) == ["/of"]


async def test_comments_and_drafts(alice: Person, bob: Person) -> None:
    """A draft is for whoever put it aside, and for nobody else, in no reading."""
    task = await bob.task(await alice.start(reviewer="bob"))
    path = f"/tasks/{task['id']}"
    await alice.post(f"{path}/comments", {"text": "It is urgent."})
    kept = await bob.send("PUT", f"{path}/draft", {"data": {"comments": "secret thought"}})
    assert kept.status_code == 200

    assert (await bob.get(path))["draft"] == {"comments": "secret thought"}
    for who in (alice, bob):
        for reading in (f"{path}/history", f"/instances/{task['instance_id']}/history"):
            assert "secret thought" not in (await who.send("GET", reading)).text
    assert (await alice.get(path))["draft"] is None
    assert [each["text"] for each in (await alice.get(path))["thread"]] == ["It is urgent."]
    refused(await alice.send("PUT", f"{path}/draft", {"data": {}}), 403)


async def test_dates_and_priority(alice: Person, bob: Person, boss: Person) -> None:
    task = await bob.task(await alice.start(reviewer="bob"))
    path = f"/tasks/{task['id']}"
    changes = {"due_date": LATER, "priority": 7, "reason": "It can wait."}
    response = await boss.send("PATCH", path, changes)
    assert response.status_code == 200
    assert (response.json()["due_date"], response.json()["priority"]) == (LATER, 7)

    assert (await bob.send("PATCH", path, {"follow_up_date": LATER})).json()["follow_up_date"] == LATER
    refused(await bob.send("PATCH", path, {"priority": 1, "follow_up_date": None}), 403)
    shown = await bob.get(path)
    assert (shown["priority"], shown["follow_up_date"], shown["due_date"]) == (7, LATER, LATER)
    assert (await boss.send("PATCH", path, {"due_date": None})).json()["due_date"] is None
    assert (await boss.send("PATCH", path, {})).json()["priority"] == 7

    for wrong, where in (
        ({"due_date": "2100-01-01T12:00:00"}, "/due_date"),
        ({"due_date": "9999-01-01T12:00:00Z"}, "/due_date"),
        ({"due_date": "0001-01-01T00:00:00+14:00"}, "/due_date"),
        ({"due_date": "tomorrow"}, "/due_date"),
        ({"priority": 2**31}, "/priority"),
        ({"priority": None}, "/priority"),
    ):
        assert places(refused(await boss.send("PATCH", path, wrong), 400)) == [where]


async def test_what_comes_next(alice: Person, bob: Person) -> None:
    task = await bob.task(await alice.start(reviewer="bob"))
    done = await bob.post(f"/tasks/{task['id']}/complete", FORM)
    assert (done["status"], done["next_task"]["step_name"]) == ("completed", "second")
    assert done["instance"]["current_step"] == "second"

    last = await bob.post(f"/tasks/{done['next_task']['id']}/complete", FORM)
    assert (last["next_task"], last["instance"]["status"]) == (None, "completed")


async def test_waiting_for_what_machines_lead_to(alice: Person, bob: Person) -> None:
    """The answer comes when the instance rests again."""
    task = await bob.task(await alice.start("paid", reviewer="bob"))
    done = await bob.post(f"/tasks/{task['id']}/complete", FORM, params={"wait": 30})
    assert (done["instance"]["status"], done["next_task"]["step_name"]) == ("waiting", "second")
    refused(await bob.send("POST", f"/tasks/{task['id']}/complete?wait=31", FORM), 400)


# Approve what you saw


async def test_a_revision_that_is_not_the_present_one(alice: Person, bob: Person, boss: Person) -> None:
    task = await bob.task(await alice.start("careful", reviewer="bob", amount=7))
    path = f"/tasks/{task['id']}"
    assert task["requires_revision"] is True
    problem = refused(await bob.send("POST", f"{path}/complete", {"output_data": {}}), 428)
    assert problem["revision"] == task["revision"]

    await boss.send("PATCH", path, {"priority": 3})
    stale = {"output_data": {}, "revision": task["revision"]}
    problem = refused(await bob.send("POST", f"{path}/complete", stale), 412)
    assert problem["changes"] == [{"pointer": "/priority", "old": 0, "new": 3}]
    again = {"output_data": {}, "revision": problem["revision"]}
    assert (await bob.post(f"{path}/complete", again))["status"] == "completed"


async def test_the_tag_of_a_task(alice: Person, bob: Person, boss: Person) -> None:
    """It changes with everything but drafts; what is done with an old one changes nothing."""
    task = await bob.task(await alice.start(reviewer="bob"))
    path = f"/tasks/{task['id']}"
    seen = (await bob.send("GET", path)).headers["etag"]
    kept = await bob.send("PUT", f"{path}/draft", {"data": {}}, headers={"if-match": seen})
    assert kept.headers["etag"] == seen == (await boss.send("GET", path)).headers["etag"]

    commented = await alice.send("POST", f"{path}/comments", {"text": "Hello."})
    for method, url, body in (
        ("POST", f"{path}/complete", FORM),
        ("POST", f"{path}/delegate", {"to": "carol"}),
        ("PATCH", path, {"follow_up_date": LATER}),
        ("PUT", f"{path}/draft", {"data": {}}),
    ):
        refused(await bob.send(method, url, body, headers={"if-match": seen}), 412)
    assert (await bob.send("GET", path)).headers["etag"] == commented.headers["etag"]

    await boss.send("PATCH", path, {"priority": 3})
    stale = {"if-match": commented.headers["etag"]}
    problem = refused(await bob.send("POST", f"{path}/complete", FORM, headers=stale), 412)
    assert problem["changes"] == [{"pointer": "/priority", "old": 0, "new": 3}]
    refused(await bob.send("POST", f"{path}/complete", FORM, headers={"if-match": "7"}), 400)

    now = (await bob.send("GET", path)).headers["etag"]
    for tags in (f'"x", {now}', "*"):
        body = {"follow_up_date": LATER}
        assert (await bob.send("PATCH", path, body, headers={"if-match": tags})).status_code == 200


async def test_a_tag_tells_strangers_nothing(alice: Person, bob: Person, api: Api) -> None:
    """A task that they may not see does not exist, whatever they quote."""
    task = await bob.task(await alice.start(reviewer="bob"))
    eve = Person(api, "eve")
    for path in (f"/tasks/{task['id']}/complete", f"/tasks/{UNKNOWN}/complete"):
        refused(await eve.send("POST", path, FORM, headers={"if-match": '"1"'}), 404)


# Explanations


async def test_explanations(alice: Person, bob: Person) -> None:
    task = await bob.task(await alice.start(reviewer="bob"))
    path = f"/tasks/{task['id']}/explain"
    mine, theirs = await bob.get(path), await alice.get(path)
    may = {
        who: {each["action"]: each for each in explained["actions"]}
        for who, explained in (("bob", mine), ("alice", theirs))
    }
    assert may["bob"]["complete"]["allowed"]
    assert not may["alice"]["complete"]["allowed"]
    assert "bob" in may["alice"]["complete"]["reason"]
    assert [each["step"] for each in mine["consequences"][0]["leads_to"]] == ["second"]
    assert mine["sentences"][0] == mine["summary"]


# Many at once


async def test_many_at_once(alice: Person, bob: Person) -> None:
    """Each is an answer of its own, as if it were asked for alone."""
    tasks = [await bob.task(await alice.start("offered")) for _ in range(3)]
    first, second, third = (task["id"] for task in tasks)
    await bob.post(f"/tasks/{second}/claim")
    answers = await bob.post(
        "/tasks/bulk", {"action": "claim", "task_ids": [third, second, UNKNOWN, first], "reason": "All mine."}
    )
    assert [each["task_id"] for each in answers] == [third, second, UNKNOWN, first]
    assert [each["task"] and each["task"]["assignee"] for each in answers] == ["bob", None, None, "bob"]
    assert [each["problem"] and each["problem"]["status"] for each in answers] == [None, 409, 404, None]
    alone = refused(await bob.send("POST", f"/tasks/{second}/claim"), 409)
    assert answers[1]["problem"] == alone

    done = await bob.post(
        "/tasks/bulk",
        {
            "action": "complete",
            "task_ids": [first, second, third],
            "output_data": {"approved": True},
            "revisions": {second: 99},
        },
    )
    assert [each["problem"] and each["problem"]["status"] for each in done] == [None, 412, None]


async def test_many_that_are_handed_on(alice: Person, bob: Person, boss: Person) -> None:
    tasks = [await bob.task(await alice.start(reviewer="bob")) for _ in range(2)]
    body = {"action": "reassign", "task_ids": [task["id"] for task in tasks], "new_assignee": "carol"}
    assert [each["problem"]["status"] for each in await bob.post("/tasks/bulk", body)] == [403, 403]
    assert [each["task"]["assignee"] for each in await boss.post("/tasks/bulk", body)] == ["carol", "carol"]


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"action": "complete", "task_ids": [UNKNOWN]}, "/output_data"),
        ({"action": "reassign", "task_ids": [UNKNOWN]}, "/new_assignee"),
        ({"action": "destroy", "task_ids": [UNKNOWN]}, "/action"),
        ({"action": "claim", "task_ids": []}, "/task_ids"),
        ({"action": "claim", "task_ids": [UNKNOWN] * 101}, "/task_ids"),
    ],
)
async def test_many_that_cannot_be_understood(bob: Person, body: Any, where: str) -> None:
    assert places(refused(await bob.send("POST", "/tasks/bulk", body), 400)) == [where]


@pytest.mark.parametrize(
    ("path", "body", "where"),
    [
        ("comments", {"text": "  "}, "/text"),
        ("comments", {"text": ""}, "/text"),
        ("answer", {"answer": " "}, "/answer"),
        ("request-information", {"question": " "}, "/question"),
        ("delegate", {"to": " "}, "/to"),
        ("delegate", {}, "/to"),
        ("claim", {"reasons": "x"}, "/reasons"),
    ],
)
async def test_words_that_are_missing(alice: Person, bob: Person, path: str, body: Any, where: str) -> None:
    task = await bob.task(await alice.start(reviewer="bob"))
    assert places(refused(await bob.send("POST", f"/tasks/{task['id']}/{path}", body), 400)) == [where]


# In the name of others


async def test_nobody_acts_in_the_name_of_another(alice: Person, bob: Person) -> None:
    task = await bob.task(await alice.start(reviewer="bob"))
    path = f"/tasks/{task['id']}"
    for method, url, body in (
        ("POST", f"{path}/claim", {}),
        ("POST", f"{path}/delegate", {"to": "carol"}),
        ("POST", f"{path}/comments", {"text": "Hello."}),
        ("POST", f"{path}/reassign", {"new_assignee": "carol"}),
        ("PUT", f"{path}/draft", {"data": {}}),
        ("PATCH", path, {"priority": 3}),
        ("POST", "/tasks/bulk", {"action": "claim", "task_ids": [task["id"]]}),
    ):
        refused(await bob.send(method, url, body | {"user_id": "alice"}), 403)
    for url in (path, f"{path}/explain", "/tasks?mine=true"):
        response = await bob.send("GET", url + ("&" if "?" in url else "?") + "user_id=alice")
        refused(response, 403)
    assert (await bob.get(path))["thread"] == []


async def test_in_development_a_body_says_who(serve_without_identity: Api) -> None:
    api = serve_without_identity
    task = await api.task(await api.start(user_id="alice"))
    path = f"/tasks/{task['id']}"
    problem = refused(await api.http.post(f"{path}/claim"), 400)
    assert places(problem) == ["/user_id"]
    assert (await api.post(f"{path}/claim", {"user_id": "bob"}))["assignee"] == "bob"
    await api.http.put(f"{path}/draft", json={"data": {"a": 1}, "user_id": "bob"})
    assert (await api.get(path, user_id="bob"))["draft"] == {"a": 1}
    assert [each["id"] for each in await api.get("/tasks", mine=True, user_id="bob")] == [task["id"]]
    assert await api.get("/tasks", mine=True, user_id="carol") == []
    refused(await api.http.get("/tasks?mine=true"), 400)
    explained = await api.get(f"{path}/explain", user_id="eve")
    assert all(each["reason"] for each in explained["actions"])


@pytest.fixture
async def serve_without_identity() -> AsyncIterator[Api]:
    config = WorkflowPluginConfig(auto_register_workflows=[chain(review())])
    async with serving(Litestar(plugins=[WorkflowPlugin(config)])) as api:
        yield api
