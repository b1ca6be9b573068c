"""Checking a gradient against differences of the function itself."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from autograd.nested import flatten, names
from autograd.recording import no_grad
from autograd.transforms import grad
from autograd.value import Value


class Comparison(NamedTuple):
    """One partial derivative, twice.

    Attributes:
        argument: which number it is the derivative to, such as `weights[2][0]`.
        gradient: what the engine says.
        difference: what central differences say.
        uncertainty: how far the differences at neighbouring steps disagree.
        relative_error: |gradient - difference| / max(|gradient|, |difference|), 0 where they are equal.
    """

    argument: str
    gradient: float
    difference: float
    uncertainty: float
    relative_error: float


class GradientCheck(NamedTuple):
    """What `check_gradient` found; true where it passed. `str()` of it is a table, the worst first.

    Attributes:
        comparisons: one for each number of the arguments, the worst first.
        failures: those that disagree.
        passed: whether there are none.
    """

    comparisons: tuple[Comparison, ...]
    failures: tuple[Comparison, ...]

    @property
    def passed(self) -> bool:
        return not self.failures

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        n = len(self.comparisons)
        verdict = "gradients agree" if self.passed else f"{len(self.failures)} of {n} partial derivatives are wrong"
        shown = (self.failures or self.comparisons)[:10]
        width = max(len("argument"), *(len(c.argument) for c in shown)) if shown else 8
        lines = [verdict, f"{'argument':<{width}}  {'gradient':>23}  {'central difference':>23}  relative error"]
        lines += [
            f"{c.argument:<{width}}  {c.gradient:>23.15g}  {c.difference:>23.15g}  {c.relative_error:.1e}"
            for c in shown
        ]
        return "\n".join(lines)


def check_gradient(f: Callable[..., Any], *args: Any, tolerance: float = 1e-6) -> GradientCheck:
    """Compare the gradient of `f` with central differences, for each number of each argument.

    The difference (f(x + h) - f(x - h)) / 2h loses digits to rounding where h is small and to curvature where it is
    large, so it is taken at a ladder of steps, extrapolated to h = 0 from each pair of neighbours (Richardson), and
    the one kept on which its neighbours agree best.

    Args:
        f: a function that returns one number.
        args: numbers, or (nested) lists, tuples or arrays of numbers.
        tolerance: the largest relative error that passes, beyond the uncertainty of the differences themselves.

    Returns:
        A report that is true where all agree, and prints as a table.

    Raises:
        TypeError: if `f` does not return one number, or an argument holds something else.

    >>> bool(check_gradient(lambda x, y: (x * y).sin(), 0.5, 2.0))
    True
    """
    gradient = grad(f, tuple(range(len(args))))
    with no_grad():
        gradients = flatten(gradient(*args), "gradient")[0]
    numbers, rebuild = flatten(args, "arguments")
    points = [x.data if isinstance(x, Value) else float(x) for x in numbers]

    def along(i: int) -> Callable[[float], float]:
        def f_of(x: float) -> float:
            with no_grad():
                moved = [Value(x if k == i else point) for k, point in enumerate(points)]
                result = f(*rebuild(iter(moved)))
            return result.data if isinstance(result, Value) else float(result)

        return f_of

    comparisons = []
    for i, (argument, derivative) in enumerate(zip(_argument_names(f, args), gradients)):
        difference, uncertainty = _central_difference(along(i), points[i])
        size = max(abs(derivative), abs(difference))
        error = 0.0 if derivative == difference else abs(derivative - difference) / size
        comparisons.append(Comparison(argument, derivative, difference, uncertainty, error))

    def wrong(c: Comparison) -> bool:
        allowed = tolerance * max(abs(c.gradient), abs(c.difference)) + 10 * c.uncertainty
        return not abs(c.gradient - c.difference) <= allowed

    comparisons.sort(key=lambda c: (not wrong(c), -c.relative_error))
    return GradientCheck(tuple(comparisons), tuple(filter(wrong, comparisons)))


def _central_difference(f: Callable[[float], float], x: float) -> tuple[float, float]:
    """The derivative of f at x by differences, and how far the best of them disagree among themselves."""
    estimates: list[float] = []
    coarse = math.nan
    for k in range(4, 30):
        h = math.ldexp(max(abs(x), 1e-3), -k)
        h = (x + h) - x  # a step that x can really take
        try:
            fine = (f(x + h) - f(x - h)) / (2 * h)
        except (ArithmeticError, ValueError):  # the step leaves the domain: take a smaller one
            fine = math.nan
        estimates.append((4 * fine - coarse) / 3)
        coarse = fine
    gaps = [
        max(abs(b - a), abs(c - b)) if math.isfinite(a + b + c) else math.inf
        for a, b, c in zip(estimates, estimates[1:], estimates[2:])
    ]
    best = min(range(len(gaps)), key=gaps.__getitem__)
    if math.isinf(gaps[best]):
        return math.nan, 0.0
    return estimates[best + 1], gaps[best]


def _argument_names(f: Callable[..., Any], args: tuple[Any, ...]) -> list[str]:
    """The names that the function's own signature gives its arguments, and the indices into them."""
    import inspect

    try:
        bound = inspect.signature(f).bind(*args).arguments
    except (TypeError, ValueError):
        bound = {f"argument {i}": arg for i, arg in enumerate(args)}
    return [inner for name, arg in bound.items() for inner in names(arg, name)]
