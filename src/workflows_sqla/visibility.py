"""What somebody may see, as conditions: `workflows_core.visibility` in SQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Select, false, literal, not_, or_, select, tuple_, union_all

from workflows_core.visibility import Visibility
from workflows_sqla.tables import instances, participants

Condition: TypeAlias = ColumnElement[bool]


def in_tenant(column: ColumnElement[Any], tenant_id: str | None) -> Condition:
    """Keep to one tenant; to what belongs to none, where there is none."""
    return column.is_(None) if tenant_id is None else column == tenant_id


def seen_instances(
    seen: Visibility, name: ColumnElement[Any], version: ColumnElement[Any], instance_id: ColumnElement[Any]
) -> Condition | None:
    """Return what holds for the instances that somebody may see, within their tenant; `None` if they see all.

    Args:
        seen: What they may see.
        name: The name of the definition of an instance.
        version: Its version.
        instance_id: The id of the instance.
    """
    if seen.sees_tenant:
        return None
    found = [*_instances(seen)]
    having_part = instance_id.in_(union_all(*found)) if found else false()
    if seen.sees_all:
        return or_(not_(_is_of(seen.excepted, name, version)), having_part)
    return or_(_is_of(seen.definitions, name, version), having_part) if seen.definitions else having_part


def _is_of(
    definitions: frozenset[tuple[str, str]], name: ColumnElement[Any], version: ColumnElement[Any]
) -> Condition:
    keys = [tuple_(literal(each), literal(other)) for each, other in sorted(definitions)]
    return tuple_(name, version).in_(keys)


def _instances(seen: Visibility) -> Iterator[Select[Any]]:
    """Yield the ids of the instances that somebody started, or has a part in."""
    if seen.created_by is not None:
        yield select(instances.c.id).where(instances.c.created_by == seen.created_by)
    for identity in seen.identities:
        found = select(participants.c.instance_id).where(participants.c.key.in_(identity.keys))
        if identity.definitions:
            of = instances.c.definition_name.in_(identity.definitions)
            found = found.join(instances, instances.c.id == participants.c.instance_id).where(of)
        yield found
