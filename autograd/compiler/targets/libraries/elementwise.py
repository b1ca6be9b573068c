"""Apply primitives, and reductions by them, with a library's functions and the table's derivatives.

A row of the derivative table is computed by the library's function of NumPy's name, if it has one, else by the row's
expression. If the library would differentiate differently, as at ties of a maximum, or if the row is user-defined, the
row's derivative is used.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from autograd import primitives
from autograd.arrays import np
from autograd.compiler.arrays.operations import Application, Reduction
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.differentiate.rules import recorded
from autograd.compiler.targets.composed import expression, is_ours
from autograd.compiler.targets.libraries.library import Library
from autograd.compiler.targets.notation import comparison
from autograd.compiler.trace.rule_state import reads_state
from autograd.primitives import TABLE, Primitive

DIFFERENTIATED_ALIKE = frozenset(
    {
        *("add", "sub", "mul", "div", "neg", "identity", "abs", "sqrt", "constant_power", "sigmoid", "erf"),
        *("exp", "expm1", "log", "log1p", "log2", "log10", "sin", "cos", "tan", "atan"),
        *("sinh", "cosh", "tanh", "asinh", "exp2", "erfc", "gamma", "lgamma"),
    }
)
"""Rows whose derivatives the libraries compute by the table's formula or an equivalent one."""

NOT_IN_NUMPY = frozenset({"erf", "erfc", "gamma", "lgamma", "sigmoid"})
"""Rows for which libraries have a function of the row's name, and NumPy has none."""

Numbers = tuple[str | None, ...]
"""The texts of operands that are known numbers, to distinguish 0.0 from -0.0; None for other operands."""


class Elementwise:
    """Applies primitives to arrays of a library."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._functions: dict[object, Callable[..., Any]] = {}

    def apply(self, application: Application, operands: Sequence[Any], numbers: Sequence[float | None]) -> Any:
        """Apply a primitive elementwise.

        Args:
            numbers: the number of each operand that is a constant, else None.

        Raises:
            NotImplementedError: for a primitive that is not an expression of arrays.
        """
        key = *application, tuple([None if x is None else repr(x) for x in numbers])
        function = self._functions.get(key)
        if function is None:
            function = self._functions[key] = self._function(*key)
        return function(*operands)

    def _function(self, primitive: Primitive, careful: bool, numbers: Numbers) -> Callable[..., Any]:
        library = self._library
        if symbol := comparison(primitive):
            return partial(library.compare, symbol)
        if primitive is primitives.detached:
            return library.constant_of
        if primitive is primitives.where:
            return lambda c, a, b: library.where(library.is_nonzero(c), a, b)
        if primitive is primitives.constant_power and numbers[1] is not None:
            return lambda x, _, n=float(numbers[1]): library.power(x, n)
        if primitive is primitives.lgamma_derivative and numbers[1] == "1.0":
            digamma = library.function("digamma")
            assert digamma is not None
            return lambda x, _: digamma(x)
        if primitive.reduces and is_ours(primitive):
            over_last = self._reduction(primitive, careful)
            return lambda *arrays: over_last(library.stack(arrays))[..., 0]
        forward = self._forward(primitive, numbers)
        if is_ours(primitive) and primitive.name in DIFFERENTIATED_ALIKE:
            return forward
        return library.by_rule(forward, partial(self._slopes, primitive, numbers), careful)

    def _forward(self, primitive: Primitive, numbers: Numbers) -> Callable[..., Any]:
        """Return a function that computes a primitive's value."""
        library = self._library
        function = library.function(_name(primitive))
        if function is not None:
            return function
        if not is_ours(primitive) and reads_state(primitive):
            raise NotImplementedError(
                f"primitive {primitive.name!r} reads mutable state, so it is called number by number; "
                f"for {library.name} its rules must be expressions of their arguments"
            )
        program = expression(primitive, len(numbers))
        if program is None:
            raise NotImplementedError(
                f"primitive {primitive.name!r} is called number by number, which {library.name} cannot do: give it "
                "array=, the name of a function of NumPy or an expression of this package's functions"
            )
        return partial(self._run_expression, program)

    def _run_expression(self, program: ArrayProgram, *operands: Any) -> Any:
        values: list[Any] = []
        given = iter(operands)
        for operation in program.operations:
            if operation.kind == "argument":
                values.append(next(given))
            elif operation.kind == "constant":
                values.append(self._library.constant(operation.attribute))
            else:
                read = [program.operations[k] for k in operation.operands]
                numbers = [x.attribute if x.kind == "constant" else None for x in read]
                values.append(self.apply(operation.attribute, [values[k] for k in operation.operands], numbers))
        return values[program.outputs[0]]

    def _slopes(self, primitive: Primitive, numbers: Numbers, operands: Sequence[Any], out: Any) -> list[Any]:
        """Return the local derivatives of a primitive by its row's rule; numbers for constant ones."""
        rule = None if reads_state(primitive) else recorded(primitive, numbers)
        if rule is None:
            raise NotImplementedError(
                f"the derivatives of primitive {primitive.name!r} are not expressions of arrays, so "
                f"{self._library.name} cannot differentiate it: give it "
                "compiled_derivatives=, an expression of this package's functions"
            )
        values = [*operands, out]
        for step, references in rule.steps:
            read = [self._library.constant(x) if at is None else values[at] for at, x in references]
            values.append(self.apply(Application(step), read, [x if at is None else None for at, x in references]))
        return [x if at is None else values[at] for at, x in rule.results]

    # Reductions

    def reduce(self, reduction: Reduction, x: Any) -> Any:
        """Reduce an array."""
        function, axes, keepdims, careful = reduction
        library, shape = self._library, tuple(x.shape)
        if not axes:
            return x
        if function == "sum":
            return library.sum(x, axes, keepdims)
        others = tuple([k for k in range(len(shape)) if k not in axes])
        moved = library.transpose(x, (*others, *axes))
        flat = library.reshape(moved, (*[shape[k] for k in others], math.prod([shape[k] for k in axes])))
        if function == "any":
            reduced = library.largest(library.compare("!=", library.constant_of(flat), library.constant(0.0)))
        else:
            reduced = self._reduction(TABLE[function], careful)(flat)
        kept = [1 if k in axes else length for k, length in enumerate(shape) if keepdims or k not in axes]
        return library.reshape(reduced, tuple(kept))

    def _reduction(self, primitive: Primitive, careful: bool) -> Callable[[Any], Any]:
        """Return a function that reduces along the last axis, which is kept, with the row's derivatives."""
        key = "along the last axis", primitive, careful
        if key not in self._functions:
            library = self._library
            forward = {
                "max": library.largest,
                "min": self._smallest,
                "prod": library.product,
                "logsumexp": self._logsumexp,
            }
            if primitive.name not in forward:
                raise NotImplementedError(f"reduction {primitive.name!r} is not implemented for {library.name}")
            slopes = self._slopes_along_last(primitive)
            rule = lambda operands, out: [slopes(operands[0], out)]  # noqa: E731
            self._functions[key] = library.by_rule(forward[primitive.name], rule, careful, reduces=True)
        return self._functions[key]

    def _slopes_along_last(self, primitive: Primitive) -> Callable[[Any, Any], Any]:
        """Return a function from an array and its reduction along the last axis to the reduction's derivatives."""
        slopes = {"shares": self._shares, "softmax": self._softmax, "products_of_others": self._products_of_others}
        if primitive.reduces not in slopes:
            raise NotImplementedError(f"derivatives {primitive.reduces!r} are not implemented for {self._library.name}")
        return slopes[primitive.reduces]

    def slopes(self, primitive: Primitive, operands: Sequence[Any]) -> Any:
        """Return the derivatives of a reduction: of one array along its last axis, or one part for each of several."""
        *arrays, out = operands
        slopes = self._slopes_along_last(primitive)
        if len(arrays) == 1:
            return slopes(arrays[0], out)
        stacked = slopes(self._library.stack(arrays), out[..., None])
        axes = len(stacked.shape)
        return self._library.transpose(stacked, (axes - 1, *range(axes - 1)))

    def _smallest(self, x: Any) -> Any:
        return -self._library.largest(-x)

    def _shares(self, x: Any, out: Any) -> Any:
        """Return equal shares for all elements that are the largest, or smallest, along the last axis."""
        taken = self._library.compare("==", self._library.constant_of(x), self._library.constant_of(out))
        return taken / self._sum(taken)

    def _logsumexp(self, x: Any) -> Any:
        """Return log Σ exp(x) along the last axis, with one exponential that is 1 left to log1p."""
        library = self._library
        exponentials, shift = self._exponentials(x)
        is_one = library.compare("==", exponentials, library.constant(1.0))
        rest = self._sum(exponentials - is_one) + (self._sum(is_one) - 1.0)
        return shift + self._named("log1p", rest)

    def _softmax(self, x: Any, out: Any) -> Any:
        """Return the derivatives of logsumexp: 0 if all elements are -inf, nan if several are inf."""
        library = self._library
        one, infinity = library.constant(1.0), library.constant(math.inf)
        exponentials, _ = self._exponentials(x)
        total = self._sum(exponentials)
        shares = exponentials / library.where(library.is_nonzero(total), total, one)
        is_infinite = library.compare("==", library.constant_of(x), infinity)
        count = self._sum(is_infinite)
        single = library.where(
            library.is_nonzero(library.compare("==", count, one)), is_infinite, library.constant(math.nan)
        )
        return library.where(library.is_nonzero(count), single, shares)

    def _products_of_others(self, x: Any, out: Any) -> Any:
        """Return, for each number along the last axis, the product of all others."""
        library, size = self._library, int(x.shape[-1])
        backwards = np.array(range(size - 1, -1, -1))
        after = library.take(self._products_before(library.take(x, backwards)), backwards)
        return self._products_before(x) * after

    def _products_before(self, x: Any) -> Any:
        """Return, for each number along the last axis, the product of those before it; 1 for the first."""
        library, axis = self._library, len(x.shape) - 1
        one = library.broadcast(library.constant(1.0), (*x.shape[:-1], 1))
        return library.concatenate([one, library.running_products(x[..., :-1])], axis)

    def _exponentials(self, x: Any) -> tuple[Any, Any]:
        """Return exp(x - m) and m, the maximum along the last axis, or 0 where that is not finite."""
        library = self._library
        largest = library.constant_of(library.largest(x))
        is_finite = library.compare("<", self._named("abs", largest), library.constant(math.inf))
        shift = library.where(library.is_nonzero(is_finite), largest, library.constant(0.0))
        return self._named("exp", x - shift), shift

    def _named(self, name: str, x: Any) -> Any:
        function = self._library.function(name)
        assert function is not None, name
        return function(x)

    def _sum(self, x: Any) -> Any:
        return self._library.sum(x, (len(x.shape) - 1,), True)


def _name(primitive: Primitive) -> str:
    """Return the name of a library's function for a primitive; "" if none is known."""
    rule = primitive.array
    if is_ours(primitive) and primitive.name in NOT_IN_NUMPY:
        return primitive.name
    name = rule if isinstance(rule, str) else getattr(rule, "__name__", "")
    known = getattr(np, name, None) if name else None
    return name if known is not None and (isinstance(rule, str) or known is rule) else ""
