"""The watcher: lets callers of one process wait for changes of instances, whichever process makes them."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from uuid import UUID

    from workflows_core.ports import Changes, Storage


class Watcher:
    """Hears of the changes in a storage, and passes them on.

    Hints may be missing (see `Storage.changes`): whoever waits here looks again after a while by himself.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._watches: dict[UUID, set[asyncio.Event]] = defaultdict(set)
        self._onlookers: set[asyncio.Event] = set()
        self._listeners: list[Callable[[UUID | None], None]] = []
        self._changes: Changes | None = None
        self._stack = AsyncExitStack()
        self._starting = asyncio.Lock()

    async def start(self) -> None:
        """Begin to hear. Starting twice is a no-op."""
        async with self._starting:
            if self._changes is None:
                self._changes = await self._stack.enter_async_context(self._storage.changes(self._hear))

    async def stop(self) -> None:
        """Hear no more. Stopping twice is a no-op."""
        async with self._starting:
            self._changes = None
            await self._stack.aclose()

    def listen(self, heard: Callable[[UUID | None], None]) -> None:
        """Pass on everything that is heard, as `Storage.changes` does."""
        self._listeners.append(heard)

    def ignore(self, heard: Callable[[UUID | None], None]) -> None:
        """End `listen`."""
        with suppress(ValueError):
            self._listeners.remove(heard)

    def _hear(self, instance_id: UUID | None) -> None:
        if instance_id is not None:
            self.announce(instance_id)
        for heard in [*self._listeners]:
            heard(instance_id)

    def announce(self, instance_id: UUID) -> None:
        """Tell those who watch an instance that it changed."""
        for changed in (*self._watches.get(instance_id, ()), *self._onlookers):
            changed.set()

    @asynccontextmanager
    async def watch(self, instance_id: UUID, *, elsewhere: bool = True) -> AsyncIterator[Watch]:
        """Watch an instance for as long as the context is open.

        Args:
            instance_id: The instance.
            elsewhere: Whether other processes may change it soon. What this one changes is announced anyway.
        """
        changed = asyncio.Event()
        self._watches[instance_id].add(changed)
        try:
            yield Watch(changed, instance_id, self._changes if elsewhere else None)
        finally:
            watches = self._watches[instance_id]
            watches.discard(changed)
            if not watches:
                del self._watches[instance_id]

    @asynccontextmanager
    async def watch_all(self) -> AsyncIterator[Watch]:
        """Watch all instances for as long as the context is open."""
        changed = asyncio.Event()
        self._onlookers.add(changed)
        try:
            yield Watch(changed, None, self._changes)
        finally:
            self._onlookers.discard(changed)


class Watch:
    """The eye on one instance, or on all."""

    def __init__(self, changed: asyncio.Event, instance_id: UUID | None, changes: Changes | None) -> None:
        self._changed = changed
        self._instance_id = instance_id
        self._changes = changes

    async def begin(self) -> None:
        """Take what was changed so far as seen. Whoever looks now misses nothing later."""
        self._changed.clear()
        if self._changes is not None:
            await self._changes.watch(self._instance_id)

    async def changed(self, seconds: float) -> None:
        """Wait until something changed since `begin`, at most so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()

    @property
    def has_changed(self) -> bool:
        """Whether anything changed since `begin`."""
        return self._changed.is_set()
