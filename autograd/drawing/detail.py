"""Choose how much of a graph to draw: which nodes get their own box, and which share one.

Groups come from the labels of a network's nodes: `layers.0.neurons.3.weights.12` is in the groups `layers`,
`layers.0`, `layers.0.neurons.3` and `layers.0.neurons.3.weights`. An open group is drawn as a frame around its members,
a closed group as a single box. Nothing is dropped: the picture shows or counts every node and every edge.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from functools import partial

from autograd.drawing.scene import Box, Line, Path, Scene, box_of_nodes
from autograd.drawing.snapshot import Node
from autograd.drawing.stacking import Shortening, alike, fold_leaves, stack, unchanged
from autograd.primitives import dot

LINES_A_BOX = 3  # a picture with more lines per box is unreadable
EXPANDED = 4  # times the limit: the most boxes if the reader expands a part
MOST_BOXES = 120  # the default limit
ON_A_SCREEN = 40  # the default limit for a graph whose groups open and close by clicking
LONGEST_PATH = 200  # letters; longer labels are not split into groups
INDEX = re.compile(r"\[(\d+)\]", re.ASCII)  # w[3] is read as w.3


def choose(
    nodes: list[Node], limit: int | None, depth: int | None, expand: Collection[str], stacked: bool = False
) -> Scene:
    """Build the scene with the detail that the reader asks for, or with as much as fits in `limit` boxes.

    Args:
        limit: the most boxes to draw; four times as many if the reader expands a part. None means `ON_A_SCREEN` if
            groups can be closed, else `MOST_BOXES`.
        depth: the number of levels of groups to open, 0 for none; None opens as many as the limit allows.
        expand: names of groups to open, together with the groups around them.
        stacked: whether to always stack inputs and operations repeated for several samples, as is done if no option
            is given.

    Raises:
        ValueError: if the graph does not have a group of that name.
    """
    paths, names = group_paths(nodes)
    _check_groups(expand, names)
    freely = limit is None and depth is None and not expand and any(paths)
    limit = limit or (ON_A_SCREEN if freely else MOST_BOXES)
    kinds = alike(nodes, paths)
    sizes = Counter({(path, not node.parents, kind) for path, node, kind in zip(paths, nodes, kinds)})
    ways: list[Shortening] = [unchanged, fold_leaves, partial(stack, kinds)]
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


def full_scene(nodes: list[Node]) -> Scene:
    """Build the scene in which every node has its own box."""
    boxes = _boxes(nodes, paths := group_paths(nodes)[0], max(map(len, paths)), ())
    lines, inside = _lines(nodes, boxes)
    return Scene(nodes, boxes, lines, inside)


def _fewest_boxes(sizes: Counter[tuple[Path, bool, int]], level: int) -> int:
    """Return a quick lower bound of the number of boxes at this level, with all leaves folded."""
    groups = {path[level] for path, *_ in sizes if len(path) > level}
    return len(groups) + sum(len(path) <= level and not is_leaf for path, is_leaf, _ in sizes)


def _fit(nodes: list[Node], boxes: list[Box], limit: int) -> bool:
    return len(boxes) <= limit and len(_lines(nodes, boxes, bundled=True)[0]) <= LINES_A_BOX * limit


def group_paths(nodes: list[Node]) -> tuple[list[Path], set[str]]:
    """Return for each node the groups that contain it, outermost first; and the names of all groups.

    An operation without a label belongs to the group of the labelled leaves it was computed from: the products in a
    neuron's weighted sum belong to the neuron, a penalty on a layer's weights to the layer. An operation that lies only
    between labelled operations of a group belongs to that group, as does the 0 of a weighted sum without a bias.
    """
    paths: list[Path] = []
    inheritable: list[Path | None] = []  # the groups that a node's children inherit; None is ignored
    by_label: dict[str, Path] = {}
    for node in nodes:
        if node.label:
            path = by_label.get(node.label)
            if path is None:
                path = by_label[node.label] = _groups_in(node.label)
            paths.append(path)
            # children of a list's elements inherit the groups of the list
            inheritable.append((path[:-1] if node.label[-1:] in "0123456789]" else path) or None)
            continue
        inherited = [inheritable[i] for i in node.parents if not (nodes[i].label and nodes[i].parents)]
        given = [path for path in inherited if path is not None]
        path = _common_prefix(given)
        paths.append(path)
        after_a_group = any(nodes[i].label and nodes[i].parents and paths[i] for i in node.parents)
        inheritable.append(path if given or after_a_group else None)
    paths = _with_nodes_between(nodes, paths)
    names = {group for path in by_label.values() for group in path}
    sizes = Counter(group for path in paths for group in path)
    worthwhile = {path: _without_repetition(path, sizes) for path in set(paths)}
    return [() if node.role == "output" else worthwhile[path] for node, path in zip(nodes, paths)], names


def _with_nodes_between(nodes: list[Node], paths: list[Path]) -> list[Path]:
    """Move unlabelled nodes that are used only by one group into it; return the new paths."""
    sources: list[Path | None] = []  # the common group of the labelled nodes a node was computed from; None if none
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
    """Tell whether the last parent of a weighted sum is the 0 that replaces a missing bias."""
    return last.role == "constant" and not (last.label or last.data)


def _groups_in(label: str) -> Path:
    """Return the groups that a label names: its lists and their elements, except the label itself."""
    if len(label) > LONGEST_PATH:
        return ()
    parts = INDEX.sub(r".\1", label).split(".")
    numbers = [i for i, part in enumerate(parts) if part.isascii() and part.isdecimal()]
    last = len(parts) - 1
    lists = [i - 1 for i in numbers if i > 0 and (i == numbers[0] or i == last)]
    ends = sorted({*lists, *(i for i in numbers if i < last)})
    return tuple(group for end in ends if (group := ".".join(parts[: end + 1])))


def _without_repetition(path: Path, sizes: Counter[str]) -> Path:
    """Remove groups of a single node, and groups that contain nothing but the next group."""
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
    for group in expand:
        if group not in names:
            known = ", ".join(sorted(names)[:8]) or "none, since no label is of the form layers.0.neurons.3.z"
            raise ValueError(f"the graph has no group {group!r} to expand; its groups are: {known}")


def _boxes(nodes: list[Node], paths: list[Path], level: int, expand: Collection[str]) -> list[Box]:
    """Make a box for each closed group and each node outside of them, in the order of the operations."""
    ancestors = {path[i] for path in set(paths) for i, g in enumerate(path) if g in expand for i in range(i)}
    members: dict[tuple[str | int, Path], list[int]] = {}
    for i, path in enumerate(paths):
        depth = min(level, len(path))
        while depth < len(path) and (path[depth] in expand or path[depth] in ancestors):
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
    """Find the first operation that uses each leaf, and as which parent; an operation comes after its parents."""
    places = [(i, len(node.parents)) for i, node in enumerate(nodes)]
    for i in range(len(nodes) - 1, -1, -1):
        for position, parent in enumerate(nodes[i].parents):
            if not nodes[parent].parents:
                places[parent] = (i, position)
    return places


def _fold_the_rest(nodes: list[Node], boxes: list[Box], limit: int) -> list[Box]:
    """Keep the boxes nearest to the root if there are too many boxes or lines; fold the others into one box."""
    distance = [0] * len(nodes)  # along the longest path to a root, so that a node's children are always nearer
    for i in range(len(nodes) - 1, -1, -1):
        for parent in nodes[i].parents:
            distance[parent] = max(distance[parent], distance[i] + 1)
    nearest = sorted(boxes, key=lambda box: max(distance[i] for i in box.nodes))
    shown, most = boxes, min(limit, len(boxes))
    while not _fit(nodes, shown, limit):  # repeated as long as there are too many lines
        near = set(nearest[: most - 1])
        rest = tuple(sorted(i for box in boxes if box not in near for i in box.nodes))
        shown = [Box(rest, "further back", ()), *(box for box in boxes if box in near)]
        most = most * 3 // 4
    return shown


def _lines(nodes: list[Node], boxes: list[Box], bundled: bool = False) -> tuple[list[Line], Counter[int]]:
    """Return the lines between boxes, and for each box the number of edges inside it.

    Edges between the same two boxes share a line if one box has several nodes. With `bundled` they share a line also
    if both are single nodes, one of which uses the other several times.
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
        parallel = Counter((line.tail, line.head) for line in lines)
        lines = [line for line in lines if parallel[line.tail, line.head] == 1]
        bundles.update({ends: edges for ends, edges in parallel.items() if edges > 1})
    lines += [Line(tail, head, edges, None) for (tail, head), edges in bundles.items()]
    return lines, inside
