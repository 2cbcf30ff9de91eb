"""JSON bodies: read whole, so that everything that is wrong with one is said at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeVar, get_type_hints

import msgspec
from litestar.dto import AbstractDTO
from litestar.exceptions import HTTPException
from litestar.openapi.spec import Reference, Schema
from litestar.typing import FieldDefinition

from workflows_core.data import MAX_BYTES, pointer
from workflows_litestar.problems import Complaint, InvalidRequestError, choices_of, readable, with_choices

if TYPE_CHECKING:
    from litestar._openapi.schema_generation import SchemaCreator
    from litestar.connection import ASGIConnection, Request

T = TypeVar("T")

MAX_BODY: Final = 2 * MAX_BYTES
"""How many bytes a body may have: a largest document, with room for blanks, escapes and the rest of the body."""


class UnsupportedMediaTypeError(HTTPException):
    """The body is announced as something other than JSON."""

    status_code = 415


class JsonBody(AbstractDTO[T]):
    """Reads a JSON object into a dataclass: `dto=JsonBody[StartWorkflowDTO]`.

    Litestar's own ways stop at the first problem, and ignore fields that they do not know.
    """

    def decode_bytes(self, value: bytes) -> T:
        """Read a body.

        Raises:
            UnsupportedMediaTypeError: If the request says that it is not JSON.
            InvalidRequestError: With everything that is wrong with it.
        """
        _check_media_type(self.asgi_connection)
        return read(self.model_type, value)

    @classmethod
    def create_for_field_definition(cls, *_: object, **__: object) -> None:
        """Prepare nothing: there is no model between the body and the dataclass."""

    @classmethod
    def is_supported_model_type_field(cls, field_definition: FieldDefinition) -> bool:  # noqa: ARG003 - Litestar's name
        """Say no: it reads bodies, and answers are not its concern."""
        return False

    @classmethod
    def create_openapi_schema(
        cls,
        field_definition: FieldDefinition,
        handler_id: str,  # noqa: ARG003 - Litestar's name
        schema_creator: SchemaCreator,
    ) -> Reference | Schema:
        """Describe the dataclass, and say that nothing else is allowed."""
        described = schema_creator.for_field_definition(field_definition)
        schema = described
        if isinstance(described, Reference):
            schema = schema_creator.schema_registry.from_reference(described).schema
        assert isinstance(schema, Schema)  # noqa: S101 - a reference leads to a schema
        schema.additional_properties = False
        for each in (schema.properties or {}).values():
            if isinstance(each, Schema) and each.default is msgspec.UNSET:
                each.default = None  # nothing a client could send
        return described


def read(model: type[T], body: bytes) -> T:
    """Read a body into a dataclass; each member is checked by the annotation of its field.

    Raises:
        InvalidRequestError: With everything that is wrong with it.
    """
    document = _decoded(body)
    values: dict[str, Any] = {}
    complaints = list(_unknown(model, document))
    for name, (kind, is_required) in _members(model).items():  # type: ignore[arg-type]  # classes are hashable
        if name not in document:
            if is_required:
                complaints.append(Complaint("This field is required.", pointer((name,))))
            continue
        try:
            values[name] = msgspec.convert(document[name], kind)
        except msgspec.ValidationError as error:
            choices = choices_of(FieldDefinition.from_annotation(kind))
            complaints.append(Complaint(with_choices(readable(str(error)), choices), pointer((name,))))
    if complaints:
        raise InvalidRequestError(*complaints)
    return model(**values)


@cache
def _members(model: type[Any]) -> Mapping[str, tuple[Any, bool]]:
    """Return name, annotation, and whether it must be there, of every field."""
    hints = get_type_hints(model, include_extras=True)
    return {
        field.name: (hints[field.name], field.default is MISSING and field.default_factory is MISSING)
        for field in fields(model)
    }


def _unknown(model: type[Any], document: Mapping[str, Any]) -> Iterator[Complaint]:
    known = _members(model)  # type: ignore[arg-type]  # as above
    for name in document:
        if name not in known:
            yield Complaint(f"There is no such field; the fields are {', '.join(known)}.", pointer((name,)))


def document_of(request: Request[Any, Any, Any], body: bytes) -> Any:
    """Return the JSON that a request holds, whatever it is; `None` where there is nothing.

    Raises:
        UnsupportedMediaTypeError: If the request says that it is not JSON.
        InvalidRequestError: If it is not.
    """
    if not body:
        return None
    _check_media_type(request)
    return _read_json(body)


def _decoded(body: bytes) -> dict[str, Any]:
    document = _read_json(body)
    if not isinstance(document, dict):
        raise InvalidRequestError(Complaint("A JSON object is required as the body.", pointer=""))
    return document


def _read_json(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except RecursionError:
        raise InvalidRequestError(Complaint("The JSON nests too deeply.", pointer="")) from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidRequestError(
            Complaint(f"This is not JSON: {readable(str(error))}", pointer="")
        ) from None


def _check_media_type(connection: ASGIConnection[Any, Any, Any, Any]) -> None:
    """Insist on JSON: a page of another site can make a browser send text or forms, but not that."""
    request: Request[Any, Any, Any] = connection  # type: ignore[assignment]  # only requests have bodies
    kind = request.content_type[0]
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        said = f"not as {kind}" if kind else "and say so"
        raise UnsupportedMediaTypeError(f"Send the body as application/json, {said} (header Content-Type).")
