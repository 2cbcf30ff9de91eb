"""What a process holds once: the runner of each storage, and the way from a URL to a storage."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from importlib.metadata import entry_points
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from workflows_core.errors import StorageError
from workflows_core.runner import Runner
from workflows_core.watching import Watcher

if TYPE_CHECKING:
    from workflows_core.ports import Clock, IdFactory, Storage
    from workflows_core.registry import WorkflowRegistry

_remembered: WeakKeyDictionary[Hashable, set[tuple[str, str, str]]] = WeakKeyDictionary()
_runners: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Hashable, Runner]] = WeakKeyDictionary()
_watchers: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Hashable, Watcher]] = WeakKeyDictionary()


async def runner_for(
    storage: Storage, registry: WorkflowRegistry, *, clock: Clock | None = None, ids: IdFactory | None = None
) -> Runner:
    """Return the running runner of a storage in this event loop; start it if this is the first call.

    However many engines are made for one database (one per request, say), they share one runner. It serves
    the definitions of all their registries.
    """
    runners = _runners.setdefault(asyncio.get_running_loop(), {})
    runner = runners.get(storage.identity)
    if runner is None:
        runner = runners[storage.identity] = Runner(storage.detached(), registry, clock=clock, ids=ids)
    runner.serve(registry)
    if not runner.is_running:
        await runner.start()
    return runner


def running_runner(storage: Storage) -> Runner | None:
    """Return the runner of a storage in this event loop if it runs already."""
    runner = _runners.get(asyncio.get_running_loop(), {}).get(storage.identity)
    return runner if runner is not None and runner.is_running else None


async def watcher_for(storage: Storage) -> Watcher:
    """Return the watcher of a storage in this event loop, started: that of its runner, if one runs."""
    runner = running_runner(storage)
    if runner is not None:
        return runner.watcher
    watchers = _watchers.setdefault(asyncio.get_running_loop(), {})
    watcher = watchers.get(storage.identity)
    if watcher is None:
        watcher = watchers[storage.identity] = Watcher(storage.detached())
    await watcher.start()
    return watcher


async def stop_runner(storage: Storage) -> None:
    """Stop the runner of a storage in this event loop, and what watches there, if there is any."""
    runner = _runners.get(asyncio.get_running_loop(), {}).pop(storage.identity, None)
    if runner is not None:
        await runner.stop()
    watcher = _watchers.get(asyncio.get_running_loop(), {}).pop(storage.identity, None)
    if watcher is not None:
        await watcher.stop()


async def stop_runners() -> None:
    """Stop all runners of this event loop; steps in hand finish or are handed back."""
    runners = _runners.pop(asyncio.get_running_loop(), {})
    watchers = _watchers.pop(asyncio.get_running_loop(), {})
    await asyncio.gather(*(runner.stop() for runner in runners.values()))
    await asyncio.gather(*(watcher.stop() for watcher in watchers.values()))


def remembered_in(storage: Storage) -> set[tuple[str, str, str]]:
    """Return the definitions (name, version, content hash) that this process knows to be stored there."""
    return _remembered.setdefault(storage.identity, set())


def open_storage(database: object) -> Storage:
    """Open the storage for a database URL, or for what an adapter knows how to use (an engine, say).

    Adapters announce themselves under the entry point group `workflows.storages`: a callable that takes the
    database and returns a storage, or `None` if it is not its kind.

    Raises:
        StorageError: If no installed adapter knows it.
    """
    for announced in entry_points(group="workflows.storages"):
        storage: Storage | None = announced.load()(database)
        if storage is not None:
            return storage
    what = database.partition("://")[0] if isinstance(database, str) else type(database).__name__
    msg = (
        f"No installed storage knows {what!r}. Use a URL such as sqlite+aiosqlite:///workflows.db or "
        "postgresql+asyncpg://user@host/name, and install the extra for it: workflows-litestar[db] or [postgres]."
    )
    raise StorageError(msg)
