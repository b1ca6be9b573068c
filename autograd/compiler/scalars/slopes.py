"""Classify local derivatives by whether they can be infinite or nan, which determines where choices need guards."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from typing import NamedTuple

from autograd import primitives
from autograd.compiler.scalars.columns import Columns
from autograd.compiler.scalars.nodes import ABSENT, PLAIN, SUM, Sum
from autograd.compiler.scalars.signs import Sign
from autograd.table import Primitive, Slope

_WHERE, _POWER, _DIV = primitives.where, primitives.constant_power, primitives.div
_ROOTS = frozenset({primitives.sqrt, primitives.log})  # their slopes are infinite only at 0


class Edge(NamedTuple):
    """An edge from a node to one of its operands.

    Attributes:
        place: the number of the operand of an application; 0 for a sum.
        operand: the operand.
        slope: the class of the local derivative.
        keeps: whether the node is infinite or nan whenever the operand is.
        shows: whether it is nan whenever the operand is.
    """

    place: int
    operand: int
    slope: Slope
    keeps: bool
    shows: bool


def dependent_on_arguments(program: Columns) -> set[int]:
    """Return the nodes that depend on arguments, except those of guards."""
    dependent = {i for nodes in program.arguments for i in nodes}
    for i in program.operations:
        if not dependent.isdisjoint(program.operands_of(i)):
            dependent.add(i)
    return dependent


def weighted_terms(total: Sum, dependent: Container[int], least: int = 2) -> set[int]:
    """Return the places of a sum's weighted terms, with a factor that no argument affects; none if under `least`."""
    products = zip(total.lefts, total.rights)
    weighted = {n for n, (x, y) in enumerate(products) if y != ABSENT and not (x in dependent and y in dependent)}
    return weighted if len(weighted) >= least else set()


def edges(
    program: Columns,
    i: int,
    dependent: Container[int],
    known: Sequence[Sign],
    finite: Container[int] = (),
    shown: bool = False,
) -> Iterator[Edge]:
    """Yield the edges from a node.

    Args:
        dependent: the nodes that depend on arguments.
        known: the sign of each node.
        finite: nodes that are finite whenever the result is.
        shown: whether a nan of the node propagates to the result.
    """
    if program.opcodes[i] != SUM:
        yield from _edges_of_application(program, i, known)
        return
    total = program.sum_of(i)
    weighted = weighted_terms(total, dependent, 1 if shown else 2)
    for n, (x, y) in enumerate(zip(total.lefts, total.rights)):
        if y == ABSENT:
            yield Edge(0, x, Slope.FINITE, True, True)
            continue
        slope = Slope.WEIGHT if n in weighted else Slope.LIKE_VALUE
        for factor, other in ((x, y), (y, x)):
            yield Edge(0, factor, Slope.FINITE if slope != Slope.WEIGHT and other in finite else slope, True, True)


def _edges_of_application(program: Columns, i: int, known: Sequence[Sign]) -> Iterator[Edge]:
    primitive, operands = program.primitive_of(i), program.operands_of(i)
    assert primitive is not None
    slope, keeps, shows = primitive.slope, primitive.keeps_infinity, not primitive.hides_nan
    if primitive is _POWER and program.constants.get(operands[1]) in (2.0, 3.0):
        slope, keeps = Slope.LIKE_VALUE, (0,)
    elif slope == Slope.SINGULAR and known[operands[1 if primitive is _DIV else 0]] == Sign.POSITIVE:
        slope = _away_from_zero(program, i, primitive)
    for place, k in enumerate(operands):
        if (primitive is _WHERE and place == 0) or (primitive is primitives.entry_at and place == len(operands) - 1):
            continue
        yield Edge(place, k, slope, place in keeps, shows)


def _away_from_zero(program: Columns, i: int, primitive: Primitive) -> Slope:
    """Return the slope of a primitive that is infinite at 0, for an operand, or denominator, bounded away from 0."""
    if primitive in _ROOTS or (primitive is _POWER and program.constants[program.operands_of(i)[1]] <= 1):
        return Slope.BOUNDED
    return Slope.LIKE_VALUE if primitive is _DIV else primitive.slope


def chooses_share(program: Columns, i: int) -> bool:
    """Return whether a node selects one of all the shares eₖ / Σ e of a total, such as the correct class's probability.

    All shares depend on the same total, so the selected one is infinite or nan, or has such a derivative, whenever
    another does.
    """
    if program.primitive_of(i) is not primitives.entry_at:
        return False
    shares = program.operands_of(i)[:-1]
    if any(program.primitive_of(k) is not primitives.div for k in shares):
        return False
    numerators, totals = zip(*map(program.operands_of, shares))
    total_node, *others = set(totals)
    if others or not program.is_sum(total_node):
        return False
    total = program.sum_of(total_node)
    is_plain = set(total.coefficients) == {1.0} and set(total.rights) == {ABSENT} and total[4:] == PLAIN
    return is_plain and sorted(total.lefts) == sorted(numerators)
