"""Out of office: who stands in, who may say so, and what follows."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.litestar.conftest import Api, Serve
from tests.litestar.people import Person, by_header
from tests.litestar.problems import places, refused
from tests.workflows import chain, review
from workflows_core.policies import Policies

LATER = "9000-01-01T00:00:00Z"
ORDER = chain(review(assignee_key="reviewer"), name="order")
SECRET = chain(
    review(assignee_key="reviewer"), name="secret", policies=Policies(managers=["head"], operators=[])
)


@pytest.fixture
async def api(serve: Serve) -> Api:
    return await serve(ORDER, SECRET, identify=by_header)


def somebody(api: Api, name: str, **options: Any) -> Person:
    return Person(api, name, tenant=options.pop("tenant", "acme"), **options)


async def mine(person: Person) -> list[str]:
    """The instances whose tasks somebody finds in their inbox."""
    return sorted(each["instance_id"] for each in await person.get("/tasks", mine=True))


async def test_a_substitute_finds_and_does_the_tasks_of_the_absent(api: Api) -> None:
    alice, bob, carl = (somebody(api, name) for name in ("alice", "bob", "carl"))
    order = await alice.start("order", reviewer="bob")
    secret = await alice.start("secret", reviewer="bob")
    assert await mine(carl) == []

    noted = await bob.post("/substitutions", {"substitute": "carl", "until": LATER, "definitions": ["order"]})
    assert (noted["absent"], noted["created_by"], noted["tenant_id"]) == ("bob", "bob", "acme")
    assert await mine(carl) == [order["id"]]
    assert await bob.get("/substitutions") == await carl.get("/substitutions") == [noted]
    assert await somebody(api, "eve").get("/substitutions") == []

    task = await carl.task(order)
    done = await carl.post(f"/tasks/{task['id']}/complete", {"output_data": {"approved": True}})
    assert done["on_behalf_of"] == "bob"

    refused(await carl.send("DELETE", f"/substitutions/{noted['id']}"), 403)
    refused(await somebody(api, "eve").send("DELETE", f"/substitutions/{noted['id']}"), 404)
    response = await bob.send("DELETE", f"/substitutions/{noted['id']}")
    assert response.status_code == 200
    assert datetime.fromisoformat(response.json()["until"]) <= datetime.now(UTC)
    again = await bob.send("DELETE", f"/substitutions/{noted['id']}")
    assert again.json() == response.json()
    assert await bob.get("/substitutions") == []
    assert await bob.get("/substitutions", ended=True) == [response.json()]
    assert await mine(carl) == []
    assert await mine(bob) == [secret["id"]]


async def test_for_others_those_name_one_who_could_reassign_the_tasks(api: Api) -> None:
    """A role that is nothing in one workflow names nobody for it: neither by name, nor for all there are."""
    olga = somebody(api, "olga", roles="operator")
    head = somebody(api, "hank", roles="head")
    both = somebody(api, "max", roles="operator head")
    for person, definitions, status in (
        (olga, ["order"], 201),
        (olga, ["secret"], 403),
        (olga, ["order", "secret"], 403),
        (olga, [], 403),
        (head, ["secret"], 201),
        (head, ["order"], 403),
        (head, ["secret", "unknown"], 403),
        (both, ["order", "secret", "unknown"], 201),
        (both, [], 201),
        (somebody(api, "eve"), ["order"], 403),
    ):
        body = {"absent": "bob", "substitute": "carl", "until": LATER, "definitions": definitions}
        response = await person.send("POST", "/substitutions", body)
        assert response.status_code == status, (person.headers, definitions, response.text)
    noted = await somebody(api, "bob").get("/substitutions")
    assert len(noted) == 4
    seen = await olga.get("/substitutions")
    assert [each["definitions"] for each in seen] == [["order"]]
    (one,) = [each for each in noted if each["definitions"] == ["secret"]]
    refused(await olga.send("DELETE", f"/substitutions/{one['id']}"), 404)
    assert (await head.send("DELETE", f"/substitutions/{one['id']}")).status_code == 200
    outsider = somebody(api, "mallory", roles="operator head", tenant="other")
    assert await outsider.get("/substitutions") == []
    refused(await outsider.send("DELETE", f"/substitutions/{noted[0]['id']}"), 404)


async def test_groups_go_with_it(api: Api) -> None:
    bob = somebody(api, "bob", groups="board legal")
    until = {"substitute": "carl", "until": LATER}
    assert (await bob.post("/substitutions", until))["groups"] == ["board", "legal"]
    assert (await bob.post("/substitutions", {**until, "groups": ["legal"]}))["groups"] == ["legal"]
    problem = refused(await bob.send("POST", "/substitutions", {**until, "groups": ["cash", "legal"]}), 400)
    assert places(problem) == ["/groups"]
    assert "'cash'" in problem["detail"]
    olga = somebody(api, "olga", roles="operator")
    for_bob = {**until, "absent": "bob", "definitions": ["order"], "groups": ["cash"]}
    assert (await olga.post("/substitutions", for_bob))["groups"] == ["cash"]


async def test_what_cannot_be(api: Api) -> None:
    bob = somebody(api, "bob")
    good = {"substitute": "carl", "since": "2030-01-01T00:00:00Z", "until": "2030-02-01T00:00:00Z"}
    for wrong, pointer in (
        ({"substitute": "bob"}, "/substitute"),
        ({"substitute": ""}, "/substitute"),
        ({"until": "2029-01-01T00:00:00Z"}, "/until"),
        ({"until": "2030-02-01T00:00:00"}, "/until"),
        ({"since": "soon"}, "/since"),
        ({"definitions": "order"}, "/definitions"),
        ({"definitions": ["x"] * 101}, "/definitions"),
        ({"absentee": "bob"}, "/absentee"),
    ):
        problem = refused(await bob.send("POST", "/substitutions", good | wrong), 400)
        assert places(problem) == [pointer], wrong
    refused(await bob.send("DELETE", "/substitutions/7"), 400)
    assert await bob.get("/substitutions") == []


async def test_lists_by_person_and_moment(api: Api) -> None:
    bob = somebody(api, "bob")
    now = datetime.now(UTC)
    noted = [
        await bob.post(
            "/substitutions",
            {
                "substitute": name,
                "since": (now + timedelta(days=begin)).isoformat(),
                "until": (now + timedelta(days=end)).isoformat(),
            },
        )
        for name, begin, end in (("carl", -3, -2), ("carl", -1, 1), ("dora", 1, 2))
    ]
    for query, expected in (
        ({}, [1, 2]),
        ({"ended": True}, [0, 1, 2]),
        ({"substitute": "carl"}, [1]),
        ({"substitute": "carl", "ended": True}, [0, 1]),
        ({"absent": "carl"}, []),
        ({"at": (now + timedelta(days=1.5)).isoformat()}, [2]),
        ({"at": (now - timedelta(days=2.5)).isoformat()}, [0]),
        ({"ended": True, "limit": 1, "offset": 1}, [1]),
    ):
        assert await bob.get("/substitutions", **query) == [noted[number] for number in expected], query
    problem = refused(await bob.send("GET", "/substitutions", params={"at": "2030-01-01T00:00:00"}), 400)
    assert [each["parameter"] for each in problem["errors"]] == ["at"]


async def test_the_same_request_names_one_substitute(api: Api) -> None:
    bob = somebody(api, "bob")
    body, key = {"substitute": "carl", "until": LATER}, {"idempotency-key": "one"}
    answers = [await bob.send("POST", "/substitutions", body, headers=key) for _ in range(2)]
    assert [each.status_code for each in answers] == [201, 201]
    assert await bob.get("/substitutions") == [answers[0].json()]
    assert answers[0].json() == answers[1].json()


async def test_where_nobody_is_known(serve: Serve) -> None:
    """In development everybody says who they are."""
    api = await serve(ORDER)
    refused(await api.http.post("/substitutions", json={"substitute": "carl", "until": LATER}), 400)
    noted = await api.post("/substitutions", {"substitute": "carl", "until": LATER, "user_id": "bob"})
    assert (noted["absent"], noted["created_by"], noted["tenant_id"]) == ("bob", "bob", None)
    assert await api.get("/substitutions", absent="bob") == [noted]
    assert (await api.http.delete(f"/substitutions/{noted['id']}")).status_code == 200
    assert await api.get("/substitutions") == []
