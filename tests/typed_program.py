"""A user's program with type annotations: it runs, and type checkers must agree with each `assert_type`."""

from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

import autograd
import nn
from autograd import Value, grad, hessian, value_and_grad


def energy(x: Any) -> Any:
    return x**4 + 2 * x


def surface(point: Any) -> Any:
    return point[0] ** 2 * point[1]


def loss(w: Value, x: Value) -> Value:
    return (w * x - 1.0) ** 2


# Derivatives of functions
assert_type(grad(energy)(2.0), float)
assert_type(grad(energy)(2), float)
assert_type(grad(grad(energy))(2.0), float)
assert_type(grad(surface)([3.0, 5.0]), list[float])
assert_type(grad(surface)([3, 5]), list[float])
assert_type(grad(energy)(Value(2.0)), Value)
assert_type(grad(surface)([Value(3.0), Value(5.0)]), list[Value])
assert_type(grad(loss, argnums=1)(2.0, 5.0), float)
assert_type(grad(loss, argnums=(0, 1))(2.0, 5.0), tuple[float, float])

point: NDArray[np.float64] = np.array([3.0, 5.0])
assert_type(grad(surface)(point), NDArray[np.float64])
assert_type(value_and_grad(energy)(2.0), tuple[float, float])
assert_type(value_and_grad(surface)([3.0, 5.0]), tuple[float, list[float]])
assert_type(value_and_grad(surface)(point), tuple[float, NDArray[np.float64]])
assert_type(value_and_grad(energy)(Value(2.0)), tuple[Value, Value])
assert_type(hessian(surface)([3.0, 5.0]), list[list[float]])
assert_type(hessian(energy)(2.0), float)
assert_type(hessian(surface)(point), NDArray[np.float64])

# The usual training loop
model = nn.MLP(2, [4, 1], seed=1)
optimizer = nn.SGD(model.parameters(), learning_rate=1.0)
samples: list[tuple[list[float], float]] = [([0, 0], 0), ([0, 1], 1), ([1, 0], 1), ([1, 1], 0)]
cost = Value(0.0)
for _ in range(3):
    optimizer.zero_grad()
    cost = autograd.sum([nn.half_squared_error(model(x), t) for x, t in samples])
    cost.backward()
    optimizer.step()
assert_type(cost, Value)
prediction: Value = model([0.0, 1.0])
number: float = model([0.0, 1.0]).data

# A network of several outputs is a list of Values
classifier = nn.MLP(2, [3], output_activation="identity", seed=1)
logits: list[Value] = classifier([0.0, 1.0])
assert_type(classifier([0.0, 1.0])[0], Value)
assert_type([logit.data for logit in classifier([0.0, 1.0])], list[float])
assert_type(autograd.softmax(logits), list[Value])

# Compiled programs
weights = [Value(0.5), Value(-0.5)]


def squared(x: list[Value], t: Value) -> Value:
    return (autograd.dot(weights, x) - t) ** 2


def outputs(x: list[Value]) -> list[Value]:
    return [w * x_k for w, x_k in zip(weights, x)]


program = autograd.compile(squared, [0.0, 0.0], 0.0)
assert_type(program([1.0, 2.0], 1.0), float)
assert_type(program.backward([[1.0, 2.0]], [1.0]), float)
batch, targets = np.ones((4, 2)), np.ones(4)
losses: NDArray[np.float64] = program(batch, targets)
assert losses.shape == (4,)
rows: NDArray[np.float64] = autograd.compile(outputs, [0.0, 0.0])([[1.0, 2.0], [3.0, 4.0]])
assert rows.shape == (2, 2)
source: str = program.source
annotated: autograd.Program = program  # type parameters may be left out

# Queries of a graph, and numbers from other libraries
assert_type(autograd.summary(cost).nodes, int)
assert_type(autograd.leaves(cost), list[Value])
assert_type(Value(np.float32(2)).exp(), Value)
assert_type(autograd.exp(2.0), float)
history = nn.fit(model, [x for x, _ in samples], [t for _, t in samples], epochs=1, progress=False)
assert_type(history.costs, list[float])
