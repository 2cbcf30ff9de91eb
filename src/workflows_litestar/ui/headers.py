"""What browsers are told about every answer of the UI: run nothing and load nothing that is not ours."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from litestar.datastructures import MutableScopeHeaders

if TYPE_CHECKING:
    from collections.abc import Mapping

    from litestar.handlers import BaseRouteHandler
    from litestar.types import Message, Scope

MARK: Final = "workflows_ui"
"""Key of a handler's `opt` that says that its answers are ours."""

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS: Final[Mapping[str, str]] = MappingProxyType({
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
})  # fmt: skip


async def add_headers(message: Message, scope: Scope) -> None:
    """Add the headers to an answer of the UI, whoever made it: a handler, a guard, or an error on the way."""
    handler: BaseRouteHandler | None = scope.get("route_handler")  # there is none where nothing was found
    if message["type"] != "http.response.start" or handler is None or MARK not in handler.opt:
        return
    headers = MutableScopeHeaders.from_message(message)
    for name, value in HEADERS.items():
        headers[name] = value
    headers.setdefault("cache-control", "no-store")
