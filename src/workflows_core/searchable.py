"""What instances are found by in their data: the values at the paths that their definition declares.

Every storage compares them as texts, made here: two values have the same text if and only if they are the same JSON. So `1`
and `1.0` are one number, and neither is the text `"1"`.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Final, NoReturn, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

    from workflows_core.data import Json, JsonObject

Scalar: TypeAlias = str | int | float | bool | None
"""What can be found: values that hold no others."""

Values: TypeAlias = "tuple[tuple[str, str | None], ...]"
"""Pairs of path and text; `None` where there is nothing to be found any more."""

_LONGEST: Final = 255
"""Longer texts are digested: databases index them, and no index takes a text of any length."""


def parts_of(path: str) -> tuple[str, ...]:
    """Return the keys that a path leads through: those of objects, separated by dots."""
    return tuple(path.split("."))


def text_of(value: Scalar) -> str:
    """Return the text that a value is compared by."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"#{sha256(text.encode()).hexdigest()}"


def read_value(text: str) -> Scalar:
    """Return the value that somebody means who writes this.

    A number, `true`, `false` and `null` are what they are in JSON, and so is text in quotes; all else is text.
    """
    try:
        value = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return text
    is_storable = isinstance(value, int | float | None) or (isinstance(value, str) and _is_unicode(value))
    return value if is_storable else text


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a pair, written as an escape
        return False
    return True


def _refuse(_: str) -> NoReturn:
    raise ValueError  # NaN and Infinity are no JSON


def changed_values(paths: Iterable[str], before: JsonObject | None, after: JsonObject) -> Values:
    """Return what is to be found otherwise than before, at these paths; `before` is `None` at the start."""
    if before is after:
        return ()
    then = {} if before is None else before
    found = ((path, _text_at(then, path), _text_at(after, path)) for path in paths)
    return tuple((path, new) for path, old, new in found if new != old)


def _text_at(data: JsonObject, path: str) -> str | None:
    """Return the text of what is at a path; `None` if it is nothing, or nothing that can be found."""
    value: Json = data
    for key in parts_of(path):
        if not isinstance(value, dict) or key not in value:
            return None
        value = value[key]
    return None if isinstance(value, list | dict) else text_of(value)
