"""A storage in memory: for tests, scripts and trying things out. It is gone with the process."""

from workflows_core.memory.changes import MemoryChanges
from workflows_core.memory.storage import MemoryStorage
from workflows_core.memory.unit_of_work import MemoryUnitOfWork

__all__ = ["MemoryChanges", "MemoryStorage", "MemoryUnitOfWork"]
