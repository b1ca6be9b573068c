"""The rungs for optional functions."""

from __future__ import annotations

import math

from autograd.teaching.engine_bench import Bench, EngineError, Hint
from autograd.teaching.engine_company import try_operation


def exp(bench: Bench) -> str:
    rule = "exp is its own derivative: eˣ, the number of the result"
    for x in (1.5, -0.5):
        e = math.exp(x)
        hints: list[Hint] = [
            ({"data": e, "a": x}, f"this is a, but {rule}"),
            ({"data": e, "a": x * e / math.e}, f"eᵃ is not a power of a, so the power rule does not apply: {rule}"),
            ({"data": 2**x}, "this is 2ᵃ; `math.exp` computes eᵃ"),
        ]
        try_operation(bench, "a.exp()", {"a": x}, e, {"a": e}, "exp", hints, rule, value="`math.exp` computes it")
    return ""


def log(bench: Bench) -> str:
    rule = "the natural logarithm, whose derivative is 1/a"
    for x in (4.0, 0.25):
        y = math.log(x)
        hints: list[Hint] = [
            ({"data": math.log10(x)}, f"this is the logarithm to base 10. Expected is {rule}"),
            ({"data": math.log2(x)}, f"this is the logarithm to base 2. Expected is {rule}"),
            ({"data": math.log1p(x)}, f"this is the logarithm of 1 + a. Expected is {rule}"),
            ({"data": y, "a": 1 / y}, f"this is 1 over the result: {rule}"),
            ({"data": y, "a": x}, f"this is a: {rule}"),
        ]
        try_operation(bench, "a.log()", {"a": x}, y, {"a": 1 / x}, "log", hints, rule, value="`math.log` computes it")
    return ""


def tanh(bench: Bench) -> str:
    rule = "with t = tanh(a), the derivative is 1 − t²"
    for x in (0.5, -1.25):
        t = math.tanh(x)
        hints: list[Hint] = [
            ({"data": 1 / (1 + math.exp(-x))}, "this is the sigmoid of a, which goes from 0 to 1; tanh from −1 to 1"),
            ({"data": math.tanh(x / 2)}, "this is tanh(a/2): (e²ᵃ − 1) / (e²ᵃ + 1) has 2a in its exponents"),
            ({"data": math.tan(x)}, "this is tan; `math.tanh` is the hyperbolic one"),
            ({"data": t, "a": 1 - x * x}, f"this is 1 − a², but {rule}"),
            ({"data": t, "a": t * (1 - t)}, f"this is the derivative of the sigmoid; {rule}"),
            ({"data": t, "a": 1 - t}, f"this is 1 − t, but {rule}"),
            ({"data": t, "a": 1 - math.tanh(t) ** 2}, f"tanh was applied twice: {rule}"),
        ]
        try_operation(
            bench, "a.tanh()", {"a": x}, t, {"a": 1 - t * t}, "tanh", hints, rule, value="`math.tanh` computes it"
        )
    return far(bench, "a.tanh()", {1000.0: 1.0, -1000.0: -1.0})


def sigmoid(bench: Bench) -> str:
    rule = "with o = σ(a) = 1 / (1 + e⁻ᵃ), the derivative is o(1 − o)"
    for x in (0.5, -2.0):
        s = 1 / (1 + math.exp(-x))
        hints: list[Hint] = [
            ({"data": s, "a": x * (1 - x)}, f"this is a(1 − a), but {rule}"),
            ({"data": s, "a": 1 - s * s}, f"this is the derivative of tanh; {rule}"),
            ({"data": s, "a": 1 - s}, f"the factor o is missing ({rule})"),
            ({"data": s, "a": s}, f"the factor 1 − o is missing ({rule})"),
            ({"data": 1 - s}, f"look at the sign in the exponent ({rule})"),
            ({"data": math.tanh(x)}, f"this is tanh ({rule})"),
            ({"data": 1 / 1 + math.exp(-x)}, f"put the whole denominator in brackets ({rule})"),
        ]
        try_operation(
            bench, "a.sigmoid()", {"a": x}, s, {"a": s * (1 - s)}, "sigmoid", hints, rule, value="σ(a) = 1 / (1 + e⁻ᵃ)"
        )
    return far(bench, "a.sigmoid()", {1000.0: 1.0, -1000.0: 0.0})


def relu(bench: Bench) -> str:
    rule = "relu passes the gradient on where a > 0, and nothing where a < 0"
    value = "relu is a where a > 0, and 0 elsewhere"
    for x in (-3.0, -0.25):
        bench.run("a.relu()", {"a": x}, 0.0, otherwise=value)
    for x in (3.0, 0.25):
        hints: list[Hint] = [({"data": x, "a": x}, f"this is a; {rule}")]
        try_operation(bench, "a.relu()", {"a": x}, x, {"a": 1.0}, "relu", hints, rule, value=value)
    for x in (-3.0, -0.25):
        bench.run("a.relu()", {"a": x}, 0.0, {"a": 0.0}, otherwise=rule)
        bench.run("k * a.relu()", {"a": x, "k": -2.0}, 0.0, {"a": 0.0}, otherwise=rule)
    return ""


def far(bench: Bench, program: str, expected: dict[float, float]) -> str:
    """Return a remark if a formula overflows where its function does not; else ""."""
    for x, y in expected.items():
        try:
            bench.run(program, {"a": x}, y)
        except (ArithmeticError, EngineError):
            return f"At a = {x:g}, `{program}` should be {y:g}: the formula overflows, the function does not."
    return ""
