"""What a query asks for, said about one value: how storages list that have no query language."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from workflows_core.participants import group_key, user_key
from workflows_core.permissions import identities
from workflows_core.ports import TaskOrder, place_of, place_of_instance
from workflows_core.search import is_found
from workflows_core.searchable import text_of
from workflows_core.visibility import is_visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime
    from typing import Any

    from workflows_core.actors import Actor
    from workflows_core.instance import Instance
    from workflows_core.paging import Cursor
    from workflows_core.ports import InstanceQuery, InstanceSummary, TaskQuery
    from workflows_core.tasks import Task
    from workflows_core.visibility import Visibility


T = TypeVar("T")


def is_wanted_instance(
    query: InstanceQuery, summary: InstanceSummary, instance: Instance, values: Mapping[str, str | None]
) -> bool:
    """Say whether a query asks for an instance, wherever the list begins; `values` is what it is found by in its data."""
    asked = (
        (query.status, summary.status),
        (query.definition_name, summary.definition_name),
        (query.created_by, summary.created_by),
        (query.tenant_id, summary.tenant_id),
        (query.correlation_id, summary.correlation_id),
    )
    if any(wanted not in {None, found} for wanted, found in asked):
        return False
    return (
        (query.ids is None or summary.id in query.ids)
        and (query.step is None or query.step in instance.current_steps)
        and _is_within(summary.started_at, query.started_after, query.started_before)
        and _is_within(summary.updated_at, query.updated_after, query.updated_before)
        and all(values.get(path) == text_of(value) for path, value in query.data.items())
        and (query.visible_to is None or is_seen(query.visible_to, instance))
    )


def instances_in_order(query: InstanceQuery, found: Iterable[InstanceSummary]) -> list[InstanceSummary]:
    """Return instances in the order that a query asks for, from its place on."""
    return _in_order(
        found, lambda each: place_of_instance(each, query.order), query.after, query.order.is_backwards
    )


def _is_within(moment: datetime, after: datetime | None, before: datetime | None) -> bool:
    return (after is None or moment >= after) and (before is None or moment < before)


def is_wanted_task(query: TaskQuery, task: Task, instance: Instance | None) -> bool:
    """Say whether a query asks for a task, wherever the list begins; `instance` is the one that it belongs to."""
    asked = (
        (query.status, task.status),
        (query.assignee, task.assignee),
        (query.assignee_group, task.assignee_group),
        (query.definition_name, task.definition_name),
        (query.instance_id, task.instance_id),
        (query.priority, task.priority),
        (query.tenant_id, task.tenant_id),
    )
    if any(wanted not in {None, found} for wanted, found in asked):
        return False
    return (
        _is_offered(query, task)
        and (query.for_actor is None or _concerns(query.for_actor, task, any_status=query.status is not None))
        and (query.is_free is None or query.is_free == task.is_free)
        and (query.due_before is None or (task.due_at is not None and task.due_at < query.due_before))
        and (query.follow_up_before is None or _is_awake(task, query.follow_up_before))
        and (query.text is None or is_found(query.text, task.title))
        and (query.visible_to is None or (instance is not None and is_seen(query.visible_to, instance)))
    )


def in_order(query: TaskQuery, tasks: Iterable[Task]) -> list[Task]:
    """Return tasks in the order that a query asks for, from its place on."""
    is_newest = query.order is TaskOrder.NEWEST
    return _in_order(tasks, lambda task: place_of(task, query.order), query.after, is_newest)


def _in_order(
    found: Iterable[T],
    place_of: Callable[[T], Cursor],
    after: Cursor | None,
    is_backwards: bool,  # noqa: FBT001
) -> list[T]:
    places = [(_sorted_by(place_of(each)), each) for each in found]
    places.sort(key=lambda each: each[0], reverse=is_backwards)
    if after is None:
        return [each for _, each in places]
    begin = _sorted_by(after)
    return [each for place, each in places if (place < begin if is_backwards else place > begin)]


def _sorted_by(place: Cursor) -> tuple[Any, ...]:
    return (*place.key, place.id.bytes)


def _is_offered(query: TaskQuery, task: Task) -> bool:
    keys = []
    if query.candidate_user is not None:
        keys.append(user_key(query.candidate_user))
    if query.candidate_group is not None:
        keys.append(group_key(query.candidate_group))
    return not keys or (task.is_free and all(key in task.offered_to for key in keys))


def _concerns(actor: Actor, task: Task, *, any_status: bool) -> bool:
    """Whether a task is with somebody, or could be taken by them."""
    if not any_status and not task.is_open:
        return False
    return any(
        task.assignee == identity.user_id or (task.is_free and identity.is_among(task.offered_to))
        for identity in identities(actor)
        if not identity.definitions or task.definition_name in identity.definitions
    )


def _is_awake(task: Task, moment: datetime) -> bool:
    return task.follow_up_at is None or task.follow_up_at <= moment


def is_seen(seen: Visibility, instance: Instance) -> bool:
    """Say whether somebody may see an instance."""
    return is_visible(
        seen,
        tenant_id=instance.tenant_id,
        definition=(instance.definition_name, instance.definition_version),
        created_by=instance.created_by,
        participants=instance.participants,
    )
