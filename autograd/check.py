"""Check a gradient against finite differences of the function."""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

from autograd.nested import flatten, names
from autograd.pausing import no_grad
from autograd.reading import number_of
from autograd.transforms import grad
from autograd.value import Value


class Comparison(NamedTuple):
    """One partial derivative, computed by the engine and by differences.

    Attributes:
        argument: the number that the function is differentiated with respect to, such as `weights[2][0]`.
        gradient: the engine's derivative.
        difference: the central difference, or the one-sided one at the edge of a domain.
        uncertainty: the estimated error of the difference, from rounding and from the next larger step.
        relative_error: |gradient - difference| / max(|gradient|, |difference|); 0 if they are equal, inf if only one of
            them is finite.
    """

    argument: str
    gradient: float
    difference: float
    uncertainty: float
    relative_error: float


class GradientCheck(NamedTuple):
    """The result of `check_gradient`; true if it passed. `str()` gives a table, the worst first.

    Attributes:
        comparisons: one for each number of the arguments, the worst first.
        failures: the comparisons that disagree.
        passed: True if there are no failures.
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

    The difference (f(x + h) - f(x - h)) / 2h loses digits to rounding if h is small and to curvature if it is large.
    So h starts too small and grows fourfold, as long as each difference agrees with the previous one up to the
    rounding error of the latter; the last one that agrees is used.

    At the edge of a domain, one-sided differences are used; if they grow without bound, the derivative is infinite, as
    for sqrt at 0. At a kink, every slope between the slopes of the two sides is accepted.

    Args:
        f: a function that returns one number.
        args: numbers, or (nested) lists, tuples or arrays of numbers.
        tolerance: the largest relative error that passes, beyond the uncertainty of the differences themselves.

    Returns:
        A report that is true if all derivatives agree, and prints as a table.

    Raises:
        TypeError: if `f` does not return one number, or an argument contains anything but numbers.
        ValueError: if a number is infinite, since there is no difference to take.

    >>> bool(check_gradient(lambda x, y: (x * y).sin(), 0.5, 2.0))
    True
    """
    gradient = grad(f, tuple(range(len(args))))
    with no_grad():
        gradients = flatten(gradient(*args), "gradient")[0]
    numbers, rebuild = flatten(args, "arguments")
    points = [number_of(x) if isinstance(x, Value) else float(x) for x in numbers]
    for name, point in zip(_argument_names(f, args), points):
        if math.isinf(point):
            raise ValueError(f"check_gradient takes differences, so it needs finite numbers; {name} is {point}")

    def along(i: int) -> Callable[[float], float]:
        def f_of(x: float) -> float:
            with no_grad():
                moved = [Value(x if k == i else point) for k, point in enumerate(points)]
                result = f(*rebuild(iter(moved)))
            return number_of(result) if isinstance(result, Value) else float(result)

        return f_of

    def wrong(c: Comparison) -> bool:
        allowed = tolerance * max(abs(c.gradient), abs(c.difference)) + 10 * c.uncertainty
        return c.gradient != c.difference and not abs(c.gradient - c.difference) <= min(allowed, sys.float_info.max)

    comparisons = []
    for i, (argument, derivative) in enumerate(zip(_argument_names(f, args), gradients)):
        comparison = _compare(argument, derivative, *_central_difference(along(i), points[i]))
        if wrong(comparison):
            slope = _slope_of_sides(along(i), points[i], derivative)
            comparison = comparison if slope is None else _compare(argument, derivative, *slope)
        comparisons.append(comparison)

    comparisons.sort(key=lambda c: (not wrong(c), -c.relative_error))
    return GradientCheck(tuple(comparisons), tuple(filter(wrong, comparisons)))


def _central_difference(f: Callable[[float], float], x: float) -> tuple[float, float]:
    """Return the derivative of f at x by differences, and its uncertainty; nan if f is undefined around x."""
    h = max(math.ldexp(abs(x) or 1e-3, -40), math.ulp(0.0))
    estimate: tuple[float, float] | None = None
    while h <= max(abs(x), 1e-3) / 4:
        a, b = x - h, x + h
        h *= 4
        try:
            below, above = f(a), f(b)
            slope = (above - below) / (b - a)
        except (ArithmeticError, ValueError):  # the step leaves the domain, or is too small to change x
            slope = math.nan
        if not math.isfinite(slope):
            if estimate is not None:
                break
            continue
        rounding = 2 * sys.float_info.epsilon * (abs(below) + abs(above)) / (b - a)
        if estimate is not None and abs(slope - estimate[0]) > 8 * estimate[1]:
            return estimate[0], max(estimate[1], abs(slope - estimate[0]))  # more than rounding: curvature
        estimate = slope, rounding
    return estimate or (math.nan, 0.0)


def _compare(argument: str, gradient: float, difference: float, uncertainty: float) -> Comparison:
    error = abs(gradient - difference)
    if gradient == difference:
        relative = 0.0
    else:
        relative = error / max(abs(gradient), abs(difference)) if math.isfinite(error) else math.inf
    return Comparison(argument, gradient, difference, uncertainty, relative)


def _slope_of_sides(f: Callable[[float], float], x: float, gradient: float) -> tuple[float, float] | None:
    """Return the derivative at an edge, or at a kink the slope nearest to a gradient; None at an ordinary point."""
    slopes = [slope for side in (-1, 1) if (slope := _one_sided_difference(f, x, side)) is not None]
    if len(slopes) < 2:
        return slopes[0] if slopes else None
    (low, low_uncertainty), (high, high_uncertainty) = sorted(slopes)
    uncertainty = max(low_uncertainty, high_uncertainty)
    if low == high:
        return low, uncertainty
    if high - low <= 1e-3 * max(abs(low), abs(high)) + 100 * uncertainty and math.isfinite(high - low):
        return None
    return min(max(gradient, low), high), uncertainty


def _one_sided_difference(f: Callable[[float], float], x: float, side: int) -> tuple[float, float] | None:
    """Return the derivative to one side, and its uncertainty; inf if the differences grow without bound.

    None if f is undefined on that side. The step shrinks fourfold, and with it the error from curvature; if the slope
    is infinite, the differences grow by the same amount or more at every step.
    """
    differences: list[tuple[float, float]] = []
    for k in range(25):
        end = x + side * math.ldexp(max(abs(x), 1e-3), -2 - 2 * k)
        try:
            start_value, end_value = f(x), f(end)
            slope = (end_value - start_value) / (end - x)
        except (ArithmeticError, ValueError):  # the step leaves the domain, or is too small to change x
            continue
        if math.isfinite(slope):
            rounding = 2 * sys.float_info.epsilon * (abs(start_value) + abs(end_value)) / abs(end - x)
            differences.append((slope, rounding))
    if len(differences) < 3:
        return None
    exact = [slope for slope, rounding in differences if rounding < 1e-3 * abs(slope)][-6:]
    growth = [abs(b) - abs(a) for a, b in itertools.pairwise(exact) if a * b > 0]
    if len(growth) >= 3 and growth[0] > 0 and all(b >= 0.9 * a for a, b in itertools.pairwise(growth)):
        return math.copysign(math.inf, exact[-1]), 0.0
    changes = [abs(b[0] - a[0]) + b[1] for a, b in itertools.pairwise(differences)]
    best = min(range(len(changes)), key=changes.__getitem__)
    return differences[best + 1][0], changes[best]


def _argument_names(f: Callable[..., Any], args: tuple[Any, ...]) -> list[str]:
    """Name each number by its argument in the function's signature and its index in that argument."""
    import inspect

    try:
        bound = inspect.signature(f).bind(*args).arguments
    except (TypeError, ValueError):
        bound = {f"argument {i}": arg for i, arg in enumerate(args)}
    return [inner for name, arg in bound.items() for inner in names(arg, name)]
