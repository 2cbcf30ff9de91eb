"""Filling in forms at random: data that fits a JSON Schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from workflows_core.data import Json, JsonObject
from workflows_core.errors import WorkflowError
from workflows_core.forms import JSON_SCHEMA

if TYPE_CHECKING:
    from random import Random

Schema = Mapping[str, Any]

ATTEMPTS: Final = 50
"""How often a form is filled in before it is given up."""


class UnfillableFormError(WorkflowError):
    """No data was found that fits a schema: it asks for more than the words that are understood here."""

    def __init__(self, subject: str, detail: str) -> None:
        self.subject = subject
        super().__init__(
            f"No data was found for {subject} by chance: {detail} Give it yourself, as the choice for the step."
        )


def form_data(schema: Schema | None, random: Random, *, subject: str = "the form") -> JsonObject:
    """Return an object that fits a schema; an empty one where there is no schema.

    Types, enumerations, limits, formats, required and optional properties, alternatives and references within the
    schema are understood. What comes out is checked by the validator that checks what people submit.

    Raises:
        UnfillableFormError: If nothing was found that fits, as with a `pattern`.
    """
    if schema is None:
        return {}
    detail = "it asks for no object."
    for attempt in range(ATTEMPTS):
        data = _Filler(schema, random, keep=attempt % 2 == 0).value(schema)
        if isinstance(data, dict):
            problems = JSON_SCHEMA.problems(schema, data)
            if not problems:
                return data
            detail = f"at {problems[0].pointer or 'the top level'}: {problems[0].detail}"
    raise UnfillableFormError(subject, detail)


class _Filler:
    """Makes values for parts of one schema. `keep` fills in optional properties rather than leaving them out."""

    def __init__(self, root: Schema, random: Random, *, keep: bool) -> None:
        self._root = root
        self._random = random
        self._keep = keep
        self._depth = 0

    def value(self, schema: Any) -> Json:
        if not isinstance(schema, Mapping):
            return None
        self._depth += 1
        try:
            return self._chosen(self._merged(schema))
        finally:
            self._depth -= 1

    def _merged(self, schema: Schema) -> dict[str, Any]:
        """Follow references, and choose among alternatives: one schema with all that is to hold."""
        merged = {key: part for key, part in schema.items() if key not in {"$ref", "allOf", "anyOf", "oneOf"}}
        parts = list(schema.get("allOf", ()))
        parts += [self._random.choice(schema[word]) for word in ("anyOf", "oneOf") if schema.get(word)]
        if "$ref" in schema and self._depth < 20:
            parts.append(self._referred(str(schema["$ref"])))
        for part in filter(_is_schema, parts):
            for key, rule in self._merged(part).items():
                known = merged.get(key)
                if isinstance(known, Mapping) and isinstance(rule, Mapping):
                    merged[key] = {**known, **rule}
                elif key == "required":
                    merged[key] = [*(known or ()), *rule]
                else:
                    merged[key] = rule
        return merged

    def _referred(self, reference: str) -> Any:
        part: Any = self._root
        for key in reference.removeprefix("#").split("/")[1:]:
            name = key.replace("~1", "/").replace("~0", "~")
            part = part.get(name) if isinstance(part, Mapping) else None
        return part

    def _chosen(self, schema: dict[str, Any]) -> Json:
        if "const" in schema:
            return schema["const"]  # type: ignore[no-any-return]
        for word in ("enum", "examples"):
            if schema.get(word):
                return self._random.choice(list(schema[word]))  # type: ignore[no-any-return]
        kind = schema.get("type") or next(
            (kind for word, kind in _TELLING.items() if word in schema), "string"
        )
        if not isinstance(kind, str):
            kind = self._random.choice(list(kind))
        return _MAKERS[kind](self, schema) if kind in _MAKERS else None

    def object(self, schema: Schema) -> Json:
        required = tuple(schema.get("required", ()))
        parts: dict[str, Any] = {**schema.get("properties", {})}
        parts |= {name: {} for name in required if name not in parts}
        return {
            name: self.value(part) for name, part in parts.items() if name in required or self._wants_more()
        }

    def array(self, schema: Schema) -> Json:
        least = int(schema.get("minItems", 0))
        most = int(schema.get("maxItems", max(least, 1 if self._wants_more() else least)))
        items: list[Json] = [self.value(part) for part in schema.get("prefixItems", ())]
        items += [
            self.value(schema.get("items", {})) for _ in range(self._random.randint(least, most) - len(items))
        ]
        return items

    def _wants_more(self) -> bool:
        return self._depth < 10 and (self._keep or self._random.random() < 0.5)

    def string(self, schema: Schema) -> Json:
        if schema.get("format") in _FORMATS:
            return _FORMATS[schema["format"]](self._random)
        least = int(schema.get("minLength", 1))
        length = self._random.randint(least, int(schema.get("maxLength", max(least, 12))))
        return "".join(self._random.choice(_LETTERS) for _ in range(length))

    def integer(self, schema: Schema) -> Json:
        step = int(schema.get("multipleOf", 1)) or 1
        least, most = self._limits(schema, 1)
        return self._random.randint(-(-int(least) // step), int(most) // step) * step

    def number(self, schema: Schema) -> Json:
        if "multipleOf" in schema:
            step = schema["multipleOf"]
            least, most = self._limits(schema, step)
            return self._random.randint(-int(-least // step), int(most // step)) * step  # type: ignore[no-any-return]
        least, most = self._limits(schema, 0.01)
        return round(self._random.uniform(least, most), 2)

    @staticmethod
    def _limits(schema: Schema, step: float) -> tuple[float, float]:
        least = schema.get("minimum", schema.get("exclusiveMinimum", -step) + step)
        most = schema.get("maximum", schema.get("exclusiveMaximum", max(least, 0) + 1000 + step) - step)
        return min(least, most), max(least, most)

    def boolean(self, _schema: Schema) -> Json:
        return self._random.random() < 0.5

    def null(self, _schema: Schema) -> Json:
        return None


def _is_schema(part: object) -> bool:
    return isinstance(part, Mapping)


_LETTERS: Final[Sequence[str]] = "abcdefghijklmnopqrstuvwxyzäß 0123456789"

_TELLING: Final = MappingProxyType({
    "properties": "object", "required": "object", "items": "array", "minimum": "number", "maximum": "number"
})  # fmt: skip
"""Words that tell the type where it is not said."""

_MAKERS: Final[Mapping[str, Callable[[_Filler, Schema], Json]]] = MappingProxyType({
    kind: getattr(_Filler, kind) for kind in ("object", "array", "string", "integer", "number", "boolean", "null")
})  # fmt: skip


def _moment(random: Random) -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=random.randrange(365 * 24 * 60))


_FORMATS: Final[Mapping[str, Callable[[Random], str]]] = MappingProxyType(
    {
        "date": lambda random: _moment(random).date().isoformat(),
        "date-time": lambda random: _moment(random).isoformat().replace("+00:00", "Z"),
        "time": lambda random: _moment(random).time().isoformat() + "Z",
        "duration": lambda random: f"P{random.randint(1, 30)}D",
        "email": lambda random: f"person{random.randint(1, 99)}@example.com",
        "hostname": lambda random: f"host{random.randint(1, 99)}.example.com",
        "ipv4": lambda random: f"192.0.2.{random.randint(1, 254)}",
        "ipv6": lambda random: f"2001:db8::{random.randint(1, 9999)}",
        "uri": lambda random: f"https://example.com/{random.randint(1, 99)}",
        "uuid": lambda random: str(UUID(int=random.getrandbits(128), version=4)),
    }
)
