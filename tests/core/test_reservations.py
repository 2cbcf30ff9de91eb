"""Whatever attempts come, die and are taken over: a request has one answer, and whoever is not the first knows."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows_core import reservations
from workflows_core.engine import LocalExecutionEngine
from workflows_core.errors import KeyReusedError, RequestInProgressError
from workflows_core.registry import WorkflowRegistry
from workflows_core.reservations import HOLD, KEPT_FOR, Reservation, Reservations
from workflows_core.testing.clock import VirtualClock

ENDS: Final = ("answers", "was wrong", "fails", "dies")
PAUSES: Final = (timedelta(0), HOLD - timedelta(seconds=1), HOLD, KEPT_FOR - HOLD, KEPT_FOR)

attempts = st.lists(
    st.tuples(st.sampled_from(PAUSES), st.sampled_from("aab"), st.sampled_from(ENDS)), max_size=12
)
"""How long nothing happens, which request comes then, and how its attempt ends if it is made."""


class World:
    """One key, and what is known of it from the outside."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.reservations = Reservations(LocalExecutionEngine(WorkflowRegistry(), clock=self.clock))
        self.request: str | None = None
        """The request that the key belongs to; `None` while it is free."""
        self.answers: set[int] = set()
        self.began = self.held_until = self.clock.now()
        self.may_be_done = False

    def pass_time(self, pause: timedelta) -> None:
        self.clock.advance(pause)
        if self.clock.now() >= self.began + KEPT_FOR:
            self.free()

    def free(self) -> None:
        self.request, self.answers, self.may_be_done = None, set(), False
        self.held_until = self.clock.now()

    async def come(self, request: str, end: str, number: int) -> None:
        """Make an attempt, and compare what it is told with what is known."""
        if self.request is None:
            self.request, self.began = request, self.clock.now()
        if request != self.request:
            with pytest.raises(KeyReusedError):
                await self.reservations.reserve("key", request)
        elif self.clock.now() < self.held_until and not self.answers:
            with pytest.raises(RequestInProgressError):
                await self.reservations.reserve("key", request)
        else:
            mine = await self.reservations.reserve("key", request)
            if mine.answer is not None:
                assert {mine.answer["number"]} == self.answers
            else:
                assert not self.answers
                assert mine.is_first == (not self.may_be_done)
                await self.end(mine, end, number)

    async def end(self, mine: Reservation, end: str, number: int) -> None:
        match end:
            case "answers":
                self.answers.add(number)
                assert await self.reservations.keep(mine, {"number": number}) == {"number": number}
            case "was wrong":
                await self.reservations.forget(mine)
                if not self.may_be_done:
                    self.free()
            case "fails":
                self.may_be_done = True
                await self.reservations.let_go(mine)
            case "dies":
                self.may_be_done = True
                self.held_until = self.clock.now() + HOLD


@pytest.fixture(scope="module", autouse=True)
def impatient() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reservations, "PATIENCE", 0.0)
        yield


@given(attempts)
def test_every_attempt_is_told_how_things_are(course: list[tuple[timedelta, str, str]]) -> None:
    async def run() -> None:
        world = World()
        for number, (pause, request, end) in enumerate(course):
            world.pass_time(pause)
            await world.come(request, end, number)

    asyncio.run(run())
