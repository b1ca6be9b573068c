"""The ladder that `check_engine` climbs: what an engine must be able to do, each rung once, the easy ones first.

Each rung is a function of a Bench. It raises EngineError, or whatever the engine raises, and returns a remark or "".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from autograd.engine_bench import Bench, EngineError, Hint, close

INFINITE = math.inf
DEPTH = 10_000
DOUBLINGS = 64
ASSIGNS = "does `{}` assign the gradient instead of adding to it? Write `self.grad += ...`"
LATE = (
    "all of it went to one operand: functions that are made in a loop all see the loop's last operand. Bind it when "
    "the function is made, as in `lambda parent=parent: ...`"
)
CONSTANT = (
    "make a MyValue of the number before you compute with it, as in "
    "`other = other if isinstance(other, MyValue) else MyValue(other)`"
)


class Rung(NamedTuple):
    """One rung: its name, what it asks for, how that is tried, the method without which it is skipped."""

    name: str
    asks: str
    climb: Callable[[Bench], str]
    method: str = ""
    too_slow: str = "is there a loop that never ends?"


def number(bench: Bench) -> str:
    bench.errors = [(TypeError, "The constructor takes one number: `def __init__(self, data):`")]
    a, b = bench.leaves(a=3.0, b=-2.0).values()
    for node, x, expected in ((a, 3.0, 3.0), (b, -2.0, -2.0)):
        bench.doing = f"`{bench.name}({x!r})`"
        for attribute, start in (("data", "data"), ("grad", "0.0")):
            if not hasattr(node, attribute):
                raise EngineError(
                    f"{bench.doing} has no `{attribute}`: write `self.{attribute} = {start}` in `__init__`"
                )
        if not close(seen := bench.number(node, "it", "data"), expected):
            shared = "is `data` kept on the class instead of on `self`?" if close(seen, -2.0) else "keep the number"
            raise EngineError(f"{bench.doing} has data = {seen:.9g}, expected {expected:g}: {shared}")
        if not close(seen := bench.number(node, "it", "grad"), 0.0):
            raise EngineError(f"{bench.doing} has grad = {seen:.9g}, expected 0: nothing has gone backward yet")
    return ""


def plus(bench: Bench) -> str:
    bench.run("a + b", {"a": 2.0, "b": 5.0}, 7.0)
    bench.run("(a + b) + (c + a)", {"a": 2.0, "b": 5.0, "c": 0.5}, 9.5)
    return ""


def times(bench: Bench) -> str:
    bench.run("a * b", {"a": 2.0, "b": 5.0}, 10.0, hints=[({"data": 7.0}, "does `__mul__` add?")])
    bench.run("(a + b) * c", {"a": 2.0, "b": 5.0, "c": -3.0}, -21.0)
    return ""


def parents(bench: Bench) -> str:
    a, b = bench.leaves(a=2.0, b=5.0).values()
    for symbol, node in (("+", a + b), ("*", a * b), ("leaf", a)):
        bench.doing = f"`a {symbol} b`" if symbol != "leaf" else f"`{bench.name}(2.0)`"
        name = next((name for name in ("parents", "_prev") if hasattr(node, name)), None)
        if name is None:
            raise EngineError(
                f"{bench.doing} gave a node that has neither `parents` nor `_prev`: let it remember in `self.parents` "
                "the two that it was computed from"
            )
        found = list(getattr(node, name) or ())
        if symbol == "leaf":
            if found:
                raise EngineError(
                    f"{bench.doing} was computed from nothing, but has {len(found)} parents, expected none"
                )
            continue
        for operand, which in ((a, "a"), (b, "b")):
            if not any(parent is operand for parent in found):
                copy = any(isinstance(getattr(parent, "data", None), float) for parent in found)
                raise EngineError(
                    f"{bench.doing} gave a node whose `{name}` do not contain {which}: "
                    + ("keep the operands themselves, not copies or other nodes" if copy else "keep both operands")
                )
        if len(found) != 2:
            raise EngineError(f"{bench.doing} gave a node with {len(found)} parents, expected 2")
    return ""


def seed(bench: Bench) -> str:
    a, b, leaf = bench.leaves(a=2.0, b=5.0, leaf=7.0).values()
    for text, result in (("c = a + b; c.backward()", a + b), (f"c = {bench.name}(7.0); c.backward()", leaf)):
        bench.doing = f"`{text}`"
        result.backward()
        seen = bench.number(result, "c", "grad")
        if not close(seen, 1.0):
            raise EngineError(
                f"{bench.doing} left c.grad = {seen:.9g}, expected 1, since dc/dc = 1: backward() begins with "
                "`self.grad = 1.0`"
            )
    return ""


def plus_gradient(bench: Bench) -> str:
    nothing = "nothing reached the operands: does backward() call what `__add__` prepared, and did it prepare it?"
    hints: list[Hint] = [
        ({"a": 0.0, "b": 0.0}, nothing),
        ({"a": 0.0, "b": 2.0}, LATE),
        ({"a": 2.0, "b": 0.0}, LATE),
        ({"a": 2.0, "b": 2.0}, "does backward() call what `__add__` prepared twice?"),
        ({"a": 1.0, "b": 0.0}, "the second operand got nothing"),
        ({"a": 0.0, "b": 1.0}, "the first operand got nothing"),
    ]
    bench.run("a + b", {"a": 2.0, "b": 5.0}, 7.0, {"a": 1.0, "b": 1.0}, hints, "∂(a + b)/∂a = 1 and ∂(a + b)/∂b = 1")
    return ""


def times_gradient(bench: Bench) -> str:
    hints: list[Hint] = [
        ({"a": 3.0, "b": 5.0}, "each operand got its own number, but ∂(ab)/∂a = b and ∂(ab)/∂b = a"),
        ({"a": 0.0, "b": 0.0}, "nothing reached the operands: does `__mul__` prepare its way back as `__add__` does?"),
        ({"a": 0.0}, LATE),
        ({"b": 0.0}, LATE),
        ({"a": 1.0, "b": 1.0}, "these are the derivatives of a + b"),
        ({"a": 15.0}, "does it hand on the product instead of the other operand?"),
        ({"a": 10.0, "b": 6.0}, "does backward() call what `__mul__` prepared twice?"),
    ]
    bench.run("a * b", {"a": 3.0, "b": 5.0}, 15.0, {"a": 5.0, "b": 3.0}, hints, "∂(ab)/∂a = b and ∂(ab)/∂b = a")
    return ""


def chain(bench: Bench) -> str:
    stops = (
        "the gradient got no further than the last operation: backward() has to go on to the parents of the parents, "
        "from the result towards the leaves (if you sort the nodes first, go through them in reverse)"
    )
    local = "is the local derivative multiplied by the gradient of the result, `out.grad`? That is the chain rule"
    otherwise = "the chain rule: ∂out/∂a is the product of the local derivatives along the way"
    given = {"a": 2.0, "b": 5.0, "c": 7.0}
    hints: list[Hint] = [({"a": 0.0, "b": 0.0}, stops), ({"a": 5.0, "b": 2.0}, local)]
    bench.run("(a * b) * c", given, 70.0, {"a": 35.0, "b": 14.0, "c": 10.0}, hints, otherwise)
    hints = [({"b": 0.0, "c": 0.0}, stops), ({"b": 1.0, "c": 1.0}, local)]
    bench.run("a * (b + c)", given, 24.0, {"a": 12.0, "b": 2.0, "c": 2.0}, hints, otherwise)
    program = "((((a + b) * c + d) * e + f) * g + h) * i"
    given = dict(zip("abcdefghi", (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0)))
    bench.run(program, given, 4545.0, {"a": 945.0, "c": 945.0, "e": 819.0, "g": 639.0, "h": 9.0, "i": 505.0},
              [({"a": 0.0}, stops)], otherwise)  # fmt: skip
    return ""


def used_twice(bench: Bench) -> str:
    both = "a value that is used twice is reached along both ways, and what comes along them adds up"
    mul, add = ASSIGNS.format("__mul__"), ASSIGNS.format("__add__")
    twice = "is what an operation prepared called more than once?"
    bench.run("a * a", {"a": 3.0}, 9.0, {"a": 6.0}, [({"a": 3.0}, mul), ({"a": 12.0}, twice)], both)
    bench.run("a + a", {"a": 3.0}, 6.0, {"a": 2.0}, [({"a": 1.0}, add), ({"a": 4.0}, twice)], both)
    hints: list[Hint] = [({"a": 1.0}, add), ({"a": 5.0}, mul)]
    bench.run("a * b + a", {"a": 2.0, "b": 5.0}, 12.0, {"a": 6.0, "b": 2.0}, hints, both)
    bench.run("a + a * b", {"a": 2.0, "b": 5.0}, 12.0, {"a": 6.0, "b": 2.0}, hints, both)
    return ""


def diamond(bench: Bench) -> str:
    again = (
        "too much. Is a node gone through more than once, once for each way that leads to it? Keep a set of the nodes "
        "that have been visited"
    )
    early = (
        "too little. Does a node hand its gradient on before all that use it have added theirs? Go through the nodes "
        "in topological order, reversed: each after all that were computed from it"
    )
    for program in ("c = a * b; d = c + b; e = c * d", "c = a * b; d = b + c; e = d * c"):
        hints: list[Hint] = [({"a": (65.0, INFINITE)}, again), ({"a": (0.0, 65.0)}, early)]
        bench.run(program, {"a": 2.0, "b": 5.0}, 150.0, {"a": 125.0, "b": 60.0}, [
            ({"a": (125.0, INFINITE)}, again), ({"a": (-INFINITE, 125.0)}, early),
            ({"b": (60.0, INFINITE)}, again), *hints], early)  # fmt: skip

    def fibonacci(a: Any, b: Any) -> Any:
        for _ in range(15):
            a, b = b, a + b
        return b

    words = "(a, b = b, a + b) 15 times, as Fibonacci did; b"
    hints = [({"b": (987.0, INFINITE)}, again), ({"a": (610.0, INFINITE)}, again)]
    bench.run((words, fibonacci), {"a": 2.0, "b": 5.0}, 6155.0, {"a": 610.0, "b": 987.0}, hints, early)
    return ""


def twins(bench: Bench) -> str:
    told_apart = (
        "two nodes that hold the same number are still two. Does the class define `__eq__` by number, and does "
        "backward() look for nodes with `in`? Tell them apart by `is`, or keep id(node) in the set"
    )
    bench.run(
        "c = a + b; d = b + a; e = c * d", {"a": 3.0, "b": 3.0}, 36.0, {"a": 12.0, "b": 12.0}, otherwise=told_apart
    )
    return ""


def sharing(bench: Bench) -> str:
    def doubled(a: Any) -> Any:
        for _ in range(DOUBLINGS):
            a = a + a
        return a

    n = 2.0**DOUBLINGS
    bench.run((f"(a = a + a) {DOUBLINGS} times; a", doubled), {"a": 1.0}, n, {"a": n})
    return ""


def constant_right(bench: Bench) -> str:
    errors = [(Exception, CONSTANT.capitalize().replace("myvalue", "MyValue"))]
    bench.run("a + 3", {"a": 2.0}, 5.0, {"a": 1.0}, otherwise=CONSTANT, errors=errors)
    bench.run("a * 3", {"a": 2.0}, 6.0, {"a": 3.0}, otherwise=CONSTANT, errors=errors)
    bench.run("a * 0.5 + 1.5", {"a": 2.0}, 2.5, {"a": 0.5}, otherwise=CONSTANT, errors=errors)
    return ""


def constant_left(bench: Bench) -> str:
    for program, data, grad, name in (("3 + a", 5.0, 1.0, "add"), ("3 * a", 6.0, 3.0, "mul")):
        circle = f"`__r{name}__` seems to call itself: in it, `self {program[2]} other` goes on to `__{name}__`"
        bench.run(program, {"a": 2.0}, data, {"a": grad}, errors=[(RecursionError, circle)])
    bench.run("1.5 + 0.5 * a", {"a": 2.0}, 2.5, {"a": 0.5})
    return ""


def built_in_sum(bench: Bench) -> str:
    errors = [(Exception, "The built-in sum begins with 0 + a, so that `__radd__` is asked for")]
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
    hints: list[Hint] = [({"data": -2.0, "a": 1.0}, f"the sign is lost on the way back ({sign})")]
    bench.run("-a", {"a": 2.0}, -2.0, {"a": -1.0}, hints, sign)
    return ""


def minus(bench: Bench) -> str:
    right = "∂(a − b)/∂a = 1 and ∂(a − b)/∂b = −1"
    hints: list[Hint] = [
        ({"data": 3.0}, "this is b − a"),
        ({"data": 7.0}, "this is a + b"),
        ({"data": -3.0, "b": 1.0}, f"the sign of b is lost on the way back ({right})"),
    ]
    bench.run("a - b", {"a": 2.0, "b": 5.0}, -3.0, {"a": 1.0, "b": -1.0}, hints, right)
    bench.run("a - 3", {"a": 2.0}, -1.0, {"a": 1.0}, otherwise=CONSTANT)
    turned = "`__rsub__(self, other)` is called with the number that stands on the left: it is other − self"
    hints = [({"data": -1.0}, f"this is a − 3. {turned}"), ({"data": 1.0, "a": 1.0}, "∂(3 − a)/∂a = −1")]
    bench.run("3 - a", {"a": 2.0}, 1.0, {"a": -1.0}, hints, turned)
    return ""


def power(bench: Bench) -> str:
    rule = "∂(aⁿ)/∂a = n aⁿ⁻¹"
    hints: list[Hint] = [
        ({"data": 125.0, "a": 375.0}, f"this is n aⁿ, but {rule}"),
        ({"data": 125.0, "a": 25.0}, f"the factor n is missing ({rule})"),
        ({"data": 125.0, "a": 50.0}, f"this is (n − 1) aⁿ⁻¹, but {rule}"),
        ({"data": 15.0}, "this is 3a"),
    ]
    bench.run("a ** 3", {"a": 5.0}, 125.0, {"a": 75.0}, hints, rule)
    bench.run("a ** -2", {"a": 2.0}, 0.25, {"a": -0.25}, otherwise=rule)
    bench.run("a ** 0.5", {"a": 4.0}, 2.0, {"a": 0.25}, otherwise=rule)
    bench.run("a ** 1", {"a": 4.0}, 4.0, {"a": 1.0}, otherwise=rule)
    zero = [(ArithmeticError, f"At a = 0, n aⁿ / a has no value, and n aⁿ⁻¹ has one: {rule}")]
    bench.run("a ** 2", {"a": 0.0}, 0.0, {"a": 0.0}, otherwise=f"at 0 too, {rule}", errors=zero)
    bench.run("(a * b) ** 2", {"a": 2.0, "b": 3.0}, 36.0, {"a": 36.0, "b": 24.0},
              otherwise="is the local derivative multiplied by the gradient of the result, `out.grad`?")  # fmt: skip
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
    bench.run("a / b", {"a": 3.0, "b": 4.0}, 0.75, {"a": 0.25, "b": -0.1875}, hints, rule)
    bench.run("a / 4", {"a": 3.0}, 0.75, {"a": 0.25}, otherwise=CONSTANT)
    turned = "`__rtruediv__(self, other)` is called with the number that stands on the left: it is other / self"
    hints = [({"data": 2.0}, f"this is a / 2. {turned}"), ({"data": 0.5, "a": 0.125}, "∂(2/a)/∂a = −2/a²")]
    bench.run("2 / a", {"a": 4.0}, 0.5, {"a": -0.125}, hints, turned)
    return ""


def everything(bench: Bench) -> str:
    program = (
        "c = a + b; d = a * b + b ** 3; c += c + 1; c += 1 + c + (-a); d += d * 2 + (b + a); d += 3 * d + (b - a); "
        "e = c - d; f = e ** 2; g = f / 2.0; g = g + 10.0 / f"
    )
    otherwise = "each operator is right by itself, so try halves of this program to see where it goes wrong"
    bench.run(program, {"a": -4.0, "b": 2.0}, 10.5, {"a": 456.0, "b": 1843.0}, otherwise=otherwise)
    return ""


def second_graph(bench: Bench) -> str:
    a, b = bench.leaves(a=2.0, b=5.0).values()
    bench.doing = "`c = a * b; c.backward()`"
    c = a * b
    c.backward()
    bench.doing = "Setting a.grad = b.grad = 0 and a.data = 3 by hand"
    a.grad, b.grad, a.data = 0.0, 0.0, 3.0
    bench.doing = "After `c = a * b; c.backward()`, a.grad = b.grad = 0 and a.data = 3, `d = a * (a + b); d.backward()`"
    d = a * (a + b)
    seen = {"data": bench.number(d, "d", "data")}
    d.backward()
    seen |= {"a": bench.number(a, "a", "grad"), "b": bench.number(b, "b", "grad")}
    left = (
        "something is left from the first graph. Does backward() keep a list or set of nodes on the class, or as the "
        "default of an argument (`def build(v, visited=set())` makes it once, not once a call)?"
    )
    bench.compare(seen, {"data": 24.0, "a": 11.0, "b": 3.0}, otherwise=left)
    return ""


def second_backward(bench: Bench) -> str:
    leaves = bench.leaves(a=2.0, b=5.0, c=7.0)
    a, b, c = leaves.values()
    program = "d = (a * b) * c; d.backward()"
    bench.doing = f"`{program}`"
    d = (a * b) * c
    d.backward()

    def grads() -> dict[str, float]:
        return {name: bench.number(leaf, name, "grad") for name, leaf in leaves.items()}

    first = {"a": 35.0, "b": 14.0, "c": 10.0}
    bench.compare(grads(), first)
    for leaf in (a, b, c):
        leaf.grad = 0.0
    bench.doing = f"`{program}`, then the leaves' grad set to 0, and `d.backward()` again"
    d.backward()
    piled = (
        "the gradient of a * b inside the graph still held that of the first pass, and piled up. Let backward() set "
        "the grad of every node that has parents to 0 before it goes through them"
    )
    asleep = "nothing happened the second time. Does each node remember for ever that it has been visited?"
    bench.compare(grads(), first, [({"a": 70.0, "b": 28.0}, piled), ({"a": 0.0, "b": 0.0}, asleep)])
    bench.doing = f"`{program}`, and `d.backward()` again"
    d.backward()
    seen = grads()
    if all(close(seen[name], first[name]) for name in first):
        return (
            "A further backward() overwrites the gradients of the leaves. In PyTorch, micrograd and lucidgrad it adds "
            "to them, so that the gradients of several losses add up."
        )
    bench.compare(seen, {name: 2 * x for name, x in first.items()},
                  otherwise="leaves may add up (twice as much) or start anew (as much), all of them alike")  # fmt: skip
    return ""


def deep(bench: Bench) -> str:
    def chain_of_sums(a: Any, b: Any) -> Any:
        for _ in range(DEPTH):
            a = a + b
        return a

    recursion = (
        "Python allows some 1,000 calls inside each other, and a loop over time, or training, makes deeper graphs than "
        "that. Walk the graph with a list for a stack instead of a function that calls itself"
    )
    words = f"(a = a + b) {DEPTH:,} times; a"
    bench.run((words, chain_of_sums), {"a": 2.0, "b": 0.5}, 2.0 + 0.5 * DEPTH, {"a": 1.0, "b": float(DEPTH)},
              errors=[(RecursionError, recursion)])  # fmt: skip
    return ""


def exp(bench: Bench) -> str:
    e, rule = math.exp(1.5), "exp is its own derivative: eˣ, the number of the result"
    bench.run("a.exp()", {"a": 1.5}, e, {"a": e}, [({"data": e, "a": 1.5}, f"this is a, but {rule}")], rule)
    return ""


def log(bench: Bench) -> str:
    rule = "the natural logarithm, whose derivative is 1/a"
    bench.run("a.log()", {"a": 4.0}, math.log(4.0), {"a": 0.25}, otherwise=rule)
    return ""


def tanh(bench: Bench) -> str:
    t, rule = math.tanh(0.5), "with t = tanh(a), the derivative is 1 − t²"
    hints: list[Hint] = [
        ({"data": t, "a": 0.75}, f"this is 1 − a², but {rule}"),
        ({"data": t, "a": t * (1 - t)}, f"this is that of the sigmoid; {rule}"),
        ({"data": t, "a": 1 - t}, f"this is 1 − t, but {rule}"),
    ]
    bench.run("a.tanh()", {"a": 0.5}, t, {"a": 1 - t * t}, hints, rule)
    return far(bench, "a.tanh()", {1000.0: 1.0, -1000.0: -1.0})


def sigmoid(bench: Bench) -> str:
    s = 1 / (1 + math.exp(-0.5))
    rule = "with o = σ(a) = 1 / (1 + e⁻ᵃ), the derivative is o(1 − o)"
    hints: list[Hint] = [
        ({"data": s, "a": 0.25}, f"this is a(1 − a), but {rule}"),
        ({"data": s, "a": 1 - s * s}, f"this is that of tanh; {rule}"),
        ({"data": 1 - s}, f"look at the sign in the exponent ({rule})"),
    ]
    bench.run("a.sigmoid()", {"a": 0.5}, s, {"a": s * (1 - s)}, hints, rule)
    return far(bench, "a.sigmoid()", {1000.0: 1.0, -1000.0: 0.0})


def relu(bench: Bench) -> str:
    rule = "relu passes the gradient on where a > 0, and nothing where a < 0"
    bench.run("a.relu()", {"a": 2.0}, 2.0, {"a": 1.0}, [({"data": 2.0, "a": 2.0}, f"this is a; {rule}")], rule)
    bench.run("a.relu()", {"a": -2.0}, 0.0, {"a": 0.0}, otherwise=rule)
    bench.run("(a * b).relu()", {"a": 2.0, "b": 5.0}, 10.0, {"a": 5.0, "b": 2.0}, otherwise=rule)
    return ""


def far(bench: Bench, program: str, expected: dict[float, float]) -> str:
    """A remark on a formula that overflows where its function does not."""
    for x, y in expected.items():
        try:
            bench.run(program, {"a": x}, y)
        except (ArithmeticError, EngineError):
            return f"At a = {x:g}, `{program}` should be {y:g}: the formula overflows, the function does not."
    return ""


LADDER = (
    Rung("number", "MyValue(3.0) holds its data, and a grad of 0", number),
    Rung("plus", "a + b", plus),
    Rung("times", "a * b", times),
    Rung("parents", "a result remembers what it was computed from", parents),
    Rung("seed", "backward() begins with a gradient of 1", seed),
    Rung("plus gradient", "backward() across a + b", plus_gradient),
    Rung("times gradient", "backward() across a * b", times_gradient),
    Rung("chain", "backward() across operations in a row", chain),
    Rung("used twice", "the gradients of a * a and a + a add up", used_twice),
    Rung("diamond", "each node once, after all that use it", diamond),
    Rung("twins", "equal numbers are not the same node", twins),
    Rung("sharing", f"{DOUBLINGS} doublings: 2^{DOUBLINGS} ways, {DOUBLINGS + 1} nodes", sharing,
         too_slow="is every way through the graph walked, one by one? There are 2⁶⁴ of them here, through 65 nodes: go "
                  "through each node once"),
    Rung("constant right", "a + 3, a * 3", constant_right),
    Rung("constant left", "3 + a, 3 * a", constant_left),
    Rung("sum", "the built-in sum", built_in_sum),
    Rung("in place", "c += b makes a new node", in_place),
    Rung("negative", "-a", negative),
    Rung("minus", "a - b, a - 3, 3 - a", minus),
    Rung("power", "a ** n for a number n", power),
    Rung("divided", "a / b, a / 4, 2 / a", divided),
    Rung("everything", "a program of 24 operations", everything),
    Rung("exp", "a.exp()", exp, "exp"),
    Rung("log", "a.log()", log, "log"),
    Rung("tanh", "a.tanh()", tanh, "tanh"),
    Rung("sigmoid", "a.sigmoid()", sigmoid, "sigmoid"),
    Rung("relu", "a.relu()", relu, "relu"),
    Rung("second graph", "a new graph after the first, gradients zeroed by hand", second_graph),
    Rung("second backward", "backward() once more on the same graph", second_backward),
    Rung("deep", f"{DEPTH:,} operations in a row", deep,
         too_slow="the time grows faster than the graph. Are the visited nodes kept in a list? To look something up "
                  "in a set takes equally long however large it is."),
)  # fmt: skip
