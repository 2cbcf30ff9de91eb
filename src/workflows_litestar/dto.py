"""What requests and answers hold, with the names of the guide.

Each class of answers is made from the values of the core in one place, its `from_...` method.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Self
from uuid import UUID

from attrs import evolve

from workflows_core.definitions import Edge, WorkflowDefinition
from workflows_core.diagram import Diagram, DiagramEdge, DiagramNode, NodeState
from workflows_core.history import ExecutionStatus, StepExecution
from workflows_core.mermaid import mermaid
from workflows_core.states import InstanceStatus, TaskState, TaskStatus
from workflows_core.steps import StepKind
from workflows_core.tasks import Task
from workflows_litestar.fields import NAME, Name, Prose, Reason, Small, UserId, about, text_about

if TYPE_CHECKING:
    from workflows_core.engine import Record
    from workflows_core.instance import Instance
    from workflows_core.ports import InstanceSummary


# Requests


@dataclass(frozen=True)
class StartWorkflowDTO:
    """What to start, with which data, and for whom."""

    definition_name: Annotated[str, *text_about("The workflow to start.", **NAME)]
    input_data: Annotated[dict[str, Any] | None, about("What the instance begins with.")] = None
    correlation_id: Annotated[
        Name | None, about("Your own mark for the instance; lists can be filtered by it.")
    ] = None
    user_id: Annotated[
        Name | None, about("Who starts it: where no identity is configured. Elsewhere it is the principal.")
    ] = None
    tenant_id: Annotated[Name | None, about("The tenant it belongs to: likewise.")] = None
    version: Annotated[Name | None, about("The exact version to start; the latest by default.")] = None


@dataclass(frozen=True)
class CompleteTaskDTO:
    """What was decided, and by whom."""

    output_data: Annotated[
        dict[str, Any],
        about("The filled-in form; it must fit the task's `form_schema` and becomes data of the instance."),
    ]
    completed_by: Annotated[
        str,
        *text_about(
            "Who completes the task: required where no identity is configured. Elsewhere it is the principal, and "
            "can be left out.",
            **NAME,
        ),
    ] = ""
    comment: Annotated[Prose | None, about("What else there is to say.")] = None
    outcome: Annotated[Name | None, about("One of the task's `outcomes`, where it has any.")] = None
    revision: Annotated[
        Small | None,
        about(
            "The `revision` of the task that was seen: if what is decided about has changed since, nothing happens, and "
            "the answer (412) says what has."
        ),
    ] = None


@dataclass(frozen=True)
class ReassignTaskDTO:
    """Who is to do a task from now on."""

    new_assignee: Annotated[str, *text_about("Who is to do it.", **NAME)]
    reason: Reason = None
    user_id: UserId = None


# Answers


@dataclass(frozen=True)
class WorkflowDefinitionDTO:
    """A workflow: its steps and the ways between them."""

    name: str
    version: str
    description: str
    steps: Annotated[list[str], about("Names of the steps, in the order written.")]
    edges: Annotated[
        list[dict[str, Any]],
        about(
            "`source` and `target` are steps; `condition` is an expression, the name of a function, or null. "
            "Where it is not the plain way on, `on` names the end of the source it belongs to (an outcome, `error`, "
            "`timeout`), and `default` is true for the one that is taken when no other is."
        ),
    ]
    initial_step: str
    terminal_steps: Annotated[list[str], about("Where instances may end.")]

    @classmethod
    def from_domain(cls, definition: WorkflowDefinition) -> Self:
        """Show a definition."""
        return cls(
            name=definition.name,
            version=definition.version,
            description=definition.description,
            steps=list(definition.steps),
            edges=[_edge(edge) for edge in definition.edges],
            initial_step=definition.initial_step,
            terminal_steps=list(definition.terminal_steps),
        )


def _edge(edge: Edge) -> dict[str, Any]:
    shown: dict[str, Any] = {"source": edge.source, "target": edge.target, "condition": _condition(edge)}
    if edge.on is not None:
        shown["on"] = edge.on
    if edge.default:
        shown["default"] = True
    return shown


def _condition(edge: Edge) -> str | None:
    """Return the condition as a picture shows it, without what else stands at the edge."""
    return evolve(edge, on=None, default=False).label or None


@dataclass(frozen=True)
class GraphNodeDTO:
    """A step in a picture."""

    id: Annotated[str, about("The name of the step.")]
    label: Annotated[str, about("What people read.")]
    type: Annotated[str, about("The kind of step.", StepKind)]
    is_initial: bool
    is_terminal: bool
    state: Annotated[
        str, about("How the step stands in the instance shown; `none` for a definition.", NodeState)
    ]

    @classmethod
    def from_domain(cls, node: DiagramNode) -> Self:
        """Show a node."""
        return cls(
            id=node.id,
            label=node.label,
            type=str(node.type),
            is_initial=node.is_initial,
            is_terminal=node.is_terminal,
            state=str(node.state),
        )


@dataclass(frozen=True)
class GraphEdgeDTO:
    """A way between two steps in a picture."""

    source: str
    target: str
    label: Annotated[str, about("When it is taken; empty for a plain edge.")]
    is_taken: Annotated[bool, about("Whether the instance shown went along it.")]

    @classmethod
    def from_domain(cls, edge: DiagramEdge) -> Self:
        """Show an edge."""
        return cls(source=edge.source, target=edge.target, label=edge.label, is_taken=edge.is_taken)


@dataclass(frozen=True)
class WorkflowGraphDTO:
    """A workflow as a picture, or what is needed to draw one."""

    mermaid_source: Annotated[str, about("A flowchart in the language of Mermaid.")]
    nodes: list[GraphNodeDTO]
    edges: list[GraphEdgeDTO]

    @classmethod
    def from_domain(cls, diagram: Diagram) -> Self:
        """Show a diagram."""
        return cls(
            mermaid_source=mermaid(diagram),
            nodes=[GraphNodeDTO.from_domain(node) for node in diagram.nodes],
            edges=[GraphEdgeDTO.from_domain(edge) for edge in diagram.edges],
        )


@dataclass(frozen=True)
class WorkflowInstanceDTO:
    """One run of a workflow."""

    id: UUID
    definition_name: str
    status: Annotated[str, about("What it does at present.", InstanceStatus)]
    current_step: Annotated[str | None, about("Where it is; null once it has ended.")]
    started_at: datetime
    completed_at: Annotated[datetime | None, about("When it ended; null while it lives.")]
    created_by: Annotated[str | None, about("Who started it.")]
    definition_version: Annotated[str, about("The version it is pinned to.")]
    revision: Annotated[int, about("How often it has changed; a larger one is newer.")]
    updated_at: Annotated[datetime, about("When it last changed.")]
    tenant_id: Annotated[str | None, about("The tenant it belongs to.")]
    correlation_id: Annotated[str | None, about("The mark it was started with.")]

    @classmethod
    def from_domain(cls, instance: Instance | InstanceSummary) -> Self:
        """Show an instance, or what a list knows of it."""
        return cls(**_of_instance(instance))


def _of_instance(instance: Instance | InstanceSummary) -> dict[str, Any]:
    return {
        "id": instance.id,
        "definition_name": instance.definition_name,
        "status": str(instance.status),
        "current_step": instance.current_step,
        "started_at": instance.started_at,
        "completed_at": instance.completed_at,
        "created_by": instance.created_by,
        "definition_version": instance.definition_version,
        "revision": instance.revision,
        "updated_at": instance.updated_at,
        "tenant_id": instance.tenant_id,
        "correlation_id": instance.correlation_id,
    }


@dataclass(frozen=True)
class StepExecutionDTO:
    """One execution of a step; a step that was retried, or lies in a loop, has several."""

    id: Annotated[str, about("Names it within the API: the same whenever the instance is read.")]
    step_name: str
    status: Annotated[str, about("How it stands.", ExecutionStatus)]
    started_at: datetime
    completed_at: datetime | None
    error: Annotated[str | None, about("Why it failed, and in which code.")]
    attempt: Annotated[int, about("Which attempt it was, counted from 1.")]
    outcome: Annotated[str | None, about("What a person decided, if there was a choice.")]
    completed_by: Annotated[str | None, about("Who did it; null for machines.")]
    output: Annotated[Any, about("What a machine step returned, or the form that a person filled in.")]

    @classmethod
    def from_domain(cls, execution: StepExecution) -> Self:
        """Show an execution."""
        return cls(
            id=execution.id,
            step_name=execution.step_name,
            status=str(execution.status),
            started_at=execution.started_at,
            completed_at=execution.completed_at,
            error=None if execution.error is None else str(execution.error),
            attempt=execution.attempt,
            outcome=execution.outcome,
            completed_by=execution.completed_by,
            output=execution.output,
        )


@dataclass(frozen=True)
class WorkflowInstanceDetailDTO(WorkflowInstanceDTO):
    """One run of a workflow, with its data and what was done in it."""

    context_data: Annotated[
        dict[str, Any], about("What was given at the start, and what steps and forms wrote since.")
    ]
    metadata: Annotated[dict[str, Any], about("What was noted about it at the start.")]
    step_history: Annotated[
        list[StepExecutionDTO],
        about("What was done, in the order in which it began; what is under way is among `current_steps`."),
    ]
    error: Annotated[str | None, about("What failed, and where: while the status is `failed`.")]
    current_steps: Annotated[list[str], about("All places where it is: branches run side by side.")]
    cancel_reason: Annotated[str | None, about("Why it was canceled, if it was.")]
    suspend_reason: Annotated[str | None, about("Why it is suspended, while it is.")]

    @classmethod
    def from_record(cls, record: Record) -> Self:
        """Show an instance with its history."""
        instance = record.instance
        return cls(
            **_of_instance(instance),
            context_data=instance.data,
            metadata=instance.metadata,
            step_history=[
                StepExecutionDTO.from_domain(each)
                for each in record.step_executions
                if each.completed_at is not None
            ],
            error="; ".join(f"{step}: {failure}" for step, failure in instance.failures) or None,
            current_steps=list(instance.current_steps),
            cancel_reason=instance.cancel_reason,
            suspend_reason=instance.suspend_reason,
        )


@dataclass(frozen=True)
class HumanTaskDTO:
    """Work that waits for a person, or did."""

    id: UUID
    instance_id: UUID
    step_name: str
    title: str
    description: str | None
    assignee: Annotated[str | None, about("Who is to do it; null while nobody is named.")]
    status: Annotated[str, about("Where it is in its life.", TaskStatus)]
    due_date: Annotated[datetime | None, about("When it should be done.")]
    created_at: datetime
    form_schema: Annotated[dict[str, Any] | None, about("JSON Schema of what is to be submitted.")]
    assignee_group: Annotated[str | None, about("The group it is offered to.")]
    candidate_users: Annotated[list[str], about("Others who may take it.")]
    candidate_groups: Annotated[list[str], about("Other groups whose members may take it.")]
    priority: Annotated[int, about("Higher comes first; 0 is ordinary.")]
    outcomes: Annotated[list[str], about("How it can be decided; empty if there is no choice.")]
    outcome: Annotated[str | None, about("How it was decided.")]
    output_data: Annotated[dict[str, Any] | None, about("The form that was submitted.")]
    comment: Annotated[str | None, about("What was said on completing it.")]
    completed_by: Annotated[str | None, about("Who completed it.")]
    completed_at: Annotated[datetime | None, about("When it was completed or canceled.")]
    workflow_name: Annotated[str, about("The workflow its instance runs.")]
    state: Annotated[str, about("With whom it is, or how it ended.", TaskState)]
    revision: Annotated[int, about("Grows when what is decided about changes: can be quoted on completing.")]
    requires_revision: Annotated[bool, about("Whether it has to be quoted.")]
    owner: Annotated[str | None, about("Who gets it back from its delegate.")]
    follow_up_date: Annotated[datetime | None, about("When whoever holds it wants to see it again.")]
    tenant_id: Annotated[str | None, about("The tenant it belongs to.")]
    on_behalf_of: Annotated[str | None, about("For whom it was completed, if somebody stood in.")]
    closed_reason: Annotated[str | None, about("Why it was closed without being done.")]

    @classmethod
    def from_domain(cls, task: Task) -> Self:
        """Show a task."""
        return cls(
            id=task.id,
            instance_id=task.instance_id,
            step_name=task.step_name,
            title=task.title,
            description=task.description,
            assignee=task.assignee,
            status=str(task.status),
            due_date=task.due_at,
            created_at=task.created_at,
            form_schema=task.form_schema,
            assignee_group=task.assignee_group,
            candidate_users=list(task.candidate_users),
            candidate_groups=list(task.candidate_groups),
            priority=task.priority,
            outcomes=list(task.outcomes),
            outcome=task.outcome,
            output_data=task.form_data,
            comment=task.comment,
            completed_by=task.completed_by,
            completed_at=task.completed_at,
            workflow_name=task.definition_name,
            state=str(task.state),
            revision=task.revision,
            requires_revision=task.requires_revision,
            owner=task.owner,
            follow_up_date=task.follow_up_at,
            tenant_id=task.tenant_id,
            on_behalf_of=task.on_behalf_of,
            closed_reason=task.closed_reason,
        )
