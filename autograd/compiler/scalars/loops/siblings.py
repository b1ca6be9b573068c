"""Make the operations of one step equal that compute elements of one matrix.

A Kalman filter updates its covariance, P[i][j] - k[i] * P[0][j], from P = A P Aᵀ + Q. Only the first row and column of
that P have several readers, and only its diagonal adds Q. Yet all its elements are read in the same place of equal
operations, so that they form one matrix if they stay separate nodes, and if zeros are elements of Q.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from autograd.compiler import cost_of_loops
from autograd.compiler.scalars.loops.operations import Operations
from autograd.compiler.scalars.loops.recurrences import Levels
from autograd.compiler.scalars.merge import uses
from autograd.compiler.scalars.nodes import APPLY, CONSTANT
from autograd.compiler.scalars.program import ScalarProgram


class Siblings(NamedTuple):
    """Operations of a step that are read in the same place of equal operations.

    Attributes:
        nodes: a node of each, at the same step.
        at_all_steps: the nodes of each, step by step.
    """

    nodes: list[int]
    at_all_steps: list[list[int]]


def siblings_of(trace: ScalarProgram, operations: Operations, chosen: Sequence[Levels]) -> list[Siblings]:
    """Return operations of one level with equal primitives that equal operations of a step read, each one of them."""
    level = trace.levels
    several = itertools.chain.from_iterable(_candidates(trace, operations, levels) for levels in chosen)
    return [siblings for siblings in several if len({level[i] for i in siblings.nodes}) == 1]


def _candidates(trace: ScalarProgram, operations: Operations, levels: Levels) -> Iterator[Siblings]:
    nodes = _by_member(operations, levels)
    member = {i: j for j, row in nodes.items() for i in row}
    for readers in _equal(trace, [row[len(row) // 2] for row in nodes.values()]):
        for place, opcode in enumerate(_opcodes(trace, readers[0])):
            read = list(dict.fromkeys([trace.operands_of(i)[place] for i in readers]))
            if opcode >= APPLY and len(read) == len(readers) > 1 and all(i in member for i in read):
                yield Siblings(read, [nodes[member[i]] for i in read])


def _equal(trace: ScalarProgram, nodes: Sequence[int]) -> Iterator[list[int]]:
    """Yield operations whose operands, and the operands of these, have the same primitives, apart from constants."""
    classes: dict[tuple[int, ...], list[tuple[list[int], list[int]]]] = {}
    for i in nodes:
        own = [opcode for k in trace.operands_of(i) for opcode in _opcodes(trace, k)]
        alike = classes.setdefault((trace.opcodes[i], *_opcodes(trace, i)), [])
        for opcodes, members in alike:
            if all(a == b or CONSTANT in (a, b) for a, b in zip(opcodes, own)):
                opcodes[:] = [b if a == CONSTANT else a for a, b in zip(opcodes, own)]
                members.append(i)
                break
        else:
            alike.append((own, [i]))
    for several in classes.values():
        yield from [members for _, members in several]


def _opcodes(trace: ScalarProgram, i: int) -> list[int]:
    """Return the opcodes of a node's operands."""
    return [trace.opcodes[k] for k in trace.operands_of(i)] if trace.opcodes[i] >= APPLY else []


def _by_member(operations: Operations, levels: Levels) -> dict[int, list[int]]:
    """Return the nodes of each operation of a step, step by step; members of loops may have earlier steps."""
    stretch = levels.stretch
    every = operations.nodes[stretch.start : stretch.stop].reshape(stretch.steps, stretch.period)
    nodes = dict(enumerate(every.T.tolist()))
    for loop in levels.loops.values():
        nodes.update(zip(loop.members, operations.nodes[loop.places].T.tolist()))
    return nodes


def separate_siblings(trace: ScalarProgram, several: Sequence[Siblings]) -> frozenset[int]:
    """Return the siblings of which some have several readers, so that the others stay nodes, too."""
    separate: set[int] = set()
    readers = uses(trace) if several else []
    for siblings in several:
        read_often = sum(readers[i] > 1 for i in siblings.nodes)
        if cost_of_loops.worth_separating(read_often, len(siblings.nodes)):
            separate.update(itertools.chain.from_iterable(siblings.at_all_steps))
    return frozenset(separate)


class Number(NamedTuple):
    """A number that a sibling reads where others read a node.

    Attributes:
        node: the number's node.
        place: the place of the operand.
        readers: the sibling at all steps where it reads the number.
    """

    node: int
    place: int
    readers: list[int]


def numbers_among_nodes(trace: ScalarProgram, siblings: Siblings) -> Iterator[list[Number]]:
    """Yield the numbers that some siblings read in a place where others read nodes."""
    for place, column in enumerate(zip(*map(trace.operands_of, siblings.nodes))):
        are_numbers = [k in trace.constants for k in column]
        if any(are_numbers) and not all(are_numbers):
            yield [
                Number(k, place, [i for i in nodes if trace.operands_of(i)[place] == k])
                for k, nodes, is_number in zip(column, siblings.at_all_steps, are_numbers)
                if is_number
            ]
