"""Find nodes that can share a box: leaves with the same uses, and operations repeated for several samples."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence

from autograd.drawing.scene import Box, box_of_nodes
from autograd.drawing.snapshot import Node

FOLDED_LEAVES = 8  # more leaves with the same uses become one box if there is little room

Shortening = Callable[[list[Node], list[Box]], list[Box]]


def alike(nodes: Sequence[Node], paths: Sequence[Sequence[str]]) -> list[int]:
    """Number the nodes so that equal numbers mean the same operation of the same network on different samples.

    Two nodes are alike if their labels and operations are equal, and their operands are equal, alike, or constants and
    inputs. A node that is not labelled as a part of a network counts only if it follows a repeated node: so x * 2 and
    x * 3 are not alike. In a network unrolled through time no nodes are alike, since each step's operations are
    computed from those of the step before.
    """
    numbers: dict[Hashable, int] = {}
    kinds: list[int] = []
    for i, node in enumerate(nodes):
        if not node.parents:
            kinds.append(numbers.setdefault(("leaf", i), len(numbers)))
            continue
        operands = tuple([_operand(nodes[parent], kinds[parent]) for parent in node.parents])
        key = (node.label, node.op, tuple(paths[i]), node.role, operands)
        kinds.append(numbers.setdefault(key, len(numbers)))
    counts = Counter(kinds)
    repeated: list[bool] = []
    for node, number, path in zip(nodes, kinds, paths):
        labelled = bool(node.label) and bool(path)
        follows = any(repeated[parent] for parent in node.parents)
        repeated.append(counts[number] > 1 and (labelled or follows))
    return [number if is_repeated else -1 - i for i, (number, is_repeated) in enumerate(zip(kinds, repeated))]


def _operand(node: Node, number: int) -> int:
    """Return a key of an operand; inputs and targets of samples, which are unlabelled leaves, share one key."""
    return -1 if node.role == "constant" or (node.role == "input" and not node.label) else number


def unchanged(nodes: list[Node], boxes: list[Box]) -> list[Box]:
    return boxes


def fold_leaves(nodes: list[Node], boxes: list[Box]) -> list[Box]:
    """Merge leaves of one role that are used by the same boxes, if there are many or their users are stacked."""
    box_of = box_of_nodes(boxes)
    users: dict[int, set[int]] = defaultdict(set)
    for i, node in enumerate(nodes):
        for parent in node.parents:
            if not nodes[parent].parents:
                users[parent].add(box_of[i])
    same: dict[object, list[Box]] = defaultdict(list)
    for k, box in enumerate(boxes):
        node = nodes[box.nodes[0]]
        foldable = not box.name and not node.parents
        same[(box.path, node.role, frozenset(users[box.nodes[0]])) if foldable else k].append(box)
    folded = []
    for first, *others in same.values():
        of_stacks = all(boxes[k].stacked for k in users[first.nodes[0]]) and bool(others)
        if len(others) < (1 if of_stacks else FOLDED_LEAVES):
            folded += [first, *others]
            continue
        places = tuple(i for box in (first, *others) for i in box.nodes)
        folded.append(Box(places, f"{len(places):,} {nodes[places[0]].role}s", first.path))
    return folded


def stack(kinds: Sequence[int], nodes: list[Node], boxes: list[Box]) -> list[Box]:
    """Merge the same operation of several samples into one box, and their leaves into others."""
    stacks: dict[object, list[Box]] = defaultdict(list)
    for k, box in enumerate(boxes):
        single = not box.name and nodes[box.nodes[0]].parents
        stacks[("stack", kinds[box.nodes[0]]) if single else k].append(box)
    stacked = []
    for first, *others in stacks.values():
        places = tuple(sorted(i for box in (first, *others) for i in box.nodes))
        node = nodes[first.nodes[0]]
        stacked.append(Box(places, node.label or node.op, first.path, stacked=True) if others else first)
    return fold_leaves(nodes, stacked)
