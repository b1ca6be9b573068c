"""Rows of the derivative table: arithmetic, nodes of many parents, and choices."""

from __future__ import annotations

import functools
import itertools
import math
import operator
from typing import Any

from autograd.derivatives import formulas
from autograd.table import Primitive, Slope, row


def _dot_derivatives(*inputs_and_out: Any) -> tuple[Any, ...]:
    n = len(inputs_and_out) // 2 - 1
    return (*inputs_and_out[n : 2 * n], *inputs_and_out[:n], 1.0)


def _shares(*xs_out: Any) -> tuple[Any, ...]:
    """Share the derivative equally among the inputs that equal the output."""
    *xs, out = xs_out
    selected = [1.0 * (x == out) for x in xs]
    n = sum(selected[1:], selected[0])
    return tuple(s / n for s in selected)


def _products_of_others(*xs_out: Any) -> tuple[Any, ...]:
    """Multiply, for each input, the product of those before it by that of those after it: no division by 0."""
    *xs, _ = xs_out
    before, after = [*itertools.accumulate(xs, operator.mul)], [*itertools.accumulate(xs[::-1], operator.mul)][::-1]
    if len(xs) < 2:
        return (1.0,) * len(xs)
    return after[1], *map(operator.mul, before[:-2], after[2:]), before[-2]


def _entry(*entries_and_index: float) -> float:
    *entries, index = entries_and_index
    return entries[int(index)] if 0 <= index < len(entries) and index == int(index) else math.nan


def _chosen(*entries_and_index: Any) -> Any:
    *entries, index = entries_and_index
    chosen: Any = math.nan
    for k, entry in reversed([*enumerate(entries)]):
        chosen = where(index == k, entry, chosen)
    return chosen


def _div_derivatives(a: Any, b: Any, out: Any) -> tuple[Any, ...]:
    if isinstance(out, float) and abs(out) < formulas.TINY < b * b < formulas.HUGE:  # a subnormal out has lost digits
        return 1 / b, -a / (b * b)
    return 1 / b, -out / b


add: Primitive = row(
    "add",
    operator.add,
    lambda a, b, out: (1.0, 1.0),
    symbol="+",
    doc="The sum of two numbers.",
    array="add",
    machine="fadd",
    slope=Slope.FINITE,
)
sub: Primitive = row(
    "sub",
    operator.sub,
    lambda a, b, out: (1.0, -1.0),
    symbol="-",
    doc="The difference of two numbers.",
    array="subtract",
    machine="fsub",
    slope=Slope.FINITE,
)
mul: Primitive = row(
    "mul",
    operator.mul,
    lambda a, b, out: (b, a),
    symbol="*",
    doc="The product of two numbers.",
    array="multiply",
    machine="fmul",
    slope=Slope.LIKE_VALUE,
)
div: Primitive = row(
    "div",
    operator.truediv,
    _div_derivatives,
    symbol="/",
    doc="The quotient of two numbers.",
    array="divide",
    machine="fdiv",
    compiled_derivatives=lambda a, b, out: (1 / b, -out / b),
    keeps_infinity=(0,),
)
neg: Primitive = row(
    "neg",
    operator.neg,
    lambda x, out: (-1.0,),
    symbol="-",
    doc="The negative of the number.",
    array="negative",
    machine="fneg",
    slope=Slope.FINITE,
)
detached: Primitive = row(
    "detach",
    lambda x: x,
    lambda x, out: (0.0,),
    doc="The number itself, detached from its graph.",
    array="detached",
    chooses=True,
    slope=Slope.NONE,
)
identity: Primitive = row(
    "identity",
    lambda x: x,
    lambda x, out: (1.0,),
    doc="The number itself, as a new node.",
    array="positive",
    slope=Slope.FINITE,
)

# Nodes of many parents
sum_: Primitive = row(
    "sum",
    lambda *xs: sum(xs, 0.0),
    lambda *xs_out: (1.0,) * (len(xs_out) - 1),
    doc="The sum of many numbers.",
    slope=Slope.FINITE,
)
dot: Primitive = row(
    "dot",
    formulas.dot,
    _dot_derivatives,
    doc="The dot product of two vectors of the same length, plus one number.",
    slope=Slope.LIKE_VALUE,
)
mean_: Primitive = row(
    "mean",
    lambda *xs: sum(xs, 0.0) / len(xs),
    lambda *xs_out: (1.0 / (len(xs_out) - 1),) * (len(xs_out) - 1),
    doc="The arithmetic mean of many numbers.",
    slope=Slope.FINITE,
)
prod_: Primitive = row(
    "prod",
    lambda *xs: math.prod(xs, start=1.0),
    _products_of_others,
    doc="The product of many numbers.",
    array="product",
    machine=lambda *xs: functools.reduce(operator.mul, xs),
    reduces="products_of_others",
)
max_: Primitive = row(
    "max",
    formulas.largest,
    _shares,
    doc="The largest; at a tie the derivative is shared equally.",
    array="largest",
    machine=lambda *xs: functools.reduce(maximum, xs),
    chooses=True,
    reduces="shares",
    slope=Slope.BOUNDED,
)
min_: Primitive = row(
    "min",
    formulas.smallest,
    _shares,
    doc="The smallest; at a tie the derivative is shared equally.",
    array="smallest",
    machine=lambda *xs: functools.reduce(minimum, xs),
    chooses=True,
    reduces="shares",
    slope=Slope.BOUNDED,
)

# Look-up by position

entry_at: Primitive = row(
    "entry_at",
    lambda *entries_and_index: _entry(*entries_and_index),
    lambda *entries_index_out: (*[1.0 * (entries_index_out[-2] == k) for k in range(len(entries_index_out) - 2)], 0.0),
    symbol="take",
    doc="The number at a position, counted from 0; nan if out of range. The position is the last operand.",
    array="entry_at",
    machine=lambda *entries_and_index: _chosen(*entries_and_index),
    chooses=True,
    slope=Slope.FINITE,
    hides_nan=True,
)

# Choices. Their rules multiply conditions by numbers: a bool counts as 0 or 1
where: Primitive = row(
    "where",
    lambda c, a, b: a if c else b,
    lambda c, a, b, out: (0.0, 1.0 * c, 1.0 - c),
    doc="The second number if the first is not 0, else the third.",
    array="where",
    machine="select",
    chooses=True,
    slope=Slope.FINITE,
    hides_nan=True,
)
absolute: Primitive = row(
    "abs",
    abs,
    lambda x, out: (1.0 * (x > 0) - 1.0 * (x < 0),),
    doc="The absolute value.",
    array="abs",
    machine=lambda x: where(x > 0, x, sub(0.0, x)),  # LLVM's fast instruction selector does not support fabs
    slope=Slope.FINITE,
    keeps_infinity=(0,),
)
maximum: Primitive = row(
    "maximum",
    lambda a, b: a if a > b or a != a else b,
    lambda a, b, out: (0.5 * (a > b) + 0.5 * (a >= b), 0.5 * (b > a) + 0.5 * (b >= a)),
    doc="The larger of two numbers; at a tie each side has derivative 1/2.",
    array="maximum",
    machine=lambda a, b: where(a > b, a, where(a != a, a, b)),
    chooses=True,
    slope=Slope.FINITE,
)
minimum: Primitive = row(
    "minimum",
    lambda a, b: a if a < b or a != a else b,
    lambda a, b, out: (0.5 * (a < b) + 0.5 * (a <= b), 0.5 * (b < a) + 0.5 * (b <= a)),
    doc="The smaller of two numbers; at a tie each side has derivative 1/2.",
    array="minimum",
    machine=lambda a, b: where(a < b, a, where(a != a, a, b)),
    chooses=True,
    slope=Slope.FINITE,
)
