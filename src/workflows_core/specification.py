"""What a definition says, as plain JSON; and a definition made of that again.

A specification holds everything that is data. Of code it holds the names: the class of a step, the function
of a condition. Its hash tells whether two definitions say the same; where the code lies and how the
JSON is ordered make no difference.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast

from attrs import fields, has

from workflows_core.data import Json, JsonObject, pointer, to_object
from workflows_core.definitions import Edge, WorkflowDefinition
from workflows_core.errors import InvalidDataError, WorkflowError
from workflows_core.policies import Policies
from workflows_core.steps import OPTION_TYPES, STEP_TYPES, BaseMachineStep, Step, base_of

if TYPE_CHECKING:
    from attrs import AttrsInstance

    from workflows_core.definitions import Condition

_CLASS: Final = "_specified_class"

MAX_BYTES: Final = 16 * 1024 * 1024
"""How large a specification may be, in (approximate) bytes of JSON: a thousand steps with large forms."""


class MissingCodeError(WorkflowError):
    """Code was called that a specification only names."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"The code of {name!r} is not here: the definition was made of a specification, which only names it."
        )


def specify(definition: WorkflowDefinition) -> JsonObject:
    """Return the specification of a definition.

    Raises:
        InvalidDataError: If something in it that should be data cannot be written as JSON.
    """
    document = {
        "name": definition.name,
        "version": definition.version,
        "description": definition.description,
        "steps": [_specified_step(step) for step in definition.steps.values()],
        "edges": [_specified_edge(edge) for edge in definition.edges],
        "initial_step": definition.initial_step,
        "terminal_steps": list(definition.terminal_steps),
        "input_schema": definition.input_schema,
        "tags": list(definition.tags),
        **({} if definition.policies is None else {"policies": _to_json(definition.policies)}),
        **({"searchable": list(definition.searchable)} if definition.searchable else {}),
    }
    return to_object(document, what=f"The definition of {definition.name!r}", limit=MAX_BYTES)[0]


def content_hash(specification: JsonObject) -> str:
    """Return the SHA-256 (hex) of a specification; the order of keys does not count."""
    text = json.dumps(specification, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256(text.encode()).hexdigest()


def definition_from(
    specification: JsonObject, steps: Mapping[str, Step] = MappingProxyType({})
) -> WorkflowDefinition:
    """Make a definition of a specification: to be drawn, validated, compared; or run, where its steps are given.

    Args:
        specification: What `specify` wrote.
        steps: The real steps by name. A step that is not given, and every function of an edge, raises
            `MissingCodeError` when it is called.

    Raises:
        InvalidDataError: If it is not a specification; with the JSON pointer to what is wrong.
    """
    document, _size = to_object(specification, what="The specification", limit=MAX_BYTES)
    said = _Said(document)
    definition = WorkflowDefinition(
        name=said.take("name", str),
        version=said.take("version", str),
        description=said.take("description", str),
        steps=[_step_from(each, steps) for each in said.take_objects("steps")],
        edges=[_edge_from(each) for each in said.take_objects("edges")],
        initial_step=said.take("initial_step", str),
        terminal_steps=said.take_words("terminal_steps"),
        input_schema=said.take("input_schema", dict, type(None)),
        tags=said.take_words("tags"),
        policies=said.take_policies("policies"),
        searchable=said.take_words("searchable", default=[]),
    )
    said.end()
    return definition


class _Said:
    """An object in a specification, being read key by key; complaints tell where."""

    def __init__(self, document: JsonObject, *path: str | int) -> None:
        self._rest = dict(document)
        self._path = path

    def take(self, key: str, *kinds: type, default: Any = ...) -> Any:
        """Return the value under a key, which must be of one of these types."""
        if key not in self._rest:
            if default is not ...:
                return default
            raise self.refusal(f"The specification lacks {key!r}")
        value = self._rest.pop(key)
        if type(value) not in kinds:
            expected = " or ".join(_WORDS[kind] for kind in kinds)
            raise self.refusal(
                f"The specification has {_WORDS[type(value)]} where {expected} is expected", key
            )
        return value

    def take_words(self, key: str, default: Any = ...) -> list[str]:
        """Return the list of texts under a key."""
        words: list[str] = self.take(key, list, default=default)
        for index, word in enumerate(words):
            if not isinstance(word, str):
                raise self.refusal(
                    f"The specification has {_WORDS[type(word)]} where text is expected", key, index
                )
        return words

    def take_objects(self, key: str) -> list[_Said]:
        """Return the list of objects under a key."""
        objects: list[Any] = self.take(key, list)
        for index, each in enumerate(objects):
            if not isinstance(each, dict):
                detail = f"The specification has {_WORDS[type(each)]} where an object is expected"
                raise self.refusal(detail, key, index)
        return [_Said(each, *self._path, key, index) for index, each in enumerate(objects)]

    def take_policies(self, key: str) -> Policies | None:
        """Return the policies under a key; `None` if there are none."""
        policies = self.take_option(key)
        if policies is not None and not isinstance(policies, Policies):
            raise self.refusal("The specification has something else where policies are expected", key)
        return policies

    def take_option(self, key: str) -> object:
        """Return the value of an option under a key, as its author gave it; `None` if it is not there."""
        value = self._rest.pop(key, None)
        try:
            return value if key.endswith("_schema") else _from_json(value)
        except (TypeError, ValueError, OverflowError) as error:
            raise self.refusal(f"This is no value for {key!r}: {error}", key) from error

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that were not read yet."""
        return tuple(self._rest)

    def end(self) -> None:
        """Refuse what was not read: an older version of this package does not know what it means."""
        for key in self._rest:
            raise self.refusal(f"The specification has an unknown key {key!r}", key)

    def refusal(self, detail: str, *path: str | int) -> InvalidDataError:
        return InvalidDataError(pointer((*self._path, *path)), detail)


_WORDS: Final[Mapping[type, str]] = MappingProxyType(
    {
        bool: "true or false",
        dict: "an object",
        float: "a number",
        int: "a number",
        list: "a list",
        str: "text",
        type(None): "null",
    }
)


def _specified_step(step: Step) -> JsonObject:
    base = base_of(type(step))
    said: JsonObject = {"name": step.name, "type": base.__name__}
    name = getattr(step, _CLASS, type(step).__name__)
    if name != base.__name__:
        said["class"] = name
    for attribute in base.specified:
        value, default = getattr(step, attribute), getattr(base, attribute)
        if value is default:
            continue
        is_schema = attribute.endswith("_schema") and isinstance(value, Mapping)
        written: Json = dict(value) if is_schema else _to_json(value)
        if written != _to_json(default):
            said[attribute] = written
    return said


def _specified_edge(edge: Edge) -> JsonObject:
    said: JsonObject = {"source": edge.source, "target": edge.target}
    if edge.condition is not None:
        said["condition"] = _to_json(edge.condition)
    if edge.on is not None:
        said["on"] = edge.on
    if edge.default:
        said["default"] = True
    return said


def _to_json(value: object) -> Json:
    """Write what an author may give as an option; the rest is left for `to_object` to refuse, with its place."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, timedelta):
        return {"seconds": value.total_seconds()}
    if isinstance(value, datetime):
        return {"moment": value.isoformat()}
    if isinstance(value, Mapping):
        return {key: _to_json(member) for key, member in value.items()}
    if has(type(value)):
        kind = cast("type[AttrsInstance]", type(value))
        said = {field.name: _to_json(getattr(value, field.name)) for field in fields(kind)}
        return {"value": kind.__name__, **said}
    if callable(value):
        return {"function": getattr(value, "__name__", type(value).__name__)}
    if isinstance(value, set | frozenset):
        return [_to_json(member) for member in sorted(value, key=repr)]
    if isinstance(value, list | tuple):
        return [_to_json(member) for member in value]
    return cast("Json", value)


def _step_from(said: _Said, given: Mapping[str, Step]) -> Step:
    name, type_ = said.take("name", str), said.take("type", str)
    base = STEP_TYPES.get(type_)
    if base is None:
        detail = f"{type_!r} is not a type of step; known are {', '.join(STEP_TYPES)}"
        raise said.refusal(detail, "type")
    class_ = said.take("class", str, default=type_)
    step = base(name)
    setattr(step, _CLASS, class_)
    for attribute in said.keys:
        if attribute in base.specified:
            setattr(step, attribute, said.take_option(attribute))
    said.end()
    if isinstance(step, BaseMachineStep):
        step.execute = _missing(f"{class_} {name}")  # type: ignore[method-assign]
    return given.get(name, step)


def _edge_from(said: _Said) -> Edge:
    edge = Edge(
        said.take("source", str),
        said.take("target", str),
        condition=cast("Condition | None", said.take_option("condition")),
        on=said.take("on", str, default=None),
        default=said.take("default", bool, default=False),
    )
    said.end()
    return edge


def _from_json(value: Json) -> object:
    match value:
        case {"seconds": float() | int() as seconds, **rest} if not rest:
            return timedelta(seconds=seconds)
        case {"moment": str() as moment, **rest} if not rest:
            return datetime.fromisoformat(moment)
        case {"function": str() as name, **rest} if not rest:
            return _missing(name)
        case dict() if value.get("value") in OPTION_TYPES:
            options = {key: _from_json(member) for key, member in value.items() if key != "value"}
            return OPTION_TYPES[str(value["value"])](**options)
        case dict():
            return {key: _from_json(member) for key, member in value.items()}
        case list():
            return tuple(map(_from_json, value))
    return value


def _missing(name: str) -> Callable[..., NoReturn]:
    def missing(*_: object) -> NoReturn:
        raise MissingCodeError(name)

    missing.__name__ = name
    return missing
