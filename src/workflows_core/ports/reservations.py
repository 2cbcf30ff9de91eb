"""Keys under which requests are answered once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from workflows_core.reservations import Reservation


class ReservationRepository(Protocol):
    """The keys that are reserved for requests, with what was answered."""

    async def find(self, key: str) -> Reservation | None:
        """Return what is reserved under a key, expired or not; `None` if nothing is, or it was forgotten."""
        ...

    async def swap(self, old: Reservation | None, new: Reservation) -> bool:
        """Put a reservation in the place of another one under the same key; `None` stands for nothing.

        Return `False`, and write nothing, if something else is there than `old`: nothing, or one of another holder, or
        one that has an answer where `old` has none or the other way round. Of many who put something in the place of
        the same one at the same time, one succeeds.
        """
        ...
