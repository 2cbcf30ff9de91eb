"""An office with a full inbox: open tasks by the million, as many that are long closed, and who they are for.

Some people, groups and workflows have much more to do than others. Every instance has one closed task and one open one.
A small office is made by the program, and the database makes copies of it: the same work at other times, for other
people of the same groups.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final, TypeAlias
from uuid import UUID

from attrs import evolve, field, frozen
from attrs.validators import ge
from sqlalchemy import Column, Table, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from workflows_core.actors import Actor
from workflows_core.instance import Instance
from workflows_core.participants import user_key
from workflows_core.states import TaskState
from workflows_core.tasks import Task
from workflows_core.testing.samples import course
from workflows_sqla.converter import Values, from_task, from_transition, sorted_by
from workflows_sqla.tables import instances, offers, participants, tasks
from workflows_sqla.types import Id, Moment

NOW: Final = datetime(2026, 6, 1, 9, tzinfo=UTC)
MODEL: Final = 5_000
"""How many instances the program makes itself."""

_YEAR: Final = timedelta(days=365)
_FORM: Final = {
    "type": "object",
    "properties": {
        "amount": {"type": "number", "minimum": 0},
        "remark": {"type": "string", "maxLength": 500},
    },
    "required": ["amount"],
}
_VERBS: Final = ("Approve", "Approve", "Approve", "Approve", "Approve", "Check", "Check", "Sign")
_THINGS: Final = ("the travel", "the invoice", "the contract", "the application", "the order")
_PEOPLE: Final = frozenset({"assignee", "candidate_users", "completed_by", "created_by", "key"})
_SYLLABLES: Final = ("ba", "den", "ko", "li", "mar", "no", "ri", "sa", "tan", "wy")

Rows: TypeAlias = list[Values]


@frozen
class Office:
    """People and what they have to do.

    Attributes:
        rows: How many tasks are open, and how many are closed; so many thousands that the copies fill them.
    """

    rows: int = field(validator=ge(MODEL))

    @property
    def copies(self) -> int:
        return self.rows // MODEL

    @property
    def groups(self) -> int:
        return max(self.rows // 20_000, 5)

    def user(self, chance: Random, copy: int | None = None) -> str:
        """Return somebody of one copy, by default of any; one of fifty is the desk, who has work in all of them."""
        if chance.random() < 0.02:
            return "desk"
        copy = chance.randrange(self.copies) if copy is None else copy
        return f"user-{copy}-{_skewed(10, chance)}"

    def group(self, chance: Random) -> str:
        return f"group-{_skewed(self.groups, chance)}"

    def workflow(self, chance: Random) -> str:
        return f"workflow-{_skewed(20, chance)}"

    def name(self, chance: Random) -> str:
        """Return the name of somebody whom a task is about: there are a thousand names."""
        number = _skewed(1_000, chance)
        return "".join(_SYLLABLES[number // 10**place % 10] for place in range(3))

    def actor(self, chance: Random) -> Actor:
        """Return somebody who is in three groups."""
        return Actor(self.user(chance), groups=[self.group(chance) for _ in range(3)])

    def model(self) -> dict[Table, Rows]:
        """Make the rows of the first copy, in the order in which they came about."""
        chance = Random(self.rows)
        change = course()[-1]
        written = from_transition(change)
        row = {column.name: written.get(f"new_{column.name}") for column in instances.c}
        made: dict[Table, Rows] = {table: [] for table in (instances, tasks, offers, participants)}
        for number in range(MODEL):
            self._add(made, row, change.instance, NOW - _YEAR + _YEAR * (number / MODEL), chance)
        return made

    def _add(
        self,
        made: dict[Table, Rows],
        row: Values,
        instance: Instance,
        started: datetime,
        chance: Random,
    ) -> None:
        id_, workflow, starter = _id(started, chance), self.workflow(chance), self.user(chance, 0)
        made[instances].append(
            row
            | {"id": id_, "definition_name": workflow, "status": "waiting", "started_at": started}
            | {"updated_at": started, "created_by": starter, "current_step": "approve", "wake_at": None}
        )
        (model,) = instance.tasks.values()
        first, second = (
            self._task(evolve(model, instance_id=id_, definition_name=workflow), at, chance)
            for at in (started, started + timedelta(hours=chance.randrange(1, 200)))
        )
        closed = evolve(
            first,
            state=TaskState.COMPLETED,
            assignee=first.assignee or self.user(chance, 0),
            completed_at=second.created_at,
            completed_by=first.assignee,
            outcome="yes",
            form_data={"amount": chance.randrange(10_000), "remark": "As discussed."},
        )
        made[tasks] += from_task(closed), from_task(second)
        keys = {user_key(starter), *first.offered_to, *second.offered_to}
        keys |= {user_key(name) for name in (closed.assignee, second.assignee) if name is not None}
        made[participants] += ({"instance_id": id_, "key": key} for key in sorted(keys))
        if second.is_free:
            made[offers] += (
                {"task_id": second.id, "key": key, "created_at": second.created_at, **sorted_by(second)}
                for key in second.offered_to
            )

    def _task(self, model: Task, opened: datetime, chance: Random) -> Task:
        title = f"{chance.choice(_VERBS)} {chance.choice(_THINGS)} of {self.name(chance)} {chance.randrange(10**6)}"
        due = None if chance.random() < 0.3 else NOW + timedelta(minutes=chance.randrange(-50_000, 100_000))
        return evolve(
            model,
            id=_id(opened, chance),
            title=title,
            description="Please look at the papers, and say yes or no.",
            form_schema=_FORM,
            created_at=opened,
            due_at=due,
            priority=chance.choice((0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 5, -1)),
            for_anyone=False,
            **self._whose(chance),
        )

    def _whose(self, chance: Random) -> dict[str, Any]:
        draw = chance.random()
        if draw < 0.6:
            return {"state": TaskState.ASSIGNED, "assignee": self.user(chance, 0)}
        if draw < 0.85:
            return {"assignee_group": self.group(chance)}
        if draw < 0.95:
            return {"candidate_groups": tuple({self.group(chance), self.group(chance)})}
        return {"candidate_users": tuple({self.user(chance, 0) for _ in range(3)})}


async def fill(engine: AsyncEngine, office: Office) -> None:
    """Write an office into empty tables; the indexes are made afterwards, which is much faster."""
    async with engine.connect() as connection:
        indexes = await _indexes(connection)
        for name, _ in indexes:
            await connection.execute(text(f"DROP INDEX {name}"))
        for table, rows in office.model().items():
            await connection.execute(table.insert(), rows)
            await _copy(connection, table, office.copies)
        for _, definition in indexes:
            await connection.execute(text(definition))
        await connection.commit()
    async with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        is_sqlite = connection.dialect.name == "sqlite"
        for statement in ("ANALYZE",) if is_sqlite else ("VACUUM ANALYZE", "CHECKPOINT"):
            await connection.execute(text(statement))


async def _copy(connection: AsyncConnection, table: Table, copies: int) -> None:
    """Copy the rows of a table until there are so many copies of them."""
    is_sqlite = connection.dialect.name == "sqlite"
    if is_sqlite:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        await driver.create_function("copied", 2, lambda id_, copy: id_[:13] + copy.to_bytes(3, "big"))
    await connection.execute(text(f"CREATE TEMPORARY TABLE model_{table.name} AS SELECT * FROM {table.name}"))
    columns = ", ".join(table.c.keys())
    values = ", ".join(_copied(column, is_sqlite=is_sqlite) for column in table.c)
    insert = f"INSERT INTO {table.name} ({columns}) SELECT {values} FROM model_{table.name}"
    for copy in range(1, copies):
        await connection.execute(text(insert.replace("COPY", str(copy))))


def _copied(column: Column[Any], *, is_sqlite: bool) -> str:
    """Write what stands in the column of a copy."""
    name = column.name
    if isinstance(column.type, Id):
        return (
            f"copied({name}, COPY)"
            if is_sqlite
            else f"(left({name}::text, 30) || lpad(to_hex(COPY), 6, '0'))::uuid"
        )
    if isinstance(column.type, Moment):
        later, never = (
            (f"{name} + COPY * 60000000", "250000000000000000")
            if is_sqlite
            else (f"{name} + COPY * interval '1 minute'", "'9000-01-01Z'")
        )
        return f"CASE WHEN {name} < {never} THEN {later} ELSE {name} END"
    return f"replace({name}, 'user-0-', 'user-COPY-')" if name in _PEOPLE else name


async def _indexes(connection: AsyncConnection) -> list[tuple[str, str]]:
    """Return the indexes of all tables, with what makes them; those of primary keys stay."""
    question = (
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        if connection.dialect.name == "sqlite"
        else "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND indexname LIKE 'ix%'"
    )
    return [(name, definition) for name, definition in (await connection.execute(text(question))).all()]


def _skewed(many: int, chance: Random) -> int:
    """Choose one of many: the first are chosen much more often than the last."""
    return int(many * chance.random() ** 2)


def _id(at: datetime, chance: Random) -> UUID:
    """Make an id as the engine does: in the order of time."""
    number = int(at.timestamp() * 1000) << 80 | 7 << 76 | chance.getrandbits(76) & ~(3 << 62) | 2 << 62
    return UUID(int=number)
