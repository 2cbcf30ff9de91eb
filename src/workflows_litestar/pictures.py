"""Graphs as answers: as Mermaid text with nodes and edges, or as a picture that browsers show."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias

from litestar.datastructures import ResponseHeader
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, OpenAPIType, Operation, Schema
from litestar.params import QueryParameter
from litestar.response import Response

from workflows_core.drawing.stylesheet import standalone_stylesheet
from workflows_core.drawing.svg import svg
from workflows_litestar.dto import WorkflowGraphDTO

if TYPE_CHECKING:
    from litestar.connection import Request

    from workflows_core.diagram import Diagram

SVG: Final = "image/svg+xml"

GraphFormat: TypeAlias = Annotated[
    Literal["mermaid", "json", "svg"],
    QueryParameter(
        description="As a picture (`svg`), or as Mermaid text with nodes and edges: answers hold both of these."
    ),
]

PICTURED: Final = (
    ResponseHeader(
        name="ETag",
        description="Names the picture, for `If-None-Match`.",
        documentation_only=True,
        required=False,
    ),
)
"""What the OpenAPI document says about answers that may be a picture."""


@dataclass
class Pictured(Operation):
    """An operation that may answer with a picture, or that the picture is the one which the client has."""

    def __post_init__(self) -> None:
        """Say so: Litestar knows one kind of answer alone."""
        responses = self.responses or {}
        answer = responses.get("200")
        if isinstance(answer, OpenAPIResponse) and answer.content is not None:
            answer.content[SVG] = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING))
            responses["304"] = OpenAPIResponse(description="It is as `If-None-Match` says.")


def graph_answer(
    request: Request[Any, Any, Any], diagram: Diagram, graph_format: str, title: str
) -> Response[Any]:
    """Answer with a graph in the form that is asked for."""
    if graph_format != "svg":
        return Response(WorkflowGraphDTO.from_domain(diagram))
    picture = svg(diagram, title=title, standalone=True)
    tag = f'"{sha256(picture.encode()).hexdigest()[:16]}"'
    headers = {"ETag": tag, **_headers()}
    if _has(request, tag):
        return Response(None, status_code=304, headers=headers)
    return Response(picture, media_type=SVG, headers=headers)


def _has(request: Request[Any, Any, Any], tag: str) -> bool:
    """Say whether the client has what the tag names (RFC 9110, 13.1.2)."""
    quoted = [each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")]
    return tag in quoted or quoted == ["*"]


@cache
def _headers() -> Mapping[str, str]:
    """Return what browsers are told: to look again each time, and to run nothing and load nothing for it.

    Whoever opens the picture by itself sees a document. The only style it may have is that of drawings.
    """
    digest = b64encode(sha256(standalone_stylesheet().encode()).digest()).decode()
    return MappingProxyType({
        "Cache-Control": "private, no-cache",
        "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'self'; sandbox",
        "X-Content-Type-Options": "nosniff",
    })  # fmt: skip
