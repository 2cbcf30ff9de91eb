"""Every transition of all instances in one order, which readers can follow without missing any.

What makes it hard is that transactions do not commit in the order in which they take numbers: who has read up to
number 7 misses number 6, which was taken before and is committed after. So a number is of use only together with a
way to know which smaller ones can still come.

**PostgreSQL.** The position of a transition is the id of the transaction that writes it (`pg_current_xact_id`, 64 bits,
never used again), or the position of the transition before it in the same instance, if that is greater. A reader takes
what is below the *horizon* alone, the oldest id that is still in progress (`pg_snapshot_xmin`). That is enough:

* Whoever writes a transition at position p has an id that is not above p. While it is in progress, the horizon is not
  above its id, so not above p: nothing can come below a horizon that was seen once.
* What is below the horizon has ended, and is seen by every later statement if it was committed.
* Within an instance positions never fall, since each is at least that of the one before: the order by position,
  instance and revision is that of the revisions, although a transaction that began early (a transactional step, a
  caller's session) may write the later revision. That is why an instance remembers its last position.

The price is that a transaction which stays open for long, anywhere on the server, holds the feed back for as long. Only
those count that write: neither readers nor `pg_dump` have an id. The positions lie in the order in which they were
written, so a block-range index finds them, which costs next to nothing to keep. Far behind, a reader goes ahead in
steps, so as not to sort all that lies between.

**SQLite.** There is one writer at a time, so numbers are taken in the order of commits. A trigger gives every row of the
history the next number of a table of its own; numbers are not used again, even if rows are deleted.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Text, and_, cast, func, or_, select
from sqlalchemy.sql import Select

from workflows_core.feed import Place
from workflows_core.ports import FeedEntry, FeedPage
from workflows_core.visibility import Visibility
from workflows_sqla.converter import AnyRow, to_entry
from workflows_sqla.tables import feed, history, instances
from workflows_sqla.transactions import Reader
from workflows_sqla.visibility import in_tenant, seen_instances

_STEP: Final = 10_000
"""How many transaction ids a reader goes ahead at first; four times as many each time that nothing is there."""

LATEST: Final = "SELECT coalesce(max(id), 0) FROM workflow_feed"
"""For SQLite's bare driver: the last number."""

SINCE: Final = "SELECT id, instance_id FROM workflow_feed WHERE id > ? ORDER BY id"
"""For SQLite's bare driver: what came after a number."""


def transaction_id() -> ColumnElement[int]:
    """Return the id of the transaction (PostgreSQL)."""
    return cast(cast(func.pg_current_xact_id(), Text), BigInteger)


def _horizon() -> Select[Any]:
    return select(cast(cast(func.pg_snapshot_xmin(func.pg_current_snapshot()), Text), BigInteger))


async def read_feed(reader: Reader, text: str | None, limit: int, visible_to: Visibility | None) -> FeedPage:
    """Return what stands behind a place; see `ports.HistoryRepository.feed`."""
    place = None if text is None else Place.parse(text)
    if reader.dialect == "sqlite":
        return await _read_numbers(reader, place, limit, visible_to)
    horizon = (await reader.execute(_horizon())).scalar_one()
    if place is None:
        return FeedPage((), str(horizon))
    step = _STEP
    while place.number < horizon:
        end = min(horizon, place.number + step)
        rows = (await reader.execute(_between(place, end, limit, visible_to))).all()
        if rows:
            entries = tuple(_entry(row, Place(row.position, row.instance_id, row.revision)) for row in rows)
            return FeedPage(entries, entries[-1].place if len(rows) == limit else str(end))
        place = Place(end)
        step *= 4
    return FeedPage((), str(place))


async def _read_numbers(
    reader: Reader, place: Place | None, limit: int, visible_to: Visibility | None
) -> FeedPage:
    latest = (await reader.execute(select(func.coalesce(func.max(feed.c.id), 0)))).scalar_one()
    if place is None or place.number >= latest:
        return FeedPage((), str(latest if place is None else place))
    is_entry = and_(history.c.instance_id == feed.c.instance_id, history.c.revision == feed.c.revision)
    statement = (
        _shown(visible_to)
        .add_columns(feed.c.id.label("number"))
        .join(feed, is_entry)
        .where(feed.c.id > place.number, feed.c.id <= latest)
        .order_by(feed.c.id)
        .limit(limit)
    )
    entries = tuple(_entry(row, Place(row.number)) for row in await reader.execute(statement))
    return FeedPage(entries, entries[-1].place if len(entries) == limit else str(latest))


def _between(place: Place, end: int, limit: int, visible_to: Visibility | None) -> Select[Any]:
    c = history.c
    statement = _shown(visible_to).where(c.position >= place.number, c.position < end)
    if place.instance_id is not None:
        later = and_(c.instance_id == place.instance_id, c.revision > place.revision)
        statement = statement.where(or_(c.position > place.number, c.instance_id > place.instance_id, later))
    return statement.order_by(c.position, c.instance_id, c.revision).limit(limit)


def _shown(visible_to: Visibility | None) -> Select[Any]:
    c = instances.c
    of = (c.definition_name, c.definition_version)
    statement = select(history, *of).join_from(history, instances, c.id == history.c.instance_id)
    if visible_to is not None:
        statement = statement.where(in_tenant(c.tenant_id, visible_to.tenant_id))
        seen = seen_instances(visible_to, *of, c.id)
        statement = statement if seen is None else statement.where(seen)
    return statement


def _entry(row: AnyRow, place: Place) -> FeedEntry:
    return FeedEntry(str(place), to_entry(row), row.definition_name, row.definition_version)
