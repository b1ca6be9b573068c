"""The rungs for the other operators, and for plain numbers as operands."""

from __future__ import annotations

from autograd.teaching.engine_bench import Bench, Hint
from autograd.teaching.engine_company import CONSTANT, try_operation


def constant_right(bench: Bench) -> str:
    errors = [(Exception, CONSTANT.capitalize().replace("myvalue", "MyValue"))]
    bench.run("a + 3", {"a": 2.0}, 5.0, {"a": 1.0}, otherwise=CONSTANT, errors=errors)
    bench.run("a * 3", {"a": 2.0}, 6.0, {"a": 3.0}, otherwise=CONSTANT, errors=errors)
    bench.run("a * 0.5 + 1.5", {"a": 2.0}, 2.5, {"a": 0.5}, otherwise=CONSTANT, errors=errors)
    try_operation(bench, "a + 3", {"a": 2.0}, 5.0, {"a": 1.0}, "__add__", rule="∂(a + 3)/∂a = 1")
    try_operation(bench, "a * 3", {"a": 2.0}, 6.0, {"a": 3.0}, "__mul__", rule="∂(3a)/∂a = 3")
    return ""


def constant_left(bench: Bench) -> str:
    for program, data, grad, name in (("3 + a", 5.0, 1.0, "add"), ("3 * a", 6.0, 3.0, "mul")):
        circle = f"`__r{name}__` seems to call itself: inside it, `self {program[2]} other` calls `__{name}__`"
        errors = [(RecursionError, circle)]
        rule = f"∂({program})/∂a = {grad:g}"
        try_operation(bench, program, {"a": 2.0}, data, {"a": grad}, f"__r{name}__", rule=rule, errors=errors)
    bench.run("1.5 + 0.5 * a", {"a": 2.0}, 2.5, {"a": 0.5})
    return ""


def built_in_sum(bench: Bench) -> str:
    errors = [(Exception, "The built-in sum begins with 0 + a, so it needs `__radd__`")]
    given = {"a": 2.0, "b": 5.0, "c": 7.0}
    bench.run("sum([a, b, a * c])", given, 21.0, {"a": 8.0, "b": 1.0, "c": 2.0}, errors=errors)
    return ""


def in_place(bench: Bench) -> str:
    given = {"a": 2.0, "b": 5.0}
    bench.run("c = a; c += b; c = c + a", given, 9.0, {"a": 2.0, "b": 1.0})
    bench.run("c = a; c *= b; c = c + a", given, 12.0, {"a": 6.0, "b": 2.0})
    return ""


def negative(bench: Bench) -> str:
    sign = "∂(−a)/∂a = −1"
    hints: list[Hint] = [
        ({"data": 2.0}, "this is a: the sign of the number should change"),
        ({"data": -2.0, "a": 1.0}, f"the sign is lost in the backward step ({sign})"),
    ]
    try_operation(bench, "-a", {"a": 2.0}, -2.0, {"a": -1.0}, "__neg__", hints, sign)
    return ""


def minus(bench: Bench) -> str:
    right = "∂(a − b)/∂a = 1 and ∂(a − b)/∂b = −1"
    hints: list[Hint] = [
        ({"data": 3.0}, "this is b − a"),
        ({"data": 7.0}, "this is a + b"),
        ({"data": -3.0, "b": 1.0}, f"the sign of b is lost in the backward step ({right})"),
    ]
    try_operation(bench, "a - b", {"a": 2.0, "b": 5.0}, -3.0, {"a": 1.0, "b": -1.0}, "__sub__", hints, right)
    bench.run("a - a", {"a": 2.0}, 0.0, {"a": 0.0}, otherwise="the gradients of both paths add up: 1 − 1 = 0")
    bench.run("c = a; c -= b; c = c - a", {"a": 2.0, "b": 5.0}, -5.0, {"a": 0.0, "b": -1.0}, otherwise=right)
    bench.run("a - 3", {"a": 2.0}, -1.0, {"a": 1.0}, otherwise=CONSTANT)
    try_operation(bench, "a - 3", {"a": 2.0}, -1.0, {"a": 1.0}, "__sub__", rule="∂(a − 3)/∂a = 1")
    reflected = "`__rsub__(self, other)` is called with the left operand as `other`: it is other − self"
    hints = [({"data": -1.0}, f"this is a − 3. {reflected}")]
    rule = "∂(3 − a)/∂a = −1"
    try_operation(bench, "3 - a", {"a": 2.0}, 1.0, {"a": -1.0}, "__rsub__", hints, rule, value=reflected)
    return ""


def power(bench: Bench) -> str:
    rule = "∂(aⁿ)/∂a = n aⁿ⁻¹"
    hints: list[Hint] = [
        ({"data": 125.0, "a": 375.0}, f"this is n aⁿ, but {rule}"),
        ({"data": 125.0, "a": 25.0}, f"the factor n is missing ({rule})"),
        ({"data": 125.0, "a": 50.0}, f"this is (n − 1) aⁿ⁻¹, but {rule}"),
        ({"data": 125.0, "a": 374.0}, f"this is n aⁿ − 1: put n − 1 in brackets, `self.data ** (n - 1)` ({rule})"),
        ({"data": 15.0}, "this is 3a"),
        ({"data": 243.0}, "this is 3ᵃ"),
    ]
    try_operation(bench, "a ** 3", {"a": 5.0}, 125.0, {"a": 75.0}, "__pow__", hints, rule)
    bench.run("a ** 3", {"a": -2.0}, -8.0, {"a": 12.0}, otherwise=rule)
    bench.run("a ** -2", {"a": 2.0}, 0.25, {"a": -0.25}, otherwise=rule)
    bench.run("a ** 0.5", {"a": 4.0}, 2.0, {"a": 0.25}, otherwise=rule)
    bench.run("a ** 1", {"a": 4.0}, 4.0, {"a": 1.0}, otherwise=rule)
    bench.run("a ** 0", {"a": 4.0}, 1.0, {"a": 0.0}, otherwise=rule)
    zero = [(ArithmeticError, f"At a = 0, n aⁿ / a has no value, but n aⁿ⁻¹ has one: {rule}")]
    bench.run("a ** 2", {"a": 0.0}, 0.0, {"a": 0.0}, otherwise=f"at 0 too, {rule}", errors=zero)
    return ""


def divided(bench: Bench) -> str:
    rule = "∂(a/b)/∂a = 1/b and ∂(a/b)/∂b = −a/b²"
    hints: list[Hint] = [
        ({"data": 0.0}, "this is a // b"),
        ({"data": 4 / 3}, "this is b / a"),
        ({"a": 0.25, "b": 0.1875}, f"look at the sign ({rule})"),
        ({"a": 0.25, "b": -0.0625}, f"the factor a is missing ({rule})"),
        ({"a": 0.25, "b": -0.75}, f"the square is missing ({rule})"),
        ({"a": 0.25, "b": 0.0}, f"the divisor got nothing ({rule})"),
    ]
    try_operation(bench, "a / b", {"a": 3.0, "b": 4.0}, 0.75, {"a": 0.25, "b": -0.1875}, "__truediv__", hints, rule)
    bench.run("a / b", {"a": 5.0, "b": 0.5}, 10.0, {"a": 2.0, "b": -20.0}, otherwise=rule)
    bench.run("a / a", {"a": 4.0}, 1.0, {"a": 0.0}, otherwise="the gradients of both paths add up: 1/a − a/a² = 0")
    bench.run("c = a; c /= b; c = c / a", {"a": 2.0, "b": 4.0}, 0.25, {"a": 0.0, "b": -0.0625}, otherwise=rule)
    bench.run("a / 4", {"a": 3.0}, 0.75, {"a": 0.25}, otherwise=CONSTANT)
    try_operation(bench, "a / 4", {"a": 3.0}, 0.75, {"a": 0.25}, "__truediv__", rule="∂(a/4)/∂a = 1/4")
    reflected = "`__rtruediv__(self, other)` is called with the left operand as `other`: it is other / self"
    hints = [({"data": 2.5}, f"this is a / 2. {reflected}")]
    rule = "∂(2/a)/∂a = −2/a²"
    try_operation(bench, "2 / a", {"a": 5.0}, 0.4, {"a": -0.08}, "__rtruediv__", hints, rule, value=reflected)
    return ""


def everything(bench: Bench) -> str:
    program = (
        "c = a + b; d = a * b + b ** 3; c += c + 1; c += 1 + c + (-a); d += d * 2 + (b + a); d += 3 * d + (b - a); "
        "e = c - d; f = e ** 2; g = f / 2.0; g = g + 10.0 / f"
    )
    otherwise = "each operator is right by itself, so run halves of this program to find the error"
    bench.run(program, {"a": -4.0, "b": 2.0}, 10.5, {"a": 456.0, "b": 1843.0}, otherwise=otherwise)
    return ""
