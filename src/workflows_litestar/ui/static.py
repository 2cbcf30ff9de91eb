"""Stylesheets and scripts: small, few, and the same until the next release."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen
from litestar import Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from workflows_core.drawing.stylesheet import STYLESHEET

if TYPE_CHECKING:
    from collections.abc import Mapping

_CSS: Final = "text/css"
_JS: Final = "text/javascript"
_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {"ui.css": _CSS, "ui.js": _JS, "live.js": _JS, "htmx.min.js": _JS, "icon.svg": "image/svg+xml"}
)
_FOREVER: Final = "public, max-age=31536000, immutable"


@frozen
class Asset:
    """A file for browsers.

    Attributes:
        content: What is in it.
        media_type: What it is.
        digest: Names the content, so that another content has another address.
    """

    content: bytes
    media_type: str
    digest: str


@cache
def assets() -> Mapping[str, Asset]:
    """Return all files by name."""
    folder = files("workflows_litestar.ui") / "static"
    contents = {name: (folder / name).read_bytes() for name in _TYPES}
    contents["diagram.css"] = STYLESHEET.encode()
    return MappingProxyType({
        name: Asset(content, _TYPES.get(name, _CSS), hashlib.sha256(content).hexdigest()[:16])
        for name, content in contents.items()
    })  # fmt: skip


@get("/{name:str}")
async def static_file(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[bytes]:
    """Return a file."""
    asset = assets().get(name)
    if asset is None:
        raise NotFoundException
    is_current = request.query_params.get("v") == asset.digest
    caching = _FOREVER if is_current else "no-cache"
    return Response(asset.content, media_type=asset.media_type, headers={"cache-control": caching})
