"""A pure, framework-free engine for approvals and long-running processes."""

from workflows_core.context import WorkflowContext
from workflows_core.definitions import Edge, Workflow, WorkflowDefinition
from workflows_core.engine import ExecutionEngine, LocalExecutionEngine
from workflows_core.errors import WorkflowError
from workflows_core.groups import ConditionalGroup, ParallelGroup, SequentialGroup
from workflows_core.instance import Instance
from workflows_core.ports import InstanceQuery, TaskQuery
from workflows_core.registry import WorkflowRegistry
from workflows_core.retry import RetryPolicy
from workflows_core.states import InstanceStatus, TaskStatus
from workflows_core.steps import (
    BaseHumanStep,
    BaseMachineStep,
    DelayStep,
    ExclusiveGateway,
    InclusiveGateway,
    MessageStep,
    ParallelGateway,
    ScheduledStep,
    Step,
    TimerStep,
    WebhookStep,
)
from workflows_core.tasks import Task
from workflows_core.validation import Problem, validate

__all__ = [
    "BaseHumanStep",
    "BaseMachineStep",
    "ConditionalGroup",
    "DelayStep",
    "Edge",
    "ExclusiveGateway",
    "ExecutionEngine",
    "InclusiveGateway",
    "Instance",
    "InstanceQuery",
    "InstanceStatus",
    "LocalExecutionEngine",
    "MessageStep",
    "ParallelGateway",
    "ParallelGroup",
    "Problem",
    "RetryPolicy",
    "ScheduledStep",
    "SequentialGroup",
    "Step",
    "Task",
    "TaskQuery",
    "TaskStatus",
    "TimerStep",
    "WebhookStep",
    "Workflow",
    "WorkflowContext",
    "WorkflowDefinition",
    "WorkflowError",
    "WorkflowRegistry",
    "validate",
]
