"""Random programs of many operations: agreement with PyTorch, and with the rules of calculus."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import autograd
from autograd import Value, grad, jvp, topological_order

# Operations, each with its number of operands. They are written once, for any namespace `m` of functions that has
# the names below, and defined for all operands.
OPERATIONS: dict[str, tuple[int, Callable[..., Any]]] = {
    "add": (2, lambda m, a, b: a + b),
    "subtract": (2, lambda m, a, b: a - b),
    "multiply": (2, lambda m, a, b: a * b),
    "divide": (2, lambda m, a, b: a / (b * b + 1)),
    "affine": (1, lambda m, a: 0.75 * a - 2),
    "negate": (1, lambda m, a: -a),
    "cube": (1, lambda m, a: a**3),
    "power": (2, lambda m, a, b: (a * a + 0.5) ** m.tanh(b)),
    "exponential": (1, lambda m, a: 2 ** m.sin(a)),
    "exp": (1, lambda m, a: m.exp(m.cos(a))),
    "log": (1, lambda m, a: m.log(a * a + 0.5)),
    "sqrt": (1, lambda m, a: m.sqrt(a * a + 0.5)),
    "sin": (1, lambda m, a: m.sin(a)),
    "cos": (1, lambda m, a: m.cos(a)),
    "atan": (1, lambda m, a: m.atan(a)),
    "atan2": (2, lambda m, a, b: m.atan2(a, b * b + 1)),
    "hypot": (2, lambda m, a, b: m.hypot(a, b * b + 1)),
    "asinh": (1, lambda m, a: m.asinh(a)),
    "tanh": (1, lambda m, a: m.tanh(a)),
    "sigmoid": (1, lambda m, a: m.sigmoid(a)),
    "softplus": (1, lambda m, a: m.softplus(a)),
    "erf": (1, lambda m, a: m.erf(a)),
    "relu": (1, lambda m, a: m.relu(a)),
    "abs": (1, lambda m, a: abs(a)),
    "maximum": (2, lambda m, a, b: m.maximum(a, b)),
    "minimum": (2, lambda m, a, b: m.minimum(a, b)),
    "where": (2, lambda m, a, b: m.where(a > b, a * b, 2 * b)),
    "sum": (5, lambda m, *xs: m.sum(xs)),
    "dot": (7, lambda m, *xs: m.dot(xs[:3], xs[3:6], xs[6])),
    "logsumexp": (4, lambda m, *xs: m.logsumexp(xs)),
    "shrink": (1, lambda m, a: a / 1024),
}
WIDE = ("sum", "dot", "logsumexp")
KINKED_AT: dict[str, Callable[..., float]] = {
    **dict.fromkeys(("relu", "abs"), lambda a: a),
    **dict.fromkeys(("maximum", "minimum", "where"), lambda a, b: a - b),
}


class Program(NamedTuple):
    """Steps that each append a number to a list that begins with the inputs; the result is the sum of some of them.

    Attributes:
        inputs: the numbers to run the program on.
        steps: the names of operations, with the positions of their operands in the list.
        outputs: the positions of the numbers whose sum is the result.
    """

    inputs: list[float]
    steps: list[tuple[str, tuple[int, ...]]]
    outputs: list[int]


def run(program: Program, m: Any, inputs: Sequence[Any]) -> Any:
    numbers = list(inputs)
    for name, operands in program.steps:
        numbers.append(OPERATIONS[name][1](m, *(numbers[i] for i in operands)))
    return m.sum([numbers[i] for i in program.outputs])


def path_sums(*roots: Value) -> dict[Value, float]:
    """Return, for each node, the sum over all paths from a leaf to it of |the leaf times all local derivatives|.

    Multiplied by the unit roundoff, this is about the rounding error of the node's value.
    """
    sums: dict[Value, float] = {}
    for node in topological_order(*roots):
        sums[node] = abs(node.data)
        for parent, derivative in zip(node.parents, node.local_derivatives):
            sums[node] += abs(derivative) * sums[parent]
    return sums


@st.composite
def programs(draw: st.DrawFn, inputs: Sequence[float] | None = None, steps: int = 30) -> Program:
    """Return a program of at least this many steps, including wide nodes, that does not amplify rounding errors.

    Numbers with accumulated rounding errors are scaled down before they are used (a loop of squares and sines is
    chaotic after a dozen turns, and shows nothing about any engine). Numbers keep a distance from kinks, since rounding
    must not decide which side they lie on; ties are tested elsewhere.
    """
    if inputs is None:
        inputs = draw(st.lists(st.floats(-3, 3), min_size=3, max_size=5))
    program = Program(list(inputs), [], list(range(len(inputs))))
    nodes = [Value(x) for x in inputs]

    def append(name: str, operands: tuple[int, ...]) -> None:
        program.steps.append((name, operands))
        nodes.append(OPERATIONS[name][1](autograd, *(nodes[i] for i in operands)))

    names = [*WIDE, *draw(st.lists(st.sampled_from(sorted(OPERATIONS)), min_size=steps - 3, max_size=steps + 10))]
    for name in draw(st.permutations(names)):
        operands = tuple(draw(st.sampled_from(program.outputs)) for _ in range(OPERATIONS[name][0]))
        if name in KINKED_AT and abs(KINKED_AT[name](*(nodes[i].data for i in operands))) < 1e-6:
            name = "sin" if len(operands) == 1 else "multiply"
        append(name, operands)
        while path_sums(nodes[-1])[nodes[-1]] > 1000:
            append("shrink", (len(nodes) - 1,))
        program.outputs.append(len(nodes) - 1)
    return program


def gradient_scales(root: Value) -> dict[Value, float]:
    """Return, for each node, the scale of its gradient: the backward sweep with absolute values.

    Terms that cancel in the gradient do not cancel here, since their rounding errors do not cancel either. A local
    derivative is itself a function of numbers with rounding errors (of up to 10⁻¹³ here, times a second derivative of
    up to 10): 0.01 is added to each, which allows it an absolute error of 10⁻¹² if the tolerance of the whole is 10⁻¹⁰.
    """
    order = topological_order(root)
    scales = dict.fromkeys(order, 0.0)
    scales[root] = 1.0
    for node in reversed(order):
        for parent, derivative in zip(node.parents, node.local_derivatives):
            scales[parent] += (abs(derivative) + 0.01) * scales[node]
    return scales


def backward(program: Program) -> tuple[Value, list[float], list[float]]:
    """Return the result, the gradients of the inputs, and their scales."""
    inputs = [Value(x) for x in program.inputs]
    result = run(program, autograd, inputs)
    result.backward()
    scales = gradient_scales(result)
    return result, [x.grad for x in inputs], [scales[x] for x in inputs]


def assert_close(actual: Sequence[float], expected: Sequence[float], scales: Sequence[float]) -> None:
    assert len(actual) == len(expected) == len(scales)
    for a, b, scale in zip(actual, expected, scales):
        assert math.isfinite(a)
        assert abs(a - b) <= 1e-10 * scale, f"{a!r} against {b!r}, {abs(a - b) / scale:.1e} of the scale apart"


@pytest.fixture(scope="module")
def torch_functions() -> SimpleNamespace:
    """Return PyTorch's functions of scalar tensors under this package's names."""
    torch = pytest.importorskip("torch", reason="PyTorch, the peer to compare with, is not installed")
    names = ["tanh", "sin", "cos", "exp", "log", "sqrt", "atan", "atan2", "hypot", "asinh", "sigmoid", "erf", "relu"]
    names += ["maximum", "minimum", "where"]
    return SimpleNamespace(
        **{name: getattr(torch, name) for name in names},
        sum=lambda xs: torch.stack(list(xs)).sum(),
        dot=lambda xs, ys, bias: (torch.stack(xs) * torch.stack(ys)).sum() + bias,
        logsumexp=lambda xs: torch.logsumexp(torch.stack(xs), 0),
        softplus=lambda x: torch.logaddexp(x, torch.zeros_like(x)),  # torch's own softplus is linear above 20
        leaf=lambda x: torch.tensor(x, dtype=torch.float64, requires_grad=True),
    )


heavy = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], max_examples=100)


@heavy
@given(program=programs())
def test_values_and_gradients_agree_with_pytorch(program: Program, torch_functions: SimpleNamespace) -> None:
    result, gradients, scales = backward(program)
    leaves = [torch_functions.leaf(x) for x in program.inputs]
    expected = run(program, torch_functions, leaves)
    expected.backward()
    assert_close([result.data], [expected.item()], [path_sums(result)[result]])
    assert_close(gradients, [leaf.grad.item() for leaf in leaves], scales)


@heavy
@given(program=programs(), data=st.data())
def test_the_transforms_agree_with_backward(program: Program, data: st.DataObject) -> None:
    result, gradients, scales = backward(program)

    def f(inputs: Sequence[Any]) -> Any:
        return run(program, autograd, inputs)

    direction = [data.draw(st.sampled_from((-1.0, 0.5, 2.0))) for _ in program.inputs]
    value, slope = jvp(f, (program.inputs,), (direction,))
    assert value == result.data
    assert_close(grad(f)(program.inputs), gradients, scales)
    assert_close([g.data for g in grad(f)([Value(x) for x in program.inputs])], gradients, scales)
    products = [g * d for g, d in zip(gradients, direction)]
    assert_close([slope], [math.fsum(products)], [math.fsum(2 * scale for scale in scales)])


@heavy
@given(inner=programs(steps=15), data=st.data())
def test_chain_rule(inner: Program, data: st.DataObject) -> None:
    """One program is another's first input: ∂(f∘g)/∂x = ∂f/∂g × ∂g/∂x, with both factors computed separately."""
    g, dg, g_scales = backward(inner)
    outer = data.draw(programs([g.data, 0.5], steps=15))
    _, (to_g, _), (scale, _) = backward(outer)

    def composed(inputs: Sequence[Any]) -> Any:
        return run(outer, autograd, [run(inner, autograd, inputs), 0.5])

    assert_close(grad(composed)(inner.inputs), [to_g * x for x in dg], [scale * x for x in g_scales])


@settings(heavy, max_examples=40)
@given(data=st.data())
def test_linearity_product_rule_and_quotient_rule(data: st.DataObject) -> None:
    inputs = data.draw(st.lists(st.floats(-3, 3), min_size=2, max_size=3))
    programs_of_inputs = programs(inputs, steps=10)
    first, second = data.draw(programs_of_inputs), data.draw(programs_of_inputs)
    a, b = data.draw(st.floats(-2, 2)), data.draw(st.floats(-2, 2))
    f, df, f_scales = backward(first)
    g, dg, g_scales = backward(second)

    def check(combine: Callable[[Any, Any], Any], to_f: float, to_g: float) -> None:
        """Check that the gradient of a combination is its two partial derivatives times df and dg."""

        def combined(xs: Sequence[Any]) -> Any:
            return combine(run(first, autograd, xs), run(second, autograd, xs))

        expected = [to_f * x + to_g * y for x, y in zip(df, dg)]
        scales = [(abs(to_f) + 0.01) * x + (abs(to_g) + 0.01) * y for x, y in zip(f_scales, g_scales)]
        assert_close(grad(combined)(inputs), expected, scales)

    n = 1 + g.data**2
    check(lambda u, v: a * u + b * v, a, b)
    check(lambda u, v: u * v, g.data, f.data)
    check(lambda u, v: u / (1 + v * v), 1 / n, -2 * f.data * g.data / n**2)
    check(lambda u, v: autograd.sin(u) + autograd.tanh(v), math.cos(f.data), 1 - math.tanh(g.data) ** 2)
