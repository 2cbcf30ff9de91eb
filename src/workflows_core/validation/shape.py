"""Checks of the shape as a whole: where it begins, where it can end, and whether tokens get there.

One cause is reported once: what can only be a consequence of another problem (a misspelled target, a missing
end) is not held against the steps around it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from workflows_core import paths
from workflows_core.exits import ERROR, TIMEOUT
from workflows_core.groups import Group
from workflows_core.steps import ExclusiveGateway, InclusiveGateway, StepKind
from workflows_core.validation.parts import step_path
from workflows_core.validation.problems import listed, shown
from workflows_core.validation.ways import normal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from workflows_core.definitions import WorkflowDefinition
    from workflows_core.edges import Edge
    from workflows_core.steps import Step
    from workflows_core.validation.problems import Report
    from workflows_core.validation.ways import Numbered, Ways


def check_ends(report: Report, definition: WorkflowDefinition, ways: Ways) -> set[str]:
    """Check the names of the first and the last steps; return the steps at which it may end."""
    if definition.steps:
        _check_initial(report, definition)
    for number, name in enumerate(definition.terminal_steps):
        if not _is_known(definition, name):
            report.add(
                "unknown-terminal-step",
                ("terminal_steps", number),
                f"The terminal step {shown(name)} is no step.",
                _meant(report, definition, name),
            )
    if definition.steps and not definition.terminal_steps:
        leaves = [name for name, edges in ways.leaving.items() if not edges]
        hint = (
            f"Nothing leaves {listed(leaves)}: write terminal_steps={leaves!r}."
            if 0 < len(leaves) < 4
            else ""
        )
        report.add(
            "no-terminal-step",
            ("terminal_steps",),
            "The definition does not say where it may end.",
            hint or "Name the steps with which the work is done.",
        )
    return {name for name in definition.terminal_steps if _is_known(definition, name)}


def _check_initial(report: Report, definition: WorkflowDefinition) -> None:
    initial = definition.initial_step
    if not initial:
        detail = "The definition does not say where it begins."
        report.add("no-initial-step", ("initial_step",), detail, "Name the first step as initial_step.")
    elif not _is_known(definition, initial):
        detail = f"The initial step {shown(initial)} is no step."
        report.add("unknown-initial-step", ("initial_step",), detail, _meant(report, definition, initial))


def _is_known(definition: WorkflowDefinition, name: object) -> bool:
    return isinstance(name, str) and name in definition.steps


def _meant(report: Report, definition: WorkflowDefinition, name: object) -> str:
    if isinstance(name, Group):
        return "Put the group among the steps of the definition."
    return report.meant(name, definition.steps, "Add such a step, or correct the name.")


def check_shape(
    report: Report,
    definition: WorkflowDefinition,
    sound: Mapping[str, Step],
    ways: Ways,
    terminal: Collection[str],
) -> None:
    """Check that every step can be reached, and that an end can be reached from every step."""
    targets = {
        name: [edge.target for _number, edge in edges if _is_known(definition, edge.target)]
        for name, edges in ways.leaving.items()
    }
    _check_reach(report, definition, sound, targets, ways.strays)
    stops = set(definition.steps) - set(sound)
    for name, step in sound.items():
        _check_join(report, name, step, ways.entering[name])
        if _check_stop(
            report,
            name,
            step,
            ways.leaving[name],
            is_terminal=name in terminal,
            has_terminal=bool(definition.terminal_steps),
        ):
            stops.add(name)
        if any(not _is_known(definition, edge.target) for _number, edge in ways.leaving[name]):
            stops.add(name)
    stops |= _check_cycles(report, sound, ways, targets, stops)
    _check_traps(report, targets, stops)


def _check_reach(
    report: Report,
    definition: WorkflowDefinition,
    sound: Mapping[str, Step],
    targets: Mapping[str, list[str]],
    strays: Collection[str],
) -> None:
    """Check that every step can be reached from the first one."""
    if not _is_known(definition, definition.initial_step):
        return
    found = paths.reachable([definition.initial_step, *strays], targets)
    for name in sound:
        if name not in found:
            report.add(
                "unreachable",
                step_path(name),
                f"No way leads from the initial step to {shown(name)}.",
                "Lead an edge to it, or take it out.",
                step=name,
            )


def _check_join(report: Report, name: str, step: Step, entering: int) -> None:
    if isinstance(step.join, int) and not isinstance(step.join, bool) and step.join > max(entering, 1):
        report.add(
            "join-beyond-edges",
            (*step_path(name), "join"),
            f"Step {shown(name)} begins at arrival {step.join}, but {entering} edges lead to it: it waits for all.",
            "Write join='all', or a smaller number.",
            step=name,
        )


def _check_stop(
    report: Report, name: str, step: Step, edges: list[Numbered], *, is_terminal: bool, has_terminal: bool
) -> bool:
    """Check that a step either leads on or is an end; return whether a token stops there."""
    onwards = normal(edges)
    ends = is_terminal or step.terminate is True
    path = step_path(name)
    if onwards and ends:
        what = "is a terminal step" if is_terminal else "ends the workflow (terminate)"
        detail = f"Step {shown(name)} {what}, but an edge leaves it."
        hint = (
            "Take the edge away, or lead on; from an end only edges with on='error' or on='timeout' may lead."
        )
        report.add("terminal-with-ways-out", ("edges", onwards[0][0]), detail, hint, step=name)
    elif not onwards and _has_to_choose(step, ends=ends):
        detail = f"Gateway {shown(name)} has no way to choose."
        report.add("gateway-without-ways", path, detail, "Lead edges from it to its targets.", step=name)
    elif not onwards and not is_terminal and has_terminal:
        detail = f"Step {shown(name)} leads nowhere, and is no terminal step."
        report.add("dead-end", path, detail, "Lead an edge from it, or add it to terminal_steps.", step=name)
    return ends or not onwards


def _has_to_choose(step: Step, *, ends: bool) -> bool:
    """Whether a gateway makes no sense without ways: at an end it may be where others meet."""
    return isinstance(step, ExclusiveGateway | InclusiveGateway) and (step.condition is not None or not ends)


def _check_cycles(
    report: Report,
    sound: Mapping[str, Step],
    ways: Ways,
    targets: Mapping[str, list[str]],
    stops: Collection[str],
) -> set[str]:
    """Check that no token must go around for ever; return the steps of cycles where one must.

    Somewhere in a cycle there has to be a step that waits for something outside, or a choice by which
    every token gets out.
    """
    tireless = [
        name
        for name, step in sound.items()
        if name not in stops and step.kind in {StepKind.MACHINE, StepKind.GATEWAY}
    ]
    caught: set[str] = set()
    for circle in paths.circles(paths.within(tireless, targets)):
        options = {name: list(_options(sound[name], ways.leaving[name])) for name in circle}
        kept = paths.within(paths.inescapable(options), targets)
        for inner in paths.circles(kept):
            inescapable = paths.inescapable({name: options[name] for name in inner})
            cycle = [name for name in inner if name in inescapable]
            caught.update(cycle)
            if cycle:
                _report_cycle(report, cycle)
    return caught


def _report_cycle(report: Report, cycle: list[str]) -> None:
    report.add(
        "endless-cycle",
        step_path(cycle[0]),
        f"A token that comes to {listed(cycle)} goes around for ever: nothing there waits, and no choice leads out.",
        "Put a condition on an edge of the cycle, or a step that waits into it.",
        step=cycle[0],
    )


def _options(step: Step, edges: list[Numbered]) -> Iterator[frozenset[str]]:
    """Yield what may follow a step that waits for nobody: every smallest set of steps that come together."""
    usual = [edge for _number, edge in normal(edges)]
    yield from _choices(step, usual)
    for ending in (ERROR, TIMEOUT):
        yield from _choices(step, [edge for _number, edge in edges if edge.on == ending])


def _choices(step: Step, edges: list[Edge]) -> Iterator[frozenset[str]]:
    chooses = isinstance(step, ExclusiveGateway | InclusiveGateway) and step.condition is not None
    if chooses:
        yield from (frozenset([edge.target]) for edge in edges)
        return
    plain = [edge.target for edge in edges if edge.condition is None and not edge.default]
    conditional = [edge.target for edge in edges if edge.condition is not None and not edge.default]
    default = [edge.target for edge in edges if edge.default]
    if isinstance(step, ExclusiveGateway):
        yield from (frozenset([target]) for target in conditional)
        if plain or default:
            yield frozenset(plain[:1] or default)
        return
    if plain or default:
        yield frozenset((*plain, *default))
    yield from (frozenset((*plain, target)) for target in conditional)


def _check_traps(report: Report, targets: Mapping[str, list[str]], stops: Collection[str]) -> None:
    """Check that from every step some way leads to a stop."""
    saved = paths.reachable(stops, paths.backwards(targets))
    stuck = paths.within([name for name in targets if name not in saved], targets)
    for circle in paths.circles(stuck):
        members = set(circle)
        if all(target in members for name in circle for target in stuck[name]):
            report.add(
                "no-way-to-end",
                step_path(circle[0]),
                f"No way leads from {listed(circle)} to a terminal step.",
                "Lead an edge out of the cycle.",
                step=circle[0],
            )
