"""The real clock and the real ids."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from uuid import UUID


class SystemClock:
    """The time of this machine."""

    def now(self) -> datetime:
        """Return the present moment, in UTC."""
        return datetime.now(UTC)


class TimeOrderedIds:
    """UUIDs of version 7 (RFC 9562, section 5.7): unguessable, and in the order they were made.

    Ids that grow land at the end of an index instead of all over it.
    """

    def new_id(self) -> UUID:
        """Return a new id: 48 bits of milliseconds since the epoch, then 74 random ones."""
        milliseconds = int(datetime.now(UTC).timestamp() * 1000)
        value = (milliseconds & (2**48 - 1)) << 80 | secrets.randbits(80)
        value = value & ~(0xF << 76) | 0x7 << 76
        return UUID(int=value & ~(0b11 << 62) | 0b10 << 62)

    def new_secret(self) -> str:
        """Return 256 random bits, as text for URLs."""
        return secrets.token_urlsafe(32)
