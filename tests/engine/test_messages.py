"""Messages and calls from outside, over every storage."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.engine.conftest import MakeEngine, MakeStorage
from tests.workflows import Do, chain, review, workflow
from workflows_core.context import WorkflowContext
from workflows_core.definitions import Edge, WorkflowDefinition
from workflows_core.engine import ExecutionEngine
from workflows_core.errors import (
    InstanceNotFoundError,
    InvalidDataError,
    InvalidSignatureError,
    InvalidTransitionError,
    MessageNotAwaitedError,
)
from workflows_core.instance import Instance
from workflows_core.registry import WorkflowRegistry
from workflows_core.signatures import sign
from workflows_core.steps import MessageStep, WebhookStep

PAID = chain(Do("order"), MessageStep("paid", correlation_key="order_id"), Do("ship"), review())


class LaterClock:
    """The time, moved ahead as tests like it."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture
def clock() -> LaterClock:
    return LaterClock()


@asynccontextmanager
async def running(
    storage: Any, *definitions: WorkflowDefinition, **options: Any
) -> AsyncIterator[ExecutionEngine]:
    """An engine like that of another process."""
    registry = WorkflowRegistry()
    for definition in definitions:
        registry.register(definition)
    async with ExecutionEngine(registry, storage, **options) as engine:
        yield engine


async def reached(engine: ExecutionEngine, instance_id: UUID, step: str | None) -> Instance:
    """Wait until an instance rests at a step."""
    async with asyncio.timeout(30), engine.watch(instance_id) as watch:
        while True:
            await watch.begin()
            instance = await engine.get_instance(instance_id)
            if instance.is_resting and instance.current_step == step:
                return instance
            await watch.changed(0.25)


async def test_a_message_reaches_the_one_who_waits_for_it(make_engine: MakeEngine) -> None:
    """At once; its payload is in the data, and the history tells who sent it."""
    engine = await make_engine(PAID)
    mine, other = [await engine.start_workflow("example", {"order_id": str(number)}) for number in (7, 8)]
    for instance in (mine, other):
        await reached(engine, instance.id, "paid")

    receipt = await engine.publish_message("paid", "7", {"amount": 12.5}, user_id="bank")

    assert receipt.is_delivered
    assert receipt.instance_id == mine.id
    after = await reached(engine, mine.id, "review")
    assert after.data == {"order_id": "7", "order": 1, "paid": {"amount": 12.5}, "ship": 1}
    assert (await engine.get_instance(other.id)).current_step == "paid"
    record = await engine.get_record(mine.id)
    (taken,) = [each for each in record.step_executions if each.step_name == "paid"]
    assert (taken.status, taken.output) == ("succeeded", {"amount": 12.5})
    assert [entry.actor for entry in record.entries if entry.actor] == ["bank"]


async def test_an_early_message_is_kept_for_the_wait(make_engine: MakeEngine) -> None:
    engine = await make_engine(PAID)
    receipt = await engine.publish_message("paid", "7", "early")
    assert not receipt.is_delivered

    instance = await engine.start_workflow("example", {"order_id": "7"})
    assert (await reached(engine, instance.id, "review")).data["paid"] == "early"


async def test_a_message_that_comes_twice_is_delivered_once(make_engine: MakeEngine) -> None:
    """Whenever the second comes, it gets the receipt of the first."""
    engine = await make_engine(PAID)
    first = await engine.publish_message("paid", "7", 1, message_id="m")
    again = await engine.publish_message("paid", "7", 2, message_id="m")
    assert first == again
    instance = await engine.start_workflow("example", {"order_id": "7"})
    assert (await reached(engine, instance.id, "review")).data["paid"] == 1

    late = await engine.publish_message("paid", "7", 3, message_id="m")
    assert (late.message_id, late.instance_id) == ("m", instance.id)
    second = await engine.start_workflow("example", {"order_id": "7"})
    assert (await reached(engine, second.id, "paid")).status == "waiting"


async def test_of_many_senders_of_one_message_one_delivers(make_engine: MakeEngine) -> None:
    engine = await make_engine(PAID)
    instances = [await engine.start_workflow("example", {"order_id": "7"}) for _ in range(3)]
    for instance in instances:
        await reached(engine, instance.id, "paid")

    receipts = await asyncio.gather(
        *(engine.publish_message("paid", "7", number, message_id="m") for number in range(8))
    )
    (taker,) = {receipt.instance_id for receipt in receipts if receipt.instance_id is not None}
    await reached(engine, taker, "review")
    for instance in instances:
        if instance.id != taker:
            assert (await engine.get_instance(instance.id)).current_step == "paid"


async def test_each_message_is_taken_by_one_and_each_takes_one(make_engine: MakeEngine) -> None:
    """Twenty wait under one key, twenty messages come; none is lost, none goes to two."""
    engine = await make_engine(PAID)
    early = [engine.publish_message("paid", "7", number) for number in range(10)]
    starts = [engine.start_workflow("example", {"order_id": "7"}) for _ in range(20)]
    late = [engine.publish_message("paid", "7", number) for number in range(10, 20)]
    done = await asyncio.gather(*early, *starts, *late)
    instances = [each for each in done if isinstance(each, Instance)]

    ended = [await reached(engine, instance.id, "review") for instance in instances]
    assert {repr(instance.data["paid"]) for instance in ended} == set(map(repr, range(20)))


async def test_a_loop_takes_its_messages_in_the_order_in_which_they_were_sent(
    make_engine: MakeEngine,
) -> None:
    def note(context: WorkflowContext) -> None:
        context.set("all", [*context.get("all", []), context.get("next")])

    definition = workflow(
        MessageStep("next", correlation_key="key"),
        Do("note", note),
        review(),
        edges=[
            Edge("next", "note"),
            Edge("note", "next", condition="next < 5"),
            Edge("note", "review", default=True),
        ],
        ends={"review"},
    )
    engine = await make_engine(definition)
    for number in range(3):
        await engine.publish_message("next", "k", number)
    instance = await engine.start_workflow("example", {"key": "k"})
    for number in range(3, 6):
        await engine.publish_message("next", "k", number)

    assert (await reached(engine, instance.id, "review")).data["all"] == [0, 1, 2, 3, 4, 5]


async def test_parallel_waits_take_a_message_each(make_engine: MakeEngine) -> None:
    definition = workflow(
        Do("begin"),
        MessageStep("one", "news", "key"),
        MessageStep("two", "news", "key"),
        review(),
        edges=[Edge("begin", "one"), Edge("begin", "two"), Edge("one", "review"), Edge("two", "review")],
        ends={"review"},
    )
    engine = await make_engine(definition)
    await engine.publish_message("news", "k", "first")
    instance = await engine.start_workflow("example", {"key": "k"})
    await engine.publish_message("news", "k", "second")

    data = (await reached(engine, instance.id, "review")).data
    assert {data["one"], data["two"]} == {"first", "second"}


async def test_a_message_does_not_outlive_its_time(make_storage: MakeStorage, clock: LaterClock) -> None:
    """It is not delivered any more, and its id is free."""
    async with running(make_storage(), PAID, clock=clock) as engine:
        await engine.publish_message("paid", "7", "old", message_id="m", ttl=timedelta(hours=1))
        clock.ahead = timedelta(hours=1)
        instance = await engine.start_workflow("example", {"order_id": "7"})
        await reached(engine, instance.id, "paid")

        receipt = await engine.publish_message("paid", "7", "new", message_id="m")
        assert receipt.is_delivered
        assert (await reached(engine, instance.id, "review")).data["paid"] == "new"


async def test_a_message_to_an_instance(make_engine: MakeEngine) -> None:
    """Whatever the key its step waits under; before or after it waits."""
    definition = chain(MessageStep("first", correlation_key="key"), MessageStep("second", "more"), review())
    engine = await make_engine(definition)
    instance, other = [await engine.start_workflow("example", {"key": "k"}) for _ in range(2)]

    assert not (await engine.publish_message("more", payload=2, instance_id=instance.id)).is_delivered
    assert (await engine.publish_message("first", payload=1, instance_id=instance.id)).is_delivered
    after = await reached(engine, instance.id, "review")
    assert (after.data["first"], after.data["second"]) == (1, 2)
    assert (await engine.get_instance(other.id)).current_step == "first"


async def test_a_message_that_was_taken_may_come_again_after_the_end(make_engine: MakeEngine) -> None:
    engine = await make_engine(chain(MessageStep("paid"), name="example"))
    instance = await engine.start_workflow("example")
    first, again = [
        await engine.publish_message("paid", payload=1, instance_id=instance.id, message_id="m")
        for _ in range(2)
    ]
    assert first == again
    assert (await engine.get_instance(instance.id)).status == "completed"
    with pytest.raises(InvalidTransitionError, match="completed"):
        await engine.publish_message("paid", payload=1, instance_id=instance.id, message_id="another")


async def test_by_default_the_id_of_the_instance_is_the_key(make_engine: MakeEngine) -> None:
    engine = await make_engine(chain(MessageStep("paid"), review()))
    instance = await engine.start_workflow("example")
    assert (await engine.publish_message("paid", str(instance.id), 1)).instance_id == instance.id


async def test_what_could_never_be_delivered_is_refused(make_engine: MakeEngine) -> None:
    """And leaves nothing behind."""
    engine = await make_engine(PAID)
    instance = await engine.start_workflow("example", {"order_id": "7"})
    await reached(engine, instance.id, "paid")

    with pytest.raises(MessageNotAwaitedError, match=r"'payed'.*wait for: paid"):
        await engine.publish_message("payed", instance_id=instance.id, message_id="m")
    with pytest.raises(InstanceNotFoundError):
        await engine.publish_message("paid", instance_id=uuid4(), message_id="m")
    await engine.cancel_workflow(instance.id)
    with pytest.raises(InvalidTransitionError, match="canceled"):
        await engine.publish_message("paid", instance_id=instance.id, message_id="m")
    async with engine.storage.unit_of_work() as unit:
        assert await unit.messages.find("m") is None


BIG = "x" * (1024 * 1024)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"name": ""}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "@webhook"}, "the engine's own"),
        ({"name": 7}, "name"),
        ({"correlation_key": None}, "either"),
        ({"instance_id": uuid4()}, "either"),
        ({"correlation_key": "k" * 401}, "1 to 400"),
        ({"correlation_key": "a\0b"}, "correlation key"),
        ({"message_id": ""}, "id of a message"),
        ({"ttl": timedelta(0)}, "lives longer"),
        ({"ttl": timedelta(days=99999)}, "lives longer"),
        ({"payload": {1, 2}}, "set"),
        ({"payload": {"a": float("nan")}}, "nan"),
        ({"payload": BIG}, "1048579 bytes"),
    ],
)
async def test_what_is_no_message_is_refused(
    make_engine: MakeEngine, given: dict[str, Any], told: str
) -> None:
    engine = await make_engine(PAID)
    with pytest.raises(InvalidDataError, match=told):
        await engine.publish_message(**{"name": "paid", "correlation_key": "7"} | given)


@pytest.mark.parametrize("key", ["", "k" * 401, "a\nb", "\ud800"])
async def test_a_key_that_is_none_fails_its_step(make_engine: MakeEngine, key: str) -> None:
    class Odd(MessageStep):
        def get_correlation_key(self, context: WorkflowContext) -> str:
            return key

    engine = await make_engine(chain(Odd("paid"), review()))
    failed = await engine.start_workflow("example")
    assert failed.status == "failed"
    assert "correlation key" in str(failed.failures[0][1])


async def test_tenants_do_not_get_each_others_messages(make_engine: MakeEngine) -> None:
    """Not even under one id; what names no tenant is for all."""
    engine = await make_engine(PAID)
    red, blue = [
        await engine.start_workflow("example", {"order_id": "7"}, tenant_id=tenant)
        for tenant in ("red", "blue")
    ]
    for instance in (red, blue):
        await reached(engine, instance.id, "paid")

    receipts = [
        await engine.publish_message("paid", "7", tenant, message_id="m", tenant_id=tenant)
        for tenant in ("blue", "red", "green")
    ]
    assert [receipt.instance_id for receipt in receipts] == [blue.id, red.id, None]
    assert {receipt.message_id for receipt in receipts} == {"m"}
    third = await engine.start_workflow("example", {"order_id": "7"}, tenant_id="red")
    await reached(engine, third.id, "paid")
    with pytest.raises(InstanceNotFoundError):
        await engine.publish_message("paid", instance_id=third.id, tenant_id="blue")
    assert (await engine.publish_message("paid", "7", "for all")).instance_id == third.id


async def test_a_suspended_instance_gets_its_mail_when_it_is_resumed(make_engine: MakeEngine) -> None:
    engine = await make_engine(PAID)
    instance = await engine.start_workflow("example", {"order_id": "7"})
    await reached(engine, instance.id, "paid")
    await engine.suspend_workflow(instance.id)

    assert not (await engine.publish_message("paid", "7", 1)).is_delivered
    assert (await engine.get_instance(instance.id)).status == "suspended"
    await engine.resume_workflow(instance.id)
    assert (await reached(engine, instance.id, "review")).data["paid"] == 1


async def test_a_process_that_does_not_know_the_workflow_leaves_the_delivery_to_another(
    make_storage: MakeStorage,
) -> None:
    async with running(make_storage(), PAID) as worker, running(make_storage(), runs_steps=False) as web:
        instance = await worker.start_workflow("example", {"order_id": "7"})
        await reached(worker, instance.id, "paid")
        assert not (await web.publish_message("paid", "7", 1)).is_delivered
        assert (await reached(worker, instance.id, "review")).data["paid"] == 1


# Calls from outside


class Told(WebhookStep):
    """Notes where to call."""

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__(name, **options)
        self.callbacks: list[str] = []

    async def on_waiting(self, context: WorkflowContext, callback: str) -> None:
        self.callbacks.append(callback)


async def test_a_call_goes_to_the_step_that_asked_for_it(make_engine: MakeEngine) -> None:
    """Once; the same call again, as one repeats it who heard no answer, changes nothing."""
    step = Told("call", callback_key="answer")
    engine = await make_engine(chain(step, Do("after"), review()))
    instances = [await engine.start_workflow("example") for _ in range(2)]

    receipt = await engine.deliver_callback(step.callbacks[1], {"ok": True})
    assert receipt.instance_id == instances[1].id
    after = await reached(engine, instances[1].id, "review")
    assert after.data == {"answer": {"ok": True}, "after": 1}
    assert (await engine.get_instance(instances[0].id)).current_step == "call"

    assert await engine.deliver_callback(step.callbacks[1], {"ok": True}) == receipt
    with pytest.raises(MessageNotAwaitedError, match="used already"):
        await engine.deliver_callback(step.callbacks[1], {"ok": False})
    assert (await engine.get_instance(instances[1].id)) == after


async def test_of_many_calls_one_counts(make_engine: MakeEngine) -> None:
    step = Told("call")
    engine = await make_engine(chain(step, review()))
    instance = await engine.start_workflow("example")

    calls = [engine.deliver_callback(step.callbacks[0], number) for number in range(6)]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, MessageNotAwaitedError)]
    assert len(refused) == 5
    after = await reached(engine, instance.id, "review")
    assert after.data["call"] in range(6)


async def test_a_call_that_nobody_waits_for_is_refused(make_engine: MakeEngine) -> None:
    step = Told("call")
    engine = await make_engine(chain(step, review()))
    instance = await engine.start_workflow("example")
    await engine.cancel_workflow(instance.id)

    for callback in (step.callbacks[0], "unknown", "", "a\nb", "\ud800", "x" * 10_000):
        with pytest.raises(MessageNotAwaitedError):
            await engine.deliver_callback(callback, {})


async def test_a_call_may_be_faster_than_the_commit(make_engine: MakeEngine) -> None:
    """The step has told the outside where to call before its wait is there."""
    answers: list[asyncio.Task[Any]] = []

    class Hasty(WebhookStep):
        async def on_waiting(self, context: WorkflowContext, callback: str) -> None:
            answers.append(asyncio.create_task(engine.deliver_callback(callback, "fast")))
            await asyncio.sleep(0)

    engine = await make_engine(chain(Hasty("call"), review()))
    instance = await engine.start_workflow("example")
    assert (await answers[0]).instance_id == instance.id
    assert (await reached(engine, instance.id, "review")).data["call"] == "fast"


async def test_a_message_is_no_call(make_engine: MakeEngine) -> None:
    """Who knows a callback cannot get past the signature by sending it a message."""
    step = Told("call", secret=lambda _: "s")
    engine = await make_engine(chain(step, review()))
    instance = await engine.start_workflow("example")
    for address in ({"correlation_key": step.callbacks[0]}, {"instance_id": instance.id}):
        with pytest.raises(InvalidDataError, match="engine's own"):
            await engine.publish_message("@webhook", **address)


@pytest.mark.parametrize("how", ["environment", "callable", "method"])
async def test_a_call_is_checked_for_its_signature(
    make_engine: MakeEngine, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    class WithMethod(Told):
        async def secret(self, context: WorkflowContext) -> bytes:
            return b"top secret" if context.current_step == "call" else b""

    monkeypatch.setenv("EXAMPLE_WEBHOOK_SECRET", "top secret")
    steps = {
        "environment": Told("call", secret="EXAMPLE_WEBHOOK_SECRET"),
        "callable": Told("call", secret=lambda _: "top secret", signature_header="X-Bank"),
        "method": WithMethod("call"),
    }
    step = steps[how]
    engine = await make_engine(chain(step, review()))
    instance = await engine.start_workflow("example")
    (callback,), body = step.callbacks, b'{"ok": true}'
    right = sign(b"top secret", body)

    for headers in (
        {},
        {"X-Other": right},
        {step.signature_header: ""},
        {step.signature_header: sign(b"wrong", body)},
        {step.signature_header: right[:-1]},
        {step.signature_header: "sha1=" + "0" * 40},
        {step.signature_header: "ü" * 64},
    ):
        with pytest.raises(InvalidSignatureError, match=step.signature_header):
            await engine.deliver_callback(callback, {"ok": True}, body=body, headers=headers)
    with pytest.raises(InvalidSignatureError):
        await engine.deliver_callback(
            callback, {"ok": True}, body=b"other", headers={step.signature_header: right}
        )
    assert (await engine.get_instance(instance.id)).current_step == "call"

    headers = {step.signature_header.upper(): right.removeprefix("sha256=").upper()}
    assert (await engine.deliver_callback(callback, {"ok": True}, body=body, headers=headers)).is_delivered


async def test_a_secret_that_is_not_there_lets_nobody_in(make_engine: MakeEngine) -> None:
    step = Told("call", secret="EXAMPLE_ABSENT_SECRET")
    engine = await make_engine(chain(step, review()))
    await engine.start_workflow("example")
    headers = {"X-Signature-256": sign(b"", b"{}")}
    with pytest.raises(Exception, match="EXAMPLE_ABSENT_SECRET is not set"):
        await engine.deliver_callback(step.callbacks[0], {}, body=b"{}", headers=headers)
