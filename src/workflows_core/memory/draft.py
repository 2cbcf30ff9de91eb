"""What one transaction has written, over what is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workflows_core.memory.tables import Tables

if TYPE_CHECKING:
    import asyncio


class Draft:
    """What a transaction sees.

    Attributes:
        stored: What is committed.
        written: What the transaction has written and not committed.
    """

    def __init__(self, stored: Tables, writing: asyncio.Lock) -> None:
        self.stored = stored
        self.written = Tables()
        self._writing = writing
        self._is_writing = False

    async def writable(self) -> Tables:
        """Wait until nobody else writes, and return where to write."""
        if not self._is_writing:
            await self._writing.acquire()
            self._is_writing = True
        return self.written

    def drop(self) -> None:
        """Forget what was written, and let others write."""
        self.written = Tables()
        if self._is_writing:
            self._is_writing = False
            self._writing.release()
