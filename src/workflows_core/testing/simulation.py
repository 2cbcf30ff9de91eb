"""Running a workflow without a storage, without waiting and without chance.

The machine decides and user code answers, as always; but time is virtual, and people, messages and machine steps
do what the test says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import datetime, timedelta
from functools import wraps
from random import Random
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar
from uuid import UUID

from attrs import evolve, frozen

from workflows_core import commands as cmd
from workflows_core import events as ev
from workflows_core import user_code
from workflows_core.data import to_json, to_object
from workflows_core.errors import FormValidationError
from workflows_core.forms import JSON_SCHEMA
from workflows_core.history import StepExecution, step_executions
from workflows_core.settling import carry_out
from workflows_core.states import InstanceStatus, TokenState
from workflows_core.testing.choices import (
    NONE,
    Answer,
    Choice,
    Fake,
    Script,
    SimulationError,
    answer_for,
)
from workflows_core.testing.clock import BEGINNING, NumberedIds, VirtualClock
from workflows_core.testing.definitions import accepted
from workflows_core.testing.form_data import form_data
from workflows_core.testing.rehearsal import rehearsed
from workflows_core.transition import HistoryEntry, Transition, transition

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from workflows_core.data import JsonObject
    from workflows_core.definitions import WorkflowClass, WorkflowDefinition
    from workflows_core.instance import Failure, Instance, Token
    from workflows_core.tasks import Task

P = ParamSpec("P")
T = TypeVar("T")

OWNER: Final = "simulation"
"""The runner on whose behalf steps are executed."""

LONGEST_WAIT: Final = timedelta(days=3)
"""How long people and the outside take at the most, where chance decides."""


@frozen(kw_only=True)
class Simulated:
    """What a simulation came to.

    Attributes:
        instance: The instance when nothing could happen any more.
        history: Its history.
        tasks: Every task that was opened, in that order, as it was in the end.
        path: The steps that were passed, gateways included, in the order in which they were left.
    """

    instance: Instance
    history: tuple[HistoryEntry, ...]
    tasks: tuple[Task, ...]
    path: tuple[str, ...]

    @property
    def data(self) -> JsonObject:
        """The data in the end."""
        return self.instance.data

    @property
    def status(self) -> InstanceStatus:
        """The status in the end."""
        return self.instance.status

    @property
    def waits_at(self) -> tuple[str, ...]:
        """The steps at which it rests; none if it has ended."""
        return self.instance.current_steps

    @property
    def failures(self) -> tuple[tuple[str, Failure], ...]:
        """Step and reason of everything that failed and was not caught."""
        return self.instance.failures

    @property
    def executions(self) -> tuple[StepExecution, ...]:
        """What was executed, in the order in which it began."""
        return step_executions(self.history)

    @property
    def took(self) -> timedelta:
        """How much virtual time passed."""
        return self.instance.updated_at - self.instance.started_at

    def __str__(self) -> str:
        rest = f", at {', '.join(self.waits_at)}" if self.waits_at else ""
        return f"{self.status} after {' → '.join(self.path) or 'nothing'}{rest}"


async def simulate_async(
    workflow: WorkflowDefinition | type[WorkflowClass],
    data: Mapping[str, object] | None = None,
    *,
    choices: Mapping[str, Choice] | None = None,
    fakes: Mapping[str, Fake] | None = None,
    seed: int | None = None,
    runs_steps: bool = True,
    start: datetime = BEGINNING,
    horizon: timedelta | None = None,
    user_id: str | None = "starter",
    limit: int = 1000,
) -> Simulated:
    """Run a workflow until nothing can happen any more, and return what it came to.

    `simulate` is the same without `await`. Where an event loop is running it blocks that one and uses one of its own: await
    this where steps need what belongs to the running loop, such as a connection.

    People answer as `choices` say. Where they say nothing the workflow rests at that step, unless there is a `seed`:
    then chance decides who does what when, what forms hold, and which of parallel branches is first. Conditions are
    asked and machine steps are executed for real, unless a choice or a fake stands in for them. When there is nothing
    to be done the clock goes on to the next timer.

    Args:
        workflow: The definition, or the class that carries it.
        data: What the instance begins with; by default nothing, or with a `seed` what chance makes of `input_schema`.
        choices: Step to what happens there; see `Choice`.
        fakes: Machine step to what happens instead of its `execute`; see `Fake`.
        seed: What chance comes from: the same seed gives the same course.
        runs_steps: Whether machine steps without a fake are executed. If not, they do nothing.
        start: When it is started.
        horizon: How much time may pass; what is due later does not happen.
        user_id: Who starts it.
        limit: How many transitions there may be.

    Raises:
        SimulationError: If a choice or fake does not fit, or if there are more transitions than `limit`.
        InvalidDefinitionError: If the workflow would not be accepted by a registry.
        FormValidationError: If the data does not fit `input_schema`, or what is submitted does not fit its form.
        InvalidOutcomeError: If a task is completed with an outcome it does not have, or without one it needs.
        InvalidDataError: If the data, or what is submitted, is not JSON.
        UnfillableFormError: If chance finds no data for a form.
    """
    definition = rehearsed(accepted(workflow), choices or {}, fakes or {}, runs_steps=runs_steps)
    simulation = Simulation(
        definition,
        script=Script(choices or {}),
        random=None if seed is None else Random(seed),  # noqa: S311 - repeatable on purpose
        clock=VirtualClock(start),
        limit=limit,
    )
    await simulation.start(data, user_id)
    await simulation.run(None if horizon is None else simulation.clock.now() + horizon)
    return simulation.result()


def blocking(function: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, T]:
    """Return the function for callers that do not await it; in an event loop it runs in one of its own."""

    @wraps(function)
    def run(*arguments: P.args, **options: P.kwargs) -> T:
        coroutine = function(*arguments, **options)
        if not _is_in_loop():
            return asyncio.run(coroutine)
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(copy_context().run, asyncio.run, coroutine).result()

    run.__name__ = run.__qualname__ = function.__name__.removesuffix("_async")
    return run


def _is_in_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


simulate = blocking(simulate_async)


@frozen
class _Due:
    """Something that will happen next to a token, or to one of its tasks."""

    at: datetime
    token: Token
    answer: Answer | None = None
    task: Task | None = None


class Simulation:
    """One run: the instance, the time, and what is still to be said."""

    def __init__(
        self,
        definition: WorkflowDefinition,
        *,
        script: Script,
        random: Random | None,
        clock: VirtualClock,
        limit: int,
    ) -> None:
        self.definition = definition
        self.clock = clock
        self._script = script
        self._random = random
        self._limit = limit
        self._ids = NumberedIds()
        self._instance: Instance | None = None
        self._history: list[HistoryEntry] = []
        self._tasks: dict[UUID, Task] = {}
        self._answers: dict[object, Answer | None] = {}

    @property
    def instance(self) -> Instance:
        assert self._instance is not None
        return self._instance

    async def start(self, data: Mapping[str, object] | None, user_id: str | None) -> None:
        if data is None and self._random is not None:
            data = form_data(self.definition.input_schema, self._random, subject="the initial data")
        document, _ = to_object(data or {}, what="The initial data")
        self._check("the start", self.definition.input_schema, document)
        start = cmd.Start(
            at=self.clock.now(),
            instance_id=self._ids.new_id(),
            data=document,
            actor=user_id,
            created_by=user_id,
        )
        await self._carry_out(start)

    async def run(self, until: datetime | None) -> None:
        """Let happen what is due, the earliest first, until nothing is."""
        while due := self._next():
            if until is not None and due.at > until:
                self.clock.advance_to(until)
                return
            if len(self._history) >= self._limit:
                raise SimulationError(self._restless())
            self.clock.advance_to(due.at)
            await self._happen(due)

    def _restless(self) -> str:
        recent = " → ".join(self.result().path[-8:])
        return (
            f"The workflow did not come to rest in {self._limit} transitions; lately it went {recent}. "
            "Give other choices, a horizon, or a larger limit."
        )

    def _next(self) -> _Due | None:
        coming = list(self._coming())
        if not coming:
            return None
        first = min(due.at for due in coming)
        soonest = [due for due in coming if due.at == first]
        return soonest[0] if self._random is None else self._random.choice(soonest)

    def _coming(self) -> Iterator[_Due]:
        """Yield everything that will happen if nothing else does, oldest token first."""
        now, instance = self.clock.now(), self.instance
        for token in instance.tokens.values():
            if token.state is TokenState.RUNNING:
                yield _Due(now, token)
            elif token.due_at is not None and token.state in {TokenState.READY, TokenState.WAITING}:
                yield _Due(max(now, token.due_at), token)
            if token.awaits is not None:
                yield from self._answered(token, None)
        for task in instance.tasks.values():
            yield from self._answered(instance.tokens[task.token], task)

    def _answered(self, token: Token, task: Task | None) -> Iterator[_Due]:
        """Yield the answer to a task or a wait, the same for as long as it is open; nothing if nobody answers."""
        key = token.id if task is None else task.id
        if key not in self._answers:
            self._answers[key] = self._answer(token, task)
        answer = self._answers[key]
        if answer is not None:
            since = token.since if task is None else task.created_at
            yield _Due(max(self.clock.now(), since + answer.after), token, answer, task)

    def _answer(self, token: Token, task: Task | None) -> Answer | None:
        choice = self._script.take(token.step)
        if choice is not NONE:
            return self._filled_in(answer_for(self.definition.steps[token.step], task, choice), task)
        if self._random is None:
            return None
        after = timedelta(minutes=self._random.randrange(LONGEST_WAIT // timedelta(minutes=1)))
        outcome = self._random.choice(task.outcomes) if task is not None and task.outcomes else None
        return self._filled_in(Answer(outcome=outcome, after=after), task)

    def _filled_in(self, answer: Answer, task: Task | None) -> Answer:
        """Return the answer with a form, if none is given."""
        if answer.data is not None or task is None:
            return answer
        if self._random is None:
            return evolve(answer, data={})
        subject = f"the form of step {task.step_name!r}"
        return evolve(answer, data=form_data(task.form_schema, self._random, subject=subject))

    async def _happen(self, due: _Due) -> None:
        if due.task is not None and due.answer is not None:
            await self._carry_out(self._completed(due.task, due.answer))
        elif due.answer is not None:
            payload, size = to_json(due.answer.data, what=f"The payload for {due.token.step!r}")
            message_id = f"message-{due.token.id}"
            await self._carry_out(
                cmd.DeliverMessage(
                    at=self.clock.now(), token=due.token.id, message_id=message_id, payload=payload, size=size
                )
            )
        elif due.token.state is TokenState.RUNNING:
            await self._carry_out(await self._executed(due.token))
        else:
            await self._carry_out()

    def _completed(self, task: Task, answer: Answer) -> cmd.Command:
        submitted, size = to_object(answer.data, what=f"What is submitted for {task.step_name!r}")
        self._check(f"step {task.step_name!r}", task.form_schema, submitted)
        return cmd.CompleteTask(
            at=self.clock.now(),
            task_id=task.id,
            data=submitted,
            size=size,
            outcome=answer.outcome,
            comment=answer.comment,
            actor=answer.by or task.assignee or "somebody",
        )

    async def _executed(self, token: Token) -> cmd.Command:
        node = self.definition.graph.nodes[token.step]
        command = await user_code.execute(node, self.instance, token, self.clock.now)
        if isinstance(command, cmd.FailStep):
            return evolve(command, chance=0.0 if self._random is None else self._random.random())
        return command

    @staticmethod
    def _check(subject: str, schema: Mapping[str, object] | None, data: JsonObject) -> None:
        problems = () if schema is None else JSON_SCHEMA.problems(schema, data)
        if problems:
            raise FormValidationError(subject, problems)

    async def _carry_out(self, *commands: cmd.Command) -> None:
        """Carry out commands, settle what follows, and note the transition as an engine would."""
        self._note(await self._decided(*commands))

    async def _decided(self, *commands: cmd.Command) -> Transition:
        before = self._instance
        events, after = await carry_out(
            self.definition, before, commands, at=self.clock.now(), ids=self._ids, owner=OWNER
        )
        actor = commands[0].actor if commands else None
        return transition(before, after, events, actor=actor)

    def _note(self, change: Transition) -> None:
        self._instance = change.instance
        self._history.append(change.entry)
        self._tasks |= {task.id: task for task in change.tasks}

    def result(self) -> Simulated:
        return Simulated(
            instance=self.instance,
            history=tuple(self._history),
            tasks=tuple(self._tasks.values()),
            path=tuple(_path(self._history)),
        )


def _path(history: list[HistoryEntry]) -> Iterator[str]:
    steps: dict[int, str] = {}
    for event in (event for entry in history for event in entry.events):
        match event:
            case ev.InstanceStarted() | ev.JoinFired() | ev.TokenPlaced():
                steps[event.entry.token] = event.entry.step
            case ev.StepLeft():
                yield steps[event.token]
                steps |= {entry.token: entry.step for entry in event.entries}
