"""A database that was made before there were lists of offers and participants."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from workflows_core import Actor, BaseHumanStep, Edge, TaskQuery, WorkflowDefinition, WorkflowRegistry
from workflows_core.engine import ExecutionEngine
from workflows_core.errors import TaskNotFoundError
from workflows_sqla import SqlStorage, check, upgrade

STEPS = {
    "group": BaseHumanStep("group", "Read the Ünïcode 100%", assignee_group="board"),
    "users": type("Users", (BaseHumanStep,), {"get_candidate_users": lambda *_: ["bob", "cy"]})("users"),
    "anybody": BaseHumanStep("anybody", due=3600),
    "given": BaseHumanStep("given", assignee_key="boss"),
    "pressing": type("Pressing", (BaseHumanStep,), {"get_priority": lambda *_: 7})("pressing"),
}
"""Ways in which a task can be offered, each with a second task behind it."""

DEFINITIONS = [
    WorkflowDefinition(
        name=name,
        steps=[step, BaseHumanStep("end", assignee_group="board")],
        edges=[Edge(name, "end")],
        initial_step=name,
        terminal_steps=["end"],
    )
    for name, step in STEPS.items()
]
BOB = Actor("bob", groups=["board"])


def on(database: AsyncEngine) -> ExecutionEngine:
    registry = WorkflowRegistry()
    for definition in DEFINITIONS:
        registry.register(definition)
    return ExecutionEngine(registry, SqlStorage(database), runs_steps=False)


async def rows(database: AsyncEngine, statement: str) -> set[tuple[Any, ...]]:
    async with database.connect() as connection:
        return {tuple(row) for row in (await connection.execute(text(statement))).all()}


async def people(database: AsyncEngine) -> dict[str, set[tuple[Any, ...]]]:
    """All that the upgrade has to make of what was there."""
    return {
        "tasks": await rows(database, "SELECT id, due_key, rank, words FROM workflow_tasks"),
        "offers": await rows(database, "SELECT task_id, key, due_key, rank, created_at FROM workflow_offers"),
        "participants": await rows(database, "SELECT instance_id, key FROM workflow_participants"),
        "words": await rows(database, "SELECT * FROM workflow_words"),
    }


def downgrade(connection: Connection, revision: str) -> None:
    """Return to the tables of a revision."""
    config = Config()
    config.set_main_option("script_location", "workflows_sqla:migrations")
    config.attributes["connection"] = connection
    command.downgrade(config, revision)


async def go_back(database: AsyncEngine, *, forget: bool) -> None:
    """Return to the tables as they were; and, further back, to states that did not say who has done what."""
    async with database.begin() as connection:
        await connection.run_sync(downgrade, "0004")
        for id_, state in (await connection.execute(text("SELECT id, state FROM workflow_instances"))).all():
            kept: Mapping[str, Any] = json.loads(state)
            if forget:
                kept = {name: value for name, value in kept.items() if name not in {"doers", "participants"}}
            await connection.execute(
                text("UPDATE workflow_instances SET state = :state WHERE id = :id"),
                {"state": json.dumps(kept), "id": id_},
            )


async def lived(database: AsyncEngine) -> dict[str, UUID]:
    """Start instances and let people work on some: tasks are free, held, given up and done."""
    engine, instances = on(database), {}
    for name in STEPS:
        for deed in ("nothing", "claim", "complete"):
            instance = await engine.start_workflow(name, {"boss": "bob"}, user_id="ann", tenant_id=None)
            (task,) = instance.tasks.values()
            if deed == "claim" and task.assignee is None:
                await engine.tasks.claim(task.id, actor=BOB)
            if deed == "complete":
                await engine.tasks.complete(task.id, {}, actor=BOB)
            instances[f"{name} {deed}"] = instance.id
    return instances


async def give_up(engine: ExecutionEngine, instance_id: UUID) -> None:
    (task,) = (await engine.get_instance(instance_id)).tasks.values()
    dan = Actor("dan", groups=["board"])
    await engine.tasks.claim(task.id, actor=dan)
    await engine.tasks.unclaim(task.id, actor=dan)


async def crowd(database: AsyncEngine) -> None:
    """Start more instances than an upgrade looks at together."""
    engine = on(database)
    await asyncio.gather(*(engine.start_workflow("users", tenant_id=None) for _ in range(210)))


@pytest.mark.parametrize("forget", [True, False])
async def test_what_lists_need_is_made_of_the_tasks_there_are(database_url: str, *, forget: bool) -> None:
    database = create_async_engine(database_url)
    instances = await lived(database)
    if not forget:  # only the state remembers who held a task for a while
        await give_up(on(database), instances["group nothing"])
        await crowd(database)
    before, engine = await people(database), on(database)
    seen = [task.id for task in await engine.find_tasks(TaskQuery(for_actor=BOB))]
    states = {id_: await engine.get_instance(id_) for id_ in instances.values()}

    await go_back(database, forget=forget)
    await upgrade(database)
    assert await check(database) == ()
    assert await people(database) == before
    engine = on(database)
    assert [task.id for task in await engine.find_tasks(TaskQuery(for_actor=BOB))] == seen
    for id_, state in states.items():
        now = await engine.get_instance(id_)
        assert {*now.participants} == {*state.participants}
        assert now.doers == state.doers
    await database.dispose()


async def test_the_engine_runs_on(database_url: str) -> None:
    database = create_async_engine(database_url)
    instances = await lived(database)
    await go_back(database, forget=True)
    await upgrade(database)

    engine = on(database)
    (task,) = (await engine.get_instance(instances["group nothing"])).tasks.values()
    with pytest.raises(TaskNotFoundError):
        await engine.tasks.get(task.id, actor=Actor("eve"))
    await engine.tasks.claim(task.id, actor=BOB)
    done = await engine.tasks.complete(task.id, {}, actor=BOB)
    assert done.next_task is not None
    await engine.tasks.complete(done.next_task.id, {}, actor=BOB)
    assert (await engine.get_instance(instances["group nothing"])).status == "completed"
    listed = await engine.find_tasks(TaskQuery(text="unicode", for_actor=BOB))
    assert [each.instance_id for each in listed] == []
    assert await engine.tasks.count(TaskQuery(text="ünï 100"), actor=BOB) == 3
    await database.dispose()
