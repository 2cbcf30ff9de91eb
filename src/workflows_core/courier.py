"""The courier: takes messages from outside, and brings them to the instances that wait for them."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from workflows_core import user_code
from workflows_core.data import to_json
from workflows_core.deadlines import LONGEST
from workflows_core.errors import (
    InstanceNotFoundError,
    InvalidDataError,
    InvalidSignatureError,
    InvalidTransitionError,
    MessageNotAwaitedError,
    NotPermittedError,
)
from workflows_core.messages import (
    KEY_LENGTH,
    NAME_LENGTH,
    RESERVED,
    TIME_TO_LIVE,
    WEBHOOK,
    Message,
    Receipt,
    checked,
    sealed,
)
from workflows_core.permissions import Action, may, may_send, policies_of
from workflows_core.signatures import is_signed
from workflows_core.states import FINAL
from workflows_core.steps import MessageStep, WebhookStep

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from workflows_core.actors import Actor
    from workflows_core.data import Json
    from workflows_core.engine import ExecutionEngine
    from workflows_core.instance import Instance
    from workflows_core.messages import Wait
    from workflows_core.ports import UnitOfWork

_PATIENCE: Final = (0.05, 0.1, 0.2, 0.4)
"""Seconds between looks for a wait whose step has told the outside where to call, and that is not committed yet."""

_UNKNOWN: Final = "Nobody waits for this call: the address is wrong, was used already, or its time is over."


class Courier:
    """Carries messages for one engine."""

    def __init__(self, engine: ExecutionEngine) -> None:
        self._engine = engine

    # Messages

    def message(
        self,
        name: str,
        correlation_key: str | None,
        payload: object,
        *,
        message_id: str | None,
        ttl: timedelta,
        instance_id: UUID | None,
        tenant_id: str | None,
        user_id: str | None,
    ) -> Message:
        """Make a message of what was given.

        Raises:
            InvalidDataError: If that is not possible.
        """
        checked("The name of a message", name, NAME_LENGTH, "/name")
        if name.startswith(RESERVED):
            raise InvalidDataError("/name", f"Names that begin with {RESERVED!r} are the engine's own.")
        if (correlation_key is None) == (instance_id is None):
            raise InvalidDataError("", "A message is sent either to a correlation key or to an instance.")
        if correlation_key is not None:
            checked("A correlation key", correlation_key, KEY_LENGTH, "/correlation_key")
        if message_id is not None:
            checked("The id of a message", message_id, NAME_LENGTH, "/message_id")
        if not timedelta(0) < ttl <= LONGEST:
            raise InvalidDataError(
                "/ttl", f"A message lives longer than nothing and at most {LONGEST.days} days."
            )
        document, size = _to_payload(payload)
        now = self._engine.clock.now()
        return Message(
            id=message_id or self._engine.new_id().hex,
            name=name,
            correlation_key=correlation_key,
            instance_id=instance_id,
            tenant_id=tenant_id,
            payload=document,
            size=size,
            sent_by=user_id,
            sent_at=now,
            expires_at=now + ttl,
        )

    async def check_sender(self, actor: Actor, instance_id: UUID | None) -> None:
        """Refuse whoever may not send messages.

        Raises:
            InstanceNotFoundError: If they are no concern of theirs, or there is no such instance.
            NotPermittedError: If they are no operator.
        """
        if instance_id is None:
            found = may_send(actor)
        else:
            instance = await self._engine.get_instance(instance_id, actor=actor)
            policies = policies_of(await self._engine.get_definition(instance))
            found = may(actor, Action.SEND, None, instance, policies)
        if not found:
            raise NotPermittedError(Action.SEND, found.reason)

    async def publish(self, message: Message) -> Receipt:
        """Keep a message, and bring it at once to one who waits for it."""
        async with self._engine.storage.unit_of_work() as unit:
            if message.instance_id is not None and not await _is_known(unit, message):
                await self._check_addressee(unit, message, message.instance_id)
            kept = await unit.messages.add(message)
            waiting = [] if kept.taken_by is not None else await _waiting(unit, kept)
            await unit.commit()
        return await self._brought(kept, waiting)

    async def _brought(self, message: Message, waiting: Sequence[UUID]) -> Receipt:
        for instance_id in waiting:
            await self._engine.deliver_mail(instance_id)
            message = await self._find(message)
            if message.taken_by is not None:
                break
        return Receipt(message_id=message.id, instance_id=message.taken_by, expires_at=message.expires_at)

    async def _find(self, message: Message) -> Message:
        async with self._engine.storage.unit_of_work() as unit:
            return await unit.messages.find(message.id) or message

    async def _check_addressee(self, unit: UnitOfWork, message: Message, instance_id: UUID) -> None:
        """Refuse what could never be delivered."""
        instance = await unit.instances.get(instance_id)
        if message.tenant_id not in {None, instance.tenant_id}:
            raise InstanceNotFoundError(instance_id)
        if instance.status in FINAL:
            raise InvalidTransitionError("send a message", f"instance {instance_id}", instance.status)
        names = await self._awaitable(instance)
        if names is not None and message.name not in names:
            known = f"those that do wait for: {', '.join(sorted(names))}" if names else "none waits for any"
            raise MessageNotAwaitedError(
                f"No step of workflow {instance.definition_name!r} waits for a message {message.name!r}; {known}."
            )

    async def _awaitable(self, instance: Instance) -> set[str] | None:
        """Return the names of the messages that steps of an instance may wait for; `None` if that is not known here."""
        definition = self._engine.registry.find_definition(
            instance.definition_name, instance.definition_version
        )
        if definition is None:
            return None
        steps = definition.steps.values()
        return {step.message or step.name for step in steps if isinstance(step, MessageStep)}

    # Calls from outside

    async def call(
        self, callback: str, payload: object, body: bytes | None, headers: Mapping[str, str] | None
    ) -> Receipt:
        """Bring what was sent to a callback to the step that waits for it."""
        if not callback.isascii() or not callback.isprintable() or not 0 < len(callback) <= KEY_LENGTH:
            raise MessageNotAwaitedError(_UNKNOWN)
        document, size = to_json(payload, what="The body of the call")
        now = self._engine.clock.now()
        key = sealed(callback)
        message_id = f"{WEBHOOK}:{key}"
        known = await self._known(message_id)
        if known is not None:
            return await self._repeated(known, document)
        wait = await self._awaited(key)
        await self._check_signature(wait, body, headers or {})
        message = Message(
            id=message_id,
            name=WEBHOOK,
            correlation_key=key,
            payload=document,
            size=size,
            sent_at=now,
            expires_at=now + TIME_TO_LIVE,
        )
        async with self._engine.storage.unit_of_work() as unit:
            kept = await unit.messages.add(message)
            await unit.commit()
        if kept != message:  # somebody else called at the same time
            return await self._repeated(kept, document)
        return await self._brought(kept, [wait.instance_id])

    async def _known(self, message_id: str) -> Message | None:
        async with self._engine.storage.unit_of_work() as unit:
            known = await unit.messages.find(message_id)
        return known if known is not None and known.expires_at > self._engine.clock.now() else None

    async def _repeated(self, known: Message, payload: Json) -> Receipt:
        """Answer as the first time: whoever calls may not have heard the answer. Anything else comes too late."""
        if known.payload != payload:
            raise MessageNotAwaitedError("This address was used already: each takes one call.")
        return Receipt(message_id=known.id, instance_id=known.taken_by, expires_at=known.expires_at)

    async def _awaited(self, key: str) -> Wait:
        """Return the wait of a callback; look again for a moment, as the caller may be faster than the commit."""
        for pause in (*_PATIENCE, None):
            async with self._engine.storage.unit_of_work() as unit:
                waits = await unit.messages.find_waits(WEBHOOK, key)
            if waits:
                return waits[0]
            if pause is not None:
                await asyncio.sleep(pause)
        raise MessageNotAwaitedError(_UNKNOWN)

    async def _check_signature(self, wait: Wait, body: bytes | None, headers: Mapping[str, str]) -> None:
        instance = await self._engine.get_instance(wait.instance_id)
        token = instance.tokens.get(wait.token)
        if token is None:
            raise MessageNotAwaitedError("Nobody waits for this call any more.")
        definition = await self._engine.get_definition(instance)
        node = definition.graph.nodes[token.step]
        if not isinstance(node.step, WebhookStep) or node.step.secret is None:
            return
        name = node.step.signature_header
        given = next((value for key, value in headers.items() if key.lower() == name.lower()), None)
        if given is None or body is None:
            raise InvalidSignatureError(f"the header {name} is missing.")
        secret = await user_code.secret_of(node, instance, token)
        if not is_signed(secret, body, given):
            raise InvalidSignatureError(f"the header {name} is not the HMAC (SHA-256) of the body.")


def _to_payload(payload: object) -> tuple[Json, int]:
    try:
        return to_json(payload, what="The payload")
    except InvalidDataError as error:
        raise InvalidDataError(f"/payload{error.pointer}", error.detail) from None


async def _is_known(unit: UnitOfWork, message: Message) -> bool:
    """Say whether this comes again: what has become of its instance in the meantime is nothing against it."""
    known = await unit.messages.find(message.id)
    if known is None or known.expires_at <= message.sent_at:
        return False
    return known.instance_id == message.instance_id


async def _waiting(unit: UnitOfWork, message: Message) -> list[UUID]:
    """Return the instances that wait for a message, each once."""
    if message.instance_id is not None:
        return [message.instance_id]
    waits = await unit.messages.find_waits(message.name, message.correlation_key or "")
    return [*dict.fromkeys(wait.instance_id for wait in waits if message.suits(wait))]
