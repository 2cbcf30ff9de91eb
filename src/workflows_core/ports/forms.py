"""Checking data against schemas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from workflows_core.data import JsonObject

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workflows_core.errors import FormProblem


class FormValidator(Protocol):
    """Checks data against JSON Schema. References to other documents are never followed."""

    def check_schema(self, schema: Mapping[str, object]) -> str | None:
        """Return what is wrong with a schema, in one sentence; `None` if it is usable."""
        ...

    def problems(self, schema: Mapping[str, object], data: JsonObject) -> Sequence[FormProblem]:
        """Return everything in the data that the schema does not allow; empty if it fits."""
        ...
