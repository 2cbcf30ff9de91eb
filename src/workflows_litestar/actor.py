"""Who makes a request."""

from __future__ import annotations

from typing import Any

from litestar.connection import ASGIConnection


def acting_user(
    connection: ASGIConnection[Any, Any, Any, Any],  # noqa: ARG001 - what an identity will be read from
    named: str | None = None,
) -> str | None:
    """Return the id of the user who makes a request, `None` if nobody is known.

    Every handler asks here, and none reads the name in a body itself.

    Args:
        connection: The request.
        named: Whom the body names (`user_id`, `completed_by`).
    """
    return named
