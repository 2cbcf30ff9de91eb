"""A database that was made before instances were listed by step and by their last change."""

from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from tests.workflows import Do, review, workflow
from workflows_core import Edge, InstanceQuery, WorkflowRegistry
from workflows_core.engine import ExecutionEngine
from workflows_core.ports import InstanceOrder
from workflows_sqla import SqlStorage, check, upgrade

SPLIT = workflow(
    review("begin"),
    review("left"),
    review("right"),
    Do("end"),
    edges=[Edge("begin", "left"), Edge("begin", "right"), Edge("left", "end"), Edge("right", "end")],
    ends={"end"},
)


async def columns(database: AsyncEngine) -> list[tuple[Any, ...]]:
    asked = "SELECT id, updated_at, rested_at, other_steps FROM workflow_instances ORDER BY id"
    async with database.connect() as connection:
        return [tuple(row) for row in (await connection.execute(text(asked))).all()]


def downgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", "workflows_sqla:migrations")
    config.attributes["connection"] = connection
    command.downgrade(config, "0008")


async def test_what_lists_need_is_made_of_the_instances_there_are(database_url: str) -> None:
    database = create_async_engine(database_url)
    registry = WorkflowRegistry()
    registry.register(SPLIT)
    engine = ExecutionEngine(registry, SqlStorage(database), runs_steps=False)
    for done in ("", "begin", "begin left", "begin left right"):  # the last one runs: nobody executes its end
        instance = await engine.start_workflow("example")
        for step in done.split():
            await engine.complete_human_task(instance.id, step, "ann", {"approved": True})
    await engine.cancel_workflow((await engine.start_workflow("example")).id)
    before = await columns(database)
    assert [each[3] for each in before] == [None, "\nright\n", "\nend\n", None, None]
    assert [each[1] == each[2] for each in before] == [True, True, True, False, True]

    async with database.begin() as connection:
        await connection.run_sync(downgrade)
    await upgrade(database)
    assert await check(database) == ()
    assert await columns(database) == before
    (found,) = await engine.find_instances(InstanceQuery(step="right", order=InstanceOrder.UPDATED, limit=1))
    assert found.current_step == "right"
    assert await engine.count_instances(InstanceQuery(step="right")) == 2
    await database.dispose()
