"""Definitions that are kept before anybody starts them: all or none, and each once."""

from __future__ import annotations

import asyncio
import json

from hypothesis import given
from hypothesis import strategies as st

from tests.workflows import Do, chain, review
from workflows_core import BaseHumanStep, Edge, WorkflowDefinition
from workflows_core.keeping import Brought, Code, Fate, keep_definitions, needed_code
from workflows_core.memory import MemoryStorage
from workflows_core.ports import StoredDefinition
from workflows_core.specification import definition_from
from workflows_core.steps import ScheduledStep
from workflows_core.system import SystemClock

VALID = st.builds(
    lambda name, version, title: chain(Do("a"), review(title=title), name=name, version=version),
    st.sampled_from("ab"),
    st.sampled_from("12"),
    st.sampled_from(["Review", "Look"]),
)
INVALID = st.sampled_from("ab").map(
    lambda name: WorkflowDefinition(
        name=name, steps=[BaseHumanStep("x")], edges=[Edge("x", "y")], initial_step="x", terminal_steps=["x"]
    )
)
BROUGHT = st.lists(VALID | INVALID, max_size=5)


class Keeper:
    """A storage, looked at from outside."""

    def __init__(self) -> None:
        self.storage = MemoryStorage()

    async def keep(
        self, definitions: list[WorkflowDefinition], *, is_rehearsal: bool = False
    ) -> tuple[Brought, ...]:
        now = SystemClock().now()
        return await keep_definitions(self.storage, definitions, at=now, is_rehearsal=is_rehearsal)

    async def kept(self) -> dict[tuple[str, str], str]:
        async with self.storage.unit_of_work() as unit:
            found: list[StoredDefinition] = [*await unit.definitions.find()]
        return {(each.name, each.version): each.content_hash for each in found}


@given(BROUGHT, BROUGHT)
def test_all_are_kept_or_none(first: list[WorkflowDefinition], second: list[WorkflowDefinition]) -> None:
    async def check() -> None:
        keeper = Keeper()
        for definitions in (first, second):
            before = await keeper.kept()
            rehearsed = await keeper.keep(definitions, is_rehearsal=True)
            assert await keeper.kept() == before
            brought = await keeper.keep(definitions)
            assert brought == rehearsed
            assert [each.definition for each in brought] == definitions
            after = await keeper.kept()
            if any(each.is_refused for each in brought):
                assert after == before
                assert any(each.problems for each in brought) or _conflict(definitions, before)
                continue
            hashes = {(each.name, each.version): each.content_hash for each in definitions}
            assert after == before | hashes
            assert {each.fate for each in await keeper.keep(definitions)} <= {Fate.KNOWN}
            again = [definition_from(json.loads(json.dumps(each.specification))) for each in definitions]
            assert {each.fate for each in await keeper.keep(again)} <= {Fate.KNOWN}

    asyncio.run(check())


def _conflict(definitions: list[WorkflowDefinition], known: dict[tuple[str, str], str]) -> bool:
    """Whether two say different things under one version."""
    said = [*known.items(), *(((each.name, each.version), each.content_hash) for each in definitions)]
    return len(set(said)) > len({key for key, _ in said})


def test_all_code_that_is_named_is_told() -> None:
    """With what it is for; what only looks like it, in a schema, is not."""

    def is_large(_: object) -> bool:
        return True

    def when(_: object) -> None:
        return None

    schema = {"type": "object", "properties": {"a": {"const": {"function": "no"}}}}
    definition = WorkflowDefinition(
        name="code",
        steps=[
            ScheduledStep("wait", when),  # type: ignore[arg-type]  # it is never called
            Do("do"),
            BaseHumanStep("ask", form_schema=schema),
        ],
        edges=[Edge("wait", "do", condition=is_large), Edge("wait", "ask", default=True)],
        initial_step="wait",
        terminal_steps=["do", "ask"],
    )
    assert needed_code(definition.specification) == (
        Code("when", None, "the step 'wait'"),
        Code("Do", "BaseMachineStep", "the step 'do'"),
        Code("is_large", None, "the edge from 'wait' to 'do'"),
    )
