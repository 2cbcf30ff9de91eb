"""Checks of what a step says, by its kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from workflows_core.calendar import WorkingTime
from workflows_core.deadlines import Expire, Remind
from workflows_core.exits import ERROR, TIMEOUT
from workflows_core.policies import Policies
from workflows_core.steps import (
    BaseHumanStep,
    BaseMachineStep,
    DecisionStep,
    ExclusiveGateway,
    InclusiveGateway,
    Step,
    TimerStep,
)
from workflows_core.validation.options import wrong_options
from workflows_core.validation.problems import shown

if TYPE_CHECKING:
    from workflows_core.definitions import WorkflowDefinition
    from workflows_core.ports import FormValidator
    from workflows_core.validation.problems import Path, Report


def check_options(
    report: Report, definition: WorkflowDefinition, step: Step, path: Path, forms: FormValidator
) -> None:
    """Check the options of a step, each by itself and against each other."""
    name = step.name if isinstance(step.name, str) else None
    wrong_ones = dict(wrong_options(step))
    for option, wrong in wrong_ones.items():
        report.add("bad-option", (*path, option), f"{option} {wrong}.", step=name)
    match step:
        case BaseHumanStep():
            if step.form_schema is not None:
                check_schema(report, step.form_schema, (*path, "form_schema"), forms, name)
            check_policies(report, definition, step.policies, path, name)
            if not wrong_ones:
                for place, wrong in _contradictions(step):
                    report.add("bad-option", (*path, *place), wrong, step=name)
        case ExclusiveGateway() | InclusiveGateway():
            _check_gateway(report, step, path, name)
        case TimerStep():
            if (step.duration is None) == (step.until is None):
                detail = f"Timer {shown(name)} is told {'neither' if step.until is None else 'both'} "
                detail += f"how long to wait {'nor' if step.until is None else 'and'} until when."
                report.add("bad-option", path, detail, "Set either duration or until.", step=name)
        case BaseMachineStep():
            _check_work(report, step, path, name)


def check_schema(
    report: Report, schema: object, path: Path, forms: FormValidator, step: str | None = None
) -> None:
    """Check that forms can be checked against a schema."""
    wrong = forms.check_schema(schema) if isinstance(schema, Mapping) else f"It is {shown(schema)}."
    if wrong:
        hint = "Write JSON Schema: a mapping such as {'type': 'object', 'properties': {…}}."
        report.add("bad-schema", path, f"The {path[-1]} cannot be used. {wrong}", hint, step=step)


def check_policies(
    report: Report, definition: WorkflowDefinition, policies: object, path: Path, step: str | None = None
) -> None:
    """Check that policies speak of steps that exist: a rule about any other would never hold anybody back."""
    if not isinstance(policies, Policies):
        return
    for number, name in enumerate(policies.not_who_did):
        if name not in definition.steps:
            place = (*path, "policies", "not_who_did", number)
            detail = f"The policies speak of the step {shown(name)}, which is no step."
            hint = report.meant(name, definition.steps, "Correct the name.")
            report.add("unknown-policy-step", place, detail, hint, step=step)


def _contradictions(step: BaseHumanStep) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield where options of a human step do not go together, and what is wrong with them."""
    if step.calendar is None:
        sentence = "is counted in working hours, but the step has no calendar."
        if isinstance(step.due, WorkingTime):
            yield ("due",), f"due {sentence}"
        for number, stage in enumerate(step.escalation):
            spans = (stage.before, stage.after, stage.every if isinstance(stage, Remind) else None)
            if any(isinstance(span, WorkingTime) for span in spans):
                yield ("escalation", number), f"{type(stage).__name__} {sentence}"
    if isinstance(step, DecisionStep):
        outcomes = list(step.outcomes)
        if len(outcomes) != 2:
            yield (
                ("outcomes",),
                f"A decision is accepted or rejected: it has two outcomes, not {len(outcomes)}.",
            )
        if step.abstain in outcomes:
            yield ("abstain",), f"abstain must be none of the outcomes, not {shown(step.abstain)}."
        if step.deciders_key is None and type(step).get_deciders is DecisionStep.get_deciders:
            yield ("deciders_key",), "Nobody decides: set deciders_key, or define get_deciders(context)."


def _check_gateway(
    report: Report, gateway: ExclusiveGateway | InclusiveGateway, path: Path, name: str | None
) -> None:
    if gateway.condition is not None and not callable(gateway.condition):
        report.add(
            "bad-condition",
            (*path, "condition"),
            f"The condition of gateway {shown(name)} is no function but {shown(gateway.condition)}.",
            "Give a function of the context that names the way; expressions belong on the edges.",
            step=name,
        )


def _check_work(report: Report, step: BaseMachineStep, path: Path, name: str | None) -> None:
    if not callable(step.execute):
        wrong = f"execute must be a method, not {shown(step.execute)}."
        report.add("bad-option", (*path, "execute"), wrong, step=name)
    elif getattr(step.execute, "__func__", None) is BaseMachineStep.execute:
        report.add(
            "no-execute",
            path,
            f"Step {shown(name)} does not say what to do: it fails when it is reached.",
            "Derive a class from BaseMachineStep and define execute(context).",
            step=name,
        )


def endings(step: Step) -> tuple[frozenset[str], frozenset[str]]:
    """Return the outcomes a step has, and the other ways of ending that edges may name."""
    others = frozenset({ERROR, TIMEOUT} if _may_run_out_of_time(step) else {ERROR})
    if not isinstance(step, BaseHumanStep) or not isinstance(step.outcomes, list | tuple):
        return frozenset(), others
    return frozenset(name for name in step.outcomes if isinstance(name, str)), others


def _may_run_out_of_time(step: Step) -> bool:
    if isinstance(step, BaseHumanStep):
        stages = step.escalation
        return isinstance(stages, list | tuple) and any(isinstance(stage, Expire) for stage in stages)
    return getattr(step, "timeout", None) is not None
