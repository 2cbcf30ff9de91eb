"""What pages say, in the language of a catalogue."""

from __future__ import annotations

from collections.abc import Mapping

from workflows_litestar.ui.english import ENGLISH


class Texts:
    """A catalogue: key to text, in which `{name}` stands for a value."""

    def __init__(self, catalogue: Mapping[str, str] = ENGLISH) -> None:
        self._catalogue = catalogue

    def __call__(self, key: str, /, **values: object) -> str:
        """Return a text with its values.

        Raises:
            KeyError: If there is no such text, or it needs a value that was not given.
        """
        return self._catalogue[key].format(**values)

    def count(self, key: str, number: int, /, **values: object) -> str:
        """Return the text for a number of things: that of `key.one`, or that of `key.other`."""
        return self(f"{key}.one" if number == 1 else f"{key}.other", number=number, **values)

    def find(self, key: str, otherwise: str) -> str:
        """Return a text, or else what was given: for words that others may add to, such as kinds of steps."""
        return self._catalogue.get(key, otherwise)

    def __contains__(self, key: str) -> bool:
        return key in self._catalogue
