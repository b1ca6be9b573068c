"""Padded programs in PyTorch, JAX and ONNX: if padding leads to inf or nan, they compute again without it."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import autograd
from autograd import Value
from autograd.compiler.program import Program

Array = NDArray[Any]
Rows = Any

POSITIONS, WIDTH, SAMPLES = 4, 2, 3


def attention(q: Rows, v: Rows, keys: Rows) -> list[Any]:
    """Causal attention, in which only the last row reads the last of v."""
    rows = []
    for t in range(len(q)):
        shares = autograd.softmax([autograd.dot(q[t], keys[u]) for u in range(t + 1)])
        rows.append([sum(shares[u] * v[u][j] for u in range(t + 1)) for j in range(WIDTH)])
    return rows


def loss_over(keys: Rows) -> Callable[..., Any]:
    def loss(q: Rows, v: Rows, used: Any) -> Any:
        """Return the sum over the rows that are used; v is squared, so it can overflow."""
        rows = attention(q, [[1e200 * x * x for x in row] for row in v], keys)
        return autograd.sum([autograd.where(m > 0, 1e-200 * row[0], 0.0) for m, row in zip(used, rows)])

    return loss


@pytest.fixture(scope="module")
def keys() -> list[list[Value]]:
    numbers = np.random.default_rng(3).normal(size=(POSITIONS, WIDTH)).tolist()
    return [[Value(x) for x in row] for row in numbers]


@pytest.fixture(scope="module")
def program(keys: Rows) -> Program:
    examples = [[[0.1] * WIDTH] * POSITIONS] * 2
    program = autograd.compile(loss_over(keys), *examples, [1.0] * POSITIONS)
    assert program.portable().make_unpadded is not None  # otherwise nothing is tested
    return program


@pytest.fixture(scope="module")
def batch() -> list[Array]:
    """Return samples; in the second one, a position that no used row reads has numbers whose squares are infinite."""
    generator = np.random.default_rng(4)
    q, v = generator.normal(size=(2, SAMPLES, POSITIONS, WIDTH))
    used = np.ones((SAMPLES, POSITIONS))
    v[1, -1], used[1, -1] = 1e100, 0.0
    return [q, v, used]


def eager(keys: Rows, batch: list[Array]) -> tuple[Array, Array, list[Array]]:
    """Return each sample's cost, and the gradients of their sum w.r.t. the keys and the arguments."""
    for row in keys:
        for value in row:
            value.grad = 0.0
    costs, gradients = [], []
    for sample in zip(*batch):
        values = [[[Value(x) for x in row] for row in rows] for rows in (sample[0].tolist(), sample[1].tolist())]
        cost = loss_over(keys)(*values, sample[2].tolist())
        cost.backward()
        costs.append(cost.data)
        gradients.append([[[x.grad for x in row] for row in rows] for rows in values])
    of_keys = np.array([[value.grad for value in row] for row in keys])
    return np.array(costs), of_keys, [np.array(part) for part in zip(*gradients)]


def test_pytorch_computes_what_the_graph_does(program: Program, keys: Rows, batch: list[Array]) -> None:
    torch: Any = pytest.importorskip("torch", reason="PyTorch is not installed")
    costs, of_keys, of_rows = eager(keys, batch)
    assert np.isfinite(costs).all()
    T = program.to_torch()  # noqa: N806
    rows = [torch.tensor(x, requires_grad=True) for x in batch]
    out = T(*rows)
    out.sum().backward()
    np.testing.assert_allclose(out.detach(), costs, rtol=1e-12)
    (w,) = T.parameters.values()
    np.testing.assert_allclose(w.grad, of_keys, rtol=1e-11)
    for row, expected in zip(rows, of_rows):
        np.testing.assert_allclose(row.grad, expected, rtol=1e-11, atol=1e-200)
    np.testing.assert_allclose(torch.vmap(T)(*rows).detach(), costs, rtol=1e-12)


def test_jax_computes_what_the_graph_does(program: Program, keys: Rows, batch: list[Array]) -> None:
    jax: Any = pytest.importorskip("jax", reason="JAX is not installed: pip install '.[jax]'")
    with jax.enable_x64(True):
        costs, of_keys, of_rows = eager(keys, batch)
        J = program.to_jax()  # noqa: N806
        (name,) = J.parameters

        @jax.jit  # type: ignore[untyped-decorator]
        def everything(parameters: Any, *rows: Any) -> Any:
            return (
                jax.vmap(J, in_axes=(None, 0, 0, 0))(parameters, *rows),
                J.value_and_grad(parameters, *rows),
                jax.grad(J.cost, argnums=(1, 2))(parameters, *rows),
                jax.grad(J.plain.cost)(parameters, *rows),
            )

        values, (cost, gradient), to_rows, of_plain = everything(J.parameters, *batch)
        for computed in (J(J.parameters, *batch), values):
            np.testing.assert_allclose(computed, costs, rtol=1e-12)
        assert float(cost) == pytest.approx(costs.mean(), rel=1e-12)
        np.testing.assert_allclose(SAMPLES * gradient[name], of_keys, rtol=1e-11)
        np.testing.assert_allclose(SAMPLES * of_plain[name], of_keys, rtol=1e-11)
        for gradient, expected in zip(to_rows, of_rows):
            np.testing.assert_allclose(SAMPLES * gradient, expected, rtol=1e-11, atol=1e-200)


def test_onnx_computes_what_the_graph_does(program: Program, keys: Rows, batch: list[Array], tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="onnx is not installed: pip install '.[onnx]'")
    onnxruntime: Any = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: pip install '.[onnx]'")
    program.to_onnx(tmp_path / "loss.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "loss.onnx", providers=["CPUExecutionProvider"])
    for chosen in (batch, [x[:1] for x in batch], [x[1:2] for x in batch]):
        names = [port.name for port in session.get_inputs()]
        (computed,) = session.run(None, dict(zip(names, chosen)))
        np.testing.assert_allclose(computed, eager(keys, chosen)[0], rtol=1e-12)


def test_what_the_graph_makes_nan_stays_nan(program: Program, batch: list[Array]) -> None:
    torch: Any = pytest.importorskip("torch", reason="PyTorch is not installed")
    q, v, used = (x.copy() for x in batch)
    used[1, -1] = 1.0  # the row that reads what is infinite
    out = program.to_torch()(*[torch.tensor(x) for x in (q, v, used)]).tolist()
    assert not math.isfinite(out[1])
    assert math.isfinite(out[0])
    assert math.isfinite(out[2])
