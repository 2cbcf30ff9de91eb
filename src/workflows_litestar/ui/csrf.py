"""Forms of other sites cannot act for whoever looks at our pages.

An application that has a `CSRFConfig` is protected by it, and our forms carry its token. Everywhere else two things are
asked of a request that changes something: the browser says that it comes from this site (`Sec-Fetch-Site`, or
`Origin`), and it carries the token that its cookie holds. The first holds against whoever can plant cookies, a
neighbouring subdomain say; the second where a browser says nothing. Neither needs a secret, so that several processes
can serve the same pages.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from litestar.datastructures import Cookie
from litestar.exceptions import PermissionDeniedException
from litestar.utils.scope.state import ScopeState

if TYPE_CHECKING:
    from litestar import Request

FIELD: Final = "_csrf_token"
"""The field of a form in which the token is sent; Litestar's own middleware reads the same."""
COOKIE: Final = "workflows_csrf"
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_REFUSED: Final = (
    "This form did not come from this site, or is too old. Go back, load the page again, and repeat it."
)


def token_of(request: Request[Any, Any, Any]) -> str:
    """Return the token that forms on the answer to a request must carry."""
    if request.app.csrf_config is not None:
        token = ScopeState.from_scope(request.scope).csrf_token
        return token if isinstance(token, str) else ""
    return request.cookies.get(COOKIE) or secrets.token_urlsafe(32)


def cookie_for(request: Request[Any, Any, Any], token: str, path: str) -> Cookie | None:
    """Return the cookie to be set beside a token; `None` if the browser has it."""
    if request.app.csrf_config is not None or request.cookies.get(COOKIE) == token:
        return None
    is_secure = request.url.scheme == "https"
    return Cookie(COOKIE, value=token, path=path, httponly=True, samesite="strict", secure=is_secure)


async def check(request: Request[Any, Any, Any]) -> None:
    """Refuse a request that changes something and was not made on one of our pages.

    Raises:
        PermissionDeniedException: If it was not.
    """
    if request.method in _SAFE or request.app.csrf_config is not None:
        return
    known, form = request.cookies.get(COOKIE), await request.form()
    sent = form.get(FIELD)
    is_same = known and isinstance(sent, str) and secrets.compare_digest(sent.encode(), known.encode())
    if not (is_same and _is_from_here(request)):
        raise PermissionDeniedException(_REFUSED)


def _is_from_here(request: Request[Any, Any, Any]) -> bool:
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")
