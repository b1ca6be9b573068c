"""Programs with divided axes compute what they did before, and read as if written by hand."""

from __future__ import annotations

import itertools
import math
import random
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import Value, primitives
from autograd.compiler.arrays.builder import Builder
from autograd.compiler.arrays.handle import Handle
from autograd.compiler.arrays.operations import Batch, Length, N, Shape
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.axes.lengths import is_by_sample, is_divided
from autograd.compiler.axes.rewrite import rewritten, with_axes
from autograd.compiler.axes.step import trimmed
from autograd.compiler.axes.views import View, merged_order
from autograd.compiler.differentiate.reverse import to_arguments, to_parameters
from autograd.compiler.targets.last_axis import max_last, sum_last
from autograd.compiler.targets.numpy_run import NumpyEngine
from autograd.compiler.targets.python_source import Writer, passes
from autograd.compiler.targets.references import References
from autograd.compiler.targets.schedule import schedule
from autograd.compiler.trace.comparisons import COMPARISONS

UNARY = [primitives.sigmoid, primitives.tanh, primitives.sin, primitives.neg]
BINARY = [primitives.add, primitives.sub, primitives.mul, primitives.maximum]


class RandomProgram:
    """A program of two arguments and three arrays of parameters, with many operations that move numbers around."""

    def __init__(self, seed: int, size: int = 16) -> None:
        self.chance, self.builder = random.Random(seed), Builder()
        self.masks: list[Handle] = []
        width = self.chance.choice([4, 6, 8, 12])
        self.values = [self.builder.argument("x", width), self.builder.argument("y", 12)]
        self.values.append(self.builder.parameter(np.arange(24).reshape(4, 6), "w"))
        self.values.append(self.builder.parameter(np.arange(20, 32), "b"))
        self.values.append(self.builder.constant(np.linspace(-1, 1, 12)))
        for k in range(size):
            value = self.operation(self.chance.choice(self.values[-6:]))
            if self.chance.random() < 0.5:
                value = value.named(f"v_{k}_")
            self.values.append(value)

    def program(self) -> ArrayProgram:
        """Return the program of the last three results as columns, and of the last one itself if it is batched."""
        columns = [self.column(x) for x in self.values[-3:]]
        last = self.values[-1]
        if last.shape and isinstance(last.shape[0], Batch):
            columns.append(self.builder.reshape(last, (N, self.size(last))))
        output = self.builder.concatenate(columns, 1).named("result")
        return self.builder.program([output], masks=self.masks).verify()

    def column(self, x: Handle) -> Handle:
        flat = self.builder.reshape(x, (N, self.size(x)) if self.is_batched(x) else (self.size(x),))
        total = self.builder.reduce(flat * flat, "sum", [len(flat.shape) - 1], keepdims=True)
        return self.builder.broadcast(total, (N, 1))

    @staticmethod
    def is_batched(x: Handle) -> bool:
        return bool(x.shape) and isinstance(x.shape[0], Batch)

    def lengths(self, x: Handle) -> list[int]:
        """Return the lengths of one sample's axes."""
        return [n.times if isinstance(n, Batch) else n for n in x.shape if n != N]

    def size(self, x: Handle) -> int:
        return math.prod(self.lengths(x))

    def shaped(self, x: Handle) -> Handle:
        """Return the same numbers in another shape."""
        lengths: list[int] = []
        rest = self.size(x)
        while rest > 1:
            lengths.append(self.chance.choice([k for k in range(2, rest + 1) if rest % k == 0]))
            rest //= lengths[-1]
        if self.chance.random() < 0.2:
            lengths.insert(self.chance.randint(0, len(lengths)), 1)
        shape: list[Length] = list(lengths)
        if self.is_batched(x):
            merge = bool(shape) and self.chance.random() < 0.2
            shape = [Batch(lengths[0]), *shape[1:]] if merge else [N, *shape]
        return self.builder.reshape(x, tuple(shape))

    def operation(self, x: Handle) -> Handle:
        first = int(self.is_batched(x))
        own = list(range(first, len(x.shape)))
        if not own or self.size(x) > 100:
            return self.builder.reduce(x, "sum", own[1:], keepdims=self.chance.random() < 0.5)
        axis, last = self.chance.choice(own), own[-1]
        length, width = self.lengths(x)[axis - len(x.shape)], self.lengths(x)[-1]
        match self.chance.randint(0, 16):
            case 0 | 1 | 2:
                return self.shaped(x)
            case 3:
                self.chance.shuffle(own)
                return self.builder.transpose(x, [*range(first), *own])
            case 4:
                times = self.chance.randint(2, 3)
                place = self.chance.randint(first, len(x.shape))
                shape = [*x.shape[:place], 1, *x.shape[place:]]
                wide = self.builder.broadcast(
                    self.builder.reshape(x, tuple(shape)), (*x.shape[:place], times, *x.shape[place:])
                )
                return self.shaped(wide) if self.chance.random() < 0.5 else wide
            case 5:
                return self.builder.apply(self.chance.choice(UNARY), x)
            case 6 | 7:
                y = self.fitting(x)
                return self.builder.apply(self.chance.choice(BINARY), *self.chance.sample([x, y], 2), careful=True)
            case 8:
                axes = self.chance.sample(own, self.chance.randint(1, len(own)))
                return self.builder.reduce(x, "sum", axes, keepdims=self.chance.random() < 0.5)
            case 9:
                function = self.chance.choice(["max", "min", "logsumexp"])
                return self.builder.reduce(x, function, [last], keepdims=self.chance.random() < 0.5)
            case 10:
                start = self.chance.randrange(length)
                return self.builder.slice(x, axis, start, self.chance.randint(start + 1, length))
            case 11:
                start = self.chance.randrange(length)
                part = self.builder.slice(x, axis, start, self.chance.randint(start + 1, length))
                return self.builder.concatenate(self.chance.sample([x, part], 2), axis)
            case 12:
                index = np.array([self.chance.randint(-1, width - 1) for _ in range(4)])
                return self.builder.take(x, index.reshape(self.chance.choice([(4,), (2, 2)])))
            case 13:
                return self.builder.place(x, [self.chance.randint(-1, 3) for _ in range(width)], 4)
            case 14:
                self.masks.append(self.builder.apply(COMPARISONS[">"], x, 0.1))
                return self.builder.guard(x, len(self.masks) - 1)
            case 15:
                return self.builder.accumulate(x, axis, self.chance.random() < 0.5)
        return self.contracted(x)

    def fitting(self, x: Handle) -> Handle:
        """Return another value that can be broadcast with x."""
        others = [y for y in self.values if y.at != x.at and self.fits(x, y)]
        if others:
            return self.chance.choice(others)
        return self.builder.reduce(x, "sum", [len(x.shape) - 1], keepdims=True)

    def fits(self, x: Handle, y: Handle) -> bool:
        """Return whether arrays can be broadcast, with samples along the first axis."""
        longest = max(len(x.shape), len(y.shape))
        if any(self.is_batched(z) and len(z.shape) < longest for z in (x, y)):
            return False
        return all(a == b or 1 in (a, b) for a, b in zip(x.shape[::-1], y.shape[::-1]))

    def contracted(self, x: Handle) -> Handle:
        """Return products with a value that has an axis of the same length, summed over some axes."""
        others = [y for y in self.values if 0 < len(y.shape) < 5 and self.size(y) < 100]
        y = self.chance.choice(others)
        letters = iter("abcdefghij")
        left = ["n" if n == N else next(letters) for n in x.shape]
        right = ["n" if n == N else "" for n in y.shape]
        for k, length in enumerate(y.shape):
            same = [label for label, n in zip(left, x.shape) if n == length and label not in right]
            if not right[k]:
                is_same = bool(same) and (isinstance(length, Batch) or self.chance.random() < 0.7)
                right[k] = self.chance.choice(same) if is_same else next(letters)
        if sum([isinstance(n, Batch) for n in (*x.shape, *y.shape)]) > 1 and x.shape[0] != y.shape[0]:
            return self.shaped(x)
        batched = left[0] if self.is_batched(x) else right[0] if self.is_batched(y) else ""
        rest = [label for label in dict.fromkeys([*left, *right]) if label != batched]
        kept = [label for label in rest if self.chance.random() < 0.6]
        self.chance.shuffle(kept)
        return self.builder.contract(x, y, "".join(left), "".join(right), batched + "".join(kept))


def arrays_for(program: ArrayProgram, seed: int) -> tuple[dict[str, Any], Any]:
    chance = np.random.default_rng(seed)
    widths: dict[str, Any] = {o.name: o.shape[1] for o in program.operations if o.kind == "argument"}
    arguments = {name: chance.normal(size=(3, width)) for name, width in widths.items()}
    return arguments, chance.normal(size=32)


@pytest.mark.parametrize("seed", range(60))
def test_random_programs_compute_what_they_did(seed: int, by_torch: Callable[..., Any]) -> None:
    """Values and gradients agree with PyTorch's of the original program."""
    torch = pytest.importorskip("torch")
    program = RandomProgram(seed).program()
    arguments, parameters = arrays_for(program, seed)
    tensors = {name: torch.tensor(x, requires_grad=True) for name, x in arguments.items()}
    vector = torch.tensor(parameters, requires_grad=True)
    (expected,) = by_torch(program, tensors, vector)
    weights = np.random.default_rng(seed).normal(size=tuple(expected.shape))
    nothing = 0.0 * sum(tensor.sum() for tensor in [*tensors.values(), vector])
    ((expected * torch.tensor(weights)).sum() + nothing).backward()

    result = rewritten(program).verify()
    for differentiated in (to_parameters(result, weights.shape[1]), to_arguments(result, weights.shape[1])):
        differentiated.verify()
    assert_near(result.evaluate(arguments, parameters)[0], expected.detach().numpy())
    engine = NumpyEngine(
        to_parameters(result, weights.shape[1]),
        lambda: to_arguments(result, weights.shape[1]),
        np.dtype("float64"),
        "program",
        32,
    )
    engine.lay_out(np.arange(32), 32)
    into = np.empty(32)
    with np.errstate(all="ignore"):
        values = engine.gradient(parameters, list(arguments.values()), weights, into)
        _, derivatives = engine.input_gradients(parameters, list(arguments.values()), weights)
    assert_near(np.broadcast_to(values, expected.shape), expected.detach().numpy())
    assert_near(into, vector.grad.numpy())
    for derivative, tensor in zip(derivatives, tensors.values()):
        assert_near(derivative, tensor.grad.numpy())


def assert_near(result: Any, expected: Any) -> None:
    scale = max(1.0, float(np.abs(expected).max(initial=0.0)))
    np.testing.assert_allclose(result, expected, rtol=1e-11, atol=1e-12 * scale)


# The source of programs


class Attention:
    """Multi-head attention on arrays with a row per sample, and the operations that read or make these rows."""

    def __init__(self, positions: int, width: int, heads: int) -> None:
        self.builder = b = Builder()
        self.lengths = positions, width, heads, width // heads
        x = b.argument("x", positions * width)
        qkv = b.parameter(np.arange(3 * width * width).reshape(3 * width, width), "w")
        rows = self.rows(x).named("rows")
        z = b.reshape(b.contract(rows, qkv, "nk", "ck", "nc"), (N, 3 * positions * width)).named("z")
        q, k, v = (self.part(z, number) for number in range(3))
        scores = b.reshape(b.contract(q, k, "nihk", "njhk", "nihj"), (N, positions * heads * positions))
        p = self.softmax((scores / math.sqrt(width // heads)).named("s"))
        shares = b.reshape(p.named("p"), (N, positions, heads, positions))
        o = b.reshape(b.contract(shares, v, "nihj", "njhk", "nihk"), (N, positions * width)).named("o")
        mixed = b.parameter(3 * width * width + np.arange(width * width).reshape(width, width), "wo")
        y = b.reshape(b.contract(self.rows(o), mixed, "nk", "ck", "nc"), (N, positions * width)).named("y")
        self.program = b.program([(y + x).named("result")])

    def rows(self, x: Handle) -> Handle:
        """Return a row for each position."""
        positions, width, _, _ = self.lengths
        return self.builder.reshape(x, (Batch(positions), width))

    def part(self, z: Handle, number: int) -> Handle:
        positions, width, heads, size = self.lengths
        wide = self.builder.reshape(z, (N, positions, 3 * width))
        part = self.builder.slice(wide, 2, number * width, (number + 1) * width)
        return self.builder.reshape(part, (N, positions, heads, size))

    def softmax(self, z: Handle) -> Handle:
        b, (positions, _, heads, _) = self.builder, self.lengths
        rows: Any = (N, positions * heads, positions)
        e = b.apply(primitives.exp, z).named("e")
        total = b.reduce(b.reshape(e, rows), "sum", [2]).named("total")
        repeated = b.broadcast(b.reshape(total, (*rows[:2], 1)), rows)
        return b.apply(primitives.div, e, b.reshape(repeated, z.shape))


def source_of(program: ArrayProgram, seeds: int = 1) -> list[str]:
    """Return the lines of the source, with each statement on one line and without shapes."""
    differentiated = to_parameters(program, seeds)
    source = passes(Writer(schedule(differentiated), References(differentiated)))
    return [re.sub(r" +# .*", "", line).strip() for line in str(source).splitlines()]


@pytest.mark.parametrize("positions", [3, 5])
def test_attention_is_written_as_the_paper_has_it(positions: int) -> None:
    program = Attention(positions, 8, 2).program
    result = with_axes(program.verify()).verify()
    arguments = {"x": np.random.default_rng(0).normal(size=(4, 8 * positions))}
    parameters = np.random.default_rng(1).normal(size=4 * 64)
    assert_near(result.evaluate(arguments, parameters)[0], program.evaluate(arguments, parameters)[0])
    shapes = {o.name: o.shape for o in result.operations if o.name}
    assert (shapes["p"], shapes["y"]) == ((N, 2, positions, positions), (N, positions, 8))
    lines = source_of(result, 8 * positions)
    assert lines[:11] == [
        "def forward(x, w, wo):",
        f"rows = x.reshape(-1, {positions}, 8)",
        f"z = (rows @ w.T).reshape(-1, {positions}, 3, 2, 4)",
        "s = (z[:, :, 0].transpose(0, 2, 1, 3) @ z[:, :, 1].transpose(0, 2, 3, 1)) / 2",
        "e = exp(s)",
        "total = e.sum(axis=3)",
        "p = e / total[..., None]",
        "o = p @ z[:, :, 2].transpose(0, 2, 1, 3)",
        f"y = o.transpose(0, 2, 1, 3).reshape(-1, {positions}, 8) @ wo.T",
        "result = y + rows",
        f"return result.reshape(-1, {8 * positions}), (rows, z, e, total, p, o)",
    ]
    assert "nabla_w = d_z.reshape(-1, 24).T @ rows.reshape(-1, 8)" in lines
    assert "nabla_wo = d_y.reshape(-1, 8).T @ o.transpose(0, 2, 1, 3).reshape(-1, 8)" in lines
    assert not any("einsum" in line or "repeat" in line for line in lines)


def test_attention_has_the_gradients_of_pytorch() -> None:
    torch = pytest.importorskip("torch")
    positions, samples = 5, 4
    chance = np.random.default_rng(0)
    x, parameters = chance.normal(size=(samples, 8 * positions)), chance.normal(size=4 * 64)
    seeds = chance.normal(size=x.shape)
    program = with_axes(Attention(positions, 8, 2).program)
    engine = NumpyEngine(to_parameters(program, 8 * positions), lambda: program, np.dtype("float64"), "f", 256)
    engine.lay_out(np.arange(256), 256)
    into = np.empty(256)
    values = engine.gradient(parameters, [x], seeds, into)

    weights = torch.tensor(parameters, requires_grad=True)
    rows = torch.tensor(x).view(samples, positions, 8)
    z = rows @ weights[:192].view(24, 8).T
    q, k, v = (part.view(samples, positions, 2, 4).transpose(1, 2) for part in z.split(8, dim=2))
    o = torch.nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(samples, positions, 8)
    result = (o @ weights[192:].view(8, 8).T + rows).reshape(samples, -1)
    (result * torch.tensor(seeds)).sum().backward()
    assert_near(values, result.detach().numpy())
    assert weights.grad is not None
    assert_near(into, weights.grad.numpy())


def test_biases_and_gains_of_each_position_broadcast() -> None:
    """Numbers that were repeated for each position are read as they are, and their gradients are sums."""
    b = Builder()
    x, gain = b.argument("x", 12), b.parameter(np.arange(4), "g")
    repeated = b.reshape(b.broadcast(b.reshape(gain, (1, 4)), (3, 4)), (12,))
    squares = b.reduce(b.reshape(x * x, (N, 3, 4)), "sum", [2])
    norm = b.reshape(b.broadcast(b.reshape(squares, (N, 3, 1)), (N, 3, 4)), (N, 12))
    program = b.program([(x / norm * repeated).named("y")])
    result = with_axes(program.verify()).verify()
    assert [o.kind for o in result.operations if o.kind == "broadcast"] == []
    assert source_of(result, 12)[:3] == [
        "def forward(x, g):",
        "y = x.reshape(-1, 3, 4) / (x.reshape(-1, 3, 4) * x.reshape(-1, 3, 4)).sum(axis=2, keepdims=True) * g",
        "return y.reshape(-1, 12), ()",
    ]
    (nabla,) = (o for o in to_parameters(result, 12).operations if o.name == "nabla_g")
    assert (nabla.kind, nabla.attribute[:2], nabla.shape) == ("reduce", ("sum", (0, 1)), (4,))


def test_a_vector_of_parameters_for_all_positions_becomes_a_matrix() -> None:
    b = Builder()
    x, p = b.argument("x", 12), b.parameter(np.arange(12), "p")
    e = (x + p).named("e")
    result = rewritten(b.program([b.reduce(b.reshape(e * e, (N, 3, 4)), "sum", [2]).named("lengths")]))
    assert {o.name: o.shape for o in result.operations if o.name} == {
        "x": (N, 12),
        "p": (3, 4),
        "e": (N, 3, 4),
        "lengths": (N, 3),
    }


def test_programs_that_gain_nothing_stay_as_they_are() -> None:
    b = Builder()
    x, w = b.argument("x", 6), b.parameter(np.arange(12).reshape(2, 6), "w")
    z = b.contract(x, w, "nk", "ck", "nc").named("z")
    dense = b.program([b.reduce(z * z, "sum", [1], keepdims=True).named("loss")])
    assert with_axes(dense) is dense
    sums = b.program([b.reduce(b.reshape(x, (N, 2, 3)), "sum", [2]).named("sums")])
    assert with_axes(sums) is sums
    turned = b.program([b.reshape(b.transpose(x, (1, 0)), (Batch(6),)).named("turned")])
    assert rewritten(turned) is turned


def test_names_and_layers_move_with_what_computes_them() -> None:
    b = Builder()
    x, w = b.argument("x", 6), b.parameter(np.arange(6).reshape(2, 3), "w")
    bias = b.parameter(np.arange(6, 8), "b")
    wide = b.reshape(b.broadcast(b.reshape(bias, (1, 2)), (2, 2)), (4,))
    z = (b.reshape(b.contract(b.reshape(x, (Batch(2), 3)), w, "nk", "ck", "nc"), (N, 4)) + wide).named("z")
    a = b.apply(primitives.tanh, z).named("a")
    result = with_axes(b.program([a], {z.at: 1}))
    (layer,) = result.layers
    assert (result.operations[layer].name, result.operations[layer].shape) == ("z", (N, 2, 2))
    assert "delta1 = gradient.reshape(-1, 2, 2) * (1 - a * a)" in source_of(result, 4)
    assert "nabla_b = delta1.sum(axis=(0, 1))" in source_of(result, 4)


@pytest.mark.parametrize("width", [1, 4])
def test_a_mask_of_each_sample_guards_what_is_the_same_for_all(width: int) -> None:
    """The gradient is 0 where the mask is, even though the mask is computed after the array that it guards."""
    b = Builder()
    x, p = b.argument("x", width), b.parameter(np.arange(2), "p")
    wide = b.broadcast(b.reshape(b.broadcast(b.reshape(p, (2, 1)), (2, 2)), (4,)), (N, 4))
    y = b.guard(wide, 0).named("y")
    program = b.program([y], masks=[b.apply(COMPARISONS[">"], x, 0.0)]).verify()
    chance = np.random.default_rng(0)
    arguments = {"x": chance.normal(size=(5, width)), "gradient": chance.normal(size=(5, 4))}
    _, nabla = to_parameters(rewritten(program).verify(), 4).evaluate(arguments, np.array([1.0, 2.0]))
    passed = arguments["gradient"] * (arguments["x"] > 0)
    assert_near(nabla, passed.reshape(5, 2, 2).sum(axis=(0, 2)))


def test_a_user_s_attention_has_an_array_for_each_head() -> None:
    positions, heads, size = 4, 2, 3
    chance = random.Random(0)
    width = heads * size

    def matrix() -> list[list[Value]]:
        return [[Value(chance.uniform(-1, 1)) for _ in range(width)] for _ in range(width)]

    of_queries, of_keys, of_values = matrix(), matrix(), matrix()

    def linear(w: Any, x: Any) -> Any:
        return [autograd.dot(row, x) for row in w]

    def loss(xs: Any) -> Any:
        q, k, v = ([linear(w, x) for x in xs] for w in (of_queries, of_keys, of_values))
        outputs = []
        for i, h in itertools.product(range(positions), range(heads)):
            part = slice(h * size, (h + 1) * size)
            p = autograd.softmax([autograd.dot(q[i][part], key[part]) / math.sqrt(size) for key in k])
            outputs += [autograd.dot(p, column) for column in zip(*(value[part] for value in v))]
        return autograd.sum([o * o for o in outputs])

    example = [[chance.uniform(-1, 1) for _ in range(width)] for _ in range(positions)]
    program = autograd.compile(loss, example)
    arrays: Any = program.stages["arrays"]
    shapes = [o.shape for o in arrays.operations if o.name]
    assert (N, heads, positions, positions) in shapes
    assert not re.search(r"repeat|tile|broadcast_to|einsum", program.source)
    value = loss([[Value(x) for x in xs] for xs in example])
    value.backward()
    expected = [p.grad for p in program.parameters]
    for parameter in program.parameters:
        parameter.grad = 0.0
    assert program.backward([example, example]) == pytest.approx(value.data, rel=1e-12)
    assert_near(np.array([p.grad for p in program.parameters]), np.array(expected))


def test_causal_attention_has_as_many_lines_at_any_length() -> None:
    """Four slices, as many as could be concatenated, are columns of an array with axes, too."""

    def lines(positions: int) -> int:
        chance = random.Random(0)
        matrices = [[[Value(chance.uniform(-1, 1)) for _ in range(4)] for _ in range(4)] for _ in "qkv"]

        def loss(xs: Any) -> Any:
            q, k, v = ([[autograd.dot(row, x) for row in w] for x in xs] for w in matrices)
            outputs = []
            for i in range(positions):
                p = autograd.softmax([autograd.dot(q[i], k[j]) / 2 for j in range(i + 1)])
                outputs += [autograd.dot(p, [v[j][c] for j in range(i + 1)]) for c in range(4)]
            return autograd.sum([o * o for o in outputs])

        example = [[chance.uniform(-1, 1) for _ in range(4)] for _ in range(positions)]
        return len(autograd.compile(loss, example).source.splitlines())

    assert lines(3) == lines(4) == lines(6) <= 40


@pytest.mark.parametrize("shape", [(5, 3, 4), (1, 1, 7), (2, 3, 100), (3, 2, 2, 1)])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_reductions_along_a_last_axis(shape: tuple[int, ...], dtype: str) -> None:
    x = np.random.default_rng(0).normal(size=shape).astype(dtype)
    x[0, 0, 0], x[-1, -1, -1] = np.inf, np.nan
    for array in (x, x.swapaxes(0, 1), x[::-1]):
        np.testing.assert_array_equal(max_last(array), array.max(axis=-1))
        np.testing.assert_allclose(sum_last(array), array.sum(axis=-1), rtol=1e-5 if dtype == "float32" else 1e-13)
        assert max_last(array).dtype == sum_last(array).dtype == dtype


@pytest.mark.parametrize(
    "mix",
    [
        lambda b, x: b.reduce(b.reshape(x, (N, 2, 3)), "sum", [0, 2]),
        lambda b, x: b.reduce(b.reshape(x, (N, 2, 3)), "sum", [0]),
        lambda b, x: b.reshape(b.contract(x, x, "nk", "nc", "kc"), (36,)),
        lambda b, x: b.contract(x, b.constant(np.arange(6.0)), "nk", "k", "n"),
        lambda b, x: b.transpose(x, (1, 0)),
        lambda b, x: b.reshape(b.transpose(b.reshape(x, (N, 2, 3)), (1, 0, 2)), (2, Batch(3))),
    ],
)
def test_only_programs_that_keep_samples_apart_are_rewritten(mix: Callable[[Builder, Handle], Handle]) -> None:
    b = Builder()
    x = b.argument("x", 6)
    mixed = mix(b, b.reshape(b.reshape(x * 2.0, (N, 3, 2)), (N, 6)))
    program = b.program([mixed])
    keeps_apart = mixed.shape == (N,)
    assert (rewritten(program) is program) is not keeps_apart


def test_loops_along_an_axis_before_the_samples_are_not_rewritten(loops: ArrayProgram) -> None:
    assert rewritten(loops) is loops


# Reductions


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize(
    ("function", "axes", "transposes", "reduced"),
    [
        ("max", (1,), [], (3,)),
        ("max", (2,), [(0, 2, 3, 1), (0, 2, 1)], (3,)),
        ("max", (1, 2), [(0, 2, 3, 1)], (2, 3)),
        ("sum", (2,), [(0, 2, 1)], (1,)),
        ("sum", (1, 2), [], (1, 3)),
    ],
)
def test_the_largest_numbers_are_found_along_last_axes_and_sums_along_any(
    function: str, axes: tuple[int, ...], transposes: list[tuple[int, ...]], reduced: tuple[int, ...], keepdims: bool
) -> None:
    """The array is stored as (n, 2, 3, 4), and read as (n, 4, 2, 3). Results are transposed if several axes remain."""
    b = Builder()
    turned = b.transpose(b.reshape(b.argument("x", 24), (N, 2, 3, 4)), (0, 3, 1, 2))
    y = b.reduce(turned, function, axes, keepdims=keepdims)
    rest = 24 // math.prod([(4, 2, 3)[axis - 1] for axis in axes])
    result = rewritten(b.program([b.reshape(y, (N, rest))]).verify()).verify()
    numbers = np.random.default_rng(0).normal(size=(5, 24))
    expected = getattr(np, function)(numbers.reshape(5, 2, 3, 4).transpose(0, 3, 1, 2), axis=axes).reshape(5, rest)
    assert_near(result.evaluate({"x": numbers}, np.empty(0))[0], expected)
    assert [o.attribute for o in result.operations if o.kind == "transpose"] == transposes
    assert [sorted(o.attribute.axes) for o in result.operations if o.kind == "reduce"] == [[*reduced]]


def test_a_reduction_that_keeps_axes_needs_no_reshape() -> None:
    b = Builder()
    rows = b.reshape(b.argument("x", 6), (N, 2, 3))
    total = b.reduce(rows, "sum", [2], keepdims=True)
    result = rewritten(b.program([b.reshape(rows / total, (N, 6))]).verify()).verify()
    assert [o.kind for o in result.operations] == ["argument", "reshape", "reduce", "apply", "reshape"]
    assert result.operations[2].attribute.keepdims


def test_the_rows_of_a_parameter_matrix_are_not_divided() -> None:
    """Its product is divided after it is computed, as the weights of heads are one matrix in the papers."""
    b = Builder()
    z = b.contract(b.argument("x", 5), b.parameter(np.arange(30).reshape(6, 5), "w"), "nk", "ck", "nc")
    heads = b.reduce(b.reshape(z, (N, 2, 3)), "max", [2])
    result = rewritten(b.program([heads]).verify()).verify()
    assert [(o.kind, o.shape) for o in result.operations] == [
        ("argument", (N, 5)),
        ("parameter", (6, 5)),
        ("contract", (N, 6)),
        ("reshape", (N, 2, 3)),
        ("reduce", (N, 2)),
    ]


# Lengths and views


def test_lengths_divide_axes_if_each_axis_is_a_product_of_some() -> None:
    finer: list[tuple[Shape, Shape]] = [
        *(((N, 12), (N, 3, 4)), ((N, 3, 4), (N, 3, 4))),
        *(((Batch(6),), (N, 2, 3)), ((1, 4), (1, 2, 2))),
    ]
    others: list[tuple[Shape, Shape]] = [
        *(((N, 3, 4), (N, 12)), ((N, 4, 3), (N, 3, 4)), ((12,), (N, 3, 4))),
        *(((1, 4), (2, 2)), ((4,), (2,))),
    ]
    assert all(is_divided(*pair) for pair in finer)
    assert not any(is_divided(*pair) for pair in others)


def test_samples_are_along_the_first_axis_only() -> None:
    by_sample: list[Shape] = [(), (N,), (2, 3), (Batch(2), 3)]
    others: list[Shape] = [(2, N), (N, N), (2, 3, N)]
    assert all(map(is_by_sample, by_sample))
    assert not any(map(is_by_sample, others))


@pytest.mark.parametrize(
    ("source", "name", "is_read"),
    [((1, 2, 3), "", True), ((1, 1, 2, 3), "", True), ((1, 1, 1, 2, 3), "", False), ((1, 2, 3), "own", False),
     ((6,), "", False), ((3, 2), "", False)],
)  # fmt: skip
def test_an_array_is_read_before_a_reshape_if_that_only_removed_leading_ones(
    source: tuple[int, ...], name: str, is_read: bool
) -> None:
    b = Builder()
    numbers = b.constant(np.arange(6.0).reshape(source))
    table = b.reshape(numbers, (2, 3))
    view = View(table.named(name) if name else table, (N, 5, 2, 3), (2, 3))
    assert trimmed(view, [0, 1, 2, 3]).shape == (source if is_read else (2, 3))


@pytest.mark.parametrize(
    ("orders", "expected"),
    [
        ([(0, 2, 1), (0, 3)], [0, 2, 1, 3]),
        ([(2,), (0, 2)], [0, 2]),
        ([(1, 2), (0,)], [0, 1, 2]),
        ([(0, 3, 1), (2, 3)], [0, 3, 1, 2]),  # behind the last axis that comes before it
        ([(4, 0, 3), (1, 2)], [4, 0, 1, 2, 3]),
        ([(0, 1), (0, 1)], [0, 1]),
    ],
)
def test_missing_axes_are_inserted_in_the_longest_order(orders: list[tuple[int, ...]], expected: list[int]) -> None:
    assert merged_order(orders) == expected


VIEWS: list[
    tuple[tuple[int, ...], Shape]
] = [  # the axes of the handle, and other lengths to divide (n, 2, 3, 1, 4) into
    (axes, lengths)
    for axes in ((0, 1, 2, 3, 4), (0, 4, 2, 1), (0, 4, 1), (4, 0), (0, 2, 1, 4), (2, 3))
    for lengths in (
        *((N, 24), (N, 6, 4), (N, 2, 12), (N, 2, 1, 3, 4), (N, 2, 3, 1, 2, 2), (N, 1, 6, 2, 2), (N, 2, 3, 1, 4)),
        *((N, 1, 1, 2, 12, 1), (N, 2, 1, 1, 3, 4)),
    )
]


@pytest.mark.parametrize(("axes", "lengths"), VIEWS)
def test_a_divided_view_has_the_same_numbers_in_the_same_order(axes: tuple[int, ...], lengths: Shape) -> None:
    sizes = (3, 2, 3, 1, 4)
    shape: list[Length] = [N, *sizes[1:]]
    b = Builder()
    count = math.prod([sizes[k] for k in axes if k])
    flat = b.argument("x", count) if 0 in axes else b.constant(np.arange(float(count)))
    batched = b.reshape(flat, tuple([shape[k] for k in sorted(axes)]))
    handle = b.transpose(batched, [sorted(axes).index(k) for k in axes])
    view = View(handle, tuple(shape), axes)
    numbers = np.arange(3.0 * count).reshape(3, count) if 0 in axes else np.arange(float(count))
    stored = numbers.reshape([sizes[k] for k in sorted(axes)])
    whole = np.broadcast_to(stored.reshape([sizes[k] if k in axes else 1 for k in range(5)]), sizes)
    program = b.program([b.reshape(view.divided(lengths).materialized(), (N, 24)), b.argument("y", 1)])
    result, _ = program.evaluate({"x": numbers, "y": np.zeros((3, 1))}, np.empty(0))
    assert_near(result, whole.reshape(3, 24))


def test_adjacent_axes_are_divided_without_moving_numbers() -> None:
    b = Builder()
    rows = b.reshape(b.argument("x", 24), (N, 2, 3, 4))
    assert View.of(rows).divided((N, 6, 4)).handle.shape == (N, 6, 4)
    part = View(b.reshape(b.argument("y", 4), (N, 4)), (N, 2, 3, 4), (0, 3))
    assert part.divided((N, 6, 2, 2)).handle.shape == (N, 2, 2)
    turned = View(b.reshape(b.argument("z", 24), (N, 4, 2, 3)), (N, 2, 3, 4), (0, 3, 1, 2))
    assert turned.divided((N, 6, 4)).handle.shape == (N, 4, 6)
    assert {o.kind for o in b.program([rows]).operations} <= {"argument", "reshape"}
