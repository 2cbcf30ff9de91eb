"""Groups: several steps written as one.

A group is how an author thinks: these one after the other, those at the same time. It is sugar. When a
definition is built, `assembly` writes each group as ordinary steps and edges; nothing at run time knows
that there was one.

Members are steps, classes of steps, other groups, or the names of steps that stand elsewhere in the
definition. Edges, `initial_step` and `terminal_steps` may name a group, as an object or by its name: an edge to
it enters the group, an edge from it leaves the group when all of it is done. Edges for failures leave single steps.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from attrs import NOTHING, NothingType

from workflows_core.errors import NoPathError
from workflows_core.steps import Step

if TYPE_CHECKING:
    from workflows_core.context import WorkflowContext

Member: TypeAlias = "str | Step | type[Step] | Group"
Answer: TypeAlias = Hashable | Iterable[Hashable]
Choose: TypeAlias = "Callable[[WorkflowContext], Answer | Awaitable[Answer]]"


class Group:
    """What all groups have in common.

    Attributes:
        name: What edges can call it, and what the steps it is written as are named after. Where it is not
            given, the key under which the group stands in the definition is its name.
    """

    name: str = ""

    @property
    def members(self) -> tuple[Member, ...]:
        """What it consists of, in the order written."""
        raise NotImplementedError

    def __repr__(self) -> str:
        shown = [*([self.name] if self.name else []), *self.members]
        return f"{type(self).__name__}({', '.join(map(repr, shown))})"


class SequentialGroup(Group):
    """One after the other.

    Each member leads to the next whenever it is done, whatever its outcome; where outcomes lead to
    different steps, write edges instead.
    """

    def __init__(self, *steps: Member, name: str = "") -> None:
        self.steps = steps
        self.name = name

    @property
    def members(self) -> tuple[Member, ...]:
        """The steps, first to last."""
        return self.steps


class ParallelGroup(Group):
    """All at the same time; `callback` comes when every one of them is done.

    It becomes a gateway `<name>_fork`, and a gateway `<name>_join` at which the branches meet.
    """

    def __init__(self, *steps: Member, callback: Member | None = None, name: str = "") -> None:
        self.steps = steps
        self.callback = callback
        self.name = name

    @property
    def members(self) -> tuple[Member, ...]:
        """The branches; the callback is none of them."""
        return self.steps


class ConditionalGroup(Group):
    """One of the branches, as the condition says; or, if it is `inclusive`, one or more.

    It becomes a gateway `<name>_choice`, and a gateway `<name>_merge` at which the branches meet.
    """

    def __init__(
        self,
        condition: Choose | str,
        branches: Mapping[Any, Member | None],
        *,
        default: Member | NothingType | None = NOTHING,
        inclusive: bool = False,
        name: str = "",
    ) -> None:
        """Say how to choose, and from what.

        Args:
            condition: A callable of the context (plain or async) that returns the key of a branch, or an
                expression whose value is one. If the group is inclusive, a list of keys.
            branches: Key (any hashable value) to branch; `None` stands for a branch with nothing to do.
            default: The branch for any other answer (`None`: do nothing). Without it such an answer is a failure.
            inclusive: Whether several branches may be chosen at once.
            name: The name of the group.
        """
        self.condition = condition
        self.branches = branches
        self.default = default
        self.inclusive = inclusive
        self.name = name

    @property
    def members(self) -> tuple[Member, ...]:
        """The branches in which there is something to do, the default one last."""
        branches = self.branches.values() if isinstance(self.branches, Mapping) else (self.branches,)
        given = (*branches, None if self.default is NOTHING else self.default)
        return tuple(branch for branch in given if branch is not None)


class Chooser:
    """The condition of a choice as the gateway asks it: answers with steps instead of keys.

    Its name tells where each key leads, so that the specification of a definition does too.
    """

    def __init__(
        self, condition: Choose, targets: Mapping[Hashable, str], *, default: str | None, inclusive: bool
    ) -> None:
        self._condition = condition
        self._targets = dict(targets)
        self._default = default
        self._inclusive = inclusive
        asked = getattr(condition, "__name__", type(condition).__name__)
        ways = [f"{key} → {target}" for key, target in targets.items()]
        ways += [f"otherwise → {default}"] if default else []
        self.__name__ = f"{asked}: {', '.join(ways)}"

    async def __call__(self, context: WorkflowContext) -> str | list[str]:
        """Ask, and return the name of the chosen branch's first step; a list of them if several may be chosen.

        Raises:
            NoPathError: If the answer is not the key of a branch, and there is no default.
        """
        answer = self._condition(context)
        if inspect.isawaitable(answer):
            answer = await answer
        if not self._inclusive:
            return self._target(answer, context.current_step)
        keys = [answer] if isinstance(answer, str) or not isinstance(answer, Iterable) else list(answer)
        if not keys and self._default is not None:
            return [self._default]
        return [self._target(key, context.current_step) for key in keys]

    def _target(self, key: object, step: str) -> str:
        target = self._targets.get(key) if isinstance(key, Hashable) else None
        if target is None:
            target = self._default
        if target is None:
            known = ", ".join(map(repr, self._targets))
            raise NoPathError(step, f"its condition chose {key!r}; the branches are {known}")
        return target
