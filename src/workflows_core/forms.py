"""Forms: submitted data checked against JSON Schema.

Schemas are compiled once and kept. A reference to another document (`http:`, `file:`) is an error in
the schema and never fetched. Patterns run on an engine without backtracking, so no pattern and
no text can take exponential time; look-around and back-references do not exist there.
"""

from __future__ import annotations

import json
import marshal
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import Final, TypeAlias

from jsonschema_rs import RegexOptions, ValidationError, ValidationErrorKind, Validator, validator_for

from workflows_core.data import Json, JsonObject, pointer, to_object
from workflows_core.errors import FormProblem, InvalidDataError
from workflows_core.ports import FormValidator

MAX_SCHEMA_BYTES: Final = 256 * 1024
"""How large a schema may be, in (approximate) bytes of JSON; `data.MAX_DEPTH` says how deep."""

MAX_PROBLEMS: Final = 100
"""How many problems one check reports: more help nobody."""

_Path: TypeAlias = tuple[str | int, ...]


class JsonSchemaValidator:
    """The `FormValidator` of the core: JSON Schema, drafts 4 to 2020-12 (the default).

    A missing property is reported where it should be (`/approved`), and one that is not allowed
    where it is, so that a form can show each problem beside its field.
    """

    def check_schema(self, schema: Mapping[str, object]) -> str | None:
        """Return what is wrong with a schema, in one sentence; `None` if it is usable."""
        compiled = _compiled(schema)
        return compiled if isinstance(compiled, str) else None

    def problems(self, schema: Mapping[str, object], data: JsonObject) -> tuple[FormProblem, ...]:
        """Return everything in the data that the schema does not allow, in the order of the pointers.

        At most `MAX_PROBLEMS` are returned. Data for a schema that is not usable fits never.
        """
        compiled = _compiled(schema)
        if isinstance(compiled, str):
            return (FormProblem("", f"The form itself cannot be used: {compiled}"),)
        if compiled.is_valid(data):
            return ()
        found = {FormProblem(pointer(path), detail): path for path, detail in _all_details(compiled, data)}
        return tuple(islice(sorted(found, key=lambda problem: _order(found[problem])), MAX_PROBLEMS))


JSON_SCHEMA: Final[FormValidator] = JsonSchemaValidator()
"""The validator that is used where no other is given."""


def _compiled(schema: object) -> Validator | str:
    """Return the schema ready for use, or what is wrong with it."""
    try:
        return _compiled_once(marshal.dumps(schema))  # type: ignore[arg-type]  # or it says so
    except ValueError:  # not made of plain values
        return _checked(schema)


@lru_cache(maxsize=512)
def _compiled_once(written: bytes) -> Validator | str:
    """Do so for what `marshal` wrote: to tell that way whether a schema is known takes a tenth of checking it again."""
    return _checked(marshal.loads(written))  # noqa: S302 - what this process wrote a moment ago


def _checked(schema: object) -> Validator | str:
    plain = dict(schema) if isinstance(schema, Mapping) else schema
    try:
        document, _size = to_object(plain, what="The schema", limit=MAX_SCHEMA_BYTES)
    except InvalidDataError as error:
        return f"{error}."
    return _compile(json.dumps(document, sort_keys=True))


@lru_cache(maxsize=512)
def _compile(text: str) -> Validator | str:
    asked: list[str] = []

    def deny(uri: str) -> Json:
        asked.append(uri)
        raise LookupError(uri)

    try:
        return validator_for(
            text,
            validate_formats=True,
            pattern_options=RegexOptions(),
            retriever=deny,
        )
    except ValidationError as error:
        if asked:
            return f"It refers to {_short(asked[0])}, and other documents are never fetched."
        return _complaint(error)
    except ValueError as error:
        return f"{_short(str(error), quote=False)}."


def _complaint(error: ValidationError) -> str:
    """Say what the schema of schemas has against a schema."""
    if isinstance(error.kind, ValidationErrorKind.Referencing):
        return f"{_short(error.message, quote=False)}."
    path, detail = next(_details(error))
    return f"At {pointer(path) or 'the top level'}: {detail}"


def _order(path: _Path) -> list[tuple[bool, int, str]]:
    return [(True, 0, part) if isinstance(part, str) else (False, part, "") for part in path]


def _all_details(validator: Validator, data: JsonObject) -> Iterator[tuple[_Path, str]]:
    for error in validator.iter_errors(data):
        yield from _details(error)


def _details(error: ValidationError) -> Iterator[tuple[_Path, str]]:
    """Say in words, and where, what one error of the library means; it may be several problems."""
    path, kind = tuple(error.instance_path), error.kind
    match kind:
        case ValidationErrorKind.Required(property=name):
            yield (*path, name), f"{_short(name)} is required."
        case ValidationErrorKind.AdditionalProperties(unexpected=names) | (
            ValidationErrorKind.UnevaluatedProperties(unexpected=names)
        ):
            for name in names:
                yield (*path, name), f"{_short(name)} is not expected here."
        case ValidationErrorKind.PropertyNames(error=inner):
            for _path, detail in _details(inner):
                yield path, f"The name {_short(inner.instance)} is not allowed: {detail}"
        case (
            ValidationErrorKind.AnyOf(context=branches) | ValidationErrorKind.OneOfNotValid(context=branches)
        ):
            yield from _alternatives(path, branches)
        case _:
            sentence = _SENTENCES.get(type(kind))
            yield path, sentence(kind) if sentence else f"{_short(error.message, quote=False)}."


def _alternatives(path: _Path, branches: list[list[ValidationError]]) -> Iterator[tuple[_Path, str]]:
    """Where data fits none of several schemas, speak of the only one that is meant for its type."""
    meant, types = [], []
    for branch in branches:
        wrong = [error.kind for error in branch if tuple(error.instance_path) == path]
        mistyped = [kind for kind in wrong if isinstance(kind, ValidationErrorKind.Type)]
        types += [name for kind in mistyped for name in kind.types]
        if not mistyped:
            meant.append(branch)
    if len(meant) == 1:
        for error in meant[0]:
            yield from _details(error)
    elif not meant and types:
        yield path, _typed(types)
    else:
        yield path, "Must fit one of the forms that are allowed here, and fits none."


def _short(value: object, *, quote: bool = True, limit: int = 80) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    text = text if len(text) <= limit else text[: limit - 1] + "…"
    return repr(text) if quote and isinstance(value, str) else text


def _typed(types: list[str]) -> str:
    return f"Must be {' or '.join(_TYPES.get(name, name) for name in dict.fromkeys(types))}."


def _count(limit: int, one: str, many: str) -> str:
    return f"{limit} {one if limit == 1 else many}"


def _one_of(options: list[Json]) -> str:
    shown = ", ".join(_short(option, limit=40) for option in options[:20])
    return f"Must be one of: {shown}{', …' if len(options) > 20 else ''}."


_TYPES: Final = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "null",
    "number": "a number",
    "object": "an object",
    "string": "text",
}

_FORMATS: Final = {
    "date": "a date such as 2026-11-24",
    "date-time": "a date and time with time zone, such as 2026-11-24T16:30:00Z",
    "duration": "a duration such as P3D or PT2H",
    "email": "an e-mail address",
    "hostname": "a host name",
    "idn-email": "an e-mail address",
    "ipv4": "an IPv4 address",
    "ipv6": "an IPv6 address",
    "regex": "a regular expression without look-around and back-references",
    "time": "a time with time zone, such as 16:30:00Z",
    "uri": "a web address such as https://example.com/",
    "uuid": "a UUID",
}

_Kind = ValidationErrorKind
_SENTENCES: Final[dict[type[ValidationErrorKind], Callable[..., str]]] = {
    _Kind.Type: lambda kind: _typed(kind.types),
    _Kind.Enum: lambda kind: _one_of(kind.options),
    _Kind.Constant: lambda kind: f"Must be {_short(kind.expected_value)}.",
    _Kind.Format: lambda kind: f"Must be {_FORMATS.get(kind.format, f'of the format {kind.format}')}.",
    _Kind.Pattern: lambda kind: f"Must match the pattern {_short(kind.pattern)}.",
    _Kind.MinLength: lambda kind: f"Must have at least {_count(kind.limit, 'character', 'characters')}.",
    _Kind.MaxLength: lambda kind: f"Must have at most {_count(kind.limit, 'character', 'characters')}.",
    _Kind.Minimum: lambda kind: f"Must be at least {kind.limit}.",
    _Kind.Maximum: lambda kind: f"Must be at most {kind.limit}.",
    _Kind.ExclusiveMinimum: lambda kind: f"Must be more than {kind.limit}.",
    _Kind.ExclusiveMaximum: lambda kind: f"Must be less than {kind.limit}.",
    _Kind.MultipleOf: lambda kind: f"Must be a multiple of {kind.multiple_of}.",
    _Kind.MinItems: lambda kind: f"Must have at least {_count(kind.limit, 'item', 'items')}.",
    _Kind.MaxItems: lambda kind: f"Must have at most {_count(kind.limit, 'item', 'items')}.",
    _Kind.UniqueItems: lambda _kind: "Must not hold the same item twice.",
    _Kind.Contains: lambda _kind: "Must hold an item of the kind that is asked for.",
    _Kind.AdditionalItems: lambda kind: f"Must have at most {_count(kind.limit, 'item', 'items')}.",
    _Kind.UnevaluatedItems: lambda _kind: "Holds items that are not expected here.",
    _Kind.MinProperties: lambda kind: f"Must have at least {_count(kind.limit, 'field', 'fields')}.",
    _Kind.MaxProperties: lambda kind: f"Must have at most {_count(kind.limit, 'field', 'fields')}.",
    _Kind.OneOfMultipleValid: lambda _kind: (
        "Must fit exactly one of the forms that are allowed here, and fits several."
    ),
    _Kind.Not: lambda _kind: "Has a value that is not allowed.",
    _Kind.FalseSchema: lambda _kind: "Is not expected here.",
}
"""What a person reads; the library's own message shows the whole value and speaks of keywords."""
