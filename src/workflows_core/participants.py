"""Who has a part in an instance: as keys that can be kept, compared and looked up alike everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

ANYONE: Final = "anyone"
"""The key of everybody."""


def user_key(name: str) -> str:
    """Return the key of a user."""
    return f"user:{name}"


def group_key(name: str) -> str:
    """Return the key of the members of a group."""
    return f"group:{name}"


def keys_of(user_id: str | None, groups: Iterable[str], *, anyone: bool = True) -> tuple[str, ...]:
    """Return all keys under which somebody is found; sorted, so that equal persons give equal keys."""
    keys = {group_key(name) for name in groups}
    if user_id is not None:
        keys.add(user_key(user_id))
        if anyone:
            keys.add(ANYONE)
    return tuple(sorted(keys))
