"""The duties of a storage about lists of tasks: what is found, in which order, page by page, and by whom.

Whoever writes a storage derives a class, as from `storage.StorageSuite`:

    class TestMyTaskLists(TaskListSuite):
        @pytest.fixture
        async def storage(self):
            storage = MyStorage(...)  # empty
            yield storage
            await storage.close()

What a list must hold is not taken from the query that made it, but from `permissions.may`: whatever somebody may see
or do, and nothing else. This module needs Hypothesis, pytest and pytest-asyncio.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import product, zip_longest
from random import Random
from typing import Any, Final, TypeAlias
from uuid import UUID, uuid4

import pytest
from attrs import evolve, frozen
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from workflows_core import commands as cmd
from workflows_core.actors import Actor, Substitution
from workflows_core.deadlines import Alarm, Expire
from workflows_core.definitions import Edge, WorkflowDefinition
from workflows_core.errors import WorkflowError
from workflows_core.instance import Instance
from workflows_core.permissions import Action, may, policies_of
from workflows_core.policies import NO_POLICIES, Policies
from workflows_core.ports import InstanceQuery, Storage, TaskOrder, TaskQuery, place_of
from workflows_core.search import is_found
from workflows_core.states import InstanceStatus, TaskStatus
from workflows_core.steps import BaseHumanStep, BaseMachineStep
from workflows_core.tasks import Task
from workflows_core.testing.samples import AT, HOUR, SECOND, move, start
from workflows_core.transition import Transition
from workflows_core.visibility import visibility

PEOPLE: Final = ("ann", "bob", "Bob", "anyone")
GROUPS: Final = ("board", "Board", "legal")
ROLES: Final = ("manager", "operator", "head", "auditor")
TENANTS: Final = (None, "t", "u")
TITLES: Final = (
    "Approve the Trip to Köln",
    "approve trip_2",
    "Pay",
    "PAY 100%",
    "",
    "Pay " + " ".join(sha256(bytes([number])).hexdigest() for number in range(60)),
)
TEXTS: Final = (
    "trip",
    "APPROVE t",
    "kö",
    "pay 1",
    "trip_",
    "t",
    "the köln",
    "100%",
    "nothing",
    "",
    "6e3 pay 4bf",
)


def _definition(name: str, version: str, policies: Policies | None = None) -> WorkflowDefinition:
    return WorkflowDefinition(
        name=name,
        version=version,
        steps=[
            BaseHumanStep("work", outcomes=("again", "done"), escalation=[Expire()]),
            BaseMachineStep("end"),
        ],
        edges=[
            Edge("work", "work", on="again"),
            Edge("work", "end", on="done"),
            Edge("work", "end", on="timeout"),
        ],
        initial_step="work",
        terminal_steps=["end"],
        policies=policies,
    )


DEFINITIONS: Final = (
    _definition("travel", "1"),
    _definition("travel", "2", Policies(managers=["head"], operators=[])),
    _definition("expense", "1", Policies(operators=["auditor"], not_initiator=True)),
    _definition("hiring", "1", Policies(managers=[], operators=["operator"])),
)
POLICIES: Final = {(each.name, each.version): each.policies for each in DEFINITIONS}
BY_KEY: Final = {(each.name, each.version): each for each in DEFINITIONS}


# What people do


@frozen
class Deed:
    """Something done with the open task of an instance, by the application in somebody's name."""

    kind: type
    by: str
    fields: Mapping[str, Any]


@frozen
class Course:
    """The life of an instance: how it is started, and for each task of it how it is opened and what is done with it."""

    definition: WorkflowDefinition
    started: int
    marks: Mapping[str, Any]
    tasks: Sequence[tuple[Mapping[str, Any], Sequence[Deed]]]

    def changes(self) -> list[Transition]:
        """Let the machine live it; what it refuses does not happen."""
        made = [start(AT + self.started * SECOND, definition=self.definition, **self.marks)]
        for opening, deeds in self.tasks:
            token = next((each for each in made[-1].instance.tokens.values() if each.step == "work"), None)
            if token is None:
                break
            self._do(
                made, cmd.OpenTask, token=token.id, task_id=uuid4(), outcomes=("again", "done"), **opening
            )
            for deed in deeds:
                for task in [*made[-1].instance.tasks.values()]:
                    about: dict[str, Any] = {} if deed.kind is cmd.Cancel else {"task_id": task.id}
                    if deed.kind is cmd.FireTimer:
                        about = {"token": task.token}
                    self._do(made, deed.kind, actor=deed.by, **about, **deed.fields)
        return made

    def _do(self, made: list[Transition], kind: type, **fields: Any) -> None:
        at = made[-1].instance.updated_at + (2 * HOUR if kind is cmd.FireTimer else SECOND)
        try:
            made.append(move(made[-1].instance, kind(at=at, **fields), self.definition))
        except WorkflowError:
            return


Draw: TypeAlias = Callable[[Random], Any]


def _moment(random: Random) -> datetime:
    return AT + random.randint(-1, 1) * HOUR


def _some(random: Random, names: Sequence[str], most: int = 2) -> tuple[str, ...]:
    return tuple(random.sample(names, random.randint(0, most)))


COMPLETION: Final[tuple[type, Mapping[str, Draw]]] = (
    cmd.CompleteTask,
    {"data": lambda _: {}, "outcome": lambda random: random.choice(["again", "done"])},
)
DEEDS: Final[Sequence[tuple[type, Mapping[str, Draw]]]] = (
    (cmd.ClaimTask, {}),
    (cmd.ClaimTask, {}),
    (cmd.UnclaimTask, {}),
    *[COMPLETION] * 3,
    (cmd.ReassignTask, {"assignee": lambda random: random.choice(PEOPLE)}),
    (cmd.DelegateTask, {"assignee": lambda random: random.choice(PEOPLE)}),
    (cmd.RequestInformation, {"question": lambda _: "?", "asked": lambda random: random.choice(PEOPLE)}),
    (cmd.RescheduleTask, {"due_at": _moment}),
    (cmd.PrioritizeTask, {"priority": lambda random: random.randint(-1, 1)}),
    (cmd.FollowUpTask, {"follow_up_at": _moment}),
    (cmd.FireTimer, {}),
    (cmd.Cancel, {"reason": lambda _: "enough"}),
)
OPENING: Final[Mapping[str, Draw]] = {
    "assignee": lambda random: random.choice(PEOPLE),
    "assignee_group": lambda random: random.choice(GROUPS),
    "candidate_users": lambda random: _some(random, PEOPLE),
    "candidate_groups": lambda random: _some(random, GROUPS),
    "priority": lambda random: random.randint(-1, 1),
    "due_at": _moment,
    "alarms": lambda _: (Alarm(0, AT + HOUR),),
}


def a_course(random: Random) -> Course:
    """Make up the life of an instance."""

    def deed() -> Deed:
        kind, fields = random.choice(DEEDS)
        return Deed(kind, random.choice(PEOPLE), {name: draw(random) for name, draw in fields.items()})

    def opening() -> Mapping[str, Any]:
        drawn = {name: draw(random) for name, draw in OPENING.items() if random.random() < 0.4}
        return {"title": random.choice(TITLES), **drawn}

    marks = {"created_by": random.choice([None, *PEOPLE]), "tenant_id": random.choice(TENANTS)}
    tasks = [(opening(), [deed() for _ in range(random.randint(0, 3))]) for _ in range(random.randint(1, 3))]
    return Course(random.choice(DEFINITIONS), random.randint(0, 3), marks, tasks)


# What people ask

NAMES: Final = sorted({each.name for each in DEFINITIONS})


def an_actor(random: Random) -> Actor:
    """Make up somebody who asks."""

    def substitution() -> Substitution:
        return Substitution(
            id=uuid4(),
            absent=random.choice(PEOPLE),
            substitute="whoever asks",
            since=AT,
            until=AT + HOUR,
            definitions=_some(random, NAMES, 1),
            groups=_some(random, GROUPS, 1),
            created_at=AT,
        )

    return Actor(
        random.choice([None, *PEOPLE, *PEOPLE]),
        groups=_some(random, GROUPS),
        roles=_some(random, ROLES, 1),
        tenant_id=random.choice(TENANTS),
        substitutions=tuple(substitution() for _ in range(random.randint(0, 2))),
    )


FILTERS: Final[Mapping[str, Draw]] = {
    "status": lambda random: random.choice([*TaskStatus]),
    "assignee": lambda random: random.choice(PEOPLE),
    "assignee_group": lambda random: random.choice(GROUPS),
    "candidate_user": lambda random: random.choice(PEOPLE),
    "candidate_group": lambda random: random.choice(GROUPS),
    "definition_name": lambda random: random.choice(NAMES),
    "is_free": lambda random: random.random() < 0.5,
    "priority": lambda random: random.randint(-1, 1),
    "due_before": _moment,
    "follow_up_before": _moment,
    "text": lambda random: random.choice(TEXTS),
    "tenant_id": lambda random: random.choice(TENANTS[1:]),
}


@frozen
class Question:
    """A list that somebody asks for.

    Attributes:
        filters: What it is restricted to.
        order: How it is sorted.
        seen_by: Only what they may see; `None` for everything.
        inbox_of: Only what they hold or could take.
        instance: The place of the instance that it is restricted to, among all there are.
        size: How many a page holds.
        begin: The place of the task behind which it begins.
    """

    filters: Mapping[str, Any]
    order: TaskOrder
    seen_by: Actor | None
    inbox_of: Actor | None
    instance: int | None
    size: int
    begin: int | None


def a_question(random: Random) -> Question:
    """Make up a question; most are wide, so that there is something to find."""
    names = random.sample([*FILTERS], random.choice([0, 1, 1, 2]))
    return Question(
        filters={name: FILTERS[name](random) for name in names},
        order=random.choice([*TaskOrder]),
        seen_by=an_actor(random) if random.random() < 0.5 else None,
        inbox_of=an_actor(random) if random.random() < 0.3 else None,
        instance=random.randrange(99) if random.random() < 0.1 else None,
        size=random.randint(4, 20),
        begin=random.randrange(99) if random.random() < 0.5 else None,
    )


def instance_filters(random: Random) -> Mapping[str, Any]:
    """Make up what a list of instances is restricted to."""
    possible: Mapping[str, Draw] = {
        "status": lambda random: random.choice([*InstanceStatus]),
        "definition_name": lambda random: random.choice(NAMES),
        "created_by": lambda random: random.choice(PEOPLE),
    }
    return {name: draw(random) for name, draw in possible.items() if random.random() < 0.2}


# What they must be told


def may_see(actor: Actor, instance: Instance, task: Task | None = None) -> bool:
    """Say whether somebody may see an instance or a task."""
    definition = BY_KEY[instance.definition_name, instance.definition_version]
    policies = policies_of(definition, None if task is None else task.step_name)
    return may(actor, Action.VIEW, task, instance, policies).allowed


def may_do(actor: Actor, instance: Instance, task: Task) -> bool:
    """Say whether a task is with somebody, or can be taken by them; the tenant is another restriction."""
    known = evolve(actor, tenant_id=instance.tenant_id)
    has_it = may(known, Action.COMPLETE, task, instance, NO_POLICIES).allowed
    return has_it and (task.assignee is not None or task.is_free)


CHECKS: Final[Mapping[str, Callable[[Task, Any], bool]]] = {
    "candidate_user": lambda task, name: task.is_free and name in task.candidate_users,
    "candidate_group": lambda task, name: task.is_free and name in task.groups,
    "due_before": lambda task, moment: task.due_at is not None and task.due_at < moment,
    "follow_up_before": lambda task, moment: task.follow_up_at is None or task.follow_up_at <= moment,
    "text": lambda task, text: is_found(text, task.title),
}
LATEST: Final = AT + timedelta(days=9999)


def sorted_by(task: Task, order: TaskOrder) -> tuple[Any, ...]:
    """Return what a list is sorted by, as `TaskOrder` says it."""
    age = (task.created_at, task.id.bytes)
    due = LATEST if task.due_at is None else task.due_at
    return {
        TaskOrder.DUE: (due, *age),
        TaskOrder.PRIORITY: (-task.priority, due, *age),
        TaskOrder.OLDEST: age,
        TaskOrder.NEWEST: age,
    }[order]


class Office:
    """Everything that was ever written to a storage, as values."""

    def __init__(self) -> None:
        self.instances: dict[UUID, Instance] = {}
        self.tasks: dict[UUID, Task] = {}

    async def live(self, storage: Storage, lives: Iterable[Course]) -> None:
        """Write the lives of instances, all at once: the first change of each, then the second."""
        for changes in zip_longest(*(life.changes() for life in lives)):
            batch = [change for change in changes if change is not None]
            assert not await storage.flush(batch)
            for change in batch:
                self.instances[change.instance.id] = change.instance
                self.tasks |= {task.id: task for task in change.tasks}

    def query(self, question: Question) -> TaskQuery:
        """Write a question as a query, wherever its list begins."""
        instances = [*self.instances]
        return TaskQuery(
            **question.filters,
            order=question.order,
            for_actor=question.inbox_of,
            visible_to=None if question.seen_by is None else visibility(question.seen_by, POLICIES),
            instance_id=None if question.instance is None else instances[question.instance % len(instances)],
        )

    def answer(self, question: Question) -> list[Task]:
        """Return what the list must hold, by what each task is and what each actor may."""
        query = self.query(question)
        found = [task for task in self.tasks.values() if self._is_wanted(task, question, query)]
        is_newest = question.order is TaskOrder.NEWEST
        return sorted(found, key=lambda task: sorted_by(task, question.order), reverse=is_newest)

    def _is_wanted(self, task: Task, question: Question, query: TaskQuery) -> bool:
        instance = self.instances[task.instance_id]
        by_hand = {
            name: CHECKS[name](task, value) for name, value in question.filters.items() if name in CHECKS
        }
        plain = {
            name: getattr(task, name) == value
            for name, value in question.filters.items()
            if name not in CHECKS
        }
        if query.instance_id not in {None, instance.id} or not all([*by_hand.values(), *plain.values()]):
            return False
        if question.seen_by is not None and not may_see(question.seen_by, instance, task):
            return False
        return question.inbox_of is None or (
            (query.status is not None or task.is_open) and may_do(question.inbox_of, instance, task)
        )


async def pages(storage: Storage, query: TaskQuery, size: int) -> list[Task]:
    """Read a list page by page, each in a transaction of its own."""
    found: list[Task] = []
    while True:
        async with storage.unit_of_work() as unit:
            page = await unit.tasks.find(evolve(query, limit=size))
        found += page
        if len(page) < size:
            return found
        query = evolve(query, after=place_of(page[-1], query.order))


few = settings(
    max_examples=4,
    deadline=None,
    phases=[
        Phase.explicit,
        Phase.reuse,
        Phase.generate,
    ],  # an example is large, and what fails names its question
    suppress_health_check=[*HealthCheck],
)


class TaskListSuite:
    """What every storage must do about lists of tasks. Override `storage`; each test wants an empty one."""

    @pytest.fixture
    async def storage(self) -> Storage:
        """Return an empty storage."""
        raise NotImplementedError

    @pytest.fixture
    def office(self) -> Office:
        """Return what is in the storage: it grows from example to example."""
        return Office()

    @few
    @given(st.randoms(use_true_random=True))
    async def test_a_list_holds_what_may_be_seen_and_done_and_nothing_else(
        self, storage: Storage, office: Office, random: Random
    ) -> None:
        """Whoever asks for whatever in any order: all at once, in pages, from any place, and counted."""
        await office.live(storage, [a_course(random) for _ in range(15)])
        for _ in range(25):
            question = a_question(random)
            query, expected = office.query(question), office.answer(question)
            async with storage.unit_of_work() as unit:
                listed = await unit.tasks.find(query)
                counted = await unit.tasks.count(evolve(query, limit=1))
                begun = await unit.tasks.find(evolve(query, limit=question.size, offset=question.size))
            assert names(listed) == names(expected), question
            assert [*listed] == expected, question
            assert counted == len(expected), question
            assert names(begun) == names(expected[question.size :][: question.size]), question
            if question.begin is None:
                assert names(await pages(storage, query, question.size)) == names(expected), question
                continue
            place = [*office.tasks.values()][question.begin % len(office.tasks)]
            behind = [task for task in expected if _is_behind(task, place, question.order)]
            query = evolve(query, after=place_of(place, question.order))
            assert names(await pages(storage, query, question.size)) == names(behind), question

    @few
    @given(st.randoms(use_true_random=True))
    async def test_instances_are_listed_to_those_who_may_see_them(
        self, storage: Storage, office: Office, random: Random
    ) -> None:
        await office.live(storage, [a_course(random) for _ in range(15)])
        for _ in range(25):
            actor, filters, size = an_actor(random), instance_filters(random), random.randint(1, 9)
            expected = [
                instance
                for instance in office.instances.values()
                if may_see(actor, instance)
                and all(getattr(instance, name) == value for name, value in filters.items())
            ]
            expected.sort(key=lambda instance: (instance.started_at, instance.id.bytes), reverse=True)
            query = InstanceQuery(**filters, visible_to=visibility(actor, POLICIES))
            async with storage.unit_of_work() as unit:
                listed = await unit.instances.find(query)
                counted = await unit.instances.count(evolve(query, limit=1))
                page = await unit.instances.find(evolve(query, limit=size, offset=size))
            assert [each.id for each in listed] == [each.id for each in expected], (actor, filters)
            assert counted == len(expected), (actor, filters)
            assert [*page] == [*listed][size : 2 * size], (actor, filters)

    async def test_pages_hold_everything_once_while_others_work(
        self, storage: Storage, office: Office
    ) -> None:
        """Between any two pages tasks are opened before and behind the place, and others are done."""
        for number, (order, whose) in enumerate(product(TaskOrder, LISTS)):
            await _page_while_others_work(storage, office, f"tenant {number}", order, whose)


LISTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "all": {},
    "of somebody": {"assignee": "ann"},
    "of a group": {"candidate_group": "board"},
    "inbox": {"for_actor": Actor("ann", groups=["board"])},
}
OPENINGS: Final[Mapping[str, Sequence[Mapping[str, Any]]]] = {
    "all": [{"assignee": "ann"}, {"candidate_users": ("bob",)}],
    "of somebody": [{"assignee": "ann"}],
    "of a group": [{"assignee_group": "board", "candidate_users": ("ann",)}],
    "inbox": [{"assignee_group": "board", "candidate_users": ("ann",)}, {"assignee": "ann"}, {}],
}


async def _page_while_others_work(
    storage: Storage, office: Office, tenant: str, order: TaskOrder, whose: str
) -> None:
    definition, before = DEFINITIONS[0], {*office.tasks}

    def opened(number: int) -> Course:
        given_to = OPENINGS[whose][number % len(OPENINGS[whose])]
        due = (None, AT, AT + HOUR)[number % 3]
        task = {"title": f"{number}", "priority": number % 5 % 2, "due_at": due, **given_to}
        return Course(definition, number * 7 % 20, {"tenant_id": tenant}, [(task, ())])

    await office.live(storage, map(opened, range(20)))
    ids = [id_ for id_ in office.tasks if id_ not in before]
    goes = ids[::4]
    query = TaskQuery(**LISTS[whose], status=TaskStatus.PENDING, tenant_id=tenant, order=order, limit=4)
    seen: list[UUID] = []
    for number in range(len(ids)):
        async with storage.unit_of_work() as unit:
            page = await unit.tasks.find(query)
        if not page:
            break
        seen += [task.id for task in page]
        query = evolve(query, after=place_of(page[-1], order))
        if number < len(goes):
            await office.live(storage, [opened(100 + 5 * number), opened(103 + 5 * number)])
            task = office.tasks[goes[number]]
            done = cmd.CompleteTask(at=AT + HOUR, task_id=task.id, data={}, outcome="done")
            assert not await storage.flush([move(office.instances[task.instance_id], done, definition)])
    assert max(Counter(seen).values()) == 1, (order, whose)
    assert {*ids} - {*goes} <= {*seen}, (order, whose)


def names(tasks: Iterable[Task]) -> list[tuple[UUID, str, str | None]]:
    """Return what tells tasks apart in a message."""
    return [(task.id, task.state.value, task.assignee) for task in tasks]


def _is_behind(task: Task, place: Task, order: TaskOrder) -> bool:
    here, there = sorted_by(task, order), sorted_by(place, order)
    return here < there if order is TaskOrder.NEWEST else here > there
