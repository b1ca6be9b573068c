"""Write functions of whole rows: softmax, log-sum-exp, and others.

They agree with the functions of the same names in `targets/kernels.py`, including at inf and nan.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from autograd import primitives
from autograd.compiler.targets.native.cost import MOST_UNROLLED
from autograd.compiler.targets.native.nests import Rows, Several, pieces
from autograd.compiler.targets.native.writing.code import Extent
from autograd.compiler.targets.native.writing.elementwise import over
from autograd.compiler.targets.native.writing.evaluate import Evaluator
from autograd.compiler.targets.straight_line.instructions import UnwritableError

Step = Callable[[int, list[str]], list[str]]
"""Adds the code for this many neighbours, given the values carried along the row."""


class RowWriter:
    """Writes the loops of a `Rows` nest."""

    def __init__(self, evaluator: Evaluator, rows: Rows, width: int) -> None:
        self._evaluator, self._lanes, self._rows, self._width = evaluator, evaluator.lanes, rows, width
        self._axis = len(rows.lengths) - 1
        if rows.lengths[-1].power:
            raise UnwritableError("a row with an element for each sample")
        self._length = rows.lengths[-1].factor

    def write(self) -> None:
        """Add the loops."""
        functions = {
            "softmax": self._softmax,
            "logsumexp": self._logsumexp,
            "shares": self._shares,
            "products_of_others": self._products,
            "accumulate": self._accumulate,
            "accumulate backward": self._accumulate,
        }
        over(self._evaluator, list(enumerate(self._rows.lengths[:-1])), functions[self._rows.function])

    def _along(self, step: Step, carried: Sequence[str] = ()) -> list[list[str]]:
        """Add a step along the row; return the carried values, for the vectors of each width in turn."""
        evaluator, axis, width = self._evaluator, self._axis, self._width
        covered = pieces(self._length, width)
        full = sum(1 for _, size in covered if size == width)
        results = []
        if full > MOST_UNROLLED:

            def body(index: str, before: list[str]) -> list[str]:
                with evaluator.inside(), evaluator.at(axis, (index, 0)):
                    return step(width, before)

            wide = [(self._lanes.type(width), self._lanes.splat(x, width)) for x in carried]
            results.append(evaluator.code.loop(str(full * width), body, wide, width))
            covered = covered[full:]
        for start, size in covered:
            before = [self._lanes.splat(x, size) for x in carried]
            with evaluator.at(axis, ("0", start)):
                results.append(step(size, before))
        return results

    def _folded(self, first: str, results: list[list[str]], combine: Callable[[str, str, int], str]) -> str:
        """Reduce the results of `_along`, one vector for each width, to one number."""
        widths = self._widths()
        total = first
        for (vector,), width in zip(results, widths, strict=True):
            total = combine(total, self._lanes.across(vector, width, combine), 1)
        return total

    def _widths(self) -> list[int]:
        covered = [size for _, size in pieces(self._length, self._width)]
        full = covered.count(self._width)
        return [self._width, *covered[full:]] if full > MOST_UNROLLED else covered

    def _element(self, size: int) -> str:
        return self._evaluator.vector(self._rows.nodes[0], self._axis, size)

    def _store(self, value: str, size: int) -> None:
        self._evaluator.store(self._rows.target, value, self._axis, size)

    def _stored(self, size: int) -> str:
        """Load stored values."""
        lanes, target, axis = self._lanes, self._rows.target, self._axis
        if size > 1 and target.strides[axis] == Extent(1):
            return lanes.code.value(f"load {lanes.type(size)}, ptr {self._evaluator.pointer(target)}, align 4")
        register, start = self._evaluator.positions[axis]
        scalars = []
        for lane in range(size):
            with self._evaluator.at(axis, (register, start + lane)):
                scalars.append(lanes.code.value(f"load {lanes.element}, ptr {self._evaluator.pointer(target)}"))
        return lanes.build(scalars)

    def _add(self, a: str, b: str, width: int) -> str:
        return self._lanes.arithmetic("fadd", a, b, width)

    def _largest(self) -> str:
        def larger(a: str, b: str, width: int) -> str:
            return self._lanes.apply(primitives.maximum, (a, b), width)

        least = self._lanes.number(-math.inf)
        return self._folded(
            least, self._along(lambda size, x: [larger(x[0], self._element(size), size)], [least]), larger
        )

    def _softmax(self) -> None:
        lanes = self._lanes
        largest, zero = self._largest(), lanes.number(0.0)

        def exponentials(size: int, sums: list[str]) -> list[str]:
            x, top = self._element(size), lanes.splat(largest, size)
            difference = lanes.arithmetic("fsub", x, top, size)
            is_largest = lanes.condition("oeq", x, top, size)
            e = lanes.call("exp", lanes.choose(is_largest, lanes.number(0.0, size), difference, size), size)
            self._store(e, size)
            return [self._add(sums[0], e, size)]

        total = self._folded(zero, self._along(exponentials, [zero]), self._add)
        one, nan, infinite = lanes.number(1.0), lanes.number(math.nan), lanes.number(math.inf)
        is_alone = lanes.condition("oeq", total, one, 1)
        is_finite = lanes.condition("olt", largest, infinite, 1)
        total = lanes.choose(is_finite, total, lanes.choose(is_alone, one, nan, 1), 1)
        is_nothing = lanes.condition("oeq", largest, lanes.number(-math.inf), 1)

        def divided(size: int, _: list[str]) -> list[str]:
            share = lanes.arithmetic("fdiv", self._stored(size), lanes.splat(total, size), size)
            self._store(lanes.choose_all(is_nothing, lanes.number(0.0, size), share, size), size)
            return []

        self._along(divided)

    def _logsumexp(self) -> None:
        lanes = self._lanes
        largest, zero, one = self._largest(), lanes.number(0.0), lanes.number(1.0)
        difference = lanes.arithmetic("fsub", largest, largest, 1)
        shift = lanes.choose(lanes.condition("oeq", difference, zero, 1), largest, zero, 1)

        def parts(size: int, sums: list[str]) -> list[str]:
            e = lanes.call("exp", lanes.arithmetic("fsub", self._element(size), lanes.splat(shift, size), size), size)
            is_one = lanes.condition("oeq", e, lanes.number(1.0, size), size)
            counted = lanes.choose(is_one, lanes.number(1.0, size), lanes.number(0.0, size), size)
            rest = lanes.arithmetic("fsub", e, counted, size)
            return [self._add(sums[0], rest, size), self._add(sums[1], counted, size)]

        results = self._along(parts, [zero, zero])
        rest = self._folded(zero, [x[:1] for x in results], self._add)
        ones = self._folded(zero, [x[1:] for x in results], self._add)
        # One exponential that is 1, the largest, is left to log1p: in a sum with it, the others would lose digits.
        rest = self._add(rest, lanes.arithmetic("fsub", ones, one, 1), 1)
        self._store(self._add(largest, lanes.call("log1p", rest, 1), 1), 1)

    def _shares(self) -> None:
        lanes, zero = self._lanes, self._lanes.number(0.0)

        def taken(size: int, sums: list[str]) -> list[str]:
            reduced = self._evaluator.vector(self._rows.nodes[1], self._axis, size)
            is_taken = lanes.condition("oeq", self._element(size), reduced, size)
            share = lanes.choose(is_taken, lanes.number(1.0, size), lanes.number(0.0, size), size)
            self._store(share, size)
            return [self._add(sums[0], share, size)]

        total = self._folded(zero, self._along(taken, [zero]), self._add)

        def divided(size: int, _: list[str]) -> list[str]:
            self._store(lanes.arithmetic("fdiv", self._stored(size), lanes.splat(total, size), size), size)
            return []

        self._along(divided)

    def _products(self) -> None:
        """Add the products of the elements before each, then multiply by those of the elements after it."""
        lanes, one = self._lanes, self._lanes.number(1.0)

        def before(carried: list[str]) -> list[str]:
            self._store(carried[0], 1)
            return [lanes.arithmetic("fmul", carried[0], self._element(1), 1)]

        def after(carried: list[str]) -> list[str]:
            self._store(lanes.arithmetic("fmul", self._stored(1), carried[0], 1), 1)
            return [lanes.arithmetic("fmul", carried[0], self._element(1), 1)]

        self._one_by_one(before, one)
        self._one_by_one(after, one, backward=True)

    def _accumulate(self) -> None:
        def so_far(carried: list[str]) -> list[str]:
            total = self._add(carried[0], self._element(1), 1)
            self._store(total, 1)
            return [total]

        self._one_by_one(so_far, self._lanes.number(0.0), self._rows.function == "accumulate backward")

    def _one_by_one(self, step: Callable[[list[str]], list[str]], first: str, backward: bool = False) -> None:
        evaluator, code = self._evaluator, self._evaluator.code

        def body(index: str, carried: list[str]) -> list[str]:
            place = code.value(f"sub i64 {self._length - 1}, {index}") if backward else index
            with evaluator.inside(), evaluator.at(self._axis, (place, 0)):
                return step(carried)

        code.loop(str(self._length), body, [(self._lanes.element, first)])


def write_several(evaluator: Evaluator, several: Several) -> None:
    """Add all derivatives of a variadic primitive at each place."""

    def at_place() -> None:
        operands = [evaluator.vector(node, 0, 1) for node in several.nodes]
        results = evaluator.lanes.slopes(primitive, operands, 1)
        for k, result in enumerate(results):
            with evaluator.at(axes, ("0", k)):
                evaluator.store(several.target, result, 0, 1)

    axes, primitive = len(several.lengths), several[1]
    over(evaluator, list(enumerate(several.lengths)), at_place)
