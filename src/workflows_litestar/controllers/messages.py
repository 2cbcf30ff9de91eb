"""Messages and calls from outside: what moves instances that wait for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, post
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.openapi.spec import OpenAPIMediaType, Operation, Reference, RequestBody, Schema
from litestar.params import FromPath, JSONBody, PathParameter

from workflows_core.messages import NAME_LENGTH
from workflows_litestar.actor import asking, tenant_of
from workflows_litestar.bodies import JsonBody, document_of
from workflows_litestar.dependencies import Engine
from workflows_litestar.idempotency import repeatable
from workflows_litestar.identity import Acting
from workflows_litestar.messages import CallReceiptDTO, PublishMessageDTO, ReceiptDTO, SendMessageDTO
from workflows_litestar.openapi import SIGNATURE, refusals
from workflows_litestar.problems import UNLOGGED


class MessageController(Controller):
    """Sending messages to steps that wait for them, now or later."""

    path = "/"

    @post(
        "/messages",
        operation_id="publish_message",
        summary="Send a message",
        description=(
            "It goes to one step: of those that wait for its name under its correlation key, the one of the oldest "
            "instance. If none waits yet it is kept for the first that will. It is for operators."
        ),
        response_description="The message was delivered, or is kept.",
        dto=JsonBody[PublishMessageDTO],
        status_code=202,
        responses=refusals(400, 409, 413, 415, 422),
    )
    @repeatable
    async def publish(
        self,
        data: JSONBody[PublishMessageDTO],
        workflow_engine: Engine,
        workflow_actor: Acting,
        request_id: str | None = None,
    ) -> ReceiptDTO:
        """Send a message to a correlation key."""
        receipt = await workflow_engine.publish_message(
            data.name,
            data.correlation_key,
            data.payload,
            message_id=data.message_id or request_id,
            ttl=data.ttl,
            tenant_id=tenant_of(workflow_actor, data.tenant_id),
            **asking(workflow_actor, data.user_id),
        )
        return ReceiptDTO.from_domain(receipt)

    @post(
        "/instances/{instance_id:str}/messages/{name:str}",
        operation_id="send_message_to_workflow_instance",
        summary="Send a message to a workflow instance",
        description=(
            "It goes to a step of the instance that waits for its name, whatever the correlation key. If none waits "
            "yet it is kept for the first that will. It is for operators."
        ),
        response_description="The message was delivered, or is kept.",
        dto=JsonBody[SendMessageDTO],
        status_code=202,
        responses=refusals(400, 404, 409, 413, 415, 422),
    )
    @repeatable
    async def send(
        self,
        *,
        instance_id: FromPath[UUID],
        name: Annotated[
            str, PathParameter(description="What it is about.", min_length=1, max_length=NAME_LENGTH)
        ],
        data: JSONBody[SendMessageDTO],
        workflow_engine: Engine,
        workflow_actor: Acting,
        request_id: str | None = None,
    ) -> ReceiptDTO:
        """Send a message to one instance."""
        receipt = await workflow_engine.publish_message(
            name,
            payload=data.payload,
            message_id=data.message_id or request_id,
            ttl=data.ttl,
            instance_id=instance_id,
            **asking(workflow_actor, data.user_id),
        )
        return ReceiptDTO.from_domain(receipt)


def _any_json() -> RequestBody | Reference:
    return RequestBody(
        content={
            "application/json": OpenAPIMediaType(
                schema=Schema(description="Any JSON; nothing counts as null.")
            )
        }
    )


@dataclass
class _CallOperation(Operation):
    """A call's body is read as it came, since the signature is of that; so Litestar cannot know what it is."""

    request_body: RequestBody | Reference | None = field(default_factory=_any_json)

    def __post_init__(self) -> None:
        self.request_body = _any_json()
        self.security = [{}, {SIGNATURE: []}]


def conceal(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Let nobody write the address into a log who logs the path, as servers and Litestar do."""
    connection.url  # noqa: B018 - from now on Litestar remembers it for those who ask for it
    template = connection.scope["path_template"]
    connection.scope |= {"path": template, "raw_path": template.encode()}


class WebhookController(Controller):
    """Calls from outside. Who knows the address may call: there is no other authentication, but for the signature."""

    path = "/webhooks"
    guards = [conceal]  # noqa: RUF012 - as Litestar has it

    @post(
        "/{token:str}",
        operation_id="call_webhook",
        summary="Call back a step that waits",
        description=(
            "Each address takes one call. The same call again changes nothing and gets the first answer. Where the "
            "step has a secret, the call must be signed with it (HMAC, SHA-256)."
        ),
        response_description="The call has come.",
        operation_class=_CallOperation,
        opt={UNLOGGED: True, "exclude_from_auth": True, "exclude_from_csrf": True},
        status_code=202,
        responses=refusals(400, 404, 409, 413, 415, 422),
    )
    @repeatable
    async def call(
        self,
        token: Annotated[str, PathParameter(description="What the step told its counterpart.")],
        request: Request[Any, Any, Any],
        workflow_engine: Engine,
    ) -> CallReceiptDTO:
        """Bring a call to the step that waits for it."""
        body = await request.body()
        receipt = await workflow_engine.deliver_callback(
            token, document_of(request, body), body=body, headers=dict(request.headers)
        )
        return CallReceiptDTO.from_domain(receipt)
