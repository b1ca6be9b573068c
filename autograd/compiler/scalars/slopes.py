"""Classify local derivatives: can they be infinite or nan? That decides where choices need guards."""

from __future__ import annotations

from collections.abc import Container, Iterator
from enum import IntEnum
from typing import NamedTuple

from autograd import primitives
from autograd.compiler.scalars.columns import Columns
from autograd.compiler.scalars.idioms import SIGMOID, TANH
from autograd.compiler.scalars.nodes import ABSENT, SUM, Sum
from autograd.compiler.trace.tracing import COMPARISONS
from autograd.table import OURS, TABLE

_WHERE, _RELU, _MAXIMUM, _MINIMUM = primitives.where, primitives.relu, primitives.maximum, primitives.minimum


class Slope(IntEnum):
    """A class of local derivatives, by the numbers that they can be."""

    NONE = 0  # 0, always
    FINITE = 1  # finite, always
    BOUNDED = 2  # nan where the node is nan, else finite
    LIKE_VALUE = 3  # finite where the node's value is
    WEIGHT = 4  # likewise, and exempt: a factor in a weighted sum
    SINGULAR = 5  # infinite or nan even where the node's value is finite


_SLOPES = {
    **dict.fromkeys((primitives.detached, *COMPARISONS.values()), Slope.NONE),
    **dict.fromkeys((_WHERE, _RELU, _MAXIMUM, _MINIMUM, primitives.absolute), Slope.FINITE),
    **dict.fromkeys((primitives.max_, primitives.min_), Slope.BOUNDED),
    **dict.fromkeys((primitives.sin, primitives.cos, primitives.atan, primitives.asinh), Slope.BOUNDED),
    **dict.fromkeys((primitives.tanh, primitives.sigmoid, TANH, SIGMOID), Slope.BOUNDED),
    **dict.fromkeys((primitives.tanh_slope, primitives.sigmoid_slope), Slope.BOUNDED),
    **dict.fromkeys((primitives.softplus, primitives.erf), Slope.BOUNDED),
    **dict.fromkeys((primitives.exp, primitives.expm1, primitives.tan), Slope.LIKE_VALUE),
    **dict.fromkeys((primitives.sinh, primitives.cosh, primitives.logsumexp), Slope.LIKE_VALUE),
}
"""The class for all operands of a primitive; those of other primitives are singular."""

_KEEPS_INFINITY = frozenset(
    {
        *(primitives.sqrt, primitives.cbrt, primitives.log, primitives.log1p, primitives.log2, primitives.log10),
        *(primitives.sinh, primitives.cosh, primitives.absolute),
    }
)
"""Functions that are infinite or nan wherever their operand is."""

_SHOWS_NAN = frozenset({SIGMOID, TANH, *(TABLE[name] for name in OURS)}) - {_WHERE, primitives.power, primitives.hypot}
"""Functions that are nan wherever an operand is. Not so 1 to the power nan, or the hypotenuse of inf and nan."""


class Edge(NamedTuple):
    """From a node to one of its operands.

    Attributes:
        place: which operand of an application it is; 0 for those of a sum.
        operand: the node.
        slope: what the local derivative can be.
        keeps: whether the node is infinite or nan wherever the operand is.
        shows: whether it is nan wherever the operand is.
    """

    place: int
    operand: int
    slope: Slope
    keeps: bool
    shows: bool


def dependent_on_arguments(program: Columns) -> set[int]:
    """The nodes that differ from sample to sample, those of guards aside."""
    dependent = {i for nodes in program.arguments for i in nodes}
    for i in program.operations:
        if not dependent.isdisjoint(program.operands_of(i)):
            dependent.add(i)
    return dependent


def weighted_terms(total: Sum, dependent: Container[int], least: int = 2) -> set[int]:
    """The places of a sum's weighted terms, products with what is the same for all samples; none if they are fewer."""
    products = zip(total.lefts, total.rights)
    weighted = {n for n, (x, y) in enumerate(products) if y != ABSENT and not (x in dependent and y in dependent)}
    return weighted if len(weighted) >= least else set()


def edges(program: Columns, dependent: Container[int], i: int, shown: bool) -> Iterator[Edge]:
    """The edges from a node.

    Args:
        dependent: the nodes that differ from sample to sample.
        shown: whether the node makes the result nan wherever it is nan itself.
    """
    if program.opcodes[i] != SUM:
        yield from _edges_of_application(program, i)
        return
    total = program.sum_of(i)
    weighted = weighted_terms(total, dependent, 1 if shown else 2)
    for n, (x, y) in enumerate(zip(total.lefts, total.rights)):
        if y == ABSENT:
            yield Edge(0, x, Slope.FINITE, True, True)
            continue
        slope = Slope.WEIGHT if n in weighted else Slope.LIKE_VALUE
        yield Edge(0, x, slope, True, True)
        yield Edge(0, y, slope, True, True)


def _edges_of_application(program: Columns, i: int) -> Iterator[Edge]:
    primitive, operands = program.primitive_of(i), program.operands_of(i)
    slope = _SLOPES.get(primitive, Slope.SINGULAR)  # type: ignore[arg-type]
    keeps = primitive in _KEEPS_INFINITY
    if primitive is primitives.constant_power and program.constants.get(operands[1]) in (2.0, 3.0):
        slope, keeps = Slope.LIKE_VALUE, True
    for place, k in enumerate(operands):
        if primitive is _WHERE and place == 0:
            continue
        yield Edge(place, k, slope, keeps or (primitive is primitives.div and place == 0), primitive in _SHOWS_NAN)
