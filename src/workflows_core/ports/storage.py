"""Where instances live: transactions, what is due, who executes steps, and hearing of changes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Sequence
    from contextlib import AbstractAsyncContextManager
    from uuid import UUID

    from workflows_core.instance import Instance
    from workflows_core.ports.definitions import DefinitionKey
    from workflows_core.ports.unit_of_work import UnitOfWork
    from workflows_core.transition import Transition


WATCHED: Final = timedelta(seconds=60)
"""How long a storage tells of the changes of an instance after it was asked to."""


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
