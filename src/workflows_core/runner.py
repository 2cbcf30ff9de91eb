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
import random
from collections import defaultdict
from contextlib import suppress
from datetime import timedelta
from secrets import token_urlsafe
from typing import TYPE_CHECKING, Final, TypeVar

from workflows_core import commands as cmd
from workflows_core.committer import BACKOFF, committer_for
from workflows_core.errors import StorageError
from workflows_core.messages import deliveries
from workflows_core.run import Run, cancel
from workflows_core.serving import Served, key_of
from workflows_core.states import TokenState
from workflows_core.system import SystemClock, TimeOrderedIds
from workflows_core.transition import CLAIM, LEASE, next_wake
from workflows_core.watching import Watcher

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from workflows_core.instance import Instance
    from workflows_core.messages import Message, Wait
    from workflows_core.ports import Clock, IdFactory, Storage
    from workflows_core.registry import WorkflowRegistry
    from workflows_core.transition import Transition

logger = logging.getLogger("workflows")

T = TypeVar("T")

HOUSEKEEPING: Final = 60.0
"""Seconds between looks for what is to be forgotten, and for work that nobody serves."""

HANDING_BACK: Final = 5.0
"""Seconds for giving back steps that did not finish; then the database is believed to be gone."""


class Runner:
    """Executes the machine steps of the instances in a storage.

    Attributes:
        id: Names this runner in the tokens it holds; another one after every start.
        served: The definitions that it serves.
    """

    def __init__(
        self,
        storage: Storage,
        registry: WorkflowRegistry,
        *,
        clock: Clock | None = None,
        ids: IdFactory | None = None,
        concurrency: int = 100,
        transactions: int = 4,
        poll_interval: float = 1.0,
        lease: timedelta = LEASE,
        grace: float = 10.0,
        definitions: Iterable[str] | None = None,
        watcher: Watcher | None = None,
    ) -> None:
        """Prepare a runner; it does nothing before `start`.

        Args:
            storage: Where the instances live.
            registry: The definitions it serves; others can be added with `serve`.
            clock: The time; the system's by default.
            ids: Where new task ids come from.
            concurrency: How many instances it has in hand, and steps it executes, at the same time.
            transactions: How many transactional steps are executed at the same time; each holds a connection.
            poll_interval: Seconds between looks for work that nobody told it about.
            lease: How long the runner is believed alive without a sign of life.
            grace: Seconds that steps in hand are given to finish when the runner stops.
            definitions: Serve these alone: names, or names with versions (`"expenses@1.2"`). All by default.
            watcher: Hears what other processes commit; one of its own by default.
        """
        self.id = ""
        self.storage = storage
        self.clock = clock or SystemClock()
        self.ids = ids or TimeOrderedIds()
        self.watcher = watcher or Watcher(storage)
        self.slots = asyncio.Semaphore(concurrency)
        self.transactions = asyncio.Semaphore(transactions)
        self.is_stopping = False
        self.served = Served(definitions)
        self.served.add(registry)
        self._poll_interval = poll_interval
        self._lease = lease
        self._grace = grace
        self._concurrency = concurrency
        self._runs: dict[UUID, Run] = {}
        self._loops: list[asyncio.Task[None]] = []
        self._starting = asyncio.Lock()
        self._nudged = asyncio.Event()
        self._looks_again: datetime | None = None
        """Until when the poll sleeps, unless somebody wakes it; `None` while it is awake."""
        self._has_backlog = False
        self._renewed_at = self.clock.now()

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
            self._committer = committer_for(self.storage)
            await self._enlist()
            self.watcher.listen(self._hear)
            await self.watcher.start()
            work = {"poll": self._poll, "renew": self._renew, "keep house": self._keep_house}
            self._loops = [
                asyncio.create_task(self._keep_trying(what, each), name=f"workflows-{what}")
                for what, each in work.items()
            ]

    async def stop(self) -> None:
        """Let the steps in hand finish, hand back what does not, and sign off. Stopping twice is a no-op."""
        async with self._starting:
            if not self.is_running:
                return
            self.is_stopping = True
            poll, *others = self._loops
            await cancel(poll)
            self.watcher.ignore(self._hear)
            await self._finish_runs()
            await cancel(*others)
            self._loops = []
            try:
                await self.storage.discharge(self.id)
            except StorageError:
                logger.warning("Runner %s could not sign off; its lease will end by itself.", self.id)
            await self.watcher.stop()

    async def _finish_runs(self) -> None:
        runs = [asyncio.create_task(_end_of(run)) for run in self._runs.values()]
        if runs:
            logger.info(
                "Runner %s stops: %d instances in hand, %g s to finish.", self.id, len(runs), self._grace
            )
            _, unfinished = await asyncio.wait(runs, timeout=self._grace)
            await cancel(*unfinished)
        left = [*self._runs.values()]
        if left:
            await self._hand_back(left, self.id)
        self._runs.clear()

    async def _hand_back(self, left: list[Run], owner: str) -> None:
        try:
            async with asyncio.timeout(HANDING_BACK):
                steps = await asyncio.gather(*(run.hand_back(owner) for run in left), return_exceptions=True)
        except TimeoutError:
            logger.warning("Runner %s could not give back %d instances in time.", self.id, len(left))
            return
        for run, failed in zip(left, steps, strict=True):
            if isinstance(failed, Exception):
                logger.warning("Instance %s could not be given back: %s", run.instance_id, failed)
        count = sum(each for each in steps if isinstance(each, int))
        logger.info("Runner %s gave %d steps back.", self.id, count)

    async def _enlist(self) -> None:
        self.id = token_urlsafe(9)  # 72 bits: it is written with every step
        now = self._renewed_at = self.clock.now()
        await self.storage.enlist(self.id, now + self._lease)
        await self._strike_off_others(now - self._lease)  # the living may be about to renew theirs

    async def _strike_off_others(self, moment: datetime) -> None:
        """Strike off those who are dead, or gave no sign of life until their lease ended by that moment."""
        gone = await self.storage.strike_off(moment)
        if gone:
            logger.info("Runner %s takes over from: %s.", self.id, ", ".join(sorted(gone)))
            self.nudge()

    async def _keep_trying(self, what: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do something over and over; what goes wrong is logged and tried again, with growing pauses."""
        failures = 0
        while True:
            pause = BACKOFF[min(failures, len(BACKOFF) - 1)]
            try:
                await work()
                failures = 0
                continue
            except StorageError as error:
                logger.warning(
                    "Runner %s failed to %s, trying again in %s s: %s", self.id, what, pause, error
                )
            except Exception:
                logger.exception("Runner %s failed to %s; trying again in %s s.", self.id, what, pause)
            failures += 1
            await asyncio.sleep(pause)

    async def _renew(self) -> None:
        await asyncio.sleep(self._lease.total_seconds() / 3)
        now = self.clock.now()
        if await self.storage.renew(self.id, now + self._lease):
            # Who could not renew in time knows that others perhaps could not either.
            was_late = now - self._renewed_at > self._lease
            self._renewed_at = now
            await self._strike_off_others(now - self._lease if was_late else now)
        else:
            await self._begin_anew()

    async def _begin_anew(self) -> None:
        """Be another runner from now on: this one was believed dead, and others take over what it holds."""
        lost, runs = self.id, [*self._runs.values()]
        logger.error("Runner %s lost its lease; its steps may be executed elsewhere.", lost)
        await asyncio.gather(*(run.stop() for run in runs))
        self._runs.clear()
        await self._enlist()
        await self._hand_back(runs, lost)  # what it began before it knew

    async def _keep_house(self) -> None:
        now = self.clock.now()
        await self.storage.purge(now)
        self.served.leave_alone(await self.storage.due_definitions(now) - self.served.keys)
        await asyncio.sleep(HOUSEKEEPING)

    # Finding work

    def serve(self, registry: WorkflowRegistry) -> None:
        """Serve the definitions of another registry too."""
        self.served.add(registry)

    def nudge(self) -> None:
        """Look for work now: somebody committed something that is due."""
        self._nudged.set()

    def _hear(self, instance_id: UUID | None) -> None:
        if instance_id is None:
            self.nudge()
        elif instance_id in self._runs:
            self._runs[instance_id].look_again()

    async def _poll(self) -> None:
        self._nudged.clear()
        now, served = self.clock.now(), self.served.keys
        due = await self.storage.next_due(served)
        room = self._concurrency - len(self._runs)
        is_due = due is not None and due <= now
        self._has_backlog = is_due and room <= 0
        if is_due and room > 0:
            claimed = await self.storage.claim_due(now, now + CLAIM, room, served)
            if claimed:
                await self._take_over(claimed)
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

    async def _take_over(self, claimed: Sequence[Instance]) -> None:
        """Continue instances that are due: start what is ready, what was lost again, and deliver their mail."""
        await self.served.verify(map(key_of, claimed), self.storage)
        mail = await self.mail(claimed)
        alive = await self._alive(claimed)
        for instance in claimed:
            run = self._run_of(instance)
            if run is not None:
                lost = self._lost(instance, run, alive)
                run.report([*lost, *deliveries(mail.get(instance.id, ()), self.clock.now())], instance)

    async def _alive(self, claimed: Sequence[Instance]) -> frozenset[str]:
        """Return the runners on the list; asked after the claim, so that whoever began a step is among them."""
        tokens = (token for instance in claimed for token in instance.tokens.values())
        if all(token.owner in {None, self.id} for token in tokens):
            return frozenset()
        return await self.storage.runners()

    def _lost(self, instance: Instance, run: Run, alive: frozenset[str]) -> list[cmd.LoseStep]:
        return [
            cmd.LoseStep(
                at=instance.updated_at,
                token=token.id,
                attempt=token.attempt,
                chance=random.random(),  # noqa: S311 - spreads repetitions, guards nothing
            )
            for token in instance.tokens.values()
            if token.state is TokenState.RUNNING
            and (token.owner not in alive if token.owner != self.id else token.id not in run.in_hand)
        ]

    def take(self, instance: Instance) -> None:
        """Execute the steps of an instance that this runner holds, and notice what changed in it."""
        self.watcher.announce(instance.id)
        if not self.is_running or self.is_stopping:
            return  # whoever runs next finds the steps of a runner that is gone
        if instance.id in self._runs or any(token.owner == self.id for token in instance.tokens.values()):
            run = self._run_of(instance)
            if run is not None:
                run.go_on_from(instance)
        self._expect(instance)

    def _run_of(self, instance: Instance) -> Run | None:
        """Return the run of an instance; `None` if its definition is not known here."""
        run = self._runs.get(instance.id)
        if run is None:
            definition = self.served.definition_of(instance)
            if definition is None:
                return None
            run = self._runs[instance.id] = Run(self, instance, definition)
        return run

    def forget(self, run: Run) -> None:
        """Let go of a run that has nothing in hand; where more waits to be done, there is room for it now."""
        if self._runs.get(run.instance_id) is run:
            del self._runs[run.instance_id]
        if self._has_backlog and len(self._runs) <= self._concurrency // 2:
            self.nudge()

    def holds(self, instance_id: UUID) -> bool:
        """Say whether an instance is in hand here: then nobody else changes it without telling."""
        return instance_id in self._runs

    # What runs need

    async def commit(self, change: Transition) -> bool:
        """Commit a transition together with others; return `False` if it lost."""
        applied = await self._committer.commit(self.storage, change, insists=True)
        if applied:
            self.committed(change)
        return applied

    def committed(self, change: Transition) -> None:
        """Notice what is durable now."""
        self.watcher.announce(change.instance.id)
        self._expect(change.instance)

    async def reload(self, instance_id: UUID) -> Instance:
        """Read an instance again, as soon as the storage can be reached."""

        async def read() -> Instance:
            async with self.storage.unit_of_work() as unit:
                return await unit.instances.get(instance_id)

        return await _patiently(read)

    async def mail(self, instances: Iterable[Instance]) -> Mapping[UUID, Sequence[tuple[Wait, Message]]]:
        """Return the messages that lie there for instances, by instance."""
        listening = [
            each.id for each in instances if any(token.awaits is not None for token in each.tokens.values())
        ]
        if not listening:
            return {}
        mail: dict[UUID, list[tuple[Wait, Message]]] = defaultdict(list)
        for wait, message in await _patiently(lambda: self._mail(listening)):
            mail[wait.instance_id].append((wait, message))
        return mail

    async def _mail(self, instance_ids: list[UUID]) -> Sequence[tuple[Wait, Message]]:
        async with self.storage.unit_of_work() as unit:
            return await unit.messages.find_mail(instance_ids, self.clock.now())

    async def put_off(self, claimed: Instance) -> None:
        """Let an instance rest that was claimed for nothing; what somebody executes is looked at again."""
        now = self.clock.now()
        until = next_wake(claimed, now)
        if any(token.state is TokenState.RUNNING for token in claimed.tokens.values()):
            later = now + self._lease
            until = until if until is not None and now < until < later else later
        if until is None or until > now:
            with suppress(StorageError):  # it stays due when its lease ends
                await self.storage.put_off(claimed, until)


async def _patiently(work: Callable[[], Awaitable[T]]) -> T:
    """Do something, again and again for as long as the storage cannot be reached."""
    failures = 0
    while True:
        try:
            return await work()
        except StorageError as error:
            pause = BACKOFF[min(failures, len(BACKOFF) - 1)]
            failures += 1
            logger.debug("The storage cannot be read, trying again in %s s: %s", pause, error)
            await asyncio.sleep(pause)


async def _end_of(run: Run) -> None:
    await run.ended.wait()


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):  # `wait_for` may swallow a cancellation (CPython issue 86296)
            await event.wait()
