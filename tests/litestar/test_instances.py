"""Finding instances: by step, by time, by what is in their data; in any order, page by page."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.litestar.conftest import Answer, Api, Serve
from tests.litestar.people import Person, by_header
from tests.litestar.problems import refused
from tests.workflows import Do, chain, review, workflow
from workflows_core import BaseHumanStep, Edge

ORDER = chain(
    review("check"),
    review("pay"),
    name="order",
    searchable=["customer.id", "amount", "urgent", "comments"],
)
SPLIT = workflow(
    BaseHumanStep("begin"),
    review("left"),
    review("right"),
    Do("end"),
    edges=[Edge("begin", "left"), Edge("begin", "right"), Edge("left", "end"), Edge("right", "end")],
    ends={"end"},
    name="split",
)


async def found(api: Api, query: str) -> list[str]:
    """The ids that a list holds, followed from page to page."""
    ids: list[str] = []
    path = f"/instances?{query}"
    while path:
        response = (await api.http.get(path)).raise_for_status()
        ids += [each["id"] for each in response.json()]
        link = response.headers.get("link", "")
        path = link.partition(">")[0].removeprefix("<")
    return ids


async def started(api: Api, *data: dict[str, Any], name: str = "order") -> list[str]:
    return [(await api.start(name, input_data=each))["id"] for each in data]


async def go_on(api: Api, instance_id: str, step: str, **form: Any) -> Answer:
    tasks = await api.get("/tasks", instance_id=instance_id, status="pending")
    (task,) = [each for each in tasks if each["step_name"] == step]
    return await api.complete(task, {"approved": True, **form})


async def test_by_what_is_in_their_data(serve: Serve) -> None:
    """A value is what it is in JSON, wherever a step or a form wrote it last."""
    api = await serve(ORDER)
    acme, text, other = await started(
        api,
        {"customer": {"id": "acme"}, "amount": 7, "urgent": True},
        {"customer": {"id": "7"}, "amount": "7", "urgent": "true"},
        {"customer": "acme", "amount": 7.5},
    )
    for query, expected in (
        ("data.customer.id=acme", [acme]),
        ("data.customer.id=Acme", []),
        ("data.amount=7", [acme]),
        ("data.amount=7.0", [acme]),
        ("data.amount=75e-1", [other]),
        ("data.amount=%227%22", [text]),
        ("data.urgent=true", [acme]),
        ("data.urgent=%22true%22", [text]),
        ("data.customer.id=acme&data.amount=7", [acme]),
        ("data.customer.id=acme&data.amount=8", []),
        ("data.amount=7&workflow_name=order&status=waiting&step=check", [acme]),
        ("data.amount=7&status=completed", []),
    ):
        assert await found(api, query) == expected, query

    await go_on(api, acme, "check", comments="not for Ünal & Co.")
    assert await found(api, "data.comments=not+for+%C3%9Cnal+%26+Co.") == [acme]
    await go_on(api, acme, "pay", comments="paid")
    assert await found(api, "data.comments=not+for+%C3%9Cnal+%26+Co.") == []
    assert await found(api, "data.comments=paid&sort=updated") == [acme]
    response = await api.http.get("/instances?data.customer.id=acme&total=true&limit=1")
    assert response.headers["x-total-count"] == "1"


async def test_only_by_what_is_declared(serve: Serve) -> None:
    """The answer names what is; a value at another path finds nothing by accident."""
    api = await serve(ORDER, chain(review(), name="plain"))
    await started(api, {"secret": 1})
    problem = refused(await api.http.get("/instances?data.secret=1&data.amount=1&data.=2"), 400)
    assert [each["parameter"] for each in problem["errors"]] == ["data.secret", "data."]
    assert "amount, comments, customer.id, urgent" in problem["detail"]
    problem = refused(await api.http.get("/instances?workflow_name=plain&data.amount=1"), 400)
    assert "no definition declares" in problem["detail"]
    refused(await api.http.get("/instances?data.amount=1&data.amount=2"), 400)
    refused(await api.http.get(f"/instances?data.amount={'x' * 10_001}"), 400)
    refused(await api.http.get("/tasks?data.amount=1"), 400)


async def test_by_step(serve: Serve) -> None:
    """All steps count at which something is, whatever is at another one."""
    api = await serve(ORDER, SPLIT)
    (begun,) = await started(api, {})
    both, half, ended = await started(api, {}, {}, {}, name="split")
    for each in (both, half, ended):
        await go_on(api, each, "begin")
    await go_on(api, half, "left")
    await api.post(f"/instances/{ended}/cancel")
    assert {*await found(api, "step=right")} == {both, half}
    assert await found(api, "step=left") == [both]
    assert await found(api, "step=right&sort=updated&limit=1") == [half, both]
    assert await found(api, "step=check") == [begun]
    assert await found(api, "step=nowhere") == []
    assert await found(api, "step=right&status=canceled") == []
    assert await found(api, "step=Right") == []


async def test_by_time_and_in_any_order(serve: Serve) -> None:
    api = await serve(ORDER)
    ids = await started(api, *[{"amount": number} for number in range(5)])
    for number in (3, 1):
        await go_on(api, ids[number], "check")
    shown = {each["id"]: each for each in await api.get("/instances")}
    starts = [shown[each]["started_at"] for each in ids]
    changes = {each: shown[each]["updated_at"] for each in ids}
    by_change = sorted(ids, key=lambda each: (changes[each], each))
    assert by_change[-2:] == [ids[3], ids[1]]
    for sort, expected in (
        ("newest", ids[::-1]),
        ("oldest", ids),
        ("updated", by_change[::-1]),
        ("unmoved", by_change),
    ):
        for limit in (1, 2, 5):
            assert await found(api, f"sort={sort}&limit={limit}") == expected, sort
        assert [each["id"] for each in await api.get("/instances", sort=sort, offset=3)] == expected[3:]
    assert await found(api, f"started_after={starts[1]}&started_before={starts[4]}&sort=oldest") == ids[1:4]
    later = datetime.fromisoformat(changes[ids[3]]).astimezone(tz=None) + timedelta(microseconds=1)
    with_zone = later.isoformat().replace("+", "%2B")
    assert await found(api, f"updated_after={with_zone}") == [ids[1]]
    assert {*await found(api, f"updated_before={with_zone}")} == {*ids} - {ids[1]}


async def test_moments_without_a_time_zone(serve: Serve) -> None:
    api = await serve(ORDER)
    for path in ("/instances?started_after", "/instances?updated_before", "/tasks?due_before"):
        problem = refused(await api.http.get(f"{path}=2026-11-29T14:00:00"), 400)
        assert "2026-11-29T14:00:00Z" in problem["detail"]
        assert [each["parameter"] for each in problem["errors"]] == [path.partition("?")[2]]
    refused(await api.http.get("/instances?started_after=yesterday"), 400)


async def test_a_place_in_another_list(serve: Serve) -> None:
    api = await serve(ORDER)
    await started(api, {}, {})
    link = (await api.http.get("/instances?limit=1")).headers["link"]
    place = link.partition("after=")[2].partition(">")[0]
    for query in (f"sort=updated&after={place}", "after=nowhere"):
        problem = refused(await api.http.get(f"/instances?{query}"), 400)
        assert [each["parameter"] for each in problem["errors"]] == ["after"]


async def test_pages_while_others_are_started(serve: Serve) -> None:
    """Nothing comes twice, and nothing is left out that was there from the beginning."""
    api = await serve(ORDER)
    for sort in ("newest", "oldest"):
        ids = await started(api, *[{"urgent": True}] * 6)
        path, seen = f"/instances?sort={sort}&limit=2&data.urgent=true&total=true", list[str]()
        while path:
            response = (await api.http.get(path)).raise_for_status()
            seen += [each["id"] for each in response.json()]
            path = response.headers.get("link", "").partition(">")[0].removeprefix("<")
            if len(seen) < 6:
                ids += await started(api, {"urgent": True})
                assert int(response.headers["x-total-count"]) >= len(ids) - 1
        assert len(seen) == len({*seen})
        assert {*ids[:6]} <= {*seen}


@pytest.mark.parametrize("who", ["stranger", "outsider"])
async def test_nobody_learns_of_what_they_may_not_see(serve: Serve, who: str) -> None:
    """Whatever is guessed, lists and totals are those of an empty table."""
    private = chain(review("check", assignee_key="clerk"), searchable=["customer.id", "amount"])
    api = await serve(private, identify=by_header)
    alice = Person(api, "alice", tenant="acme")
    instance = await alice.start(customer={"id": "x"}, amount=7, clerk="bob")
    person = {
        "stranger": Person(api, "eve", tenant="acme"),
        "outsider": Person(api, "mallory", roles="operator", tenant="other"),
    }[who]
    for query in (
        {"data.customer.id": "x"},
        {"data.amount": 7, "sort": "updated"},
        {"step": "check"},
        {"started_after": "2000-01-01T00:00:00Z"},
        {"updated_before": "9000-01-01T00:00:00Z", "sort": "unmoved"},
    ):
        for someone, count in ((person, 0), (alice, 1)):
            response = await someone.send("GET", "/instances", params={**query, "total": True})
            assert [each["id"] for each in response.json()] == [instance["id"]] * count, query
            assert response.headers["x-total-count"] == str(count), query
