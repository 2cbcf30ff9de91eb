"""What each way of ending a task would lead to, as far as that can be said before it happens.

Edges without conditions, and conditions written as expressions, are evaluated on the data as it is. What depends on
the form that is still to be submitted, or on code, is named as possible.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from workflows_core.exits import COMPLETED
from workflows_core.expressions import ExpressionError, InvalidExpressionError, compile_expression
from workflows_core.quorum import verdict
from workflows_core.steps import DecisionStep, ExclusiveGateway, InclusiveGateway
from workflows_core.words import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from workflows_core.data import Json
    from workflows_core.definitions import WorkflowDefinition
    from workflows_core.edges import Edge
    from workflows_core.graph import Node
    from workflows_core.instance import Instance
    from workflows_core.tasks import Task


@frozen(kw_only=True)
class Destination:
    """A step that something may lead to.

    Attributes:
        step: Its name.
        title: What people call it.
        is_certain: Whether it is where it goes, as things stand.
        depends_on: What it depends on otherwise: the conditions on the way, in words.
        waits: Whether other branches that are still on their way are waited for there first.
    """

    step: str
    title: str
    is_certain: bool = True
    depends_on: tuple[str, ...] = ()
    waits: bool = False


@frozen(kw_only=True)
class Consequence:
    """What one way of completing a task would lead to.

    Attributes:
        outcome: The outcome; `None` where the task has none.
        leads_to: The steps that come next; none if the branch ends, or the decision goes on.
        sentence: The same in words.
    """

    outcome: str | None
    leads_to: tuple[Destination, ...]
    sentence: str


def consequences(task: Task, instance: Instance, definition: WorkflowDefinition) -> tuple[Consequence, ...]:
    """Return what completing an open task would lead to, for each of its outcomes."""
    looking = _Looking(task, instance, definition)
    return tuple(looking.consequence(outcome) for outcome in (task.outcomes or (None,)))


class _Looking:
    """Looks ahead from one task."""

    def __init__(self, task: Task, instance: Instance, definition: WorkflowDefinition) -> None:
        self._task = task
        self._instance = instance
        self._nodes = definition.graph.nodes
        self._names: dict[str, Json] = {**instance.data, "tasks": dict(instance.forms)}
        properties = (task.form_schema or {}).get("properties", {})
        unsaid = [*properties, task.step_name] if isinstance(properties, dict) else [task.step_name]
        self._unsaid = re.compile("|".join(rf"\b{re.escape(name)}\b" for name in unsaid))
        """What only the form will say."""

    def consequence(self, outcome: str | None) -> Consequence:
        node = self._nodes[self._task.step_name]
        exit_ = outcome or COMPLETED
        beginning = "Completing it" if outcome is None else f"{outcome!r}"
        if isinstance(node.step, DecisionStep):
            settled = self._settled(node.step, str(outcome))
            if settled is None:
                return Consequence(
                    outcome=outcome, leads_to=(), sentence=f"With {outcome!r} the decision is still open."
                )
            exit_ = settled
            beginning = f"{outcome!r} settles the decision with {settled!r}, which"
        if node.step.terminate:
            return Consequence(outcome=outcome, leads_to=(), sentence=f"{beginning} ends the whole instance.")
        found = tuple(dict.fromkeys(self._from(node, exit_, {node.name})))
        return Consequence(
            outcome=outcome, leads_to=_without_doubles(found), sentence=_sentence(beginning, found)
        )

    def _settled(self, step: DecisionStep, outcome: str) -> str | None:
        """Return what the decision would end with after this vote, `None` if it would go on."""
        token = self._instance.tokens.get(self._task.token)
        if token is None or token.ballot is None:
            return None
        accepted = verdict(token.ballot.voted(self._task.id, outcome, None, None), step.quorum, step.opinions)
        return None if accepted is None else step.outcome(accepted=accepted)

    def _from(self, node: Node, exit_: str, seen: set[str]) -> Iterator[Destination]:
        """Yield the steps after one that ended in this way; gateways are passed."""
        for edge, doubts in self._chosen(node, exit_):
            target = self._nodes[edge.target]
            if not target.is_gateway or target.joins or target.name in seen:
                yield Destination(
                    step=target.name,
                    title=target.step.label,
                    is_certain=not doubts,
                    depends_on=doubts,
                    waits=self._waits_at(target),
                )
                continue
            for each in self._from(target, COMPLETED, {*seen, target.name}):
                depends_on = (*doubts, *each.depends_on)
                yield evolve(each, is_certain=not depends_on, depends_on=depends_on)

    def _waits_at(self, node: Node) -> bool:
        """Whether something else is on its way that may still come there."""
        steps = [token.step for token in self._instance.tokens.values() if token.id != self._task.token]
        steps += [step for step in self._instance.arrivals if step != node.name]
        return node.joins and any(node.awaits >> self._nodes[step].number & 1 for step in steps)

    def _chosen(self, node: Node, exit_: str) -> Iterator[tuple[Edge, tuple[str, ...]]]:
        """Yield the edges that would be taken, each with what it depends on; see `user_code.routes`."""
        step, candidates = node.step, node.route(exit_).candidates
        if isinstance(step, ExclusiveGateway | InclusiveGateway) and step.condition is not None:
            for edge in candidates:
                yield edge, (f"what the gateway {step.label!r} decides",)
            return
        first_only = isinstance(step, ExclusiveGateway)
        is_taken = False
        doubts: list[str] = []
        for edge in candidates:
            if edge.default or (first_only and is_taken):
                continue
            if edge.condition is None:
                if first_only or edge.on is not None:
                    is_taken = True
                yield edge, tuple(doubts) if first_only else ()
                continue
            holds = self._holds(edge)
            if holds is None:
                doubt = f"whether {edge.label}"
                yield edge, (*doubts, doubt) if first_only else (doubt,)
                doubts.append(doubt)
            elif holds:
                is_taken = True
                yield edge, tuple(doubts) if first_only else ()
        if not is_taken:
            for edge in candidates:
                if edge.default:
                    yield edge, tuple(doubts)

    def _holds(self, edge: Edge) -> bool | None:
        """Evaluate a condition; `None` if that cannot be done, or the form has a say in it."""
        if not isinstance(edge.condition, str) or self._unsaid.search(edge.condition):
            return None
        try:
            return bool(compile_expression(edge.condition).evaluate(self._names))
        except (ExpressionError, InvalidExpressionError):
            return None


def _without_doubles(found: tuple[Destination, ...]) -> tuple[Destination, ...]:
    """Leave out what may lead to a step that something certainly leads to."""
    certain = {each.step for each in found if each.is_certain}
    return tuple(each for each in found if each.is_certain or each.step not in certain)


def _sentence(beginning: str, found: tuple[Destination, ...]) -> str:
    destinations: Mapping[bool, list[Destination]] = {
        certain: [each for each in _without_doubles(found) if each.is_certain is certain]
        for certain in (True, False)
    }
    parts = []
    if destinations[True]:
        parts.append(f"leads to {listed([_named(each) for each in destinations[True]], 'and')}")
    parts += [
        f"may lead to {_named(each)}, depending on {listed(each.depends_on, 'and')}"
        for each in destinations[False]
    ]
    return f"{beginning} {listed(parts, 'and') or 'ends this branch'}."


def _named(destination: Destination) -> str:
    note = ", where other branches are waited for" if destination.waits else ""
    return f"“{destination.title}”{note}"
