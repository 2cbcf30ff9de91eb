"""What is asked of the database about messages: one function for each question, as in `statements`."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Delete,
    Insert,
    Update,
    and_,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningInsert

from workflows_sqla.statements import Rows
from workflows_sqla.tables import instances, messages, waits


@cache
def lock_address() -> Rows:
    """Lock `key` until the end of the transaction (PostgreSQL)."""
    return select(func.pg_advisory_xact_lock(bindparam("key", type_=BigInteger)))


@cache
def lock_instances() -> Rows:
    """Lock the instances with these `ids`, in the one order in which everybody locks them."""
    c = instances.c
    wanted = c.id.in_(bindparam("ids", expanding=True))
    return select(c.id).where(wanted).order_by(c.id).with_for_update()


@cache
def wake_instances() -> Update:
    """Make the instances with these `ids` due at `at`, where they are not due earlier."""
    c = instances.c
    at = bindparam("at", type_=c.wake_at.type)
    wanted = c.id.in_(bindparam("ids", expanding=True))
    return update(instances).where(wanted, or_(c.wake_at.is_(None), c.wake_at > at)).values(wake_at=at)


@cache
def add_message(dialect: str) -> ReturningInsert[Any]:
    """Insert a message, or put it in the place of an expired one; returns nothing if its id is known."""
    statement = postgresql.insert(messages) if dialect == "postgresql" else sqlite.insert(messages)
    excluded = statement.excluded
    values = {column.name: excluded[column.name] for column in messages.c if not column.primary_key}
    return statement.on_conflict_do_update(
        index_elements=[messages.c.id], set_=values, where=messages.c.expires_at <= excluded.sent_at
    ).returning(messages.c.id)


@cache
def message_row() -> Rows:
    """Ask for the message `message_id`."""
    return select(messages).where(messages.c.id == bindparam("message_id"))


@cache
def message_rows() -> Rows:
    """Ask for the messages with these `ids`."""
    return select(messages).where(messages.c.id.in_(bindparam("ids", expanding=True)))


@cache
def free_messages() -> Rows:
    """Lock those of the messages with these `ids` that are not taken, in one order, and ask for their ids."""
    c = messages.c
    wanted = (c.id.in_(bindparam("ids", expanding=True)), c.taken_by.is_(None))
    return select(c.id).where(*wanted).order_by(c.id).with_for_update()


@cache
def take_messages() -> Update:
    """Note which instance (`new_taken_by`) took the message `taken_id`."""
    taken_by = bindparam("new_taken_by", type_=messages.c.taken_by.type)
    return update(messages).where(messages.c.id == bindparam("taken_id")).values(taken_by=taken_by)


@cache
def expired_messages() -> Rows:
    """Ask whether a message expired by `now`."""
    return select(messages.c.id).where(messages.c.expires_at <= bindparam("now")).limit(1)


@cache
def remove_expired() -> Delete:
    """Delete the messages that expired by `now`, except those that somebody is about to take."""
    c = messages.c
    expired = select(c.id).where(c.expires_at <= bindparam("now")).with_for_update(skip_locked=True)
    return delete(messages).where(c.id.in_(expired))


@cache
def waiting_instances(*, by_instance: bool) -> Rows:
    """Ask for the instances that wait for a message, sent to `instance_id` or to `correlation_key`."""
    c = waits.c
    is_for = (
        c.instance_id == bindparam("instance_id", type_=c.instance_id.type)
        if by_instance
        else c.correlation_key == bindparam("correlation_key", type_=c.correlation_key.type)
    )
    tenant = bindparam("tenant_id", type_=c.tenant_id.type)
    is_theirs = or_(tenant.is_(None), c.tenant_id == tenant)
    return select(c.instance_id).where(c.name == bindparam("name"), is_for, is_theirs).distinct()


@cache
def wait_rows() -> Rows:
    """Ask for the waits for messages of `name` and `correlation_key`."""
    c = waits.c
    wanted = (c.name == bindparam("name"), c.correlation_key == bindparam("correlation_key"))
    return select(waits).where(*wanted).order_by(c.instance_id, c.token)


@cache
def mail() -> Rows:
    """Ask for the waits of the instances with these `ids`, and beside each for the oldest message it may take.

    `message_id` is not set where there is none.
    """
    w, m = waits.c, messages.c
    suits = and_(
        m.name == w.name,
        or_(
            and_(m.instance_id.is_(None), m.correlation_key == w.correlation_key),
            m.instance_id == w.instance_id,
        ),
        or_(m.tenant_id.is_(None), m.tenant_id == w.tenant_id),
    )
    oldest = (
        select(m.id)
        .where(suits, m.taken_by.is_(None), m.expires_at > bindparam("now", type_=m.expires_at.type))
        .order_by(m.sent_at, m.id)
        .limit(1)
        .correlate(waits)
        .scalar_subquery()
    )
    asking = w.instance_id.in_(bindparam("ids", expanding=True))
    return select(waits, oldest.label("message_id")).where(asking).order_by(w.instance_id, w.token)


@cache
def add_waits() -> Insert:
    """Insert waits."""
    return insert(waits)


@cache
def remove_waits() -> Delete:
    """Delete all waits of the instances with these `ids`."""
    return delete(waits).where(waits.c.instance_id.in_(bindparam("ids", expanding=True)))
