"""Several people decide."""

import asyncio
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tasks.office import Office
from tests.workflows import workflow
from workflows_core import commands as cmd
from workflows_core import events as ev
from workflows_core.actors import Actor
from workflows_core.deadlines import Expire, Remind
from workflows_core.definitions import Edge, WorkflowDefinition
from workflows_core.errors import InvalidOutcomeError, InvalidTransitionError, NotPermittedError
from workflows_core.history import step_executions
from workflows_core.policies import Policies
from workflows_core.quorum import Quorum
from workflows_core.specification import definition_from
from workflows_core.steps import BaseHumanStep, DecisionStep

BOARD = ["bob", "cy", "dan", "eve", "fay"]


def board(step: DecisionStep | None = None, **options: Any) -> WorkflowDefinition:
    step = step or DecisionStep("decide", deciders_key="board", **options)
    return workflow(
        step,
        BaseHumanStep("pay"),
        BaseHumanStep("tell"),
        BaseHumanStep("late"),
        edges=[
            Edge("decide", "pay", on="approve"),
            Edge("decide", "tell", on="reject"),
            Edge("decide", "late", on="timeout"),
        ],
        ends={"pay", "tell", "late"},
    )


async def opened(deciders: Any = BOARD, **options: Any) -> Office:
    office = Office(board(**options))
    await office.start({"board": deciders})
    return office


async def vote(office: Office, *votes: str) -> None:
    """Let people vote, each written as `name:outcome`."""
    for each in votes:
        name, outcome = each.split(":")
        await office.complete(name, outcome, office.task_of(name), comment=f"{name} says {outcome}")


async def test_everybody_gets_a_task_and_the_majority_decides_as_soon_as_it_is_certain() -> None:
    office = await opened()
    assert [task.assignee for task in office.instance.tasks.values()] == BOARD
    assert {task.outcomes for task in office.instance.tasks.values()} == {("approve", "reject")}
    assert office.instance.status == "waiting"

    await vote(office, "bob:approve", "cy:reject", "dan:approve")
    assert office.instance.current_step == "decide"
    await vote(office, "fay:approve")
    assert office.instance.current_step == "pay"

    eve = [task for task in office.closed.values() if task.assignee == "eve"]
    assert [(task.status, task.closed_reason) for task in eve] == [
        ("canceled", "The decision is made (approve: 3 approve and 1 reject of 5).")
    ]


async def test_votes_and_comments_stay_in_the_data_and_in_the_history() -> None:
    office = await opened(["bob", "cy"], quorum=Quorum.unanimous())
    await office.complete("cy", "approve", office.task_of("cy"), data={"limit": 5}, comment="fine")
    await office.complete("bob", "reject", office.task_of("bob"), data={"limit": 7})

    assert office.instance.data == {"board": ["bob", "cy"]}
    assert office.instance.forms["decide"] == {
        "votes": [
            {"outcome": "approve", "by": "cy", "data": {"limit": 5}, "comment": "fine"},
            {"outcome": "reject", "by": "bob", "data": {"limit": 7}},
        ],
        "outcome": "reject",
    }
    assert office.instance.doers == {"decide": ("cy", "bob")}
    (reached,) = office.events(ev.DecisionReached)
    assert (reached.outcome, reached.reason) == ("reject", "reject: 1 approve and 1 reject of 2")
    (decided, _) = step_executions(office.entries)
    assert (decided.step_name, decided.status, decided.outcome) == ("decide", "succeeded", "reject")
    assert isinstance(decided.output, list)
    assert len(decided.output) == 2


async def test_in_a_sequence_one_is_asked_after_the_other() -> None:
    office = await opened(quorum=Quorum.at_least(2), in_sequence=True, due=3600)
    assert [task.assignee for task in office.instance.tasks.values()] == ["bob"]
    first = office.task
    office.clock.advance(minutes=30)
    await vote(office, "bob:reject")
    assert office.task.assignee == "cy"
    assert office.task.due_at is not None
    assert first.due_at is not None
    assert office.task.due_at > first.due_at

    await vote(office, "cy:approve", "dan:approve")
    assert office.instance.current_step == "pay"
    assert {task.assignee for task in office.closed.values()} == {"bob", "cy", "dan"}


async def test_a_veto_decides_at_once_and_acceptance_waits_for_those_who_have_one() -> None:
    office = await opened(quorum=Quorum.veto("fay"))
    await vote(office, "bob:approve", "cy:approve", "dan:approve", "eve:approve")
    assert office.instance.current_step == "decide"
    await vote(office, "fay:reject")
    assert office.instance.current_step == "tell"


async def test_votes_weigh_what_the_data_or_the_quorum_says() -> None:
    deciders = [{"user": "bob", "weight": 3}, {"user": "cy"}, "dan", {"user": "eve"}]
    office = await opened(deciders, quorum=Quorum.weighted({"dan": 2, "bob": 9}, needs=5))
    seats = office.events(ev.DecisionOpened)[0].seats
    assert [(seat.name, seat.weight) for seat in seats] == [("bob", 3), ("cy", 1), ("dan", 2), ("eve", 1)]
    await vote(office, "bob:approve")
    assert office.instance.current_step == "decide"
    await vote(office, "dan:approve")
    assert office.instance.current_step == "pay"


async def test_one_member_votes_for_a_group_and_nobody_twice() -> None:
    office = await opened([{"group": "legal"}, {"group": "finance"}, "bob"], quorum=Quorum.unanimous())
    legal, finance = (
        next(task for task in office.instance.tasks.values() if task.assignee_group == group)
        for group in ("legal", "finance")
    )
    both = Actor("cy", groups=["legal", "finance"])
    await office.ask(cmd.ClaimTask, both, legal)
    await office.complete(both, "approve", legal)
    with pytest.raises(NotPermittedError, match="cy has voted in this decision already"):
        await office.ask(cmd.ClaimTask, both, finance)
    with pytest.raises(NotPermittedError, match="has voted"):
        await office.ask(cmd.ReassignTask, "mia", office.task_of("bob"), assignee="cy")
    with pytest.raises(NotPermittedError, match="has voted"):
        await office.complete("cy", "approve", finance)  # not even as the application says


async def test_abstaining_counts_on_neither_side() -> None:
    office = await opened(abstain="abstain")
    await vote(office, "bob:abstain", "cy:abstain", "dan:abstain", "eve:approve")
    assert office.instance.current_step == "decide"
    await vote(office, "fay:abstain")
    assert office.instance.current_step == "pay"

    nobody = await opened(["bob"], abstain="abstain")
    await vote(nobody, "bob:abstain")
    assert nobody.instance.current_step == "tell"
    with pytest.raises(InvalidOutcomeError):
        await vote(await opened(), "bob:abstain")


async def test_who_may_not_decide_has_no_vote_from_the_beginning() -> None:
    office = Office(board(quorum=Quorum.unanimous(), policies=Policies(not_initiator=True)))
    await office.start({"board": ["ann", "bob"]}, by="ann")
    assert office.events(ev.DecisionOpened)[0].excluded == ("ann",)
    await vote(office, "bob:approve")
    assert office.instance.current_step == "pay"


@pytest.mark.parametrize(
    ("deciders", "options", "complaint"),
    [
        ([], {}, "no deciders are named"),
        (None, {}, "expected a list of deciders, got NoneType"),
        ("bob", {}, "expected a list of deciders, got str"),
        ([5], {}, "expected the name of a user"),
        ([{"user": "bob", "weight": 0}], {}, "weight of at least 1"),
        ([{"name": "bob"}], {}, "expected a decider such as"),
        ([{"user": "bob", "weight": 2}, "bob"], {}, "named twice with different weights"),
        (["bob", "cy"], {"quorum": Quorum.at_least(3)}, "2 deciders can never accept"),
        (["ann"], {"policies": Policies(not_initiator=True)}, "ann may not decide"),
    ],
)
async def test_a_decision_that_nobody_can_make_fails_visibly(
    deciders: Any, options: dict[str, Any], complaint: str
) -> None:
    office = await opened(deciders, **options)
    (failure,) = office.instance.failures
    assert complaint in failure[1].message
    assert failure[1].origin == "get_deciders"
    assert not office.instance.tasks


async def test_the_hook_names_the_deciders() -> None:
    class Asked(DecisionStep):
        name = "decide"

        async def get_deciders(self, context: Any) -> set[str]:
            return {"eve", "bob"}

    office = Office(board(Asked()))
    await office.start()
    assert [task.assignee for task in office.instance.tasks.values()] == ["bob", "eve"]


async def test_a_seat_is_handed_on_with_its_task() -> None:
    office = await opened(["bob", "cy"], quorum=Quorum.veto("bob"))
    await office.ask(cmd.ReassignTask, "mia", office.task_of("bob"), assignee="zoe")
    await vote(office, "zoe:reject")
    assert office.instance.current_step == "tell"  # with the veto of the seat


async def test_a_decision_that_takes_too_long_ends_for_all() -> None:
    office = await opened(due=3600, escalation=[Remind(before=600), Expire()])
    await vote(office, "bob:approve")
    happened = await office.wait(hours=2)
    assert len([event for event in happened if isinstance(event, ev.TaskReminded)]) == 4
    assert office.instance.current_step == "late"
    closed = sorted((task.assignee, task.status.value) for task in office.closed.values())
    assert [status for _, status in closed] == ["completed", "expired", "canceled", "canceled", "canceled"]


async def test_canceling_and_skipping_close_all_tasks() -> None:
    office = await opened()
    await office.order(cmd.Skip, "ops", step="decide", reason="in a hurry", outcome="approve")
    assert office.instance.current_step == "pay"
    assert {task.closed_reason for task in office.closed.values()} == {"in a hurry"}
    with pytest.raises(InvalidTransitionError):
        await office.complete("bob", "approve", next(iter(office.closed.values())))


async def test_a_second_round_begins_anew() -> None:
    step = DecisionStep("decide", deciders_key="board", policies=Policies(distinct=True))
    definition = workflow(
        step,
        BaseHumanStep("mend"),
        BaseHumanStep("pay"),
        edges=[
            Edge("decide", "pay", on="approve"),
            Edge("decide", "mend", on="reject"),
            Edge("mend", "decide"),
        ],
        ends={"pay"},
    )
    office = Office(definition)
    await office.start({"board": ["bob", "cy", "dan"]})
    await vote(office, "bob:reject", "cy:reject")
    await office.complete("ann")
    assert office.instance.forms["decide"] == {"votes": []}
    await vote(office, "bob:approve", "dan:approve")
    assert office.instance.current_step == "pay"


async def test_a_specification_says_all_of_it() -> None:
    definition = board(quorum=Quorum.weighted({"b": 2, "a": 1}, needs=2), abstain="abstain", in_sequence=True)
    again = definition_from(definition.specification)
    step, read = definition.steps["decide"], again.steps["decide"]
    assert isinstance(step, DecisionStep)
    assert isinstance(read, DecisionStep)
    assert again.content_hash == definition.content_hash
    assert (read.quorum, read.abstain, read.in_sequence) == (step.quorum, "abstain", True)


@pytest.mark.parametrize(
    "options",
    [{"needs": 0}, {"needs": "some"}, {"needs": True}, {"weights": {"a": 0}}, {"weights": {"a": 1.5}}],
)
def test_a_quorum_that_makes_no_sense_says_why(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"quorum needs|weight is"):
        Quorum(**options)


# Against a reference


def reference(quorum: Quorum, weights: dict[str, int], votes: dict[str, str]) -> bool:
    """The definition: what all votes together come to."""
    sums = dict.fromkeys(("approve", "reject", "abstain"), 0)
    for name, outcome in votes.items():
        sums[outcome] += weights[name]
    vetoed = any(
        outcome == "reject" and (quorum.vetoes is True or name in (quorum.vetoes or ()))
        for name, outcome in votes.items()
    )
    if vetoed:
        return False
    if quorum.needs == "all":
        return sums["approve"] > 0 and sums["reject"] == 0
    if quorum.needs == "majority":
        return sums["approve"] * 2 > sums["approve"] + sums["reject"]
    return sums["approve"] >= quorum.needs


quorums = st.builds(
    Quorum,
    needs=st.sampled_from(["all", "majority"]) | st.integers(1, 6),
    weights=st.dictionaries(st.sampled_from(BOARD), st.integers(1, 4)),
    vetoes=st.booleans() | st.lists(st.sampled_from(BOARD)).map(tuple),
)


@given(
    quorums,
    st.lists(st.sampled_from(BOARD), min_size=1, max_size=5, unique=True),
    st.lists(st.sampled_from(["approve", "reject", "abstain"]), min_size=5, max_size=5),
    st.permutations(range(5)),
    st.booleans(),
)
@settings(deadline=None, max_examples=200)
def test_the_outcome_is_what_all_votes_in_any_order_would_come_to(
    quorum: Quorum, deciders: list[str], outcomes: list[str], order: list[int], in_sequence: bool
) -> None:
    """And it is settled as soon as no vote that is still to come can change it, not later."""
    weights = {name: quorum.weights.get(name, 1) for name in deciders}
    votes = dict(zip(deciders, outcomes, strict=False))
    turns = deciders if in_sequence else [deciders[place] for place in order if place < len(deciders)]

    def certain(cast: dict[str, str]) -> bool:
        """Whether all ways in which the rest may vote come to the same."""
        rest = [name for name in deciders if name not in cast]
        ends = {
            reference(quorum, weights, cast | dict(zip(rest, ends, strict=True)))
            for ends in product(("approve", "reject", "abstain"), repeat=len(rest))
        }
        return len(ends) == 1

    async def live() -> None:
        office = await opened(deciders, quorum=quorum, abstain="abstain", in_sequence=in_sequence)
        if certain({}):
            assert "can never accept" in office.instance.failures[0][1].message
            return
        cast: dict[str, str] = {}
        for name in turns:
            await vote(office, f"{name}:{votes[name]}")
            cast[name] = votes[name]
            assert (office.instance.current_step != "decide") == certain(cast)
            if certain(cast):
                break
        accepted = reference(quorum, weights, votes)
        assert office.instance.current_step == ("pay" if accepted else "tell")
        assert not [task for task in office.instance.tasks.values() if task.step_name == "decide"]

    asyncio.run(live())
