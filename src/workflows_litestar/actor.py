"""In whose name a request is carried out."""

from __future__ import annotations

from typing import TypedDict

from workflows_core.actors import Actor
from workflows_core.errors import NotPermittedError
from workflows_litestar.problems import Complaint, InvalidRequestError


class Asking(TypedDict):
    """Who asks, as the methods of the engine take it."""

    actor: Actor | None
    user_id: str | None


def asking(actor: Actor | None, named: str | None = None, *, required: str | None = None) -> Asking:
    """Return in whose name the engine is asked: that of the principal, and of nobody else.

    Where no identity is configured it is whom the body names. Every handler asks here, and none reads the name in a
    body itself.

    Args:
        actor: Who makes the request; `None` where no identity is configured.
        named: Whom the request names (`user_id`, `completed_by`), if anybody.
        required: JSON pointer to the member that names them, where somebody has to be known.

    Raises:
        NotPermittedError: If somebody else is named than the one who makes the request.
        InvalidRequestError: If nobody is known, and somebody has to be.
    """
    if actor is not None:
        _check_own(named, actor.user_id, "act in the name of")
        return {"actor": actor, "user_id": None}
    if not named and required is not None:
        raise InvalidRequestError(Complaint("This field is required.", pointer=required))
    return {"actor": None, "user_id": named or None}


def name_of(actor: Actor | None, named: str | None) -> str | None:
    """Return the name of who asks.

    Raises:
        NotPermittedError: As `asking`.
    """
    asked = asking(actor, named)
    return asked["user_id"] if asked["actor"] is None else asked["actor"].user_id


def asking_person(actor: Actor | None, named: str | None) -> Actor:
    """Return who asks, where it is about them and not about what they do.

    Where no identity is configured it is whom the query names, as the application itself that may do everything.

    Raises:
        NotPermittedError: As `asking`.
    """
    asked = asking(actor, named)
    return asked["actor"] or Actor.trusted(asked["user_id"])


def own_name(actor: Actor | None, named: str | None) -> Actor:
    """Return whose own list is asked for.

    Raises:
        NotPermittedError: As `asking`.
        InvalidRequestError: If nobody is known.
    """
    asked = asking(actor, named)
    if asked["actor"] is not None:
        return asked["actor"]
    if asked["user_id"] is None:
        raise InvalidRequestError(Complaint("Say whose tasks are meant.", parameter="user_id"))
    return Actor(asked["user_id"])


def tenant_of(actor: Actor | None, named: str | None) -> str | None:
    """Return the tenant for which something is done; as for persons, that of the principal.

    Raises:
        NotPermittedError: If another one is named than that of the one who makes the request.
    """
    if actor is None:
        return named or None
    _check_own(named, actor.tenant_id, "act for the tenant")
    return actor.tenant_id


def _check_own(named: str | None, own: str | None, words: str) -> None:
    if named and named != own:
        known = "That is not known of you" if own is None else f"You {words} {own}"
        raise NotPermittedError(f"{words} {named}", f"{known}. Leave the name out.")
