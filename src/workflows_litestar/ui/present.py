"""Data as people read it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workflows_core.data import Json, JsonObject


@frozen
class Fact:
    """Something that is known, to be shown beside its name.

    Attributes:
        label: What it is called.
        value: What it is.
        is_long: Whether it takes lines of its own.
    """

    label: str
    value: Json
    is_long: bool


def facts(data: Mapping[str, Json], schema: JsonObject | None = None) -> list[Fact]:
    """Return what data says; a schema tells what the members are called."""
    properties = (schema or {}).get("properties")
    titles = properties if isinstance(properties, dict) else {}
    return [
        Fact(_label(name, titles.get(name)), _titled(value, titles.get(name)), _is_long(value))
        for name, value in data.items()
    ]


def _titled(value: Json, schema: object) -> Json:
    """Return what people call a value that was chosen out of several."""
    options = schema.get("oneOf") if isinstance(schema, dict) else None
    for option in options if isinstance(options, list) else []:
        if (
            isinstance(option, dict)
            and "const" in option
            and option["const"] == value
            and option.get("title")
        ):
            return option["title"]  # type: ignore[no-any-return]
    return value


def _label(name: str, schema: object) -> str:
    title = schema.get("title") if isinstance(schema, dict) else None
    if isinstance(title, str) and title:
        return title
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def _is_long(value: Json) -> bool:
    if isinstance(value, dict | list):
        return bool(value)
    return isinstance(value, str) and (len(value) > 80 or "\n" in value)


def value_text(value: Json) -> str:
    """Write a plain value; what is put together is written as JSON."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    if isinstance(value, dict | list):
        return json_text(value) if value else "–"
    return str(value)


def json_text(value: object) -> str:
    """Write any JSON, readable."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)
