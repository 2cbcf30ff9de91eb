"""What members of requests and answers may be: what is refused is also what the OpenAPI document says.

Two libraries read the annotations: msgspec checks by its `Meta`, Litestar documents by its
`KwargDefinition`. Each rule is written once here and given to both.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, NotRequired, TypeAlias, TypedDict, Unpack

from litestar.params import KwargDefinition
from msgspec import Meta

from workflows_litestar.problems import NO_NUL


class TextRules(TypedDict):
    """What a text must fulfil."""

    min_length: NotRequired[int]
    max_length: int
    pattern: str


class NumberRules(TypedDict):
    """What a number must fulfil."""

    ge: int
    le: int


def about(description: str, one_of: type[StrEnum] | None = None) -> KwargDefinition:
    """Say what a member means, and of which values its text is one; it is for the document alone."""
    return KwargDefinition(description=description, enum=[str(each) for each in one_of] if one_of else None)


def text_about(description: str, **rules: Unpack[TextRules]) -> tuple[Meta, KwargDefinition]:
    """Say what a text means, and what it must fulfil: `Annotated[str, *text_about("The step.", **NAME)]`."""
    return Meta(**rules), KwargDefinition(description=description, **rules)


def several(description: str, *, most: int, least: int | None = None) -> tuple[Meta, KwargDefinition]:
    """Say what the items of a member mean, and how many there may be."""
    return (
        Meta(min_length=least, max_length=most),
        KwargDefinition(description=description, min_items=least, max_items=most),
    )


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

ASKING: Final = "Who asks: where no identity is configured. Elsewhere it is the principal."
WHY: Final = "Why; the history keeps it."
UserId: TypeAlias = Annotated[Name | None, about(ASKING)]
"""Who asks, as bodies name them."""
Reason: TypeAlias = Annotated[Prose | None, about(WHY)]
"""Why something is done, if there is anything to say."""
GivenReason: TypeAlias = Annotated[str, *text_about(WHY, **PROSE, min_length=1)]
"""Why something is done that is not done without a reason."""

LARGEST_PAGE: Final = 1000
"""How many items one answer holds at most."""
PAGE: Final = 100
"""How many items one answer holds if the request does not say."""
FARTHEST: Final = 2**31 - 1
"""How many items a request may leave out at the front."""
