"""Definitions as answers, beyond those of the guide: what is wrong with them, and what is to be filled in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Self

from workflows_core.steps import BaseHumanStep, DecisionStep
from workflows_core.validation import Severity
from workflows_litestar.fields import about

if TYPE_CHECKING:
    from workflows_core.definitions import WorkflowDefinition
    from workflows_core.validation import Problem


@dataclass(frozen=True)
class DefinitionProblemDTO:
    """One thing that is wrong with a definition. What is registered has warnings at most."""

    code: Annotated[str, about("Which kind of problem it is; codes never change their meaning.")]
    severity: Annotated[
        str,
        about("How much it matters.", Severity),
    ]
    path: Annotated[str, about("Where it is, as a JSON pointer; empty for the whole definition.")]
    step: Annotated[str | None, about("The step it concerns; null if it concerns none, or several.")]
    detail: Annotated[str, about("What is wrong, in one sentence.")]
    hint: Annotated[str, about("How to mend it; empty if the sentence says so.")]

    @classmethod
    def from_domain(cls, problem: Problem) -> Self:
        """Show a problem."""
        return cls(
            code=problem.code,
            severity=str(problem.severity),
            path=problem.path,
            step=problem.step,
            detail=problem.detail,
            hint=problem.hint,
        )


@dataclass(frozen=True)
class FormDTO:
    """What people are asked at a step."""

    step: str
    title: Annotated[str, about("What people call the step.")]
    description: str
    form_schema: Annotated[
        dict[str, Any] | None, about("JSON Schema of what is to be submitted; null accepts any object.")
    ]
    outcomes: Annotated[list[str], about("How it can be decided; empty if there is no choice.")]

    @classmethod
    def from_domain(cls, step: BaseHumanStep) -> Self:
        """Show the form of a step."""
        return cls(
            step=step.name,
            title=step.title,
            description=step.description,
            form_schema=None if step.form_schema is None else dict(step.form_schema),
            outcomes=list(step.opinions if isinstance(step, DecisionStep) else step.outcomes),
        )


@dataclass(frozen=True)
class DefinitionSchemaDTO:
    """What goes into instances of a definition: at the start, and from people."""

    name: str
    version: str
    input_schema: Annotated[
        dict[str, Any] | None,
        about("JSON Schema of the data an instance is started with; null accepts any object."),
    ]
    forms: Annotated[list[FormDTO], about("Those of the human steps, in the order written.")]
    searchable: Annotated[
        list[str], about("Paths in the data by which instances can be found: `data.<path>`.")
    ]

    @classmethod
    def from_domain(cls, definition: WorkflowDefinition) -> Self:
        """Show what a definition asks for."""
        human = (step for step in definition.steps.values() if isinstance(step, BaseHumanStep))
        return cls(
            name=definition.name,
            version=definition.version,
            input_schema=definition.input_schema,
            forms=[FormDTO.from_domain(step) for step in human],
            searchable=list(definition.searchable),
        )
