"""In which order the steps of a graph come, and what a join has to wait for.

Two questions of the execution semantics that only the shape can answer.

*Which of two joins on one cycle goes first?* A join cannot wait for tokens that wait for it; so joins need an order
in which they fire. `graph_order` gives it: a step comes before whatever it leads to, and of a cycle its head comes
first, then the rest as if the ways back to the head did not exist (a weak topological order: Bourdoncle, "Efficient
chaotic iteration strategies with widenings", 1993). A cycle that is entered at one step has that step as its head,
in whatever order the edges are written.

*What may still come to a join?* Not everything that has a path to it. Take two parallel branches, both inside a loop
that repeats them: round that loop each branch leads to every merge inside the other. But on its way round stands the
join of the branches, and that one will not fire before the merge has. So a token is awaited only if it can come
without passing a join that goes later and has to wait itself; see `awaited`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from workflows_core.paths import components

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

Ways: TypeAlias = "Mapping[str, Sequence[str]]"
"""Step name to the steps at the other end of its edges."""

MANY: Final = 8
"""Entries of a cycle beyond which its shape is not asked for the head: nobody drew it with one in mind."""


def graph_order(targets: Ways, initial: str, edges: Iterable[tuple[str, str]]) -> list[str]:
    """Return all steps in graph order: those the initial step leads to, then the others as they stand.

    `edges` are source and target of all edges as the author wrote them. That decides where the shape does not: which of
    parallel branches comes first, and which of several entries of a cycle is its head.
    """
    reachable = _reachable(targets, initial)
    sources: dict[str, list[str]] = {name: [] for name in targets}
    for name in reachable:
        for target in targets[name]:
            sources[target].append(name)
    written = {edge: place for place, edge in enumerate(edges)}
    order: list[str] = []
    todo: list[str | list[str]] = [reachable]
    while todo:
        part = todo.pop()
        if isinstance(part, str):
            order.append(part)
            continue
        for cycle in reversed(_components(part, targets)):
            if len(cycle) == 1:
                todo.append(cycle[0])
            else:
                head = initial if initial in cycle else _head(cycle, targets, sources, written)
                todo += [[name for name in cycle if name != head], head]
    known = set(reachable)
    return order + [name for name in targets if name not in known]


def _reachable(targets: Ways, initial: str) -> list[str]:
    """Return what the initial step leads to and itself, depth first, in the order written."""
    found: dict[str, None] = {}
    stack = [initial] if initial in targets else []
    while stack:
        name = stack.pop()
        if name not in found:
            found[name] = None
            stack += reversed(targets[name])
    return list(found)


def _components(part: Sequence[str], targets: Ways) -> list[list[str]]:
    """Return the strongly connected components of a part of the graph, each before those it leads to.

    Walked from behind, since the walk finds last things first; so what is written first comes first.
    """
    place = {name: number for number, name in enumerate(part)}
    walk = {
        name: [target for target in reversed(targets[name]) if target in place] for name in reversed(part)
    }
    return [sorted(component, key=place.__getitem__) for component in components(walk)][::-1]


def _head(cycle: Sequence[str], targets: Ways, sources: Ways, written: Mapping[tuple[str, str], int]) -> str:
    """Return the step of a cycle that goes first.

    It is one at which the cycle is entered. If there are several: one that has to pass each of the others before it
    can leave the cycle, for then they will do with its token what they cannot do without it. If there are still
    several: the one whose way back is written last, as authors write the normal course first.
    """
    inside = set(cycle)
    entries = [name for name in cycle if not inside.issuperset(sources[name])]
    if 1 < len(entries) <= MANY:
        passed = {name for name in entries if _holds_up(name, entries, inside, targets, sources)}
        entries = [name for name in entries if name not in passed] or entries
    return max(
        entries,
        key=lambda name: max(written[source, name] for source in sources[name] if source in inside),
    )


def _holds_up(gate: str, entries: Collection[str], inside: set[str], targets: Ways, sources: Ways) -> bool:
    """Whether another entry has no way out of a cycle but through the gate."""
    free = {name for name in inside if name != gate and not inside.issuperset(targets[name])}
    stack = list(free)
    while stack:
        for source in sources[stack.pop()]:
            if source in inside and source != gate and source not in free:
                free.add(source)
                stack.append(source)
    return any(name != gate and name not in free for name in entries)


def awaited(
    sources: Sequence[Iterable[int]],
    reaches: Sequence[int],
    reached_from: Sequence[int],
    joins: Collection[int],
) -> dict[int, int]:
    """Return for each join the bit set of the steps from which a token may come that it has to wait for.

    Steps are numbers in graph order: `sources` are those with an edge to each, `reaches` and `reached_from` the bit sets
    of those at the other end of some path from it and to it.

    A path to a join does not count if on its way stands another join that goes later and that waits for this one
    itself: what came along would find the tokens of this join consumed. (A join that needs only some of its tokens
    does not wait but cancels those it did not need, which comes to the same.) What a join awaits depends only
    on those that go later, so they are taken from behind.
    """
    found: dict[int, int] = {}
    for join in sorted(joins, reverse=True):
        steps = 0
        stack = list(sources[join])
        while stack:
            step = stack.pop()
            if steps >> step & 1:
                continue
            steps |= 1 << step
            if not reaches[join] >> step & 1:  # no cycle, so all that leads there leads here
                steps |= reached_from[step]
            elif not (step > join and found.get(step, 0) >> join & 1):
                stack += sources[step]
        found[join] = steps
    return found
