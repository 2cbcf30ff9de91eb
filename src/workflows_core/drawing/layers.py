"""The first step of the layout: which links lead back, and in which layer each box stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

Ends: TypeAlias = tuple[int, int]
"""The numbers of the boxes that a link connects: source and target."""


def back_links(count: int, links: Sequence[Ends]) -> list[bool]:
    """Say of each link whether it leads back; without those that do, no cycle is left.

    A link leads back if a depth-first walk meets its target while still on the way down from it
    (Tarjan, *Depth-First Search and Linear Graph Algorithms*, SIAM Journal on Computing, 1972). The walk
    begins at box 0, so that what leads back is what people read as a loop.
    """
    outgoing: list[list[int]] = [[] for _ in range(count)]
    for number, (source, _) in enumerate(links):
        outgoing[source].append(number)
    leads_back = [False] * len(links)
    on_path, seen = [False] * count, [False] * count
    for root in _roots(count, links):
        if seen[root]:
            continue
        seen[root] = on_path[root] = True
        stack = [(root, iter(outgoing[root]))]
        while stack:
            box, rest = stack[-1]
            for number in rest:
                target = links[number][1]
                leads_back[number] = on_path[target]
                if not seen[target]:
                    seen[target] = on_path[target] = True
                    stack.append((target, iter(outgoing[target])))
                    break
            else:
                on_path[box] = False
                stack.pop()
    return leads_back


def assign_layers(count: int, links: Sequence[Ends]) -> list[int]:
    """Return the layer of each box, counted from 0; every link leads to a later layer.

    The links must have no cycle. Each box first gets the earliest layer possible (longest path), then
    those with more links downwards than upwards move down as far as they can, which shortens the links:
    a frugal relative of Gansner et al., *A Technique for Drawing Directed Graphs* (IEEE Transactions on
    Software Engineering, 1993), section 2.
    """
    after: list[list[int]] = [[] for _ in range(count)]
    before: list[list[int]] = [[] for _ in range(count)]
    for source, target in links:
        after[source].append(target)
        before[target].append(source)
    order = _topological(after, before)
    layers = [0] * count
    for box in order:
        layers[box] = max((layers[source] + 1 for source in before[box]), default=0)
    for box in reversed(order):
        if len(after[box]) > len(before[box]):
            layers[box] = min(layers[target] for target in after[box]) - 1
    used = {layer: number for number, layer in enumerate(sorted(set(layers)))}
    return [used[layer] for layer in layers]


def _roots(count: int, links: Sequence[Ends]) -> list[int]:
    """Return where walks begin: box 0, then boxes that nothing leads to, then whatever is left."""
    led_to = {target for source, target in links if source != target}
    return [*range(min(count, 1)), *(box for box in range(count) if box not in led_to), *range(count)]


def _topological(after: list[list[int]], before: list[list[int]]) -> list[int]:
    missing = [len(sources) for sources in before]
    order = [box for box, number in enumerate(missing) if not number]
    for box in order:
        for target in after[box]:
            missing[target] -= 1
            if not missing[target]:
                order.append(target)
    return order
