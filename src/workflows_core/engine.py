"""The application service: load, decide, apply.

Each method is one use case and reads like it. On a lost race the engine loads and decides again;
the machine is pure, so that is free. What a method returned is committed and can be read by the
next request; machine steps go on in the background, on the runner.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import asynccontextmanager, suppress
from copy import copy
from typing import TYPE_CHECKING, Self, TypedDict

from attrs import evolve, frozen

from workflows_core import commands as cmd
from workflows_core.committer import committer_for
from workflows_core.courier import Courier
from workflows_core.data import to_object
from workflows_core.definitions import WorkflowDefinition
from workflows_core.errors import (
    DefinitionNotFoundError,
    FormProblem,
    FormValidationError,
    InstanceExistsError,
    InstanceNotFoundError,
    InvalidDataError,
    InvalidTransitionError,
    NotSearchableError,
    TaskNotFoundError,
)
from workflows_core.explanation import explain_instance
from workflows_core.forms import JsonSchemaValidator
from workflows_core.history import step_executions
from workflows_core.hosting import remembered_in, runner_for, stop_runner, watcher_for
from workflows_core.human_tasks import HumanTasks
from workflows_core.memory import MemoryStorage
from workflows_core.messages import TIME_TO_LIVE, deliveries
from workflows_core.oversight import stored_policies
from workflows_core.paging import Page
from workflows_core.permissions import Action, may, policies_of
from workflows_core.ports import StoredDefinition, SubstitutionQuery, place_of_instance
from workflows_core.recent import Recent
from workflows_core.settling import carry_out
from workflows_core.specification import definition_from
from workflows_core.substitutions import Substitutions
from workflows_core.system import SystemClock, TimeOrderedIds
from workflows_core.transition import transition
from workflows_core.visibility import visibility

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from datetime import timedelta
    from types import TracebackType
    from uuid import UUID

    from workflows_core.actors import Actor
    from workflows_core.definitions import WorkflowClass
    from workflows_core.explanation import InstanceExplanation
    from workflows_core.history import StepExecution
    from workflows_core.instance import Instance
    from workflows_core.messages import Receipt
    from workflows_core.ports import (
        Clock,
        FormValidator,
        IdFactory,
        InstanceQuery,
        InstanceSummary,
        Storage,
        TaskQuery,
        UnitOfWork,
    )
    from workflows_core.registry import WorkflowRegistry
    from workflows_core.runner import Runner
    from workflows_core.tasks import Task
    from workflows_core.transition import HistoryEntry, Transition
    from workflows_core.visibility import Visibility
    from workflows_core.watching import Watch


class ExecutionEngine:
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
        self.registry = registry
        self.storage = storage
        self.clock = clock or SystemClock()
        self._ids = ids or TimeOrderedIds()
        self._condition: Callable[[Instance], None] | None = None
        self.forms = forms or JsonSchemaValidator()
        self.runs_steps = runs_steps

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

    async def _runner(self) -> Runner | None:
        if not self.runs_steps:
            await watcher_for(self.storage)  # whoever writes must know what others watch
            return None
        return await runner_for(self.storage, self.registry, clock=self.clock, ids=self._ids)

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
            self._check("the start", self.forms.problems(definition.input_schema, data))
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

    async def _started_earlier(self, command: cmd.Start) -> Instance:
        if command.idempotency_key is not None:
            async with self.storage.unit_of_work() as unit:
                known = await unit.instances.find_started(command.idempotency_key)
                if known is not None:
                    return await unit.instances.get(known)
        raise InstanceExistsError(command.instance_id)

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
        identity = await self._identity(actor)
        return await self._change(
            instance_id,
            lambda _: cmd.Cancel(at=self.clock.now(), reason=_text(reason), **_asking(user_id, identity)),
        )

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
        identity = await self._identity(actor)
        return await self._change(
            instance_id,
            lambda _: cmd.Retry(
                at=self.clock.now(), reason=_text(reason), step=step, **_asking(user_id, identity)
            ),
        )

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
        identity = await self._identity(actor)
        return await self._change(
            instance_id,
            lambda _: cmd.Skip(
                at=self.clock.now(),
                step=step,
                reason=_text(reason),
                outcome=outcome,
                **_asking(user_id, identity),
            ),
        )

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
        identity = await self._identity(actor)
        return await self._change(
            instance_id,
            lambda _: cmd.Move(
                at=self.clock.now(),
                target=target,
                reason=_text(reason),
                source=source,
                **_asking(user_id, identity),
            ),
        )

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
        identity = await self._identity(actor)
        return await self._change(
            instance_id,
            lambda _: cmd.Suspend(at=self.clock.now(), reason=_text(reason), **_asking(user_id, identity)),
        )

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
        identity = await self._identity(actor)
        return await self._change(
            instance_id,
            lambda _: cmd.Resume(at=self.clock.now(), reason=_text(reason), **_asking(user_id, identity)),
        )

    async def get_instance(self, instance_id: UUID, *, actor: Actor | None = None) -> Instance:
        """Return an instance as of its last transition.

        Raises:
            InstanceNotFoundError: If there is none, or none that the actor may see.
        """
        async with self.storage.unit_of_work() as unit:
            instance = await unit.instances.get(instance_id)
        await self._check_visible(instance, actor)
        return instance

    async def find_instances(
        self, query: InstanceQuery, *, actor: Actor | None = None
    ) -> Sequence[InstanceSummary]:
        """Return the instances the query asks for, in its order; to an actor, those that they may see.

        Raises:
            NotSearchableError: If it asks for data at paths that no definition declares, or not the one it asks for.
        """
        query = await self._scoped_query(query, actor)
        async with self.storage.unit_of_work() as unit:
            return await unit.instances.find(query)

    async def page_instances(
        self, query: InstanceQuery, *, actor: Actor | None = None
    ) -> Page[InstanceSummary]:
        """Return the instances the query asks for, at most `limit`, and where the next page begins; see `find_instances`."""
        if query.limit is None:
            return Page(tuple(await self.find_instances(query, actor=actor)), None)
        found = await self.find_instances(evolve(query, limit=query.limit + 1), actor=actor)
        items = tuple(found[: query.limit])
        return Page(items, place_of_instance(items[-1], query.order) if len(found) > query.limit else None)

    async def count_instances(self, query: InstanceQuery, *, actor: Actor | None = None) -> int:
        """Return how many instances the query asks for, whatever its page; see `find_instances`."""
        query = await self._scoped_query(query, actor)
        async with self.storage.unit_of_work() as unit:
            return await unit.instances.count(query)

    async def _scoped_query(self, query: InstanceQuery, actor: Actor | None) -> InstanceQuery:
        """Refuse a query that nothing could answer, and keep it to what an actor may see."""
        if query.data:
            searchable = self.registry.searchable(query.definition_name)
            unknown = [path for path in query.data if path not in searchable]
            if unknown:
                raise NotSearchableError(unknown, searchable)
        return query if actor is None else evolve(query, visible_to=await self.visibility(actor))

    async def explain_instance(self, instance_id: UUID, *, actor: Actor | None = None) -> InstanceExplanation:
        """Explain what an instance waits for, since when and until when, and who can act.

        Raises:
            InstanceNotFoundError: If there is none, or none that the actor may see.
        """
        instance = await self.get_instance(instance_id, actor=actor)
        registered = self.registry.find_definition(instance.definition_name, instance.definition_version)
        try:
            definition = registered or await self.get_definition(instance)
        except DefinitionNotFoundError:
            definition = None
        return explain_instance(instance, definition, self.clock.now(), is_known=registered is not None)

    async def get_history(self, instance_id: UUID, *, actor: Actor | None = None) -> Sequence[HistoryEntry]:
        """Return everything that happened to an instance, oldest first.

        Raises:
            InstanceNotFoundError: If there is none, or none that the actor may see.
        """
        if actor is not None:
            await self.get_instance(instance_id, actor=actor)
        async with self.storage.unit_of_work() as unit:
            entries = await unit.history.get(instance_id)
        if not entries:
            raise InstanceNotFoundError(instance_id)
        return entries

    async def get_record(self, instance_id: UUID, *, actor: Actor | None = None) -> Record:
        """Return an instance together with its history, both as of the same moment.

        Raises:
            InstanceNotFoundError: If there is none, or none that the actor may see.
        """
        async with self.storage.unit_of_work() as unit:
            instance = await unit.instances.get(instance_id)
            entries = await unit.history.get(instance_id)
        await self._check_visible(instance, actor)
        known = [entry for entry in entries if entry.revision <= instance.revision]
        return Record(instance, tuple(known))

    async def get_definition(self, instance: Instance) -> WorkflowDefinition:
        """Return the definition an instance is pinned to; where its code is not registered here, as it was stored.

        Raises:
            DefinitionNotFoundError: If it is not stored either.
        """
        name, version = instance.definition_name, instance.definition_version
        registered = self.registry.find_definition(name, version)
        if registered is not None:
            return registered
        async with self.storage.unit_of_work() as unit:
            stored = await unit.definitions.find(name)
        for each in stored:
            if each.version == version:
                return definition_from(each.specification)
        raise DefinitionNotFoundError(name, version, known=[each.version for each in stored])

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

    def new_id(self) -> UUID:
        """Return an id that was never used."""
        return self._ids.new_id()

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

        Of several the one that is with the user is meant, or else the oldest. See `HumanTasks.complete`, which also
        tells what they can do next.

        Raises:
            InstanceNotFoundError: If there is no such instance, or none that the actor may see.
            InvalidTransitionError: If the step has no open task.
        """
        user = user_id if actor is None else actor.user_id
        known = self.recent.get(instance_id)
        meant = None if known is None else _meant(known, step_name, user)
        if meant is not None:
            with suppress(InvalidTransitionError, TaskNotFoundError):  # perhaps it is another one by now
                return await self.complete_task(
                    meant.id, data,
                    user_id=user_id, outcome=outcome, comment=comment, revision=revision, actor=actor,
                )  # fmt: skip
        instance = await self.get_instance(instance_id, actor=actor)
        meant = _meant(instance, step_name, user)
        if meant is None:
            raise InvalidTransitionError(
                "complete the task", f"step {step_name!r} of instance {instance_id}", "not open"
            )
        return await self.complete_task(
            meant.id, data, user_id=user_id, outcome=outcome, comment=comment, revision=revision, actor=actor
        )

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

    # The one way in which anything changes

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

    async def _change(self, instance_id: UUID, command: Callable[[Instance], cmd.Command]) -> Instance:
        return (await self.change(instance_id, command)).instance

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

    def definition_of(self, instance: Instance) -> WorkflowDefinition:
        """Return the definition that an instance runs here.

        Raises:
            DefinitionNotFoundError: If it is not registered here.
        """
        return self.registry.get_definition(instance.definition_name, instance.definition_version)

    async def known(self, actor: Actor) -> Actor:
        """Return an actor with all for whom they stand in at this moment."""
        async with self.storage.unit_of_work() as unit:
            return await self.known_in(unit, actor)

    async def known_in(self, unit: UnitOfWork, actor: Actor) -> Actor:
        """Return an actor with all for whom they stand in at this moment, as a unit of work sees it."""
        if actor.user_id is None:
            return actor.standing_in(())
        query = SubstitutionQuery(substitute=actor.user_id, at=self.clock.now(), tenant_id=actor.tenant_id)
        return actor.standing_in(await unit.substitutions.find(query))

    async def visibility(self, actor: Actor) -> Visibility:
        """Return what an actor may see at this moment, for queries."""
        policies = await stored_policies(self.storage) if actor.roles else {}
        return visibility(await self.known(actor), policies)

    async def _identity(self, actor: Actor | None) -> Actor | None:
        return None if actor is None else await self.known(actor)

    async def _check_visible(self, instance: Instance, actor: Actor | None) -> None:
        if actor is None:
            return
        policies = policies_of(await self.get_definition(instance))
        if not may(await self.known(actor), Action.VIEW, None, instance, policies):
            raise InstanceNotFoundError(instance.id)

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

    async def _owner(self) -> str | None:
        """Name the runner that executes what becomes ready, if it may begin as soon as this is committed."""
        runner = await self._runner()
        return None if runner is None or runner.is_stopping else runner.id

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

    def _definition(
        self, workflow: str | WorkflowDefinition | type[WorkflowClass], version: str | None
    ) -> WorkflowDefinition:
        if isinstance(workflow, str):
            return self.registry.get_definition(workflow, version)
        definition = workflow if isinstance(workflow, WorkflowDefinition) else workflow.get_definition()
        self.registry.register_definition(definition)
        return self.registry.get_definition(definition.name, version or definition.version)

    @staticmethod
    def _check(subject: str, problems: Sequence[FormProblem]) -> None:
        if problems:
            raise FormValidationError(subject, problems)


class LocalExecutionEngine(ExecutionEngine):
    """The engine on a storage in memory: everything works, nothing outlives the process."""

    def __init__(self, registry: WorkflowRegistry, **options: object) -> None:
        """Make an engine with a storage of its own; the options are those of `ExecutionEngine`."""
        super().__init__(registry, MemoryStorage(), **options)  # type: ignore[arg-type]


@frozen
class Record:
    """An instance with everything that happened to it.

    Attributes:
        instance: Its present state.
        entries: Its history, oldest first.
    """

    instance: Instance
    entries: tuple[HistoryEntry, ...]

    @property
    def step_executions(self) -> tuple[StepExecution, ...]:
        """What was executed, oldest first: a reading of the history."""
        return step_executions(self.entries)


def _meant(instance: Instance, step_name: str, user: str | None) -> Task | None:
    """Return the task that somebody means who names its step: the one that is with them, or else the oldest."""
    tasks = [task for task in instance.tasks.values() if task.step_name == step_name]
    return min(tasks, key=lambda task: (user is None or task.assignee != user, task.token), default=None)


_LOOK_AGAIN = 0.25
"""Seconds after which `wait` looks by itself: another process may have done the work."""


def _identity(definition: WorkflowDefinition) -> tuple[str, str, str]:
    return definition.name, definition.version, definition.content_hash


def _scoped(idempotency_key: str | None, tenant_id: str | None) -> str | None:
    """Keep the keys of tenants apart."""
    if idempotency_key is None or tenant_id is None:
        return idempotency_key
    return f"{tenant_id}/{idempotency_key}"


def _text(reason: str) -> str:
    """Return a reason that says something and can be stored.

    Raises:
        InvalidDataError: If it does not, or cannot.
    """
    if not reason.strip():
        raise InvalidDataError("/reason", "The reason says nothing: give one, the history keeps it")
    return str(to_object({"reason": reason}, what="The reason")[0]["reason"])


class _Asked(TypedDict):
    """Who asks, as commands take it."""

    actor: str | None
    identity: Actor | None


def _asking(user_id: str | None, identity: Actor | None) -> _Asked:
    return {"actor": user_id if identity is None else identity.user_id, "identity": identity}
