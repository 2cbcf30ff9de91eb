"""What helps others to test: it has to tell good workflows from bad ones, and say what it saw."""

import asyncio
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, get_args

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from examples.travel.process import TravelRequest
from tests.workflows import APPROVAL_FORM, Do, chain, review, workflow
from workflows_core import commands as cmd
from workflows_core import testing
from workflows_core.context import WorkflowContext
from workflows_core.data import JsonObject, to_json
from workflows_core.definitions import Edge, Workflow, WorkflowDefinition
from workflows_core.errors import (
    FormValidationError,
    InvalidDataError,
    InvalidDefinitionError,
    InvalidOutcomeError,
)
from workflows_core.evolution import fold
from workflows_core.forms import JSON_SCHEMA
from workflows_core.groups import ParallelGroup
from workflows_core.machine import advance
from workflows_core.retry import RetryPolicy
from workflows_core.states import FINAL, InstanceStatus, TaskStatus
from workflows_core.steps import (
    BaseHumanStep,
    DecisionStep,
    DelayStep,
    ExclusiveGateway,
    InclusiveGateway,
    MessageStep,
    ParallelGateway,
    WebhookStep,
)
from workflows_core.testing import (
    Answer,
    NumberedIds,
    SimulationError,
    UndecidedError,
    UnfillableFormError,
    UnsoundWorkflowError,
    VirtualClock,
    assert_sound,
    form_data,
    simulate,
    simulate_async,
    soundness,
)
from workflows_core.testing import strategies as workflows
from workflows_core.testing.breaking import BREAKS
from workflows_core.validation import CODES, Severity, validate

DAY = timedelta(days=1)

# Simulation


class Amount(Workflow):
    """Small amounts are paid at once; others need a manager, who may send them back."""

    steps = (
        BaseHumanStep(
            "submit", form_schema={"type": "object", "properties": {"amount": {"type": "integer"}}}
        ),
        ExclusiveGateway("size", lambda context: "pay" if context.get("amount", 0) < 1000 else "approve"),
        BaseHumanStep("approve", outcomes=("yes", "no"), assignee_key="manager"),
        Do("pay", lambda context: {"paid": context.get("amount")}, merge_output=True),
    )
    edges = (
        Edge("submit", "size"),
        Edge("size", "pay"),
        Edge("size", "approve"),
        Edge("approve", "pay", on="yes"),
        Edge("approve", "submit", on="no"),
    )
    initial_step = "submit"
    terminal_steps = ("pay",)


def test_a_simulation_goes_where_the_choices_lead() -> None:
    run = simulate(
        Amount,
        {"manager": "mia"},
        choices={"submit": [{"amount": 5000}, {"amount": 2000}], "approve": ["no", "yes"]},
    )

    assert run.path == ("submit", "size", "approve", "submit", "size", "approve", "pay")
    assert run.status is InstanceStatus.COMPLETED
    assert run.data == {"manager": "mia", "amount": 2000, "paid": 2000}
    assert [(task.step_name, task.outcome, task.completed_by) for task in run.tasks] == [
        ("submit", None, "somebody"),
        ("approve", "no", "mia"),
        ("submit", None, "somebody"),
        ("approve", "yes", "mia"),
    ]
    assert [execution.step_name for execution in run.executions] == [
        "submit", "approve", "submit", "approve", "pay",
    ]  # fmt: skip
    assert str(run).startswith("completed after submit → size → approve")


def test_a_simulation_rests_where_nothing_is_said() -> None:
    run = simulate(Amount, choices={"submit": {"amount": 5000}})

    assert run.status is InstanceStatus.WAITING
    assert run.waits_at == ("approve",)
    assert [task.status for task in run.tasks] == [TaskStatus.COMPLETED, TaskStatus.PENDING]
    assert str(run) == "waiting after submit → size, at approve"


def test_the_history_of_a_simulation_is_that_of_an_engine() -> None:
    run = simulate(Amount, choices={"submit": {"amount": 5}})

    assert [entry.revision for entry in run.history] == [1, 2, 3]
    assert [entry.actor for entry in run.history] == ["starter", "somebody", None]
    assert fold(None, [entry.events for entry in run.history]) == run.instance


@given(st.integers())
def test_the_same_seed_gives_the_same_course(seed: int) -> None:
    run = simulate(TravelRequest, seed=seed)

    assert run == simulate(TravelRequest, seed=seed)
    assert run.status in FINAL


def test_chance_goes_different_ways() -> None:
    assert len({simulate(TravelRequest, seed=seed).path for seed in range(30)}) > 5


@given(workflows.definitions(), st.integers(), st.randoms(use_true_random=False))
def test_every_workflow_can_be_simulated(definition: WorkflowDefinition, seed: int, random: Random) -> None:
    """Loops are left by chance, or not within the horizon; nothing else is left over but what failed."""
    data = {name: random.randrange(3) for name in definition.steps}
    try:
        run = simulate(definition, data, seed=seed, horizon=60 * DAY)
    except SimulationError:
        return  # it went round and round
    assert run.status in FINAL or run.failures or run.took > 50 * DAY


def test_answers_take_their_time() -> None:
    definition = chain(review("first"), DelayStep("pause", 3600), review("second"), Do("last"))
    late = Answer({"approved": True}, by="ann", comment="at last", after=2 * DAY)
    run = simulate(definition, choices={"first": late, "second": late})

    assert run.took == 4 * DAY + timedelta(hours=1)
    assert [(task.completed_by, task.comment) for task in run.tasks] == [("ann", "at last")] * 2


def test_nothing_happens_beyond_the_horizon() -> None:
    definition = chain(DelayStep("pause", 3600), DelayStep("rest", 7200), Do("last"))
    run = simulate(definition, horizon=timedelta(hours=2))

    assert run.path == ("pause",)
    assert run.waits_at == ("rest",)


def test_a_choice_may_depend_on_the_task() -> None:
    definition = chain(BaseHumanStep("ask", assignee_key="who", outcomes=("yes", "no")), Do("last"))
    run = simulate(
        definition, {"who": "bob"}, choices={"ask": lambda task: "yes" if task.assignee == "bob" else "no"}
    )

    assert [task.outcome for task in run.tasks] == ["yes"]


def test_several_who_decide_are_asked_one_after_the_other() -> None:
    definition = chain(DecisionStep("vote", deciders_key="board"), Do("last"))
    run = simulate(
        definition, {"board": ["ann", "bob", "eve"]}, choices={"vote": ["approve", "reject", "approve"]}
    )

    assert sorted(str(task.outcome) for task in run.tasks) == ["approve", "approve", "reject"]
    assert run.path == ("vote", "last")


@pytest.mark.parametrize("step", [MessageStep("news"), WebhookStep("news")], ids=["message", "webhook"])
def test_messages_come_as_they_are_told(step: MessageStep | WebhookStep) -> None:
    definition = chain(step, Do("last"))

    assert simulate(definition).waits_at == ("news",)

    run = simulate(definition, choices={"news": Answer({"order": 1}, after=DAY)})

    assert run.data["news"] == {"order": 1}
    assert run.took == DAY
    assert simulate(definition, choices={"news": [[1, 2]]}).data["news"] == [1, 2]


def test_a_wait_that_is_over_leads_elsewhere() -> None:
    definition = workflow(
        MessageStep("news", timeout=60),
        Do("read"),
        Do("ask"),
        edges=[Edge("news", "read"), Edge("news", "ask", on="timeout")],
        ends={"read", "ask"},
    )

    assert simulate(definition).path == ("news", "ask")
    assert simulate(definition, choices={"news": Answer(after=DAY)}).path == ("news", "ask")
    assert simulate(definition, choices={"news": {}}).path == ("news", "read")


def gateway(*, inclusive: bool = False, own: bool = True) -> WorkflowDefinition:
    """A gateway to a, b and c that goes to `a` by itself."""
    kind: Any = InclusiveGateway if inclusive else ExclusiveGateway
    condition = (lambda _: ["a"]) if inclusive else (lambda _: "a")
    edges = [
        Edge("gate", "a", condition=None if own else "not went"),
        Edge("gate", "b", condition=None if own else "went"),
        Edge("gate", "c", default=not own),
    ]
    steps = [Do("a"), Do("b"), Do("c")]
    return workflow(kind("gate", condition if own else None), *steps, edges=edges, ends={"a", "b", "c"})


@pytest.mark.parametrize("own", [True, False], ids=["own condition", "conditions of edges"])
@pytest.mark.parametrize("inclusive", [True, False], ids=["inclusive", "exclusive"])
def test_a_choice_stands_in_for_conditions(inclusive: bool, own: bool) -> None:
    definition = gateway(inclusive=inclusive, own=own)

    assert simulate(definition, {"went": False}).path == ("gate", "a")
    for target in ("a", "b", "c"):
        run = simulate(definition, {"went": False}, choices={"gate": target})
        assert run.path == ("gate", target)
    assert simulate(definition, {"went": False}, choices={"gate": lambda _: "b"}).path == ("gate", "b")
    if inclusive:
        run = simulate(definition, {"went": False}, choices={"gate": ("a", "b")})
        assert run.path == ("gate", "a", "b")


def test_when_the_choices_are_used_up_the_conditions_are_asked() -> None:
    definition = workflow(
        Do("work"),
        Do("last"),
        edges=[Edge("work", "last", condition="work > 3"), Edge("work", "work", default=True)],
        ends={"last"},
    )
    # The step counts how often it ran: work > 3 holds the fourth time.
    assert simulate(definition).data["work"] == 4
    assert simulate(definition, choices={"work": ["work", "last"]}).data["work"] == 2
    assert simulate(definition, choices={"work": ["work"]}).data["work"] == 4


def test_fakes_stand_in_for_machine_steps() -> None:
    calls: list[str] = []
    definition = chain(
        Do("a", lambda _: calls.append("real")),
        Do("b", lambda _: calls.append("real"), merge_output=True),
        Do("c", lambda _: calls.append("real")),
    )
    run = simulate(definition, fakes={"a": lambda context: context.set("faked", True), "b": {"rate": 3}})

    assert calls == ["real"]
    assert run.data == {"faked": True, "rate": 3}

    async def slow(context: WorkflowContext) -> None:
        context.set("slow", context.current_step)

    assert simulate(definition, fakes={"a": slow}, runs_steps=False).data == {"slow": "a"}
    assert calls == ["real"]


def test_fakes_fail_as_steps_do() -> None:
    definition = chain(Do("charge", retry=RetryPolicy(attempts=3, delay=60, jitter=0)), Do("last"))
    run = simulate(definition, fakes={"charge": [OSError("no line"), TimeoutError, {"ok": True}]})

    assert run.path == ("charge", "last")
    assert [execution.error and execution.error.error_type for execution in run.executions] == [
        "OSError", "TimeoutError", None, None,
    ]  # fmt: skip
    assert run.took == timedelta(seconds=180)

    failed = simulate(definition, fakes={"charge": OSError("no line")})

    assert failed.status is InstanceStatus.FAILED
    assert [(step, failure.message) for step, failure in failed.failures] == [("charge", "no line")]


def test_hooks_are_asked_of_faked_steps_too() -> None:
    class Hooked(Do):
        async def can_execute(self, context: WorkflowContext) -> bool:
            return bool(context.get("go"))

    definition = chain(Hooked("work"), Do("last"))

    assert "faked" not in simulate(definition, fakes={"work": lambda context: context.set("faked", 1)}).data
    assert simulate(definition, {"go": 1}, fakes={"work": lambda context: context.set("faked", 1)}).data[
        "faked"
    ]


def test_the_steps_of_the_definition_stay_as_they_are() -> None:
    definition = gateway()
    simulate(definition, choices={"gate": "b"}, fakes={"a": 1})

    assert simulate(definition).path == ("gate", "a")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"choices": {"aprove": "yes"}}, "The choices name 'aprove', which is no step"),
        ({"fakes": {"charge": 1}}, "The fakes name 'charge', which is no step"),
        ({"fakes": {"approve": 1}}, "fake for 'approve', which is no machine step"),
        (
            {"choices": {"size": "submit"}},
            "'submit' is no way out of 'size'; its edges lead to 'pay', 'approve'",
        ),
        ({"choices": {"size": [()]}}, "is no way out of 'size'"),
        ({"choices": {"pay": "submit"}}, "There is nothing to choose at 'pay'"),
        ({"choices": {"submit": 5}}, "5 is no way to complete 'submit'"),
        (
            {"choices": {"submit": {"amount": 5000}, "approve": "no"}},
            "did not come to rest in 1000 transitions",
        ),
    ],
)
def test_what_does_not_fit_is_refused_with_a_hint(options: dict[str, Any], message: str) -> None:
    with pytest.raises(SimulationError, match=message):
        simulate(Amount, **options)


def test_a_simulation_refuses_what_an_engine_refuses() -> None:
    with pytest.raises(FormValidationError, match="/amount: Must be a whole number"):
        simulate(Amount, choices={"submit": {"amount": "much"}})
    with pytest.raises(InvalidOutcomeError, match="perhaps"):
        simulate(Amount, choices={"submit": {"amount": 5000}, "approve": "perhaps"})
    with pytest.raises(InvalidDataError):
        simulate(Amount, {"when": object()})
    with pytest.raises(FormValidationError):
        simulate(TravelRequest, {})
    with pytest.raises(InvalidDefinitionError):
        simulate(chain(Do("a"), Do("a")))


async def test_a_simulation_may_be_awaited() -> None:
    """Then its steps run in the event loop of the test; otherwise in another one, which blocks this one."""
    loops: list[object] = []
    definition = chain(Do("a", lambda _: loops.append(asyncio.get_running_loop())), Do("b"))
    run = await simulate_async(definition)

    assert loops == [asyncio.get_running_loop()]
    assert simulate(definition) == run
    assert len(set(loops)) == 2


# Forms filled in by chance


FORMS: list[JsonObject] = [
    APPROVAL_FORM,  # type: ignore[list-item]
    {"type": "object", "properties": {"n": {"type": "integer", "minimum": 3, "exclusiveMaximum": 5}}, "required": ["n"]},
    {"type": "object", "properties": {"n": {"type": "number", "exclusiveMinimum": 0, "maximum": 0.5}}, "required": ["n"]},
    {"type": "object", "properties": {"n": {"type": "integer", "multipleOf": 7}, "m": {"multipleOf": 5, "type": "number"}}},
    {"type": "object", "properties": {"t": {"type": "string", "minLength": 20, "maxLength": 22}}, "required": ["t"]},
    {"type": "object", "properties": {"c": {"enum": ["red", None, 3]}, "k": {"const": [1]}}, "required": ["c", "k"]},
    {
        "type": "object",
        "properties": {
            name: {"type": "string", "format": name}
            for name in ("date", "date-time", "time", "duration", "email", "hostname", "ipv4", "ipv6", "uri", "uuid")
        },
    },
    {
        "type": "object",
        "properties": {"items": {"type": "array", "minItems": 1, "maxItems": 3, "items": {"$ref": "#/$defs/line"}}},
        "$defs": {"line": {"type": "object", "properties": {"price": {"type": "number"}}, "required": ["price"]}},
        "required": ["items"],
    },
    {"type": "object", "oneOf": [{"required": ["a"]}, {"required": ["b"]}], "properties": {"a": {}, "b": {"type": "null"}}},
    {"type": "object", "allOf": [{"properties": {"a": {"type": "boolean"}}}, {"required": ["a"]}]},
    {"properties": {"x": {"type": ["string", "null"]}, "y": {"anyOf": [{"type": "integer"}, {"type": "string"}]}}},
    {"type": "object", "properties": {"tree": {"$ref": "#"}}},
    {"type": "object", "required": ["unknown"]},
]  # fmt: skip


@pytest.mark.parametrize("schema", FORMS, ids=range(len(FORMS)))
def test_forms_are_filled_in(schema: JsonObject) -> None:
    assert JSON_SCHEMA.check_schema(schema) is None
    filled = [form_data(schema, Random(seed)) for seed in range(40)]

    assert not [problem for data in filled for problem in JSON_SCHEMA.problems(schema, data)]
    assert filled == [form_data(schema, Random(seed)) for seed in range(40)]
    for data in filled:
        assert to_json(data)[0] == data


def test_no_form_is_an_empty_form() -> None:
    assert form_data(None, Random(1)) == {}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"iban": {"type": "string", "pattern": "^DE[0-9]{20}$"}}, "required": ["iban"]},
        {"type": "array"},
        {"type": "object", "required": ["a"], "properties": {"a": {"$ref": "#/nowhere"}}},
    ],
)  # fmt: skip
def test_forms_beyond_chance_are_given_up_with_a_hint(schema: JsonObject) -> None:
    with pytest.raises(UnfillableFormError, match=r"the form of step 'pay' by chance.*Give it yourself"):
        form_data(schema, Random(1), subject="the form of step 'pay'")


def test_chance_fills_in_what_a_choice_leaves_open() -> None:
    definition = chain(review("ask", outcomes=("yes", "no")), Do("last"))
    run = simulate(definition, choices={"ask": "yes"}, seed=3)

    assert run.tasks[0].outcome == "yes"
    assert isinstance(run.data["approved"], bool)


# Soundness


def test_a_sound_workflow_is_explored_whole() -> None:
    explored = assert_sound(TravelRequest)

    assert explored.is_complete
    assert explored.steps == set(TravelRequest.get_definition().steps)
    assert 50 < explored.states < 500


@given(workflows.structured_definitions())
def test_blocks_are_sound(definition: WorkflowDefinition) -> None:
    try:
        explored = assert_sound(definition, limit=1500)
    except UndecidedError:
        return
    if not any(isinstance(step.join, int) for step in definition.steps.values()):
        assert explored.steps == set(definition.steps)


def test_failures_are_looked_at_on_request() -> None:
    definition = workflow(
        Do("charge"),
        BaseHumanStep("call", outcomes=("again", "forget")),
        Do("last"),
        edges=[
            Edge("charge", "last"),
            Edge("charge", "call", on="error"),
            Edge("call", "charge", on="again"),
            Edge("call", "last", on="forget"),
        ],
        ends={"last"},
    )

    assert assert_sound(definition).steps == {"charge", "last"}
    assert assert_sound(definition, failures=True).steps == {"charge", "call", "last"}


def test_a_token_that_can_never_leave_is_shown_with_the_shortest_course() -> None:
    definition = workflow(
        BaseHumanStep("plan", outcomes=("simple", "full")),
        ParallelGateway("fork"),
        BaseHumanStep("watch"),
        Do("build"),
        edges=[
            Edge("plan", "build", on="simple"),
            Edge("plan", "fork", on="full"),
            Edge("fork", "watch"),
            Edge("fork", "build"),
            Edge("watch", "fork"),
        ],
        ends={"build"},
    )
    with pytest.raises(UnsoundWorkflowError) as caught:
        assert_sound(definition)

    assert caught.value.problem == "with tokens at 'watch', 'build' it can never end"
    assert caught.value.path == ("'plan' is completed with 'full'",)
    assert str(caught.value) == (
        "Workflow example 1.0.0 is not sound: with tokens at 'watch', 'build' it can never end.\n"
        "It comes to that when\n"
        "  1. 'plan' is completed with 'full'"
    )


def test_a_step_that_nothing_leads_out_of_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Validation refuses such a workflow; without it the exploration would find out."""
    definition = workflow(
        BaseHumanStep("ask", outcomes=("yes", "no")),
        Do("last"),
        edges=[Edge("ask", "last", on="yes")],
        ends={"last"},
    )
    with pytest.raises(InvalidDefinitionError):
        assert_sound(definition)

    monkeypatch.setattr(soundness, "accepted", lambda workflow: workflow)
    with pytest.raises(UnsoundWorkflowError) as caught:
        assert_sound(definition)

    assert caught.value.path == (
        "'ask' is completed with 'no'",
        "nothing leads out of 'ask' when it ends with 'no'",
    )


def test_a_machine_that_loses_a_token_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(definition: Any, instance: Any, command: Any) -> Any:
        events, after = advance(definition, instance, command)
        if isinstance(command, cmd.CompleteStep) and len(after.tokens) == 2:
            after = evolve(after, tokens=dict(list(after.tokens.items())[:1]))
        return events, after

    definition = chain(Do("first"), ParallelGroup(Do("a"), Do("b"), Do("c"), name="work"), Do("last"))  # type: ignore[arg-type]
    assert_sound(definition)
    monkeypatch.setattr(soundness, "advance", careless)
    with pytest.raises(UnsoundWorkflowError, match="it loses the token at 'c'"):
        assert_sound(definition)


def test_a_machine_that_raises_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(definition: Any, instance: Any, command: Any) -> Any:
        if isinstance(command, cmd.CompleteTask):
            raise KeyError("tasks")
        return advance(definition, instance, command)

    monkeypatch.setattr(soundness, "advance", broken)
    with pytest.raises(UnsoundWorkflowError) as caught:
        assert_sound(chain(Do("first"), review("ask"), Do("last")))

    assert caught.value.problem == "it raises KeyError: 'tasks'"
    assert caught.value.path == ("'first' succeeds", "'ask' is completed")


def branches(number: int) -> WorkflowDefinition:
    names = [f"b{place}" for place in range(number)]
    middle = [f"{name}_{part}" for name in names for part in range(3)]
    edges = [Edge("fork", f"{name}_0") for name in names]
    edges += [Edge(f"{name}_{part}", f"{name}_{part + 1}") for name in names for part in range(2)]
    edges += [Edge(f"{name}_2", "last") for name in names]
    steps = [ParallelGateway("fork"), *map(review, middle), Do("last")]
    return workflow(*steps, edges=edges, ends={"last"})


def test_where_there_are_too_many_orders_one_is_looked_at() -> None:
    assert assert_sound(branches(3)).is_complete

    explored = assert_sound(branches(12), limit=500)

    assert not explored.is_complete
    assert explored.steps == set(branches(12).steps)
    with pytest.raises(UndecidedError, match="more than 20 states"):
        assert_sound(branches(12), limit=20)


def test_any_number_of_tokens_is_no_obstacle() -> None:
    """As many as somebody asks for: there is no end of different states, but few that matter."""
    definition = workflow(
        BaseHumanStep("more", outcomes=("yes", "no")),
        ParallelGateway("fork"),
        review("work"),
        Do("last"),
        edges=[
            Edge("more", "fork", on="yes"),
            Edge("more", "last", on="no"),
            Edge("fork", "more"),
            Edge("fork", "work"),
            Edge("work", "last"),
        ],
        ends={"last"},
    )

    assert assert_sound(definition).is_complete


# Strategies


@given(workflows.definitions())
def test_definitions_are_accepted(definition: WorkflowDefinition) -> None:
    assert not [problem for problem in validate(definition) if problem.is_error]


@given(workflows.broken_definitions())
def test_broken_definitions_are_refused_for_the_reason_given(broken: workflows.Broken) -> None:
    assert broken.code in {problem.code for problem in validate(broken.definition)}


def test_every_error_can_be_provoked() -> None:
    assert set(BREAKS) == {code for code, severity in CODES.items() if severity is Severity.ERROR}


@given(st.data())
def test_command_sequences_are_allowed(data: st.DataObject) -> None:
    definition = data.draw(workflows.definitions())
    commands = data.draw(workflows.command_sequences(definition, max_size=12))
    instance = None
    for command in commands:
        events, instance = advance(definition, instance, command)
        assert events
    assert isinstance(commands[0], cmd.Start)


def test_every_kind_of_command_is_drawn() -> None:
    definition = chain(review("ask"), Do("last"))
    instance = simulate(definition).instance
    drawn: set[type] = set()

    @settings(derandomize=False)  # else each round would draw the same
    @given(workflows.commands(definition, instance))
    def draw(command: cmd.Command) -> None:
        drawn.add(type(command))

    for _ in range(20):
        draw()
        if drawn == set(get_args(cmd.Command)):
            return
    assert drawn == set(get_args(cmd.Command))


@given(workflows.json_objects())
def test_data_is_what_instances_can_hold(data: JsonObject) -> None:
    assert to_json(data)[0] == data


# Clock and ids


def test_the_clock_goes_ahead_and_never_back() -> None:
    clock = VirtualClock(datetime(2026, 3, 29, 0, 30, tzinfo=UTC))

    assert clock.advance(hours=2, minutes=15) == datetime(2026, 3, 29, 2, 45, tzinfo=UTC)
    assert clock.advance(DAY, hours=1) == clock.now() == datetime(2026, 3, 30, 3, 45, tzinfo=UTC)
    assert clock.advance_to(datetime(2026, 1, 1, tzinfo=UTC)) == clock.now()
    with pytest.raises(ValueError, match="go back"):
        clock.advance(days=-1)
    with pytest.raises(ValueError, match="no time zone"):
        clock.advance_to(datetime(2026, 4, 1))  # noqa: DTZ001 - that is the point
    with pytest.raises(ValueError, match="no time zone"):
        VirtualClock(datetime(2026, 4, 1))  # noqa: DTZ001 - likewise


def test_ids_are_numbers() -> None:
    ids = NumberedIds()

    assert [ids.new_id().int for _ in range(3)] == [1, 2, 3]
    assert [ids.new_secret() for _ in range(2)] == ["secret-1", "secret-2"]


# What is public


def test_the_table_of_contents_is_right() -> None:
    assert sorted(testing.__all__) == list(testing.__all__)
    assert all(hasattr(testing, name) for name in testing.__all__)


def test_neither_hypothesis_nor_pytest_is_needed_to_simulate() -> None:
    code = """
import sys
sys.modules["hypothesis"] = sys.modules["pytest"] = None
from workflows_core.testing import *
print(assert_sound, simulate)
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
