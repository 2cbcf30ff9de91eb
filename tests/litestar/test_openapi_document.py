"""What the OpenAPI document says besides the types: its examples are true, and so is what it says of security."""

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, Final

import httpx
import jsonschema_rs
import pytest
from litestar import Litestar
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme
from litestar.security.jwt import JWTAuth

from tests.litestar.conftest import Api, serving
from tests.litestar.people import Person, by_header
from tests.workflows import APPROVAL_FORM, Do, chain
from workflows_core.context import WorkflowContext
from workflows_core.definitions import Edge, WorkflowDefinition
from workflows_core.steps import BaseHumanStep, MessageStep
from workflows_litestar import WorkflowPlugin, WorkflowPluginConfig
from workflows_litestar.problems import INVALID_REQUEST, KINDS

EXPENSE: Final = WorkflowDefinition(
    name="expense_approval",
    steps=[
        Do("submit"),
        BaseHumanStep(
            "manager_approval",
            form_schema=APPROVAL_FORM,
            outcomes=["approve", "reject"],
            assignee_key="manager",
            assignee_group="managers",
        ),
        MessageStep("payment"),
        Do("process"),
    ],
    edges=[
        Edge("submit", "manager_approval"),
        Edge("manager_approval", "payment", on="approve"),
        Edge("manager_approval", "process", on="reject"),
        Edge("payment", "process"),
    ],
    initial_step="submit",
    terminal_steps=["process"],
)


def fail(_: WorkflowContext) -> None:
    raise RuntimeError("The ledger does not answer")


FAILING: Final = chain(Do("book", fail), name="failing")
BEFORE: Final[Mapping[str, str]] = {
    "claim_human_task": "unclaim_human_task",
    "resolve_human_task": "delegate_human_task",
    "answer_question": "request_information",
    "withdraw_question": "request_information",
    "resume_workflow_instance": "suspend_workflow_instance",
}
"""Operation to the one that makes it possible."""


def document_of(config: WorkflowPluginConfig | None = None, **options: Any) -> Any:
    return Litestar(plugins=[WorkflowPlugin(config)], **options).openapi_schema.to_schema()


@pytest.fixture(scope="module")
def document() -> Any:
    return document_of()


def operations(document: Any) -> Mapping[str, tuple[str, str, Any]]:
    """Name to method, path and description of every operation."""
    return {
        operation["operationId"]: (method, path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }


def schemas_in(content: Mapping[str, Any]) -> Iterator[str]:
    """The names of the schemas of whole bodies, or of the items of lists."""
    for media in content.values():
        schema = media.get("schema", {})
        reference = schema.get("$ref") or schema.get("items", {}).get("$ref")
        if reference is not None:
            yield reference.rpartition("/")[2]


def body_of(operation: Any) -> str | None:
    return next(schemas_in(operation.get("requestBody", {}).get("content", {})), None)


def valid(document: Any, name: str, value: object) -> None:
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    jsonschema_rs.validate(schema, value, validate_formats=True)


def test_whatever_is_sent_or_read_has_an_example_that_is_valid(document: Any) -> None:
    sent = {name for *_, operation in operations(document).values() if (name := body_of(operation))}
    read = {
        name
        for *_, operation in operations(document).values()
        for answer in operation["responses"].values()
        for name in schemas_in(answer.get("content", {}))
    }
    assert len(sent) > 15
    assert len(read) > 15
    for name in (sent | read) - {"Problem"}:
        (example,) = document["components"]["schemas"][name]["examples"]
        valid(document, name, example)


def test_every_refusal_has_an_example_that_is_valid_and_could_be_given(document: Any) -> None:
    kinds = {f"urn:workflows:problem:{kind.name}": kind for kind in (*KINDS.values(), INVALID_REQUEST)}
    for *_, operation in operations(document).values():
        refused = {status: each for status, each in operation["responses"].items() if status >= "400"}
        assert refused.keys() >= {"401", "403", "503"}
        for status, answer in refused.items():
            (example,) = answer["content"]["application/problem+json"]["examples"].values()
            problem = example["value"]
            valid(document, "Problem", problem)
            assert str(problem["status"]) == status
            kind = kinds.get(problem["type"])
            assert (
                problem["type"] == "about:blank"
                if kind is None
                else kind[::2] == (int(status), problem["title"])
            )


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    config = WorkflowPluginConfig(auto_register_workflows=[EXPENSE, FAILING], identify=by_header)
    async with serving(Litestar(plugins=[WorkflowPlugin(config)])) as api:
        yield api


class Office:
    """People who send the examples of the document, about expenses of their own."""

    def __init__(self, api: Api, document: Any) -> None:
        self.document = document
        self.operations = operations(document)
        self.alice = Person(api, "alice@example.com")
        self.manager = Person(api, "manager@example.com", groups="managers", roles="manager operator")

    async def expense(self) -> Mapping[str, str]:
        """Start an expense; returns what the paths of operations about it name."""
        instance = await self.alice.start("expense_approval", manager="manager@example.com")
        task = await self.manager.task(instance)
        return {"instance_id": instance["id"], "task_id": task["id"], "name": "payment"}

    async def failure(self) -> Mapping[str, str]:
        """Start what fails; returns the same as `expense`, but for the task."""
        instance = await self.alice.start("failing")
        return {"instance_id": instance["id"]}

    async def send(self, name: str, place: Mapping[str, str]) -> httpx.Response:
        """Send the example of an operation."""
        method, path, operation = self.operations[name]
        (example,) = self.document["components"]["schemas"][body_of(operation)]["examples"]
        person = self.alice if name == "answer_question" else self.manager
        return await person.send(method.upper(), path.removeprefix("/workflows").format(**place), example)


async def test_the_example_of_a_request_is_accepted(
    api: Api, document: Any, subtests: pytest.Subtests
) -> None:
    office = Office(api, document)
    for name, (*_, operation) in office.operations.items():
        if body_of(operation) is None:
            continue
        with subtests.test(name):
            place = await (office.failure() if name == "retry_workflow_instance" else office.expense())
            if name in BEFORE:
                assert (await office.send(BEFORE[name], place)).is_success
            answer = await office.send(name, place)
            assert answer.is_success, answer.text
            (told,) = schemas_in(operation["responses"][str(answer.status_code)]["content"])
            found = answer.json()
            for each in found if isinstance(found, list) else [found]:
                valid(document, told, each)


def security_of(document: Any, path: str, method: str = "get") -> Any:
    """What a caller needs: what an operation says, or else the whole document."""
    return document["paths"][f"/workflows{path}"][method].get("security", document.get("security"))


def test_who_may_call_is_said_by_the_authentication_of_the_application() -> None:
    async def user_of(token: Any, connection: Any) -> Any:
        return token.sub

    secret = "a secret that is long enough for this"
    document = document_of(
        on_app_init=[JWTAuth[Any](token_secret=secret, retrieve_user_handler=user_of).on_app_init]
    )
    assert security_of(document, "/tasks") == [{"BearerToken": []}]
    assert security_of(document, "/health") == []
    assert security_of(document, "/webhooks/{token}", "post") == [{}, {"workflows_webhook_signature": []}]
    assert document["components"]["securitySchemes"].keys() == {"BearerToken", "workflows_webhook_signature"}


def test_or_by_the_configuration() -> None:
    session = SecurityScheme(type="apiKey", name="session", security_scheme_in="cookie")
    described = OpenAPIConfig("Office", "1", components=Components(security_schemes={"session": session}))
    config = WorkflowPluginConfig(identify=by_header, api_security=[{"session": []}])
    document = document_of(config, openapi_config=described)
    assert security_of(document, "/tasks") == [{"session": []}]
    assert security_of(document, "/health") == []
    assert document["components"]["securitySchemes"].keys() == {"session", "workflows_webhook_signature"}
    assert isinstance(described.components, Components)  # what the application has made stays as it is


def test_without_any_nothing_is_said(document: Any) -> None:
    assert security_of(document, "/tasks") is None
