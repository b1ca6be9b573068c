"""A recurrent network in PyTorch, JAX and ONNX: its loop stays a loop, for any number of steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import Value
from autograd.compiler.program import Program

WIDTH, STEPS, SAMPLES = 3, 30, 4


def recurrence(steps: int) -> Program:
    """Compile h = tanh(W h + u x), step by step; the cost is the squared norm of the last h."""
    generator = np.random.default_rng(0)
    w = [[Value(x) for x in row] for row in generator.normal(size=(WIDTH, WIDTH)).tolist()]
    u = [Value(x) for x in generator.normal(size=WIDTH).tolist()]

    def loss(xs: Any) -> Any:
        h: list[Any] = [0.0] * WIDTH
        for x in xs:
            h = [autograd.tanh(autograd.dot(row, h) + u_j * x) for row, u_j in zip(w, u)]
        return autograd.sum([a * a for a in h])

    return autograd.compile(loss, [0.1] * steps)


def batch(steps: int) -> Any:
    return np.random.default_rng(1).normal(size=(SAMPLES, steps))


@pytest.fixture(scope="module")
def program() -> Program:
    return recurrence(STEPS)


def test_jax_scans(program: Program) -> None:
    jax: Any = pytest.importorskip("jax", reason="JAX is not installed: pip install '.[jax]'")
    lengths = set()
    with jax.enable_x64(True):
        for steps in (STEPS + 20, STEPS):
            xs = batch(steps)
            J = (program if steps == STEPS else recurrence(steps)).to_jax()  # noqa: N806
            shown = str(jax.make_jaxpr(J.value_and_grad)(J.parameters, xs))
            assert "scan[" in shown
            assert "callback" not in shown
            lengths.add(len(shown.splitlines()))
        cost, gradient = jax.jit(J.value_and_grad)(J.parameters, xs)
    assert len(lengths) == 1  # the loop is not unrolled
    assert float(cost) == pytest.approx(backward(program, xs), rel=1e-12)
    assert_same([np.asarray(x) for x in gradient.values()], program)


def backward(program: Program, xs: Any) -> float:
    for parameter in program.parameters:
        parameter.grad = 0.0
    return float(program.backward(xs))


def assert_same(gradients: list[Any], program: Program) -> None:
    """Compare gradients of the same parameters, which may form different arrays."""
    numbers = np.sort(np.concatenate([x.reshape(-1) for x in gradients]))
    np.testing.assert_allclose(numbers, np.sort([x.grad for x in program.parameters]), rtol=1e-10, atol=1e-14)


def test_pytorch_goes_step_by_step(program: Program) -> None:
    torch: Any = pytest.importorskip("torch", reason="PyTorch is not installed")
    xs = batch(STEPS)
    T = program.to_torch()  # noqa: N806
    out = T(torch.tensor(xs))
    np.testing.assert_allclose(out.detach(), program(xs), rtol=1e-12)
    out.mean().backward()
    backward(program, xs)
    assert_same([x.grad.numpy() for x in T.parameters.values()], program)


def test_onnx_scans(program: Program, tmp_path: Path) -> None:
    onnx: Any = pytest.importorskip("onnx", reason="onnx is not installed: pip install '.[onnx]'")
    onnxruntime: Any = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: pip install '.[onnx]'")
    xs = batch(STEPS)
    program.to_onnx(tmp_path / "loss.onnx")
    assert "Scan" in [node.op_type for node in onnx.load(tmp_path / "loss.onnx").graph.node]
    session = onnxruntime.InferenceSession(tmp_path / "loss.onnx", providers=["CPUExecutionProvider"])
    (computed,) = session.run(None, {session.get_inputs()[0].name: xs})
    np.testing.assert_allclose(computed, program(xs), rtol=1e-12)
