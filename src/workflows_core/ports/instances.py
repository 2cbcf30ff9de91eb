"""Instances: what lists show of them and can be asked for, how many there are, and reading them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from attrs import field, frozen
from attrs.validators import ge, optional

from workflows_core.paging import Cursor, check_place
from workflows_core.states import InstanceStatus

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from workflows_core.instance import Instance
    from workflows_core.searchable import Scalar
    from workflows_core.visibility import Visibility


@frozen(kw_only=True)
class InstanceSummary:
    """What lists show of an instance; the fields are those of `Instance`.

    `error` is the first failure in words, `None` if nothing failed.
    """

    id: UUID
    definition_name: str
    definition_version: str
    status: InstanceStatus
    current_step: str | None
    revision: int
    started_at: datetime
    updated_at: datetime
    completed_at: datetime | None
    created_by: str | None
    tenant_id: str | None
    correlation_id: str | None
    error: str | None


@frozen(kw_only=True)
class InstanceTally:
    """How many instances of one definition are in one status.

    Attributes:
        definition_name: The name of the definition.
        definition_version: Its version.
        status: The status.
        count: How many there are; at least one.
        oldest: When the one of them was started that was started first (UTC).
    """

    definition_name: str
    definition_version: str
    status: InstanceStatus
    count: int
    oldest: datetime


@frozen(kw_only=True)
class StepTally:
    """How many instances of one definition are at one step: the current one, where they are at several.

    Attributes:
        definition_name: The name of the definition.
        definition_version: Its version.
        step: The step.
        count: How many instances are there; at least one.
        unmoved_since: When the one of them changed last that has not changed for the longest time (UTC).
    """

    definition_name: str
    definition_version: str
    step: str
    count: int
    unmoved_since: datetime


def summarize(instance: Instance) -> InstanceSummary:
    """Return what lists show of an instance."""
    failures = instance.failures
    return InstanceSummary(
        id=instance.id,
        definition_name=instance.definition_name,
        definition_version=instance.definition_version,
        status=instance.status,
        current_step=instance.current_step,
        revision=instance.revision,
        started_at=instance.started_at,
        updated_at=instance.updated_at,
        completed_at=instance.completed_at,
        created_by=instance.created_by,
        tenant_id=instance.tenant_id,
        correlation_id=instance.correlation_id,
        error=str(failures[0][1]) if failures else None,
    )


class InstanceOrder(StrEnum):
    """In which order to list instances; what is equal is listed by id, in the same direction."""

    NEWEST = "newest"
    """What was started last comes first."""
    OLDEST = "oldest"
    """The other way round."""
    UPDATED = "updated"
    """What changed last comes first."""
    UNMOVED = "unmoved"
    """What has not changed for the longest time comes first."""

    @property
    def is_backwards(self) -> bool:
        """Whether the latest comes first."""
        return self in {InstanceOrder.NEWEST, InstanceOrder.UPDATED}

    @property
    def moment(self) -> str:
        """The field of an instance that it goes by."""
        return "started_at" if self in {InstanceOrder.NEWEST, InstanceOrder.OLDEST} else "updated_at"


@frozen(kw_only=True)
class InstanceQuery:
    """Which instances to list; `None` does not restrict.

    Attributes:
        status: Only those in this status.
        definition_name: Only those of this definition, any version.
        created_by: Only those started by this user.
        tenant_id: Only those of this tenant.
        correlation_id: Only those with this mark.
        step: Only those that have a live token at this step.
        started_after: Only those started at this moment or later.
        started_before: Only those started before this moment.
        updated_after: Only those that changed last at this moment or later.
        updated_before: Only those that changed last before this moment.
        data: Only those that have these values in their data, by the paths that their definition declares as searchable.
        ids: Only these.
        visible_to: Only those that somebody may see.
        order: In which order.
        after: Only those after this place, in the same order.
        limit: At most so many; `None` for all.
        offset: Leave out so many at the front.

    Raises:
        InvalidDataError: If `after` is a place in a list of another order.
    """

    status: InstanceStatus | None = None
    definition_name: str | None = None
    created_by: str | None = None
    tenant_id: str | None = None
    correlation_id: str | None = None
    step: str | None = None
    started_after: datetime | None = None
    started_before: datetime | None = None
    updated_after: datetime | None = None
    updated_before: datetime | None = None
    data: Mapping[str, Scalar] = field(factory=dict)
    ids: frozenset[UUID] | None = None
    visible_to: Visibility | None = None
    order: InstanceOrder = InstanceOrder.NEWEST
    after: Cursor | None = None
    limit: int | None = field(default=None, validator=optional(ge(1)))
    offset: int = field(default=0, validator=ge(0))

    def __attrs_post_init__(self) -> None:
        check_place(self.after, self.order, (datetime,))


def place_of_instance(instance: InstanceSummary, order: InstanceOrder) -> Cursor:
    """Return the place after an instance in a list of this order."""
    return Cursor(order, (getattr(instance, order.moment),), instance.id)


class InstanceRepository(Protocol):
    """Reading instances. They are written through `UnitOfWork.apply` alone."""

    async def get(self, instance_id: UUID) -> Instance:
        """Return the instance as of its last committed transition, with its open tasks.

        Where the stored snapshot of data and forms is older than the last transition, the patches in the
        history since are applied (`evolution.replay`).

        Raises:
            InstanceNotFoundError: If there is none.
        """
        ...

    async def get_of_task(self, task_id: UUID) -> Instance:
        """Return the instance that a task belongs to, open or closed, as `get` does.

        Raises:
            TaskNotFoundError: If there is no such task.
        """
        ...

    async def find(self, query: InstanceQuery) -> Sequence[InstanceSummary]:
        """Return the instances the query asks for, in its order."""
        ...

    async def count(self, query: InstanceQuery) -> int:
        """Return how many instances the query asks for, whatever its `after`, `limit` and `offset`."""
        ...

    async def tally(self, query: InstanceQuery) -> Sequence[InstanceTally]:
        """Count the instances the query asks for, whatever page of them, by definition and status.

        In the order of name, version and status. It is one statement, however many definitions there are.
        """
        ...

    async def tally_steps(self, query: InstanceQuery) -> Sequence[StepTally]:
        """Likewise count those that have not ended, by definition and current step; in the order of these."""
        ...

    async def tally_days(self, query: InstanceQuery, since: datetime) -> Mapping[date, int]:
        """Likewise count those that ended at that moment or later, by the day (UTC) on which they did."""
        ...

    async def find_started(self, idempotency_key: str) -> UUID | None:
        """Return the instance that was started under this key, `None` if none was."""
        ...
