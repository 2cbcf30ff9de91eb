"""Who may do what."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.profiles import slow
from tests.tasks.office import Office
from tests.workflows import workflow
from workflows_core import commands as cmd
from workflows_core import events as ev
from workflows_core.actors import Actor, Substitution
from workflows_core.deadlines import AddCandidates, HandOver
from workflows_core.definitions import Edge, WorkflowDefinition
from workflows_core.errors import (
    InstanceNotFoundError,
    InvalidDataError,
    NotPermittedError,
    TaskNotFoundError,
    WorkflowError,
)
from workflows_core.permissions import Action, Decision, may, policies_of
from workflows_core.policies import Policies
from workflows_core.steps import BaseHumanStep, DecisionStep, Step
from workflows_core.testing.clock import BEGINNING
from workflows_core.transition import HistoryEntry


def definition_of(
    *steps: Step, policies: Policies | None = None, name: str = "example"
) -> WorkflowDefinition:
    edges = [Edge(first.name, second.name) for first, second in pairwise(steps)]
    return workflow(*steps, edges=edges, ends={steps[-1].name}, policies=policies, name=name)


def review(name: str = "review", **options: Any) -> BaseHumanStep:
    return BaseHumanStep(name, assignee_group="board", **options)


async def opened(
    *steps: Step, policies: Policies | None = None, by: str | None = "ann", **data: Any
) -> Office:
    office = Office(definition_of(*(steps or (review(), BaseHumanStep("end"))), policies=policies))
    await office.start(data, by=by)
    return office


def asked(office: Office, actor: Actor, action: Action) -> Decision:
    """What `may` says about the only open task."""
    task = office.task
    return may(actor, action, task, office.instance, policies_of(office.definition, task.step_name))


def standing_in(
    substitute: str, absent: str, *, groups: Sequence[str] = (), definitions: Sequence[str] = ()
) -> Actor:
    substitution = Substitution(
        id=UUID(int=1),
        absent=absent,
        substitute=substitute,
        since=BEGINNING,
        until=BEGINNING + timedelta(days=9),
        definitions=definitions,
        groups=groups,
        created_at=BEGINNING,
    )
    return Actor(substitute).standing_in([substitution])


BOB, CY = Actor("bob", groups=["board"]), Actor("cy", groups=["board"])
EVE = Actor("eve", groups=["cleaners"])
MIA, OLA = Actor("mia", roles=["manager"]), Actor("ola", roles=["operator"])


# Authority


async def test_what_is_offered_may_be_done_by_those_it_is_offered_to() -> None:
    office = await opened()
    assert asked(office, BOB, Action.COMPLETE) == Decision(True, "It is offered to you.")
    assert asked(office, Actor("ann"), Action.COMPLETE) == Decision(
        False, "It is offered to the group board."
    )
    await office.ask(cmd.ClaimTask, BOB)
    assert asked(office, BOB, Action.COMPLETE) == Decision(True, "The task is with you.")
    assert asked(office, CY, Action.COMPLETE) == Decision(False, "It is with bob.")


async def test_managers_give_tasks_to_others_and_set_dates_but_do_not_decide() -> None:
    office = await opened()
    for action in (Action.REASSIGN, Action.RESCHEDULE, Action.PRIORITIZE, Action.UNCLAIM, Action.VIEW):
        assert asked(office, MIA, action)
        assert asked(office, OLA, action)
        assert not asked(office, Actor("ann"), action) or action is Action.VIEW
    for action in (Action.COMPLETE, Action.CLAIM, Action.DELEGATE, Action.CANCEL):
        assert not asked(office, MIA, action)
    assert asked(office, BOB, Action.REASSIGN).reason == "This is for managers (role manager or operator)."


async def test_operators_operate() -> None:
    for kind, fields in (
        (cmd.Cancel, {"reason": "r"}),
        (cmd.Suspend, {"reason": "r"}),
        (cmd.Skip, {"reason": "r", "step": "review"}),
        (cmd.Move, {"reason": "r", "target": "end"}),
    ):
        office = await opened()
        with pytest.raises(NotPermittedError, match=r"This is for operators \(role operator\)"):
            await office.order(kind, BOB, **fields)
        with pytest.raises(InstanceNotFoundError):
            await office.order(kind, EVE, **fields)
        await office.order(kind, OLA, **fields)


async def test_a_definition_names_its_own_roles() -> None:
    office = await opened(policies=Policies(managers=["head"], operators=[]))
    head = Actor("hal", roles=["head"])
    assert asked(office, head, Action.REASSIGN)
    assert not asked(office, MIA, Action.VIEW)
    assert not asked(office, OLA, Action.CANCEL)


async def test_whoever_has_a_part_in_it_sees_it_and_nobody_else() -> None:
    office = await opened(review(), review("end"))
    task = office.task
    seen = [Actor("ann"), BOB, MIA, OLA]
    unseen = [
        EVE,
        Actor("bob", tenant_id="other"),
        Actor("ola", roles=["operator"], tenant_id="t"),
        Actor(None, groups=["board"]),
    ]
    assert all(asked(office, actor, Action.VIEW) for actor in seen)
    assert not any(asked(office, actor, Action.VIEW) for actor in unseen[:3])

    await office.ask(cmd.ReassignTask, MIA, assignee="zoe")
    await office.complete("zoe")
    policies = policies_of(office.definition, "review")
    for actor in (*seen, Actor("zoe")):
        assert may(actor, Action.VIEW, office.closed[task.id], office.instance, policies)
    for actor in unseen[:3]:
        assert not may(actor, Action.VIEW, office.closed[task.id], office.instance, policies)


async def test_a_stranger_is_told_that_there_is_nothing() -> None:
    office = await opened()
    with pytest.raises(TaskNotFoundError):
        await office.complete(EVE)
    with pytest.raises(NotPermittedError, match="offered to the group board"):
        await office.complete(Actor("ann"))


async def test_delegates_owners_and_those_who_are_asked() -> None:
    office = await opened()
    await office.ask(cmd.DelegateTask, BOB, assignee="dan")
    assert asked(office, Actor("dan"), Action.RESOLVE)
    assert asked(office, BOB, Action.RESOLVE) == Decision(True, "It comes back to you.")
    assert asked(office, CY, Action.RESOLVE).reason == "This is for managers (role manager or operator)."
    await office.ask(cmd.RequestInformation, Actor("dan"), question="?")
    assert asked(office, Actor("ann"), Action.ANSWER)
    assert not asked(office, Actor("dan"), Action.ANSWER)
    assert asked(office, Actor("dan"), Action.WITHDRAW)


async def test_the_application_itself_is_bound_by_the_separation_of_duties_alone() -> None:
    office = await opened(review(policies=Policies(not_initiator=True)), BaseHumanStep("end"))
    with pytest.raises(NotPermittedError, match="ann started this"):
        await office.complete("ann")
    with pytest.raises(NotPermittedError, match="must be known who"):
        await office.complete(None)
    await office.complete("anybody")


# Separation of duties


async def test_not_the_initiator() -> None:
    rules = Policies(not_initiator=True)
    initiator = Actor("ann", groups=["board"], roles=["operator"])
    office = await opened(policies=rules)
    deeds: tuple[Callable[[Office], Awaitable[object]], ...] = (
        lambda office: office.complete(initiator),
        lambda office: office.ask(cmd.ClaimTask, initiator),
        lambda office: office.order(cmd.Skip, initiator, step="review", reason="r"),
        lambda office: office.order(cmd.Move, initiator, target="end", reason="r"),
        lambda office: office.ask(cmd.ReassignTask, OLA, assignee="ann"),
        lambda office: office.ask(cmd.DelegateTask, BOB, assignee="ann"),
    )
    for do in deeds:
        office = await opened(policies=rules)
        with pytest.raises(
            NotPermittedError, match="ann started this, and whoever starts it may not decide it"
        ):
            await do(office)
    await office.order(cmd.Cancel, initiator, reason="changed my mind")


async def test_a_question_may_go_to_the_initiator() -> None:
    office = await opened(policies=Policies(not_initiator=True))
    await office.ask(cmd.RequestInformation, BOB, question="Why?")
    assert office.task.assignee == "ann"


async def test_not_who_did_another_step() -> None:
    steps = review("check"), review("approve", policies=Policies(not_who_did=["check"])), review("pay")
    office = await opened(*steps)
    await office.complete(BOB)
    with pytest.raises(NotPermittedError, match="bob did 'check' before"):
        await office.complete(BOB)
    await office.complete(CY)
    await office.complete(BOB)


async def test_nobody_decides_twice() -> None:
    office = await opened(review("one"), review("two"), review("three"), policies=Policies(distinct=True))
    await office.complete(BOB)
    with pytest.raises(NotPermittedError, match="bob did 'one' before"):
        await office.complete(BOB)
    with pytest.raises(NotPermittedError, match="bob did 'one' before"):
        await office.ask(cmd.ReassignTask, MIA, assignee="bob")
    await office.complete(CY)
    with pytest.raises(NotPermittedError):
        await office.complete(CY)


async def test_what_was_skipped_was_decided_too() -> None:
    office = await opened(review("one"), review("two"), policies=Policies(distinct=True))
    boss = Actor("ola", groups=["board"], roles=["operator"])
    await office.order(cmd.Skip, boss, step="one", reason="r")
    with pytest.raises(NotPermittedError, match="ola did 'one' before"):
        await office.complete(boss)


async def test_what_was_delegated_does_not_come_back_that_way() -> None:
    office = await opened(policies=Policies(no_return=True))
    await office.ask(cmd.DelegateTask, BOB, assignee="dan")
    await office.ask(cmd.DelegateTask, Actor("dan"), assignee="zoe")
    for receiver in ("bob", "dan"):
        with pytest.raises(
            (NotPermittedError, InvalidDataError), match=r"may not come back that way|has the task already"
        ):
            await office.ask(cmd.DelegateTask, Actor("zoe"), assignee=receiver)
        with pytest.raises(NotPermittedError, match="has delegated this task"):
            await office.ask(cmd.ReassignTask, MIA, assignee=receiver)
    await office.ask(cmd.ResolveTask, Actor("zoe"))
    await office.complete(BOB)


async def test_rules_of_definition_and_step_add_up() -> None:
    office = await opened(
        review("check"),
        review("approve", policies=Policies(not_who_did="check", operators=["nobody"])),
        policies=Policies(not_initiator=True),
    )
    rules = policies_of(office.definition, "approve")
    assert (rules.not_initiator, rules.not_who_did) == (True, ("check",))
    assert rules.operator_roles == frozenset({"operator"})


# Substitution


async def test_a_substitute_acts_on_behalf_of_the_absent() -> None:
    office = await opened(BaseHumanStep("review", assignee_key="boss"), BaseHumanStep("end"), boss="bob")
    cy = standing_in("cy", "bob")
    task = office.task
    assert asked(office, cy, Action.COMPLETE) == Decision(
        True, "It is with bob, for whom you stand in.", "bob"
    )
    assert not asked(office, Actor("cy"), Action.VIEW)

    await office.complete(cy)
    done = office.closed[task.id]
    assert (done.completed_by, done.on_behalf_of) == ("cy", "bob")
    assert office.instance.doers == {"review": ("cy", "bob")}
    assert {"user:cy", "user:bob"} <= set(office.instance.participants)


async def test_what_is_offered_to_the_group_of_the_absent_is_taken_for_them() -> None:
    office = await opened()
    cy = standing_in("cy", "bob", groups=["board"])
    await office.ask(cmd.ClaimTask, cy)
    assert office.task.assignee == "bob"
    (claimed,) = office.events(ev.TaskClaimed)
    assert (claimed.by, claimed.on_behalf_of) == ("cy", "bob")


async def test_a_substitution_covers_what_it_says() -> None:
    office = await opened(BaseHumanStep("review", assignee_key="boss"), boss="bob")
    assert not asked(office, standing_in("cy", "bob", definitions=["travel"]), Action.COMPLETE)
    assert asked(office, standing_in("cy", "bob", definitions=["travel", "example"]), Action.COMPLETE)


async def test_no_rule_is_got_around_by_standing_in() -> None:
    rules = Policies(not_initiator=True, distinct=True)
    office = await opened(review("one"), review("two"), policies=rules)
    for substitute, absent in (("bob", "ann"), ("ann", "bob")):
        with pytest.raises(NotPermittedError, match="ann started this"):
            await office.complete(standing_in(substitute, absent, groups=["board"]))
    await office.complete(standing_in("cy", "bob", groups=["board"]))
    for person in (BOB, CY):
        with pytest.raises(NotPermittedError, match="did 'one' before"):
            await office.complete(person)


# No sequence of commands breaks a rule

PEOPLE = ["ann", "bob", "cy", "dan"]
actors = st.builds(
    Actor,
    st.sampled_from(PEOPLE),
    groups=st.sets(st.sampled_from(["board", "legal"])),
    roles=st.sets(st.sampled_from(["manager", "operator"])),
    substitutions=st.lists(
        st.builds(
            Substitution,
            id=st.just(UUID(int=1)),
            absent=st.sampled_from(PEOPLE),
            substitute=st.just("whoever"),
            since=st.just(BEGINNING),
            until=st.just(BEGINNING + timedelta(days=999)),
            groups=st.sets(st.sampled_from(["board", "legal"])),
            created_at=st.just(BEGINNING),
        ),
        max_size=2,
    ).map(tuple),
)
askers = actors | st.sampled_from([*PEOPLE, None])
people = st.sampled_from(PEOPLE)
others = st.lists(st.sampled_from(["one", "two", "board", "last"]), min_size=1, max_size=3)
policies = st.one_of(
    st.just(Policies()),
    st.just(Policies(not_initiator=True)),
    st.just(Policies(distinct=True)),
    st.just(Policies(no_return=True)),
    st.builds(Policies, not_who_did=others),
    st.builds(
        Policies,
        not_initiator=st.booleans(),
        not_who_did=others,
        distinct=st.booleans(),
        no_return=st.booleans(),
    ),
)
GIVING = [cmd.ReassignTask, cmd.DelegateTask, cmd.DelegateTask]
orders = st.one_of(
    st.tuples(st.just(cmd.ClaimTask), st.just({})),
    st.tuples(st.just(cmd.UnclaimTask), st.just({})),
    *[st.tuples(st.just(cmd.CompleteTask), st.just({"data": {}}))] * 3,
    *[st.tuples(st.just(kind), people.map(lambda name: {"assignee": name})) for kind in GIVING],
    st.tuples(st.just(cmd.ResolveTask), st.just({})),
    st.tuples(st.just(cmd.RequestInformation), people.map(lambda name: {"question": "?", "asked": name})),
    st.tuples(st.just(cmd.AnswerQuestion), st.just({"answer": "!"})),
    st.tuples(st.just(cmd.WithdrawQuestion), st.just({})),
    st.tuples(
        st.just(cmd.Skip),
        st.sampled_from(["one", "two", "board", "last"]).map(
            lambda step: {"step": step, "reason": "r", "outcome": "approve" if step == "board" else None}
        ),
    ),
    st.tuples(
        st.just(cmd.Move),
        st.sampled_from(["one", "two", "board", "last"]).map(lambda step: {"target": step, "reason": "r"}),
    ),
    st.tuples(st.just(None), st.just({})),
)


class Book:
    """Reads a history and says where it breaks a rule: written from the rules, not from `may`."""

    def __init__(self, definition: WorkflowDefinition) -> None:
        self.definition = definition
        self.initiator: str | None = None
        self.places: dict[int, str] = {}
        self.tasks: dict[UUID, str] = {}
        self.did: list[tuple[str, str]] = []
        self.voted: set[tuple[int, str]] = set()
        self.delegated: set[tuple[UUID, str]] = set()

    def read(self, entries: Sequence[HistoryEntry]) -> None:
        for entry in entries:
            for event in entry.events:
                self.note(event)

    def rules(self, step: str) -> list[Policies]:
        of_step = self.definition.steps[step]
        assert isinstance(of_step, BaseHumanStep)
        return [each for each in (self.definition.policies, of_step.policies) if each is not None]

    def note(self, event: Any) -> None:
        match event:
            case ev.InstanceStarted():
                self.initiator = event.created_by
                self.places[event.entry.token] = event.entry.step
            case ev.StepLeft():
                self.places |= {entry.token: entry.step for entry in event.entries}
            case ev.TokenPlaced():
                for step in self.definition.steps:
                    self.check(step, {event.by}, going_past=True)
                self.places[event.entry.token] = event.entry.step
            case ev.TaskOpened():
                self.tasks[event.task_id] = event.step
            case ev.StepSkipped():
                self.decide(self.places[event.token], {event.by})
            case ev.TaskCompleted():
                self.decide(event.step, {event.by, event.on_behalf_of or event.by})
            case ev.VoteCast():
                persons = {event.by, event.on_behalf_of or event.by}
                assert not {(event.token, person) for person in persons} & self.voted
                self.voted |= {(event.token, person) for person in persons if person}
                self.decide(event.step, persons)
            case ev.TaskDelegated():
                self.give(event)
                self.delegated |= {
                    (event.task_id, each) for each in (event.by, event.on_behalf_of, event.owner) if each
                }
            case ev.TaskReassigned():
                self.give(event)

    def give(self, event: ev.TaskDelegated | ev.TaskReassigned) -> None:
        if any(rules.no_return for rules in self.rules(self.tasks[event.task_id])):
            assert (event.task_id, event.assignee) not in self.delegated

    def decide(self, step: str, persons: set[str | None]) -> None:
        self.check(step, persons)
        self.did += [(step, person) for person in persons if person]

    def check(self, step: str, persons: set[str | None], *, going_past: bool = False) -> None:
        for rules in self.rules(step):
            if rules.not_initiator:
                assert None not in persons
                assert self.initiator not in persons
            for done, person in self.did:
                if done in rules.not_who_did or (rules.distinct and (done != step or going_past)):
                    assert person not in persons


@given(
    policies,
    st.lists(st.none() | policies, min_size=4, max_size=4),
    people,
    st.sampled_from(["one", "two", "board"]),
    st.lists(st.tuples(orders, askers, st.integers(0, 5)), min_size=15, max_size=40),
)
@settings(max_examples=slow())
def test_no_sequence_of_commands_breaks_a_rule(
    own: Policies, at_steps: list[Policies | None], initiator: str, first: str, asked_for: list[Any]
) -> None:
    """Whoever asks, as somebody known or as the application, in whatever order: the history breaks no declared rule."""
    escalation = [HandOver(user="ann"), AddCandidates(users=PEOPLE, after=3600, release=True)]
    steps = [
        BaseHumanStep("one", assignee_key="boss", policies=at_steps[0], due=3600, escalation=escalation),
        review("two", policies=at_steps[1], due=3600, escalation=escalation),
        DecisionStep("board", deciders_key="deciders", policies=at_steps[2]),
        BaseHumanStep("last", policies=at_steps[3]),
    ]
    definition = WorkflowDefinition(
        name="example",
        steps=steps,
        edges=[
            Edge("one", "two"),
            Edge("two", "board"),
            Edge("board", "last", on="approve"),
            Edge("board", "one", on="reject"),
        ],
        terminal_steps=["last"],
        policies=own,
        initial_step=first,
    )

    async def live() -> None:
        office = Office(definition)
        await office.start({"boss": "bob", "deciders": [*PEOPLE, {"group": "legal"}]}, by=initiator)
        for (kind, fields), by, place in asked_for:
            tasks = [*office.instance.tasks.values()]
            try:
                if kind is None:
                    await office.wait(hours=1)
                elif kind is cmd.Skip or kind is cmd.Move:
                    await office.order(kind, by, **fields)
                elif tasks:
                    task = tasks[place % len(tasks)]
                    decides = {"outcome": ("approve", "reject")[place % 2]} if task.outcomes else {}
                    await office.ask(kind, by, task, **fields | (decides if kind is cmd.CompleteTask else {}))
            except WorkflowError:
                pass
        Book(definition).read(office.entries)

    asyncio.run(live())
