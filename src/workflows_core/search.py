"""Finding by words: text and search are cut alike, so that every storage finds the same."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import accumulate
from typing import Final

LONGEST_WORD: Final = 100
"""What is beyond so many characters of a word is not looked at."""

MOST_WORDS: Final = 100
"""Nor what is beyond so many words."""

MOST_BYTES: Final = 2_000
"""Nor what is beyond so many bytes (UTF-8) of words and a space before each: storages keep all in one place of an index."""


@lru_cache(maxsize=256)  # many tasks have the same title
def words_in(text: str) -> tuple[str, ...]:
    """Return the words of a text, each once, in a form in which upper and lower case are the same."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    words = dict.fromkeys(word[:LONGEST_WORD] for word in re.findall(r"\w+", plain))
    sizes = accumulate(len(word.encode()) + 1 for word in words)
    return tuple(word for word, size in zip(words, sizes, strict=True) if size <= MOST_BYTES)[:MOST_WORDS]


def is_found(search: str, text: str) -> bool:
    """Say whether every word that is searched for is the beginning of a word of the text."""
    words = words_in(text)
    return all(any(word.startswith(begun) for word in words) for begun in words_in(search))
