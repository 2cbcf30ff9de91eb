"""Errors as pages: with the status that the API answers, and a way on."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from litestar.exceptions import HTTPException
from litestar.response import Response

from workflows_core.errors import WorkflowError
from workflows_litestar.problems import KINDS
from workflows_litestar.ui.texts import Texts
from workflows_litestar.ui.view import HTML, Frame

if TYPE_CHECKING:
    from litestar import Request
    from litestar.types import ExceptionHandler, ExceptionHandlersMap

logger = logging.getLogger("workflows.ui")


def status_of(error: WorkflowError) -> int:
    """Return the status that an error of the core has."""
    return next((KINDS[kind].status for kind in type(error).__mro__ if kind in KINDS), 500)


def exception_handlers(prefix: str) -> ExceptionHandlersMap:
    """Return the handlers for the pages; those by status keep the application's own away, as in the API."""

    def answer(request: Request[Any, Any, Any], error: Exception) -> Response[str]:
        status, detail = _said(request, error)
        frame = Frame(request, prefix)
        html = frame.render("problem.html", status=status, title=_phrase(status), detail=detail)
        headers = error.headers if isinstance(error, HTTPException) else None
        return Response(html, status_code=status, media_type=HTML, headers=headers)

    handlers: dict[int | type[Exception], ExceptionHandler[Any]] = dict.fromkeys(
        (400, 401, 403, 404, 405, 413, 415, 429, 500), answer
    )
    handlers |= {HTTPException: answer, WorkflowError: answer, Exception: answer}
    return handlers


def _said(request: Request[Any, Any, Any], error: Exception) -> tuple[int, str]:
    """Return status and sentence; of what nobody foresaw the log has the details, the visitor has not."""
    texts = Texts()
    if isinstance(error, WorkflowError):
        status, detail = status_of(error), str(error)
    elif isinstance(error, HTTPException):
        status, detail = error.status_code, error.detail
    else:
        status, detail = 500, ""
    if status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return status, detail
    logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
    is_storage = status == HTTPStatus.SERVICE_UNAVAILABLE
    return status, texts("problem.storage" if is_storage else "problem.unexpected")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return str(status)
