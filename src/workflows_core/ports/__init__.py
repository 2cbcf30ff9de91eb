"""What the core asks of the world.

Each protocol is small, named for what the core wants and not for a technology. The docstrings are
the duty of whoever implements them; `workflows_core.testing.storage` holds the suite that checks it.
All times are aware datetimes in UTC.
"""

from workflows_core.ports.definitions import DefinitionKey, DefinitionRepository, StoredDefinition
from workflows_core.ports.forms import FormValidator
from workflows_core.ports.history import FeedEntry, FeedPage, HistoryRepository
from workflows_core.ports.instances import (
    InstanceOrder,
    InstanceQuery,
    InstanceRepository,
    InstanceSummary,
    InstanceTally,
    StepTally,
    place_of_instance,
    summarize,
)
from workflows_core.ports.messages import MessageRepository
from workflows_core.ports.reservations import ReservationRepository
from workflows_core.ports.sources import Clock, IdFactory
from workflows_core.ports.storage import WATCHED, Changes, Storage
from workflows_core.ports.substitutions import SubstitutionQuery, SubstitutionRepository
from workflows_core.ports.tasks import NEVER, TaskOrder, TaskQuery, TaskRepository, place_of
from workflows_core.ports.unit_of_work import UnitOfWork

__all__ = [
    "NEVER",
    "WATCHED",
    "Changes",
    "Clock",
    "DefinitionKey",
    "DefinitionRepository",
    "FeedEntry",
    "FeedPage",
    "FormValidator",
    "HistoryRepository",
    "IdFactory",
    "InstanceOrder",
    "InstanceQuery",
    "InstanceRepository",
    "InstanceSummary",
    "InstanceTally",
    "MessageRepository",
    "ReservationRepository",
    "StepTally",
    "Storage",
    "StoredDefinition",
    "SubstitutionQuery",
    "SubstitutionRepository",
    "TaskOrder",
    "TaskQuery",
    "TaskRepository",
    "UnitOfWork",
    "place_of",
    "place_of_instance",
    "summarize",
]
