"""What the OpenAPI document says beside the types."""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import copy
from dataclasses import MISSING, dataclass, fields
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import (
    Components,
    Example,
    OpenAPIType,
    Operation,
    Parameter,
    RequestBody,
    Schema,
    SecurityScheme,
)
from litestar.plugins import OpenAPISchemaPlugin
from litestar.types import Empty
from litestar.typing import FieldDefinition

from workflows_litestar.examples import EXAMPLES, PROBLEMS
from workflows_litestar.fields import PROSE
from workflows_litestar.problems import DATA, MEDIA_TYPE, Problem

if TYPE_CHECKING:
    from litestar._openapi.schema_generation import SchemaCreator
    from litestar.config.app import AppConfig

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
            Problem,
            generate_examples=False,
            description=_MEANINGS[status],
            media_type=MEDIA_TYPE,
            examples=[Example(value=PROBLEMS[status])],
        )
        for status in sorted({*statuses, *_ANY_REQUEST})
    }


class Examples(OpenAPISchemaPlugin):
    """Describes our dataclasses as Litestar does, with an example."""

    def is_plugin_supported_field(self, field_definition: FieldDefinition) -> bool:
        """Say whether there is an example."""
        return field_definition.annotation in EXAMPLES

    def to_openapi_schema(self, field_definition: FieldDefinition, schema_creator: SchemaCreator) -> Schema:
        """Describe a class."""
        hints = field_definition.get_type_hints(include_extras=True)
        members = {
            each.name: FieldDefinition.from_kwarg(
                hints[each.name], each.name, default=Empty if each.default is MISSING else each.default
            )
            for each in fields(field_definition.annotation)
        }
        required = [
            each.name
            for each in fields(field_definition.annotation)
            if each.default is MISSING and each.default_factory is MISSING
        ]
        return schema_creator.create_component_schema(
            field_definition,
            required=sorted(required),
            property_fields=members,
            examples=[_whole(EXAMPLES[field_definition.annotation])],
        )


def _whole(example: Mapping[str, object]) -> Enum:
    """Keep an example as it is: Litestar leaves out the nulls of all that it writes, but not of what a member is worth."""
    kept: type[Enum] = Enum("kept", {"EXAMPLE": example})
    return kept["EXAMPLE"]


SIGNATURE: Final = "workflows_webhook_signature"
SECURITY: Final = Components(
    security_schemes={
        SIGNATURE: SecurityScheme(
            type="apiKey",
            name="X-Signature-256",
            security_scheme_in="header",
            description="The HMAC (SHA-256) of the body under the secret of the step, in hexadecimal digits, perhaps after "
            "`sha256=`. The step may name another header.",
        )
    }
)
"""What of the security of the API is ours; who sends a request is the concern of the application."""


def describe(app: AppConfig) -> None:
    """Add to the document of an application what of the security of the API is ours."""
    if app.openapi_config is not None:
        app.openapi_config = copy(app.openapi_config)
        theirs = app.openapi_config.components
        app.openapi_config.components = [*(theirs if isinstance(theirs, list) else [theirs]), SECURITY]


@dataclass
class OpenOperation(Operation):
    """An operation that anybody may call."""

    def __post_init__(self) -> None:
        """Say so, whatever the rest of the application requires."""
        self.security = []


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
