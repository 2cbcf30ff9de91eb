"""Values to plain JSON and back, exactly.

What storages write and what travels between hosts: dicts, lists, strings and numbers. Defaults are
left out, so that a row costs what it says and no more. Data that a user wrote is already JSON; it is
passed through untouched, without a walk over it. Unknown keys are refused: they would be lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias, TypeVar, cast, get_args
from uuid import UUID

from attrs import field, frozen
from cattrs import Converter
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override
from cattrs.strategies import configure_tagged_union

from workflows_core.data import Json, JsonObject, Patch
from workflows_core.deadlines import Alarm
from workflows_core.events import Entry, Event
from workflows_core.instance import Awaited, Failure, Instance, Token
from workflows_core.states import TaskState
from workflows_core.tasks import Note, Question, Task

T = TypeVar("T")
Attributes: TypeAlias = type[Any]


@frozen(kw_only=True)
class InstanceState:
    """Where an instance is; the fields are those of `Instance`.

    It changes with every transition. What seldom changes is in the `Snapshot`.
    """

    tokens: Mapping[int, Token]
    arrivals: Mapping[str, tuple[int, ...]] = field(factory=dict)
    next_token: int
    doers: Mapping[str, tuple[str, ...]] = field(factory=dict)
    participants: tuple[str, ...] = ()
    cancel_reason: str | None = None
    suspend_reason: str | None = None


@frozen(kw_only=True)
class Snapshot:
    """What was written to an instance; the fields are those of `Instance`."""

    data: JsonObject = field(factory=dict)
    forms: Mapping[str, JsonObject] = field(factory=dict)
    metadata: JsonObject = field(factory=dict)


@frozen(kw_only=True, slots=False)
class TaskDetails:
    """What is not searched of a task; the fields are those of `Task`."""

    state: TaskState = TaskState.OFFERED
    revision: int = 1
    for_anyone: bool = False
    shows: tuple[str, ...] | None = None
    requires_revision: bool = False
    owner: str | None = None
    delegators: tuple[str, ...] = ()
    question: Question | None = None
    alarms: tuple[Alarm, ...] = ()
    thread: tuple[Note, ...] = ()
    drafts: Mapping[str, JsonObject] = field(factory=dict)
    on_behalf_of: str | None = None
    closed_reason: str | None = None


def events_to_json(events: Sequence[Event]) -> list[JsonObject]:
    """Write the events of one transition, each with its class's name under `event`.

    They happened at one moment, which is left out: it belongs to the transition.
    """
    if any(event.at != events[0].at for event in events):
        raise ValueError("The events of one transition happen at one moment.")
    documents = [_EVENTS_TO_JSON[type(event)](event) for event in events]
    for event, document in zip(events, documents, strict=True):
        document["event"] = type(event).__name__
    return documents


def shown_events(events: Sequence[Event]) -> list[JsonObject]:
    """Write events but for what is not for everybody who may see the instance: what one of them is still typing."""
    return [_without_draft(event) for event in events_to_json(events)]


def _without_draft(event: JsonObject) -> JsonObject:
    if event["event"] != "DraftSaved":
        return event
    return {name: value for name, value in event.items() if name != "data"}


def events_from_json(events: Iterable[JsonObject], at: datetime) -> tuple[Event, ...]:
    """Read the events of a transition that happened at this moment."""
    structure = _CONVERTER.structure
    return tuple(structure({**event, "at": at}, Event) for event in events)  # type: ignore[arg-type]


def state_to_json(instance: Instance) -> JsonObject:
    """Write where an instance is.

    Most tokens came into their state with its last transition: that moment is left out.
    """
    tokens: list[Json] = []
    for token in instance.tokens.values():
        written = _token_to_json(token)
        if token.since != instance.updated_at:
            written["since"] = token.since.isoformat()
        tokens.append(written)
    return {"tokens": tokens, **_state_to_json(instance)}


def state_from_json(state: JsonObject, updated_at: datetime) -> InstanceState:
    """Read what `state_to_json` wrote of an instance with this `updated_at`."""
    written = cast("list[JsonObject]", state["tokens"])
    tokens = [{"since": updated_at.isoformat(), **token} for token in written]
    return _CONVERTER.structure({**state, "tokens": tokens}, InstanceState)


def snapshot_to_json(instance: Instance) -> JsonObject:
    """Write what was written to an instance."""
    document: JsonObject = _snapshot_to_json(instance)
    return document


def snapshot_from_json(snapshot: JsonObject) -> Snapshot:
    """Read what `snapshot_to_json` wrote."""
    return _CONVERTER.structure(snapshot, Snapshot)


def task_to_json(task: Task) -> JsonObject:
    """Write a task."""
    document: JsonObject = _CONVERTER.unstructure(task)
    return document


def task_from_json(task: JsonObject) -> Task:
    """Read what `task_to_json` wrote."""
    return _CONVERTER.structure(task, Task)


def details_to_json(task: Task) -> JsonObject:
    """Write what is not searched of a task."""
    document: JsonObject = _details_to_json(task)
    return document


def details_from_json(details: JsonObject) -> TaskDetails:
    """Read what `details_to_json` wrote."""
    return _CONVERTER.structure(details, TaskDetails)


def _unchanged(value: T) -> T:
    return value


def _to_moment(value: str | datetime, _: object = None) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)


def _patch_to_json(patch: Patch) -> JsonObject:
    """Write each change as one list: its path, and the new value last. The size was for the snapshot of then."""
    document: JsonObject = {}
    if patch.changed:
        document["set"] = [[*path, value] for path, value in patch.changed]
    if patch.deleted:
        document["unset"] = [[*path] for path in patch.deleted]
    return document


def _patch_from_json(patch: Mapping[str, Any], _: object = None) -> Patch:
    return Patch(
        changed=tuple((tuple(change[:-1]), change[-1]) for change in patch.get("set", ())),
        deleted=tuple(map(tuple, patch.get("unset", ()))),
    )


def _entry_to_json(entry: Entry) -> list[Json]:
    place: list[Json] = [entry.token, entry.step]
    return place if entry.state == "ready" else [*place, entry.state]


def _tokens_from_json(tokens: Iterable[Json], _: object = None) -> dict[int, Token]:
    """Read a list: it keeps their order, and each knows its number."""
    structured = (_CONVERTER.structure(token, Token) for token in tokens)
    return {token.id: token for token in structured}


_USER_DATA: Final = (Json, JsonObject, JsonObject | None, Mapping[str, JsonObject])


def _make_converter() -> Converter:
    converter = Converter(omit_if_default=True, forbid_extra_keys=True, detailed_validation=False)
    converter.register_unstructure_hook(UUID, str)
    converter.register_structure_hook(UUID, lambda value, _: UUID(value))
    converter.register_unstructure_hook(datetime, datetime.isoformat)
    converter.register_structure_hook(datetime, _to_moment)
    converter.register_unstructure_hook_func(_is_user_data, _unchanged)
    converter.register_structure_hook_func(_is_user_data, lambda value, _: value)
    converter.register_unstructure_hook(Patch, _patch_to_json)
    converter.register_structure_hook(Patch, _patch_from_json)
    converter.register_unstructure_hook(Entry, _entry_to_json)
    converter.register_structure_hook(Entry, lambda value, _: Entry(*value))
    _configure_tokens(converter)
    _configure_events(converter)
    return converter


def _is_user_data(kind: object) -> bool:
    return any(kind == user_data for user_data in _USER_DATA)


def _configure_tokens(converter: Converter) -> None:
    tokens = Mapping[int, Token]
    converter.register_structure_hook_func(lambda kind: kind == tokens, _tokens_from_json)
    apart: dict[type, dict[str, Any]] = {
        Awaited: {},
        Failure: {},
        Token: {"since": override(omit=True)},
        InstanceState: {"tokens": override(omit=True)},
    }  # with what is written by itself
    for kind, members in apart.items():
        converter.register_unstructure_hook(
            kind, make_dict_unstructure_fn(kind, converter, _cattrs_omit_if_default=True, **members)
        )


def _configure_events(converter: Converter) -> None:
    for kind in get_args(Event):
        converter.register_unstructure_hook(kind, _without_moment(kind, converter))
        converter.register_structure_hook(
            kind, make_dict_structure_fn(kind, converter, _cattrs_forbid_extra_keys=True)
        )
    configure_tagged_union(Event, converter, tag_name="event")


def _without_moment(kind: Attributes, converter: Converter) -> Callable[[Any], dict[str, Any]]:
    return make_dict_unstructure_fn(kind, converter, _cattrs_omit_if_default=True, at=override(omit=True))


_CONVERTER: Final = _make_converter()

# Written at every transition: asking the converter for the hook takes longer than the hook. What is a part of an
# instance or a task is written from that: the fields have the same names.
_EVENTS_TO_JSON: Final[Mapping[type, Callable[[Event], JsonObject]]] = {
    kind: _CONVERTER.get_unstructure_hook(kind) for kind in get_args(Event)
}
_state_to_json: Final[Callable[[Instance], JsonObject]] = _CONVERTER.get_unstructure_hook(InstanceState)
_snapshot_to_json: Final = _CONVERTER.get_unstructure_hook(Snapshot)
_details_to_json: Final = _CONVERTER.get_unstructure_hook(TaskDetails)
_token_to_json: Final[Callable[[Token], JsonObject]] = _CONVERTER.get_unstructure_hook(Token)
