"""The application service: everything that people and programs ask of instances.

Each method is one use case and reads like it; those that only look are in `reading`, and how anything is
changed is in `changing`. What a method returned is committed and can be read by the next request; machine
steps go on in the background, on the runner.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, Self

from attrs import evolve

from workflows_core import commands as cmd
from workflows_core import given
from workflows_core.actors import Asking, name_of
from workflows_core.changing import InstanceChanger
from workflows_core.courier import Courier
from workflows_core.data import to_object
from workflows_core.definitions import WorkflowDefinition
from workflows_core.errors import (
    FormValidationError,
    InstanceExistsError,
    InvalidTransitionError,
)
from workflows_core.forms import JsonSchemaValidator
from workflows_core.history import Record
from workflows_core.hosting import stop_runner, watcher_for
from workflows_core.human_tasks import HumanTasks
from workflows_core.memory import MemoryStorage
from workflows_core.messages import TIME_TO_LIVE, deliveries
from workflows_core.substitutions import Substitutions
from workflows_core.system import SystemClock, TimeOrderedIds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from datetime import timedelta
    from types import TracebackType
    from uuid import UUID

    from workflows_core.actors import Actor
    from workflows_core.definitions import WorkflowClass
    from workflows_core.instance import Instance
    from workflows_core.messages import Receipt
    from workflows_core.ports import (
        Clock,
        FormValidator,
        IdFactory,
        Storage,
        TaskQuery,
    )
    from workflows_core.registry import WorkflowRegistry
    from workflows_core.tasks import Task
    from workflows_core.watching import Watch

__all__ = ["ExecutionEngine", "LocalExecutionEngine", "Record"]

_LOOK_AGAIN: Final = 0.25
"""Seconds after which `wait` looks by itself: another process may have done the work."""


class ExecutionEngine(InstanceChanger):
    """Starts instances and carries out what people and programs ask of them.

    Machine steps are executed by the runner of the storage in this process, which starts with the
    first command (or with `async with engine`, which also stops it at the end).

    Attributes:
        registry: The definitions it knows.
        storage: Where the instances live.
        clock: The time.
        forms: Checks submitted data.
        runs_steps: Whether machine steps run in this process.
    """

    def __init__(
        self,
        registry: WorkflowRegistry,
        storage: Storage,
        *,
        clock: Clock | None = None,
        ids: IdFactory | None = None,
        forms: FormValidator | None = None,
        runs_steps: bool = True,
    ) -> None:
        """Make an engine; nothing is opened or started yet.

        Args:
            registry: The definitions it knows.
            storage: Where the instances live.
            clock: The time; the system's by default.
            ids: Where ids come from; time-ordered UUIDs by default.
            forms: Checks submitted data; JSON Schema by default.
            runs_steps: Whether machine steps run in this process. If not, they wait for a worker.
        """
        super().__init__(
            registry, storage, clock or SystemClock(), ids or TimeOrderedIds(), runs_steps=runs_steps
        )
        self.forms = forms or JsonSchemaValidator()

    @property
    def tasks(self) -> HumanTasks:
        """The tasks: finding them, and everything that people do with them."""
        return HumanTasks(self)

    @property
    def substitutions(self) -> Substitutions:
        """Who stands in for whom."""
        return Substitutions(self)

    # Life

    async def __aenter__(self) -> Self:
        """Start the runner, and wait until it took over what an earlier process left."""
        await self._runner()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop the runner: steps in hand finish or are handed back. Close the storage."""
        await stop_runner(self.storage)
        await self.storage.close()

    async def start_runner(self) -> None:
        """Start the runner, unless it runs, without waiting for the first command.

        It takes over what an earlier process left.
        """
        await self._runner()

    # Instances

    async def start_workflow(
        self,
        workflow: str | WorkflowDefinition | type[WorkflowClass],
        initial_data: Mapping[str, object] | None = None,
        *,
        version: str | None = None,
        user_id: str | None = None,
        created_by: str | None = None,
        tenant_id: str | None = None,
        correlation_id: str | None = None,
        idempotency_key: str | None = None,
        metadata: Mapping[str, object] | None = None,
    ) -> Instance:
        """Start an instance and return it as it was committed: before its first machine step is done.

        Args:
            workflow: The name of a registered workflow, or its definition or class (registered on the way).
            initial_data: What the instance begins with: a JSON object, checked against `input_schema`.
            version: The exact version to start; the latest by default.
            user_id: Who asks.
            created_by: Who counts as the one who started it; `user_id` by default.
            tenant_id: The tenant it belongs to.
            correlation_id: The caller's own mark for it.
            idempotency_key: Starting again under the same key (of the same tenant) returns the first instance.
            metadata: What to note about it, for steps to read.

        Raises:
            DefinitionNotFoundError: If there is no such workflow or version.
            FormValidationError: If the data does not fit `input_schema`.
            InvalidDataError: If data or metadata are not JSON.
        """
        definition = self._definition(workflow, version)
        data, size = to_object({} if initial_data is None else initial_data, what="The initial data")
        noted, _ = to_object({} if metadata is None else metadata, what="The metadata")
        if definition.input_schema is not None:
            problems = self.forms.problems(definition.input_schema, data)
            if problems:
                raise FormValidationError("the start", problems)
        starter = created_by if created_by is not None else user_id
        command = cmd.Start(
            at=self.clock.now(),
            instance_id=self._ids.new_id(),
            data=data,
            size=size,
            actor=user_id if user_id is not None else created_by,
            created_by=starter,
            tenant_id=tenant_id,
            correlation_id=correlation_id,
            idempotency_key=_scoped(idempotency_key, tenant_id),
            metadata=noted,
        )
        change = await self._decide(definition, None, command)
        if await self._commit(change, definition):
            return change.instance
        return await self._started_earlier(command)

    def _definition(
        self, workflow: str | WorkflowDefinition | type[WorkflowClass], version: str | None
    ) -> WorkflowDefinition:
        if isinstance(workflow, str):
            return self.registry.get_definition(workflow, version)
        definition = workflow if isinstance(workflow, WorkflowDefinition) else workflow.get_definition()
        self.registry.register_definition(definition)
        return self.registry.get_definition(definition.name, version or definition.version)

    async def _started_earlier(self, command: cmd.Start) -> Instance:
        if command.idempotency_key is not None:
            async with self.storage.unit_of_work() as unit:
                known = await unit.instances.find_started(command.idempotency_key)
                if known is not None:
                    return await unit.instances.get(known)
        raise InstanceExistsError(command.instance_id)

    # Operating

    async def cancel_workflow(
        self,
        instance_id: UUID,
        reason: str = "Canceled by request",
        *,
        user_id: str | None = None,
        actor: Actor | None = None,
    ) -> Instance:
        """End an instance: its open tasks are canceled and its running steps are told to stop.

        Raises:
            InstanceNotFoundError: If there is none, or none that the actor may see.
            NotPermittedError: If the actor is no operator.
            InvalidTransitionError: If it has ended already.
        """
        asking = Asking(actor, user_id, reason)
        return await self._operate(instance_id, asking, cmd.Cancel)

    async def retry_workflow(
        self,
        instance_id: UUID,
        reason: str = "Retried by request",
        *,
        step: str | None = None,
        user_id: str | None = None,
        actor: Actor | None = None,
    ) -> Instance:
        """Revive what failed in an instance, or what failed at one step of it. Done steps are not run again.

        Raises:
            InstanceNotFoundError: If there is none, or none that the actor may see.
            NotPermittedError: If the actor is no operator.
            InvalidTransitionError: If nothing (or not that step) has failed.
        """
        asking = Asking(actor, user_id, reason)
        return await self._operate(instance_id, asking, cmd.Retry, step=step)

    async def skip_step(
        self,
        instance_id: UUID,
        step: str,
        reason: str,
        *,
        outcome: str | None = None,
        user_id: str | None = None,
        actor: Actor | None = None,
    ) -> Instance:
        """Let what is at a step go on as if it were done; its task is canceled, its execution told to stop.

        Args:
            instance_id: The instance.
            step: The step to skip: failed, waiting, running, or about to begin.
            reason: Why; the history keeps it.
            outcome: The outcome to go on with, where the step has named ones.
            user_id: Who asks, in whose name the application does.
            actor: Who asks, where it is to be checked whether they may.

        Raises:
            InstanceNotFoundError: If there is no such instance, or none that the actor may see.
            NotPermittedError: If the actor is no operator, or a rule keeps them from deciding what is gone past.
            StepNotFoundError: If its definition has no such step.
            InvalidTransitionError: If nothing is at the step.
            InvalidOutcomeError: If the outcome is not one of the step's, or is missing.
        """
        asking = Asking(actor, user_id, reason)
        return await self._operate(instance_id, asking, cmd.Skip, step=step, outcome=outcome)

    async def move_workflow(
        self,
        instance_id: UUID,
        target: str,
        reason: str,
        *,
        source: str | None = None,
        user_id: str | None = None,
        actor: Actor | None = None,
    ) -> Instance:
        """Go on at another step, an earlier or a later one. The data stays as it is.

        Everything that is going on is given up for it, or only what is at the step `source`: tasks are canceled,
        executions told to stop.

        Raises:
            InstanceNotFoundError: If there is no such instance, or none that the actor may see.
            NotPermittedError: If the actor is no operator, or a rule keeps them from deciding what is gone past.
            StepNotFoundError: If its definition has no such step.
            InvalidTransitionError: If it has ended, or nothing is at `source`.
        """
        asking = Asking(actor, user_id, reason)
        return await self._operate(instance_id, asking, cmd.Move, target=target, source=source)

    async def suspend_workflow(
        self,
        instance_id: UUID,
        reason: str = "Suspended by request",
        *,
        user_id: str | None = None,
        actor: Actor | None = None,
    ) -> Instance:
        """Let nothing new begin in an instance until it is resumed; running steps finish.

        Raises:
            InstanceNotFoundError: If there is none, or none that the actor may see.
            NotPermittedError: If the actor is no operator.
            InvalidTransitionError: If it has ended, or is suspended already.
        """
        asking = Asking(actor, user_id, reason)
        return await self._operate(instance_id, asking, cmd.Suspend)

    async def resume_workflow(
        self,
        instance_id: UUID,
        reason: str = "Resumed by request",
        *,
        user_id: str | None = None,
        actor: Actor | None = None,
    ) -> Instance:
        """Let a suspended instance go on; what fell due in the meantime is due now.

        Raises:
            InstanceNotFoundError: If there is none, or none that the actor may see.
            NotPermittedError: If the actor is no operator.
            InvalidTransitionError: If it is not suspended.
        """
        asking = Asking(actor, user_id, reason)
        return await self._operate(instance_id, asking, cmd.Resume)

    async def _operate(self, instance_id: UUID, asking: Asking, kind: type, **fields: object) -> Instance:
        """Carry out what an operator asks for."""
        identity = None if asking.actor is None else await self.known(asking.actor)

        def command(_: Instance) -> cmd.Command:
            made: cmd.Command = kind(
                at=self.clock.now(),
                reason=given.needed_reason(asking.reason),
                actor=name_of(identity, asking.user_id),
                identity=identity,
                **fields,
            )
            return made

        return (await self.change(instance_id, command)).instance

    # Waiting

    async def wait(self, instance_id: UUID, *, timeout: float = 30.0) -> Instance:  # noqa: ASYNC109
        """Wait until nothing moves the instance but somebody outside (or it has ended), and return it.

        Raises:
            InstanceNotFoundError: If there is none.
            TimeoutError: If it still moves after `timeout` seconds.
        """
        deadline = asyncio.get_running_loop().time() + timeout
        async with self.watch(instance_id) as watch:
            while True:
                await watch.begin()
                instance = await self.get_instance(instance_id)
                if instance.is_resting:
                    return instance
                left = deadline - asyncio.get_running_loop().time()
                if left <= 0:
                    msg = f"Instance {instance_id} is still {instance.status} at {instance.current_step!r}"
                    raise TimeoutError(msg)
                await watch.changed(min(left, _LOOK_AGAIN))

    async def changed(self, instance_id: UUID, seconds: float) -> None:
        """Wait until an instance is changed, by whichever process, at most so many seconds.

        It may return early, and (rarely) miss a change: look at the instance afterwards. What was changed between
        the caller's last look and the call is missed, too; `watch` does not have that gap.
        """
        async with self.watch(instance_id) as watch:
            await watch.begin()
            await watch.changed(seconds)

    @asynccontextmanager
    async def watch(self, instance_id: UUID) -> AsyncIterator[Watch]:
        """Watch an instance: `begin`, look at it, wait until it is `changed`, and so on."""
        runner = await self._runner()
        watcher = await watcher_for(self.storage) if runner is None else runner.watcher
        async with watcher.watch(
            instance_id, elsewhere=runner is None or not runner.holds(instance_id)
        ) as watch:
            yield watch

    @asynccontextmanager
    async def watch_all(self) -> AsyncIterator[Watch]:
        """Watch all instances: `begin`, look at the feed, wait until something is `changed`, and so on."""
        runner = await self._runner()
        watcher = await watcher_for(self.storage) if runner is None else runner.watcher
        async with watcher.watch_all() as watch:
            yield watch

    # Messages

    async def publish_message(
        self,
        name: str,
        correlation_key: str | None = None,
        payload: object = None,
        *,
        message_id: str | None = None,
        ttl: timedelta = TIME_TO_LIVE,
        instance_id: UUID | None = None,
        tenant_id: str | None = None,
        user_id: str | None = None,
        actor: Actor | None = None,
    ) -> Receipt:
        """Send a message to a step that waits for it, now or later.

        It is taken by one step: of those that wait for its name under its correlation key, the one of the oldest
        instance. If none waits yet it is kept for the first that will, until its time to live is over.

        Args:
            name: What it is about.
            correlation_key: Which case it is about; or else give `instance_id`.
            payload: What it says: any JSON.
            message_id: Names the message. The same id again changes nothing and returns the first receipt, also after
                the message was taken, until its time to live is over.
            ttl: How long it is kept.
            instance_id: The one instance it is for, whatever its correlation key.
            tenant_id: The only tenant whose instances may take it; `None` for any.
            user_id: Who sends it; the history says so.
            actor: Who sends it, where it is to be checked whether they may. Their tenant counts, whatever `tenant_id` says.

        Raises:
            InvalidDataError: If the payload is not JSON, or something else cannot be used.
            NotPermittedError: If the actor is no operator.
            InstanceNotFoundError: If it is sent to an instance that does not exist, or that the actor may not see.
            InvalidTransitionError: If that instance has ended.
            MessageNotAwaitedError: If that instance has no step that ever waits for such a message.
        """
        courier = Courier(self)
        if actor is not None:
            tenant_id, user_id = actor.tenant_id, actor.user_id
            await courier.check_sender(await self.known(actor), instance_id)
        message = courier.message(
            name,
            correlation_key,
            payload,
            message_id=_scoped(message_id, tenant_id),
            ttl=ttl,
            instance_id=instance_id,
            tenant_id=tenant_id,
            user_id=user_id,
        )
        receipt = await courier.publish(message)
        return receipt if message_id is None else evolve(receipt, message_id=message_id)

    async def deliver_callback(
        self,
        callback: str,
        payload: object = None,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Receipt:
        """Bring a call from outside to the webhook step that told where to call.

        Every callback takes one call. The same call again (its sender may not have heard the answer) changes nothing
        and returns the first receipt.

        Args:
            callback: What `WebhookStep.on_waiting` was given: the last part of the path.
            payload: What the body says: any JSON.
            body: The body as it came, which the signature is of; where the step has a `secret`.
            headers: The headers as they came, in which the signature is; likewise.

        Raises:
            MessageNotAwaitedError: If no step waits for it, or not any more.
            InvalidSignatureError: If the step wants calls signed, and this one is not.
            InvalidDataError: If the payload is not JSON.
        """
        return await Courier(self).call(callback, payload, body, headers)

    async def deliver_mail(self, instance_id: UUID) -> None:
        """Hand an instance the messages that lie there for it, as far as that is possible here and now."""
        while True:
            async with self.storage.unit_of_work() as unit:
                instance = await unit.instances.get(instance_id)
                mail = await unit.messages.find_mail([instance_id], self.clock.now())
            name, version = instance.definition_name, instance.definition_version
            definition = self.registry.find_definition(name, version)
            if definition is None or not mail:
                return
            try:
                change = await self._decide(definition, instance, deliveries(mail, self.clock.now())[0])
            except InvalidTransitionError:  # suspended, say: it stays where it is
                return
            await self._commit(change, None)

    # Tasks: what the guide documents; everything else is in `tasks`

    async def complete_human_task(
        self,
        instance_id: UUID,
        step_name: str,
        user_id: str | None,
        data: Mapping[str, object],
        *,
        outcome: str | None = None,
        comment: str | None = None,
        revision: int | None = None,
        actor: Actor | None = None,
    ) -> Instance:
        """Complete the open task of a step, and return the instance as it went on from there.

        See `HumanTasks.complete_at`, which also tells what they can do next.

        Raises:
            InstanceNotFoundError: If there is no such instance, or none that the actor may see.
            InvalidTransitionError: If the step has no open task.
        """
        done = await self.tasks.complete_at(
            instance_id, step_name, data,
            user_id=user_id, outcome=outcome, comment=comment, revision=revision, actor=actor,
        )  # fmt: skip
        return done.instance

    async def complete_task(
        self,
        task_id: UUID,
        data: Mapping[str, object],
        *,
        user_id: str | None = None,
        outcome: str | None = None,
        comment: str | None = None,
        revision: int | None = None,
        actor: Actor | None = None,
    ) -> Instance:
        """Complete a task and return its instance as it went on from there; see `HumanTasks.complete`."""
        done = await self.tasks.complete(
            task_id, data, user_id=user_id, outcome=outcome, comment=comment, revision=revision, actor=actor
        )
        return done.instance

    async def reassign_task(
        self,
        task_id: UUID,
        new_assignee: str,
        *,
        user_id: str | None = None,
        reason: str | None = None,
        actor: Actor | None = None,
    ) -> Task:
        """Give an open task to somebody else and return it; see `HumanTasks.reassign`."""
        return await self.tasks.reassign(task_id, new_assignee, user_id=user_id, reason=reason, actor=actor)

    async def get_task(self, task_id: UUID, *, actor: Actor | None = None) -> Task:
        """Return a task, open or closed.

        Raises:
            TaskNotFoundError: If there is none, or none that the actor may see.
        """
        return await self.tasks.get(task_id, actor=actor)

    async def find_tasks(self, query: TaskQuery, *, actor: Actor | None = None) -> Sequence[Task]:
        """Return the tasks the query asks for, in its order; to an actor, those that they may see."""
        return await self.tasks.find(query, actor=actor)


class LocalExecutionEngine(ExecutionEngine):
    """The engine on a storage in memory: everything works, nothing outlives the process."""

    def __init__(self, registry: WorkflowRegistry, **options: object) -> None:
        """Make an engine with a storage of its own; the options are those of `ExecutionEngine`."""
        super().__init__(registry, MemoryStorage(), **options)  # type: ignore[arg-type]


def _scoped(idempotency_key: str | None, tenant_id: str | None) -> str | None:
    """Keep the keys of tenants apart."""
    if idempotency_key is None or tenant_id is None:
        return idempotency_key
    return f"{tenant_id}/{idempotency_key}"
