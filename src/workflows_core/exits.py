"""How a step can end; besides these, with an outcome that its author named."""

from __future__ import annotations

from typing import Final

COMPLETED: Final = "completed"
"""It did its work without naming an outcome."""

ERROR: Final = "error"
"""It failed, and has an edge for that."""

TIMEOUT: Final = "timeout"
"""Its time ran out, and it has an edge for that."""

RESERVED: Final = frozenset({COMPLETED, ERROR, TIMEOUT})
"""Names that no outcome can have."""
