"""Reading definitions of several versions."""

from litestar import Litestar

from tests.litestar.conftest import serving
from tests.litestar.problems import refused
from tests.workflows import Do, chain, review
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
