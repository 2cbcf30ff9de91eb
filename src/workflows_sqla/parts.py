"""What the parts of the statement have in common that writes a transition on PostgreSQL; see `writes`."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    ColumnElement,
    Table,
    TableValuedAlias,
    bindparam,
    cast,
    column,
    func,
    literal_column,
)

from workflows_sqla.types import Document


def document(parameter: str) -> ColumnElement[object]:
    """Return a parameter that is JSON."""
    return cast(bindparam(parameter, type_=Document()), JSON)


def rows_given(parameter: str, table: Table) -> TableValuedAlias:
    """Return the rows for a table that a parameter has: a list of objects, with the names of its columns."""
    given = func.json_populate_recordset(literal_column(f"NULL::{table.name}"), document(parameter))
    return given.table_valued(*(column(each.name, each.type) for each in table.c), name=f"given_{parameter}")
