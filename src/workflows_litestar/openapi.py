"""What the OpenAPI document says beside the types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Operation, RequestBody

from workflows_litestar.problems import MEDIA_TYPE, Problem

WRITES: Final = (400, 404, 409, 412, 413, 415, 422)
"""How requests with a body that change something may be refused."""

_ANY_REQUEST: Final = (401, 403, 503)
_MEANINGS: Final[Mapping[int, str]] = MappingProxyType(
    {
        400: "The request is not valid: `errors` lists everything that is wrong with it.",
        401: "Nobody is known to have sent the request.",
        403: "Whoever sent the request may not do this.",
        404: "There is no such workflow, instance or task.",
        409: "Not possible in the present state. Nothing was changed.",
        412: "It has changed since it was seen. Nothing was changed now.",
        413: "The body is too large.",
        415: "The body is not announced as JSON.",
        422: "The idempotency key came before with another request.",
        428: "The revision that was seen must be quoted.",
        503: "The storage is not available; try again later.",
    }
)


def refusals(*statuses: int) -> dict[int, ResponseSpec]:
    """Describe the problems that an operation may answer with, besides those that any may."""
    return {
        status: ResponseSpec(
            Problem, generate_examples=False, description=_MEANINGS[status], media_type=MEDIA_TYPE
        )
        for status in sorted({*statuses, *_ANY_REQUEST})
    }


@dataclass
class OptionalBody(Operation):
    """An operation whose body may be left out."""

    def __post_init__(self) -> None:
        """Say so: Litestar calls every body required."""
        if isinstance(self.request_body, RequestBody):
            self.request_body.required = False
