"""JSON data: checked once where it enters, never changed in place, patched by value.

Instance data is plain JSON (`dict`, `list`, `str`, `int`, `float`, `bool`, `None`). It is
checked and copied by `to_json` when it enters; past that point everybody shares the same
objects and nobody mutates them. A change is a `Patch`; `apply_patch` copies only the
containers on the way to what changed.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from attrs import field, frozen

from workflows_core.errors import InvalidDataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Json: TypeAlias = dict[str, "Json"] | list["Json"] | str | int | float | bool | None
    JsonObject: TypeAlias = dict[str, Json]
else:  # a recursive alias cannot be resolved at run time, where converters read it
    Json: TypeAlias = Any
    JsonObject: TypeAlias = dict[str, Any]

Path: TypeAlias = tuple[str, ...]

MAX_DEPTH: Final = 64
"""How deeply containers may nest; deeper data is refused before it can exhaust a stack."""

MAX_BYTES: Final = 1024 * 1024
"""How large one document may be, in (approximate) bytes of JSON."""

_INT_LIMIT: Final = 2**63


def pointer(path: tuple[str | int, ...]) -> str:
    """Write a path as a JSON pointer (RFC 6901); the empty path is the empty string."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def to_json(value: object, *, what: str = "The value", limit: int = MAX_BYTES) -> tuple[Json, int]:
    """Check that a value is JSON and copy it; return the copy and its approximate size in bytes.

    Tuples become lists and subclasses of the scalar types their plain value, so that a value
    is the same before and after it was stored.

    Raises:
        InvalidDataError: If something in it is not JSON (with the pointer to it and its type),
            nests deeper than `MAX_DEPTH`, or the whole is larger than `limit` bytes.
    """
    if value is None or value is True or value is False:
        return value, 5
    document, size = _copied(value, what, limit)
    if size > limit:
        raise _too_large(value, what, limit)
    return document, size


def _copied(value: object, what: str, limit: int) -> tuple[Json, int]:
    size = 0

    def copy(item: Any, path: tuple[str | int, ...]) -> Json:
        nonlocal size
        if size > limit:
            raise _too_large(value, what, limit)
        kind = type(item)
        if item is None or kind is bool:
            size += 5
            return item  # type: ignore[no-any-return]
        if isinstance(item, str):
            text = str.__str__(item)
            size += len(text) + 3 if text.isascii() else _utf8_size(text, path, what) + 3
            if "\x00" in text:
                raise InvalidDataError(
                    pointer(path), f"{what} contains a NUL character, which cannot be stored"
                )
            return text
        if isinstance(item, int):
            if not -_INT_LIMIT <= item < _INT_LIMIT:
                raise InvalidDataError(
                    pointer(path), f"{what} contains an integer beyond 64 bits; send it as text"
                )
            size += 8
            return int(item)
        if isinstance(item, float):
            if not math.isfinite(item):
                raise InvalidDataError(pointer(path), f"{what} contains {item!r}, which JSON cannot express")
            size += 12
            return float(item)
        if len(path) >= MAX_DEPTH:
            raise InvalidDataError(pointer(path[:4]) + "/…", f"{what} nests deeper than {MAX_DEPTH} levels")
        size += 2
        if isinstance(item, dict):
            result: JsonObject = {}
            for key, member in item.items():
                if not isinstance(key, str):
                    raise InvalidDataError(
                        pointer(path), f"{what} has a key of type {type(key).__name__}; JSON keys are text"
                    )
                result[copy(key, (*path, key))] = copy(member, (*path, key))  # type: ignore[index]
            return result
        if isinstance(item, list | tuple):
            return [copy(member, (*path, index)) for index, member in enumerate(item)]
        raise InvalidDataError(
            pointer(path), f"{what} contains a value of type {kind.__qualname__}, which is not JSON"
        )

    return copy(value, ()), size


def _too_large(value: object, what: str, limit: int) -> InvalidDataError:
    return InvalidDataError("", f"{what} has {_measured(value)} bytes, more than the limit of {limit}")


def _measured(value: object) -> str:
    """Say how large a value is that is too large, for the one who has to make it smaller."""
    size, rest = 0, [value]
    while rest and size <= _UNMEASURED:
        item = rest.pop()
        if isinstance(item, str):
            size += len(item.encode(errors="replace")) + 3
        elif isinstance(item, dict):
            size += 2
            rest += [*item.keys(), *item.values()]
        elif isinstance(item, list | tuple):
            size += 2
            rest += item
        else:
            size += 12 if isinstance(item, float) else 8 if isinstance(item, int) else 5
    return f"more than {_UNMEASURED}" if rest else str(size)


_UNMEASURED: Final = 16 * MAX_BYTES
"""What is larger is not measured: the same list many times over takes no room, and more time than anybody has."""


def to_object(value: object, *, what: str, limit: int = MAX_BYTES) -> tuple[JsonObject, int]:
    """Like `to_json`, for data that must be a JSON object."""
    document, size = to_json(value, what=what, limit=limit)
    if not isinstance(document, dict):
        raise InvalidDataError("", f"{what} must be an object, not {type(value).__name__}")
    return document, size


def _utf8_size(text: str, path: tuple[str | int, ...], what: str) -> int:
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        raise InvalidDataError(pointer(path), f"{what} contains text that is not valid Unicode") from None


def copy_json(value: Json) -> Json:
    """Copy JSON that is already known to be JSON; scalars are shared."""
    if isinstance(value, dict):
        return {
            key: copy_json(member) if isinstance(member, dict | list) else member
            for key, member in value.items()
        }
    if isinstance(value, list):
        return [copy_json(member) if isinstance(member, dict | list) else member for member in value]
    return value


@frozen
class Patch:
    """What a step changed in the data of its instance.

    Attributes:
        changed: Pairs of path and new value, in the order in which they apply.
        deleted: Paths that are no longer there.
        size: Approximate bytes of JSON written; what an instance owes to its next snapshot.
    """

    changed: tuple[tuple[Path, Json], ...] = ()
    deleted: tuple[Path, ...] = ()
    size: int = field(default=0, eq=False, repr=False)

    def __bool__(self) -> bool:
        return bool(self.changed or self.deleted)


NO_PATCH: Final = Patch()


def diff(before: Mapping[str, Json], after: Mapping[str, object], *, what: str) -> Patch:
    """Return the patch that turns `before` into `after`; objects are compared member by member.

    Lists are compared whole: a position means nothing to somebody who changed another one.

    Raises:
        InvalidDataError: If a changed value is not JSON.
    """
    changed: list[tuple[Path, Json]] = []
    deleted: list[Path] = []
    size = 0
    for path, value in _differences(before, after, ()):
        if value is _GONE:
            deleted.append(path)
            continue
        try:
            document, bytes_ = to_json(value, what=what)
        except InvalidDataError as error:
            raise InvalidDataError(pointer(path) + error.pointer, error.detail) from None
        changed.append((path, document))
        size += bytes_ + sum(map(len, path))
    if not changed and not deleted:
        return NO_PATCH
    return Patch(tuple(changed), tuple(deleted), size)


_GONE: Final = object()


def _differences(
    before: Mapping[str, Json], after: Mapping[Any, object], path: Path
) -> Iterator[tuple[Path, object]]:
    if len(path) >= MAX_DEPTH:
        raise InvalidDataError(pointer(path[:4]) + "/…", f"data nests deeper than {MAX_DEPTH} levels")
    for key in before:
        if key not in after:
            yield (*path, key), _GONE
    for key, new in after.items():
        if not isinstance(key, str):
            detail = f"data has a key of type {type(key).__name__}; JSON keys are text"
            raise InvalidDataError(pointer(path), detail)
        if key not in before:
            yield (*path, key), new
            continue
        old = before[key]
        if old is new:
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            yield from _differences(old, new, (*path, key))
        elif not _same(old, new):
            yield (*path, key), new


def _same(old: Json, new: object) -> bool:
    """Equality as JSON sees it: `1`, `1.0` and `True` are three values."""
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(_same, old, new))
    if isinstance(old, dict) and isinstance(new, dict):
        return old.keys() == new.keys() and all(_same(old[key], new[key]) for key in old)
    return type(old) is type(new) and old == new


def apply_patch(data: Mapping[str, Json], patch: Patch) -> JsonObject:
    """Return the data with the patch applied; what it does not touch is shared with `data`.

    Where a container on the way is missing or no longer an object (another branch replaced
    it), it is made anew: the later commit wins.
    """
    result = dict(data)
    for path in patch.deleted:
        _write(result, path, _GONE)
    for path, value in patch.changed:
        _write(result, path, value)
    return result


def _write(root: JsonObject, path: Path, value: Any) -> None:
    node = root
    for key in path[:-1]:
        child = node.get(key)
        if isinstance(child, dict):
            child = dict(child)
        elif value is _GONE:
            return
        else:
            child = {}
        node[key] = child
        node = child
    if value is _GONE:
        node.pop(path[-1], None)
    else:
        node[path[-1]] = value
