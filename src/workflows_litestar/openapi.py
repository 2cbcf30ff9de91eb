"""What the OpenAPI document says beside the types."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import OpenAPIType, Operation, Parameter, RequestBody, Schema

from workflows_litestar.fields import PROSE
from workflows_litestar.problems import DATA, MEDIA_TYPE, Problem

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


@dataclass
class FoundByData(Operation):
    """An operation with a query parameter for each path in the data of instances."""

    def __post_init__(self) -> None:
        """Say so: each member of this object is a parameter of its own."""
        text = Schema(type=OpenAPIType.STRING, max_length=PROSE["max_length"])
        given = Schema(
            type=OpenAPIType.OBJECT,
            additional_properties=text,
            property_names=Schema(pattern=f"^{re.escape(DATA)}."),
        )
        self.parameters = [
            *(self.parameters or ()),
            Parameter(
                name="data",
                param_in="query",
                description="Only those with this value at this path in their data, `data.customer.id=7`: one that the "
                "workflow declares as searchable. Numbers, `true`, `false` and `null` are read as JSON, and so is text in "
                "quotes; all else is text.",
                style="form",
                explode=True,
                schema=given,
            ),
        ]
