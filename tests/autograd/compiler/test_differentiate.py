"""Differentiated array programs: their gradients are PyTorch's, and they print the equations of textbooks."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograd import primitives
from autograd.compiler.arrays.builder import Builder
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.differentiate.reverse import to_arguments, to_parameters
from autograd.compiler.differentiate.rules import recorded, slope_of
from autograd.primitives import Primitive

torch = pytest.importorskip("torch", reason="PyTorch, the oracle, is not installed")


@pytest.mark.parametrize("seed", range(300))
def test_gradients_are_those_of_pytorch(
    seed: int, random_program: Callable[..., ArrayProgram], by_torch: Callable[..., Any]
) -> None:
    program = random_program(seed)
    widths: dict[str, Any] = {o.name: o.shape[1] for o in program.operations if o.kind == "argument"}
    chance = np.random.default_rng(seed)
    arguments = {name: chance.normal(size=(4, width)) for name, width in widths.items()}
    size = 1 + max(int(o.attribute.array.max()) for o in program.operations if o.kind == "parameter")
    vector, seeds = chance.normal(size=size), chance.normal(size=(4, 3))

    tensors = {name: torch.tensor(x, requires_grad=True) for name, x in arguments.items()}
    parameters = torch.tensor(vector, requires_grad=True)
    (expected,) = by_torch(program, tensors, parameters)
    (result,) = program.evaluate(arguments, vector)
    assert_near(result, expected.detach())
    (0.0 * parameters.sum() + (expected * torch.tensor(seeds)).sum()).backward()

    for differentiated, wanted in ((to_arguments(program, 3), tensors), (to_parameters(program, 3), None)):
        _, *gradients = differentiated.verify().evaluate({**arguments, "gradient": seeds}, vector)
        if wanted is not None:
            for tensor, gradient in zip(wanted.values(), gradients):
                assert_near(np.broadcast_to(gradient, tensor.shape), tensor.grad)
            continue
        total = np.zeros(size)
        operations = [o for o in program.operations if o.kind == "parameter"]
        for operation, gradient in zip(operations, gradients):
            assert gradient.shape in ((), operation.shape)
            np.add.at(total, operation.attribute.array, gradient)
        assert_near(total, parameters.grad)


def assert_near(gradient: np.ndarray, expected: Any) -> None:
    wanted = np.zeros(gradient.shape) if expected is None else expected.numpy()
    np.testing.assert_allclose(gradient, wanted, rtol=1e-11, atol=1e-12 * float(np.abs(wanted).max(initial=1.0)))


def number_by_number(rule: Callable[..., Any]) -> Primitive:
    return Primitive("own", lambda x, y: x, rule)


def test_a_slope_is_a_function_of_the_inputs_and_the_result() -> None:
    own = number_by_number(lambda x, y, out: (x + 10 * y + 100 * out, out - x))
    assert slope_of(own, 0)(1.0, 2.0, 3.0) == 321.0
    assert slope_of(own, 1)(1.0, 2.0, 3.0) == 2.0
    with pytest.raises(TypeError, match="number by number"):
        slope_of(own, 0).derivatives(1.0, 2.0, 3.0, 321.0)


def test_rules_that_take_floats_alone_are_not_recorded() -> None:
    """Such rules raise for anything but floats; others become steps of primitives, which read earlier steps."""
    for rule in (
        lambda x, y, out: (math.sin(x), 1.0),
        lambda x, y, out: (float(str(x)), 1.0),
        lambda x, y, out: (x.as_integer_ratio()[0], 1.0),
    ):
        assert recorded(number_by_number(rule), (None, None)) is None
    product = recorded(number_by_number(lambda x, y, out: (y * out + 2.0, 3.0)), (None, None))
    assert product is not None
    assert [step for step, _ in product.steps] == [primitives.mul, primitives.add]
    (first, second) = (operands for _, operands in product.steps)
    assert [at for at, _ in first] == [1, 2], "y and the result"
    assert (second[0][0], second[1]) == (3, (None, 2.0)), "the product and a number"
    assert [product.results[0][0], product.results[1]] == [4, (None, 3.0)]
    known = recorded(number_by_number(lambda x, y, out: (x * y, out)), (None, "2.0"))
    assert known is not None and (None, 2.0) in known.steps[0][1]


def test_a_rule_is_recorded_once() -> None:
    """Equal slopes are therefore applications of one primitive, which can be merged."""
    own = number_by_number(lambda x, y, out: (math.sin(x), y))
    assert slope_of(own, 1) is slope_of(own, 1)
    assert recorded(primitives.tanh, (None,)) is recorded(primitives.tanh, (None,)) is not None


def test_the_four_equations_of_backpropagation() -> None:
    """Nielsen, ch. 2: BP1 and BP2 give each delta, BP3 and BP4 the gradients of biases and weights."""
    builder = Builder()
    x, y = builder.argument("x", 4), builder.argument("y", 2)
    layers, a = {}, x
    for layer, (width, fan_in, first) in enumerate(((3, 4, 0), (2, 3, 15)), 1):
        w = builder.parameter(first + np.arange(width * fan_in).reshape(width, fan_in), f"w{layer}")
        b = builder.parameter(first + width * fan_in + np.arange(width), f"b{layer}")
        z = (builder.contract(a, w, "nk", "ck", "nc") + b).named(f"z{layer}")
        layers[z.at] = layer
        a = builder.apply(primitives.sigmoid, z, name=f"a{layer}")
    loss = builder.reduce((a - y) ** 2.0, "sum", [1], keepdims=True).named("loss")
    text = str(to_parameters(builder.program([loss], layers), 1))
    for line in (
        "nabla_w2 = contract nc,nk->ck (delta2, a1)",
        "nabla_b2 = sum over (0,) (delta2)",
        "contract nc,ck->nk (delta2, w2)",
        "nabla_w1 = contract nc,nk->ck (delta1, x)",
        "nabla_b1 = sum over (0,) (delta1)",
    ):
        assert line in text
    assert "contract nc,ck->nk (delta1, w1)" not in text  # the derivative w.r.t. x is not needed
