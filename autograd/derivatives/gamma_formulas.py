"""Γ and log Γ in IEEE arithmetic, and the derivatives of log Γ of every order: digamma, trigamma, and so on."""

from __future__ import annotations

import math

ASYMPTOTIC_FROM = 16.0  # from here on the series below is exact to a float's precision; add 1 for each order
BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798)
"""B₂, B₄, ..., B₁₈."""


def gamma(x: float) -> float:
    """Γ(x): infinite if it overflows, nan at the poles."""
    try:
        return math.gamma(x)
    except OverflowError:
        return math.copysign(math.inf, x)
    except ValueError:
        return math.nan


def lgamma(x: float) -> float:
    """log |Γ(x)|: infinite if it overflows, and at the poles."""
    try:
        return math.lgamma(x)
    except (OverflowError, ValueError):
        return math.inf


def lgamma_derivative(x: float, order: float) -> float:
    """Return a derivative of log |Γ(x)|: order 1 is the digamma function ψ(x), order 2 its slope ψ′(x), and so on.

    For x > 0, the recurrence Γ(x + 1) = x Γ(x) shifts x to where the asymptotic series is accurate to the last digits;
    for x < 0, the reflection Γ(x) Γ(1 - x) = π / sin πx maps it above 0. nan at the poles: 0 and the negative integers.
    Source: Abramowitz and Stegun, 6.3 and 6.4.
    """
    n = int(order)
    if n == 0:
        return lgamma(x)
    if x != x or x == -math.inf or (x <= 0 and x == math.floor(x)):
        return math.nan
    if x == math.inf:
        return math.inf if n == 1 else 0.0
    if x > 0:
        return _above_0(x, n)
    reflected = _above_0(1 - x, n)
    return (reflected if n % 2 else -reflected) - math.pi**n * _cotangent_derivative(x, n - 1)


def _above_0(x: float, n: int) -> float:
    """ψ⁽ⁿ⁻¹⁾(x) for x > 0; for n > 1, up to the sign, Σ (n - 1)! / (x + k)ⁿ over all k ≥ 0."""
    steps = max(0, math.ceil(ASYMPTOTIC_FROM + n - x))
    z = x + steps
    factor = float(math.factorial(n - 1))
    skipped = [factor * _power(x + k, -n) for k in range(steps)]
    series = [
        b * (math.factorial(2 * k + n - 2) / math.factorial(2 * k)) * _power(z, 1 - 2 * k - n)
        for k, b in enumerate(BERNOULLI, start=1)
    ]
    if n == 1:
        return math.fsum([math.log(z), -0.5 / z, *(-term for term in series), *(-term for term in skipped)])
    first = factor / (n - 1) * _power(z, 1 - n)
    total = math.fsum([first, 0.5 * factor * _power(z, -n), *series, *skipped])
    return total if n % 2 == 0 else -total


def _power(x: float, n: int) -> float:
    try:
        return math.pow(x, n)
    except OverflowError:
        return math.inf


def _cotangent_derivative(x: float, order: int) -> float:
    """Return a derivative of cot at πx, as a polynomial in c = cot πx, since c′ = -(1 + c²)."""
    r = x - round(x)  # exact, so the poles do not shift
    c = 1 / math.tan(math.pi * r) if abs(r) < 0.25 else math.tan(math.pi * (math.copysign(0.5, r) - r))
    coefficients = [0.0, 1.0]
    for _ in range(order):
        slopes = [k * a for k, a in enumerate(coefficients)][1:]
        coefficients = [0.0] * (len(slopes) + 2)
        for k, a in enumerate(slopes):
            coefficients[k] -= a
            coefficients[k + 2] -= a
    total = 0.0
    for a in reversed(coefficients):  # Horner's rule
        total = total * c + a
    return total
