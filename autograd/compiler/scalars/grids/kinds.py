"""Kinds of operations in a grid: operations that do the same part of the work of different cells.

Operations of one kind apply the same primitive to operands of the same kinds. At the borders of a grid, some operands
are leaves or folded constants, so a leaf matches any kind. Equal operations of one cell are distinguished by their
place among the operands of their only reader, such as the exponentials in the sum of a softmin.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple

from autograd.compiler import cost, cost_of_loops
from autograd.compiler.scalars.grids.roles import with_roles
from autograd.compiler.scalars.loops.components import components
from autograd.compiler.scalars.nodes import APPLY
from autograd.compiler.scalars.program import ScalarProgram

LEAF = -1
"""The kind of a node that is not an operation, or has too many operands to be part of a cell."""


class Kinds(NamedTuple):
    """Kinds of operations, and the kinds that they read.

    Attributes:
        of: the kind of each node, or LEAF.
        rows: the operands of each node.
        reads: the kinds that most operations of each kind read, operand by operand.
        recurrent: the largest set of kinds that depend on one another and on themselves.
    """

    of: list[int]
    rows: list[tuple[int, ...]]
    reads: list[list[int]]
    recurrent: frozenset[int]


def kinds_of(program: ScalarProgram, rounds: int) -> Kinds | None:
    """Return the kinds of a program's operations; None if no kind depends on itself.

    Args:
        rounds: the number of times that kinds are divided by the kinds of their operands. Each round distinguishes more
            operations of a cell, and more operations near a border from others.
    """
    rows = [program.operands_of(i) if opcode >= APPLY else () for i, opcode in enumerate(program.opcodes)]
    of = [opcode if opcode >= APPLY else LEAF for opcode in program.opcodes]
    for _ in range(rounds):
        of = _by_operands(program, rows, of)
    of = with_roles(rows, _distinguished(program, rows, of), LEAF)
    members: dict[int, list[int]] = {}
    for i in program.operations:
        if of[i] != LEAF:
            members.setdefault(of[i], []).append(i)
    reads = [
        [
            Counter([of[rows[i][p]] for i in members[kind]]).most_common(1)[0][0]
            for p in range(len(rows[members[kind][0]]))
        ]
        for kind in range(len(members))
    ]
    graph = [{k for k in row if k != LEAF} for row in reads]
    recurrent = [part for part in components(graph) if len(part) > 1 or part[0] in graph[part[0]]]
    if not recurrent:
        return None
    largest = max(recurrent, key=lambda part: sum(len(members[kind]) for kind in part))
    return Kinds(of, rows, reads, frozenset(largest))


def _by_operands(program: ScalarProgram, rows: Sequence[tuple[int, ...]], of: Sequence[int]) -> list[int]:
    """Divide kinds by the kinds of their operands."""
    signature = {
        i: (of[i], *[of[k] for k in rows[i]]) for i in program.operations if 0 < len(rows[i]) <= cost.MOST_READ
    }
    counts = Counter(signature.values())
    alike: dict[tuple[int, int], list[tuple[int, ...]]] = {}
    stands: dict[tuple[int, ...], tuple[int, ...]] = {}
    for key, count in counts.most_common():
        others = alike.setdefault((key[0], len(key)), [])
        like = (other for other in others if cost_of_loops.is_border(count, counts[other]) and _is_like(key, other))
        stands[key] = next((stands[other] for other in like), key)
        others.append(key)
    return _numbered(len(of), {i: stands[key] for i, key in signature.items()})


def _is_like(key: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Return whether a signature may be a variant of another at a border, where operands are leaves or differ.

    At least half of the operands must agree, and not only leaves.
    """
    pairs = list(zip(key[1:], other[1:]))
    alike = [a for a, b in pairs if a == b]
    differ = [(a, b) for a, b in pairs if a != b]
    if all(a == LEAF for a in alike) or any(b == LEAF for _, b in differ):
        return False
    return all(a == LEAF for a, _ in differ) or 2 * len(alike) >= len(pairs)


def _numbered(size: int, keys: Mapping[int, Hashable]) -> list[int]:
    """Return a number for each node, equal for equal keys; LEAF for nodes without a key."""
    numbers: dict[Hashable, int] = {}
    of = [LEAF] * size
    for i, key in keys.items():
        of[i] = numbers.setdefault(key, len(numbers))
    return of


def _distinguished(program: ScalarProgram, rows: Sequence[tuple[int, ...]], of: list[int]) -> list[int]:
    """Divide kinds of operations with a single reader by their place among the reader's operands.

    At a border, an operation may have lost all but one of its readers. So it counts as read several times if others of
    its kind, read in the same place, are. An operation read in a rare place, such as the last cell, stays with the
    majority of its kind.
    """
    places: dict[int, list[tuple[int, int]]] = {}
    for i in program.operations:
        for p, k in enumerate(rows[i]):
            if of[k] != LEAF:
                places.setdefault(k, []).append((i, p))
    operations = [i for i in program.operations if of[i] != LEAF]
    single = {i for i, read in places.items() if len({reader for reader, _ in read}) == 1}
    count = len(set(of))
    for _ in range(cost_of_loops.MOST_REFINEMENTS):
        several = {(of[k], of[i], p) for k, read in places.items() if k not in single for i, p in read}
        place: dict[int, Hashable] = dict.fromkeys(operations)
        for k in single:
            reader, read = of[places[k][0][0]], tuple([p for _, p in places[k]])
            if not any((of[k], reader, p) in several for p in read):
                place[k] = reader, read
        of = _numbered(len(of), {i: (of[i], x) for i, x in _frequent(of, place).items()})
        if len(set(of)) == count:
            return of
        count = len(set(of))
    return of


def _frequent(of: Sequence[int], place: Mapping[int, Hashable]) -> dict[int, Hashable]:
    """Replace rare places of operations by the most frequent place of their kind."""
    counts: dict[int, Counter[Hashable]] = {}
    for i, x in place.items():
        counts.setdefault(of[i], Counter())[x] += 1
    most = {kind: counter.most_common(1)[0] for kind, counter in counts.items()}
    return {
        i: most[of[i]][0] if cost_of_loops.is_exception(counts[of[i]][x], most[of[i]][1]) else x
        for i, x in place.items()
    }
