"""What can be said about the plugin."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from litestar.exceptions import ImproperlyConfiguredException
from litestar.openapi.spec import SecurityRequirement
from litestar.types import Guard

from workflows_core.actors import Actor
from workflows_core.definitions import WorkflowClass, WorkflowDefinition
from workflows_core.registry import WorkflowRegistry
from workflows_litestar.identity import Identify

DEFAULT_TAGS: Final = ("Workflows",)


@dataclass
class WorkflowPluginConfig:
    """Configuration of the `WorkflowPlugin`; what cannot work is refused here and not at the first request."""

    enable_api: bool = True
    """Whether the REST endpoints are there."""

    api_path_prefix: str = "/workflows"
    """Path below which all endpoints lie; it begins with a slash and has no parameters."""

    include_api_in_schema: bool = True
    """Whether the endpoints appear in the OpenAPI document."""

    api_guards: Sequence[Guard] = field(default_factory=list)
    """Litestar guards that every request to the endpoints must pass, but for two: webhooks, whose callers know the address
    and sign what they send, and `/health`, which says nothing but yes or no."""

    identify: Identify | None = None
    """Says who makes a request: takes the connection, returns an `Actor` or `None`, sync or async. By default
    `connection.user` tells, where the application has an authentication middleware. See `workflows_litestar.identity`."""

    api_security: Sequence[SecurityRequirement] | None = None
    """What the OpenAPI document says that callers need, by the names of security schemes that the application declares
    (`OpenAPIConfig(components=...)`): `[{"session": []}]`. By default what it says of the whole application, as the
    authentication of Litestar lets it say. Webhooks and `/health` are open in any case."""

    max_streams: int = 100
    """How many streams of events (`/events`, and pages of instances that are looked at) each process keeps open at most; beyond
    that it answers 503, and pages look every two seconds."""

    api_tags: Sequence[str] = field(default_factory=lambda: list(DEFAULT_TAGS))
    """OpenAPI tags of the endpoints; the default also tags each with its group, others stand alone."""

    auto_register_workflows: Sequence[type[WorkflowClass] | WorkflowDefinition] = field(default_factory=list)
    """Workflow classes or definitions to register with the plugin's registry."""

    enable_ui: bool = True
    """Whether the pages for people are there."""

    ui_path_prefix: str = "/workflows/ui"
    """Path below which all pages lie. The guards of the API and its identity hold for them as well."""

    ui_demo_users: Sequence[Actor] = field(default_factory=list)
    """People whom a visitor of the pages can choose to be, to try something out. Without an identity alone: where one
    is configured they are refused. By default a visitor without an identity says any name."""

    registry: WorkflowRegistry | None = None
    """The registry to use; a new one by default."""

    database: object = None
    """Where instances live: a database URL, an engine that an installed storage knows, or a storage; memory by default."""

    auto_upgrade: bool = True
    """Whether the schema of the configured database is brought up to date when the application starts."""

    def __post_init__(self) -> None:
        self.api_path_prefix = _normalized("api_path_prefix", self.api_path_prefix)
        self.ui_path_prefix = _normalized("ui_path_prefix", self.ui_path_prefix)
        for name in ("api_guards", "api_tags", "auto_register_workflows", "ui_demo_users"):
            value = getattr(self, name)
            is_list = isinstance(value, Sequence) and not isinstance(value, str)
            _refuse_unless(is_list, f"{name} must be a list, not {value!r}.")
        for guard in self.api_guards:
            _refuse_unless(callable(guard), f"api_guards holds {guard!r}, which is not a function.")
        _refuse_unless(
            self.identify is None or callable(self.identify),
            f"identify must be a function that takes a connection and returns an Actor, not {self.identify!r}.",
        )
        is_count = self.max_streams >= 0
        _refuse_unless(is_count, f"max_streams must be a number, and not below 0: {self.max_streams!r}.")
        users: Sequence[object] = self.ui_demo_users
        for user in users:
            is_user = isinstance(user, Actor) and user.user_id is not None and not user.is_trusted
            _refuse_unless(is_user, f"ui_demo_users holds {user!r}, which is no Actor with a name.")
        tags: Sequence[object] = self.api_tags
        for tag in tags:
            is_name = isinstance(tag, str) and bool(tag)
            _refuse_unless(is_name, f"api_tags holds {tag!r}, which is not a name.")
        for workflow in self.auto_register_workflows:
            is_known = isinstance(workflow, WorkflowDefinition) or callable(
                getattr(workflow, "get_definition", None)
            )
            _refuse_unless(
                is_known,
                f"auto_register_workflows holds {workflow!r}, which is neither a definition nor a class with get_definition().",
            )


def _normalized(name: str, prefix: object) -> str:
    is_path = isinstance(prefix, str) and re.fullmatch(r"/[^{}?#\s]*", prefix) is not None
    _refuse_unless(
        is_path,
        f"{name} must be a path that begins with a slash, such as '/workflows', not {prefix!r}.",
    )
    return re.sub(r"/+", "/", str(prefix)).rstrip("/") or "/"


def _refuse_unless(condition: bool, sentence: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not condition:
        raise ImproperlyConfiguredException(f"WorkflowPluginConfig: {sentence}")
