"""When the snapshot of an instance's data is renewed, and when its patches are left to the history."""

from uuid import UUID

import pytest

from tests.workflows import workflow
from workflows_core import commands as cmd
from workflows_core.definitions import Edge
from workflows_core.machine import advance
from workflows_core.steps import BaseHumanStep
from workflows_core.testing.clock import BEGINNING
from workflows_core.transition import FOLDED_BYTES, SMALL_BYTES, transition

ASKED = workflow(
    BaseHumanStep("ask"),
    BaseHumanStep("again"),
    edges=[Edge("ask", "again"), Edge("again", "ask")],
    ends=set(),
)


def saves(size: int, written: int) -> bool:
    """Whether it is renewed when a form of so many bytes is submitted, and the instance rests again."""
    start = cmd.Start(at=BEGINNING, instance_id=UUID(int=1), data={"text": "x" * size}, size=size)
    events, instance = advance(ASKED, None, start)
    instance = transition(None, instance, events, actor=None).instance
    task = UUID(int=2)
    for command in (
        cmd.OpenTask(at=BEGINNING, token=1, task_id=task, title="Ask"),
        cmd.CompleteTask(at=BEGINNING, task_id=task, data={"form": "x" * written}, size=written),
        cmd.OpenTask(at=BEGINNING, token=2, task_id=UUID(int=3), title="Again"),
    ):
        events, after = advance(ASKED, instance, command)
        change = transition(instance, after, events, actor=None)
        instance = change.instance
        if change.saves_data:
            return True
    assert instance.is_resting
    return False


@pytest.mark.parametrize(
    ("size", "written", "renewed"),
    [
        (SMALL_BYTES, 1, True),
        (SMALL_BYTES + 800, 100, False),
        (20_000, 2_499, False),
        (20_000, 2_500, True),
        (1_000_000, FOLDED_BYTES - 1, False),
        (1_000_000, FOLDED_BYTES, True),
    ],
)
def test_large_data_is_written_again_when_a_good_part_of_it_changed(
    size: int, written: int, renewed: bool
) -> None:
    assert saves(size, written) is renewed
