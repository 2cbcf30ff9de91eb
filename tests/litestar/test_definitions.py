"""Reading definitions: their versions, what is wrong with them, what they ask for, and how they look."""

from base64 import b64encode
from collections.abc import AsyncIterator
from hashlib import sha256
from xml.etree import ElementTree as ET

import pytest
from litestar import Litestar

from tests.litestar.conftest import Api, serving
from tests.litestar.people import Person, by_header
from tests.litestar.problems import refused
from tests.workflows import APPROVAL_FORM, Do, chain, review, workflow
from workflows_core import DecisionStep, Edge
from workflows_litestar import WorkflowPlugin, WorkflowPluginConfig


async def test_an_exact_version() -> None:
    """The latest one counts unless another is asked for: by version, not by text."""
    workflows = [chain(review(), version="9"), chain(review(), Do("pay"), version="10")]
    app = Litestar(plugins=[WorkflowPlugin(WorkflowPluginConfig(auto_register_workflows=workflows))])
    async with serving(app) as api:
        for version, steps in ((None, ["review", "pay"]), ("10", ["review", "pay"]), ("9", ["review"])):
            query = {} if version is None else {"version": version}
            shown = await api.get("/definitions/example", **query)
            assert (shown["version"], shown["steps"]) == (version or "10", steps)
            graph = await api.get("/definitions/example/graph", **query)
            assert [node["id"] for node in graph["nodes"]] == steps
        problem = refused(await api.http.get("/definitions/example?version=11"), 404)
        assert "11" in problem["detail"]
        old = await api.start(version="9")
        assert old["definition_version"] == "9"
        assert [each["version"] for each in await api.get("/definitions/example/versions")] == ["10", "9"]
        refused(await api.http.get("/definitions/unknown/versions"), 404)


INPUT = {"type": "object", "properties": {"amount": {"type": "number"}}}
EVIL = "</style><script>alert(1)</script>"
BOARD = DecisionStep("board", abstain="abstain", deciders_key="board", form_schema=None)
ASKING = workflow(
    review("check", title=EVIL, outcomes=["yes", "no"]),
    Do("pay"),
    BOARD,
    edges=[
        Edge("check", "pay", on="yes"),
        Edge("check", "board", on="no"),
        Edge("check", "board", on="no"),
        Edge("board", "pay", on="approve"),
        Edge("board", "pay", on="reject"),
    ],
    ends={"pay"},
    name="asking",
    input_schema=INPUT,
    searchable=["amount"],
)


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    workflows = [ASKING, chain(review(), version="1"), chain(review(), Do("end"), version="2")]
    config = WorkflowPluginConfig(auto_register_workflows=workflows, identify=by_header)
    async with serving(Litestar(plugins=[WorkflowPlugin(config)])) as api:
        yield api


@pytest.fixture
def ann(api: Api) -> Person:
    return Person(api, "ann", roles="operator")


async def test_what_is_wrong_with_a_definition(ann: Person) -> None:
    """In a registered one there are warnings alone; each says where it is, and how to mend it."""
    (problem,) = await ann.get("/definitions/asking/validation")
    assert problem["detail"].endswith(".")
    assert {name: problem[name] for name in ("code", "severity", "path", "step")} == {
        "code": "duplicate-edge",
        "severity": "warning",
        "path": "/edges/2",
        "step": "check",
    }
    assert await ann.get("/definitions/example/validation", version="1") == []
    refused(await ann.send("GET", "/definitions/example/validation?version=3"), 404)
    refused(await ann.send("GET", "/definitions/unknown/validation"), 404)


async def test_what_a_definition_asks_for(ann: Person) -> None:
    schema = await ann.get("/definitions/asking/schema")
    assert schema == {
        "name": "asking",
        "version": "1.0.0",
        "input_schema": INPUT,
        "searchable": ["amount"],
        "forms": [
            {
                "step": "check",
                "title": EVIL,
                "description": "",
                "form_schema": APPROVAL_FORM,
                "outcomes": ["yes", "no"],
            },
            {
                "step": "board",
                "title": BOARD.title,
                "description": "",
                "form_schema": None,
                "outcomes": ["approve", "reject", "abstain"],
            },
        ],
    }
    assert (await ann.get("/definitions/example/schema", version="1"))["version"] == "1"
    refused(await ann.send("GET", "/definitions/unknown/schema"), 404)


async def test_a_picture_of_a_definition_and_of_an_instance(ann: Person) -> None:
    """It is a document of its own that runs nothing, loads nothing, and has the one style that it is allowed."""
    instance = await ann.start("asking", amount=1)
    for path in ("/definitions/asking/graph", f"/instances/{instance['id']}/graph"):
        response = await ann.send("GET", path, params={"graph_format": "svg"})
        assert response.status_code == 200
        assert response.headers["content-type"].partition(";")[0] == "image/svg+xml"
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["cache-control"] == "private, no-cache"
        picture = ET.fromstring(response.text)
        tags = {each.tag.rpartition("}")[2] for each in picture.iter()}
        assert tags & {"script", "foreignObject", "image", "use", "iframe"} == set()
        assert not [name for each in picture.iter() for name in each.attrib if name.startswith("on")]
        assert not [each for each in picture.iter() if "style" in each.attrib]
        (style,) = [each.text or "" for each in picture.iter() if each.tag.endswith("}style")]
        digest = b64encode(sha256(style.encode()).digest()).decode()
        policy = response.headers["content-security-policy"]
        assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")
        assert "sandbox" in policy


async def test_a_picture_that_the_client_has_is_not_sent_again(ann: Person) -> None:
    instance = await ann.start("asking")
    path = f"/instances/{instance['id']}/graph?graph_format=svg"
    seen = await ann.send("GET", path)
    tag = seen.headers["etag"]
    for quoted in (tag, f'"x", W/{tag}', "*"):
        response = await ann.send("GET", path, headers={"if-none-match": quoted})
        assert (response.status_code, response.content, response.headers["etag"]) == (304, b"", tag)
    await ann.post(f"/instances/{instance['id']}/move", {"target": "board", "reason": "why not"})
    response = await ann.send("GET", path, headers={"if-none-match": tag})
    assert response.status_code == 200
    assert response.headers["etag"] != tag
    assert "mermaid_source" in await ann.get(f"/instances/{instance['id']}/graph")


async def test_a_picture_of_what_somebody_may_not_see(ann: Person, api: Api) -> None:
    instance = await ann.start("asking")
    stranger = Person(api, "eve", tenant="other")
    path = f"/instances/{instance['id']}/graph?graph_format=svg"
    refused(await stranger.send("GET", path, headers={"if-none-match": "*"}), 404)
