"""A transaction: what it writes is seen by nobody else until it is committed."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from workflows_core.memory.agenda import is_any_due
from workflows_core.memory.mailbox import Messages
from workflows_core.memory.repositories import (
    Definitions,
    History,
    Instances,
    Reservations,
    Substitutions,
    Tasks,
)
from workflows_core.memory.tables import is_lost, look_up

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractAsyncContextManager
    from uuid import UUID

    from workflows_core.instance import Instance
    from workflows_core.memory.agenda import Agenda
    from workflows_core.memory.changes import MemoryChanges
    from workflows_core.memory.draft import Draft
    from workflows_core.transition import Transition


class MemoryUnitOfWork:
    """A transaction on a `MemoryStorage`: what it writes stays here until it is committed."""

    def __init__(self, draft: Draft, agenda: Agenda, changes: MemoryChanges) -> None:
        self._draft = draft
        self._agenda = agenda
        self._changes = changes
        self._disturbed: set[UUID] = set()

    @property
    def definitions(self) -> Definitions:
        """The definitions, in this transaction."""
        return Definitions(self._draft)

    @property
    def instances(self) -> Instances:
        """The instances, in this transaction."""
        return Instances(self._draft)

    @property
    def tasks(self) -> Tasks:
        """The tasks, in this transaction."""
        return Tasks(self._draft)

    @property
    def history(self) -> History:
        """The histories, in this transaction."""
        return History(self._draft)

    @property
    def substitutions(self) -> Substitutions:
        """Who stands in for whom, in this transaction."""
        return Substitutions(self._draft)

    @property
    def messages(self) -> Messages:
        """The messages, in this transaction."""
        draft = self._draft
        return Messages(draft.stored.mailbox, draft.written.mailbox, draft.writable, self._find_instance)

    @property
    def reservations(self) -> Reservations:
        """The keys that are reserved for requests, in this transaction."""
        return Reservations(self._draft)

    def _find_instance(self, instance_id: UUID) -> Instance | None:
        return look_up(instance_id, self._draft.written.instances, self._draft.stored.instances)

    def session(self) -> AbstractAsyncContextManager[None]:
        """Give nothing: there is nowhere else to write."""
        return nullcontext()

    async def apply(self, transitions: Sequence[Transition]) -> frozenset[UUID]:
        """Write transitions; see the port."""
        written = await self._draft.writable()
        lost: set[UUID] = set()
        for transition in transitions:
            instance = transition.instance
            if is_lost(transition, written, self._draft.stored) or (
                transition.consumes and await self.messages.refuses(transition)
            ):
                lost.add(instance.id)
                continue
            written.write(transition)
            if transition.listens or transition.waits is not None:
                await self.messages.settle(transition)
            if transition.disturbs:
                self._disturbed.add(instance.id)
        return frozenset(lost)

    async def commit(self) -> None:
        """Make the writes visible to everybody, all at once."""
        written = self._draft.written
        self._draft.stored.update(written)
        self._agenda.note(written.instances.values())
        self._agenda.bring_forward(written.mailbox.woken)
        is_due = bool(written.mailbox.woken) or is_any_due(written.instances.values())
        self._changes.tell(is_due, self._disturbed, written.instances)
        self.end()

    def end(self) -> None:
        """Drop what was not committed and let others write."""
        self._draft.drop()
        self._disturbed = set()
