"""Explanations, as answers show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Self
from uuid import UUID

from workflows_core.explanation import Reason
from workflows_core.states import InstanceStatus
from workflows_litestar.fields import about

if TYPE_CHECKING:
    from workflows_core.consequences import Consequence, Destination
    from workflows_core.explanation import InstanceExplanation, TaskExplanation, Wait
    from workflows_core.permissions import Action, Decision


@dataclass(frozen=True)
class WaitDTO:
    """Something that one branch of an instance waits for."""

    reason: Annotated[str, about("What kind of thing.", Reason)]
    step: Annotated[str, about("Where.")]
    title: Annotated[str, about("What people call that step.")]
    since: Annotated[datetime | None, about("Since when; null where that is not kept.")]
    until: Annotated[datetime | None, about("When it goes on, or is due, at the latest.")]
    who: Annotated[list[str], about("Who can act, in words; empty where it is not up to people.")]
    tasks: Annotated[list[UUID], about("The open tasks it waits for.")]
    sentence: Annotated[str, about("All of it in words.")]

    @classmethod
    def from_domain(cls, wait: Wait) -> Self:
        """Show what is waited for."""
        return cls(
            reason=str(wait.reason),
            step=wait.step,
            title=wait.title,
            since=wait.since,
            until=wait.until,
            who=list(wait.who),
            tasks=list(wait.tasks),
            sentence=wait.sentence,
        )


@dataclass(frozen=True)
class InstanceExplanationDTO:
    """Why an instance is where it is."""

    instance_id: UUID
    status: Annotated[str, about("Its status.", InstanceStatus)]
    summary: Annotated[str, about("The whole in a sentence.")]
    waits: Annotated[list[WaitDTO], about("What it waits for, oldest branch first; empty once it has ended.")]
    is_known: Annotated[
        bool, about("Whether the server knows its definition: if not, nothing in it can go on there.")
    ]
    sentences: Annotated[list[str], about("All of it in words.")]

    @classmethod
    def from_domain(cls, explanation: InstanceExplanation) -> Self:
        """Show an explanation."""
        return cls(
            instance_id=explanation.instance_id,
            status=str(explanation.status),
            summary=explanation.summary,
            waits=[WaitDTO.from_domain(each) for each in explanation.waits],
            is_known=explanation.is_known,
            sentences=list(explanation.sentences),
        )


@dataclass(frozen=True)
class ActionDTO:
    """Whether somebody may do something now."""

    action: Annotated[str, about("What.")]
    allowed: Annotated[bool, about("Whether they may, as things stand.")]
    reason: Annotated[str, about("Why, or why not: a sentence for them.")]
    on_behalf_of: Annotated[str | None, about("For whom they would do it, where they stand in for somebody.")]

    @classmethod
    def from_domain(cls, action: Action, decision: Decision) -> Self:
        """Show a decision."""
        return cls(str(action), decision.allowed, decision.reason, decision.on_behalf_of)


@dataclass(frozen=True)
class DestinationDTO:
    """A step that something may lead to."""

    step: Annotated[str, about("Its name.")]
    title: Annotated[str, about("What people call it.")]
    is_certain: Annotated[bool, about("Whether it is where it goes, as things stand.")]
    depends_on: Annotated[list[str], about("What it depends on otherwise, in words.")]
    waits: Annotated[bool, about("Whether other branches are waited for there first.")]

    @classmethod
    def from_domain(cls, destination: Destination) -> Self:
        """Show a destination."""
        return cls(
            step=destination.step,
            title=destination.title,
            is_certain=destination.is_certain,
            depends_on=list(destination.depends_on),
            waits=destination.waits,
        )


@dataclass(frozen=True)
class ConsequenceDTO:
    """What one way of completing a task would lead to."""

    outcome: Annotated[str | None, about("The outcome; null where the task has none.")]
    leads_to: Annotated[list[DestinationDTO], about("The steps that come next; none if the branch ends.")]
    sentence: Annotated[str, about("The same in words.")]

    @classmethod
    def from_domain(cls, consequence: Consequence) -> Self:
        """Show a consequence."""
        return cls(
            outcome=consequence.outcome,
            leads_to=[DestinationDTO.from_domain(each) for each in consequence.leads_to],
            sentence=consequence.sentence,
        )


@dataclass(frozen=True)
class TaskExplanationDTO:
    """What somebody has to know about a task."""

    task_id: UUID
    summary: Annotated[str, about("With whom it is, since when and until when, in words.")]
    since: Annotated[datetime, about("Since when it is open.")]
    until: Annotated[datetime | None, about("When it is due; null if never, or while its clock stands.")]
    is_overdue: Annotated[bool, about("Whether that is past.")]
    who: Annotated[list[str], about("Who can act, in words.")]
    actions: Annotated[
        list[ActionDTO], about("Everything that can be done with a task, and whether the one who asks may.")
    ]
    consequences: Annotated[
        list[ConsequenceDTO],
        about("What completing it would lead to, for each outcome; none once it is closed."),
    ]
    sentences: Annotated[list[str], about("All of it in words.")]

    @classmethod
    def from_domain(cls, explanation: TaskExplanation) -> Self:
        """Show an explanation."""
        return cls(
            task_id=explanation.task_id,
            summary=explanation.summary,
            since=explanation.since,
            until=explanation.until,
            is_overdue=explanation.is_overdue,
            who=list(explanation.who),
            actions=[ActionDTO.from_domain(*each) for each in explanation.actions.items()],
            consequences=[ConsequenceDTO.from_domain(each) for each in explanation.consequences],
            sentences=list(explanation.sentences),
        )
