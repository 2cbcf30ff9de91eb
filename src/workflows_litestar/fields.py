"""Kinds of text that requests may contain: what is refused is also what the OpenAPI document says.

Two libraries read the annotations: msgspec checks by its `Meta`, Litestar documents by its
`KwargDefinition`. Each rule is written once here and given to both.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, TypeAlias, TypedDict

from litestar.params import KwargDefinition
from msgspec import Meta

from workflows_litestar.problems import NO_NUL


class TextRules(TypedDict):
    """What a text must fulfil."""

    max_length: int
    pattern: str


class NumberRules(TypedDict):
    """What a number must fulfil."""

    ge: int
    le: int


SMALL: Final[NumberRules] = {"ge": 1 - 2**31, "le": 2**31 - 1}
"""Numbers of 32 bits."""
NAME: Final[TextRules] = {"max_length": 255, "pattern": NO_NUL}
"""Names, ids and marks: databases index them, and no index takes a text of any length."""
PROSE: Final[TextRules] = {"max_length": 10_000, "pattern": NO_NUL}
"""What people write for people."""

Name: TypeAlias = Annotated[str, Meta(**NAME), KwargDefinition(**NAME)]
Small: TypeAlias = Annotated[int, Meta(**SMALL), KwargDefinition(**SMALL)]
Moment: TypeAlias = Annotated[datetime, Meta(tz=True)]
"""A moment with its time zone."""
Prose: TypeAlias = Annotated[str, Meta(**PROSE), KwargDefinition(**PROSE)]

LARGEST_PAGE: Final = 1000
"""How many items one answer holds at most."""
PAGE: Final = 100
"""How many items one answer holds if the request does not say."""
FARTHEST: Final = 2**31 - 1
"""How many items a request may leave out at the front."""
