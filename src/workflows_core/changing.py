"""The one way in which anything changes: load, decide, apply.

On a lost race it is loaded and decided again; the machine is pure, so that is free.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import TYPE_CHECKING, Self

from workflows_core import commands as cmd
from workflows_core.committer import committer_for
from workflows_core.definitions import WorkflowDefinition
from workflows_core.hosting import remembered_in, runner_for, watcher_for
from workflows_core.ports import StoredDefinition
from workflows_core.reading import InstanceReader
from workflows_core.recent import Recent
from workflows_core.settling import carry_out
from workflows_core.transition import transition

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from workflows_core.instance import Instance
    from workflows_core.ports import (
        Clock,
        IdFactory,
        Storage,
        UnitOfWork,
    )
    from workflows_core.registry import WorkflowRegistry
    from workflows_core.runner import Runner
    from workflows_core.transition import Transition


class InstanceChanger(InstanceReader):
    """Changes instances by commands, whatever they are.

    What it commits is handed to the runner of the storage in this process.

    Attributes:
        registry: The definitions it knows.
        storage: Where the instances live.
        clock: The time.
        runs_steps: Whether machine steps run in this process.
    """

    def __init__(
        self, registry: WorkflowRegistry, storage: Storage, clock: Clock, ids: IdFactory, *, runs_steps: bool
    ) -> None:
        super().__init__(registry, storage, clock)
        self.runs_steps = runs_steps
        self._ids = ids
        self._condition: Callable[[Instance], None] | None = None

    def new_id(self) -> UUID:
        """Return an id that was never used."""
        return self._ids.new_id()

    def provided(self, condition: Callable[[Instance], None]) -> Self:
        """Return this engine as one that changes an instance only where a condition holds, which raises otherwise.

        It is asked about the very state that a change is based on, after a lost race again; and only if nothing else
        is against the change, so that nobody learns from it of what they may not see. Conditions from before still hold.
        """
        other, before = copy(self), self._condition

        def both(instance: Instance) -> None:
            if before is not None:
                before(instance)
            condition(instance)

        other._condition = both  # noqa: SLF001 - it is one of these
        return other

    async def change(
        self,
        instance_id: UUID,
        commands: Callable[[Instance], cmd.Command | Sequence[cmd.Command]],
        *,
        seen: Instance | None = None,
    ) -> Transition:
        """Load, decide, apply; again from the start for as long as others are faster.

        Args:
            instance_id: The instance.
            commands: Says what to do with the instance as it is; several commands are carried out all or none.
            seen: The instance, if it was loaded just now.

        Raises:
            InstanceNotFoundError: If there is no such instance.
            DefinitionNotFoundError: If its definition is not registered here.
        """
        while True:
            change = await self._decided(seen or await self.get_instance(instance_id), commands)
            seen = None
            if await self._commit(change, None):
                return change

    async def attempt(
        self, known: Instance, commands: Callable[[Instance], cmd.Command | Sequence[cmd.Command]]
    ) -> Transition | None:
        """Decide on an instance as it was known last, and apply.

        Returns `None` if it is refused or somebody was faster: then nothing has happened, and it is to be decided on
        the instance as it is.
        """
        try:
            change = await self._decided(known, commands)
        except Exception:  # noqa: BLE001 - whatever is against it, perhaps it is no longer
            return None
        return change if await self._commit(change, None) else None

    async def _decided(
        self, instance: Instance, commands: Callable[[Instance], cmd.Command | Sequence[cmd.Command]]
    ) -> Transition:
        definition = self.definition_of(instance)
        asked = commands(instance)
        change = await self._decide(
            definition, instance, *(asked if isinstance(asked, Sequence) else [asked])
        )
        if self._condition is not None:
            self._condition(instance)
        return change

    @property
    def recent(self) -> Recent:
        """What this process committed last, of instances that wait for people: to `attempt` something on.

        It is empty for an engine that is in a transaction of its caller: that may see something else.
        """
        return committer_for(self.storage).recent if self._is_alone else Recent()

    @property
    def _is_alone(self) -> bool:
        """Whether its transactions are its own."""
        return self.storage.detached() is self.storage

    async def _decide(
        self, definition: WorkflowDefinition, instance: Instance | None, *commands: cmd.Command
    ) -> Transition:
        events, after = await carry_out(
            definition,
            instance,
            commands,
            at=commands[0].at,
            ids=self._ids,
            owner=await self._owner(),
        )
        actor = commands[0].actor
        return transition(instance, after, events, actor=actor, searchable=definition.searchable)

    # The runner

    async def _runner(self) -> Runner | None:
        if not self.runs_steps:
            await watcher_for(self.storage)  # whoever writes must know what others watch
            return None
        return await runner_for(self.storage, self.registry, clock=self.clock, ids=self._ids)

    async def _owner(self) -> str | None:
        """Name the runner that executes what becomes ready, if it may begin as soon as this is committed."""
        runner = await self._runner()
        return None if runner is None or runner.is_stopping else runner.id

    # Writing

    async def _commit(self, change: Transition, definition: WorkflowDefinition | None) -> bool:
        """Apply a transition, with the definition it needs stored beside it; return `False` if it lost."""
        if not await self._write(change, definition):
            return False
        await self._committed(change, definition)
        return True

    async def _write(self, change: Transition, definition: WorkflowDefinition | None) -> bool:
        if definition is None or _identity(definition) in remembered_in(self.storage):
            return await self._flush(change)
        recent = self.recent
        async with self.storage.unit_of_work() as unit:
            await self._remember(unit, definition)
            if await unit.apply([change]):
                return False
            await unit.commit()
        recent.note(change.instance)
        return True

    async def _flush(self, change: Transition) -> bool:
        """Write a transition together with what others write at the same time."""
        return await committer_for(self.storage).commit(self.storage, change)

    async def _committed(self, change: Transition, definition: WorkflowDefinition | None) -> None:
        """Let the runner know what is durable now."""
        if definition is not None:
            remembered_in(self.storage).add(_identity(definition))
        runner = await self._runner()
        if runner is not None:
            runner.take(change.instance)

    async def _remember(self, unit: UnitOfWork, definition: WorkflowDefinition) -> None:
        """Store what an instance is pinned to, so that nobody changes it under the same version.

        Raises:
            DefinitionConflictError: If the storage knows other content under this name and version.
        """
        await unit.definitions.add(
            StoredDefinition(
                name=definition.name,
                version=definition.version,
                content_hash=definition.content_hash,
                specification=definition.specification,
                created_at=self.clock.now(),
            )
        )


def _identity(definition: WorkflowDefinition) -> tuple[str, str, str]:
    return definition.name, definition.version, definition.content_hash
