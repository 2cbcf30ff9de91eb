"""Pages of lists: from the front by number, or from where the last one ended by `Link`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias, TypeVar
from urllib.parse import urlencode

from litestar.datastructures import ResponseHeader
from litestar.params import QueryParameter
from litestar.response import Response

from workflows_core.errors import InvalidDataError
from workflows_core.paging import Cursor
from workflows_litestar.fields import FARTHEST, LARGEST_PAGE
from workflows_litestar.problems import Complaint, InvalidRequestError

if TYPE_CHECKING:
    from litestar.connection import Request

    from workflows_core.paging import Page

T = TypeVar("T")
Q = TypeVar("Q")
D = TypeVar("D")

Limit: TypeAlias = Annotated[int, QueryParameter(description="At most so many.", ge=1, le=LARGEST_PAGE)]
Offset: TypeAlias = Annotated[
    int, QueryParameter(description="Leave out so many at the front.", ge=0, le=FARTHEST)
]
After: TypeAlias = Annotated[
    str | None,
    QueryParameter(
        description="Begin after this place: follow the `Link` of the page before. However much is added or removed in "
        "the meantime, nothing comes twice and nothing that stayed is left out.",
        max_length=1000,
    ),
]
Total: TypeAlias = Annotated[
    bool, QueryParameter(description="Whether to count all that fit, which takes longer: `X-Total-Count`.")
]

PAGED: Final = (
    ResponseHeader(
        name="Link",
        description='Where the next page is (`rel="next"`); absent on the last one.',
        documentation_only=True,
        required=False,
    ),
    ResponseHeader(
        name="X-Total-Count",
        description="How many fit, whatever the page: if `total` was asked for.",
        documentation_only=True,
        required=False,
    ),
)
"""What the OpenAPI document says about answers with a page."""


def query_after(make: Callable[[Cursor | None], Q], after: str | None) -> Q:
    """Make a query that begins after a place.

    Raises:
        InvalidRequestError: If it is no place in the list that is asked for.
    """
    try:
        return make(None if after is None else Cursor.parse(after))
    except InvalidDataError as error:
        raise InvalidRequestError(Complaint(f"{error.detail}.", parameter="after")) from None


async def answer(
    request: Request[Any, Any, Any],
    page: Page[T],
    show: Callable[[T], D],
    count: Callable[[], Awaitable[int]] | None,
) -> Response[list[D]]:
    """Answer with a page, where the next one is, and how many there are if somebody asked."""
    headers = {}
    if page.next is not None:
        headers["Link"] = f'<{_next(request, page.next)}>; rel="next"'
    if count is not None:
        headers["X-Total-Count"] = str(await count())
    return Response([show(each) for each in page.items], headers=headers)


def _next(request: Request[Any, Any, Any], place: Cursor) -> str:
    """Return where the next page is: the same question, from another place."""
    asked = [(name, value) for name, value in request.query_params.items() if name not in {"after", "offset"}]
    return str(request.url.with_replacements(query=urlencode([*asked, ("after", str(place))])))
