"""The first rungs: numbers, addition and multiplication, and the backward pass through them."""

from __future__ import annotations

from autograd.teaching.engine_bench import IMPRECISE, NEARLY, Bench, EngineError, Hint, close
from autograd.teaching.engine_company import ASSIGNS, CHAIN, NOTHING

SHARED = "do all nodes share one list, as with a default argument, which is evaluated only once, `parents=[]`?"
NO_ORDER = ". Or does backward() pair the operands with their derivatives? They are in a set, which keeps no order"
ONCE = ". Or does backward() loop over the operands, which are in a set or dict? It contains a only once for a * a"
LATE = (
    "all of it went to one operand. Does `_backward` name the same one twice? Or are its functions made in a loop, so "
    "that all use the loop's last operand? Bind it when the function is made, as in `lambda parent=parent: ...`"
)


def number(bench: Bench) -> str:
    bench.errors = [(TypeError, "The constructor takes one number: `def __init__(self, data):`")]
    nodes = bench.leaves(a=3.0, b=-2.0, c=1 / 3)
    for node, x in zip(nodes.values(), (3.0, -2.0, 1 / 3)):
        bench.doing = f"`{bench.name}({x!r})`"
        for attribute, start in (("data", "data"), ("grad", "0.0")):
            if not hasattr(node, attribute):
                raise EngineError(
                    f"{bench.doing} has no `{attribute}`: write `self.{attribute} = {start}` in `__init__`"
                )
        if not close(seen := bench.number(node, "it", "data"), x):
            raise EngineError(f"{bench.doing} has data = {seen:.9g}, expected {x:.9g}: {_changed(seen, x)}")
        if not close(seen := bench.number(node, "it", "grad"), 0.0):
            raise EngineError(f"{bench.doing} has grad = {seen:.9g}, expected 0: nothing has gone backward yet")
    return ""


def _changed(seen: float, given: float) -> str:
    """Explain how a constructor has changed the number that it was given."""
    if close(seen, 1 / 3):  # the number of the last node made
        return "is `data` kept on the class instead of on `self`?"
    if close(seen, -given):
        return "the sign is lost. Keep the number as it is, `self.data = data`"
    if seen == round(given) or seen == int(given):
        return "is it converted to an integer, as by `int` or `round`? Keep it as it is, `self.data = data`"
    return IMPRECISE if abs(seen - given) <= 30 * NEARLY * abs(given) else "keep the number as it is"


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
                f"{bench.doing} gave a node that has neither `parents` nor `_prev`: let it keep in `self.parents` the "
                "two nodes that it was computed from"
            )
        recorded = list(getattr(node, name) or ())
        if symbol == "leaf":
            if recorded:
                raise EngineError(
                    f"{bench.doing} was computed from nothing, but has {len(recorded)} parents, expected none: {SHARED}"
                )
            continue
        for operand, which in ((a, "a"), (b, "b")):
            if not any(parent is operand for parent in recorded):
                copy = any(parent is not a and parent is not b for parent in recorded)
                raise EngineError(
                    f"{bench.doing} gave a node whose `{name}` do not contain {which}: "
                    + ("keep the operands themselves, not copies or other nodes" if copy else "keep both operands")
                )
        if len(recorded) != 2:
            shared = f": {SHARED}" if len(recorded) > 2 else ""
            raise EngineError(f"{bench.doing} gave a node with {len(recorded)} parents, expected 2{shared}")
    return ""


def seed(bench: Bench) -> str:
    a, b, leaf = bench.leaves(a=2.0, b=5.0, leaf=7.0).values()
    for text, result in ((f"c = {bench.name}(7.0); c.backward()", leaf), ("c = a + b; c.backward()", a + b)):
        bench.doing = f"`{text}`"
        result.backward()
        seen = bench.number(result, "c", "grad")
        if not close(seen, 1.0):
            words = "backward() begins with `self.grad = 1.0`"
            if result is not leaf:
                words += ", and the backward step of a sum changes the gradients of its operands, not its own"
            raise EngineError(f"{bench.doing} left c.grad = {seen:.9g}, expected 1, since dc/dc = 1: {words}")
    return ""


def plus_gradient(bench: Bench) -> str:
    nothing = f"{NOTHING.format('the operands', '__add__')} And does backward() call it?"
    hints: list[Hint] = [
        ({"a": 0.0, "b": 0.0}, nothing),
        ({"a": 0.0, "b": 2.0}, LATE),
        ({"a": 2.0, "b": 0.0}, LATE),
        ({"a": 2.0, "b": 2.0}, "does backward() call twice the function that `__add__` prepared?"),
        (
            {"a": 3.0, "b": 3.0},
            "does backward() call the function that `__add__` prepared, `self._backward()`, for each node instead of "
            "`node._backward()`?",
        ),
        ({"a": -1.0}, "look at the sign of a's gradient"),
        ({"b": -1.0}, "look at the sign of b's gradient"),
        ({"a": 1.0, "b": 0.0}, "the second operand got nothing"),
        ({"a": 0.0, "b": 1.0}, "the first operand got nothing"),
    ]
    bench.run("a + b", {"a": 2.0, "b": 5.0}, 7.0, {"a": 1.0, "b": 1.0}, hints, "∂(a + b)/∂a = 1 and ∂(a + b)/∂b = 1")
    return ""


def _set_of(bench: Bench, words: str) -> str:
    """Return the words if the engine keeps the operands in a set or dict; else ""."""
    bench.doing = "`a * b`"
    a, b = bench.leaves(a=3.0, b=5.0).values()
    product = a * b
    return words * isinstance(getattr(product, "parents", getattr(product, "_prev", ())), (set, frozenset, dict))


def times_gradient(bench: Bench) -> str:
    own = "each operand got its own number, but ∂(ab)/∂a = b and ∂(ab)/∂b = a" + _set_of(bench, NO_ORDER)
    hints: list[Hint] = [
        ({"a": 3.0, "b": 5.0}, own),
        ({"a": 0.0, "b": 0.0}, NOTHING.format("the operands", "__mul__")),
        ({"a": 0.0, "b": 3.0}, "the first operand got nothing"),
        ({"a": 5.0, "b": 0.0}, "the second operand got nothing"),
        ({"a": 0.0}, LATE),
        ({"b": 0.0}, LATE),
        ({"a": 1.0, "b": 1.0}, "these are the derivatives of a + b"),
        ({"a": -5.0}, "look at the sign of a's gradient"),
        ({"b": -3.0}, "look at the sign of b's gradient"),
        ({"a": 15.0}, "does it pass on the product instead of the other operand?"),
        ({"a": 10.0, "b": 6.0}, "does backward() call twice the function that `__mul__` prepared?"),
    ]
    bench.run("a * b", {"a": 3.0, "b": 5.0}, 15.0, {"a": 5.0, "b": 3.0}, hints, "∂(ab)/∂a = b and ∂(ab)/∂b = a")
    return ""


def chain(bench: Bench) -> str:
    stops = (
        "the gradient stopped at the last operation: backward() must continue to the parents of the parents, from the "
        "result towards the leaves (if you sort the nodes first, append each after its parents, and visit them in "
        "reverse)"
    )
    local = CHAIN.format("__mul__")
    start = "a * b had a gradient of 1 before anything had reached it: it must start with 0"
    rule = "the chain rule: ∂out/∂a is the product of the local derivatives along the path"
    otherwise = rule + _set_of(bench, NO_ORDER)
    given = {"a": 2.0, "b": 5.0, "c": 7.0}
    hints: list[Hint] = [({"a": 0.0, "b": 0.0}, stops), ({"a": 5.0}, local), ({"b": 2.0}, local), ({"a": 40.0}, start)]
    bench.run("(a * b) * c", given, 70.0, {"a": 35.0, "b": 14.0, "c": 10.0}, hints, otherwise)
    local = CHAIN.format("__add__")
    hints = [({"b": 0.0, "c": 0.0}, stops), ({"b": 1.0}, local), ({"c": 1.0}, local)]
    bench.run("a * (b + c)", given, 24.0, {"a": 12.0, "b": 2.0, "c": 2.0}, hints, otherwise)
    program = "((((a + b) * c + d) * e + f) * g + h) * i"
    given = dict(zip("abcdefghi", (4.0, 6.0, 3.0, 1.0, 5.0, 2.0, 7.0, 8.0, 9.0)))  # no two nodes are equal
    bench.run(program, given, 9963.0, {"a": 945.0, "c": 3150.0, "e": 1953.0, "g": 1413.0, "h": 9.0, "i": 1107.0},
              [({"a": 0.0}, stops)], otherwise)  # fmt: skip
    return ""


def used_twice(bench: Bench) -> str:
    both = "a value that is used twice is reached along both paths, and their gradients add up"
    mul, add = (ASSIGNS.format(name) + _set_of(bench, ONCE) for name in ("__mul__", "__add__"))
    twice = "is the function that an operation prepared called more than once?"
    bench.run("a * a", {"a": 3.0}, 9.0, {"a": 6.0}, [({"a": 3.0}, mul), ({"a": 12.0}, twice)], both)
    bench.run("a + a", {"a": 3.0}, 6.0, {"a": 2.0}, [({"a": 1.0}, add), ({"a": 4.0}, twice)], both)
    hints: list[Hint] = [({"a": 1.0}, add), ({"a": 5.0}, mul)]
    bench.run("a * b + a", {"a": 2.0, "b": 5.0}, 12.0, {"a": 6.0, "b": 2.0}, hints, both)
    bench.run("a + a * b", {"a": 2.0, "b": 5.0}, 12.0, {"a": 6.0, "b": 2.0}, hints, both)
    given = {"a": 2.0, "b": 5.0, "c": 11.0}  # no two nodes are equal either: 'twins' is about that
    for program in ("(a + b) * (a + c)", "(b + a) * (c + a)"):
        own = "does one of its lines pass on `self.grad` instead of `out.grad`?"
        hints = [({"a": 13.0}, add), ({"a": 7.0}, add), ({"a": 2.0}, CHAIN.format("__add__")), ({"c": 20.0}, own)]
        bench.run(program, given, 91.0, {"a": 20.0, "b": 13.0, "c": 7.0}, hints, both)
    for program in ("a * b + a * c", "b * a + c * a"):
        hints = [({"a": 5.0}, mul), ({"a": 11.0}, mul)]
        bench.run(program, given, 32.0, {"a": 16.0, "b": 2.0, "c": 2.0}, hints, both)
    return ""
