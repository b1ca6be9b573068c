"""Random programs, with shared subexpressions and wide nodes: gradients against PyTorch, and the rules of calculus."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import autograd
from autograd import Value, grad, topological_order

Step = tuple[str, tuple[int, ...]]
Program = list[Step]

UNARY = (
    "neg",
    "exp",
    "log",
    "sqrt",
    "square",
    "sin",
    "cos",
    "tanh",
    "sigmoid",
    "softplus",
    "relu",
    "abs",
    "atan",
    "erf",
)
BINARY = ("add", "sub", "mul", "div", "maximum", "minimum", "power")
WIDE = ("sum", "dot", "logsumexp")
INPUTS = 4

# What keeps a program inside the domains of its operations: numbers are brought into range before they meet them.
OURS: dict[str, Callable[..., Any]] = {
    "neg": lambda x: -x,
    "exp": lambda x: autograd.exp(autograd.tanh(x)),
    "log": lambda x: autograd.log(1 + x * x),
    "sqrt": lambda x: autograd.sqrt(1 + x * x),
    "square": lambda x: autograd.tanh(x) ** 2,
    "sin": autograd.sin,
    "cos": autograd.cos,
    "tanh": autograd.tanh,
    "sigmoid": autograd.sigmoid,
    "softplus": autograd.softplus,
    "relu": autograd.relu,
    "abs": abs,
    "atan": autograd.atan,
    "erf": autograd.erf,
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: autograd.tanh(x) * y,
    "div": lambda x, y: x / (1 + y * y),
    "maximum": autograd.maximum,
    "minimum": autograd.minimum,
    "power": lambda x, y: (1 + autograd.sigmoid(x)) ** autograd.tanh(y),
    "sum": lambda *xs: autograd.sum(xs) / len(xs),
    "dot": lambda *xs: autograd.tanh(autograd.dot(xs[: len(xs) // 2], xs[len(xs) // 2 : 2 * (len(xs) // 2)], xs[-1])),
    "logsumexp": lambda *xs: autograd.logsumexp(xs),
}


def _torch_operations() -> dict[str, Callable[..., Any]]:
    torch = pytest.importorskip("torch", reason="PyTorch, the oracle of this test, is not installed")
    stack = torch.stack
    return {
        "neg": lambda x: -x,
        "exp": lambda x: torch.exp(torch.tanh(x)),
        "log": lambda x: torch.log(1 + x * x),
        "sqrt": lambda x: torch.sqrt(1 + x * x),
        "square": lambda x: torch.tanh(x) ** 2,
        "sin": torch.sin,
        "cos": torch.cos,
        "tanh": torch.tanh,
        "sigmoid": torch.sigmoid,
        "softplus": lambda x: torch.logaddexp(x, torch.zeros_like(x)),  # its own softplus is linear above 20
        "relu": torch.relu,
        "abs": torch.abs,
        "atan": torch.atan,
        "erf": torch.erf,
        "add": lambda x, y: x + y,
        "sub": lambda x, y: x - y,
        "mul": lambda x, y: torch.tanh(x) * y,
        "div": lambda x, y: x / (1 + y * y),
        "maximum": torch.maximum,
        "minimum": torch.minimum,
        "power": lambda x, y: (1 + torch.sigmoid(x)) ** torch.tanh(y),
        "sum": lambda *xs: stack(xs).sum() / len(xs),
        "dot": lambda *xs: torch.tanh(
            stack(xs[: len(xs) // 2]) @ stack(xs[len(xs) // 2 : 2 * (len(xs) // 2)]) + xs[-1]
        ),
        "logsumexp": lambda *xs: torch.logsumexp(stack(xs), 0),
    }


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """30 to 60 steps, each on numbers that earlier steps, or the inputs, have made; late ones are preferred."""
    program: Program = []
    for position in range(draw(st.integers(30, 60))):
        available = INPUTS + position
        kind = draw(st.sampled_from((UNARY, BINARY, BINARY, WIDE)))
        count = 1 if kind is UNARY else 2 if kind is BINARY else draw(st.integers(2, 9))
        back = st.integers(1, min(available, 8)) | st.integers(1, available)
        program.append((draw(st.sampled_from(kind)), tuple(available - draw(back) for _ in range(count))))
    return program


points = st.lists(st.floats(-2, 2).filter(lambda x: abs(x) > 1e-3), min_size=INPUTS, max_size=INPUTS, unique_by=abs)
many = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def run(program: Program, inputs: Sequence[Any], operations: dict[str, Callable[..., Any]]) -> Any:
    """The sum of the last steps' results, so that none of them is computed for nothing."""
    results = list(inputs)
    for name, operands in program:
        results.append(operations[name](*(results[i] for i in operands)))
    return sum(results[-5:])


def condition(root: Value) -> dict[Value, float]:
    """What rounding is to be measured by: for each node the sum of |products of local derivatives| over all paths.

    Terms of a gradient may cancel each other, and their rounding does not. Each value's rounding also moves the local
    derivatives computed from it, which costs a factor of order 1 a node here, where all derivatives are moderate.
    """
    order = topological_order(root)
    sizes = dict.fromkeys(order, 0.0)
    sizes[root] = 1.0
    for node in reversed(order):
        for parent, derivative in zip(node.parents, node.local_derivatives):
            sizes[parent] += abs(derivative) * sizes[node]
    return sizes


@given(programs(), points)
@many
def test_values_and_gradients_agree_with_pytorch(program: Program, point: list[float]) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch, the oracle of this test, is not installed")
    inputs = [Value(x) for x in point]
    ours = run(program, inputs, OURS)
    ours.backward()
    tensors = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in point]
    theirs = run(program, tensors, _torch_operations())
    theirs.backward()

    sizes = condition(ours)
    scale = 1 + math.fsum(sizes[node] * abs(node.data) for node in sizes)  # each node's rounding, carried to the end
    assert abs(ours.data - theirs.item()) <= 1e-10 * scale
    for x, tensor in zip(inputs, tensors):
        theirs_grad = 0.0 if tensor.grad is None else tensor.grad.item()
        assert abs(x.grad - theirs_grad) <= 1e-10 * (1 + sizes.get(x, 0.0)) * scale


@given(programs(), points)
@many
def test_transforms_agree_with_backward(program: Program, point: list[float]) -> None:
    """The same graph swept by backward(), by grad on numbers, and by grad on Values, which builds the gradient's."""
    inputs = [Value(x) for x in point]
    root = run(program, inputs, OURS)
    root.backward()
    sizes = condition(root)

    def f(xs: list[Any]) -> Any:
        return run(program, xs, OURS)

    on_numbers = grad(f)(point)
    on_values = grad(f)([Value(x) for x in point])
    for x, number, value in zip(inputs, on_numbers, on_values):
        assert abs(x.grad - number) <= 1e-12 * (1 + sizes.get(x, 0.0))
        assert abs(x.grad - value.data) <= 1e-12 * (1 + sizes.get(x, 0.0))


@given(programs(), programs(), points, st.floats(-3, 3), st.floats(-3, 3))
@settings(many, max_examples=60)
def test_linearity_and_the_product_rule(
    first: Program, second: Program, point: list[float], alpha: float, beta: float
) -> None:
    """∇(αf + βg) = α∇f + β∇g and ∇(fg) = g∇f + f∇g."""

    def f(xs: list[Any]) -> Any:
        return run(first, xs, OURS)

    def g(xs: list[Any]) -> Any:
        return run(second, xs, OURS)

    f_value, f_grad = autograd.value_and_grad(f)(point)
    g_value, g_grad = autograd.value_and_grad(g)(point)
    of_sum = grad(lambda xs: alpha * f(xs) + beta * g(xs))(point)
    of_product = grad(lambda xs: f(xs) * g(xs))(point)
    inputs = [Value(x) for x in point]
    sizes_f, sizes_g = condition(f(inputs)), condition(g(inputs))
    for i, x in enumerate(inputs):
        size = 1 + sizes_f.get(x, 0.0) * (abs(alpha) + abs(g_value)) + sizes_g.get(x, 0.0) * (abs(beta) + abs(f_value))
        assert abs(of_sum[i] - (alpha * f_grad[i] + beta * g_grad[i])) <= 1e-12 * size
        assert abs(of_product[i] - (g_value * f_grad[i] + f_value * g_grad[i])) <= 1e-12 * size


@given(programs(), programs(), points)
@settings(many, max_examples=60)
def test_the_chain_rule(inner: Program, outer: Program, point: list[float]) -> None:
    """d/dt f(g(t), ..., t) is the sum over f's arguments of ∂f/∂argument × d argument/dt, the parts taken apart."""

    def g(t: Any) -> Any:
        return autograd.tanh(run(inner, [t, *point[1:]], OURS) + t)

    def f(xs: list[Any]) -> Any:
        return run(outer, xs, OURS)

    t = point[0]
    g_value, g_slope = autograd.value_and_grad(g)(t)
    partial = grad(f)([g_value, t, *point[2:]])
    whole = grad(lambda t: f([g(t), t, *point[2:]]))(t)
    start = [Value(g_value), Value(t), *map(Value, point[2:])]
    outer_sizes = condition(f(start))
    variable = Value(t)
    inner_size = condition(g(variable)).get(variable, 0.0)
    size = 1 + outer_sizes.get(start[0], 0.0) * (1 + inner_size) + outer_sizes.get(start[1], 0.0)
    assert abs(whole - (partial[0] * g_slope + partial[1])) <= 1e-11 * size


@given(programs(), points)
@settings(many, max_examples=40)
def test_forward_accumulation_agrees_with_reverse(program: Program, point: list[float]) -> None:
    """The slope in a direction is the gradient's product with it."""

    def f(xs: list[Any]) -> Any:
        return run(program, xs, OURS)

    direction = [0.5, -1.0, 2.0, 0.25]
    inputs = [Value(x) for x in point]
    sizes = condition(f(inputs))
    slope = autograd.jvp(f, (point,), (direction,))[1]
    gradient = grad(f)(point)
    size = 1 + sum(sizes.get(x, 0.0) * abs(d) for x, d in zip(inputs, direction))
    assert abs(slope - math.fsum(g * d for g, d in zip(gradient, direction))) <= 1e-12 * size
