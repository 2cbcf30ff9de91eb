"""Compares what a page prints with what really came.

No two runs share ids and moments. A page prints some, and they stand for those of the run: the first
time an id is seen it is bound to the real one, and from then on stands for it everywhere, in commands
too. A moment stands for any moment.
"""

from __future__ import annotations

import re
from typing import Any, Final

_ID: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_MOMENT: Final = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?"
_VARIES: Final = re.compile(f"({_ID}|{_MOMENT})")


class Bindings:
    """The ids that were seen so far: what the page prints, and what it stands for."""

    def __init__(self) -> None:
        self._real: dict[str, str] = {}

    def substituted(self, text: str) -> str:
        """Return a text of the page with the real ids in the place of the printed ones."""
        return re.sub(_ID, lambda found: self._real.get(found[0], found[0]), text)

    def differences(
        self, printed: Any, actual: Any, *, is_excerpt: bool = False, pointer: str = ""
    ) -> list[str]:
        """Return where two JSON values differ, in words; bind what is new.

        In an excerpt, objects may have more members than are printed, and lists more items at their end.
        """
        match printed, actual:
            case dict(), dict():
                found = [f"{pointer}/{key} is not printed" for key in actual.keys() - printed.keys()]
                found = [] if is_excerpt else found
                found += [f"{pointer}/{key} is missing" for key in printed.keys() - actual.keys()]
                pairs = [(f"{pointer}/{key}", printed[key], actual[key]) for key in printed if key in actual]
            case list(), list():
                fits = len(printed) <= len(actual) if is_excerpt else len(printed) == len(actual)
                if not fits:
                    return [f"{pointer or '/'} has {len(actual)} items, not {len(printed)}: {actual}"]
                found = []
                pairs = [
                    (f"{pointer}/{number}", *pair)
                    for number, pair in enumerate(zip(printed, actual, strict=False))
                ]
            case str(), str():
                return [] if self.same_text(printed, actual) else [_differ(pointer, printed, actual)]
            case _:
                is_same = printed == actual and isinstance(printed, bool) == isinstance(actual, bool)
                return [] if is_same else [_differ(pointer, printed, actual)]
        return found + [
            difference
            for place, expected, came in pairs
            for difference in self.differences(expected, came, is_excerpt=is_excerpt, pointer=place)
        ]

    def same_text(self, printed: str, actual: str) -> bool:
        """Compare two texts; bind the ids in them if they are the same."""
        parts = _VARIES.split(printed)
        pattern = "".join(self._pattern(part) if at % 2 else re.escape(part) for at, part in enumerate(parts))
        came = re.fullmatch(pattern, actual)
        if came is None:
            return False
        known = self._real | {
            part: real for part, real in zip(parts[1::2], came.groups(), strict=True) if re.match(_ID, part)
        }
        if len(set(known.values())) != len(known):  # two printed ids cannot stand for one
            return False
        self._real = known
        return True

    def _pattern(self, part: str) -> str:
        if not re.fullmatch(_ID, part):
            return f"({_MOMENT})"
        known = self._real.get(part)
        return f"({_ID})" if known is None else f"({re.escape(known)})"


def _differ(pointer: str, printed: object, actual: object) -> str:
    return f"{pointer or '/'} is {actual!r}, not {printed!r}"
