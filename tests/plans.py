"""How a database would carry out a statement."""

import re
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Executable
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import ClauseElement

SORTED: Final = re.compile(r"^\W*(Incremental )?Sort\b(?! (Key|Method))|TEMP B-TREE", re.MULTILINE)
"""Something is sorted; what is merged has a key, and is not."""

NO_INDEX: Final = re.compile(r"Seq Scan on workflow_|SCAN workflow_\w+$", re.MULTILINE)
"""A table that is read through."""


class Explain(Executable, ClauseElement):
    """Asks PostgreSQL how a statement would be carried out."""

    inherit_cache = False

    def __init__(self, statement: Any) -> None:
        self.statement = statement


@compiles(Explain)
def _explain(element: Explain, compiler: Any, **options: Any) -> str:
    return f"EXPLAIN {compiler.process(element.statement, **options)}"


async def plan_of(
    connection: AsyncConnection, statement: Any, parameters: Mapping[str, Any] | None = None
) -> str:
    """Return how a statement would be carried out, a line for each part."""
    if connection.dialect.name == "postgresql":
        found = await connection.execute(Explain(statement), parameters)
    else:  # the plan does not depend on the values
        compiled = statement.compile(dialect=connection.dialect, compile_kwargs={"render_postcompile": True})
        nothing = (None,) * len(compiled.positiontup)
        found = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", nothing)
    return "\n".join(str(row[-1]) for row in found.all())
