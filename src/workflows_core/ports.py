"""What the core asks of the world.

Each protocol is small, named for what the core wants and not for a technology. The docstrings are
the duty of whoever implements them; `workflows_core.testing.storage` holds the suite that checks it.
All times are aware datetimes in UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from attrs import field, frozen
from attrs.validators import ge, optional

from workflows_core.data import JsonObject
from workflows_core.errors import InvalidDataError
from workflows_core.paging import Cursor, Key
from workflows_core.states import InstanceStatus, TaskStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Sequence
    from contextlib import AbstractAsyncContextManager
    from uuid import UUID

    from workflows_core.actors import Actor, Substitution
    from workflows_core.errors import FormProblem
    from workflows_core.instance import Instance
    from workflows_core.messages import Message, Wait
    from workflows_core.reservations import Reservation
    from workflows_core.searchable import Scalar
    from workflows_core.tasks import Task
    from workflows_core.transition import HistoryEntry, Transition
    from workflows_core.visibility import Visibility


DefinitionKey: TypeAlias = tuple[str, str]
"""Name and version of a definition."""

WATCHED: Final = timedelta(seconds=60)
"""How long a storage tells of the changes of an instance after it was asked to."""


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
        _check_place(self.after, self.order, (datetime,))


def place_of_instance(instance: InstanceSummary, order: InstanceOrder) -> Cursor:
    """Return the place after an instance in a list of this order."""
    return Cursor(order, (getattr(instance, order.moment),), instance.id)


def _check_place(place: Cursor | None, order: str, kinds: tuple[type, ...]) -> None:
    """Refuse a place in a list of another order."""
    if place is not None and (place.order != order or tuple(map(type, place.key)) != kinds):
        raise InvalidDataError("", "This place belongs to a list in another order: begin at its front")


class TaskOrder(StrEnum):
    """In which order to list tasks; what is equal is listed oldest first, and then by id."""

    DUE = "due"
    """What is due first comes first; what is never due comes last."""
    PRIORITY = "priority"
    """The highest priority first, and then as `due`."""
    OLDEST = "oldest"
    """What was opened first comes first."""
    NEWEST = "newest"
    """The other way round."""


@frozen(kw_only=True)
class TaskQuery:
    """Which tasks to list; `None` does not restrict.

    Attributes:
        status: Only those in this status.
        assignee: Only those that are with this user.
        assignee_group: Only those whose step offers them to this group, whoever has them.
        candidate_user: Only those that are offered to this user by name and that nobody has taken.
        candidate_group: Likewise to this group.
        for_actor: Only those that somebody holds, or could take because they are offered to them and nobody has
            taken them; for themself, or for whom they stand in. Open ones, if no status is asked for.
        is_free: Only those that can be taken: open ones that nobody has. If it is false, only the others.
        definition_name: Only those of this definition, any version.
        instance_id: Only those of this instance.
        priority: Only those of this priority.
        due_before: Only those due before this moment.
        follow_up_before: Leave out what is put off beyond this moment.
        text: Only those with words in their title that begin with the words of this text.
        tenant_id: Only those of this tenant.
        visible_to: Only those that somebody may see.
        order: In which order.
        after: Only those after this place, in the same order.
        limit: At most so many; `None` for all.
        offset: Leave out so many at the front.

    Raises:
        InvalidDataError: If `after` is a place in a list of another order.
    """

    status: TaskStatus | None = None
    assignee: str | None = None
    assignee_group: str | None = None
    candidate_user: str | None = None
    candidate_group: str | None = None
    for_actor: Actor | None = None
    is_free: bool | None = None
    definition_name: str | None = None
    instance_id: UUID | None = None
    priority: int | None = None
    due_before: datetime | None = None
    follow_up_before: datetime | None = None
    text: str | None = None
    tenant_id: str | None = None
    visible_to: Visibility | None = None
    order: TaskOrder = TaskOrder.DUE
    after: Cursor | None = None
    limit: int | None = field(default=None, validator=optional(ge(1)))
    offset: int = field(default=0, validator=ge(0))

    def __attrs_post_init__(self) -> None:
        _check_place(self.after, self.order, _KINDS[self.order])


_KINDS: Final[Mapping[TaskOrder, tuple[type, ...]]] = {
    TaskOrder.DUE: (datetime, datetime),
    TaskOrder.PRIORITY: (int, datetime, datetime),
    TaskOrder.OLDEST: (datetime,),
    TaskOrder.NEWEST: (datetime,),
}

NEVER: Final = datetime(9999, 12, 31, tzinfo=UTC)
"""Where what is never due stands among what is."""


def place_of(task: Task, order: TaskOrder) -> Cursor:
    """Return the place after a task in a list of this order."""
    due = NEVER if task.due_at is None else task.due_at
    keys: Mapping[TaskOrder, Key] = {
        TaskOrder.DUE: (due, task.created_at),
        TaskOrder.PRIORITY: (-task.priority, due, task.created_at),
        TaskOrder.OLDEST: (task.created_at,),
        TaskOrder.NEWEST: (task.created_at,),
    }
    return Cursor(order, keys[order], task.id)


@frozen(kw_only=True)
class StoredDefinition:
    """What a storage remembers of a definition.

    Attributes:
        name: The definition's name.
        version: Its version.
        content_hash: SHA-256 (hex) of its specification; two contents never share one.
        specification: The definition in JSON, as `specification.specify` writes it.
        created_at: When it was first stored (UTC).
    """

    name: str
    version: str
    content_hash: str
    specification: JsonObject
    created_at: datetime


class DefinitionRepository(Protocol):
    """The definitions that instances in this storage were started with."""

    async def add(self, definition: StoredDefinition) -> None:
        """Remember a definition. Adding known content again is a no-op that keeps the first `created_at`.

        Raises:
            DefinitionConflictError: If other content (another hash) is stored under its name and version.
        """

    async def find(self, name: str | None = None) -> Sequence[StoredDefinition]:
        """Return all versions of one name, or of all, ordered by name and then `created_at`."""
        ...

    async def keys(self) -> frozenset[DefinitionKey]:
        """Return name and version of all, without reading more of them."""
        ...


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


class TaskRepository(Protocol):
    """Reading tasks, open and closed. They are written through `UnitOfWork.apply` alone."""

    async def get(self, task_id: UUID) -> Task:
        """Return the task.

        Raises:
            TaskNotFoundError: If there is none.
        """
        ...

    async def find(self, query: TaskQuery) -> Sequence[Task]:
        """Return the tasks the query asks for, in its order."""
        ...

    async def count(self, query: TaskQuery) -> int:
        """Return how many tasks the query asks for, whatever its `after`, `limit` and `offset`."""
        ...


@frozen(kw_only=True)
class SubstitutionQuery:
    """Which substitutions to list; `None` does not restrict. By their beginning, then by id.

    Attributes:
        absent: Only those of this person.
        substitute: Only those in which this person stands in.
        at: Only those that hold at this moment.
        not_over_at: Only those that hold at this moment or later on.
        tenant_id: Only those of this tenant; without one, only those of no tenant.
    """

    absent: str | None = None
    substitute: str | None = None
    at: datetime | None = None
    not_over_at: datetime | None = None
    tenant_id: str | None = None


class SubstitutionRepository(Protocol):
    """Who stands in for whom."""

    async def save(self, substitution: Substitution) -> None:
        """Keep a substitution, in the place of what is known under its id."""
        ...

    async def find(self, query: SubstitutionQuery) -> Sequence[Substitution]:
        """Return the substitutions the query asks for, in its order."""
        ...

    async def get(self, substitution_id: UUID) -> Substitution:
        """Return a substitution.

        Raises:
            SubstitutionNotFoundError: If there is none.
        """
        ...


@frozen
class FeedEntry:
    """A transition, as a reader of all histories meets it.

    Attributes:
        place: The place behind it: who goes on from there meets what comes next.
        entry: What happened.
        definition_name: The name of the definition of its instance.
        definition_version: Its version.
    """

    place: str
    entry: HistoryEntry
    definition_name: str
    definition_version: str


@frozen
class FeedPage:
    """Some transitions, and the place from which to go on."""

    entries: tuple[FeedEntry, ...]
    place: str


class HistoryRepository(Protocol):
    """Reading histories. They are written through `UnitOfWork.apply` alone.

    All of them together are the *feed*: every transition once, those of one instance in their order. A place in it is a
    text that means nothing outside of the storage, and that stays good.
    """

    async def get(self, instance_id: UUID, *, after: int = 0) -> Sequence[HistoryEntry]:
        """Return the entries with a revision above `after`, oldest first; none for an unknown instance."""
        ...

    async def feed(self, place: str | None, limit: int, visible_to: Visibility | None = None) -> FeedPage:
        """Return what stands in the feed behind a place, at most `limit` entries; of those that somebody may see.

        Whoever reads on from the place of the page misses nothing, ever, and meets nothing twice: what is not sure to be
        behind everything that was committed or still can be is held back until it is. So what was committed just now
        may be missing yet.

        Args:
            place: Where to begin; `None` for the end, as it is now: nothing is returned but the place.
            limit: At most so many.
            visible_to: Only those of instances that somebody may see.

        Raises:
            InvalidDataError: If that is no place.
        """
        ...


class MessageRepository(Protocol):
    """Messages, and the waits for them. Waits are written, and messages taken, through `UnitOfWork.apply` alone."""

    async def add(self, message: Message) -> Message:
        """Keep a message, and make the instances due at once that wait for it; return it.

        If a message of that id is known and not expired, nothing changes and that one is returned.

        Whoever begins to wait for it at the same time does not miss it: either this finds the wait, or the
        transition that begins the wait finds the message.

        Raises:
            InstanceNotFoundError: If it is sent to an instance that does not exist.
        """
        ...

    async def find(self, message_id: str) -> Message | None:
        """Return a message, taken or not; `None` if it is unknown or was forgotten."""
        ...

    async def find_waits(self, name: str, correlation_key: str) -> Sequence[Wait]:
        """Return the waits for messages of this name and key, in the order of instance id and token."""
        ...

    async def find_mail(
        self, instance_ids: Collection[UUID], now: datetime
    ) -> Sequence[tuple[Wait, Message]]:
        """Return, for each wait of these instances, the oldest message that it may take.

        Messages that are taken, or expired by `now`, are left out, and so are waits that no message is there
        for. The same message stands beside every wait that it suits. Ordered by instance id and token.
        """
        ...


class ReservationRepository(Protocol):
    """The keys that are reserved for requests, with what was answered."""

    async def find(self, key: str) -> Reservation | None:
        """Return what is reserved under a key, expired or not; `None` if nothing is, or it was forgotten."""
        ...

    async def swap(self, old: Reservation | None, new: Reservation) -> bool:
        """Put a reservation in the place of another one under the same key; `None` stands for nothing.

        Return `False`, and write nothing, if something else is there than `old`: nothing, or one of another holder, or
        one that has an answer where `old` has none or the other way round. Of many who put something in the place of
        the same one at the same time, one succeeds.
        """
        ...


class UnitOfWork(Protocol):
    """One transaction. What is read in it is consistent; leaving it without `commit` undoes all of it."""

    @property
    def definitions(self) -> DefinitionRepository:
        """The definitions, in this transaction."""
        ...

    @property
    def instances(self) -> InstanceRepository:
        """The instances, in this transaction."""
        ...

    @property
    def tasks(self) -> TaskRepository:
        """The tasks, in this transaction."""
        ...

    @property
    def history(self) -> HistoryRepository:
        """The histories, in this transaction."""
        ...

    @property
    def substitutions(self) -> SubstitutionRepository:
        """Who stands in for whom, in this transaction."""
        ...

    @property
    def messages(self) -> MessageRepository:
        """The messages, in this transaction."""
        ...

    @property
    def reservations(self) -> ReservationRepository:
        """The keys that are reserved for requests, in this transaction."""
        ...

    async def apply(self, transitions: Sequence[Transition]) -> frozenset[UUID]:
        """Write transitions of different instances; return the ids of those that lost.

        A transition lost if its instance is no longer at `transition.instance.revision - 1`; a start lost if
        an instance of that id, or one with the same idempotency key, exists already. One that `consumes` a
        message lost if the message is unknown or taken. Nothing of a lost transition is written; all of every
        other one is: the instance's state, its history row, its tasks, its `waits` if they changed, and (if
        `saves_data`) the snapshot of its data. No more than one transition per instance is passed.

        The messages that it consumes are taken by the instance. If it `listens`, and a message is there that
        one of its waits may take, then the instance is due at once, whatever the transition says.
        """
        ...

    def session(self) -> AbstractAsyncContextManager[object | None]:
        """Give user code the means to write in this transaction: what the storage is used with, or `None`.

        What was written is part of the transaction when the context is left, and gone if it is left with an
        error; user code cannot end the transaction. What the storage refuses of it is raised as it comes.

        Raises:
            StorageError: If the transaction cannot go on.
        """
        ...

    async def commit(self) -> None:
        """Make everything durable, at once. After it returned, every other unit of work sees it."""


class Changes(Protocol):
    """What a storage tells of commits; see `Storage.changes`."""

    async def watch(self, instance_id: UUID | None) -> None:
        """Hear of every transition of an instance from now on, for at least `WATCHED`; watch again to go on.

        `None` for the transitions of all instances.
        """


class Storage(Protocol):
    """Where instances live."""

    @property
    def identity(self) -> Hashable:
        """What storage this is: equal for all objects of this process that share one database."""
        ...

    def detached(self) -> Storage:
        """Return a storage on the same database that does not depend on anything the caller may close.

        A storage on a request's session gives one on the database itself; others return themselves. The
        runner of a process works on it.
        """
        ...

    @property
    def parallel_flushes(self) -> int:
        """How many flushes at the same time are faster than one after the other: 1 where writers wait for each other."""
        ...

    def unit_of_work(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """Open a transaction; leaving the context without `commit` rolls it back."""
        ...

    async def flush(self, transitions: Sequence[Transition]) -> frozenset[UUID]:
        """Write transitions in a transaction of their own and make it durable; return the ids of those that lost.

        What `UnitOfWork.apply` and `commit` do, in as few round trips as the storage can. All that won is durable
        when it returns. A storage that works in a transaction of its caller writes there, and commits as its
        units of work do; unless all were lost, when nothing is to be committed.

        Raises:
            StorageError: If it could not be done. Trying again is safe: either nothing of it was written, or (if
                the connection broke during the commit) all of it was, and it then loses against itself.
        """
        ...

    async def claim_due(
        self,
        now: datetime,
        until: datetime,
        limit: int,
        definitions: Collection[DefinitionKey] | None = None,
    ) -> Sequence[Instance]:
        """Take instances whose `wake_at` is not after `now`, and push it to `until`.

        Only those of the given definitions are taken (`None`: of any), the earliest of each first. Where more
        than `limit` are due, every definition gets a share; what others left of theirs is given to the rest.

        Every due instance goes to one caller only, however many ask at the same time: for the others it is
        not due before `until`. Nothing else about it changes (its revision neither), so a transition
        decided by somebody else in the meantime still applies and sets `wake_at` anew. Committed when it
        returns. At most `limit` instances are returned; none if nothing is due.
        """
        ...

    async def put_off(self, claimed: Instance, until: datetime | None) -> None:
        """Make an instance that was claimed due at `until` (`None`: not by itself): there was nothing to do.

        Nothing happens if anybody wrote to it, or made it due, since it was claimed.
        """

    async def next_due(self, definitions: Collection[DefinitionKey] | None = None) -> datetime | None:
        """Return the earliest `wake_at` of the instances of these definitions (`None`: of any).

        `None` if nothing of that will ever be due.
        """
        ...

    async def due_definitions(self, now: datetime) -> frozenset[DefinitionKey]:
        """Return the stored definitions of which an instance is due at `now`."""
        ...

    async def purge(self, now: datetime) -> int:
        """Forget the messages and reservations that expired by `now`; return how many it were."""
        ...

    def changes(self, heard: Callable[[UUID | None], None]) -> AbstractAsyncContextManager[Changes]:
        """Hear of what is committed, here and by other processes, for as long as the context is open.

        `heard` is called, in this event loop and soon after the commit,

        * with `None` when an instance may have become due that no runner holds;
        * with the id of an instance, when a running step was taken away from its runner (`disturbs`), and at
          every transition of an instance that is watched, or of any if all are.

        These are hints: one may come without cause, or (after a lost connection) not at all. Whoever hears one
        looks for himself, and looks now and then without having heard anything.
        """
        ...

    async def enlist(self, runner_id: str, until: datetime) -> None:
        """Note that a runner lives and holds its lease until then.

        A storage that can tell more quickly whether the runner's process died (a lock that dies with it) begins
        to watch here.
        """

    async def renew(self, runner_id: str, until: datetime) -> bool:
        """Extend a runner's lease; return `False` if it has been struck off, so that its work is not its own any more."""
        ...

    async def discharge(self, runner_id: str) -> None:
        """Strike a runner off the list, and make what it may have left unfinished due at once.

        Unknown runners are a no-op.
        """

    async def strike_off(self, now: datetime) -> frozenset[str]:
        """Discharge every runner whose lease ended by `now` or whose process is known to be dead; return them."""
        ...

    async def runners(self) -> frozenset[str]:
        """Return the runners on the list."""
        ...

    async def prepare(self) -> None:
        """Bring what is stored to the form this version expects (schema, indexes); nothing to do is a no-op.

        Safe when several processes do it at the same time.
        """

    async def close(self) -> None:
        """Give back what the storage holds. What the caller made (an engine, a session) stays the caller's."""


class Clock(Protocol):
    """Where the time comes from."""

    def now(self) -> datetime:
        """Return the present moment, aware and in UTC."""
        ...


class IdFactory(Protocol):
    """Where ids come from."""

    def new_id(self) -> UUID:
        """Return an id that was never returned before, anywhere."""
        ...

    def new_secret(self) -> str:
        """Return text that nobody can guess, of characters that need no quoting in a URL."""
        ...


class FormValidator(Protocol):
    """Checks data against JSON Schema. References to other documents are never followed."""

    def check_schema(self, schema: Mapping[str, object]) -> str | None:
        """Return what is wrong with a schema, in one sentence; `None` if it is usable."""
        ...

    def problems(self, schema: Mapping[str, object], data: JsonObject) -> Sequence[FormProblem]:
        """Return everything in the data that the schema does not allow; empty if it fits."""
        ...
