"""The duties of a storage about lists of instances: what is found, in which order, page by page, and by whom.

Whoever writes a storage derives a class, as from `storage.StorageSuite`:

    class TestMyInstanceLists(InstanceListSuite):
        @pytest.fixture
        async def storage(self):
            storage = MyStorage(...)  # empty
            yield storage
            await storage.close()

What a list must hold is read off the instances as they are, not off what a storage keeps to find them by. This module
needs Hypothesis, pytest and pytest-asyncio.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from random import Random
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from workflows_core import commands as cmd
from workflows_core.data import JsonObject, Patch
from workflows_core.definitions import Edge, WorkflowDefinition
from workflows_core.errors import InvalidDataError, WorkflowError
from workflows_core.instance import Instance, Token
from workflows_core.permissions import Action, may, policies_of
from workflows_core.ports import InstanceOrder, InstanceQuery, Storage, place_of_instance, summarize
from workflows_core.states import InstanceStatus, TokenState
from workflows_core.steps import BaseHumanStep, BaseMachineStep
from workflows_core.testing.samples import AT, HOUR, SECOND, move, start
from workflows_core.testing.task_lists import PEOPLE, TENANTS, an_actor, few
from workflows_core.testing.writes import applied, flushed
from workflows_core.transition import Transition
from workflows_core.visibility import visibility


def _definition(name: str, *searchable: str) -> WorkflowDefinition:
    return WorkflowDefinition(
        name=name,
        steps=[
            BaseMachineStep("begin"),
            BaseHumanStep("pick"),
            BaseHumanStep("Pick"),
            BaseMachineStep("end_"),
        ],
        edges=[Edge("begin", "pick"), Edge("begin", "Pick"), Edge("pick", "end_"), Edge("Pick", "end_")],
        initial_step="begin",
        terminal_steps=["end_"],
        searchable=searchable,
    )


ORDER: Final = _definition("order", "who.id", "sum", "note")
RETURN: Final = _definition("return", "sum")
DEFINITIONS: Final = {each.name: each for each in (ORDER, RETURN, _definition("other"))}
POLICIES: Final = {(each.name, each.version): each.policies for each in DEFINITIONS.values()}
STEPS: Final = ("begin", "pick", "Pick", "end_", "endX", "no")
VALUES: Final = (
    1,
    1.0,
    True,
    "1",
    "true",
    None,
    "null",
    "",
    "Ä\n'\"%_\\",
    "x" * 300,
    "x" * 301,
    2**63 - 1,
    0.1,
    -0.0,
    0,
)
"""Values, some of which are easily taken for another one."""


def _written(random: Random) -> JsonObject:
    """Make up what a step or a form writes: a value, something that holds values, or nothing at a path."""
    value: Any = random.choice([*VALUES, *VALUES[:6], ["1"], {"x": 1}])
    return random.choice([{"sum": value}, {"who": {"id": value}}, {"who": value}, {"note": value}, {}])


class Warehouse:
    """Everything that was ever written to a storage, as values."""

    def __init__(self) -> None:
        self.instances: dict[UUID, Instance] = {}

    def begun(self, random: Random, **marks: Any) -> Transition:
        """Make up the start of an instance."""
        fields = {
            "definition": random.choice([*DEFINITIONS.values()]),
            "created_by": random.choice([None, *PEOPLE]),
            "tenant_id": random.choice(TENANTS),
            "correlation_id": random.choice([None, "a", "A"]),
            "data": _written(random) | _written(random),
        }
        return start(AT + random.randint(0, 3) * SECOND, **fields | marks)

    def moved(self, random: Random) -> Iterator[Transition]:
        """Make up what is done with some of the instances, as far as anything can be done."""
        for instance in random.sample([*self.instances.values()], len(self.instances) // 2):
            commands = [*_possible(instance, random)]
            if commands:
                with suppress(WorkflowError):
                    definition = DEFINITIONS[instance.definition_name]
                    yield move(instance, random.choice(commands), definition)

    async def keep(self, storage: Storage, changes: Iterable[Transition], *, at_once: bool = True) -> None:
        """Write transitions, at once or in a unit of work."""
        changes = [*changes]
        assert not await (flushed if at_once else applied)(storage, changes)
        self.instances |= {each.instance.id: each.instance for each in changes}

    def expected(self, query: InstanceQuery, seen_by: Any) -> list[UUID]:
        """Return what a list must hold, wherever it begins."""
        found = [each for each in self.instances.values() if _fits(query, each)]
        if seen_by is not None:
            found = [
                each
                for each in found
                if may(
                    seen_by, Action.VIEW, None, each, policies_of(DEFINITIONS[each.definition_name])
                ).allowed
            ]
        found.sort(key=lambda each: _place(each, query.order), reverse=query.order.is_backwards)
        return [each.id for each in found]


def _possible(instance: Instance, random: Random) -> Iterator[cmd.Command]:
    at = instance.updated_at + random.randint(0, 2) * SECOND
    for token in instance.tokens.values():
        yield from _moves(token, at, random)
    for task in instance.tasks.values():
        yield cmd.CompleteTask(at=at, task_id=task.id, data=_written(random), actor=random.choice(PEOPLE))
        yield cmd.ClaimTask(at=at, task_id=task.id, actor=random.choice(PEOPLE))
    if random.random() < 0.1:
        yield cmd.Cancel(at=at, reason="enough")
        yield cmd.Suspend(at=at, reason="wait")
        yield cmd.Resume(at=at)


def _moves(token: Token, at: Any, random: Random) -> Iterator[cmd.Command]:
    if token.state is TokenState.RUNNING:
        patch = Patch(
            tuple(((key,), value) for key, value in _written(random).items()),
            random.choice([(), (("sum",),), (("who", "id"),)]),
            size=20,
        )
        yield cmd.CompleteStep(at=at, token=token.id, attempt=token.attempt, patch=patch)
        if random.random() < 0.2:
            yield cmd.FailStep(
                at=at, token=token.id, attempt=token.attempt, error_type="E", message="", origin="execute",
                is_final=True,
            )  # fmt: skip
    elif token.state is TokenState.READY and token.step in {"begin", "end_"}:
        yield cmd.StartStep(at=at, token=token.id, owner="runner")
    elif token.state is TokenState.READY:
        yield cmd.OpenTask(at=at, token=token.id, task_id=uuid4(), title="Pick", candidate_users=("ann",))


# What is asked, and what must be told

FILTERS: Final[Mapping[str, Callable[[Random], Any]]] = {
    "status": lambda random: random.choice([*InstanceStatus]),
    "definition_name": lambda random: random.choice([*DEFINITIONS]),
    "created_by": lambda random: random.choice(PEOPLE),
    "tenant_id": lambda random: random.choice(TENANTS[1:]),
    "correlation_id": lambda random: random.choice(["a", "A"]),
    "step": lambda random: random.choice(STEPS),
    "started_after": lambda random: AT + random.randint(0, 3) * SECOND,
    "started_before": lambda random: AT + random.randint(0, 3) * SECOND,
    "updated_after": lambda random: AT + random.randint(0, 9) * SECOND,
    "updated_before": lambda random: AT + random.randint(0, 9) * SECOND,
}


def a_query(random: Random, instances: Sequence[Instance]) -> InstanceQuery:
    """Make up a question; most are wide, or about data that there is, so that there is something to find."""
    names = random.sample([*FILTERS], random.choice([0, 0, 1, 2]))
    filters = {name: FILTERS[name](random) for name in names}
    paths = random.sample(["who.id", "sum", "note", "who"], random.choice([0, 1, 1, 2]))
    like = random.choice(instances).data
    data = {path: _asked(random, _at(like, path.split("."))) for path in paths}
    return InstanceQuery(**filters, data=data, order=random.choice([*InstanceOrder]))


def _asked(random: Random, there: object) -> Any:
    """Return a value to ask for: mostly what is there."""
    is_scalar = there is not _NOTHING and not isinstance(there, list | dict)
    return there if is_scalar and random.random() < 0.8 else random.choice(VALUES)


def _fits(query: InstanceQuery, instance: Instance) -> bool:
    named = ("status", "definition_name", "created_by", "tenant_id", "correlation_id")
    if any(getattr(query, name) not in {None, getattr(instance, name)} for name in named):
        return False
    started, changed = instance.started_at, instance.updated_at
    searchable = DEFINITIONS[instance.definition_name].searchable
    return (
        (query.step is None or query.step in instance.current_steps)
        and (query.started_after is None or query.started_after <= started)
        and (query.started_before is None or started < query.started_before)
        and (query.updated_after is None or query.updated_after <= changed)
        and (query.updated_before is None or changed < query.updated_before)
        and all(
            path in searchable and _is_same(_at(instance.data, path.split(".")), value)
            for path, value in query.data.items()
        )
    )


_NOTHING: Final = object()


def _at(data: Any, keys: list[str]) -> object:
    for key in keys:
        data = data.get(key, _NOTHING) if isinstance(data, dict) else _NOTHING
    return data


def _is_same(found: object, wanted: object) -> bool:
    """Whether two values are the same JSON: numbers by their value, and nothing else is a number."""
    kinds = {
        float if isinstance(each, int | float) and not isinstance(each, bool) else type(each)
        for each in (found, wanted)
    }
    return len(kinds) == 1 and found == wanted


def _place(instance: Instance, order: InstanceOrder) -> tuple[Any, ...]:
    moment = (
        instance.started_at if order in {InstanceOrder.NEWEST, InstanceOrder.OLDEST} else instance.updated_at
    )
    return (moment, instance.id.bytes)


async def pages(storage: Storage, query: InstanceQuery, size: int) -> list[UUID]:
    """Read a list page by page, each in a transaction of its own."""
    found: list[UUID] = []
    while True:
        async with storage.unit_of_work() as unit:
            page = await unit.instances.find(evolve(query, limit=size))
        found += [each.id for each in page]
        if len(page) < size:
            return found
        query = evolve(query, after=place_of_instance(page[-1], query.order))


class InstanceListSuite:
    """What every storage must do about lists of instances. Override `storage`; each test wants an empty one."""

    @pytest.fixture
    async def storage(self) -> Storage:
        """Return an empty storage."""
        raise NotImplementedError

    @pytest.fixture
    def warehouse(self) -> Warehouse:
        """Return what is in the storage: it grows from example to example."""
        return Warehouse()

    @few
    @given(st.randoms(use_true_random=True))
    async def test_a_list_holds_what_is_asked_for_and_nothing_else(
        self, storage: Storage, warehouse: Warehouse, random: Random
    ) -> None:
        """Whoever asks for whatever in any order: all at once, in pages, from any place, and counted."""
        await warehouse.keep(storage, [warehouse.begun(random) for _ in range(20)])
        for number in range(10):
            await warehouse.keep(storage, warehouse.moved(random), at_once=number % 2 == 0)
        for _ in range(15):
            query = a_query(random, [*warehouse.instances.values()])
            size = random.randint(8, 20)
            actor = an_actor(random) if random.random() < 0.3 else None
            seen = None if actor is None else visibility(actor, POLICIES)
            query = evolve(query, visible_to=seen)
            expected = warehouse.expected(query, actor)
            async with storage.unit_of_work() as unit:
                listed = await unit.instances.find(query)
                counted = await unit.instances.count(evolve(query, limit=1))
                begun = await unit.instances.find(evolve(query, limit=size, offset=size))
                tallied = await unit.instances.tally(query)
            assert [each.id for each in listed] == expected, query
            assert [*listed] == [summarize(warehouse.instances[each.id]) for each in listed], query
            assert counted == sum(each.count for each in tallied) == len(expected), query
            assert [each.id for each in begun] == expected[size:][:size], query
            assert await pages(storage, query, size) == expected, query
            place = random.choice([*warehouse.instances.values()])
            after = evolve(query, after=place_of_instance(summarize(place), query.order))
            behind = [each for each in expected if _is_behind(warehouse.instances[each], place, query.order)]
            assert await pages(storage, after, size) == behind, query

    async def test_pages_hold_everything_once_while_others_start(
        self, storage: Storage, warehouse: Warehouse
    ) -> None:
        """Between any two pages instances are started before and behind the place, and others go on."""
        random = Random(7)  # noqa: S311 - nobody is to be kept from guessing it
        for number, order in enumerate(InstanceOrder):
            tenant, before = f"tenant {number}", {*warehouse.instances}
            await warehouse.keep(storage, [warehouse.begun(random, tenant_id=tenant) for _ in range(20)])
            ids = [each for each in warehouse.instances if each not in before]
            moving = ids[::4]
            query = InstanceQuery(tenant_id=tenant, order=order, limit=4)
            seen: list[UUID] = []
            for turn in range(len(ids)):
                async with storage.unit_of_work() as unit:
                    page = await unit.instances.find(query)
                if not page:
                    break
                seen += [each.id for each in page]
                query = evolve(query, after=place_of_instance(page[-1], order))
                changes = [warehouse.begun(random, tenant_id=tenant)]
                if turn < len(moving):
                    moved = warehouse.instances[moving[turn]]
                    away = AT - HOUR if order is InstanceOrder.UPDATED else AT + HOUR
                    cancel = cmd.Cancel(at=away, reason="")
                    changes.append(move(moved, cancel, DEFINITIONS[moved.definition_name]))
                await warehouse.keep(storage, changes)
            still = {*ids} - {*moving}
            assert still <= {*seen}, order
            assert {count for each, count in Counter(seen).items() if each in still} == {1}, order
            if order.moment == "started_at":
                assert max(Counter(seen).values()) == 1, order

    def test_a_place_belongs_to_its_order(self) -> None:
        place = place_of_instance(summarize(start().instance), InstanceOrder.NEWEST)
        assert InstanceQuery(after=place).after == place
        with pytest.raises(InvalidDataError, match="another order"):
            InstanceQuery(after=place, order=InstanceOrder.UPDATED)


def _is_behind(instance: Instance, place: Instance, order: InstanceOrder) -> bool:
    here, there = _place(instance, order), _place(place, order)
    return here < there if order.is_backwards else here > there
