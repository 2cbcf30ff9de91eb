"""Query parameters that nobody knows are refused: a filter with a misspelled name would let everything through."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from litestar.routes import HTTPRoute

from workflows_litestar.problems import Complaint, InvalidRequestError

if TYPE_CHECKING:
    from litestar.connection import Request
    from litestar.routes import BaseRoute

KNOWN: Final = "workflows_query"
"""Key of a handler's `opt`: the names of its query parameters, once its route is known. Without it, all pass."""
FREE: Final = "workflows_query_free"
"""Key of a handler's `opt`: what the names of other query parameters begin with, which the handler looks at itself."""


def note_parameters(route: BaseRoute) -> None:
    """Note what the handlers of a route may be asked with: by themselves, a dependency or a layer of the application."""
    if not isinstance(route, HTTPRoute):
        return
    for handler, model in route.route_handler_map.values():
        if KNOWN in handler.opt:
            handler.opt[KNOWN] = tuple(
                sorted(parameter.field_alias for parameter in model.expected_query_params)
            )


async def refuse_unknown(request: Request[Any, Any, Any]) -> None:
    """Refuse a request that asks for something that nobody would look at.

    Raises:
        InvalidRequestError: With every parameter that is unknown, or stands there more than once.
    """
    complaints = tuple(_complaints(request))
    if complaints:
        raise InvalidRequestError(*complaints)


def _complaints(request: Request[Any, Any, Any]) -> Iterator[Complaint]:
    known: tuple[str, ...] = request.route_handler.opt[KNOWN]
    free: str | None = request.route_handler.opt.get(FREE)
    for name, count in Counter(name for name, _ in request.query_params.items()).items():
        if name not in known and not (free is not None and name.startswith(free)):
            hint = f"there are {', '.join(known)}" if known else "there are none here"
            yield Complaint(f"There is no such parameter; {hint}.", parameter=name)
        elif count > 1:
            yield Complaint("It may stand here only once.", parameter=name)
