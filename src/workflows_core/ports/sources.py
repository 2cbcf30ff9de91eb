"""Where time and ids come from."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from uuid import UUID


class Clock(Protocol):
    """Where the time comes from."""

    def now(self) -> datetime:
        """Return the present moment, aware and in UTC."""
        ...


class IdFactory(Protocol):
    """Where ids come from."""

    def new_id(self) -> UUID:
        """Return an id that was never returned before, anywhere."""
        ...

    def new_secret(self) -> str:
        """Return text that nobody can guess, of characters that need no quoting in a URL."""
        ...
