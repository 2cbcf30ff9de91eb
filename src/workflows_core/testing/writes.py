"""Writing to a storage, and reading from it, as its tests do."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC
from typing import TypeAlias
from uuid import UUID

import pytest
from attrs import asdict

from workflows_core.instance import Instance
from workflows_core.ports import Storage
from workflows_core.transition import Transition


async def stored(storage: Storage, changes: Iterable[Transition]) -> list[Instance]:
    """Write transitions one by one, and return the instances after them."""
    after = []
    for change in changes:
        assert not await storage.flush([change])
        after.append(change.instance)
    return after


async def applied(storage: Storage, changes: Sequence[Transition]) -> frozenset[UUID]:
    """Write transitions in one unit of work and return which of them lost."""
    async with storage.unit_of_work() as unit:
        lost = await unit.apply(changes)
        await unit.commit()
    return lost


async def flushed(storage: Storage, changes: Sequence[Transition]) -> frozenset[UUID]:
    """Write transitions at once and return which of them lost."""
    return await storage.flush(changes)


Write: TypeAlias = Callable[[Storage, Sequence[Transition]], Awaitable[frozenset[UUID]]]

both_ways = pytest.mark.parametrize("write", [applied, flushed])
"""For tests of what the two ways of writing have in common."""


async def found(storage: Storage, instance_id: UUID) -> Instance:
    """Read an instance."""
    async with storage.unit_of_work() as unit:
        return await unit.instances.get(instance_id)


def assert_same(expected: Instance, actual: Instance) -> None:
    """Compare everything: what `==` leaves out, the types of numbers, and the order of keys."""
    assert asdict(expected, recurse=False) == asdict(actual, recurse=False)
    assert [*expected.tokens] == [*actual.tokens]
    assert [*expected.arrivals] == [*actual.arrivals]
    for name in ("data", "forms", "metadata"):
        assert json.dumps(getattr(expected, name)) == json.dumps(getattr(actual, name))
    assert type(actual.id) is UUID
    assert all(moment.tzinfo is UTC for moment in (actual.started_at, actual.updated_at))
