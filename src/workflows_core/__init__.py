"""A pure, framework-free engine for approvals and long-running processes."""

from workflows_core.actors import Actor, Substitution
from workflows_core.calendar import WorkingCalendar, working_hours
from workflows_core.context import WorkflowContext
from workflows_core.deadlines import AddCandidates, Expire, HandOver, Remind
from workflows_core.definitions import Edge, Workflow, WorkflowDefinition
from workflows_core.engine import ExecutionEngine, LocalExecutionEngine
from workflows_core.errors import WorkflowError
from workflows_core.groups import ConditionalGroup, ParallelGroup, SequentialGroup
from workflows_core.instance import Instance
from workflows_core.policies import Policies
from workflows_core.ports import InstanceOrder, InstanceQuery, TaskOrder, TaskQuery
from workflows_core.quorum import Quorum
from workflows_core.registry import WorkflowRegistry
from workflows_core.retry import RetryPolicy
from workflows_core.states import InstanceStatus, TaskStatus
from workflows_core.steps import (
    BaseHumanStep,
    BaseMachineStep,
    DecisionStep,
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
    "Actor",
    "AddCandidates",
    "BaseHumanStep",
    "BaseMachineStep",
    "ConditionalGroup",
    "DecisionStep",
    "DelayStep",
    "Edge",
    "ExclusiveGateway",
    "ExecutionEngine",
    "Expire",
    "HandOver",
    "InclusiveGateway",
    "Instance",
    "InstanceOrder",
    "InstanceQuery",
    "InstanceStatus",
    "LocalExecutionEngine",
    "MessageStep",
    "ParallelGateway",
    "ParallelGroup",
    "Policies",
    "Problem",
    "Quorum",
    "Remind",
    "RetryPolicy",
    "ScheduledStep",
    "SequentialGroup",
    "Step",
    "Substitution",
    "Task",
    "TaskOrder",
    "TaskQuery",
    "TaskStatus",
    "TimerStep",
    "WebhookStep",
    "Workflow",
    "WorkflowContext",
    "WorkflowDefinition",
    "WorkflowError",
    "WorkflowRegistry",
    "WorkingCalendar",
    "validate",
    "working_hours",
]
