"""What commands end with."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

REFUSED: Final = 1
WRONGLY_CALLED: Final = 2
STILL_GOING: Final = 3
INTERRUPTED: Final = 130

EXITS: Final[Mapping[int, str]] = MappingProxyType(
    {
        0: "All went well.",
        REFUSED: "Something failed, was refused, or is not valid. Of several items, at least one.",
        WRONGLY_CALLED: "It was called wrongly: nothing was done.",
        STILL_GOING: "What was asked for is done, but after the seconds of `--wait` the instance still goes on.",
        INTERRUPTED: "It was interrupted by Ctrl-C (128 and the number of the signal, as shells do).",
    }
)
"""Every exit code, and what it means."""
