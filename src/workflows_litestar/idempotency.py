"""Requests that are answered once, however often they come: the header `Idempotency-Key`.

What is repeated is an answer that a command gave: that it was carried out, or that it is not possible in the present
state. What is wrong with the request itself, or with the server, is no answer to keep: whoever puts it right may use the
same key.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from enum import Enum
from functools import wraps
from hashlib import sha256
from http import HTTPStatus
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias, TypeVar

import msgspec
from litestar import Request
from litestar.enums import MediaType
from litestar.params import HeaderParameter
from litestar.response import Response
from litestar.serialization import get_serializer

from workflows_core.errors import (
    InvalidTransitionError,
    NotPermittedError,
    StaleTaskError,
    StorageError,
)
from workflows_core.reservations import Reservations
from workflows_litestar.problems import Complaint, InvalidRequestError, answer_to, status_of
from workflows_litestar.tags import PreconditionFailedError

if TYPE_CHECKING:
    from workflows_core.actors import Actor
    from workflows_core.engine import ExecutionEngine
    from workflows_core.reservations import Reservation

F = TypeVar("F", bound=Callable[..., Awaitable[Any]])
AnyRequest: TypeAlias = Request[Any, Any, Any]

LENGTH: Final = 255
"""How many characters a key may have."""

IdempotencyKey: TypeAlias = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        description="Your own name for this request, such as a UUID. The same request again under the same key changes "
        "nothing and gets the first answer, for 24 hours.",
        schema_extra={"min_length": 1, "max_length": LENGTH, "pattern": "^[!-~]*$"},
    ),
]

DEFINITE: Final = (InvalidTransitionError, StaleTaskError, PreconditionFailedError)
"""Refusals that are kept: they are answers to a request with which nothing is wrong."""

_REQUEST_ID: Final = "request_id"
"""The parameter of a handler that asks for the name of the request, to name after it what it does."""


def repeatable(handler: F) -> F:
    """Let a handler answer the same request under the same key as it did the first time.

    It is called with an engine that changes nothing twice; and, if it has a parameter `request_id`, with a name that is
    the same whenever the request comes, `None` where it came without a key.
    """
    own = signature(handler).parameters
    added = {
        "request": Parameter("request", Parameter.KEYWORD_ONLY, annotation=AnyRequest),
        "idempotency_key": Parameter(
            "idempotency_key", Parameter.KEYWORD_ONLY, default=None, annotation=IdempotencyKey
        ),
    }

    @wraps(handler)
    async def answer(
        self: object, *, request: AnyRequest, idempotency_key: str | None, **given: Any
    ) -> object:
        if "request" in own:
            given["request"] = request
        if idempotency_key is None:
            return await handler(self, **given)
        _check(idempotency_key)

        async def carry_out(engine: ExecutionEngine, request_id: str) -> object:
            named = {_REQUEST_ID: request_id} if _REQUEST_ID in own else {}
            return await handler(self, **{**given, "workflow_engine": engine, **named})

        actor: Actor | None = given.get("workflow_actor")
        who = _person(actor) if "workflow_actor" in own else ("address", request.url.path)
        repeats = Repeats(request, given["workflow_engine"], who, _rights(actor))
        return await repeats.answer(idempotency_key, carry_out, given.get("wait", 0))

    shown = {name: each for name, each in own.items() if name != _REQUEST_ID} | {
        name: each for name, each in added.items() if name not in own
    }
    answer.__signature__ = signature(handler).replace(parameters=list(shown.values()))  # type: ignore[attr-defined]
    answer.__annotations__ = handler.__annotations__ | {name: each.annotation for name, each in added.items()}
    return answer  # type: ignore[return-value]  # it is the handler, with more parameters


def _check(key: str) -> None:
    if re.fullmatch(f"[!-~]{{1,{LENGTH}}}", key) is None:
        said = f"It must be 1 to {LENGTH} visible ASCII characters, such as a UUID."
        raise InvalidRequestError(Complaint(said, parameter="Idempotency-Key"))


class Said(msgspec.Struct, frozen=True):
    """An answer, as it is kept.

    Attributes:
        status: The HTTP status.
        headers: The headers that the handler gave it.
        media_type: What the body is.
        body: The body, as it was sent.
        rights: What whoever got it might do then, as a digest; `None` where nobody is known.
    """

    status: int
    headers: dict[str, str]
    media_type: str
    body: str
    rights: str | None

    @property
    def response(self) -> Response[bytes]:
        """The answer once more."""
        return Response(
            self.body.encode(), status_code=self.status, media_type=self.media_type, headers=self.headers
        )


class Repeats:
    """Answers one request.

    Args:
        request: The request.
        engine: The engine that carries it out.
        who: Whose keys are meant: those of others are other keys.
        rights: What they may do, as a digest; `None` where nobody is known.
    """

    def __init__(
        self, request: AnyRequest, engine: ExecutionEngine, who: tuple[str | None, ...], rights: str | None
    ) -> None:
        self._request = request
        self._engine = engine
        self._who = who
        self._rights = rights
        self._reservations = Reservations(engine)

    async def answer(
        self, key: str, carry_out: Callable[[ExecutionEngine, str], Awaitable[object]], seconds: int
    ) -> Response[bytes]:
        """Carry the request out, unless it was, and return the answer.

        Args:
            key: The key that it came with.
            carry_out: Carries it out, with an engine and the name of the request.
            seconds: For how long it may wait on purpose.

        Raises:
            KeyReusedError: If the key came before with another request.
            RequestInProgressError: If it is being carried out, and takes its time.
            NotPermittedError: If it was answered to somebody with other rights.
        """
        mine = await self._reservations.reserve(
            _digest(*self._who, key), await self._fingerprint(), timedelta(seconds=seconds)
        )
        if mine.answer is not None:
            return self._again(msgspec.convert(mine.answer, Said))
        try:
            response = await self._carried_out(mine, carry_out)
            said = await self._reservations.keep(mine, msgspec.to_builtins(self._said(response)))
        except Exception as error:
            await self._end(mine, error)
            raise
        return msgspec.convert(said, Said).response

    async def _carried_out(
        self, mine: Reservation, carry_out: Callable[[ExecutionEngine, str], Awaitable[object]]
    ) -> Response[Any]:
        """Carry the request out; a refusal that is an answer is returned as one."""
        try:
            engine = self._engine.provided(lambda instance: mine.check(instance, self._engine.clock.now()))
            found = await carry_out(engine, f"request:{mine.id}")
            return found if isinstance(found, Response) else Response(found)
        except DEFINITE as error:
            if not mine.is_first:  # it may be refused for what an earlier attempt did
                raise
            return answer_to(self._request, error)

    async def _end(self, mine: Reservation, error: Exception) -> None:
        """Note that there is no answer to keep."""
        if status_of(error) < HTTPStatus.INTERNAL_SERVER_ERROR:
            await self._reservations.forget(mine)
        else:
            with suppress(StorageError):  # it is let go in any case, a little later
                await self._reservations.let_go(mine)

    async def _fingerprint(self) -> str:
        request = self._request
        return _digest(
            request.method,
            request.url.path.rstrip("/"),
            sorted(request.query_params.multi_items()),
            request.headers.get("if-match"),
            _normal(await request.body()),
        )

    def _said(self, response: Response[Any]) -> Said:
        handler = self._request.route_handler
        media_type = response.media_type or MediaType.JSON
        kind = media_type.value if isinstance(media_type, Enum) else media_type
        body = response.render(response.content, kind, get_serializer(handler.resolve_type_encoders()))
        status = response.status_code or handler.status_code
        return Said(status, dict(response.headers), kind, body.decode(), self._rights)

    def _again(self, said: Said) -> Response[bytes]:
        """Show nobody by an answer that is kept what they perhaps may not see any more."""
        if said.rights != self._rights:
            raise NotPermittedError(
                "have this answer again", "you had other groups or roles when you got it. Look for yourself."
            )
        return said.response


def _person(actor: Actor | None) -> tuple[str | None, ...]:
    return ("anybody",) if actor is None else ("actor", actor.tenant_id, actor.user_id)


def _rights(actor: Actor | None) -> str | None:
    return None if actor is None else _digest(sorted(actor.groups), sorted(actor.roles))


def _normal(body: bytes) -> str:
    """Return a body as it would be written in one way, whoever writes it."""
    try:
        return msgspec.json.encode(msgspec.json.decode(body), order="deterministic").decode()
    except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError):
        return sha256(body).hexdigest()


def _digest(*parts: object) -> str:
    return sha256(msgspec.json.encode(parts)).hexdigest()
