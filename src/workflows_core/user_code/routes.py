"""Asking gateways and conditions which ways out a token takes."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from workflows_core import commands as cmd
from workflows_core.context import WorkflowContext
from workflows_core.errors import NoPathError
from workflows_core.exits import COMPLETED
from workflows_core.expressions import Expression, compile_expression
from workflows_core.steps import ExclusiveGateway, InclusiveGateway
from workflows_core.user_code.calling import UserCodeError, call

if TYPE_CHECKING:
    from datetime import datetime

    from workflows_core.definitions import Edge
    from workflows_core.graph import Node
    from workflows_core.instance import Instance, Token


async def choose(node: Node, instance: Instance, token: Token, at: datetime) -> cmd.Command:
    """Ask gateways and conditions where a leaving token goes; return the command that takes it there.

    A condition that raises, and a step that nothing leads out of although it has ways out, fail the
    step: none of them ever counts as true.
    """
    context = WorkflowContext(instance, step=node.name, token=token.id)
    try:
        targets = await _targets(node, token.exit or COMPLETED, context, instance)
        return cmd.Leave(at=at, token=token.id, targets=targets)
    except UserCodeError as error:
        return error.as_command(token, at)


async def _targets(node: Node, exit_: str, context: WorkflowContext, instance: Instance) -> tuple[str, ...]:
    candidates = node.route(exit_).candidates
    step = node.step
    if isinstance(step, ExclusiveGateway | InclusiveGateway) and step.condition is not None:
        answer = await call(f"condition of gateway {node.name!r}", step.condition, context)
        return _named(node, answer, candidates, several=isinstance(step, InclusiveGateway))
    first_only = isinstance(step, ExclusiveGateway)
    conditional: list[str] = []
    plain: list[str] = []
    for edge in candidates:
        if edge.default:
            continue
        if edge.condition is None and edge.on is None and not first_only:
            plain.append(edge.target)
        elif not (first_only and conditional) and await _holds(edge, context, instance):
            conditional.append(edge.target)
    if not conditional:
        conditional = [edge.target for edge in candidates if edge.default]
    chosen = (*plain, *conditional)
    if not chosen:
        detail = f"it ended with {exit_!r}, and no edge for that holds; add a default edge or a condition that covers it"
        raise UserCodeError("the edges", NoPathError(node.name, detail))
    return chosen


def _named(node: Node, answer: object, candidates: tuple[Edge, ...], *, several: bool) -> tuple[str, ...]:
    """Read the answer of a gateway's condition: a name, or several."""
    origin = f"condition of gateway {node.name!r}"
    if several and (isinstance(answer, str) or not isinstance(answer, Iterable)):
        raise UserCodeError(origin, TypeError(f"expected a list of step names, got {answer!r}"))
    names = list(answer) if several else [answer]  # type: ignore[call-overload]
    known = [edge.target for edge in candidates]
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        detail = f"it chose {', '.join(map(repr, unknown)) or 'nothing'}; its edges lead to {', '.join(map(repr, known))}"
        raise UserCodeError(origin, NoPathError(node.name, detail))
    return tuple(target for target in dict.fromkeys(known) if target in names)


async def _holds(edge: Edge, context: WorkflowContext, instance: Instance) -> bool:
    if edge.condition is None:
        return True
    origin = f"condition of edge {edge.source!r} → {edge.target!r}"
    if isinstance(edge.condition, str):
        names = {**instance.data, "tasks": dict(instance.forms)}
        return bool(await call(origin, _compiled(edge.condition).evaluate, names))
    return bool(await call(origin, edge.condition, context))


@lru_cache(maxsize=4096)
def _compiled(text: str) -> Expression:
    return compile_expression(text)
