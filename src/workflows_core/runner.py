"""The runner: executes machine steps, one commit per completed step.

One runner serves one storage in one process. It continues an instance from step to step without
reading it again, gathers the transitions of different instances that are ready at the same time
into one transaction, and takes over what other runners left behind.

A step in hand names its runner. A runner holds a lease that it renews while it lives; when the
lease ends, or its process is known to be dead, others may take its steps over. Whoever lost a step
cannot commit it: the instance's revision has moved on, and deciding again finds another attempt.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from attrs import evolve

from workflows_core import commands as cmd
from workflows_core import user_code
from workflows_core.committer import BACKOFF, Committer
from workflows_core.errors import InvalidTransitionError, StorageError
from workflows_core.settling import carry_out
from workflows_core.states import TokenState
from workflows_core.system import SystemClock, TimeOrderedIds
from workflows_core.transition import LEASE, transition

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime
    from uuid import UUID

    from workflows_core.definitions import WorkflowDefinition
    from workflows_core.instance import Instance, Token
    from workflows_core.ports import Clock, IdFactory, Storage
    from workflows_core.registry import WorkflowRegistry
    from workflows_core.transition import Transition

logger = logging.getLogger("workflows")


class Runner:
    """Executes the machine steps of the instances in a storage.

    Attributes:
        id: Names this runner in the tokens it holds; another one after every start.
    """

    def __init__(
        self,
        storage: Storage,
        registry: WorkflowRegistry,
        *,
        clock: Clock | None = None,
        ids: IdFactory | None = None,
        concurrency: int = 100,
        poll_interval: float = 1.0,
        lease: timedelta = LEASE,
        grace: float = 10.0,
    ) -> None:
        """Prepare a runner; it does nothing before `start`.

        Args:
            storage: Where the instances live.
            registry: The definitions it serves; others can be added with `serve`.
            clock: The time; the system's by default.
            ids: Where new task ids come from.
            concurrency: How many steps are executed at the same time.
            poll_interval: Seconds between looks for work that nobody told it about.
            lease: How long the runner is believed alive without a sign of life.
            grace: Seconds that steps in hand are given to finish when the runner stops.
        """
        self.id = ""
        self.storage = storage
        self.clock = clock or SystemClock()
        self.ids = ids or TimeOrderedIds()
        self._registries = [registry]
        self._poll_interval = poll_interval
        self._lease = lease
        self._grace = grace
        self._concurrency = concurrency
        self._slots = asyncio.Semaphore(concurrency)
        self._committer = Committer(storage)
        self._runs: dict[UUID, _Run] = {}
        self._loops: list[asyncio.Task[None]] = []
        self._starting = asyncio.Lock()
        self._nudged = asyncio.Event()
        self._looks_again: datetime | None = None
        """Until when the poll sleeps, unless somebody wakes it; `None` while it is awake."""
        self._observers: dict[UUID, set[asyncio.Future[None]]] = defaultdict(set)
        self._unknown: set[tuple[str, str]] = set()
        self._has_backlog = False
        self.is_stopping = False

    # Life

    @property
    def is_running(self) -> bool:
        """Whether it was started and not stopped."""
        return bool(self._loops)

    async def start(self) -> None:
        """Enlist, take over what dead runners left, and begin to look for work. Starting twice is a no-op."""
        async with self._starting:
            if self.is_running:
                return
            self.is_stopping = False
            await self._enlist()
            self._loops = [
                asyncio.create_task(self._keep_trying("look for work", self._poll), name="workflows-poll"),
                asyncio.create_task(
                    self._keep_trying("renew the lease", self._renew), name="workflows-lease"
                ),
                asyncio.create_task(self._committer.run(), name="workflows-commit"),
            ]

    async def stop(self) -> None:
        """Let the steps in hand finish, hand back what does not, and sign off. Stopping twice is a no-op."""
        async with self._starting:
            if not self.is_running:
                return
            self.is_stopping = True
            poll, renew, commit = self._loops
            await _cancel(poll)
            await self._finish_runs()
            await _cancel(renew, commit)
            self._loops = []
            try:
                await self.storage.discharge(self.id)
            except StorageError:
                logger.warning("Runner %s could not sign off; its lease will end by itself.", self.id)

    async def _finish_runs(self) -> None:
        runs = [run.main for run in self._runs.values() if run.main is not None]
        if runs:
            await asyncio.wait(runs, timeout=self._grace)
        await _cancel(*runs)
        self._runs.clear()

    async def _enlist(self) -> None:
        self.id = uuid4().hex
        now = self.clock.now()
        await self.storage.enlist(self.id, now + self._lease)
        await self.storage.strike_off(now)

    async def _keep_trying(self, what: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do something over and over; what goes wrong is logged and tried again, with growing pauses."""
        failures = 0
        while True:
            try:
                await work()
                failures = 0
            except Exception:
                pause = BACKOFF[min(failures, len(BACKOFF) - 1)]
                failures += 1
                logger.exception("Runner %s failed to %s; trying again in %s s.", self.id, what, pause)
                await asyncio.sleep(pause)

    async def _renew(self) -> None:
        await asyncio.sleep(self._lease.total_seconds() / 3)
        now = self.clock.now()
        if not await self.storage.renew(self.id, now + self._lease):
            logger.error("Runner %s lost its lease; its steps may be executed elsewhere.", self.id)
            await _cancel(*[run.main for run in self._runs.values() if run.main is not None])
            self._runs.clear()
            await self._enlist()
        if await self.storage.strike_off(now):
            self.nudge()

    # Finding work

    def serve(self, registry: WorkflowRegistry) -> None:
        """Serve the definitions of another registry too."""
        if all(known is not registry for known in self._registries):
            self._registries.append(registry)

    def nudge(self) -> None:
        """Look for work now: somebody committed something that is due."""
        self._nudged.set()

    async def _poll(self) -> None:
        self._nudged.clear()
        now = self.clock.now()
        due = await self.storage.next_due()
        room = self._concurrency - len(self._runs)
        is_due = due is not None and due <= now
        self._has_backlog = is_due and room <= 0
        if is_due and room > 0:
            alive = await self.storage.runners()
            claimed = await self.storage.claim_due(now, now + self._lease, room)
            for instance in claimed:
                self._take_over(instance, alive)
            if claimed:
                return
        ahead = None if due is None or due <= now else (due - now).total_seconds()
        await self._sleep(now, self._poll_interval if ahead is None else min(self._poll_interval, ahead))

    async def _sleep(self, now: datetime, seconds: float) -> None:
        self._looks_again = now + timedelta(seconds=seconds)
        await _wait(self._nudged, seconds)
        self._looks_again = None

    def _expect(self, instance: Instance) -> None:
        """See to it that the poll is awake when the instance is due."""
        if (
            instance.wake_at is not None
            and self._looks_again is not None
            and instance.wake_at < self._looks_again
        ):
            self.nudge()

    def _take_over(self, instance: Instance, alive: frozenset[str]) -> None:
        """Continue an instance that is due: start what is ready, and what was lost again."""
        if self.definition_of(instance) is None:
            return
        in_hand = self._runs[instance.id].in_hand if instance.id in self._runs else frozenset()
        lost = [
            cmd.LoseStep(at=instance.updated_at, token=token.id, attempt=token.attempt)
            for token in instance.tokens.values()
            if token.state is TokenState.RUNNING
            and (token.owner not in alive if token.owner != self.id else token.id not in in_hand)
        ]
        self._run_of(instance).report(*lost)

    def take(self, instance: Instance) -> None:
        """Execute the steps of an instance that this runner holds, and notice what changed in it."""
        self.announce(instance.id)
        if not self.is_running or self.is_stopping:
            return  # whoever runs next finds the steps of a runner that is gone
        if instance.id in self._runs or any(token.owner == self.id for token in instance.tokens.values()):
            self._run_of(instance)
        self._expect(instance)

    def _run_of(self, instance: Instance) -> _Run:
        run = self._runs.get(instance.id)
        if run is None:
            run = self._runs[instance.id] = _Run(self, instance)
        run.observe(instance)
        return run

    def forget(self, instance_id: UUID) -> None:
        """Let go of a run that has nothing in hand; where more waits to be done, there is room for it now."""
        self._runs.pop(instance_id, None)
        if self._has_backlog and len(self._runs) <= self._concurrency // 2:
            self.nudge()

    def definition_of(self, instance: Instance) -> WorkflowDefinition | None:
        """Return the definition an instance is pinned to; say so, once, where it is not known here."""
        name, version = instance.definition_name, instance.definition_version
        for registry in self._registries:
            definition = registry.find_definition(name, version)
            if definition is not None:
                return definition
        if (name, version) not in self._unknown:
            self._unknown.add((name, version))
            logger.warning(
                "Workflow %s version %s is not registered here; its instances are left alone.", name, version
            )
        return None

    # What runs need

    async def execute(self, definition: WorkflowDefinition, instance: Instance, token: Token) -> cmd.Command:
        """Execute one step, as soon as one of the runner's slots is free."""
        async with self._slots:
            return await user_code.execute(
                definition.graph.nodes[token.step], instance, token, self.clock.now
            )

    async def commit(self, change: Transition) -> bool:
        """Commit a transition together with others; return `False` if it lost."""
        applied = await self._committer.commit(change)
        if applied:
            self.announce(change.instance.id)
            self._expect(change.instance)
        return applied

    async def reload(self, instance_id: UUID) -> Instance:
        """Read an instance again."""
        async with self.storage.unit_of_work() as unit:
            return await unit.instances.get(instance_id)

    # Watching

    def announce(self, instance_id: UUID) -> None:
        """Tell those who watch an instance that it changed."""
        for observer in self._observers.pop(instance_id, ()):
            if not observer.done():
                observer.set_result(None)

    async def changed(self, instance_id: UUID, timeout: float) -> None:  # noqa: ASYNC109 - a wait, not a deadline
        """Wait until this process changes the instance, at most `timeout` seconds."""
        observer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._observers[instance_id].add(observer)
        try:
            await asyncio.wait([observer], timeout=timeout)
        finally:
            watching = self._observers.get(instance_id)
            if watching is not None:
                watching.discard(observer)
                if not watching:
                    del self._observers[instance_id]


class _Run:
    """One instance in the hands of a runner: its steps being executed, and what they reported."""

    def __init__(self, runner: Runner, instance: Instance) -> None:
        self._runner = runner
        self._instance = instance
        self._executing: dict[int, asyncio.Task[None]] = {}
        self._reports: list[cmd.Command] = []
        self._changed = asyncio.Event()
        self._wants_settling = False
        self.main: asyncio.Task[None] | None = None

    @property
    def in_hand(self) -> frozenset[int]:
        """The tokens whose steps are executed here, or whose results wait to be committed."""
        return frozenset(self._executing) | {
            report.token
            for report in self._reports
            if isinstance(report, cmd.CompleteStep | cmd.SkipStep | cmd.FailStep)
        }

    def observe(self, instance: Instance) -> None:
        """Go on from a newer state of the instance."""
        if instance.revision > self._instance.revision:
            self._instance = instance
        self._changed.set()
        if self.main is None:
            self.main = asyncio.create_task(self._run(), name=f"workflows-run-{instance.id}")

    def report(self, *commands: cmd.Command) -> None:
        """Bring commands to be carried out with the next commit; none means: just see what is ready."""
        self._reports += commands
        self._wants_settling = True
        self._changed.set()

    async def _run(self) -> None:
        try:
            while True:
                self._changed.clear()
                if self._reports or self._wants_settling:
                    await self._commit()
                self._align()
                if not self._executing and not self._reports and not self._wants_settling:
                    return
                await self._changed.wait()
        except Exception:
            logger.exception(
                "Instance %s could not be continued; it will be taken up again when its lease ends.",
                self._instance.id,
            )
        finally:
            self._runner.forget(self._instance.id)
            for step in self._executing.values():
                step.cancel()

    def _align(self) -> None:
        """Execute what this runner holds and does not execute yet; stop what it no longer holds."""
        held = {
            token.id: token
            for token in self._instance.tokens.values()
            if token.state is TokenState.RUNNING and token.owner == self._runner.id
        }
        for number in self._executing.keys() - held.keys():
            self._executing.pop(number).cancel()
        for number, token in held.items():
            if number not in self._executing and not self._runner.is_stopping:
                self._executing[number] = asyncio.create_task(self._execute(token))

    async def _execute(self, token: Token) -> None:
        definition = self._definition()
        try:
            report = await self._runner.execute(definition, self._instance, token)
        except asyncio.CancelledError as error:
            if _is_canceled_from_outside():
                raise
            report = user_code.UserCodeError("execute", error).as_command(token, self._runner.clock.now())
        if self._executing.get(token.id) is asyncio.current_task():
            self.report(report)
            del self._executing[token.id]

    def _definition(self) -> WorkflowDefinition:
        definition = self._runner.definition_of(self._instance)
        assert definition is not None  # noqa: S101 - a run is only made for known definitions
        return definition

    async def _commit(self) -> None:
        """Carry out what was reported, in one transition; decide again for as long as others are faster."""
        reports, self._reports, self._wants_settling = self._reports, [], False
        while True:
            change = await self._decide(reports)
            if change is None or await self._runner.commit(change):
                break
            self._instance = await self._runner.reload(self._instance.id)
        if change is not None and change.instance.revision > self._instance.revision:
            self._instance = change.instance

    async def _decide(self, reports: list[cmd.Command]) -> Transition | None:
        before, at = self._instance, self._runner.clock.now()
        definition = self._definition()
        events, after = await carry_out(
            definition,
            before,
            [evolve(report, at=at) for report in reports],
            at=at,
            ids=self._runner.ids,
            owner=None if self._runner.is_stopping else self._runner.id,
            on_refused=self._came_too_late,
        )
        return transition(before, after, events, actor=None) if events else None

    def _came_too_late(self, error: InvalidTransitionError) -> None:
        """Drop a result that nobody waits for any more: the step was canceled, or taken over."""
        logger.info("Instance %s: a result came too late. %s", self._instance.id, error)


def _is_canceled_from_outside() -> bool:
    """Tell a runner that stops a step from user code that was canceled somewhere inside itself."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _cancel(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
