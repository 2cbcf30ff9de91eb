"""Questions about a graph of names: where a token can go, and where it can never get out.

The answers take time in proportion to the size of the graph, whatever its shape.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TypeAlias

Targets: TypeAlias = Mapping[str, Collection[str]]
"""Step to the steps that may follow it."""

Options: TypeAlias = Mapping[str, Collection[frozenset[str]]]
"""Step to the choices it has; each is the set of all the steps that follow together."""


def reachable(starts: Iterable[str], targets: Targets) -> set[str]:
    """Return the starts and everything at the end of some path from one of them."""
    found = set(starts)
    stack = list(found)
    while stack:
        for target in targets[stack.pop()]:
            if target not in found:
                found.add(target)
                stack.append(target)
    return found


def backwards(targets: Targets) -> dict[str, list[str]]:
    """Return the graph with every edge turned around."""
    sources: dict[str, list[str]] = {name: [] for name in targets}
    for name, follow in targets.items():
        for target in follow:
            sources[target].append(name)
    return sources


def within(names: Collection[str], targets: Targets) -> dict[str, list[str]]:
    """Return the part of the graph between some steps, in the order of the graph."""
    chosen = set(names)
    return {
        name: [target for target in follow if target in chosen]
        for name, follow in targets.items()
        if name in chosen
    }


def circles(targets: Targets) -> list[list[str]]:
    """Return the groups of steps that can all be reached from each other, each in the order of the graph.

    Each comes before those that lead to it.
    """
    order = {name: index for index, name in enumerate(targets)}
    return [
        sorted(component, key=order.__getitem__)
        for component in components(targets)
        if len(component) > 1 or component[0] in targets[component[0]]
    ]


def components(targets: Targets) -> Iterator[list[str]]:
    """Yield the strongly connected components, each before those that lead to it.

    Found by Tarjan's algorithm (Depth-first search and linear graph algorithms, 1972), with a stack of its
    own instead of recursion.
    """
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    is_open: dict[str, None] = {}  # in the order entered
    walk: list[tuple[str, Iterator[str]]] = []

    def enter(name: str) -> None:
        number[name] = lowest[name] = len(number)
        is_open[name] = None
        walk.append((name, iter(targets[name])))

    for root in targets:
        if root not in number:
            enter(root)
        while walk:
            name, follow = walk[-1]
            for target in follow:
                if target not in number:
                    enter(target)
                    break
                if target in is_open:
                    lowest[name] = min(lowest[name], number[target])
            else:
                walk.pop()
                if walk:
                    above = walk[-1][0]
                    lowest[above] = min(lowest[above], lowest[name])
                if lowest[name] == number[name]:
                    component = [is_open.popitem()[0]]
                    while component[-1] != name:
                        component.append(is_open.popitem()[0])
                    yield component


def inescapable(options: Options) -> set[str]:
    """Return the steps from which some token never gets out, whatever is chosen.

    It is the largest set of steps in which every option of every step has a target in the set. Found by
    taking away steps that have an option to leave, and then those that were kept only by them.
    """
    left = {name: [0] * len(choices) for name, choices in options.items()}
    keeps: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
    for name, choices in options.items():
        for index, together in enumerate(choices):
            for target in together:
                if target in options:
                    left[name][index] += 1
                    keeps[target].append((name, index))
    gone = {name for name, counts in left.items() if not counts or 0 in counts}
    stack = list(gone)
    while stack:
        for name, index in keeps[stack.pop()]:
            left[name][index] -= 1
            if left[name][index] == 0 and name not in gone:
                gone.add(name)
                stack.append(name)
    return set(options) - gone
