"""The REST API: one controller for each resource. They parse, call and answer; nothing is decided here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from workflows_litestar.controllers.definitions import DefinitionController
from workflows_litestar.controllers.events import EventController
from workflows_litestar.controllers.instances import InstanceController
from workflows_litestar.controllers.messages import MessageController, WebhookController
from workflows_litestar.controllers.operations import HealthController, StatisticsController
from workflows_litestar.controllers.substitutions import SubstitutionController
from workflows_litestar.controllers.tasks import TaskController

if TYPE_CHECKING:
    from litestar import Controller

CONTROLLERS: Final[Mapping[str, type[Controller]]] = MappingProxyType(
    {
        "Workflow Definitions": DefinitionController,
        "Workflow Instances": InstanceController,
        "Human Tasks": TaskController,
        "Substitutions": SubstitutionController,
        "Messages": MessageController,
        "Webhooks": WebhookController,
        "Events": EventController,
        "Statistics": StatisticsController,
        "Health": HealthController,
    }
)
"""Group, as it is called in the OpenAPI document, to its controller."""

OPEN: Final = frozenset({WebhookController, HealthController})
"""Those that anybody may call: no guard stands before them."""
