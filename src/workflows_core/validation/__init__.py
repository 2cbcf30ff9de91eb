"""Everything that is wrong with a definition, in one report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workflows_core.errors import InvalidDataError
from workflows_core.forms import JSON_SCHEMA
from workflows_core.validation.parts import check_fields, check_steps
from workflows_core.validation.problems import CODES, Problem, Report, Severity
from workflows_core.validation.shape import check_ends, check_shape
from workflows_core.validation.ways import check_edges, check_ways_out

if TYPE_CHECKING:
    from workflows_core.definitions import WorkflowDefinition
    from workflows_core.ports import FormValidator

__all__ = ["CODES", "Problem", "Severity", "validate"]


def validate(definition: WorkflowDefinition, forms: FormValidator = JSON_SCHEMA) -> tuple[Problem, ...]:
    """Return everything that is wrong with a definition; nothing if it is fine.

    Nothing is raised, whatever the definition holds, and nothing of it is called but the constructors of
    steps that are given as classes.

    Args:
        definition: What to check.
        forms: What checks `form_schema` and `input_schema`.
    """
    report = Report()
    check_fields(report, definition, forms)
    sound = check_steps(report, definition, forms)
    ways = check_edges(report, definition, sound)
    terminal = check_ends(report, definition, ways)
    for name, step in sound.items():
        check_ways_out(
            report, name, step, ways.leaving[name], ends=name in terminal or step.terminate is True
        )
    check_shape(report, definition, sound, ways, terminal)
    if not any(problem.is_error for problem in report.problems):
        _check_json(report, definition)
    return tuple(report.problems)


def _check_json(report: Report, definition: WorkflowDefinition) -> None:
    """Check that the definition can be written down: a storage keeps what instances were started with."""
    try:
        definition.specification  # noqa: B018 - computed once and kept
    except InvalidDataError as error:
        path = [part.replace("~1", "/").replace("~0", "~") for part in error.pointer.split("/")[1:]]
        if path[:1] == ["steps"] and path[1:]:
            path[1] = list(definition.steps)[int(path[1])]
        report.add(
            "not-json",
            tuple(path),
            f"{error.detail}.",
            "What a definition says must be JSON, for storages to keep it.",
        )
