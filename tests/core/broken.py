"""Definitions with one thing wrong, for every kind of problem that validation reports."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from attrs import frozen

from tests.workflows import Do, chain, review, workflow
from workflows_core.calendar import working_hours
from workflows_core.deadlines import Expire, Remind
from workflows_core.definitions import Edge, WorkflowDefinition
from workflows_core.groups import ConditionalGroup, ParallelGroup, SequentialGroup
from workflows_core.policies import Policies
from workflows_core.steps import (
    BaseHumanStep,
    BaseMachineStep,
    DecisionStep,
    DelayStep,
    ExclusiveGateway,
    Gateway,
    InclusiveGateway,
    MessageStep,
    ParallelGateway,
    ScheduledStep,
    Step,
    TimerStep,
    WebhookStep,
)


@frozen
class Broken:
    """A way to build a definition, the problem it has and where; it has no other."""

    code: str
    path: str
    step: str | None
    build: Callable[[], WorkflowDefinition]


def decide(*outcomes: str, name: str = "decide", **options: Any) -> BaseHumanStep:
    return BaseHumanStep(name, outcomes=outcomes, **options)


def gate(name: str = "gate", **options: Any) -> ExclusiveGateway:
    return ExclusiveGateway(name, **options)


def anything(**fields: Any) -> WorkflowDefinition:
    """A definition of one step, with some of its fields replaced by whatever is given."""
    sound = {"name": "example", "steps": [Do("a")], "initial_step": "a", "terminal_steps": ["a"]}
    return WorkflowDefinition(**sound | fields)


def of_one(step: Any) -> WorkflowDefinition:
    return anything(steps={"a": step})


def two_ways(step: Step, *edges: Edge) -> WorkflowDefinition:
    """A definition of a step with edges to `x` and `y`, where it ends."""
    return workflow(step, Do("x"), Do("y"), edges=list(edges), ends={"x", "y"})


class Restless(Step):
    """A step of no kind."""


class Picky(BaseMachineStep):
    def __init__(self, account: str) -> None:
        super().__init__("picky")


class Moody(BaseMachineStep):
    @property
    def join(self) -> Any:  # type: ignore[override]
        raise RuntimeError("not today")


class Signal(Gateway):
    """Derived from a class that is only there to be derived from."""


BROKEN: list[Broken] = [
    Broken("bad-name", "/name", None, lambda: anything(name="")),
    Broken("bad-name", "/name", None, lambda: anything(name=None)),
    Broken("bad-name", "/name", None, lambda: anything(name=["a"])),
    Broken("bad-name", "/name", None, lambda: anything(name=" leave")),
    Broken("bad-name", "/name", None, lambda: anything(name="a\nb")),
    Broken("bad-name", "/name", None, lambda: anything(name="x" * 201)),
    Broken("bad-name", "/steps/1/name", None, lambda: anything(steps=[Do("a"), Do("")])),
    Broken("bad-name", "/steps/1/name", None, lambda: anything(steps=[Do("a"), BaseHumanStep()])),
    Broken("bad-name", "/steps/1/name", None, lambda: anything(steps=[Do("a"), Do(["b"])])),  # type: ignore[arg-type]
    Broken("slash-in-name", "/name", None, lambda: anything(name="hr/leave")),
    Broken("bad-version", "/version", None, lambda: anything(version="")),
    Broken("bad-version", "/version", None, lambda: anything(version=1)),
    Broken("bad-version", "/version", None, lambda: anything(version=[1, 0])),
    Broken("bad-version", "/version", None, lambda: anything(version="1.0 beta")),
    Broken("bad-version", "/version", None, lambda: anything(version="9" * 101)),
    Broken("no-steps", "/steps", None, lambda: anything(steps=[], terminal_steps=[])),
    Broken("no-steps", "/steps", None, lambda: anything(steps=None, terminal_steps=[])),
    Broken("not-a-step", "/steps/a", None, lambda: of_one("pay")),
    Broken("not-a-step", "/steps/a", None, lambda: of_one(None)),
    Broken("not-a-step", "/steps/a", None, lambda: of_one(int)),
    Broken("not-a-step", "/steps/a", None, lambda: of_one(Restless())),
    Broken("not-a-step", "/steps/a", None, lambda: of_one(Signal("a"))),
    Broken("not-a-step", "/steps/a", None, lambda: of_one(Picky)),
    Broken("not-a-step", "/steps/1", None, lambda: anything(steps=[Do("a"), ["b"]])),
    Broken("empty-group", "/steps/a", None, lambda: of_one(SequentialGroup())),
    Broken("empty-group", "/steps/a", None, lambda: of_one(ParallelGroup(callback=Do("b")))),
    Broken("duplicate-name", "/steps/1", "a", lambda: anything(steps=[Do("a"), review("a")])),
    Broken("duplicate-name", "/steps/1", "a", lambda: anything(steps=[Do("a"), SequentialGroup(Do("a"))])),
    Broken("name-mismatch", "/steps/a", "b", lambda: of_one(Do("b"))),
    Broken("bad-option", "/description", None, lambda: anything(description=5)),
    Broken("bad-option", "/tags", None, lambda: anything(tags=5)),
    Broken("bad-option", "/tags", None, lambda: anything(tags=["fine", None])),
    Broken("bad-option", "/policies", None, lambda: anything(policies={"distinct": True})),
    Broken("bad-option", "/steps/a/due", "a", lambda: of_one(BaseHumanStep("a", due=working_hours(8)))),
    Broken("bad-option", "/steps/a/escalation/1", "a", lambda: of_one(BaseHumanStep("a", escalation=[Expire(), Remind(every=working_hours(8))]))),
    Broken("bad-option", "/steps/a/outcomes", "a", lambda: of_one(DecisionStep("a", deciders_key="board", outcomes=["yes"]))),
    Broken("bad-option", "/steps/a/abstain", "a", lambda: of_one(DecisionStep("a", deciders_key="board", abstain="reject"))),
    Broken("bad-option", "/steps/a/deciders_key", "a", lambda: of_one(DecisionStep("a"))),
    Broken("bad-option", "/steps/a/title", "a", lambda: of_one(Do("a", title=b"Pay"))),
    Broken("bad-option", "/steps/a/join", "a", lambda: of_one(Moody("a"))),
    Broken("bad-option", "/steps/a/execute", "a", lambda: of_one(type("Data", (BaseMachineStep,), {"execute": 5})("a"))),
    Broken("bad-schema", "/steps/a/form_schema", "a", lambda: of_one(BaseHumanStep("a", form_schema={"type": "numbr"}))),
    Broken("bad-schema", "/steps/a/form_schema", "a", lambda: of_one(BaseHumanStep("a", form_schema=["amount"]))),  # type: ignore[arg-type]
    Broken("bad-schema", "/steps/a/form_schema", "a", lambda: of_one(BaseHumanStep("a", form_schema={"enum": {1}}))),
    Broken("bad-schema", "/steps/a/form_schema", "a", lambda: of_one(BaseHumanStep("a", form_schema={"$ref": "file:///x"}))),
    Broken("bad-schema", "/input_schema", None, lambda: anything(input_schema={"required": "amount"})),
    Broken("bad-schema", "/input_schema", None, lambda: anything(input_schema="amount")),
    Broken("unknown-policy-step", "/policies/not_who_did/0", None, lambda: anything(policies=Policies(not_who_did=["b"]))),
    Broken("unknown-policy-step", "/steps/a/policies/not_who_did/1", "a", lambda: of_one(BaseHumanStep("a", policies=Policies(not_who_did=["a", "b"])))),
    Broken("no-execute", "/steps/a", "a", lambda: of_one(BaseMachineStep("a"))),
    Broken("not-json", "/steps/a/title", None, lambda: of_one(Do("a", title="Pay\x00"))),
    Broken("not-json", "/tags/1", None, lambda: anything(tags=["fine", "\ud800"])),
    Broken("no-initial-step", "/initial_step", None, lambda: anything(initial_step="")),
    Broken("no-initial-step", "/initial_step", None, lambda: anything(initial_step=None)),
    Broken("unknown-initial-step", "/initial_step", None, lambda: anything(initial_step="b")),
    Broken("unknown-initial-step", "/initial_step", None, lambda: anything(initial_step=["a"])),
    Broken("unknown-initial-step", "/initial_step", None, lambda: anything(initial_step=SequentialGroup(Do("b")))),
    Broken("no-terminal-step", "/terminal_steps", None, lambda: anything(terminal_steps=[])),
    Broken("no-terminal-step", "/terminal_steps", None, lambda: anything(terminal_steps=None)),
    Broken("unknown-terminal-step", "/terminal_steps/1", None, lambda: anything(terminal_steps=["a", "b"])),
    Broken("unknown-terminal-step", "/terminal_steps/1", None, lambda: anything(terminal_steps=["a", 5])),
    Broken("not-an-edge", "/edges/0", None, lambda: anything(edges=[("a", "b")])),
    Broken("not-an-edge", "/edges/0", None, lambda: anything(edges="a → b")),
    Broken("not-an-edge", "/edges/0", None, lambda: anything(edges=5)),
    Broken("unknown-source", "/edges/0/source", None, lambda: anything(edges=[Edge("b", "a")])),
    Broken("unknown-source", "/edges/0/source", None, lambda: anything(edges=[Edge(None, "a")])),  # type: ignore[arg-type]
    Broken("unknown-source", "/edges/0/source", None, lambda: anything(edges=[Edge(["b"], "a")])),  # type: ignore[arg-type]
    Broken("unknown-source", "/edges/0/source", None, lambda: anything(edges=[Edge(SequentialGroup(Do("b")), "a")])),
    Broken("unknown-target", "/edges/0/target", "a", lambda: two_ways(Do("a"), Edge("a", "z"), Edge("a", "x"), Edge("a", "y"))),
    Broken("unknown-target", "/edges/0/target", "a", lambda: two_ways(Do("a"), Edge("a", {}), Edge("a", "x"), Edge("a", "y"))),  # type: ignore[arg-type]
    Broken("unknown-target", "/edges/0/target", "a", lambda: two_ways(Do("a"), Edge("a", review), Edge("a", "x"), Edge("a", "y"))),  # type: ignore[arg-type]
    Broken("unknown-target", "/steps/a/branches/1", "a", lambda: workflow(ParallelGateway("a", ["x", "y"]), Do("x"), edges=[], ends={"x"})),
    Broken("unknown-outcome", "/edges/0/on", "decide", lambda: two_ways(decide("yes", "no"), Edge("decide", "x", on="yess"), Edge("decide", "y"))),
    Broken("unknown-outcome", "/edges/0/on", "review", lambda: two_ways(review(), Edge("review", "x", on="yes"), Edge("review", "y"))),
    Broken("unknown-outcome", "/edges/0/on", "a", lambda: two_ways(Do("a"), Edge("a", "x", on="yes"), Edge("a", "y"))),
    Broken("unknown-outcome", "/edges/0/on", "a", lambda: two_ways(Do("a"), Edge("a", "x", on="completed"), Edge("a", "y"))),
    Broken("unknown-outcome", "/edges/0/on", "a", lambda: two_ways(Do("a"), Edge("a", "x", on="timeout"), Edge("a", "y"))),
    Broken("unknown-outcome", "/edges/0/on", "review", lambda: two_ways(review(), Edge("review", "x", on="timeout"), Edge("review", "y"))),
    Broken("unknown-outcome", "/edges/0/on", "gate", lambda: two_ways(ParallelGateway("gate"), Edge("gate", "x", on="timeout"), Edge("gate", "y"))),
    Broken("unknown-outcome", "/edges/0/on", "a", lambda: two_ways(Do("a"), Edge("a", "x", on=["error"]), Edge("a", "y"))),  # type: ignore[arg-type]
    Broken("bad-option", "/edges/0/default", None, lambda: two_ways(Do("a"), Edge("a", "x", default="yes"), Edge("a", "y", condition="b"))),  # type: ignore[arg-type]
    Broken("bad-condition", "/edges/0/condition", "a", lambda: two_ways(Do("a"), Edge("a", "x", condition=5), Edge("a", "y"))),  # type: ignore[arg-type]
    Broken("bad-condition", "/steps/gate/condition", "gate", lambda: two_ways(gate(condition="amount"), Edge("gate", "x"), Edge("gate", "y"))),
    Broken("bad-condition", "/steps/a_choice/condition", "a_choice", lambda: of_one(ConditionalGroup(5, {1: Do("x"), 2: Do("y")}))),  # type: ignore[arg-type]
    Broken("bad-expression", "/edges/0/condition", "a", lambda: two_ways(Do("a"), Edge("a", "x", condition="amount >"), Edge("a", "y"))),
    Broken("bad-expression", "/edges/0/condition", "a", lambda: two_ways(Do("a"), Edge("a", "x", condition="open('x')"), Edge("a", "y"))),
    Broken("duplicate-edge", "/edges/1", "a", lambda: workflow(Do("a"), Do("b"), edges=[Edge("a", "b")] * 2, ends={"b"})),
    Broken("duplicate-edge", "/edges/1", "a", lambda: two_ways(Do("a"), Edge("a", "x", "b"), Edge("a", "x", "b"), Edge("a", "y"))),
    Broken("unhandled-outcome", "/steps/decide/outcomes/1", "decide", lambda: workflow(decide("yes", "no"), Do("x"), edges=[Edge("decide", "x", on="yes")], ends={"x"})),
    Broken("several-defaults", "/edges/2/default", "a", lambda: workflow(Do("a"), *map(Do, "xyz"), edges=[Edge("a", "x", "b"), Edge("a", "y", default=True), Edge("a", "z", default=True)], ends=set("xyz"))),
    Broken("conditional-default", "/edges/1", "a", lambda: two_ways(Do("a"), Edge("a", "x", "b"), Edge("a", "y", "c", default=True))),
    Broken("needless-default", "/edges/0/default", "a", lambda: two_ways(Do("a"), Edge("a", "x", default=True), Edge("a", "y"))),
    Broken("needless-default", "/edges/0/default", "gate", lambda: workflow(gate(), Do("x"), edges=[Edge("gate", "x", default=True)], ends={"x"})),
    Broken("never-taken", "/edges/1", "gate", lambda: two_ways(gate(), Edge("gate", "x"), Edge("gate", "y"))),
    Broken("never-taken", "/edges/1", "gate", lambda: two_ways(gate(), Edge("gate", "x"), Edge("gate", "y", condition="b"))),
    Broken("never-taken", "/edges/0", "gate", lambda: two_ways(gate(), Edge("gate", "x", default=True), Edge("gate", "y"))),
    Broken("never-taken", "/edges/1", "decide", lambda: two_ways(decide("yes"), Edge("decide", "x", on="yes"), Edge("decide", "y", default=True))),
    Broken("never-taken", "/edges/2", "a", lambda: workflow(Do("a"), *map(Do, "xyz"), edges=[Edge("a", "x"), Edge("a", "y", on="error"), Edge("a", "z", on="error", default=True)], ends=set("xyz"))),
    Broken("ignored-condition", "/edges/0/condition", "gate", lambda: two_ways(gate(condition=lambda _: "y"), Edge("gate", "x", "b"), Edge("gate", "y"))),
    Broken("ignored-condition", "/edges/1/default", "gate", lambda: two_ways(InclusiveGateway("gate", lambda _: ["y"]), Edge("gate", "x"), Edge("gate", "y", default=True))),
    Broken("gateway-without-ways", "/steps/gate", "gate", lambda: workflow(Do("a"), gate(), Do("x"), edges=[Edge("a", "gate"), Edge("a", "x")], ends={"x"})),
    Broken("gateway-without-ways", "/steps/gate", "gate", lambda: chain(Do("a"), gate(condition=lambda _: "a"))),
    Broken("no-otherwise", "/edges/0/condition", "a", lambda: workflow(Do("a"), Do("b"), edges=[Edge("a", "b", "c")], ends={"b"})),
    Broken("no-otherwise", "/edges/1/condition", "decide", lambda: two_ways(decide("yes", "no"), Edge("decide", "x", on="yes"), Edge("decide", "y", "b", on="no"))),
    Broken("join-beyond-edges", "/steps/c/join", "c", lambda: workflow(Do("a"), Do("b"), Do("c", join=3), edges=[Edge("a", "b"), Edge("a", "c"), Edge("b", "c")], ends={"c"})),
    Broken("terminal-with-ways-out", "/edges/1", "b", lambda: workflow(*map(Do, "abc"), edges=[Edge("a", "b"), Edge("b", "c")], ends={"b", "c"})),
    Broken("terminal-with-ways-out", "/edges/1", "b", lambda: workflow(Do("a"), Do("b", terminate=True), Do("c"), edges=[Edge("a", "b"), Edge("b", "c")], ends={"c"})),
    Broken("dead-end", "/steps/b", "b", lambda: workflow(*map(Do, "abc"), edges=[Edge("a", "b"), Edge("a", "c")], ends={"c"})),
    Broken("dead-end", "/steps/b", "b", lambda: workflow(*map(Do, "abc"), edges=[Edge("a", "b"), Edge("a", "c"), Edge("b", "c", on="error")], ends={"c"})),
    Broken("dead-end", "/steps/b", "b", lambda: workflow(Do("a"), Do("b", terminate=True), Do("c"), edges=[Edge("a", "b"), Edge("a", "c")], ends={"c"})),
    Broken("unreachable", "/steps/b", "b", lambda: workflow(*map(Do, "abc"), edges=[Edge("a", "c"), Edge("b", "c")], ends={"c"})),
    Broken("no-way-to-end", "/steps/b", "b", lambda: workflow(Do("a"), review("b"), review("c"), Do("d"), edges=[Edge("a", "b"), Edge("a", "d"), Edge("b", "c"), Edge("c", "b")], ends={"d"})),
    Broken("endless-cycle", "/steps/b", "b", lambda: workflow(Do("a"), Do("b"), Do("c"), Do("d"), edges=[Edge("a", "b"), Edge("a", "d"), Edge("b", "c"), Edge("c", "b")], ends={"d"})),
    Broken("endless-cycle", "/steps/a", "a", lambda: workflow(Do("a"), Do("b"), edges=[Edge("a", "a"), Edge("a", "b")], ends={"b"})),
    Broken("endless-cycle", "/steps/gate", "gate", lambda: workflow(gate(), Do("a"), Do("b"), edges=[Edge("gate", "a"), Edge("a", "b"), Edge("a", "gate")], ends={"b"})),
    Broken("endless-cycle", "/steps/a", "a", lambda: workflow(Do("a"), Do("b"), Do("c"), edges=[Edge("a", "b", "x"), Edge("a", "a", default=True), Edge("b", "a", "y"), Edge("b", "b", default=True), Edge("b", "c")], ends={"c"})),
]  # fmt: skip

WRONG_OPTIONS: list[tuple[str, Any, Callable[[Any], Step]]] = [
    *[("join", wrong, lambda join: Do("a", join=join)) for wrong in (0, -1, True, 1.5, "some", ["all"])],
    ("terminate", 1, lambda value: Do("a", terminate=value)),
    ("merge_output", "yes", lambda value: Do("a", merge_output=value)),
    ("transactional", 1, lambda value: Do("a", transactional=value)),
    ("retry", 3, lambda value: Do("a", retry=value)),
    *[
        ("timeout", wrong, lambda timeout: Do("a", timeout=timeout))
        for wrong in (0, -1, True, "1h", timedelta(-1), float("nan"))
    ],
    ("timeout", 0.0, lambda timeout: MessageStep("a", timeout=timeout)),
    ("timeout", 1e12, lambda timeout: WebhookStep("a", timeout=timeout)),
    ("message", 5, lambda value: MessageStep("a", message=value)),
    ("correlation_key", 5, lambda value: MessageStep("a", correlation_key=value)),
    ("payload_key", 5, lambda value: MessageStep("a", payload_key=value)),
    ("secret", "", lambda value: WebhookStep("a", secret=value)),
    ("signature_header", 5, lambda value: WebhookStep("a", signature_header=value)),
    *[("max_losses", wrong, lambda losses: Do("a", max_losses=losses)) for wrong in (0, True, "5")],
    ("callback_key", 5, lambda value: WebhookStep("a", callback_key=value)),
    *[
        ("duration", wrong, lambda duration: DelayStep("a", duration))
        for wrong in (-1, "1h", timedelta(days=-1))
    ],
    *[("until", wrong, lambda until: ScheduledStep("a", until)) for wrong in ("noon", datetime(2026, 1, 1))],  # noqa: DTZ001
    ("assignee_key", 5, lambda value: BaseHumanStep("a", assignee_key=value)),
    ("assignee_group", ["managers"], lambda value: BaseHumanStep("a", assignee_group=value)),
    *[
        ("outcomes", wrong, lambda outcomes: BaseHumanStep("a", outcomes=outcomes))
        for wrong in (
            "yes",
            {"yes"},
            ["yes", "yes"],
            ["yes", ""],
            ["error"],
            ["timeout"],
            ["completed"],
            [5],
            5,
        )
    ],
    ("due", "soon", lambda value: BaseHumanStep("a", due=value)),
    ("due", -1, lambda value: BaseHumanStep("a", due=value)),
    ("escalation", "Remind", lambda value: BaseHumanStep("a", escalation=value)),
    ("escalation", [timedelta(1)], lambda value: BaseHumanStep("a", escalation=value)),
    ("calendar", "09:00-17:00", lambda value: BaseHumanStep("a", calendar=value)),
    ("policies", ["distinct"], lambda value: BaseHumanStep("a", policies=value)),
    ("shows", "amount", lambda value: BaseHumanStep("a", shows=value)),
    ("requires_revision", 1, lambda value: BaseHumanStep("a", requires_revision=value)),
    ("deciders_key", 5, lambda value: DecisionStep("a", deciders_key=value)),
    ("quorum", 2, lambda value: DecisionStep("a", deciders_key="b", quorum=value)),
    ("abstain", True, lambda value: DecisionStep("a", deciders_key="b", abstain=value)),
    ("in_sequence", 1, lambda value: DecisionStep("a", deciders_key="b", in_sequence=value)),
    *[
        ("branches", wrong, lambda branches: ParallelGateway("a", branches))
        for wrong in ("ab", {"a"}, [5], 5)
    ],
]
"""Options with values they cannot have; each is a `bad-option` of a step `a`."""

BROKEN += [
    Broken("bad-option", f"/steps/a/{option}", "a", lambda make=make, value=value: of_one(make(value)))  # type: ignore[misc]
    for option, value, make in WRONG_OPTIONS
]
BROKEN += [
    Broken("bad-option", "/steps/a", "a", lambda step=step: of_one(step))  # type: ignore[misc]
    for step in (TimerStep("a"), TimerStep("a", 5, until=lambda _: datetime(2026, 1, 1)), DelayStep("a"))  # noqa: DTZ001
]
