"""Column types that mean the same on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import BigInteger, DateTime, Dialect, LargeBinary, Text, TypeDecorator, Uuid
from sqlalchemy.types import TypeEngine

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder().decode


def encode(document: Any) -> str:
    """Encode a document as the text that is stored."""
    return _encode(document).decode()


def _encoded(document: Any) -> str | None:
    return None if document is None else _encode(document).decode()


def _decoded(document: str | None) -> Any:
    return None if document is None else _decode(document)


class Word(TypeDecorator[str]):
    """Text that is compared and sorted byte by byte, so that both databases agree and indexes are cheap.

    PostgreSQL would otherwise sort in the language of the database; SQLite sorts like this anyway.
    """

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Name the collation where it is not the default."""
        return Text(collation="C") if dialect.name == "postgresql" else Text()


def _with_zone(value: datetime | None) -> datetime | None:
    if value is not None and value.utcoffset() is None:
        msg = f"{value!r} has no time zone: use an aware datetime, such as datetime.now(UTC)"
        raise ValueError(msg)
    return value


class Moment(TypeDecorator[datetime]):
    """An aware datetime, in UTC when it is read.

    SQLite has no such type and SQLAlchemy's substitute drops the zone: there it is the number of
    microseconds since 1970, which sorts right and takes a third of the space of text.
    """

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Use the database's own type where it has one."""
        return DateTime(timezone=True) if dialect.name == "postgresql" else BigInteger()

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], Any] | None:
        """Call as little as possible where the value is left as it is."""
        return _with_zone if dialect.name == "postgresql" else super().bind_processor(dialect)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | int | None:
        """Refuse a moment without a zone: nobody can know which moment it is."""
        known = _with_zone(value)
        return known if known is None or dialect.name == "postgresql" else (known - _EPOCH) // _MICROSECOND

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None] | None:
        """Call nothing where the value is one already."""
        return None if dialect.name == "postgresql" else super().result_processor(dialect, coltype)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Restore UTC."""
        if value is None or isinstance(value, datetime):
            return value
        return _EPOCH + timedelta(microseconds=value)


class Id(TypeDecorator[UUID]):
    """A UUID: the database's own type, or its 16 bytes. Both sort alike."""

    impl = LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Use the database's own type where it has one."""
        return Uuid() if dialect.name == "postgresql" else LargeBinary(16)

    def bind_processor(self, dialect: Dialect) -> Callable[[UUID | None], Any] | None:
        """Leave the value alone where there is such a type: nothing needs to be called then."""
        return None if dialect.name == "postgresql" else super().bind_processor(dialect)

    def process_bind_param(self, value: UUID | None, dialect: Dialect) -> UUID | bytes | None:
        """Write the bytes where there is no such type."""
        return value if value is None or dialect.name == "postgresql" else value.bytes

    def process_result_value(self, value: Any, dialect: Dialect) -> UUID | None:
        """Make a plain UUID of bytes and of asyncpg's own subclass, which not every encoder takes."""
        if value is None:
            return None
        return UUID(bytes=value) if isinstance(value, bytes) else UUID(int=value.int)


class Document(TypeDecorator[Any]):
    """JSON, stored as the text it was encoded to.

    Not JSONB, which forgets the order of keys, writes `1e16` as an integer, refuses NUL escapes and costs
    more to write; not JSON, whose values asyncpg decodes with what the owner of the engine chose, so that
    a number might come back as another type. As text, a document is the same after a reload on every
    database and engine, and `column::json` still opens it to SQL.
    """

    impl = Text
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], str | None]:
        """Call as little as possible."""
        return _encoded

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Encode; `None` is no document at all."""
        return _encoded(value)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[str | None], Any]:
        """Call as little as possible."""
        return _decoded

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """Decode."""
        return _decoded(value)
