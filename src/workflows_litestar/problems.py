"""Errors as answers: problem details (RFC 9457) for the plugin's own routes.

One table says which error of the core becomes which answer. Litestar's own exceptions keep their
status; everything else is our fault, is logged, and says nothing about the inside.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from enum import Enum
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple, TypedDict, Unpack

from litestar.exceptions import HTTPException
from litestar.response import Response
from msgspec import UNSET, Meta, Struct, UnsetType

from workflows_core import errors

if TYPE_CHECKING:
    from litestar.connection import Request
    from litestar.types import ExceptionHandler, ExceptionHandlersMap
    from litestar.typing import FieldDefinition

logger = logging.getLogger("workflows.http")

MEDIA_TYPE: Final = "application/problem+json"
NO_NUL: Final = r"^[^\x00]*$"
"""A pattern for text that a database can store; no database keeps a NUL character."""
UNLOGGED: Final = "workflows_unlogged"
"""Key of a handler's `opt`: whether its path holds what nobody may read in a log."""
DATA_POINTER: Final = "workflows_data_pointer"
"""Key of a handler's `opt`: JSON pointer to the member of its body that holds the data of a workflow."""

DATA: Final = "data."
"""What the query parameters begin with that ask for values in the data of instances; the path follows."""

RENAMED: Final = "workflows_renamed"
"""Key of a handler's `opt`: JSON pointers of the core to those of its body, where they differ."""


class Complaint(Struct, frozen=True):
    """One thing that is wrong with a request."""

    detail: Annotated[str, Meta(description="What is wrong, in a sentence.")]
    pointer: Annotated[
        str | UnsetType,
        Meta(description="JSON pointer (RFC 6901) to the place in the body; empty for the whole body."),
    ] = UNSET
    parameter: Annotated[str | UnsetType, Meta(description="Name of the query or path parameter.")] = UNSET


class ChangeDTO(Struct, frozen=True):
    """One difference between what somebody saw and what is there now."""

    pointer: Annotated[
        str, Meta(description="JSON pointer (RFC 6901) into what the task shows, such as `/data/amount`.")
    ]
    old: Annotated[Any, Meta(description="What was seen; null where there was nothing.")]
    new: Annotated[Any, Meta(description="What is there now; null where there is nothing any more.")]


class Problem(Struct, frozen=True):
    """A refusal, as RFC 9457 describes it."""

    type: Annotated[
        str,
        Meta(description="The kind of problem, as a URI; `about:blank` says no more than the status."),
    ]
    title: Annotated[str, Meta(description="The kind of problem, in words.")]
    status: Annotated[int, Meta(description="The HTTP status, once more.")]
    detail: Annotated[str, Meta(description="What happened, in a sentence for whoever sent the request.")]
    errors: Annotated[
        tuple[Complaint, ...] | UnsetType,
        Meta(description="Everything that is wrong with the request, where that can be said one by one."),
    ] = UNSET
    revision: Annotated[
        int | UnsetType, Meta(description="The revision of the task now, where one was to be quoted.")
    ] = UNSET
    changes: Annotated[
        tuple[ChangeDTO, ...] | UnsetType,
        Meta(description="What the task shows otherwise than in the revision that was quoted."),
    ] = UNSET


class InvalidRequestError(HTTPException):
    """A request that cannot be understood; `complaints` lists everything that is wrong with it."""

    status_code = 400

    def __init__(self, *complaints: Complaint) -> None:
        self.complaints = complaints
        super().__init__(detail=_sentence(complaints))


class _Kind(NamedTuple):
    status: int
    name: str
    title: str


KINDS: Final[Mapping[type[errors.WorkflowError], _Kind]] = {
    errors.DefinitionNotFoundError: _Kind(404, "definition-not-found", "No such workflow definition"),
    errors.InstanceNotFoundError: _Kind(404, "instance-not-found", "No such workflow instance"),
    errors.TaskNotFoundError: _Kind(404, "task-not-found", "No such task"),
    errors.StepNotFoundError: _Kind(404, "step-not-found", "No such step"),
    errors.SubstitutionNotFoundError: _Kind(404, "substitution-not-found", "No such substitution"),
    errors.MessageNotAwaitedError: _Kind(404, "message-not-awaited", "Nobody waits for it"),
    errors.NotPermittedError: _Kind(403, "not-permitted", "Not permitted"),
    errors.InvalidSignatureError: _Kind(403, "invalid-signature", "Not signed as demanded"),
    errors.TaskAlreadyClaimedError: _Kind(409, "task-already-claimed", "Somebody holds the task already"),
    errors.StaleTaskError: _Kind(412, "stale-task", "The task has changed"),
    errors.RevisionRequiredError: _Kind(428, "revision-required", "The revision that was seen is required"),
    errors.InvalidTransitionError: _Kind(409, "invalid-transition", "Not possible in the present state"),
    errors.InstanceExistsError: _Kind(409, "instance-exists", "The instance exists already"),
    errors.DefinitionConflictError: _Kind(
        409, "definition-conflict", "The definition was changed without a new version"
    ),
    errors.RequestInProgressError: _Kind(409, "request-in-progress", "The same request is being carried out"),
    errors.OutcomeUnknownError: _Kind(409, "outcome-unknown", "It may have been carried out already"),
    errors.KeyReusedError: _Kind(
        422, "idempotency-key-reused", "The idempotency key came with another request"
    ),
    errors.NotSearchableError: _Kind(400, "not-searchable", "Not searchable"),
    errors.FormValidationError: _Kind(400, "invalid-form", "The submitted data is not valid"),
    errors.InvalidDataError: _Kind(400, "invalid-data", "The submitted data cannot be stored"),
    errors.InvalidOutcomeError: _Kind(400, "invalid-outcome", "Not an outcome of the task"),
    errors.StorageError: _Kind(503, "storage-unavailable", "The storage is not available"),
}
INVALID_REQUEST: Final = _Kind(400, "invalid-request", "The request is not valid")


def answer_to(
    request: Request[Any, Any, Any], error: errors.WorkflowError | HTTPException
) -> Response[Problem]:
    """Answer an error that is raised on purpose."""
    return from_core(request, error) if isinstance(error, errors.WorkflowError) else from_http(request, error)


def status_of(error: Exception) -> int:
    """Return the status that an error is answered with."""
    if isinstance(error, HTTPException):
        return error.status_code
    problem = problem_of(error) if isinstance(error, errors.WorkflowError) else None
    return HTTPStatus.INTERNAL_SERVER_ERROR if problem is None else problem.status


def from_core(request: Request[Any, Any, Any], error: errors.WorkflowError) -> Response[Problem]:
    """Answer an error of the core as the table says."""
    opt = request.route_handler.opt
    problem = problem_of(error, opt.get(DATA_POINTER, ""), opt.get(RENAMED, {}))
    if problem is None:
        return unexpected(request, error)
    if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
        logger.error("%s %s: %s", request.method, _path(request), error, exc_info=error)
    response = Response(problem, status_code=problem.status, media_type=MEDIA_TYPE)
    if isinstance(error, errors.RequestInProgressError):
        response.headers["retry-after"] = str(error.retry_after)
    return response


def problem_of(
    error: errors.WorkflowError, data_pointer: str = "", renamed: Mapping[str, str] = MappingProxyType({})
) -> Problem | None:
    """Return an error of the core as a problem; `None` if it is our own fault.

    Args:
        error: The error.
        data_pointer: Where in the body the data of a workflow is.
        renamed: What the core calls the members of the body, to what they are called there.
    """
    kind = next((KINDS[base] for base in type(error).__mro__ if base in KINDS), None)
    if kind is None:
        return None
    detail = str(error)
    if kind.status == HTTPStatus.SERVICE_UNAVAILABLE:
        detail = "The storage cannot be used at the moment. Nothing was changed by this request as far as it answered; try again later."
    complaints = _complaints(error, data_pointer, renamed)
    return _problem(kind, _sentence(complaints) or detail, complaints, **_seen(error))


def from_http(request: Request[Any, Any, Any], error: HTTPException) -> Response[Problem]:
    """Answer one of Litestar's exceptions, or one that a guard raised, with its own status."""
    if error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return unexpected(request, error)
    if error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        limit = request.route_handler.resolve_request_max_body_size()
        return plain(
            HTTPException(detail=f"The body is larger than the limit of {limit} bytes.", status_code=413)
        )
    if isinstance(error, InvalidRequestError):
        return _answer(INVALID_REQUEST, error.detail, error.complaints)
    if complaints := _from_litestar(error.extra, request.route_handler.parsed_fn_signature.parameters):
        return _answer(INVALID_REQUEST, _sentence(complaints), complaints)
    return plain(error)


def plain(error: HTTPException) -> Response[Problem]:
    """Answer an exception that says no more than its status and a sentence."""
    problem = Problem("about:blank", _phrase(error.status_code), error.status_code, error.detail)
    return Response(problem, status_code=error.status_code, media_type=MEDIA_TYPE, headers=error.headers)


def unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """Answer what nobody foresaw: the log has the details, the client has not."""
    logger.error("%s %s failed", request.method, _path(request), exc_info=error)
    status = getattr(error, "status_code", 500) if isinstance(error, HTTPException) else 500
    problem = Problem(
        "about:blank", _phrase(status), status, "Something went wrong here; the log of the server says what."
    )
    return Response(problem, status_code=status, media_type=MEDIA_TYPE)


def _path(request: Request[Any, Any, Any]) -> str:
    """Return the path of a request for the log."""
    is_secret = request.route_handler.opt.get(UNLOGGED, False)
    return request.scope["path_template"] if is_secret else request.url.path


def exception_handlers() -> ExceptionHandlersMap:
    """Return the handlers for the plugin's router.

    Handlers by status come first with Litestar, so those of the application (an HTML page for 404, say)
    would win over handlers by type. The statuses this API documents are therefore named.
    """
    handlers: dict[int | type[Exception], ExceptionHandler[Any]] = dict.fromkeys(
        (400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 428, 429, 500), from_http
    )
    handlers[HTTPException] = from_http
    handlers[errors.WorkflowError] = from_core
    handlers[Exception] = unexpected
    return handlers


def readable(message: str) -> str:
    """Turn a message of msgspec into words for somebody who does not know Python."""
    if repr(NO_NUL) in message:
        return "It contains a NUL character, which cannot be stored."
    if "RFC3339" in message:
        return "Expected a moment with its time zone, such as 2026-11-29T14:00:00Z."
    text = re.sub(r" - at `[^`]*`$", "", message).replace("`", "").replace(" | ", " or ")
    for python, json in _WORDS.items():
        text = re.sub(rf"\b{python}\b", json, text)
    return text[:1].upper() + text[1:] + "."


_WORDS: Final = {
    "str": "text",
    "int": "an integer",
    "bool": "a boolean",
    "array": "a list",
    "object": "an object",
}


def _answer(kind: _Kind, detail: str, complaints: Sequence[Complaint]) -> Response[Problem]:
    problem = _problem(kind, detail, complaints)
    return Response(problem, status_code=kind.status, media_type=MEDIA_TYPE)


def _problem(kind: _Kind, detail: str, complaints: Sequence[Complaint], **more: Unpack[_Seen]) -> Problem:
    return Problem(
        f"urn:workflows:problem:{kind.name}",
        kind.title,
        kind.status,
        detail,
        tuple(complaints) or UNSET,
        **more,
    )


class _Seen(TypedDict, total=False):
    """What is told about a task that was not seen as it is."""

    revision: int
    changes: tuple[ChangeDTO, ...]


def _seen(error: errors.WorkflowError) -> _Seen:
    match error:
        case errors.StaleTaskError():
            changes = (ChangeDTO(each.pointer, each.old, each.new) for each in error.changes)
            return {"revision": error.current, "changes": tuple(changes)}
        case errors.RevisionRequiredError():
            return {"revision": error.current}
        case _:
            return {}


def _complaints(
    error: errors.WorkflowError, data_pointer: str, renamed: Mapping[str, str]
) -> list[Complaint]:
    """List what is wrong, with pointers from the root of the body; the core's begin at the data."""
    match error:
        case errors.FormValidationError():
            return [Complaint(problem.detail, data_pointer + problem.pointer) for problem in error.problems]
        case errors.InvalidDataError():
            return [Complaint(f"{error.detail}.", renamed.get(error.pointer, data_pointer + error.pointer))]
        case errors.NotSearchableError():
            detail = f"Instances cannot be found by that: {error.hint}"
            return [Complaint(detail, parameter=f"{DATA}{path}") for path in error.paths]
        case errors.InvalidOutcomeError():
            return [Complaint(str(error), "/outcome")]
        case _:
            return []


def _from_litestar(extra: object, parameters: Mapping[str, FieldDefinition]) -> list[Complaint]:
    """Read what Litestar found wrong with query, path and body."""
    if not isinstance(extra, list):
        return []
    found = [item for item in extra if isinstance(item, dict) and "message" in item]
    return [_from_parameter(item.get("key"), item["message"], parameters) for item in found]


def _from_parameter(name: str | None, message: str, parameters: Mapping[str, FieldDefinition]) -> Complaint:
    if name is None or name == "data" or name not in parameters:
        return Complaint("A JSON object is required as the body.", pointer="")
    return Complaint(with_choices(readable(message), choices_of(parameters[name])), parameter=name)


def with_choices(detail: str, choices: Sequence[str]) -> str:
    """Say with a complaint what would do, where that is one of a few words."""
    return f"{detail.rstrip('.')}; use one of: {', '.join(choices)}." if choices else detail


def choices_of(parameter: FieldDefinition) -> list[str]:
    """Return what a parameter may be, where that is one of a few words."""
    if parameter.is_literal:
        return [str(value) for value in parameter.args]
    kinds = parameter.inner_types or (parameter,)
    return [str(member.value) for kind in kinds if kind.is_subclass_of(Enum) for member in kind.annotation]


def _sentence(complaints: Sequence[Complaint]) -> str:
    """Say everything in one text: what a client shows that knows nothing of `errors`."""
    return " ".join(
        f"{complaint.parameter or complaint.pointer or 'The body'}: {complaint.detail}"
        for complaint in complaints
    )


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"
