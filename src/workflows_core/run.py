"""One instance in the hands of a runner: its steps being executed, and what they reported."""

from __future__ import annotations

import asyncio
import logging
from contextvars import copy_context
from typing import TYPE_CHECKING

from workflows_core import commands as cmd
from workflows_core import user_code
from workflows_core.committer import BACKOFF
from workflows_core.errors import InvalidTransitionError, StorageError
from workflows_core.messages import deliveries
from workflows_core.settling import carry_out
from workflows_core.states import TokenState
from workflows_core.steps import BaseMachineStep
from workflows_core.transition import transition
from workflows_core.values import changed

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable
    from uuid import UUID

    from workflows_core.definitions import WorkflowDefinition
    from workflows_core.instance import Instance, Token
    from workflows_core.ports import UnitOfWork
    from workflows_core.runner import Runner
    from workflows_core.transition import Transition

logger = logging.getLogger("workflows")


class Run:
    """One instance in the hands of a runner. It ends when nothing of it is in hand any more.

    Each step is executed in a task of its own. Whoever has news settles them: commits, and begins what is held then.
    News that come while somebody settles are left to him. So a step that has ended commits itself and begins the next
    one, and nobody has to be woken for it.

    Attributes:
        ended: Set once nothing is in hand any more.
    """

    def __init__(self, runner: Runner, instance: Instance, definition: WorkflowDefinition) -> None:
        self.ended = asyncio.Event()
        self._runner = runner
        self._instance = instance
        self._definition = definition
        self._executing: dict[int, asyncio.Task[None]] = {}
        self._reports: list[cmd.Command] = []
        self._settling: asyncio.Task[None] | None = None
        self._has_news = False
        self._wants_settling = False
        self._is_stale = False
        self._claimed: Instance | None = None
        self._context = copy_context()  # no step sees what another one put into its own
        self._name = f"workflows-run-{instance.id}"

    @property
    def instance_id(self) -> UUID:
        """The instance."""
        return self._instance.id

    @property
    def in_hand(self) -> frozenset[int]:
        """The tokens whose steps are executed here, or whose results wait to be committed."""
        return frozenset(self._executing) | {
            report.token for report in self._reports if isinstance(report, _RESULTS)
        }

    # What the runner tells

    def go_on_from(self, instance: Instance) -> None:
        """Go on from a state of the instance that was just committed; what is held then begins at once."""
        self._advance(instance)
        if self._settling is None and not self._is_stale and not self._wants_settling:
            self._align_or_end()  # there is nothing to wait for, so it takes no task
        else:
            self._tell()

    def report(self, commands: Iterable[cmd.Command], claimed: Instance | None = None) -> None:
        """Bring commands to be carried out with the next commit; none means: just see what is ready.

        `claimed` is the instance as the runner claimed it: it is put off if there turns out to be nothing to do.
        """
        self._bring(commands)
        if claimed is not None:
            self._advance(claimed)
            self._claimed = claimed
        self._tell()

    def look_again(self) -> None:
        """Somebody elsewhere changed the instance: see what is left to be done here."""
        self._is_stale = True
        self._tell()

    async def hand_back(self, owner: str) -> int:
        """Stop, commit what is done, and give back what `owner` holds still; return how many steps that are.

        A step that is given back is begun again by whoever takes it, and does not count as lost.
        """
        await self.stop()
        self._instance = await self._runner.reload(self._instance.id)
        done = self.in_hand
        given_back = [
            cmd.LoseStep(
                at=self._instance.updated_at, token=token.id, attempt=token.attempt, handed_back=True
            )
            for token in self._instance.tokens.values()
            if token.state is TokenState.RUNNING and token.owner == owner and token.id not in done
        ]
        self._bring(given_back)
        await self._commit()
        self._runner.take(self._instance)
        return len(given_back)

    async def stop(self) -> None:
        """Stop executing, and whoever settles; what was reported and not committed is kept."""
        tasks = [*self._executing.values(), *([] if self._settling is None else [self._settling])]
        self._end()
        await cancel(*tasks)

    # Settling

    def _bring(self, commands: Iterable[cmd.Command]) -> None:
        self._reports += commands
        self._wants_settling = True

    def _tell(self) -> None:
        """There are news: let somebody settle them."""
        self._has_news = True
        if self._settling is None and not self.ended.is_set():
            self._settling = self._begin(self._settle())

    def _begin(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        return asyncio.create_task(work, name=self._name, context=self._context.copy())

    async def _settle(self) -> None:
        """Commit what was reported and execute what is held then, until there are no more news."""
        try:
            while self._has_news:
                self._has_news = False
                if self._is_stale:
                    await self._see()
                if self._wants_settling:
                    await self._commit()
                self._align()
        except asyncio.CancelledError:
            self._end()
            raise
        except Exception:
            logger.exception(_GIVEN_UP, self._instance.id)
            self._end()
        else:
            if not self._executing:
                self._end()
        finally:
            self._settling = None

    def _align_or_end(self) -> None:
        try:
            self._align()
        except Exception:
            logger.exception(_GIVEN_UP, self._instance.id)
            self._end()
        else:
            if not self._executing:
                self._end()

    def _end(self) -> None:
        self.ended.set()
        self._runner.forget(self)
        for step in self._executing.values():
            step.cancel()
        self._executing.clear()

    async def _see(self) -> None:
        """Look at what others changed."""
        self._is_stale = False
        self._advance(await self._runner.reload(self._instance.id))
        self._wants_settling = True

    def _advance(self, instance: Instance) -> None:
        """Go on from a state of the instance, unless a newer one is known."""
        if instance.revision > self._instance.revision:
            self._instance = instance

    def _align(self) -> None:
        """Execute what this runner holds and has not in hand yet; stop what it no longer holds."""
        held = {token.id: token for token in self._instance.tokens.values() if self._holds(token)}
        for number in self._executing.keys() - held.keys():
            self._executing.pop(number).cancel()
        in_hand = self.in_hand
        for number, token in held.items():
            if number not in in_hand and not self._runner.is_stopping:
                execute = self._execute_joined if self._is_transactional(token) else self._execute
                self._executing[number] = self._begin(execute(token))

    def _holds(self, token: Token) -> bool:
        return token.state is TokenState.RUNNING and token.owner == self._runner.id

    def _is_transactional(self, token: Token) -> bool:
        step = self._definition.graph.nodes[token.step].step
        return isinstance(step, BaseMachineStep) and step.transactional

    # Executing

    async def _execute(self, token: Token) -> None:
        node = self._definition.graph.nodes[token.step]
        try:
            async with self._runner.slots:
                report = await user_code.execute(node, self._instance, token, self._runner.clock.now)
        except asyncio.CancelledError as error:
            if _is_canceled_from_outside():
                raise
            report = user_code.UserCodeError("execute", error).as_command(token, self._runner.clock.now())
        await self._executed(token, [report])

    async def _executed(self, token: Token, reports: list[cmd.Command]) -> None:
        """Bring the result of a step, if it is still ours, and settle it in its own task unless somebody else does."""
        task = asyncio.current_task()
        if self._executing.get(token.id) is not task:
            return
        del self._executing[token.id]
        self._bring(reports)
        self._has_news = True
        if self._settling is None:
            self._settling = task
            if self._executing:  # what ends at the same time is committed at the same time
                await asyncio.sleep(0)
            await self._settle()

    async def _execute_joined(self, token: Token) -> None:
        """Execute a step in the transaction that commits it; again, if that failed and left nothing."""
        failures = 0
        while self._executing.get(token.id) is asyncio.current_task():
            try:
                report = await self._in_transaction(token)
            except asyncio.CancelledError as error:
                if _is_canceled_from_outside():
                    raise
                report = user_code.UserCodeError("execute", error).as_command(token, self._runner.clock.now())
            except StorageError as error:
                pause = BACKOFF[min(failures, len(BACKOFF) - 1)]
                failures += 1
                logger.warning(
                    "Instance %s: the transaction of step %r failed, trying again in %s s: %s",
                    self._instance.id, token.step, pause, error,
                )  # fmt: skip
                await asyncio.sleep(pause)
                self._advance(await self._runner.reload(self._instance.id))
                self._tell()
                if self._still_holds(token):
                    continue
                report = None  # it was committed: only the answer was lost
            await self._executed(token, [] if report is None else [report])

    def _still_holds(self, token: Token) -> bool:
        now = self._instance.tokens.get(token.id)
        return now is not None and self._holds(now) and now.attempt == token.attempt

    async def _in_transaction(self, token: Token) -> cmd.Command | None:
        """Execute a step and commit it; return `None` then, and the report where nothing was to be committed."""
        node = self._definition.graph.nodes[token.step]
        runner = self._runner
        async with runner.slots, runner.transactions, runner.storage.unit_of_work() as unit:
            report = await user_code.execute(node, self._instance, token, runner.clock.now, unit.session)
            if not isinstance(report, cmd.CompleteStep):
                return report
            change = await self._apply_joined(unit, report)
            if change is None:
                return None
            await unit.commit()
        runner.committed(change)
        self._advance(change.instance)
        return None

    async def _apply_joined(self, unit: UnitOfWork, report: cmd.CompleteStep) -> Transition | None:
        """Apply the completion of a step, whatever else moved on; `None` if the step is not ours any more.

        What asks user code is settled afterwards, outside the transaction.
        """
        instance = self._instance
        while True:
            try:
                change = await self._decide(instance, [report], refuses=True, asks=False)
            except InvalidTransitionError as error:
                self._came_too_late(error)
                return None
            assert change is not None  # noqa: S101 - a completion is never nothing
            if not await unit.apply([change]):
                return change
            instance = await unit.instances.get(instance.id)

    # Committing

    async def _commit(self) -> None:
        """Carry out what was reported, in one transition; decide again for as long as others are faster."""
        reports, self._reports, self._wants_settling = self._reports, [], False
        claimed, self._claimed = self._claimed, None
        try:
            while True:
                change = await self._decide(self._instance, reports)
                if change is None or await self._runner.commit(change):
                    break
                self._instance = await self._runner.reload(self._instance.id)
                reports = await self._without_mail(reports)
        except asyncio.CancelledError:
            self._reports = reports + self._reports
            raise
        if change is not None:
            self._advance(change.instance)
        elif claimed is not None and claimed.revision == self._instance.revision:
            await self._runner.put_off(claimed)

    async def _without_mail(self, reports: list[cmd.Command]) -> list[cmd.Command]:
        """Take messages out that somebody else may have taken, and put in those that lie there now."""
        kept = [report for report in reports if not isinstance(report, cmd.DeliverMessage)]
        if len(kept) == len(reports):
            return reports
        mail = await self._runner.mail([self._instance])
        return kept + deliveries(mail.get(self._instance.id, ()), self._runner.clock.now())

    async def _decide(
        self, before: Instance, reports: list[cmd.Command], *, refuses: bool = False, asks: bool = True
    ) -> Transition | None:
        at = max(self._runner.clock.now(), before.updated_at)
        events, after = await carry_out(
            self._definition,
            before,
            [changed(report, at=at) for report in reports],
            at=at,
            ids=self._runner.ids,
            owner=None if self._runner.is_stopping else self._runner.id,
            on_refused=None if refuses else self._came_too_late,
            asks=asks,
        )
        if not events:
            return None
        actors = {report.actor for report in reports}
        actor = actors.pop() if len(actors) == 1 else None
        return transition(before, after, events, actor=actor, searchable=self._definition.searchable)

    def _came_too_late(self, error: InvalidTransitionError) -> None:
        """Drop a result that nobody waits for any more: the step was canceled, or taken over."""
        logger.info("Instance %s: a result came too late. %s", self._instance.id, error)


_GIVEN_UP = "Instance %s could not be continued; it will be taken up again when its lease ends."
_RESULTS = cmd.CompleteStep | cmd.SkipStep | cmd.FailStep


def _is_canceled_from_outside() -> bool:
    """Tell a runner that stops a step from user code that was canceled somewhere inside itself."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def cancel(*tasks: asyncio.Task[None]) -> None:
    """Cancel tasks and wait until they ended."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
