"""Checks of what a definition consists of: its own fields, and each step by itself."""

from __future__ import annotations

import inspect
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from workflows_core.assembly import NAMELESS
from workflows_core.groups import Group
from workflows_core.steps import STEP_NAME, STEP_TYPES, Step, StepKind
from workflows_core.validation.kinds import check_options, check_policies, check_schema
from workflows_core.validation.options import RULES
from workflows_core.validation.problems import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workflows_core.definitions import WorkflowDefinition
    from workflows_core.ports import FormValidator
    from workflows_core.validation.problems import Path, Report

_PATH: Final = re.compile(r"(?!.{201})[^.\x00-\x1f\x7f]+(\.[^.\x00-\x1f\x7f]+)*")
_VERSION: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+_-]{0,99}")


def check_fields(report: Report, definition: WorkflowDefinition, forms: FormValidator) -> None:
    """Check everything but steps and edges."""
    _check_name(report, definition.name, ("name",), "The workflow")
    if isinstance(definition.name, str) and "/" in definition.name:
        report.add(
            "slash-in-name",
            ("name",),
            f"The name {shown(definition.name)} contains a slash, so no URL can have it as one part.",
            "The REST API cannot show this workflow; use a dot or a hyphen.",
        )
    if not (isinstance(definition.version, str) and _VERSION.fullmatch(definition.version)):
        report.add(
            "bad-version",
            ("version",),
            f"{shown(definition.version)} is no version.",
            "Write text of letters, digits and . + - _ that begins with a letter or digit, such as '1.0.0'.",
        )
    for option in ("description", "tags"):
        value = getattr(definition, option)
        wrong = next(filter(None, map(RULES["description"], value if option == "tags" else [value])), None)
        if wrong:
            report.add("bad-option", (option,), f"The workflow's {option} {wrong}.", "Write text.")
    if definition.input_schema is not None:
        check_schema(report, definition.input_schema, ("input_schema",), forms)
    wrong = RULES["policies"](definition.policies)
    if wrong:
        report.add("bad-option", ("policies",), f"The workflow's policies {wrong}.", "Write Policies(…).")
    check_policies(report, definition, definition.policies, ())
    _check_searchable(report, definition.searchable)


def _check_searchable(report: Report, paths: Sequence[object]) -> None:
    """Check the paths that instances are found by."""
    for number, path in enumerate(paths):
        if not (isinstance(path, str) and _PATH.fullmatch(path)):
            wrong = f"{shown(path)} is no path in the data."
        elif path in paths[:number]:
            wrong = f"The path {shown(path)} stands there twice."
        else:
            continue
        hint = "Write the keys that lead there, separated by dots, in at most 200 characters: 'customer.id'."
        report.add("bad-option", ("searchable", number), wrong, hint)


def check_steps(report: Report, definition: WorkflowDefinition, forms: FormValidator) -> dict[str, Step]:
    """Check every step by itself; return those that edges can lead to and that are steps."""
    if not definition.steps:
        report.add(
            "no-steps", ("steps",), "The definition has no steps.", "Give it at least one, and begin there."
        )
    sound = {}
    for key, step in definition.steps.items():
        path = step_path(key)
        if not _is_step(report, step, path):
            continue
        _check_key(report, definition, key, step, path)
        check_options(report, definition, step, path, forms)
        if isinstance(key, str) and not key.startswith(NAMELESS):
            sound[key] = step
    return sound


def step_path(key: str) -> Path:
    """Return the path of a step: its name, or its number if it has none of its own."""
    is_numbered = isinstance(key, str) and key.startswith(NAMELESS)
    return ("steps", key.removeprefix(NAMELESS) if is_numbered else key)


def _is_step(report: Report, entry: object, path: Path) -> bool:
    if isinstance(entry, Group):
        report.add(
            "empty-group",
            path,
            f"{shown(entry)} has nothing in it.",
            "Put steps into it; a branch of a ConditionalGroup in which nothing is to be done is None.",
        )
        return False
    if isinstance(entry, Step):
        if _has_kind(type(entry)):  # type: ignore[arg-type]
            return _is_readable(report, entry, path)
        detail = f"{type(entry).__name__} is derived from {Step.__name__} itself, which nothing can run."
        hint = f"Derive it from one of {', '.join(STEP_TYPES)}."
    elif inspect.isclass(entry) and issubclass(entry, Step):
        detail = f"The class {entry.__name__} cannot be made a step: {_why_not(entry)}"
        hint = "Give an object of it, with the arguments it needs."
    else:
        detail = f"{shown(entry)} is no step."
        hint = "Steps are objects or classes derived from BaseMachineStep, BaseHumanStep or a gateway."
    report.add("not-a-step", path, detail, hint)
    return False


def _is_readable(report: Report, step: Step, path: Path) -> bool:
    """Check that all options can be read: one may be a property, which is its author's code."""
    for option in step.specified:
        try:
            getattr(step, option)
        except Exception as error:  # noqa: BLE001 - whatever it raises
            detail = f"{option} cannot be read: {shown(error)}."
            report.add("bad-option", (*path, option), detail, step=step.name)
            return False
    return True


@lru_cache(maxsize=1024)
def _has_kind(kind: type[Step]) -> bool:
    """Whether a class of steps is one of those that can be run, or derived from one."""
    is_derived = any(STEP_TYPES.get(base.__name__) is base for base in kind.__mro__)
    return is_derived and isinstance(kind.kind, StepKind)


def _why_not(kind: type[Step]) -> str:
    try:
        kind()
    except Exception as error:  # noqa: BLE001 - its author's code
        return f"{type(error).__name__}: {error}."
    return "it gave an object only now."


def _check_key(report: Report, definition: WorkflowDefinition, key: str, step: Step, path: Path) -> None:
    """Check the name under which a step stands."""
    known = definition.steps.get(step.name) if isinstance(step.name, str) else None
    if isinstance(key, str) and key.startswith(NAMELESS) and known is not None:
        report.add(
            "duplicate-name",
            path,
            f"The name {shown(step.name)} belongs to two steps.",
            "Give one of them another name."
            if known is not step
            else "A step stands in a definition once; lead edges to it from several places instead.",
            step=step.name,
        )
        return
    if not _check_name(report, step.name, (*path, "name"), f"A {type(step).__name__}"):
        return
    if key != step.name:
        report.add(
            "name-mismatch",
            path,
            f"The step under the key {shown(key)} is called {shown(step.name)}.",
            "Write the same name in both places, or leave it out on the step.",
            step=step.name,
        )


def _check_name(report: Report, name: object, path: Path, what: str) -> bool:
    if isinstance(name, str) and STEP_NAME.fullmatch(name) and name == name.strip():
        return True
    if name is None or (isinstance(name, str) and not name):
        detail = f"{what} has no name."
    else:
        detail = f"{what} cannot be called {shown(name)}."
    hint = "A name is text of 1 to 200 characters, without control characters and spaces around it."
    report.add("bad-name", path, detail, hint)
    return False
