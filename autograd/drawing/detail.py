"""Choose how much of a graph to draw: which nodes get a box of their own, and which share one.

The labels of a network's nodes tell what belongs together: `layers.0.neurons.3.weights.12` is in the groups `layers`,
`layers.0`, `layers.0.neurons.3` and `layers.0.neurons.3.weights`. A group that is open is drawn as a frame around its
members, one that is closed as a single box. Nothing is dropped: each node and each edge is in the picture, or counted
in it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from functools import partial

from autograd.drawing.scene import Box, Line, Path, Scene, box_of_nodes
from autograd.drawing.snapshot import Node
from autograd.drawing.stacking import Shortening, alike, as_they_are, fold_leaves, stack
from autograd.primitives import dot

LINES_A_BOX = 3  # more than that many lines a box, and the picture is a thicket
EXPANDED = 4  # times the limit there may be when the reader asks for a part in detail
MOST_BOXES = 120  # unless the reader sets a limit
ON_A_SCREEN = 40  # of a graph whose parts can be closed, and opened again by clicking
LONGEST_PATH = 200  # letters of a label that is taken apart
INDEX = re.compile(r"\[(\d+)\]", re.ASCII)  # w[3] is w.3


def choose(
    nodes: list[Node], limit: int | None, depth: int | None, expand: Collection[str], stacked: bool = False
) -> Scene:
    """The scene with as much detail as the reader asks for, or else as a picture of `limit` boxes can hold.

    Args:
        limit: the most boxes to draw; four times as many where the reader expands a part. None draws as many as fit on
            a screen where parts can be closed, else `MOST_BOXES`.
        depth: how many levels of groups to open, 0 for none; None opens as many as the limit allows.
        expand: names of groups to open, along with those around them.
        stacked: whether inputs, and what is repeated for several samples, are stacked in any case, as they are where
            nothing is asked for.

    Raises:
        ValueError: for a group that the graph does not have.
    """
    paths, names = group_paths(nodes)
    _check_groups(expand, names)
    freely = limit is None and depth is None and not expand and any(paths)
    limit = limit or (ON_A_SCREEN if freely else MOST_BOXES)
    kinds = alike(nodes, paths)
    sizes = Counter({(path, not node.parents, kind) for path, node, kind in zip(paths, nodes, kinds)})
    ways: list[Shortening] = [as_they_are, fold_leaves, partial(stack, kinds)]
    if freely or stacked:
        ways = ways[-1:]
    level, shorten = depth or 0, ways[-1]
    for level in range(max(map(len, paths)), -1, -1) if depth is None else [depth]:
        if _fewest_boxes(sizes, level) > limit:
            continue
        boxes = _boxes(nodes, paths, level, ())
        fitting = next((way for way in ways if _fit(nodes, way(nodes, boxes), limit)), None)
        if fitting:
            shorten = fitting
            break
    boxes = shorten(nodes, _boxes(nodes, paths, level, expand))
    room = EXPANDED * limit if expand else limit
    if not _fit(nodes, boxes, room):
        boxes = _fold_the_rest(nodes, boxes, room)
    lines, inside = _lines(nodes, boxes)
    if len(lines) > LINES_A_BOX * room:
        lines, inside = _lines(nodes, boxes, bundled=True)
    return Scene(nodes, boxes, lines, inside, {group for path in paths for group in path})


def whole(nodes: list[Node]) -> Scene:
    """The scene in which every node has a box of its own."""
    boxes = _boxes(nodes, paths := group_paths(nodes)[0], max(map(len, paths)), ())
    lines, inside = _lines(nodes, boxes)
    return Scene(nodes, boxes, lines, inside)


def _fewest_boxes(sizes: Counter[tuple[Path, bool, int]], level: int) -> int:
    """Return the least number of boxes at this level, if all leaves can be folded; quick to tell."""
    groups = {path[level] for path, *_ in sizes if len(path) > level}
    return len(groups) + sum(len(path) <= level and not is_leaf for path, is_leaf, _ in sizes)


def _fit(nodes: list[Node], boxes: list[Box], limit: int) -> bool:
    return len(boxes) <= limit and len(_lines(nodes, boxes, bundled=True)[0]) <= LINES_A_BOX * limit


def group_paths(nodes: list[Node]) -> tuple[list[Path], set[str]]:
    """For each node the groups that it is in, outermost first; and the names of all groups.

    An operation without a label belongs where the labelled leaves belong that it was computed from: the products in a
    neuron's weighted sum to the neuron, a penalty on the weights of a whole layer to the layer. One that stands between
    labelled operations of a group, and nowhere else, is in the group; and so is the 0 of a weighted sum without a bias.
    """
    paths: list[Path] = []
    handed_on: list[Path | None] = []  # what an operation made of the node inherits; None has no say in it
    by_label: dict[str, Path] = {}
    for node in nodes:
        if node.label:
            path = by_label.get(node.label)
            if path is None:
                path = by_label[node.label] = _groups_in(node.label)
            paths.append(path)
            # the elements of a list hand on what the list is in
            handed_on.append((path[:-1] if node.label[-1:] in "0123456789]" else path) or None)
            continue
        inherited = [handed_on[i] for i in node.parents if not (nodes[i].label and nodes[i].parents)]
        given = [path for path in inherited if path is not None]
        path = _common_prefix(given)
        paths.append(path)
        after_a_group = any(nodes[i].label and nodes[i].parents and paths[i] for i in node.parents)
        handed_on.append(path if given or after_a_group else None)
    paths = _with_what_is_between(nodes, paths)
    names = {group for path in by_label.values() for group in path}
    sizes = Counter(group for path in paths for group in path)
    worthwhile = {path: _without_repetition(path, sizes) for path in set(paths)}
    return [() if node.role == "output" else worthwhile[path] for node, path in zip(nodes, paths)], names


def _with_what_is_between(nodes: list[Node], paths: list[Path]) -> list[Path]:
    """The paths, where nodes without a label that only serve one group are in it."""
    sources: list[Path | None] = []  # where the labelled nodes are that a node was computed from; None for no such node
    for node in nodes:
        given = [paths[i] if nodes[i].label else sources[i] for i in node.parents]
        sources.append(_common_prefix(known) if (known := [path for path in given if path is not None]) else None)
    moved = list(paths)
    uses: list[Path | None] = [None] * len(nodes)
    for i in range(len(nodes) - 1, -1, -1):
        node, used, computed_from = nodes[i], uses[i], sources[i]
        if not (node.label or moved[i]) and used and computed_from:
            moved[i] = _common_prefix([used, computed_from])
        path = moved[i]
        for parent in node.parents:
            before = uses[parent]
            if before is not path:
                uses[parent] = path if before is None else _common_prefix([before, path])
        if node.op == dot.symbol and _is_missing_bias(nodes[node.parents[-1]]):
            moved[node.parents[-1]] = path
    return moved


def _is_missing_bias(last: Node) -> bool:
    """Tell whether the last parent of a weighted sum is the 0 that stands where there is no bias."""
    return last.role == "constant" and not (last.label or last.data)


def _groups_in(label: str) -> Path:
    """The groups that a label names: the lists in it, and their elements, but for itself."""
    if len(label) > LONGEST_PATH:
        return ()
    parts = INDEX.sub(r".\1", label).split(".")
    numbers = [i for i, part in enumerate(parts) if part.isascii() and part.isdecimal()]
    last = len(parts) - 1
    lists = [i - 1 for i in numbers if i > 0 and (i == numbers[0] or i == last)]
    ends = sorted({*lists, *(i for i in numbers if i < last)})
    return tuple(group for end in ends if (group := ".".join(parts[: end + 1])))


def _without_repetition(path: Path, sizes: Counter[str]) -> Path:
    """Without groups of a single node, and those that hold nothing but the next one."""
    inner = (*path[1:], None)
    return tuple(g for g, next_one in zip(path, inner) if sizes[g] > 1 and sizes[g] != sizes.get(next_one or ""))


def _common_prefix(paths: list[Path]) -> Path:
    if not paths:
        return ()
    shortest, longest = min(paths), max(paths)
    for i, group in enumerate(shortest):
        if i >= len(longest) or group != longest[i]:
            return shortest[:i]
    return shortest


def _check_groups(expand: Collection[str], names: set[str]) -> None:
    for wanted in expand:
        if wanted not in names:
            there = ", ".join(sorted(names)[:8]) or "none, since no label is of the form layers.0.neurons.3.z"
            raise ValueError(f"the graph has no group {wanted!r} to expand; its groups are: {there}")


def _boxes(nodes: list[Node], paths: list[Path], level: int, expand: Collection[str]) -> list[Box]:
    """A box for each closed group and for each node that is in none, in the order of the operations."""
    on_the_way = {path[i] for path in set(paths) for i, g in enumerate(path) if g in expand for i in range(i)}
    members: dict[tuple[str | int, Path], list[int]] = {}
    for i, path in enumerate(paths):
        depth = min(level, len(path))
        while depth < len(path) and (path[depth] in expand or path[depth] in on_the_way):
            depth += 1
        around = path[:depth]
        if depth > level and path[depth - 1] not in expand:
            name: str | int = f"the rest of {path[depth - 1]}"
        else:
            name = i if depth == len(path) else path[depth]
        members.setdefault((name, around), []).append(i)
    boxes = [Box(tuple(m), "" if isinstance(name, int) else name, around) for (name, around), m in members.items()]
    first_use = _first_uses(nodes)
    boxes.sort(key=lambda box: min(first_use[i] for i in box.nodes))
    return boxes


def _first_uses(nodes: list[Node]) -> list[tuple[int, int]]:
    """Find the operation that uses each leaf first, and as which parent; an operation comes after its parents."""
    places = [(i, len(node.parents)) for i, node in enumerate(nodes)]
    for i in range(len(nodes) - 1, -1, -1):
        for position, parent in enumerate(nodes[i].parents):
            if not nodes[parent].parents:
                places[parent] = (i, position)
    return places


def _fold_the_rest(nodes: list[Node], boxes: list[Box], limit: int) -> list[Box]:
    """Keep the boxes nearest to the end where there are too many, or too many lines; fold the others into one box."""
    distance = [0] * len(nodes)  # on the longest way to the end, so that all that follow a node are nearer than it
    for i in range(len(nodes) - 1, -1, -1):
        for parent in nodes[i].parents:
            distance[parent] = max(distance[parent], distance[i] + 1)
    nearest = sorted(boxes, key=lambda box: max(distance[i] for i in box.nodes))
    shown, most = boxes, min(limit, len(boxes))
    while not _fit(nodes, shown, limit):  # fewer where they are tied together by too many lines
        kept = set(nearest[: most - 1])
        rest = tuple(sorted(i for box in boxes if box not in kept for i in box.nodes))
        shown = [Box(rest, "further back", ()), *(box for box in boxes if box in kept)]
        most = most * 3 // 4
    return shown


def _lines(nodes: list[Node], boxes: list[Box], bundled: bool = False) -> tuple[list[Line], Counter[int]]:
    """The lines between boxes, and for each box the number of edges inside it.

    Edges that begin or end in a box of several nodes share a line with those beside them. With `bundled` this holds
    for a node, too, that another uses many times.
    """
    box_of = box_of_nodes(boxes)
    lines: list[Line] = []
    bundles: Counter[tuple[int, int]] = Counter()
    inside: Counter[int] = Counter()
    for k, box in enumerate(boxes):
        for i in box.nodes:
            for position, parent in enumerate(nodes[i].parents):
                tail = box_of[parent]
                if tail == k:
                    inside[k] += 1
                elif box.name or boxes[tail].name:
                    bundles[tail, k] += 1
                else:
                    lines.append(Line(tail, k, 1, position))
    if bundled:
        beside = Counter((line.tail, line.head) for line in lines)
        lines = [line for line in lines if beside[line.tail, line.head] == 1]
        bundles.update({ends: edges for ends, edges in beside.items() if edges > 1})
    lines += [Line(tail, head, edges, None) for (tail, head), edges in bundles.items()]
    return lines, inside
