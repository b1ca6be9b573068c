"""`program.to_onnx()`: the forward pass in onnxruntime, which shares no code with this package."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import autograd
import nn
from autograd import Value
from autograd.compiler.arrays.builder import Builder
from autograd.compiler.arrays.operations import N
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.targets.onnx.graph import Graph
from autograd.compiler.targets.onnx.model import Port, save
from autograd.compiler.targets.onnx.operations import Writer
from autograd.compiler.trace.comparisons import COMPARISONS
from autograd.primitives import TABLE
from autograd.table import OURS

onnx: Any = pytest.importorskip("onnx", reason="onnx is not installed: pip install '.[onnx]'")
onnxruntime: Any = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: pip install '.[onnx]'")

Array = NDArray[Any]
PointsOf = Callable[..., list[Array]]
SAMPLES = 5
TOLERANCE = {"float64": 1e-12, "float32": 1e-5}


def normal(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=(SAMPLES, *shape))


def matrix(rows: int, columns: int, seed: int) -> list[list[Value]]:
    numbers = np.random.default_rng(seed).normal(size=(rows, columns)) / 2
    return [[Value(x) for x in row] for row in numbers.tolist()]


def run(path: Path, **rows: Array) -> list[Array]:
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = settings.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])
    results: list[Array] = session.run(None, rows)
    return results


def assert_near(result: Any, expected: Any, tolerance: float) -> None:
    result, expected = np.asarray(result), np.asarray(expected)
    assert result.shape == expected.shape
    assert np.linalg.norm(result - expected) <= tolerance * np.linalg.norm(expected)


# Networks


def mlp() -> tuple[Any, list[Array]]:
    model = nn.MLP(6, [5, 3], "softplus", "identity", seed=1)
    return autograd.compile(lambda x, t: nn.cross_entropy(model(x), t), [0.1] * 6, [0.2, 0.3, 0.5]), [
        normal(6),
        np.tile([0.2, 0.3, 0.5], (SAMPLES, 1)),
    ]


def convolution() -> tuple[Any, list[Array]]:
    size, width, channels = 7, 3, 2
    kernels = [matrix(width, width, c) for c in range(channels)]
    dense = matrix(3, channels * (size - width + 1) ** 2, 5)
    starts = range(size - width + 1)

    def logits(x: Any) -> Any:
        outputs = [
            autograd.tanh(sum(k[a][b] * x[i + a][j + b] for a in range(width) for b in range(width)))
            for k in kernels
            for i in starts
            for j in starts
        ]
        return [autograd.dot(row, outputs) for row in dense]

    return autograd.compile(logits, np.zeros((size, size))), [normal(size, size)]


def block() -> tuple[Any, list[Array]]:
    """A block of GPT: causal attention and a network, each with a norm before it and a residual connection."""
    positions, size = 4, 6
    q, k, v, o, up, down = (matrix(size, size, seed) for seed in range(6))

    def norm(x: Any) -> Any:
        scale = autograd.sqrt(autograd.dot(x, x) / size + 1e-5)
        return [a / scale for a in x]

    def product(w: Any, x: Any) -> Any:
        return [autograd.dot(row, x) for row in w]

    def forward(x: Any) -> Any:
        rows = [norm(row) for row in x]
        queries, keys, values = ([product(w, row) for row in rows] for w in (q, k, v))
        outputs = []
        for t, query in enumerate(queries):
            weights = autograd.softmax([autograd.dot(query, key) / size**0.5 for key in keys[: t + 1]])
            attended = [autograd.dot(weights, column) for column in zip(*values[: t + 1])]
            row = [a + b for a, b in zip(x[t], product(o, attended))]
            hidden = [autograd.relu(z) for z in product(up, norm(row))]
            outputs.append([a + b for a, b in zip(row, product(down, hidden))])
        return outputs

    return autograd.compile(forward, np.zeros((positions, size))), [normal(positions, size)]


NETWORKS: dict[str, Callable[[], tuple[Any, list[Array]]]] = {"MLP": mlp, "convolution": convolution, "GPT": block}


@pytest.mark.parametrize("name", NETWORKS)
def test_networks(name: str, tmp_path: Path) -> None:
    program, rows = NETWORKS[name]()
    expected = program(*rows)
    arguments = [argument.name for argument in program.portable().arguments]
    for dtype, tolerance in TOLERANCE.items():
        path = tmp_path / f"{dtype}.onnx"
        program.to_onnx(path, dtype=dtype)
        for several in (slice(None), slice(1)):  # any batch size
            given = {name: row[several].astype(dtype) for name, row in zip(arguments, rows)}
            (output,) = run(path, **given)
            assert output.dtype == dtype
            assert_near(output, expected[several], tolerance)
    graph = onnx.load(path).graph
    assert [(x.name, x.type.tensor_type.shape.dim[0].dim_param) for x in graph.input] == [(a, "n") for a in arguments]
    assert [x.name for x in graph.output] == ["output"]
    assert Counter(node.op_type for node in graph.node)["MatMul"] >= 2


def test_auxiliary_and_uneven_results(tmp_path: Path) -> None:
    model = nn.MLP(3, [4, 2], seed=0)

    def loss(x: Any, t: Any) -> Any:
        outputs = model(x)
        return nn.half_squared_error(outputs, t), outputs

    program, path = autograd.compile(loss, [0.1] * 3, [0.0] * 2, has_aux=True), tmp_path / "model.onnx"
    program.to_onnx(path)
    rows = normal(3), normal(2, seed=1)
    for result, expected in zip(run(path, x=rows[0], t=rows[1]), program(*rows), strict=True):
        assert_near(result, expected, 1e-12)
    uneven = autograd.compile(lambda x: [x[0] * x[1], [x[1] + 1.0, x[0].exp()]], [0.1, 0.2])
    uneven.to_onnx(path)
    first, (second, third) = uneven(rows[1])
    for result, expected in zip(run(path, x=rows[1]), (first, second, third), strict=True):
        assert_near(result, expected, 1e-12)


# Primitives

REFUSED = {
    "float64": {"erf", "erfc", "gamma", "lgamma", "lgamma_derivative", "atan2_derivative", "power_derivative"},
    "float32": {"erfc", "gamma", "lgamma", "lgamma_derivative", "atan2_derivative", "power_derivative"},
}


def model_of(program: ArrayProgram, path: Path, dtype: str) -> None:
    """Write a program that has no parameters, with an ONNX output for each of its outputs."""
    graph = Graph(onnx, np.dtype(dtype))
    arguments = {o.attribute[0]: o.shape for o in program.operations if o.kind == "argument"}
    names = {name: graph.name(name) for name in arguments}
    samples = graph.node("Shape", next(iter(names.values())), start=0, end=1)
    results = Writer(graph, samples).run(program, names)
    shapes = [
        ["n" if x == N else str(x) if not isinstance(x, int) else x for x in shape] for shape in arguments.values()
    ]
    inputs = [Port(name, graph.element_type, shape) for name, shape in zip(names.values(), shapes)]
    outputs = [
        Port(
            graph.node("Identity", x, name=f"out{k}"),
            graph.element_type,
            [f"d{k}_{i}" for i in range(len(program.operations[at].shape))],
        )
        for k, (x, at) in enumerate(zip(results, program.outputs))
    ]
    save(graph, "test", inputs, outputs, path)


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_each_primitive_is_an_operator_or_composed_or_refused_by_name(
    dtype: str, points_of: PointsOf, tmp_path: Path
) -> None:
    builder, results, rows, refused = Builder(), list[Any](), dict[str, Array](), set[str]()
    expected: list[Array] = []
    for name in sorted(OURS - {"sum", "mean", "dot"}):
        arrays = [x.astype(dtype) for x in points_of(name, TOLERANCE[dtype] * 1e3)]
        inputs = [builder.argument(f"{name}_{k}", 1) for k in range(len(arrays))]
        if name in ("constant_power", "lgamma_derivative"):
            inputs[1] = builder.constant(float(arrays[1][0]))
        alone = builder.apply(TABLE[name], *inputs)
        try:
            model_of(builder.program([alone]), tmp_path / "alone.onnx", dtype)
        except NotImplementedError as error:
            assert f"primitive {name!r}" in str(error)
            refused.add(name)
            continue
        results.append(alone)
        rows |= {f"{name}_{k}": x.reshape(-1, 1) for k, x in enumerate(arrays)}
        expected.append(np.array([TABLE[name].forward(*map(float, xs)) for xs in zip(*arrays)]))
    for comparison in COMPARISONS.values():
        a, b = (np.round(x / 25).astype(dtype) for x in points_of("add"))
        results.append(
            builder.apply(
                comparison, builder.argument(f"a{comparison.name}", 1), builder.argument(f"b{comparison.name}", 1)
            )
        )
        rows |= {f"a{comparison.name}": a.reshape(-1, 1), f"b{comparison.name}": b.reshape(-1, 1)}
        expected.append(np.array([comparison.forward(*map(float, xs)) for xs in zip(a, b)]))
    assert refused == REFUSED[dtype]
    path = tmp_path / "all.onnx"
    program = builder.program(results)
    model_of(program, path, dtype)
    graph = onnx.load(path).graph
    given = {x.name: rows.get(x.name, np.ones_like(rows["add_0"])) for x in graph.input}
    for result, wanted, handle in zip(run(path, **given), expected, results, strict=True):
        name = handle.operation.attribute.primitive.name
        difference = np.linalg.norm(result[:, 0] - wanted) / np.linalg.norm(wanted)
        assert difference <= TOLERANCE[dtype], f"{name}: {difference}"


def test_what_is_undefined_or_infinite_is_so_in_onnx_too(tmp_path: Path) -> None:
    builder = Builder()
    x = builder.argument("x", 1)
    unary = [
        *("acos", "acosh", "asin", "asinh", "atan", "atanh", "cbrt", "cos", "cosh", "expm1", "log1p", "relu"),
        *("sigmoid", "sinh", "softplus", "tanh"),
    ]
    edge = np.array(
        [[0.0], [-0.0], [1.0], [-1.0], [2.0], [-2.0], [800.0], [-800.0], [math.inf], [-math.inf], [math.nan]]
    )
    program = builder.program([builder.apply(TABLE[name], x) for name in unary])
    model_of(program, tmp_path / "edge.onnx", "float64")
    for name, result, expected in zip(
        unary, run(tmp_path / "edge.onnx", x=edge), program.evaluate({"x": edge}), strict=True
    ):
        if name == "cos":  # infinity has no cosine
            result, expected = result[:8], expected[:8]
        np.testing.assert_allclose(result, expected, rtol=1e-13, atol=1e-15, err_msg=name)


def test_primitives_of_ones_own(tmp_path: Path) -> None:
    swish = autograd.primitive("test_onnx_swish", lambda x: x * autograd.sigmoid(x), lambda x, out: (out,))
    program = autograd.compile(lambda x: autograd.sum([swish(v) for v in x]), [0.5] * 8)
    path = tmp_path / "model.onnx"
    program.to_onnx(path)
    assert_near(run(path, x=normal(8))[0], (normal(8) / (1 + np.exp(-normal(8)))).sum(axis=1), 1e-12)
    gamma = autograd.primitive("test_onnx_gamma", math.gamma, lambda x, out: (out,))
    program = autograd.compile(lambda x: autograd.sum([gamma(v) for v in x]), [0.5] * 8)
    before = path.read_bytes()
    with pytest.raises(NotImplementedError, match="'test_onnx_gamma' is called number by number"):
        program.to_onnx(path)
    assert path.read_bytes() == before


# Operations


def test_reductions(tmp_path: Path) -> None:
    """Reduce along the last axis, another one and several, with or without keeping them, also for inf, -inf and nan."""
    builder, x = Builder(), normal(3, 4)
    x[0, 1, :2], x[1, 2], x[2, 0, 3] = math.inf, -math.inf, math.nan
    cube = builder.reshape(builder.argument("x", 12), (N, 3, 4))
    cases = [((2,), False), ((1,), True), ((1, 2), False)]
    results = [
        builder.reduce(cube, function, axes, keepdims)
        for function in ("sum", "any", "max", "min", "prod", "logsumexp")
        for axes, keepdims in cases
        if function != "logsumexp" or len(axes) == 1
    ]
    slopes = [
        builder.slopes(TABLE[name], [cube], builder.reduce(cube, name, [2], True)) for name in ("max", "logsumexp")
    ]
    results += [shares.named(f"slopes_{k}") for k, shares in enumerate(slopes)]
    program, rows = builder.program(results), {"x": x.reshape(SAMPLES, 12)}
    model_of(program, tmp_path / "reductions.onnx", "float64")
    outputs = run(tmp_path / "reductions.onnx", **rows)
    for result, expected, handle in zip(outputs, program.evaluate(rows), results, strict=True):
        np.testing.assert_allclose(result, expected, rtol=1e-12, err_msg=str(handle.operation.attribute))


def test_loops_are_scans(loops: ArrayProgram, tmp_path: Path) -> None:
    program, x, path = loops, normal(6), tmp_path / "loop.onnx"
    model_of(program, path, "float64")
    for result, expected in zip(run(path, x=x), program.evaluate({"x": x}), strict=True):
        assert_near(result, expected, 1e-12)


@pytest.mark.parametrize("seed", range(30))
def test_random_array_programs(seed: int, random_program: Callable[..., ArrayProgram], tmp_path: Path) -> None:
    program = random_program(seed)
    chance = np.random.default_rng(seed)
    rows = {
        o.attribute[0]: chance.normal(size=(4, int(str(o.shape[1]))))
        for o in program.operations
        if o.kind == "argument"
    }
    vector = chance.normal(size=40)
    graph = Graph(onnx, np.dtype("float64"))
    names = {name: graph.name(name) for name in rows}
    names |= {o.name: graph.constant(vector[o.attribute.array]) for o in program.operations if o.kind == "parameter"}
    results = Writer(graph, graph.node("Shape", "x", start=0, end=1)).run(program, names)
    ports = [Port(name, graph.element_type, ["n", array.shape[1]]) for name, array in rows.items()]
    axes = [len(program.operations[at].shape) for at in program.outputs]
    outputs = [
        Port(graph.node("Identity", x, name=f"out{k}"), graph.element_type, [f"d{k}_{i}" for i in range(n)])
        for k, (x, n) in enumerate(zip(results, axes))
    ]
    save(graph, "random", ports, outputs, tmp_path / "random.onnx")
    for result, expected in zip(run(tmp_path / "random.onnx", **rows), program.evaluate(rows, vector), strict=True):
        np.testing.assert_allclose(result, expected, rtol=1e-11, atol=1e-12)


def looking_up() -> tuple[Any, list[list[Value]], list[Array]]:
    """Rows of a table, and the mean loss of the right classes over positions that are not padding."""
    wte = matrix(5, 3, 1)

    def loss(tokens: Any, targets: Any, x: Any) -> Any:
        rows = [autograd.softmax([a * x for a in autograd.take(wte, t)]) for t in tokens]
        terms = [-autograd.take(row, y).log() for row, y in zip(rows, targets)]
        return autograd.mean([autograd.where(t == 0, 0.0, term) for t, term in zip(tokens, terms)])

    chance = np.random.default_rng(0)
    batch = [chance.integers(0, 5, (SAMPLES, 4)), chance.integers(0, 3, (SAMPLES, 4)), normal()]
    return autograd.compile(loss, [1] * 4, [1] * 4, 0.5), wte, batch


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_look_ups_take_integers(dtype: Any, tmp_path: Path) -> None:
    program, _, (tokens, targets, x) = looking_up()
    program.to_onnx(tmp_path / "model.onnx", dtype=dtype)
    (outputs,) = run(tmp_path / "model.onnx", tokens=tokens, targets=targets, x=x.astype(dtype))
    assert_near(outputs, program(tokens, targets, x), TOLERANCE[dtype])
