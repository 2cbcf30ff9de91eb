"""The REST API over every storage, as a client sees it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest
from litestar import Litestar
from litestar.config.csrf import CSRFConfig

from tests.databases import URLS
from tests.litestar.pages import LEAVE, PAYMENT, identify
from tests.servers import PATIENCE, until_async
from workflows_core.definitions import WorkflowDefinition
from workflows_litestar import WorkflowPlugin, WorkflowPluginConfig

Answer = dict[str, Any]


class Api:
    """A client of the REST API; `http` sends to the paths below its prefix."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def get(self, path: str, **query: Any) -> Any:
        return (await self.http.get(path, params=query)).raise_for_status().json()

    async def post(self, path: str, body: Any = None, **query: Any) -> Any:
        response = await self.http.post(path, json=body, params=query)
        assert response.status_code == 201, response.text
        return response.json()

    async def start(self, workflow: str = "example", **body: Any) -> Answer:
        started: Answer = await self.post("/instances", {"definition_name": workflow, **body})
        return started

    async def rest(self, instance: Answer) -> Answer:
        """Wait until nothing moves an instance any more, and return it as it is then."""
        path = f"/instances/{instance['id']}"
        return await until_async(lambda: self.get(path), lambda now: now["status"] != "running")

    async def started(self, workflow: str = "example", **body: Any) -> Answer:
        """Start an instance and wait until it rests."""
        return await self.rest(await self.start(workflow, **body))

    async def task(self, instance: Answer) -> Answer:
        """The one task that an instance waits for."""
        (task,) = await self.get("/tasks", instance_id=instance["id"], status="pending")
        return dict(task)

    async def complete(self, task: Answer, form: Answer | None = None, **body: Any) -> Answer:
        said = {"output_data": {"approved": True} if form is None else form, "completed_by": "bob", **body}
        completed: Answer = await self.post(f"/tasks/{task['id']}/complete", said)
        return completed


@asynccontextmanager
async def serving(app: Litestar, prefix: str = "/workflows") -> AsyncIterator[Api]:
    """Run an application as a server would, in this event loop."""
    asgi: Any = app  # Litestar's types of messages are narrower than those of httpx
    transport = httpx.ASGITransport(asgi)
    async with (
        living(app),
        httpx.AsyncClient(transport=transport, base_url=f"http://test{prefix}", timeout=PATIENCE) as http,
    ):
        yield Api(http)


@asynccontextmanager
async def living(app: Litestar) -> AsyncIterator[None]:
    """Begin and end the life of an application in a task of its own: fixtures begin and end in different ones."""
    started, stop = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        async with app.lifespan():
            started.set()
            await stop.wait()

    life, start = asyncio.create_task(live()), asyncio.create_task(started.wait())
    await asyncio.wait([life, start], return_when=asyncio.FIRST_COMPLETED)
    start.cancel()
    if life.done():
        await life  # it did not start, and says why
    try:
        yield
    finally:
        stop.set()
        await life


@pytest.fixture(params=["memory", *URLS])
def database(request: pytest.FixtureRequest) -> str | None:
    """Each place where the plugin can keep instances; `None` is its own memory."""
    return URLS[request.param](request) if request.param in URLS else None


Serve = Callable[..., Awaitable[Api]]


@pytest.fixture
async def serve(database: str | None) -> AsyncIterator[Serve]:
    """Serve workflows on a database; the options are those of the plugin."""
    async with AsyncExitStack() as stack:

        async def serve(*workflows: WorkflowDefinition | type[Any], **options: Any) -> Api:
            config = WorkflowPluginConfig(
                auto_register_workflows=list(workflows), database=database, **options
            )
            app = Litestar(plugins=[WorkflowPlugin(config)])
            return await stack.enter_async_context(serving(app, config.api_path_prefix))

        yield serve


ServePages = Callable[..., Awaitable[httpx.AsyncClient]]


@pytest.fixture
async def serve_pages() -> AsyncIterator[ServePages]:
    """Serve workflows with their pages, from memory; the options are those of the plugin."""
    async with AsyncExitStack() as stack:

        async def serve(
            *workflows: WorkflowDefinition, csrf: CSRFConfig | None = None, **options: Any
        ) -> httpx.AsyncClient:
            config = WorkflowPluginConfig(auto_register_workflows=list(workflows), **options)
            app: Any = Litestar(plugins=[WorkflowPlugin(config)], csrf_config=csrf)
            await stack.enter_async_context(living(app))
            transport = httpx.ASGITransport(app)
            http = httpx.AsyncClient(transport=transport, base_url="http://test", timeout=PATIENCE)
            return await stack.enter_async_context(http)

        yield serve


@pytest.fixture
async def http(serve_pages: ServePages) -> httpx.AsyncClient:
    """A client of an application whose pages know who asks."""
    return await serve_pages(LEAVE, PAYMENT, identify=identify)
