"""The duties of a storage about counting."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from datetime import UTC, date, datetime, timedelta

from attrs import evolve

from workflows_core.actors import Actor
from workflows_core.ports import InstanceQuery, InstanceTally, Storage
from workflows_core.states import InstanceStatus
from workflows_core.testing.due import of
from workflows_core.testing.samples import AT, SECOND, course, start
from workflows_core.testing.writes import stored
from workflows_core.visibility import visibility


class TallySuite:
    """Part of `storage.StorageSuite`."""

    async def test_instances_are_counted_by_definition_and_status(self, storage: Storage) -> None:
        starts = [start(AT + number * SECOND) for number in range(3)]
        others = [of(start(AT + SECOND), "other", version) for version in ("10", "9")]
        for changes in ([starts[2]], [starts[0]], [starts[1]], *([each] for each in others), course()):
            await stored(storage, changes)

        async with storage.unit_of_work() as unit:
            found = await unit.instances.tally(InstanceQuery(limit=1, offset=1))

        first, last = starts[0].instance, others[0].instance
        expected = [
            (first.definition_name, first.definition_version, InstanceStatus.RUNNING, 3, AT),
            (first.definition_name, first.definition_version, InstanceStatus.WAITING, 1, AT),
            (last.definition_name, "10", InstanceStatus.RUNNING, 1, AT + SECOND),
            (last.definition_name, "9", InstanceStatus.RUNNING, 1, AT + SECOND),
        ]
        assert [
            (each.definition_name, each.definition_version, each.status, each.count, each.oldest)
            for each in found
        ] == sorted(expected)

    async def test_only_what_is_asked_for_is_counted(self, storage: Storage) -> None:
        mine, other = start(tenant_id="a", created_by="ann"), start(tenant_id="b", created_by="bob")
        await stored(storage, [mine])
        await stored(storage, [other])
        hers = visibility(Actor("ann", tenant_id="a"), {})
        nobodys = visibility(Actor("eve", tenant_id="a"), {})

        async with storage.unit_of_work() as unit:
            assert await counted(unit.instances.tally(InstanceQuery(tenant_id="b"))) == 1
            assert await counted(unit.instances.tally(InstanceQuery(visible_to=hers))) == 1
            assert await counted(unit.instances.tally(InstanceQuery(visible_to=nobodys))) == 0
            query = InstanceQuery(visible_to=evolve(hers, tenant_id="b", created_by=None, identities=()))
            assert await counted(unit.instances.tally(query)) == 0
            assert await counted(unit.instances.tally(InstanceQuery(status=InstanceStatus.FAILED))) == 0
            assert await counted(unit.instances.tally(InstanceQuery())) == 2

    async def test_instances_are_counted_by_the_step_they_are_at(self, storage: Storage) -> None:
        starts = [start(AT + number * SECOND) for number in range(3)]
        for changes in ([starts[2]], [starts[0]], [starts[1]], [of(start(AT + SECOND), "other", "9")]):
            await stored(storage, changes)

        async with storage.unit_of_work() as unit:
            found = await unit.instances.tally_steps(InstanceQuery(limit=1, offset=1))
            some = await unit.instances.tally_steps(InstanceQuery(definition_name="other"))
            chosen = await unit.instances.find(InstanceQuery(ids=frozenset({starts[1].instance.id})))
            nothing = await unit.instances.count(InstanceQuery(ids=frozenset()))

        first, step = starts[0].instance, starts[0].instance.current_step
        assert [
            (each.definition_name, each.step, each.count, each.unmoved_since) for each in found
        ] == sorted([(first.definition_name, step, 3, AT), ("other", step, 1, AT + SECOND)])
        assert [(each.definition_version, each.count) for each in some] == [("9", 1)]
        assert [each.id for each in chosen] == [starts[1].instance.id]
        assert nothing == 0

    async def test_instances_are_counted_by_the_day_on_which_they_ended(self, storage: Storage) -> None:
        midnight = datetime(2026, 3, 2, tzinfo=UTC)
        ends = [midnight - SECOND, midnight, midnight + 5 * SECOND, midnight - timedelta(days=400), None]
        for number, end in enumerate(ends):
            begun = start(AT + number * SECOND)
            await stored(storage, [evolve(begun, instance=evolve(begun.instance, completed_at=end))])

        async with storage.unit_of_work() as unit:
            found = await unit.instances.tally_days(InstanceQuery(), midnight - timedelta(days=1))
            late = await unit.instances.tally_days(InstanceQuery(), midnight + SECOND)
            none = await unit.instances.tally_days(InstanceQuery(created_by="nobody"), midnight)

        assert dict(found) == {date(2026, 3, 1): 1, date(2026, 3, 2): 2}
        assert dict(late) == {date(2026, 3, 2): 1}
        assert dict(none) == {}


async def counted(asked: Awaitable[Sequence[InstanceTally]]) -> int:
    """Return how many instances were counted in all."""
    return sum(each.count for each in await asked)
