"""Places in a list, and pages of it.

A list is paged by its order: the next page begins after the last entry that was seen. However much is added or removed
in the meantime, nothing is shown twice and nothing that stayed is passed over.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Generic, Self, TypeAlias, TypeVar
from uuid import UUID

from attrs import frozen

from workflows_core.errors import InvalidDataError

T = TypeVar("T")
Key: TypeAlias = tuple[datetime | int, ...]
"""What a list is sorted by, before the id."""


@frozen
class Cursor:
    """The place after an entry of a list. For others it is a text to be handed back (`str`, `parse`).

    Attributes:
        order: The order of the list.
        key: What the entry is sorted by.
        id: The id of the entry, which comes last in every order.
    """

    order: str
    key: Key
    id: UUID

    def __str__(self) -> str:
        """Write it as text of letters, digits, `-` and `_`."""
        key = [each if isinstance(each, int) else each.isoformat() for each in self.key]
        document = json.dumps([self.order, *key, self.id.hex], separators=(",", ":"))
        return urlsafe_b64encode(document.encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str` wrote.

        Raises:
            InvalidDataError: If it is nothing of the kind.
        """
        try:
            document = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
            order, *key, id_ = document
            return cls(str(order), tuple(map(_read, key)), UUID(hex=id_))
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise InvalidDataError("", "This is no place in a list: begin at its front") from error


def check_place(place: Cursor | None, order: str, kinds: tuple[type, ...]) -> None:
    """Refuse a place in a list of another order, or with another key than one of these kinds.

    Raises:
        InvalidDataError: If it is one.
    """
    if place is not None and (place.order != order or tuple(map(type, place.key)) != kinds):
        raise InvalidDataError("", "This place belongs to a list in another order: begin at its front")


def _read(value: object) -> datetime | int:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63:
        return value
    moment = datetime.fromisoformat(value)  # type: ignore[arg-type]  # a TypeError says the same
    if moment.tzinfo is None:
        raise ValueError
    return moment


@frozen
class Page(Generic[T]):
    """A part of a list.

    Attributes:
        items: The entries, in order.
        next: Where the next page begins; `None` if this was the last one.
    """

    items: tuple[T, ...]
    next: Cursor | None
