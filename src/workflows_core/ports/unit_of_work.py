"""One transaction, in which everything is read and written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractAsyncContextManager
    from uuid import UUID

    from workflows_core.ports.definitions import DefinitionRepository
    from workflows_core.ports.history import HistoryRepository
    from workflows_core.ports.instances import InstanceRepository
    from workflows_core.ports.messages import MessageRepository
    from workflows_core.ports.reservations import ReservationRepository
    from workflows_core.ports.substitutions import SubstitutionRepository
    from workflows_core.ports.tasks import TaskRepository
    from workflows_core.transition import Transition


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
