"""Checks of edges, and of the ways out of each step."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final, TypeAlias

from attrs import evolve, field, frozen

from workflows_core.edges import Edge
from workflows_core.exits import COMPLETED, ERROR, TIMEOUT
from workflows_core.expressions import InvalidExpressionError, compile_expression
from workflows_core.groups import Group
from workflows_core.steps import BaseHumanStep, ExclusiveGateway, InclusiveGateway, ParallelGateway, Step
from workflows_core.validation.kinds import endings
from workflows_core.validation.parts import step_path
from workflows_core.validation.problems import listed, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from workflows_core.definitions import WorkflowDefinition
    from workflows_core.validation.problems import Path, Report

Numbered: TypeAlias = tuple[int, Edge]
"""An edge and its place among the edges of the definition."""

_OWN: Final = frozenset({ERROR, TIMEOUT})
"""Endings that follow only the edges written for them."""


@frozen
class Ways:
    """The edges as far as they can be read.

    Attributes:
        leaving: Step to the edges that leave it; they may lead nowhere.
        entering: Step to the number of edges that lead to it.
        strays: Steps that edges lead to from a place nobody knows.
    """

    leaving: Mapping[str, list[Numbered]]
    entering: dict[str, int] = field(factory=dict)
    strays: set[str] = field(factory=set)


def check_edges(report: Report, definition: WorkflowDefinition, sound: Mapping[str, Step]) -> Ways:
    """Check every edge by itself; return them by the steps they leave."""
    leaving: dict[str, list[Numbered]] = {name: [] for name in definition.steps}
    ways = Ways(leaving, dict.fromkeys(leaving, 0))
    expressions: dict[str, InvalidExpressionError | None] = {}
    for number, edge in enumerate(definition.edges):
        if not isinstance(edge, Edge):
            hint = "Write Edge(source, target)."
            report.add("not-an-edge", ("edges", number), f"{shown(edge)} is no edge.", hint)
            continue
        has_source = _check_end(report, definition, number, edge, "source")
        has_target = _check_end(report, definition, number, edge, "target")
        if has_source:
            is_readable = edge.on is None or isinstance(edge.on, str)
            leaving[edge.source].append((number, edge if is_readable else evolve(edge, on=None)))
        if has_target:
            ways.entering[edge.target] += 1
            if not has_source:
                ways.strays.add(edge.target)
        _check_condition(report, number, edge, expressions)
        _check_label(report, number, edge, sound.get(edge.source) if has_source else None)
    return ways


def _check_end(report: Report, definition: WorkflowDefinition, number: int, edge: Edge, end: str) -> bool:
    name: object = edge.source if end == "source" else edge.target
    if isinstance(name, str) and name in definition.steps:
        return True
    path: Path = ("edges", number, end)
    owner = definition.steps.get(edge.source) if isinstance(edge.source, str) else None
    if isinstance(owner, ParallelGateway) and isinstance(owner.branches, list | tuple):
        branches = [branch if isinstance(branch, str) else None for branch in owner.branches]
        if isinstance(name, str) and name in branches:
            path = (*step_path(edge.source), "branches", branches.index(name))
    detail = (
        f"Edge {shown(edge.source)} → {shown(edge.target)} {_VERBS[end]} {shown(name)}, which is no step."
    )
    if isinstance(name, Group) and edge.on is not None:
        hint = "A group does not fail, a step does: write an edge for each step that may."
    elif isinstance(name, Group):
        hint = "Put the group among the steps of the definition."
    else:
        hint = report.meant(name, definition.steps, "Add such a step, or correct the name.")
    step = edge.source if end == "target" and isinstance(owner, Step) else None
    report.add(f"unknown-{end}", path, detail, hint, step=step)
    return False


_VERBS: Final = {"source": "leaves", "target": "leads to"}


def _check_condition(
    report: Report, number: int, edge: Edge, expressions: dict[str, InvalidExpressionError | None]
) -> None:
    condition = edge.condition
    path = ("edges", number, "condition")
    step = edge.source if isinstance(edge.source, str) else None
    if isinstance(condition, str):
        if condition not in expressions:
            expressions[condition] = _refusal(condition)
        error = expressions[condition]
        if error is not None:
            hint = "See the reference of expressions, or give a function of the context."
            report.add("bad-expression", path, f"{error}.", hint, step=step)
    elif condition is not None and not callable(condition):
        detail = f"A condition is a function of the context or an expression as text, not {shown(condition)}."
        report.add("bad-condition", path, detail, "Leave it out if the edge always holds.", step=step)


def _refusal(text: str) -> InvalidExpressionError | None:
    try:
        compile_expression(text)
    except InvalidExpressionError as error:
        return error
    return None


def _check_label(report: Report, number: int, edge: Edge, step: Step | None) -> None:
    """Check which ending of its step an edge belongs to."""
    if not isinstance(edge.default, bool):
        detail = f"default must be True or False, not {shown(edge.default)}."
        report.add("bad-option", ("edges", number, "default"), detail)
    if edge.on is None or step is None:
        return
    path = ("edges", number, "on")
    outcomes, others = endings(step)
    if isinstance(edge.on, str) and (edge.on in outcomes or edge.on in others):
        return
    what = f"Step {shown(edge.source)} never ends with {shown(edge.on)}"
    if edge.on == TIMEOUT and isinstance(step, BaseHumanStep):
        detail, hint = f"{what}: its task never expires.", "Give the step an escalation with Expire."
    elif edge.on == TIMEOUT and hasattr(step, "timeout"):
        detail, hint = f"{what}: it has no time limit.", "Give the step a timeout."
    elif edge.on == COMPLETED:
        detail, hint = f"{what} as an outcome.", "An edge without `on` follows any normal completion."
    elif isinstance(step, BaseHumanStep):
        known = f"its outcomes are {listed(sorted(outcomes))}" if outcomes else "it has no outcomes"
        detail = f"{what}: {known}."
        otherwise = "Add it to the outcomes of the step, or correct it."
        hint = report.meant(edge.on, sorted(outcomes | others), otherwise)
    else:
        detail = f"{what}: only steps that people complete have outcomes."
        hint = "Use a condition, or on='error' for a failure."
    report.add("unknown-outcome", path, detail, hint, step=edge.source)


# The ways out of one step


def check_ways_out(report: Report, name: str, step: Step, edges: list[Numbered], *, ends: bool) -> None:
    """Check the edges of one step against each other; `ends` says that the workflow may end there."""
    _check_repetition(report, edges)
    if _chooses_itself(step):
        for number, edge in edges:
            if edge.condition is not None or edge.default:
                what = "condition" if edge.condition is not None else "default"
                detail = f"Gateway {shown(name)} chooses by a condition of its own and ignores "
                detail += f"{'that' if what == 'condition' else 'what is the default'} of its edges."
                hint = "Take it off the edge; the condition of the gateway names the target."
                report.add("ignored-condition", ("edges", number, what), detail, hint, step=name)
    elif _says_how_to_choose(step, edges):
        _check_choice(report, name, step, edges)
    if isinstance(step, BaseHumanStep) and not ends:
        _check_outcomes(report, name, step, edges)


def normal(edges: list[Numbered]) -> list[Numbered]:
    """Return the edges that are followed when a step does not fail."""
    return [(number, edge) for number, edge in edges if edge.on not in _OWN]


def _chooses_itself(step: Step) -> bool:
    return isinstance(step, ExclusiveGateway | InclusiveGateway) and step.condition is not None


def _says_how_to_choose(step: Step, edges: list[Numbered]) -> bool:
    return isinstance(step, ExclusiveGateway) or any(
        edge.default or edge.condition is not None for _number, edge in edges
    )


def _check_repetition(report: Report, edges: list[Numbered]) -> None:
    if len(edges) < 2:
        return
    seen: set[tuple[object, ...]] = set()
    for number, edge in edges:
        condition = edge.condition if isinstance(edge.condition, str) else id(edge.condition)
        what = (shown(edge.target), shown(edge.on), edge.default is True, condition)
        if what in seen:
            detail = f"Edge {shown(edge.source)} → {shown(edge.target)} is there twice."
            report.add("duplicate-edge", ("edges", number), detail, "Take one away.", step=edge.source)
        seen.add(what)


def _check_outcomes(report: Report, name: str, step: BaseHumanStep, edges: list[Numbered]) -> None:
    outcomes, _others = endings(step)
    followed = {edge.on for _number, edge in normal(edges) if edge.on is None or isinstance(edge.on, str)}
    if not followed or None in followed:
        return
    for number, outcome in enumerate(step.outcomes):
        if outcome in outcomes - followed:
            report.add(
                "unhandled-outcome",
                (*step_path(name), "outcomes", number),
                f"No edge leaves step {shown(name)} when its outcome is {shown(outcome)}: completing it so would fail.",
                f"Write Edge({name!r}, …, on={outcome!r}).",
                step=name,
            )


def _check_choice(report: Report, name: str, step: Step, edges: list[Numbered]) -> None:
    """Check what is said about choosing among the edges that follow one and the same ending."""
    is_exclusive = isinstance(step, ExclusiveGateway)
    choices = list(_choices(step, edges, is_exclusive=is_exclusive))
    for number in dict.fromkeys(second for choice in choices for second in choice.surplus_defaults):
        detail = f"Step {shown(name)} has several default edges for one ending."
        report.add("several-defaults", ("edges", number, "default"), detail, "Keep one.", step=name)
    own: dict[int, list[_Choice]] = {number: [] for number, _edge in edges}
    for choice in choices:
        for number, _edge in choice.edges:
            own[number].append(choice)
    for number, edge in edges:
        _check_way(report, name, number, edge, own[number], is_exclusive=is_exclusive)


def _check_way(
    report: Report, name: str, number: int, edge: Edge, choices: list[_Choice], *, is_exclusive: bool
) -> None:
    """Check one edge among the others of the choices that it belongs to."""
    way = f"{shown(edge.source)} → {shown(edge.target)}"
    if edge.default and edge.condition is not None:
        detail = f"Default edge {way} has a condition, which nobody asks."
        hint = "A default edge is taken when no other is: take the condition or the default away."
        report.add("conditional-default", ("edges", number), detail, hint, step=name)
    if choices and all(choice.excludes(number, edge) for choice in choices):
        detail = f"Edge {way} is never taken: another one always holds and comes before it."
        hint = "Give the other edge a condition" + (", or write it last." if is_exclusive else ".")
        report.add("never-taken", ("edges", number), detail, hint, step=name)
    elif edge.default and not any(choice.is_open for choice in choices):
        detail = f"Default edge {way} is always taken: no other edge has a condition."
        hint = "Take the default away, or give another edge a condition."
        report.add("needless-default", ("edges", number, "default"), detail, hint, step=name)
    elif any(choice.is_alone(edge) for choice in choices):
        detail = f"Edge {way} has a condition and no alternative: where it does not hold, the step fails."
        report.add("no-otherwise", ("edges", number, "condition"), detail, "Add a default edge.", step=name)


@frozen
class _Choice:
    """The edges among which one ending of a step chooses.

    Attributes:
        edges: The edges in question, in order.
        is_failure: Whether the ending is a failure, which need not be caught every time.
        is_exclusive: Whether exactly one is taken.
    """

    edges: list[Numbered]
    is_failure: bool
    is_exclusive: bool

    @cached_property
    def surplus_defaults(self) -> list[int]:
        """The default edges behind the first."""
        return [number for number, edge in self.edges if edge.default][1:]

    @cached_property
    def is_open(self) -> bool:
        """Whether a default edge may or may not be taken."""
        return any(
            not edge.default and (edge.condition is not None or edge.on) for _number, edge in self.edges
        )

    @cached_property
    def certain(self) -> int | None:
        """The first edge that always holds, where that keeps others from being taken."""
        return next(
            (
                number
                for number, edge in self.edges
                if not edge.default and edge.condition is None and (self.is_exclusive or edge.on)
            ),
            None,
        )

    def excludes(self, number: int, edge: Edge) -> bool:
        """Whether an edge has no chance, because another one always holds and takes its place."""
        if self.certain is None:
            return False
        return edge.default or (self.is_exclusive and self.certain < number)

    def is_alone(self, edge: Edge) -> bool:
        """Whether the step cannot go on where this edge does not hold."""
        return edge.condition is not None and len(self.edges) == 1 and not self.is_failure


def _choices(step: Step, edges: list[Numbered], *, is_exclusive: bool) -> Iterator[_Choice]:
    """Yield what there is to choose from, for every way in which a step can end."""
    outcomes, _others = endings(step)
    usual = normal(edges)
    for ending in sorted(outcomes) or [COMPLETED]:
        own = [each for each in usual if each[1].on in {None, ending}]
        yield _Choice(own, is_failure=False, is_exclusive=is_exclusive)
    for ending in (ERROR, TIMEOUT):
        own = [each for each in edges if each[1].on == ending]
        yield _Choice(own, is_failure=True, is_exclusive=is_exclusive)
