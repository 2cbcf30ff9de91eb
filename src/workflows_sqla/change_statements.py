"""What is asked of the database to tell others of changes."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from sqlalchemy import Delete, Insert, bindparam, delete, func, insert, select

from workflows_sqla.statements import Rows
from workflows_sqla.tables import signals

SIGNALS_AFTER: Final = "SELECT id, instance_id FROM workflow_signals WHERE id > ? ORDER BY id"
"""For the bare driver: the signals after one."""

REVISION: Final = "SELECT revision FROM workflow_instances WHERE id = ?"
"""For the bare driver: the revision of an instance."""


@cache
def notify() -> Rows:
    """Notify `channel` of `payload` (PostgreSQL); it arrives with the commit."""
    return select(func.pg_notify(bindparam("channel"), bindparam("payload")))


@cache
def add_signal() -> Insert:
    """Insert the signal that the instance `told_id` changed, or that something is due if it is not set (SQLite)."""
    return insert(signals).values(instance_id=bindparam("told_id"))


@cache
def newest_signal() -> Rows:
    """Ask for the number of the last signal (SQLite)."""
    return select(func.max(signals.c.id))


@cache
def remove_signals() -> Delete:
    """Delete the signals up to `number` (SQLite)."""
    removed: Any = signals.c.id <= bindparam("number")
    return delete(signals).where(removed)
