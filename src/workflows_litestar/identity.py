"""Who makes a request: the authenticated principal, as an `Actor`.

The application says who somebody is, in one of two ways: it gives the plugin a function (`identify`), or it has an
authentication middleware of Litestar, whose `connection.user` has the usual attributes. Where it does neither, nobody is
known: the API believes the names in bodies, which is for development.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from uuid import UUID

from litestar.connection import ASGIConnection
from litestar.di import NamedDependency
from litestar.exceptions import ImproperlyConfiguredException, NotAuthorizedException
from litestar.middleware import AbstractAuthenticationMiddleware, DefineMiddleware
from litestar.security.session_auth.middleware import MiddlewareWrapper

from workflows_core.actors import Actor
from workflows_litestar.dependencies import Engine

if TYPE_CHECKING:
    from litestar.connection import Request
    from litestar.handlers import BaseRouteHandler
    from litestar.types import Middleware

Connection: TypeAlias = ASGIConnection[Any, Any, Any, Any]
Identify: TypeAlias = Callable[[Connection], Actor | Awaitable[Actor | None] | None]
"""Says who makes a request; `None` if that is not known."""

Acting: TypeAlias = NamedDependency[Actor | None]
"""What handlers ask for as `workflow_actor`: who makes the request; `None` where no identity is configured."""

ACTOR: Final = "workflow_actor"

NO_IDENTITY: Final = (
    "No identity is configured: whoever reaches the workflow API may do everything, in the name of anybody "
    "(user_id, completed_by). Add an authentication middleware, or give WorkflowPluginConfig identify=..."
)

_FOUND: Final = "_workflows_actor"
"""Where in the state of a request it is kept who makes it."""

_NAMES: Final = ("id", "user_id", "sub", "email", "username", "name")
"""The usual attributes that say who somebody is; the first that is there counts."""


class Identity:
    """Finds out who makes a request.

    Attributes:
        is_configured: Whether it is to be known who that is. If not, every request may do everything.
    """

    def __init__(self, identify: Identify | None, middleware: Iterable[Middleware] = ()) -> None:
        """Learn how to find out.

        Args:
            identify: The application's own way; by default `connection.user` tells.
            middleware: The middleware of the application: by default an identity is configured if one of them
                authenticates.
        """
        self._identify = identify
        self.is_configured = identify is not None or any(map(_authenticates, middleware))

    async def actor_of(self, connection: Connection) -> Actor | None:
        """Return who makes a request; `None` where no identity is configured.

        Asking again gives the same answer: it is found out once for each request.

        Raises:
            NotAuthorizedException: If nobody is known to make it.
            ImproperlyConfiguredException: If what the application says about them cannot be used.
        """
        if not self.is_configured:
            return None
        state = connection.scope["state"]
        if _FOUND not in state:
            state[_FOUND] = await self._found(connection)
        actor: Actor = state[_FOUND]
        return actor

    async def guard(self, connection: Connection, _: BaseRouteHandler) -> None:
        """Let nobody pass who is not known, as a guard of Litestar.

        Raises:
            NotAuthorizedException: If nobody is known to make the request.
        """
        await self.actor_of(connection)

    async def provide(self, request: Request[Any, Any, Any], workflow_engine: Engine) -> Actor | None:
        """Return who makes a request, as a dependency of handlers.

        It is provided after the engine: what does not depend on each other Litestar provides in tasks of its own, which
        take much longer to make than either.
        """
        return await self.actor_of(request)

    async def _found(self, connection: Connection) -> Actor:
        if self._identify is None:
            found: object = user_of(connection)
        else:
            found = self._identify(connection)
            if inspect.isawaitable(found):
                found = await found
        if found is None:
            raise NotAuthorizedException("Sign in: it is not known who sent this request.")
        if not isinstance(found, Actor) or found.is_trusted:
            msg = f"identify must return an Actor that is not trusted, or None; not {type(found).__name__}."
            raise ImproperlyConfiguredException(msg)
        return found


def user_of(connection: Connection) -> Actor | None:
    """Return the user of a connection, as an authentication middleware has put it there; `None` if there is none.

    Raises:
        ImproperlyConfiguredException: If the user has none of the usual attributes.
    """
    user = connection.scope.get("user")
    return None if user is None else actor_from(user)


def actor_from(user: object) -> Actor:
    """Return the actor that a user of the application is.

    The user is an object or a mapping. The first of `id`, `user_id`, `sub`, `email`, `username` and `name` that it has
    says who it is (text, a number or a UUID). `groups` and `roles` are names, or objects with a `name`; `tenant_id` is
    the tenant. A user that is just text is a name.

    Raises:
        ImproperlyConfiguredException: If it cannot be seen who that is.
    """
    if isinstance(user, str) and user:
        return Actor(user)
    names = (_as_name(_read(user, attribute)) for attribute in _NAMES)
    user_id = next(filter(None, names), None)
    if user_id is None:
        msg = (
            f"The user of the request ({type(user).__name__}) has none of {', '.join(_NAMES)}. "
            "Give WorkflowPluginConfig identify=..., which returns an Actor."
        )
        raise ImproperlyConfiguredException(msg)
    return Actor(
        user_id,
        groups=_as_names(_read(user, "groups")),
        roles=_as_names(_read(user, "roles")),
        tenant_id=_as_name(_read(user, "tenant_id")),
    )


def _read(user: object, attribute: str) -> object:
    return user.get(attribute) if isinstance(user, Mapping) else getattr(user, attribute, None)


def _as_name(value: object) -> str | None:
    """Return a value as text, `None` if it names nobody."""
    value = value.value if isinstance(value, Enum) else value
    is_name = isinstance(value, str | int | UUID) and not isinstance(value, bool) and value != ""
    return str(value) if is_name else None


def _as_names(values: object) -> frozenset[str]:
    if isinstance(values, str) or not isinstance(values, Iterable):
        values = (values,)
    found = (_as_name(each) or _as_name(_read(each, "name")) for each in values)
    return frozenset(filter(None, found))


def _authenticates(middleware: Middleware) -> bool:
    kind = middleware.middleware if isinstance(middleware, DefineMiddleware) else middleware
    return inspect.isclass(kind) and issubclass(kind, AbstractAuthenticationMiddleware | MiddlewareWrapper)
