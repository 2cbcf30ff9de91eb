"""Crashing a workflow: does it come to the same end, wherever its process dies?

What is committed survives, everything else is lost; and whoever goes on executes again what was being executed. The
engine keeps its part of that. What it cannot know is whether the steps keep theirs: a step that is executed a second time
must find that out, by `context.idempotency_key`, before it acts on the world outside once more.
"""

from __future__ import annotations

from copy import copy, deepcopy
from typing import TYPE_CHECKING, Final

from attrs import frozen

from workflows_core import commands as cmd
from workflows_core.states import TokenState
from workflows_core.testing.choices import Script
from workflows_core.testing.clock import BEGINNING, VirtualClock
from workflows_core.testing.definitions import accepted
from workflows_core.testing.rehearsal import rehearsed
from workflows_core.testing.simulation import Simulated, Simulation, blocking

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime, timedelta

    from workflows_core.definitions import WorkflowClass, WorkflowDefinition
    from workflows_core.instance import Instance, Token
    from workflows_core.testing.choices import Choice, Fake
    from workflows_core.transition import Transition


class CrashError(AssertionError):
    """A workflow does not come to the same end if its process dies at some commit.

    Attributes:
        commit: At which one, counted from 1.
        was_durable: Whether the process died after that commit; if not, right before it.
        undisturbed: What the workflow comes to if nothing dies.
        disturbed: What it came to.
    """

    def __init__(
        self,
        commit: int,
        differences: list[str],
        *,
        was_durable: bool,
        undisturbed: Simulated,
        disturbed: Simulated,
    ) -> None:
        self.commit = commit
        self.was_durable = was_durable
        self.undisturbed = undisturbed
        self.disturbed = disturbed
        events = ", ".join(type(event).__name__ for event in undisturbed.history[commit - 1].events)
        place = f"{'after' if was_durable else 'before'} commit {commit} ({events})"
        lines = [f"The workflow ends otherwise if its process dies {place}:", *differences]
        super().__init__("\n  ".join(lines))


@frozen(kw_only=True)
class Crashes:
    """What `crash_everywhere` saw.

    Attributes:
        undisturbed: What the workflow comes to if nothing dies.
        crashes: How many crashes it survived: one before and one after every commit.
    """

    undisturbed: Simulated
    crashes: int


async def crash_everywhere_async(
    workflow: WorkflowDefinition | type[WorkflowClass],
    data: Mapping[str, object] | None = None,
    *,
    choices: Mapping[str, Choice] | None = None,
    fakes: Mapping[str, Fake] | None = None,
    before_each: Callable[[], object] | None = None,
    outside: Callable[[], object] | None = None,
    runs_steps: bool = True,
    start: datetime = BEGINNING,
    horizon: timedelta | None = None,
    user_id: str | None = "starter",
    limit: int = 1000,
) -> Crashes:
    """Run a workflow once for every commit it makes, with a crash right before it and right after it.

    `crash_everywhere` is the same without `await`. Each run is a simulation, see `simulate`: without a storage, and
    without waiting. At the crash everything is forgotten that was not committed. Then the steps that were being executed
    are executed again, as the next runner would. People do not notice: what they do is done a moment later.

    All runs must come to the same end: status, data, forms, tasks, failures, and the steps that were passed.

    Args:
        workflow: The definition, or the class that carries it.
        data: What the instance begins with.
        choices: Step to what happens there; see `simulate`.
        fakes: Machine step to what happens instead of its `execute`; see `simulate`. An item of a list that a crash lost
            is used again.
        before_each: Called before each run: to clear what steps write to outside.
        outside: Returns what must be the same in the end too, such as the mails that were sent; a copy of it
            is compared.
        runs_steps: Whether machine steps without a fake are executed. If not, they do nothing.
        start: When it is started.
        horizon: How much time may pass; what is due later does not happen.
        user_id: Who starts it.
        limit: How many transitions there may be in one run.

    Raises:
        CrashError: If a run comes to another end. It is an `AssertionError`.
        SimulationError, InvalidDefinitionError, FormValidationError, InvalidOutcomeError, InvalidDataError: As `simulate`.
    """
    checked = accepted(workflow)

    async def run(place: tuple[int, bool] | None) -> tuple[Simulated, object]:
        if before_each is not None:
            before_each()
        script = Script(fakes or {})
        simulation = _Crashing(
            rehearsed(checked, choices or {}, script, runs_steps=runs_steps),
            script=Script(choices or {}),
            fakes=script,
            clock=VirtualClock(start),
            limit=limit + 2,
            place=place,
        )
        await simulation.play(data, user_id, None if horizon is None else start + horizon)
        # A copy: what is outside may be cleared and written to by the next run.
        return simulation.result(), None if outside is None else deepcopy(outside())

    expected, expected_outside = await run(None)
    places = [
        (number, durable) for number in range(1, len(expected.history) + 1) for durable in (False, True)
    ]
    for place in places:
        found, seen_outside = await run(place)
        differences = _differences(expected, found)
        if seen_outside != expected_outside:
            differences.append(f"outside: {seen_outside!r} instead of {expected_outside!r}")
        if differences:
            number, was_durable = place
            raise CrashError(
                number, differences, was_durable=was_durable, undisturbed=expected, disturbed=found
            )
    return Crashes(undisturbed=expected, crashes=len(places))


crash_everywhere = blocking(crash_everywhere_async)


class _Crash(BaseException):
    """The process is dead: no code of the workflow may catch it."""


class _Crashing(Simulation):
    """A run whose process dies once, at a given commit."""

    def __init__(
        self,
        definition: WorkflowDefinition,
        *,
        script: Script,
        fakes: Script,
        clock: VirtualClock,
        limit: int,
        place: tuple[int, bool] | None,
    ) -> None:
        super().__init__(definition, script=script, random=None, clock=clock, limit=limit)
        self._fakes = fakes
        self._place = place
        self._executed_last: Token | None = None
        self._ids_at_commit = copy(self._ids)

    async def play(
        self, data: Mapping[str, object] | None, user_id: str | None, until: datetime | None
    ) -> None:
        try:
            await self.start(data, user_id)
            await self.run(until)
        except _Crash:
            if self._instance is None:
                await self.start(data, user_id)  # whoever started it was not answered, and does it again
            else:
                await self._recover(self._instance)
            await self.run(until)

    def _note(self, change: Transition) -> None:
        number, is_durable = self._place or (0, False)
        if number == len(self._history) + 1:
            self._place = None
            if is_durable:
                super()._note(change)
            else:
                self._undo()
            raise _Crash
        super()._note(change)
        self._executed_last = None
        self._ids_at_commit = copy(self._ids)

    def _undo(self) -> None:
        """Let what was used for a transition that is lost be used again, so that all runs can be compared."""
        self._ids = copy(self._ids_at_commit)
        if self._executed_last is not None:
            self._fakes.give_back(self._executed_last.step)

    async def _executed(self, token: Token) -> cmd.Command:
        command = await super()._executed(token)
        self._executed_last = token
        return command

    async def _recover(self, instance: Instance) -> None:
        """Go on from what was committed, as the next runner does."""
        self._executed_last = None
        lost = [
            cmd.LoseStep(at=self.clock.now(), token=token.id, attempt=token.attempt)
            for token in instance.tokens.values()
            if token.state is TokenState.RUNNING
        ]
        if lost:
            await self._carry_out(*lost)


_ABSENT: Final = object()


def _differences(expected: Simulated, found: Simulated) -> list[str]:
    """Say what is not the same in the end; the order of what went on side by side does not count."""
    before, after = _end(expected), _end(found)
    return [
        f"{what}: {_shown(after.get(what, _ABSENT))} instead of {_shown(before.get(what, _ABSENT))}"
        for what in before | after
        if before.get(what, _ABSENT) != after.get(what, _ABSENT)
    ]


def _end(simulated: Simulated) -> dict[str, object]:
    """Return what is compared, in words."""
    return {
        "status": str(simulated.status),
        "steps passed": sorted(simulated.path),
        "rests at": sorted(simulated.waits_at),
        "failures": simulated.failures,
        "tasks": _tasks(simulated),
        **{f"data[{key!r}]": value for key, value in simulated.data.items()},
        **{f"form {step!r}": form for step, form in simulated.instance.forms.items()},
    }


def _tasks(simulated: Simulated) -> list[tuple[str, str, str, str]]:
    return sorted(
        (task.step_name, str(task.status), task.outcome or "", task.completed_by or "")
        for task in simulated.tasks
    )


def _shown(value: object) -> str:
    return "nothing" if value is _ABSENT else repr(value)
