"""What a person entered: from the fields of a submitted form to data, and from data to what fields show.

Nothing that was typed is lost: what cannot be read is kept as it is, with a complaint that stands beside its field.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final, TypeAlias

from attrs import frozen

from workflows_core.data import Json, JsonObject
from workflows_core.errors import FormProblem
from workflows_litestar.ui.fields import Choice, Field, FieldKind

Submitted: TypeAlias = Mapping[str, str]
"""Field name to text, as the browser sent it."""

MAX_ITEMS: Final = 500
"""How many items of one list are read."""

NOTHING: Final = object()


@frozen
class Entered:
    """What came of a submitted form.

    Attributes:
        data: The data that could be read.
        problems: What could not be read, with the pointer to its field.
    """

    data: JsonObject
    problems: tuple[FormProblem, ...]


def read(form: Field, submitted: Submitted) -> Entered:
    """Read a submitted form; empty fields are left out, for the schema to say which must not be."""
    problems: list[FormProblem] = []
    value = _read(form, submitted, problems)
    if value is NOTHING:
        value = {}
    if not isinstance(value, dict):
        problems.append(FormProblem("", "Must be an object, such as {}."))
        value = {}
    return Entered(value, tuple(problems))


def _read(field: Field, submitted: Submitted, problems: list[FormProblem]) -> object:
    """Return the value of a field, `NOTHING` where nothing was entered."""
    match field.kind:
        case FieldKind.OBJECT:
            return _read_object(field, submitted, problems)
        case FieldKind.LIST:
            return _read_list(field, submitted, problems)
    text = submitted.get(field.name, "")
    if text.strip() == "":
        return NOTHING
    try:
        return _parse(field, text)
    except ValueError as error:
        problems.append(FormProblem(field.pointer, str(error)))
        return NOTHING


def _read_object(field: Field, submitted: Submitted, problems: list[FormProblem]) -> object:
    if not (field.is_required or _is_entered(field, submitted)):
        return NOTHING
    values = {str(each.path[-1]): _read(each, submitted, problems) for each in field.fields}
    return {name: value for name, value in values.items() if value is not NOTHING}


def _read_list(field: Field, submitted: Submitted, problems: list[FormProblem]) -> object:
    """Read the items; those in which nothing was entered (the spare row of a page without scripts) are left out."""
    fields = [field.at(index) for index in _indexes(field, submitted)]
    values = [_read(each, submitted, problems) for each in fields if _is_entered(each, submitted)]
    items = [value for value in values if value is not NOTHING]
    return items if items or field.is_required else NOTHING


def _is_entered(field: Field, submitted: Submitted) -> bool:
    """Say whether anything stands in a field, or in one of those in it."""
    return any(
        text.strip() != "" and (name == field.name or name.startswith(field.name + "/"))
        for name, text in submitted.items()
    )


def _indexes(field: Field, submitted: Submitted) -> list[int]:
    """Return the numbers of the items that were sent."""
    prefix = field.name + "/"
    found = {name[len(prefix) :].partition("/")[0] for name in submitted if name.startswith(prefix)}
    return sorted(int(number) for number in found if number.isdecimal() and len(number) < 6)[:MAX_ITEMS]


def _parse(field: Field, text: str) -> Json:
    match field.kind:
        case FieldKind.NUMBER:
            return _number(text)
        case FieldKind.INTEGER:
            return _integer(text)
        case FieldKind.BOOLEAN:
            return _boolean(text)
        case FieldKind.CHOICE:
            return _chosen(field.choices, text)
        case FieldKind.MOMENT:
            return _moment(text)
        case FieldKind.JSON:
            return _json(text)
        case FieldKind.TEXTAREA:
            return text.replace("\r\n", "\n")
    return text


def _number(text: str) -> float:
    if re.fullmatch(r"[0-9]{1,18}", text.strip().lstrip("-")):
        return _integer(text)  # exactly, where a float would round
    try:
        number = math.nan if "_" in text else float(text.strip())
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError("Must be a number, such as 12.5.")
    return number


def _integer(text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,4000}", text.strip()):
        raise ValueError("Must be a whole number, such as 12.")
    return int(text)


def _boolean(text: str) -> bool:
    try:
        return {"true": True, "false": False}[text]
    except KeyError:
        raise ValueError("Must be yes or no.") from None


def _chosen(choices: tuple[Choice, ...], text: str) -> Json:
    for choice in choices:
        if choice.text == text:
            return choice.value
    raise ValueError("Must be one of the choices.")


def _moment(text: str) -> str:
    """Read a moment: what the browser sends has no zone and is taken for UTC; one that was typed may have its own."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError("Must be a date and time, such as 2026-11-24T16:30.") from None
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return aware.isoformat().replace("+00:00", "Z")


def _json(text: str) -> Json:
    try:
        value: Json = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        place = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise ValueError(f"Must be JSON{place}.") from None
    return value


def _refuse(constant: str) -> Json:
    raise ValueError(constant)


def shown(form: Field, data: Json = None) -> dict[str, str]:
    """Return what the fields of a form show: field name to text; as a browser would send it.

    Without data that is what they begin with: the defaults.
    """
    return dict(_shown(form, _begun(form) if data is None else data))


def _begun(field: Field) -> Json:
    """Return the default of a field, put together of those of its members where it has none itself."""
    if field.kind is not FieldKind.OBJECT or field.default is not None:
        return field.default
    members = {str(each.path[-1]): _begun(each) for each in field.fields}
    return {name: value for name, value in members.items() if value is not None} or None


def _shown(field: Field, value: object) -> Iterator[tuple[str, str]]:
    if field.kind is FieldKind.OBJECT:
        members = value if isinstance(value, dict) else {}
        for each in field.fields:
            if each.path[-1] in members:
                yield from _shown(each, members[each.path[-1]])
        return
    if field.kind is FieldKind.LIST:
        for index, item in enumerate(value if isinstance(value, list) else []):
            yield from _shown(field.at(index), item)
        return
    text = _written(field, value)
    if text is not None:
        yield field.name, text


def _written(field: Field, value: object) -> str | None:
    match field.kind:
        case FieldKind.JSON:
            return json.dumps(value, indent=2, ensure_ascii=False)
        case FieldKind.CHOICE:
            return next((choice.text for choice in field.choices if _equal(choice.value, value)), None)
        case FieldKind.BOOLEAN:
            return {True: "true", False: "false"}.get(value) if isinstance(value, bool) else None
        case FieldKind.MOMENT if isinstance(value, str):
            return _in_utc(value)
        case FieldKind.NUMBER if isinstance(value, float):
            return repr(value)
    return None if value is None else str(value)


def _in_utc(text: str) -> str:
    """Write a moment as browsers want it, without its zone; what is none is shown as it is."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    if moment.tzinfo is None:
        return text
    try:
        return moment.astimezone(UTC).isoformat().removesuffix("+00:00")
    except OverflowError:
        return text


def _equal(one: Json, other: object) -> bool:
    return type(one) is type(other) and one == other


def items_of(field: Field, entries: Submitted, *, spare: bool = True) -> list[Field]:
    """Return the fields of a list's items as they are on the page, with an empty one to spare."""
    indexes = _indexes(field, entries)
    if spare:
        indexes.append(indexes[-1] + 1 if indexes else 0)
    return [field.at(index) for index in indexes]
