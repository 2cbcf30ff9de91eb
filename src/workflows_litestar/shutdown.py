"""Hearing early that the server stops.

Servers wait for open answers before they end the lifespan of an application: a stream that is told only then would keep
them waiting for ever. So whoever is to hear it listens to the signals that stop servers, too.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def when_stopped(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` in this event loop as soon as a signal tells the server to stop; what handled it before still does.

    In another thread than the main one there are no signals: there `stop` is left to the end of the lifespan.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before: dict[signal.Signals, Any] = {each: signal.getsignal(each) for each in _SIGNALS}

    def handle(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(stop)
        earlier = before[signal.Signals(number)]
        if callable(earlier):
            earlier(number, frame)

    ours = [each for each, handler in before.items() if callable(handler)]
    for each in ours:
        signal.signal(each, handle)
    try:
        yield
    finally:
        for each in ours:
            if signal.getsignal(each) is handle:
                signal.signal(each, before[each])
