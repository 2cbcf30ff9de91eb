"""JSON data: what gets in, what changed, and what a change does to data that others changed meanwhile."""

import enum
import json
import math
from collections import OrderedDict, defaultdict
from copy import deepcopy
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows_core.data import (
    MAX_BYTES,
    MAX_DEPTH,
    NO_PATCH,
    Json,
    JsonObject,
    Patch,
    apply_patch,
    copy_json,
    diff,
    pointer,
    to_json,
    to_object,
)
from workflows_core.errors import InvalidDataError
from workflows_core.testing.strategies import json_objects, json_values


def text(value: object) -> str:
    """JSON as it is stored: `1`, `1.0` and `true` differ, the order of keys does not count."""
    return json.dumps(value, sort_keys=True, allow_nan=False)


# What gets in


@given(json_values(max_leaves=20))
def test_json_comes_in_as_it_is(value: Json) -> None:
    document, size = to_json(value)

    assert text(document) == text(value)
    assert repr(document) == repr(value)
    assert size > 0


@given(json_objects())
def test_what_comes_in_is_a_copy(value: JsonObject) -> None:
    document, _ = to_object(value, what="The value")
    for container in containers(value):
        assert not any(container is other for other in containers(document))


def containers(value: Any) -> list[Any]:
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    own = [value] if isinstance(value, dict | list) else []
    return own + [container for member in members for container in containers(member)]


@given(json_values(max_leaves=20))
def test_what_came_in_once_comes_in_again(value: Json) -> None:
    document, size = to_json(value)

    assert to_json(document) == (document, size)
    assert text(copy_json(document)) == text(document)


@given(json_values(max_leaves=20))
def test_the_size_is_that_of_the_json_about(value: Json) -> None:
    """Never less than half of what is stored, nor more than a few bytes for each value."""
    _, size = to_json(value)
    encoded = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    values = encoded.count(",") + encoded.count("[") + encoded.count("{") + 1

    assert len(encoded.encode()) / 2 <= size + 12 * values
    assert size <= 3 * len(encoded.encode()) + 12 * values


class Color(enum.StrEnum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Point(NamedTuple):
    x: int
    y: float


class Shout(str):
    __slots__ = ()

    def __str__(self) -> str:
        return self.upper()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ((1, (2,)), [1, [2]]),
        (Point(1, 2.0), [1, 2.0]),
        (Color.RED, "red"),
        (Level.HIGH, 3),
        (Shout("quiet"), "quiet"),
        (OrderedDict(a=1), {"a": 1}),
        (defaultdict(list, {"a": [1]}), {"a": [1]}),
        ({Color.RED: 1}, {"red": 1}),
    ],
    ids=repr,
)
def test_what_json_can_say_becomes_plain(value: object, expected: Json) -> None:
    document, _ = to_json(value)

    assert repr(document) == repr(expected)
    for container in [document, *(document if isinstance(document, dict | list) else ())]:
        assert type(container) in {str, int, float, list, dict}


@pytest.mark.parametrize(
    ("value", "where", "why"),
    [
        ({"a": {1, 2}}, "/a", "type set"),
        ({"a": frozenset()}, "/a", "type frozenset"),
        ({"a": [0, b"x"]}, "/a/1", "type bytes"),
        ({"a": {"b": [math.nan]}}, "/a/b/0", "nan, which JSON cannot express"),
        ([math.inf], "/0", "inf"),
        ([-math.inf], "/0", "-inf"),
        ({1: "x"}, "", "key of type int"),
        ({"a": {None: "x"}}, "/a", "key of type NoneType"),
        ({"a": {("b", 1): "x"}}, "/a", "key of type tuple"),
        ({"a": {True: "x"}}, "/a", "key of type bool"),
        ({"a/b": {"~": object()}}, "/a~1b/~0", "type object"),
        ({"": [datetime(2026, 1, 1, tzinfo=UTC)]}, "//0", "type datetime"),
        ([Decimal("1.5")], "/0", "type Decimal"),
        ([Fraction(1, 2)], "/0", "type Fraction"),
        ([UUID(int=1)], "/0", "type UUID"),
        ([1j], "/0", "type complex"),
        ([iter([])], "/0", "type list_iterator"),
        ({"n": 2**63}, "/n", "beyond 64 bits"),
        ({"n": -(2**63) - 1}, "/n", "beyond 64 bits"),
        ({"n": 10**5000}, "/n", "beyond 64 bits"),
        ({"t": "a\x00b"}, "/t", "NUL"),
        ({"a\x00b": 1}, "/a\x00b", "NUL"),
        ({"t": "\ud800"}, "/t", "not valid Unicode"),
        ({"\udfff": 1}, "/\udfff", "not valid Unicode"),
        (print, "", "builtin_function_or_method"),
    ],
    ids=range(25),
)
def test_what_is_not_json_is_refused_with_its_place(value: object, where: str, why: str) -> None:
    with pytest.raises(InvalidDataError) as caught:
        to_json(value, what="The form")

    assert caught.value.pointer == where
    assert caught.value.detail.startswith("The form ")
    assert why in caught.value.detail


def circle(kind: str) -> Any:
    if kind == "list":
        items: list[Any] = []
        items.append(items)
        return items
    members: dict[str, Any] = {}
    members["self"] = [members, members]
    return members


@pytest.mark.parametrize("kind", ["list", "dict"])
def test_what_contains_itself_is_refused(kind: str) -> None:
    with pytest.raises(InvalidDataError, match=f"nests deeper than {MAX_DEPTH} levels"):
        to_json(circle(kind))
    with pytest.raises(InvalidDataError, match="deeper"):
        diff({}, {"circle": circle(kind)}, what="The data")
    with pytest.raises(InvalidDataError, match="deeper"):
        diff({}, {"a": circle("dict")} | circle("dict"), what="The data")


def nested(levels: int) -> Any:
    value: Any = 1
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value


def test_data_nests_so_deep_and_no_deeper() -> None:
    to_json(nested(MAX_DEPTH))
    for levels in (MAX_DEPTH + 1, 100_000):
        with pytest.raises(InvalidDataError, match=f"deeper than {MAX_DEPTH}"):
            to_json(nested(levels))


def test_documents_are_so_large_and_no_larger() -> None:
    to_json("x" * (MAX_BYTES - 3))
    for large in (
        "x" * MAX_BYTES,
        "ß" * (MAX_BYTES // 2),
        list(range(MAX_BYTES // 8)),
        {"a": ["x" * 1000] * 1050},
    ):
        with pytest.raises(
            InvalidDataError, match=rf"The form has \d+ bytes, more than the limit of {MAX_BYTES}"
        ):
            to_json(large, what="The form")
    assert to_json([1], limit=100)[1] < 100
    with pytest.raises(InvalidDataError, match="more than the limit of 100"):
        to_json("x" * 200, limit=100)


def test_what_is_far_too_large_is_not_measured_to_its_end() -> None:
    """A list of lists of the same list, sixty levels deep, takes no room and has no end."""
    value: list[Any] = ["x" * 100]
    for _ in range(MAX_DEPTH - 4):
        value = [value] * 10
    with pytest.raises(InvalidDataError, match="has more than 16777216 bytes"):
        to_json(value)


def test_an_object_is_asked_for() -> None:
    values: tuple[object, ...] = ([], "text", None, 1)
    for value in values:
        with pytest.raises(InvalidDataError, match=f"The data must be an object, not {type(value).__name__}"):
            to_object(value, what="The data")


@given(st.lists(st.text() | st.integers(0, 9)))
def test_pointers_lead_back_to_their_path(path: list[str | int]) -> None:
    written = pointer(tuple(path))
    parts = [part.replace("~1", "/").replace("~0", "~") for part in written.split("/")[1:]]

    assert parts == [str(part) for part in path]


# What changed

CHANGES = st.builds(lambda before, after: (before, after), json_objects(), json_objects())


@st.composite
def edits(draw: st.DrawFn) -> tuple[JsonObject, JsonObject]:
    """A document, and the same after a few changes somewhere inside."""
    before = draw(json_objects(max_leaves=20))
    after = deepcopy(before)
    for _ in range(draw(st.integers(0, 4))):
        places = [container for container in containers(after) if isinstance(container, dict)]
        place = places[draw(st.integers(0, len(places) - 1))]
        key = draw(st.sampled_from([*place, "new"]))
        if key in place and draw(st.booleans()):
            del place[key]
        else:
            place[key] = draw(json_values(max_leaves=3))
    return before, after


@given(edits() | CHANGES)
def test_a_patch_turns_one_document_into_the_other(change: tuple[JsonObject, JsonObject]) -> None:
    before, after = change
    kept = deepcopy(before)
    patch = diff(before, after, what="The data")

    assert text(apply_patch(before, patch)) == text(after)
    assert text(before) == text(kept)
    assert bool(patch) == (text(before) != text(after))


@given(edits())
def test_a_patch_holds_what_changed_and_nothing_else(change: tuple[JsonObject, JsonObject]) -> None:
    """No path stands twice or below another one, and what it changes was different before."""
    before, after = change
    patch = diff(before, after, what="The data")
    paths = [path for path, _ in patch.changed] + list(patch.deleted)

    for path in paths:
        assert sum(other[: len(path)] == path for other in paths) == 1
    for path, value in patch.changed:
        there = at(before, path)
        assert there is ABSENT or text(there) != text(value)
    for path in patch.deleted:
        assert at(before, path) is not ABSENT
        assert at(after, path) is ABSENT


ABSENT = object()


def at(data: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        if not isinstance(data, dict) or key not in data:
            return ABSENT
        data = data[key]
    return data


@given(edits())
def test_what_a_patch_does_not_touch_is_shared(change: tuple[JsonObject, JsonObject]) -> None:
    before, after = change
    patch = diff(before, after, what="The data")
    touched = {path[0] for path, _ in patch.changed} | {path[0] for path in patch.deleted}
    result = apply_patch(before, patch)

    for key, value in before.items():
        if key not in touched:
            assert result[key] is value


@given(json_objects(), json_objects(), json_objects())
def test_patches_of_different_keys_come_to_the_same_in_any_order(
    base: JsonObject, mine: JsonObject, yours: JsonObject
) -> None:
    first = diff(base, base | {f"mine {key}": value for key, value in mine.items()}, what="The data")
    second = diff(base, base | {f"yours {key}": value for key, value in yours.items()}, what="The data")

    one = apply_patch(apply_patch(base, first), second)
    other = apply_patch(apply_patch(base, second), first)
    assert text(one) == text(other)


@given(json_objects(), edits())
def test_a_patch_fits_any_data(data: JsonObject, change: tuple[JsonObject, JsonObject]) -> None:
    """Whatever another branch did meanwhile, what the patch wrote is there afterwards, and what it deleted is not."""
    patch = diff(*change, what="The data")
    kept = deepcopy(data)
    result = apply_patch(data, patch)

    assert text(data) == text(kept)
    for path, value in patch.changed:
        assert text(at(result, path)) == text(value)
    for path in patch.deleted:
        assert at(result, path) is ABSENT


def test_numbers_are_told_apart_as_json_does() -> None:
    for before, after in [
        (1, 1.0),
        (1, True),
        (0, False),
        (0.0, False),
        ([1], [True]),
        ([{"a": 1}], [{"a": 1.0}]),
    ]:
        data: JsonObject = {"x": before}  # type: ignore[dict-item]
        patch = diff(data, {"x": after}, what="The data")

        assert repr(apply_patch(data, patch)) == repr({"x": after})
    assert diff({"x": [1, {"a": None}]}, {"x": [1, {"a": None}]}, what="The data") is NO_PATCH


def test_lists_are_replaced_and_objects_are_not() -> None:
    before: JsonObject = {"list": [1, 2], "object": {"a": 1, "b": {"c": 1, "d": 2}}}
    after = {"list": [1, 2, 3], "object": {"a": 1, "b": {"c": 5}}}

    patch = diff(before, after, what="The data")
    assert patch.changed == ((("list",), [1, 2, 3]), (("object", "b", "c"), 5))
    assert patch.deleted == (("object", "b", "d"),)
    assert not NO_PATCH
    assert patch == Patch(patch.changed, patch.deleted, size=patch.size + 1)


def test_a_container_that_another_branch_replaced_is_made_anew() -> None:
    mine = diff({"a": {"b": {"c": 1}}}, {"a": {"b": {"c": 2}}}, what="The data")
    gone = diff({"a": {"b": 1}}, {"a": {}}, what="The data")

    assert apply_patch({"a": "text"}, mine) == {"a": {"b": {"c": 2}}}
    assert apply_patch({}, mine) == {"a": {"b": {"c": 2}}}
    assert apply_patch({"a": [1]}, gone) == {"a": [1]}
    assert apply_patch({}, gone) == {}


@pytest.mark.parametrize(
    ("after", "where", "why"),
    [
        ({"a": {"b": {1}}}, "/a/b", "type set"),
        ({"a": {"b": [1, math.nan]}}, "/a/b/1", "nan"),
        ({"a": {3: "x"}}, "/a", "key of type int"),
        ({3: "x"}, "", "key of type int"),
        ({"n": {"x~/": object()}}, "/n/x~0~1", "type object"),
    ],
)
def test_a_change_that_is_not_json_is_refused_with_its_place(after: Any, where: str, why: str) -> None:
    with pytest.raises(InvalidDataError) as caught:
        diff({"a": {"b": 1}}, after, what="The data")

    assert caught.value.pointer == where
    assert why in caught.value.detail


@given(edits())
def test_the_size_of_a_patch_follows_what_it_writes(change: tuple[JsonObject, JsonObject]) -> None:
    before, after = change
    patch = diff(before, after, what="The data")
    written = sum(to_json(value)[1] + sum(map(len, path)) for path, value in patch.changed)

    assert patch.size == written
