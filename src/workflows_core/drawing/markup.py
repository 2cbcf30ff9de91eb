"""Writing of XML: the one place where text becomes markup."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# What XML 1.0 does not allow even as a character reference, section 2.2; and line breaks, which none of
# the texts in a drawing has a use for.
_FORBIDDEN: Final = re.compile(
    "[^\\x20-\\x7e\\xa0-\\ud7ff\\ue000-\\ufdcf\\ufdf0-\\ufffd\\U00010000-\\U0010fffd]"
)
_MARKUP: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})


def escape(text: str) -> str:
    """Return the text as it can stand in an element or in an attribute."""
    return _FORBIDDEN.sub(" ", text).translate(_MARKUP)


def element(tag: str, attributes: Mapping[str, object], content: Iterable[str] | None = None) -> str:
    """Return an element; `content` is markup, the values of attributes are text.

    Attributes that are `None` are left out.
    """
    written = "".join(
        f' {name}="{value if isinstance(value, int | float) else escape(str(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    return f"<{tag}{written}/>" if content is None else f"<{tag}{written}>{''.join(content)}</{tag}>"
