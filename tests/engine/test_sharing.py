"""Several processes on one storage: each has a runner of its own, as if it were alone in its process.

The runners here never find anything by looking now and then: they sleep for an hour unless they hear of something.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from tests.engine.conftest import MakeStorage
from tests.workflows import Do, chain, review, workflow
from workflows_core.context import WorkflowContext
from workflows_core.definitions import Edge, WorkflowDefinition
from workflows_core.engine import ExecutionEngine
from workflows_core.instance import Instance
from workflows_core.registry import WorkflowRegistry
from workflows_core.runner import Runner
from workflows_core.states import TokenState
from workflows_core.steps import DelayStep, MessageStep

DEAF = 3600.0


def registry_of(*definitions: WorkflowDefinition) -> WorkflowRegistry:
    registry = WorkflowRegistry()
    for definition in definitions:
        registry.register(definition)
    return registry


@asynccontextmanager
async def working(
    make_storage: MakeStorage, *definitions: WorkflowDefinition, **options: Any
) -> AsyncIterator[Runner]:
    """A process that does nothing but work."""
    storage = make_storage()
    runner = Runner(storage, registry_of(*definitions), **{"poll_interval": DEAF} | options)
    await runner.start()
    try:
        yield runner
    finally:
        await runner.stop()
        await storage.close()


@asynccontextmanager
async def asking(
    make_storage: MakeStorage, *definitions: WorkflowDefinition
) -> AsyncIterator[ExecutionEngine]:
    """A process that runs no steps."""
    async with ExecutionEngine(registry_of(*definitions), make_storage(), runs_steps=False) as engine:
        yield engine


async def reached(engine: ExecutionEngine, instance: Instance, step: str | None) -> Instance:
    async with asyncio.timeout(30), engine.watch(instance.id) as watch:
        while True:
            await watch.begin()
            found = await engine.get_instance(instance.id)
            if found.is_resting and found.current_step == step:
                return found
            await watch.changed(0.25)


async def test_what_one_process_starts_another_runs_at_once(make_storage: MakeStorage) -> None:
    definition = chain(Do("first"), review(), Do("last"))
    async with asking(make_storage, definition) as web, working(make_storage, definition):
        instance = await web.start_workflow("example")
        await reached(web, instance, "review")
        await web.complete_human_task(instance.id, "review", "ann", {"approved": True})
        assert (await reached(web, instance, None)).status == "completed"


async def test_a_watcher_hears_what_another_process_does(make_storage: MakeStorage) -> None:
    """Every change, without looking by itself."""
    definition = chain(review("one"), review("two"), review("three"))
    async with asking(make_storage, definition) as web, asking(make_storage, definition) as other:
        instance = await web.start_workflow("example")
        async with asyncio.timeout(30), other.watch(instance.id) as watch:
            for step in ("one", "two", "three"):
                await watch.begin()
                assert (await other.get_instance(instance.id)).current_step == step
                # Who watches for the first time is not known everywhere in an instant.
                await asyncio.sleep(0.05)
                await web.complete_human_task(instance.id, step, "ann", {"approved": True})
                await watch.changed(25)
                assert (await other.get_instance(instance.id)).current_step != step


async def test_a_running_step_is_stopped_from_another_process(make_storage: MakeStorage) -> None:
    """By canceling the instance, or by skipping the step."""
    begun: asyncio.Queue[None] = asyncio.Queue()
    stopped: asyncio.Queue[None] = asyncio.Queue()

    async def hang(_: WorkflowContext) -> None:
        begun.put_nowait(None)
        try:
            await asyncio.Event().wait()
        finally:
            stopped.put_nowait(None)

    definition = chain(Do("hang", hang), review())
    async with asking(make_storage, definition) as web, working(make_storage, definition):
        for skips in (False, True):
            instance = await web.start_workflow("example")
            async with asyncio.timeout(30):
                await begun.get()
                if skips:
                    await web.skip_step(instance.id, "hang", "too slow")
                else:
                    await web.cancel_workflow(instance.id)
                await stopped.get()
            await reached(web, instance, "review" if skips else None)


async def test_a_step_that_does_not_end_in_time_is_given_back(
    make_storage: MakeStorage, caplog: pytest.LogCaptureFixture
) -> None:
    """To whoever works on; it does not count as lost, and what was done is not done again."""
    caplog.set_level(logging.INFO, "workflows")
    begun: asyncio.Queue[int] = asyncio.Queue()
    may_end = asyncio.Event()

    async def wait(context: WorkflowContext) -> None:
        begun.put_nowait(context.attempt)
        await may_end.wait()

    definition = chain(Do("first"), Do("wait", wait), review())
    async with asking(make_storage, definition) as web, asyncio.timeout(30):
        async with working(make_storage, definition, grace=0.0):
            instance = await web.start_workflow("example")
            assert await begun.get() == 1
        ready = await web.get_instance(instance.id)
        assert [(token.state, token.losses) for token in ready.tokens.values()] == [(TokenState.READY, 0)]
        assert "gave 1 steps back" in caplog.text

        async with working(make_storage, definition):
            assert await begun.get() == 2
            may_end.set()
            done = await reached(web, instance, "review")
        assert done.data == {"first": 1}
        record = await web.get_record(instance.id)
        assert [each.status for each in record.step_executions] == [
            "succeeded",
            "lost",
            "succeeded",
            "waiting",
        ]


async def test_a_step_that_ends_in_time_is_finished(make_storage: MakeStorage) -> None:
    """What comes after it is left to whoever works on."""
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def wait(_: WorkflowContext) -> None:
        begun.set()
        await may_end.wait()

    definition = chain(Do("wait", wait), Do("after"), review())
    async with asking(make_storage, definition) as web, asyncio.timeout(30):
        async with working(make_storage, definition):
            instance = await web.start_workflow("example")
            await begun.wait()
            asyncio.get_running_loop().call_later(0.05, may_end.set)
        left = await web.get_instance(instance.id)
        assert [(token.step, token.state) for token in left.tokens.values()] == [("after", TokenState.READY)]
        async with working(make_storage, definition):
            assert (await reached(web, instance, "review")).data == {"after": 1}


async def test_what_is_not_known_is_left_alone(
    make_storage: MakeStorage, caplog: pytest.LogCaptureFixture
) -> None:
    """However much of it is due, what is known is run; a line in the log says so, once."""
    strange, old, known = (
        chain(Do("a"), review(), name="strange"),
        chain(Do("a"), review(), name="known", version="1"),
        chain(Do("b"), review(), name="known", version="2"),
    )
    async with asking(make_storage, strange, old, known) as web:
        left = [await web.start_workflow("strange") for _ in range(10)]
        left.append(await web.start_workflow("known", version="1"))
        mine = await web.start_workflow("known", version="2")
        async with working(make_storage, known, concurrency=2, poll_interval=0.01):
            await reached(web, mine, "review")
            async with asyncio.timeout(30):
                while "strange" not in caplog.text or "version 1" not in caplog.text:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            for instance in left:
                assert await web.get_instance(instance.id) == instance
                assert (await web.get_instance(instance.id)).wake_at == instance.wake_at
        async with working(make_storage, strange, old):
            for instance in left:
                await reached(web, instance, "review")
    lines = [record.getMessage() for record in caplog.records if "left alone" in record.getMessage()]
    assert sorted(line for line in lines) == [
        "Workflow known version 1 is not served here; its instances are left alone.",
        "Workflow strange version 1.0.0 is not served here; its instances are left alone.",
    ]


@pytest.mark.parametrize("only", [["mine"], ["mine@1.0.0"]])
async def test_a_runner_serves_what_it_is_told(make_storage: MakeStorage, only: list[str]) -> None:
    mine, other = chain(Do("a"), review(), name="mine"), chain(Do("a"), review(), name="other")
    async with asking(make_storage, mine, other) as web:
        async with working(make_storage, mine, other, definitions=only):
            left = await web.start_workflow("other")
            taken = await web.start_workflow("mine")
            await reached(web, taken, "review")
            assert await web.get_instance(left.id) == left
        async with working(make_storage, mine, other, definitions=["other"]):
            await reached(web, left, "review")


async def test_a_claim_for_nothing_leaves_everything_as_it_was(make_storage: MakeStorage) -> None:
    """One who waits for a day is not looked at every half a minute because a message went to somebody else."""
    definition = chain(
        MessageStep("paid", correlation_key="key"), DelayStep("day", timedelta(days=1)), review()
    )
    async with asking(make_storage, definition) as web, working(make_storage, definition) as worker:
        instances = [await web.start_workflow("example", {"key": "k"}) for _ in range(5)]
        receipt = await web.publish_message("paid", "k", 1)
        assert receipt.instance_id is not None
        taker = await reached(web, await web.get_instance(receipt.instance_id), "day")
        (token,) = taker.tokens.values()
        async with asyncio.timeout(30):
            for instance in instances:
                expected = token.due_at if instance.id == taker.id else None
                while (await worker.reload(instance.id)).wake_at != expected:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)


async def test_nothing_is_run_twice_by_many(make_storage: MakeStorage) -> None:
    """Four processes share two hundred instances; every step of every instance is executed once."""
    executed: list[tuple[str, str]] = []

    def note(context: WorkflowContext) -> None:
        executed.append((str(context.instance_id), context.current_step))

    definition = workflow(
        Do("begin", note),
        Do("left", note),
        Do("right", note),
        Do("end", note),
        edges=[Edge("begin", "left"), Edge("begin", "right"), Edge("left", "end"), Edge("right", "end")],
        ends={"end"},
    )
    async with (
        asking(make_storage, definition) as web,
        working(make_storage, definition, concurrency=20),
        working(make_storage, definition, concurrency=20),
        working(make_storage, definition, concurrency=20),
        working(make_storage, definition, concurrency=20),
    ):
        instances = [await web.start_workflow("example") for _ in range(200)]
        for instance in instances:
            await reached(web, instance, None)
    assert len(executed) == len(set(executed)) == 4 * 200
