"""What a definition says, as plain JSON; and a definition made of that again.

A specification holds everything that is data. Of code it holds the names: the class of a step, the function
of a condition. Its hash tells whether two definitions say the same; where the code lies and how the
JSON is ordered make no difference.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast

from attrs import fields, has

from workflows_core.data import Json, JsonObject, to_object
from workflows_core.definitions import Edge, WorkflowDefinition
from workflows_core.errors import InvalidDataError, WorkflowError
from workflows_core.steps import OPTION_TYPES, STEP_TYPES, BaseMachineStep, Step, base_of

if TYPE_CHECKING:
    from attrs import AttrsInstance

    from workflows_core.definitions import Condition

_CLASS: Final = "_specified_class"


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
    }
    return to_object(document, what=f"The definition of {definition.name!r}")[0]


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
    document: dict[str, Any] = to_object(specification, what="The specification")[0]
    try:
        return WorkflowDefinition(
            name=document["name"],
            version=document["version"],
            description=document["description"],
            steps=[steps.get(each["name"]) or _step_from(each) for each in document["steps"]],
            edges=[_edge_from(each) for each in document["edges"]],
            initial_step=document["initial_step"],
            terminal_steps=document["terminal_steps"],
            input_schema=document["input_schema"],
            tags=document["tags"],
        )
    except KeyError as error:
        raise InvalidDataError(f"/{error.args[0]}", f"The specification lacks {error.args[0]!r}") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise InvalidDataError("", f"This is no specification of a definition: {error}") from error


def _specified_step(step: Step) -> JsonObject:
    base = base_of(type(step))
    said: JsonObject = {"name": step.name, "type": base.__name__}
    name = getattr(step, _CLASS, type(step).__name__)
    if name != base.__name__:
        said["class"] = name
    for attribute in base.specified:
        value = getattr(step, attribute)
        if value != getattr(base, attribute):
            said[attribute] = _to_json(value)
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
    """Write what an author may give as an option."""
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
    if isinstance(value, Iterable):
        return [
            _to_json(member) for member in (sorted(value) if isinstance(value, set | frozenset) else value)
        ]
    return cast("Json", value)  # `to_object` refuses it and says where it is


def _step_from(said: JsonObject) -> Step:
    name, type_ = str(said["name"]), said["type"]
    if type_ not in STEP_TYPES:
        detail = f"{type_!r} is not a type of step; known are {', '.join(STEP_TYPES)}"
        raise InvalidDataError(f"/steps/{name}/type", detail)
    step = STEP_TYPES[str(type_)](name)
    class_ = said.get("class", type_)
    setattr(step, _CLASS, class_)
    for attribute, value in said.items():
        if attribute in step.specified:
            setattr(step, attribute, value if attribute.endswith("_schema") else _from_json(value))
    if isinstance(step, BaseMachineStep):
        step.execute = _missing(f"{class_} {name}")  # type: ignore[method-assign]
    return step


def _edge_from(said: JsonObject) -> Edge:
    condition = _from_json(said.get("condition"))
    return Edge(
        str(said["source"]),
        str(said["target"]),
        condition=cast("Condition | None", condition),
        on=cast("str | None", said.get("on")),
        default=bool(said.get("default")),
    )


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
