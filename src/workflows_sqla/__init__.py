"""The SQLAlchemy storage of the workflow engine: SQLite and PostgreSQL."""

from workflows_sqla.engine import PersistentExecutionEngine
from workflows_sqla.readers import (
    HumanTaskRepository,
    StepExecutionRepository,
    WorkflowDefinitionRepository,
    WorkflowInstanceRepository,
)
from workflows_sqla.schema import check, current, upgrade
from workflows_sqla.session import SessionStorage
from workflows_sqla.storage import SqlStorage, open_storage

__all__ = [
    "HumanTaskRepository",
    "PersistentExecutionEngine",
    "SessionStorage",
    "SqlStorage",
    "StepExecutionRepository",
    "WorkflowDefinitionRepository",
    "WorkflowInstanceRepository",
    "check",
    "current",
    "open_storage",
    "upgrade",
]
