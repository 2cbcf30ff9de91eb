"""Compares what a page prints with what really came.

No two runs share ids, tokens, moments and durations. A page prints some, and they stand for those of the run:
the first time an id or a token is seen it is bound to the real one, and from then on stands for it everywhere,
in commands too. A moment stands for any moment, a duration ("0.12s", "7s") for any duration.
"""

from __future__ import annotations

import re
from typing import Any, Final

_ID: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_TOKEN: Final = r"eyJ[\w-]+\.[\w-]+\.[\w-]+"
_BOUND: Final = (_ID, _TOKEN)
_MOMENT: Final = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?"
_DURATION: Final = r"\b\d+(?:\.\d\d)?s\b"
_FREE: Final = (_MOMENT, _DURATION)
_VARIES: Final = re.compile(f"({'|'.join((*_BOUND, *_FREE))})")


class Bindings:
    """The ids and tokens that were seen so far: what the page prints, and what it stands for."""

    def __init__(self) -> None:
        self._real: dict[str, str] = {}

    def substituted(self, text: str) -> str:
        """Return a text of the page with the real ids and tokens in the place of the printed ones."""
        return re.sub("|".join(_BOUND), lambda found: self._real.get(found[0], found[0]), text)

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
        pairs = zip(parts[1::2], came.groups(), strict=True)
        known = self._real | {part: real for part, real in pairs if _kind(part) in _BOUND}
        if len(set(known.values())) != len(known):  # two that are printed cannot stand for one
            return False
        self._real = known
        return True

    def _pattern(self, part: str) -> str:
        known = self._real.get(part)
        return f"({_kind(part)})" if known is None else f"({re.escape(known)})"


def _kind(part: str) -> str:
    """Return the pattern of what differs from run to run."""
    return next(kind for kind in (*_BOUND, *_FREE) if re.fullmatch(kind, part))


def _differ(pointer: str, printed: object, actual: object) -> str:
    return f"{pointer or '/'} is {actual!r}, not {printed!r}"
