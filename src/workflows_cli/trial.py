"""One instance in memory, led from outside: what `workflows run` does between two questions."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import click

from workflows_cli import documents
from workflows_cli.printing import clean, note, print_json, styled
from workflows_core.states import FINAL, TokenState

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from workflows_cli.inputs import Completion
    from workflows_core.actors import Actor
    from workflows_core.data import Json, JsonObject
    from workflows_core.definitions import WorkflowDefinition
    from workflows_core.engine import ExecutionEngine
    from workflows_core.history import StepExecution
    from workflows_core.instance import Instance
    from workflows_core.states import InstanceStatus
    from workflows_core.tasks import Task

_LOOK_AGAIN: Final = 0.25
"""Seconds after which an instance is looked at, whether something was heard of it or not."""


class Trial:
    """An instance that is tried out: what happens in it is told as it happens."""

    def __init__(
        self,
        engine: ExecutionEngine,
        actor: Actor,
        completions: Iterable[Completion],
        messages: Iterable[tuple[str, Json]],
        *,
        patience: float,
        is_quiet: bool,
    ) -> None:
        """Prepare it.

        Args:
            engine: An engine in memory.
            actor: Who starts it, and does what is nobody's.
            completions: What to do with tasks; each is used once.
            messages: Name and payload of what to send it; each is sent when a step waits for it.
            patience: How many seconds to wait for something that comes by itself.
            is_quiet: Whether nothing is told before the end, and that as JSON.
        """
        self._engine = engine
        self._actor = actor
        self._completions = list(completions)
        self._messages = list(messages)
        self._patience = patience
        self._is_quiet = is_quiet
        self._told: set[str] = set()
        self._id: UUID | None = None

    @property
    def instance_id(self) -> UUID:
        """The instance; it must have been started."""
        if self._id is None:
            raise RuntimeError("The instance was not started.")
        return self._id

    async def start(self, definition: WorkflowDefinition, data: JsonObject) -> None:
        """Start the instance."""
        if not self._is_quiet:
            click.secho(clean(f"{definition.name} {definition.version}"), bold=True)
        user = self._actor.user_id
        started = await self._engine.start_workflow(
            definition.name, data, version=definition.version, user_id=user
        )
        self._id = started.id

    async def go_on(self) -> Task | None:
        """Go on until nothing moves the instance by itself.

        Returns:
            The first task for which nobody has said what to do; `None` if it ended, or waits for something else.
        """
        loop = asyncio.get_running_loop()
        revision, until = 0, loop.time()
        async with self._engine.watch(self.instance_id) as watch:
            while True:
                await watch.begin()
                instance = await self._look()
                if instance.revision != revision:
                    revision, until = instance.revision, loop.time() + self._patience
                if instance.status in FINAL:
                    return None
                if await self._complete_as_said(instance) or await self._send_what_is_awaited(instance):
                    continue
                if not _moves(instance, self._engine.clock.now(), until - loop.time()):
                    return next(iter(instance.tasks.values()), None)
                await watch.changed(_LOOK_AGAIN)

    async def complete(self, task: Task, answer: Completion) -> None:
        """Complete a task.

        Raises:
            WorkflowError: If that is refused; nothing was changed.
        """
        user = answer.user or self.who_does(task)
        await self._engine.complete_task(task.id, answer.data, outcome=answer.outcome, user_id=user)

    def who_does(self, task: Task) -> str | None:
        """Return in whose name a task is done, if nobody says: whoever has it, or could have it, or who started it."""
        return next(iter((*filter(None, [task.assignee]), *task.candidate_users)), self._actor.user_id)

    async def tell(self) -> InstanceStatus:
        """Tell how it ended, or what it waits for; return its status."""
        record = await self._engine.get_record(self.instance_id)
        explanation = await self._engine.explain_instance(self.instance_id)
        instance = record.instance
        if self._is_quiet:
            print_json(documents.of_record(record, explanation))
        else:
            click.echo()
            for sentence in explanation.sentences:
                click.echo(styled(instance.status, clean(sentence)))
            print_json(instance.data)
        for each in self._completions:
            note(f"Not used: --complete {each.step}. There was no (other) task of that step.")
        for name, _ in self._messages:
            note(f"Not used: --message {name}. No (other) step waited for it.")
        return instance.status

    async def end(self) -> None:
        """Stop what still runs."""
        await self._engine.__aexit__(None, None, None)

    async def _look(self) -> Instance:
        """Read the instance, and tell what was done in it since the last time."""
        record = await self._engine.get_record(self.instance_id)
        for each in record.step_executions:
            if each.completed_at is not None and each.id not in self._told:
                self._told.add(each.id)
                if not self._is_quiet:
                    click.echo(_line(each))
        return record.instance

    async def _complete_as_said(self, instance: Instance) -> bool:
        for answer in self._completions:
            for task in instance.tasks.values():
                if task.step_name == answer.step:
                    self._completions.remove(answer)
                    await self.complete(task, answer)
                    return True
        return False

    async def _send_what_is_awaited(self, instance: Instance) -> bool:
        awaited = {token.awaits.name for token in instance.tokens.values() if token.awaits is not None}
        for number, (name, payload) in enumerate(self._messages):
            if name in awaited:
                del self._messages[number]
                await self._engine.publish_message(
                    name, payload=payload, instance_id=instance.id, user_id=self._actor.user_id
                )
                return True
        return False


def _moves(instance: Instance, now: datetime, patience: float) -> bool:
    """Whether something will happen in an instance by itself, within so many seconds."""
    for token in instance.tokens.values():
        if token.state is TokenState.RUNNING or (token.state is TokenState.READY and token.due_at is None):
            return True
        if token.due_at is None or token.task_id is not None or token.state is TokenState.FAILED:
            continue
        if max((token.due_at - now).total_seconds(), 0) <= patience:
            return True
    return False


def _line(execution: StepExecution) -> str:
    said = [execution.outcome, f"by {execution.completed_by}" if execution.completed_by else None]
    if execution.error is not None:
        said.append(str(execution.error))
    about = clean(" ".join(filter(None, said)))
    label = styled(execution.status, f"{execution.status:<9}")
    return f"  {label}  {clean(execution.step_name)}{'  ' if about else ''}{about}"
