"""Printed source: it reads as a person would write it, and computes what the program means."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from autograd import primitive, primitives
from autograd.compiler.arrays.algebra import Simplified
from autograd.compiler.arrays.builder import Builder
from autograd.compiler.arrays.handle import Handle
from autograd.compiler.arrays.operations import Batch, Labels, N
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.differentiate.reverse import to_arguments, to_parameters
from autograd.compiler.scalars import idioms
from autograd.compiler.targets.kernels import HELPERS
from autograd.compiler.targets.python_source import Source, Writer, passes, to_inputs
from autograd.compiler.targets.references import References
from autograd.compiler.targets.schedule import schedule
from autograd.compiler.trace.comparisons import COMPARISONS

Array = NDArray[Any]


def written(program: ArrayProgram) -> tuple[Writer, Source]:
    writer = Writer(schedule(program.verify()), References(program))
    return writer, passes(writer)


def executed(source: Source, writer: Writer) -> dict[str, Any]:
    functions: dict[str, Any] = {**HELPERS, **writer.references.constants}
    exec(str(source), functions)
    return functions


class Operands:
    """Operands of the expressions: x and y are (n, 6), g is (n, 1), w is (3, 6), b is (3,), c is (6,)."""

    def __init__(self) -> None:
        self.builder = b = Builder()
        self.x, self.y, self.g = (Simplified.of(b.argument(name, k)) for name, k in (("x", 6), ("y", 6), ("g", 1)))
        self.w = Simplified.of(b.parameter(np.arange(18).reshape(3, 6), "w"))
        self.b, self.c = (Simplified.of(b.parameter(i, name)) for i, name in (([0, 1, 2], "b"), (range(6), "c")))

    def printed(self, result: Handle) -> str:
        """Return the text of a result, after checking that it computes what the program means."""
        program = self.builder.program([result])
        writer, source = written(program)
        chance = np.random.default_rng(0)
        arguments = {"x": chance.normal(size=(5, 6)), "y": chance.normal(size=(5, 6)), "g": chance.normal(size=(5, 1))}
        vector = chance.normal(size=18)
        (expected,) = program.evaluate(arguments, vector)
        parameters = [vector[o.attribute.array] for o in program.operations if o.kind == "parameter"]
        values = np.asarray(executed(source, writer)["forward"](*arguments.values(), *parameters)[0])
        assert values.shape == expected.shape
        np.testing.assert_allclose(values, expected, rtol=1e-13, atol=1e-14)
        return str(writer.forward()).partition("return ")[2].removesuffix(", ()")


COMPARED = COMPARISONS[">"]

EXPRESSIONS: dict[str, Callable[[Operands], Any]] = {
    # arithmetic
    "x + (y - x)": lambda o: Handle.__add__(o.x, Handle.__sub__(o.y, o.x)),
    "x + y - x": lambda o: o.x + (o.y - o.x),
    "x * (y * x)": lambda o: Handle.__mul__(o.x, Handle.__mul__(o.y, o.x)),
    "x / (y / x)": lambda o: o.x / (o.y / o.x),
    "2 * x * y": lambda o: 2.0 * o.x * o.y,
    "x - 2 * y": lambda o: o.builder.apply(primitives.add, o.x, Handle.__rmul__(o.y, -2.0)),
    "x + 2 * y": lambda o: o.builder.apply(primitives.sub, o.x, Handle.__rmul__(o.y, -2.0)),
    "-(x + y)": lambda o: -(o.x + o.y),
    "-x * y": lambda o: -(o.x * o.y),
    "1 / 3 * x": lambda o: 1 / 3 * o.x,
    "x * (1 / 3)": lambda o: o.builder.apply(primitives.mul, o.x, 1 / 3),
    "x ** 2 + x ** -1": lambda o: o.x**2.0 + o.x**-1.0,
    "power(exp(x), 0.5)": lambda o: o.builder.apply(primitives.exp, o.x) ** 0.5,
    "abs(x) + 0.5": lambda o: abs(o.x) + 0.5,
    # conditions
    "1 * (x > y)": lambda o: o.x > o.y,
    "(x > 0) * y": lambda o: (o.x > 0.0) * o.y,
    "0.5 * (x > y) + 0.5 * (x >= y)": lambda o: 0.5 * (o.x > o.y) + 0.5 * (o.x >= o.y),
    "(x > y) * (1 * (x > 0))": lambda o: (o.x > o.y) * (o.x > 0.0),
    "where(x > y, x, 0.0)": lambda o: o.builder.apply(primitives.where, o.x > o.y, o.x, 0.0),
    "where((x > y).any(axis=0), c, 0.0)": lambda o: o.builder.apply(
        primitives.where, o.builder.reduce(o.x > o.y, "any", [0]), o.c, 0.0
    ),
    "1 * x.any(axis=-1, keepdims=True)": lambda o: o.builder.reduce(o.x, "any", [1], keepdims=True),
    # products
    "x @ w.T": lambda o: o.builder.contract(o.x, o.w, "nk", "ck", "nc"),
    "x @ w.T + b": lambda o: o.builder.contract(o.x, o.w, "nk", "ck", "nc") + o.b,
    "x.T @ y": lambda o: o.builder.contract(o.x, o.y, "nc", "nk", "ck"),
    "y.T @ x": lambda o: o.builder.contract(o.x, o.y, "nc", "nk", "kc"),
    "c @ w.T": lambda o: o.builder.contract(o.c, o.w, "k", "ck", "c"),
    "b @ w": lambda o: o.builder.contract(o.b, o.w, "c", "ck", "k"),
    "w @ c": lambda o: o.builder.contract(o.w, o.c, "ck", "k", "c"),
    "c @ c": lambda o: o.builder.contract(o.c, o.c, "k", "k", ""),
    "b[:, None] * c": lambda o: o.builder.contract(o.b, o.c, "c", "k", "ck"),
    "(x + y) @ (2 * w).T": lambda o: o.builder.contract(o.x + o.y, 2.0 * o.w, "nk", "ck", "nc"),
    "(x @ w.T) * b * b": lambda o: o.builder.contract(o.x, o.w, "nk", "ck", "nc") * o.b * o.b,
    "(-x @ w.T) * b": lambda o: o.builder.apply(
        primitives.mul, Handle.__neg__(o.builder.contract(o.x, o.w, "nk", "ck", "nc")), o.b
    ),
    "(x @ w.T) / 3": lambda o: o.builder.contract(o.x, o.w, "nk", "ck", "nc") / 3.0,
    'einsum("nk,nk->n", x, y)': lambda o: o.builder.contract(o.x, o.y, "nk", "nk", "n"),
    "x.reshape(-1, 2, 3) @ y.reshape(-1, 2, 3).mT": lambda o: o.builder.contract(
        o.builder.reshape(o.x, (N, 2, 3)), o.builder.reshape(o.y, (N, 2, 3)), "nqd", "nkd", "nqk"
    ),
    "y.reshape(-1, 2, 3) @ x.reshape(-1, 2, 3).mT": lambda o: o.builder.contract(
        o.builder.reshape(o.x, (N, 2, 3)), o.builder.reshape(o.y, (N, 2, 3)), "nqd", "nkd", "nkq"
    ),
    "(x.reshape(-1, 3, 2, 1) @ y.reshape(-1, 3, 1, 2)).transpose(0, 2, 1, 3)": lambda o: o.builder.contract(
        o.builder.reshape(o.x, (N, 3, 2, 1)), o.builder.reshape(o.y, (N, 3, 1, 2)), "nhik", "nhkj", "nihj"
    ),
    "x.reshape(-1, 2).T @ y.reshape(-1, 2)": lambda o: o.builder.contract(
        o.builder.reshape(o.x, (N, 3, 2)), o.builder.reshape(o.y, (N, 3, 2)), "ntc", "ntk", "ck"
    ),
    "x.reshape(-1, 3, 2) @ w.reshape(9, 2).T": lambda o: o.builder.contract(
        o.builder.reshape(o.x, (N, 3, 2)), o.builder.reshape(o.w, (9, 2)), "ntk", "ck", "ntc"
    ),
    "x[:, None]": lambda o: o.builder.reshape(o.x, (N, 1, 6)),
    "g[..., None, None]": lambda o: o.builder.reshape(o.g, (N, 1, 1, 1)),
    "stack([x, y], axis=1)": lambda o: o.builder.concatenate(
        [o.builder.reshape(o.x, (N, 1, 6)), o.builder.reshape(o.y, (N, 1, 6))], 1
    ),
    # reductions
    "(x * y).sum(axis=1, keepdims=True)": lambda o: o.builder.reduce(o.x * o.y, "sum", [1], keepdims=True),
    "x.sum(axis=0)": lambda o: o.builder.reduce(o.x, "sum", [0]),
    "c.sum(keepdims=True)": lambda o: o.builder.reduce(o.c, "sum", [0], keepdims=True),
    "x.reshape(-1, 2, 3).sum(axis=(1, 2))": lambda o: o.builder.reduce(
        o.builder.reshape(o.x, (N, 2, 3)), "sum", [1, 2]
    ),
    "x.max(axis=-1, keepdims=True)": lambda o: o.builder.reduce(o.x, "max", [1], keepdims=True),
    "logsumexp(x)[..., None]": lambda o: o.builder.reduce(o.x, "logsumexp", [1], keepdims=True),
    "logsumexp(w)": lambda o: o.builder.reduce(o.w, "logsumexp", [1]),
    "logsumexp(w.T)": lambda o: o.builder.reduce(o.w, "logsumexp", [0]),
    "softmax(x)": lambda o: o.builder.slopes(
        primitives.logsumexp, [o.x], o.builder.reduce(o.x, "logsumexp", [1], keepdims=True)
    ),
    "shares(x, x.max(axis=-1, keepdims=True))": lambda o: o.builder.slopes(
        primitives.max_, [o.x], o.builder.reduce(o.x, "max", [1], keepdims=True)
    ),
    # structure
    "x.reshape(-1, 2, 3)": lambda o: o.builder.reshape(o.x, (N, 2, 3)),
    "x.reshape(-1, 3)": lambda o: o.builder.reshape(o.x, (Batch(2), 3)),
    "x[..., None]": lambda o: o.builder.reshape(o.x, (N, 6, 1)),
    "x.repeat(3, axis=1)": lambda o: o.builder.reshape(
        o.builder.broadcast(o.builder.reshape(o.x, (N, 6, 1)), (N, 6, 3)), (N, 18)
    ),
    "tile(x, (1, 3))": lambda o: o.builder.reshape(
        o.builder.broadcast(o.builder.reshape(o.x, (N, 1, 6)), (N, 3, 6)), (N, 18)
    ),
    "c.repeat(2, axis=0)": lambda o: o.builder.reshape(
        o.builder.broadcast(o.builder.reshape(o.c, (6, 1)), (6, 2)), (12,)
    ),
    "tile(b, 4)": lambda o: o.builder.reshape(o.builder.broadcast(o.b, (4, 3)), (12,)),
    "x.reshape(-1, 2, 3)[:, :, 0:2].reshape(-1, 4).repeat(2, axis=1)": lambda o: o.builder.reshape(
        o.builder.broadcast(
            o.builder.reshape(o.builder.slice(o.builder.reshape(o.x, (N, 2, 3)), 2, 0, 2), (N, 4, 1)), (N, 4, 2)
        ),
        (N, 8),
    ),
    "broadcast_to(x.reshape(-1, 2, 1, 3), (n, 2, 2, 3)).reshape(-1, 12)": lambda o: o.builder.reshape(
        o.builder.broadcast(o.builder.reshape(o.x, (N, 2, 1, 3)), (N, 2, 2, 3)), (N, 12)
    ),
    "broadcast_to(g, (n, 4))": lambda o: o.builder.broadcast(o.g, (N, 4)),
    "broadcast_to(5.0, (n, 4))": lambda o: o.builder.broadcast(o.builder.constant(5.0), (N, 4)),
    "array([-0.0])": lambda o: o.builder.broadcast(o.builder.constant(-0.0), (1,)),
    "x * c1": lambda o: o.x * o.builder.constant(np.array([5.0])),
    "w.T": lambda o: o.builder.transpose(o.w, (1, 0)),
    "x[:, 0:3]": lambda o: o.builder.slice(o.x, 1, 0, 3),
    "x[:, 0:5:2]": lambda o: o.builder.slice(o.x, 1, 0, 5, 2),
    "w[1:3]": lambda o: o.builder.slice(o.w, 0, 1, 3),
    "w[1]": lambda o: o.builder.reshape(o.builder.slice(o.w, 0, 1, 2), (6,)),
    "x.reshape(-1, 2, 3)[:, 1]": lambda o: o.builder.reshape(
        o.builder.slice(o.builder.reshape(o.x, (N, 2, 3)), 1, 1, 2), (N, 3)
    ),
    "concatenate([x, g, y], axis=-1)": lambda o: o.builder.concatenate([o.x, o.g, o.y], 1),
    "concatenate([w, w], axis=0)": lambda o: o.builder.concatenate([o.w, o.w], 0),
    "place(x, 1, 7, 9)": lambda o: o.builder.pad(o.x, 1, 1, 7, 1, 9),
    "place(x, 0, 11, 11, 2)": lambda o: o.builder.pad(o.x, 1, 0, 11, 2, 11),
    "place(w.T, 1, 4, 5).T": lambda o: o.builder.pad(o.w, 0, 1, 4, 1, 5),
    "place(x.reshape(-1, 2, 3).mT, 0, 2, 4).mT": lambda o: o.builder.pad(
        o.builder.reshape(o.x, (N, 2, 3)), 1, 0, 2, 1, 4
    ),
    "x[:, i1]": lambda o: o.builder.take(o.x, [3, 1, 3]),
    "c[i1]": lambda o: o.builder.take(o.c, [[3, 1], [0, 2]]),
    "(x + y)[..., i1]": lambda o: o.builder.take(o.x + o.y, [3, 1]),
    "gather(x, i1)": lambda o: o.builder.take(o.x, [3, -1]),
    "scatter1(x)": lambda o: o.builder.place(o.x, [1, 0, 1, 3, -1, 3], 5),
    "scatter1(exp(x.reshape(-1, 2, 3)).reshape(-1, 6))": lambda o: o.builder.place(
        o.builder.apply(primitives.exp, o.builder.reshape(o.x, (N, 2, 3))), [[1, 0, 1], [3, -1, 3]], 5
    ),
}


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_expressions(text: str) -> None:
    operands = Operands()
    assert operands.printed(EXPRESSIONS[text](operands)) == text


def test_guards_and_copies_are_written_as_what_they_are_of() -> None:
    b = Builder()
    x = b.argument("x", 2)
    program = b.program([b.guard(x, 0) * 2.0, x.named("y") + 1.0], masks=[x > 0.0])
    functions = str(written(program)[1])
    assert "return x * 2, ()" in functions
    assert "    y = x  " in functions


def all_labels() -> list[Labels]:
    """Return contractions of operands with up to three axes in any order; axes may be shared or summed over."""
    axes = ["".join(order) for k in range(4) for order in itertools.permutations("abc", k)]
    labels = [
        Labels(left, right, result)
        for left, right in itertools.product(axes, axes)
        for k in range(4)
        for result in map("".join, itertools.permutations(sorted(set(left + right)), k))
    ]
    return random.Random(0).sample(labels, 600)


def test_contractions_of_any_labels_can_be_written() -> None:
    chance, lengths = np.random.default_rng(0), {"a": 2, "b": 3, "c": 4}
    for labels in all_labels():
        builder = Builder()
        left, right = (
            builder.constant(chance.normal(size=tuple(lengths[label] for label in axes))) for axes in labels[:2]
        )
        program = builder.program([builder.contract(left, right, *labels)])
        writer, source = written(program)
        (expected,) = program.evaluate({})
        np.testing.assert_allclose(executed(source, writer)["forward"]()[0], expected, atol=1e-14, err_msg=str(labels))


@pytest.mark.parametrize("seed", range(150))
def test_random_programs(seed: int, random_program: Callable[..., ArrayProgram]) -> None:
    """The source computes what the program means: forward, backward, and in one function."""
    program = random_program(seed)
    chance = np.random.default_rng(seed)
    widths: dict[str, Any] = {o.name: o.shape[1] for o in program.operations if o.kind == "argument"}
    arguments = {name: chance.normal(size=(4, width)) for name, width in widths.items()}
    size = 1 + max(int(o.attribute.array.max()) for o in program.operations if o.kind == "parameter")
    vector, gradient = chance.normal(size=size), chance.normal(size=(4, 3))
    given = [*arguments.values(), *(vector[o.attribute.array] for o in program.operations if o.kind == "parameter")]

    joint = to_parameters(program, 3)
    writer, source = written(joint)
    functions = executed(source, writer)
    values, saved = functions["forward"](*given)
    results = [values, *functions["backward"](gradient, saved, *given)]
    assert_equal(results, joint.evaluate({**arguments, "gradient": gradient}, vector))
    assert str(source).count("  # ") == writer.operations
    assert str(source).count(" @ ") + str(source).count("einsum(") == writer.matrix_products

    joint = to_arguments(program, 3)
    writer = Writer(schedule(joint), References(joint))
    source = to_inputs(writer)
    values, derivatives = executed(source, writer)["input_gradients"](gradient, *given)
    assert_equal([values, *derivatives], joint.evaluate({**arguments, "gradient": gradient}, vector))


def assert_equal(results: list[Any], expected: list[Array]) -> None:
    for result, array in zip(results, expected, strict=True):
        largest = float(np.abs(array).max(initial=1.0))
        np.testing.assert_allclose(np.asarray(result, float), array, rtol=1e-12, atol=1e-13 * largest)


def test_the_source_of_a_network() -> None:
    b = Builder()
    x, y = b.argument("x", 4), b.argument("y", 2)
    w1, b1 = b.parameter(np.arange(12).reshape(3, 4), "w1"), b.parameter([12, 13, 14], "b1")
    w2, b2 = b.parameter(np.arange(15, 21).reshape(2, 3), "w2"), b.parameter([21, 22], "b2")
    z1 = (b.contract(x, w1, "nk", "ck", "nc") + b1).named("z1")
    a1 = b.apply(primitives.sigmoid, z1, name="a1")
    z2 = (b.contract(a1, w2, "nk", "ck", "nc") + b2).named("z2")
    a2 = b.apply(primitives.sigmoid, z2, name="a2")
    e1 = (a2 - y).named("e1")
    loss = (0.5 * b.reduce(e1 * e1, "sum", [1], keepdims=True)).named("loss")
    writer, source = written(to_parameters(b.program([loss], {z1.at: 1, z2.at: 2}), 1))
    assert (
        str(source)
        == """\
def forward(x, y, w1, b1, w2, b2):
    z1 = x @ w1.T + b1                                        # (n, 3)
    a1 = sigmoid(z1)                                          # (n, 3)
    z2 = a1 @ w2.T + b2                                       # (n, 2)
    a2 = sigmoid(z2)                                          # (n, 2)
    e1 = a2 - y                                               # (n, 2)
    loss = 0.5 * (e1 * e1).sum(axis=1, keepdims=True)         # (n, 1)
    return loss, (a1, a2, e1)

def backward(gradient, saved, x, y, w1, b1, w2, b2):
    (a1, a2, e1) = saved
    delta2 = gradient * e1 * a2 * (1 - a2)                    # (n, 2)
    delta1 = (delta2 @ w2) * a1 * (1 - a1)                    # (n, 3)
    nabla_w1 = delta1.T @ x                                   # (3, 4)
    nabla_b1 = delta1.sum(axis=0)                             # (3,)
    nabla_w2 = delta2.T @ a1                                  # (2, 3)
    nabla_b2 = delta2.sum(axis=0)                             # (2,)
    return (nabla_w1, nabla_b1, nabla_w2, nabla_b2)
"""
    )
    assert (writer.operations, writer.matrix_products) == (12, 5)


def test_several_slopes_stand_under_one_name() -> None:
    b = Builder()
    x = b.argument("x", 2)
    parts = [b.slice(x, 1, k, k + 1) for k in range(2)]
    loss = b.apply(primitives.logsumexp, *parts, 1.0, name="loss")
    writer, _ = written(to_arguments(b.program([loss]), 1))
    text = str(to_inputs(writer))
    assert "    slopes1 = softmax(x[:, 0:1], x[:, 1:2], 1.0)              # 3 of (n, 1)\n" in text
    assert "return loss, (concatenate([gradient * slopes1[0], gradient * slopes1[1]], axis=-1),)" in text


@cache
def swish() -> Any:
    """Make a custom primitive, not at import, since other tests run on all primitives that exist at collection."""
    return primitive("printed_swish", lambda x: x * primitives.sigmoid(x), lambda x, out: (out,))


def test_functions_for_primitives() -> None:
    """Rules that are expressions are written out, after those that they call; others are called by name."""
    gamma = primitive("printed_gamma", lambda x: float(x) + 1.0, lambda x, out: (1.0,))
    bound = primitive("printed bound", lambda x: max(x, 0.0), lambda x, out: (1.0,), array=lambda x: np.fmax(x, 0.0))
    b = Builder()
    x = b.argument("x", 2)
    result = sum((b.apply(p, x) for p in (swish(), gamma, bound, primitives.softplus)), x)
    writer, source = written(b.program([result]))
    definitions = [
        "def printed_swish(x):\n    return x * sigmoid(x)",
        "def softplus(x):\n    return maximum(x, 0.0) + log1p(exp(-abs(x)))",
    ]
    assert list(map(str, source.definitions)) == definitions
    returned = "return x + printed_swish(x) + printed_gamma(x) + printed_bound(x) + softplus(x), ()"
    assert str(source.functions[0]).endswith(returned)
    rows = np.array([[1.0, -2.0]])
    values = executed(source, writer)["forward"](rows)[0]
    expected = rows + rows / (1 + np.exp(-rows)) + (rows + 1) + np.fmax(rows, 0.0) + np.log1p(np.exp(rows))
    np.testing.assert_allclose(values, expected, rtol=1e-14)


def test_names_do_not_meet() -> None:
    """Index arrays, constants and functions take names that the program does not have."""
    b = Builder()
    i1, c1 = b.argument("i1", 3), b.argument("c1", 2)
    printed_swish = b.apply(swish(), b.take(i1, [2, 0]), name="printed_swish")
    result = printed_swish + c1 * b.constant(np.array([0.5, 0.25]))
    writer, source = written(b.program([result]))
    text = str(source)
    assert "# i2: positions, (2,) = [2, 0]\n# c2: constants, (2,) = [0.5, 0.25]\n" in text
    assert "    printed_swish = printed_swish1(i1[:, i2]) " in text
    values = executed(source, writer)["forward"](np.eye(3), np.ones((3, 2)))[0]
    assert values.shape == (3, 2)


def test_slopes_of_recognised_formulas_are_explained() -> None:
    for formula, text in ((idioms.SIGMOID, "loss * sigmoid(-x)"), (idioms.TANH, "cosh(x) ** 2")):
        b = Builder()
        loss = b.apply(formula, b.argument("x", 1), name="loss")
        program = b.program([loss])
        assert not written(program)[1].notes
        joint = to_arguments(program, 1)
        shown = str(to_inputs(Writer(schedule(joint), References(joint))))
        assert f"# {idioms.NOTES[formula]}\n" in shown
        assert text in shown


def test_gradients_that_are_read_come_before_what_reads_them() -> None:
    b = Builder()
    gradient = b.argument("gradient", 1)
    first = b.reduce(gradient, "sum", [0]).named("nabla_a")
    second = (first * 2.0).named("nabla_b")
    third = b.reduce(gradient * gradient, "sum", [0]).named("nabla_c")
    y = b.argument("y", 1)
    _, source = written(b.program([y, third, second, first]))
    lines = [line.split()[0] for line in str(source.functions[1]).splitlines()[1:]]
    assert lines == ["nabla_a", "nabla_c", "nabla_b", "return"]


def test_a_function_of_nothing() -> None:
    b = Builder()
    _, source = written(b.program([b.broadcast(b.constant(2.0), (1,))]))
    assert str(source).startswith("def forward():\n    return array([2.0]), ()\n\ndef backward(gradient, saved):\n")


def test_samples_are_counted_where_there_are_no_arguments() -> None:
    b = Builder()
    writer, source = written(b.program([b.broadcast(b.parameter([0], "p"), (N, 2))]))
    assert "    n = len([0])\n    return broadcast_to(p, (n, 2)), ()" in str(source)
    assert executed(source, writer)["forward"](np.ones(1))[0].shape == (1, 2)


def test_a_program_of_many_statements() -> None:
    """Programs of any depth can be printed, since nothing recurses."""
    b = Builder()
    x = b.argument("x", 2)
    for k in range(5000):
        x = (x + 1.0).named(f"y{k}") if k % 2 else x * 0.5
    for _ in range(3000):
        x = x + 1.0
    writer, source = written(b.program([x]))
    assert writer.operations == 2500
    assert str(source).count("\n") > 2500
