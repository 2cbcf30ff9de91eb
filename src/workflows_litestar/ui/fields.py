"""JSON Schemas as forms: which fields a person sees.

The subset of JSON Schema that forms are written in becomes fields of its own kinds; anything beyond becomes a
field for JSON text, so that every schema can be filled in. Whether what was entered fits is decided elsewhere
(the `FormValidator` port), by the whole schema: a field only says how something is entered.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, TypeAlias

from attrs import evolve, frozen

from workflows_core.data import Json, JsonObject, pointer

MAX_NESTING: Final = 8
"""How deeply fields nest; what lies deeper is entered as JSON."""

PREFIX: Final = "data"
"""What the names of all fields begin with."""

Path: TypeAlias = tuple[str | int, ...]


class FieldKind(StrEnum):
    """How something is entered."""

    TEXT = "text"
    TEXTAREA = "textarea"
    EMAIL = "email"
    DATE = "date"
    MOMENT = "moment"
    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    OBJECT = "object"
    LIST = "list"
    JSON = "json"


@frozen
class Choice:
    """One of several values.

    Attributes:
        value: The value itself.
        label: What people read.
        text: What the form sends for it: its position.
    """

    value: Json
    label: str
    text: str


@frozen(kw_only=True)
class Field:
    """One thing to be entered.

    Attributes:
        path: Where its value lies in the data.
        kind: How it is entered.
        label: What people read beside it.
        hint: More about it; may be empty.
        is_required: Whether it must be filled in.
        default: The value it begins with; `None` for none.
        choices: For `choice`: the values.
        fields: For `object`: what it consists of.
        item: For `list`: what each item is; its path ends in 0.
        bounds: Limits for the browser to help with (`min`, `max`, `maxlength`, …), as HTML attributes.
    """

    path: Path
    kind: FieldKind
    label: str
    hint: str = ""
    is_required: bool = False
    default: Json = None
    choices: tuple[Choice, ...] = ()
    fields: tuple[Field, ...] = ()
    item: Field | None = None
    bounds: Mapping[str, str] = {}

    @property
    def pointer(self) -> str:
        """The JSON pointer to its value."""
        return pointer(self.path)

    @property
    def name(self) -> str:
        """What the form sends it under; never empty, since browsers do not send what has no name."""
        return PREFIX + self.pointer

    def at(self, index: int) -> Field:
        """Return the field of one item of a list."""
        assert self.item is not None  # noqa: S101 - only lists are asked
        return moved(self.item, len(self.path), index)


def moved(field: Field, place: int, index: int) -> Field:
    """Return a field of an item as that of another item: `place` is where in the path the item's number stands."""
    path = (*field.path[:place], index, *field.path[place + 1 :])
    fields = tuple(moved(each, place, index) for each in field.fields)
    item = None if field.item is None else moved(field.item, place, index)
    return evolve(field, path=path, fields=fields, item=item)


def form_of(schema: JsonObject | None) -> Field:
    """Return the form for a schema: an `object` field with the fields in it, or one for JSON."""
    if schema is None:
        return Field(path=(), kind=FieldKind.JSON, label="", hint="Any JSON object.", default={})
    form = _field(schema, (), required=True, root=schema)
    if form.kind in {FieldKind.OBJECT, FieldKind.JSON}:
        return form
    return Field(path=(), kind=FieldKind.JSON, label=form.label, hint=form.hint, default={})


def _field(schema: object, path: Path, *, required: bool, root: JsonObject) -> Field:
    said = _resolved(schema, root)
    kind = FieldKind.JSON if said is None or len(path) > MAX_NESTING else _kind(said)
    said = said or {}
    name = next((part for part in reversed(path) if isinstance(part, str)), "")
    common: dict[str, Any] = {
        "path": path,
        "label": _text(said.get("title")) or name.replace("_", " ").capitalize(),
        "hint": _text(said.get("description")),
        "is_required": required,
        "default": said.get("default"),
    }
    match kind:
        case FieldKind.CHOICE:
            return Field(kind=kind, choices=_choices(said), **common)
        case FieldKind.OBJECT:
            return Field(kind=kind, fields=_members(said, path, root), **common)
        case FieldKind.LIST:
            item = _field(said.get("items", {}), (*path, 0), required=True, root=root)
            return Field(kind=kind, item=item, **common)
    return Field(kind=kind, bounds=_bounds(said, kind), **common)


_BEYOND: Final = frozenset({
    "allOf", "anyOf", "not", "if", "then", "else", "patternProperties", "dependentSchemas", "prefixItems",
    "unevaluatedProperties", "$dynamicRef",
})  # fmt: skip
"""Keywords that no field of a kind of its own does justice to."""


def _kind(schema: JsonObject) -> FieldKind:
    if "enum" in schema or "const" in schema or _is_titled_choice(schema.get("oneOf")):
        return FieldKind.CHOICE
    if "oneOf" in schema or _BEYOND & schema.keys():
        return FieldKind.JSON
    match schema.get("type"):
        case "string":
            return _kind_of_text(schema)
        case "number":
            return FieldKind.NUMBER
        case "integer":
            return FieldKind.INTEGER
        case "boolean":
            return FieldKind.BOOLEAN
        case "array" if isinstance(schema.get("items"), dict):
            return FieldKind.LIST
        case "object" if isinstance(schema.get("properties"), dict) and schema["properties"]:
            return FieldKind.OBJECT
        case None if isinstance(schema.get("properties"), dict) and schema["properties"]:
            return FieldKind.OBJECT
    return FieldKind.JSON


_LONG: Final = 200
"""From how many allowed characters on a text gets several lines."""


def _kind_of_text(schema: JsonObject) -> FieldKind:
    match schema.get("format"):
        case "date":
            return FieldKind.DATE
        case "date-time":
            return FieldKind.MOMENT
        case "email" | "idn-email":
            return FieldKind.EMAIL
        case "textarea" | "multiline":
            return FieldKind.TEXTAREA
    limit = schema.get("maxLength")
    is_long = isinstance(limit, int) and limit > _LONG
    return (
        FieldKind.TEXTAREA if is_long or schema.get("contentMediaType") == "text/markdown" else FieldKind.TEXT
    )


def _is_titled_choice(options: object) -> bool:
    return (
        isinstance(options, list)
        and bool(options)
        and all(isinstance(option, dict) and "const" in option for option in options)
    )


def _choices(schema: dict[str, Any]) -> tuple[Choice, ...]:
    if "enum" in schema or "const" in schema:
        values = schema.get("enum", [schema.get("const")])
        pairs = [(value, _label(value)) for value in values]
    else:
        options = schema["oneOf"]
        pairs = [(each["const"], _text(each.get("title")) or _label(each["const"])) for each in options]
    return tuple(Choice(value, label, str(index)) for index, (value, label) in enumerate(pairs))


def _label(value: Json) -> str:
    return value if isinstance(value, str) else "none" if value is None else str(value)


def _members(schema: JsonObject, path: Path, root: JsonObject) -> tuple[Field, ...]:
    properties, required = schema["properties"], schema.get("required")
    names = required if isinstance(required, list) else []
    assert isinstance(properties, dict)  # noqa: S101 - `_kind` has looked
    return tuple(
        _field(each, (*path, name), required=name in names, root=root) for name, each in properties.items()
    )


def _bounds(schema: JsonObject, kind: FieldKind) -> Mapping[str, str]:
    attributes = {"minimum": "min", "maximum": "max", "minLength": "minlength", "maxLength": "maxlength"}
    bounds = {
        html: str(schema[key]) for key, html in attributes.items() if isinstance(schema.get(key), int | float)
    }
    if kind is FieldKind.INTEGER:
        bounds["step"] = "1"
    elif kind is FieldKind.NUMBER:
        bounds["step"] = "any"
    return bounds


def _resolved(schema: object, root: JsonObject) -> JsonObject | None:
    """Follow references within the document; `None` for what is no schema of an object's form."""
    seen: set[str] = set()
    while isinstance(schema, dict) and isinstance(schema.get("$ref"), str):
        reference = schema["$ref"]
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        if reference in seen or not reference.startswith("#"):
            return None
        seen.add(reference)
        target = _at(root, reference)
        if not isinstance(target, dict):
            return None
        schema = {**target, **beside}
    return schema if isinstance(schema, dict) else None


def _at(root: JsonObject, reference: str) -> Json:
    node: Json = root
    for part in reference.removeprefix("#").split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if not isinstance(node, dict) or key not in node:
            return None
        node = node[key]
    return node


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
