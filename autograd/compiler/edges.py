"""What the local derivatives of nodes can be: finite, infinite, nan. What is so decides where choices need masks."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

from autograd import primitives
from autograd.compiler.idioms import SIGMOID, TANH
from autograd.compiler.simplify import Scalars
from autograd.compiler.sums import Sum
from autograd.compiler.trace.tracing import COMPARISONS
from autograd.table import OURS, TABLE

_WHERE, _RELU, _MAXIMUM, _MINIMUM = primitives.where, primitives.relu, primitives.maximum, primitives.minimum


class Slope(IntEnum):
    """What a local derivative can be."""

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
"""Of a primitive's operands alike; those of others are singular."""

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
        place: which operand it is; of a sum, -1.
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


def dependent_on_arguments(scalars: Scalars) -> set[int]:
    """The nodes that are of each sample."""
    found = {i for indices in scalars.trace.arguments for i in indices} - {-1}
    for i in scalars.order:
        total = scalars.sums.get(i)
        operands = scalars.operands[i] if total is None else (*total.lefts, *total.rights)
        if not found.isdisjoint(operands):
            found.add(i)
    return found


def weighted_terms(found: Sum, varying: set[int], least: int = 2) -> set[int]:
    """The places of a sum's weighted terms, products with what is the same for all samples; none if they are fewer."""
    products = zip(found.lefts, found.rights)
    weighted = {n for n, (x, y) in enumerate(products) if y >= 0 and not (x in varying and y in varying)}
    return weighted if len(weighted) >= least else set()


def edges(scalars: Scalars, varying: set[int], i: int, shown: bool) -> Iterator[Edge]:
    """The edges from a node, of which is known whether it makes the result nan where it is itself."""
    found = scalars.sums.get(i)
    if found is None:
        yield from _edges_of_application(scalars, i)
        return
    weighted = weighted_terms(found, varying, 1 if shown else 2)
    for n, (x, y) in enumerate(zip(found.lefts, found.rights)):
        if y < 0:
            yield Edge(-1, x, Slope.FINITE, True, True)
            continue
        slope = Slope.WEIGHT if n in weighted else Slope.LIKE_VALUE
        yield Edge(-1, x, slope, True, True)
        yield Edge(-1, y, slope, True, True)


def _edges_of_application(scalars: Scalars, i: int) -> Iterator[Edge]:
    primitive, operands = scalars.trace.primitives[i], scalars.operands[i]
    slope = _SLOPES.get(primitive, Slope.SINGULAR)  # type: ignore[arg-type]
    keeps = primitive in _KEEPS_INFINITY
    if primitive is primitives.constant_power and scalars.constants[operands[1]] in (2.0, 3.0):
        slope, keeps = Slope.LIKE_VALUE, True
    for place, k in enumerate(operands):
        if primitive is _WHERE and place == 0:
            continue
        yield Edge(place, k, slope, keeps or (primitive is primitives.div and place == 0), primitive in _SHOWS_NAN)
