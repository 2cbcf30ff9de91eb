"""Who signs in to the applications of the guide."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Person:
    """Who has signed in, as applications have them on `connection.user`."""

    id: str
    email: str = ""
    roles: list[str] = field(default_factory=list)


class SignedIn:
    """Puts the user of every request on it, from a bearer token; nobody if there is no known one.

    The guards of the guide ask for `connection.user`, and the guide leaves to its reader what sets it. This stands
    in front of the application, as a reader's authentication would, so that the application stays untouched.
    """

    def __init__(self, app: Any, people: Mapping[str, Person]) -> None:
        self._app = app
        self._people = people

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            sent = dict(scope["headers"]).get(b"authorization", b"").decode()
            scope = {**scope, "user": self._people.get(sent.removeprefix("Bearer ")), "auth": None}
        await self._app(scope, receive, send)
