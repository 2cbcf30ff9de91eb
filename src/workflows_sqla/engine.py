"""The engine on a database, with or without the caller's session."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from sqlalchemy import event

from workflows_core.committer import committer_for
from workflows_core.engine import ExecutionEngine
from workflows_core.hosting import runner_for, running_runner
from workflows_sqla.session import SessionStorage

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from sqlalchemy.ext.asyncio import AsyncSession
    from sqlalchemy.orm import Session

    from workflows_core.definitions import WorkflowDefinition
    from workflows_core.ports import Clock, FormValidator, IdFactory, Storage
    from workflows_core.registry import WorkflowRegistry
    from workflows_core.runner import Runner
    from workflows_core.transition import Transition


class PersistentExecutionEngine(ExecutionEngine):
    """The engine on SQL.

    With a `session` it works on that session; the machine steps run on connections of their own, taken from
    the engine the session is bound to. With a `storage` it opens its own transactions.
    """

    def __init__(
        self,
        registry: WorkflowRegistry,
        session: AsyncSession | None = None,
        *,
        storage: Storage | None = None,
        autocommit: bool = True,
        clock: Clock | None = None,
        ids: IdFactory | None = None,
        forms: FormValidator | None = None,
        runs_steps: bool = True,
    ) -> None:
        """Make an engine; cheap enough to do so for every request.

        Args:
            registry: The definitions it knows.
            session: The caller's session, bound to an `AsyncEngine`.
            storage: Where the instances live, instead of a session.
            autocommit: Commit the session at the end of every command. If not, a command joins the caller's
                transaction: the caller commits, and only then do steps begin.
            clock: The time; the system's by default.
            ids: Where ids come from; time-ordered UUIDs by default.
            forms: Checks submitted data; JSON Schema by default.
            runs_steps: Whether machine steps run in this process. If not, they wait for a worker.

        Raises:
            TypeError: Unless exactly one of `session` and `storage` is given.
        """
        if session is not None and storage is None:
            storage = SessionStorage(session, autocommit=autocommit)
        elif session is not None or storage is None:
            msg = "Give PersistentExecutionEngine either a session or a storage."
            raise TypeError(msg)
        self._session = session
        self._autocommit = autocommit
        super().__init__(
            registry,
            storage,
            clock=clock,
            ids=ids,
            forms=forms,
            runs_steps=runs_steps,
        )

    async def _runner(self) -> Runner | None:
        """Return the runner, but start none while the caller's transaction may hold the write lock it needs."""
        if self.runs_steps and self._session is not None and self._session.in_transaction():
            return running_runner(self.storage)
        return await super()._runner()

    async def _owner(self) -> str | None:
        return await super()._owner() if self._autocommit else None

    @property
    def _is_alone(self) -> bool:
        if self._session is None:
            return super()._is_alone
        return self._autocommit and not self._session.in_transaction()

    async def _flush(self, change: Transition) -> bool:
        """Write on the session where it has a transaction; nobody else's transitions belong there."""
        if self._session is not None and not self._is_alone:
            return not await self.storage.flush([change])
        return await committer_for(self.storage).commit(self.storage.detached(), change)

    async def _committed(self, change: Transition, definition: WorkflowDefinition | None) -> None:
        if self._autocommit:
            await super()._committed(change, definition)
        elif self.runs_steps and self._session is not None:
            _after_commit(self._session, self._nudge)

    async def _nudge(self) -> None:
        """See to what the caller has just committed."""
        (await runner_for(self.storage, self.registry, clock=self.clock, ids=self._ids)).nudge()


_PENDING: Final = "workflows_after_commit"
"""Under this key of `session.info` stands what is to be done after the commit."""

_running: set[asyncio.Task[None]] = set()
"""Tasks that nobody awaits; the event loop alone would not keep them alive."""


def _after_commit(session: AsyncSession, work: Callable[[], Coroutine[None, None, None]]) -> None:
    """Do something once the session's transaction is committed; not at all if it is rolled back."""
    loop = asyncio.get_running_loop()
    if _PENDING not in session.info:
        event.listen(session.sync_session, "after_commit", _begin_pending)
        event.listen(session.sync_session, "after_rollback", _drop_pending)
    session.info[_PENDING] = lambda: _run(loop, work)


def _begin_pending(session: Session) -> None:
    if not session.in_nested_transaction():  # a savepoint that is released is no commit yet
        session.info[_PENDING]()
        _drop_pending(session)


def _drop_pending(session: Session) -> None:
    if not session.in_nested_transaction():
        session.info[_PENDING] = lambda: None


def _run(loop: asyncio.AbstractEventLoop, work: Callable[[], Coroutine[None, None, None]]) -> None:
    def begin() -> None:
        task = asyncio.create_task(work())
        _running.add(task)
        task.add_done_callback(_running.discard)

    loop.call_soon(begin)
