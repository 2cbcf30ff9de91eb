"""Who looks at a page: whom the application knows them as, or, where it knows nobody, whom they say they are.

Without an identity the API believes the names in bodies, which is for development. The UI does likewise: a visitor says
who they are, once, and a cookie remembers it. Applications may name people to choose from (`ui_demo_users`); whoever is
chosen is treated as that person, with their groups and roles and no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, TypedDict
from urllib.parse import quote, unquote

from attrs import frozen
from litestar.datastructures import Cookie

from workflows_core.actors import Actor

if TYPE_CHECKING:
    from litestar import Request

COOKIE: Final = "workflows_visitor"
LONGEST_NAME: Final = 255


class Asking(TypedDict):
    """Who asks, as the engine's methods take it."""

    actor: Actor | None
    user_id: str | None


@frozen(kw_only=True)
class Visitor:
    """Who looks at a page.

    Attributes:
        actor: Whom they are seen as; trusted where nobody knows who they are.
        is_identified: Whether the application says who they are.
        choices: The people they can choose to be; empty where any name will do, or they are identified.
    """

    actor: Actor
    is_identified: bool
    choices: tuple[Actor, ...] = ()

    @property
    def name(self) -> str | None:
        """Who they are; `None` if they have not said it."""
        return self.actor.user_id

    @property
    def asking(self) -> Asking:
        """Who asks, for methods that do something."""
        if self.actor.is_trusted:
            return Asking(actor=None, user_id=self.name)
        return Asking(actor=self.actor, user_id=None)

    @property
    def seeing(self) -> Actor | None:
        """Who asks, for methods that show something; `None` if they may see everything."""
        return None if self.actor.is_trusted else self.actor


def visitor_of(request: Request[Any, Any, Any], actor: Actor | None, choices: Sequence[Actor]) -> Visitor:
    """Return who looks at a page; `actor` is whom the application knows them as."""
    if actor is not None:
        return Visitor(actor=actor, is_identified=True)
    name = unquote(request.cookies.get(COOKIE, ""))[:LONGEST_NAME].replace("\x00", "") or None
    chosen = next((each for each in choices if each.user_id == name), None)
    if choices:  # nobody else than they can be chosen, and nobody at all is no person either
        return Visitor(actor=chosen or Actor(None), is_identified=False, choices=tuple(choices))
    return Visitor(actor=Actor.trusted(name), is_identified=False)


def remembering(name: str, path: str) -> Cookie:
    """Return the cookie that remembers whom somebody says they are."""
    return Cookie(
        COOKIE, value=quote(name, safe=""), path=path, httponly=True, samesite="lax", max_age=30 * 86400
    )
