"""Comparisons as primitives, so that a trace can record them."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from autograd.primitives import Primitive
from autograd.table import Slope


def _comparison(name: str, symbol: str, compare: Callable[[Any, Any], bool]) -> Primitive:
    return Primitive(
        name,
        lambda a, b: 1.0 * compare(a, b),
        lambda a, b, out: (0.0, 0.0),
        symbol,
        chooses=True,
        slope=Slope.NONE,
        hides_nan=True,
    )


COMPARISONS = {
    symbol: _comparison(name, symbol, compare)
    for name, symbol, compare in (
        ("equal", "==", operator.eq),
        ("not_equal", "!=", operator.ne),
        ("less", "<", operator.lt),
        ("less_equal", "<=", operator.le),
        ("greater", ">", operator.gt),
        ("greater_equal", ">=", operator.ge),
    )
}
