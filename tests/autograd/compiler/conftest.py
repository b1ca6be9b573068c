"""Random array programs, and their results by PyTorch, for tests of the passes."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from autograd import primitives
from autograd.compiler.arrays.builder import Builder
from autograd.compiler.arrays.handle import Handle
from autograd.compiler.arrays.loop import Loop, Stepping
from autograd.compiler.arrays.operations import Application, Batch, Data, Labels, N, Placement, Reduction
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.trace.comparisons import COMPARISONS

if TYPE_CHECKING:
    import torch


@pytest.fixture(scope="session")
def random_program() -> Callable[..., ArrayProgram]:
    """Return a function of a seed, which returns a program with operations of all kinds."""
    return build_program


@pytest.fixture(scope="session")
def random_operation() -> Callable[..., Handle]:
    """Return a function of a builder, a random generator, operands and masks, which adds an operation of any kind."""
    return _operation


@pytest.fixture(scope="session")
def by_torch() -> Callable[..., list[torch.Tensor]]:
    """Return a function of a program, arguments and parameters, which returns its results as PyTorch computes them."""
    return compute_by_torch


@pytest.fixture(scope="session")
def points_of() -> Callable[..., list[np.ndarray[Any, Any]]]:
    """Return a function of a primitive's name, which returns numbers in its domain for each operand."""
    return points


@pytest.fixture
def loops() -> ArrayProgram:
    """Make loops along all axes, forwards and backwards and nested, and one that reads no array by step."""
    cell = Builder()
    h, x, w = cell.argument("h", 2), cell.argument("x_t", 2), cell.argument("w_cell", (2, 2))
    a = cell.apply(primitives.tanh, x + cell.contract(h, w, "nk", "ck", "nc"), name="a")
    over_time = Loop(cell.program([a, a]), 3, 1, (Stepping(0, backward=True),), (Stepping(2),))
    layer = Builder()
    sequence, scale, start = (
        layer.argument("sequence", (3, N, 2)),
        layer.argument("scale", (2, 2)),
        layer.argument("s", 2),
    )
    last, states = layer.loop(over_time, [start, sequence, scale])
    states = layer.transpose(states.named("states"), (2, 0, 1))
    over_layers = Loop(
        layer.program([states + sequence, last.named("last")]), 4, 1, (Stepping(0),), (Stepping(1, True),)
    )
    counter = Builder()
    n, step = counter.argument("count", 2), counter.argument("step_size", 2)
    counting = Loop(counter.program([(n + step).named("after")]), 5, 1)
    builder = Builder()
    x = builder.reshape(builder.argument("x", 6), (N, 3, 2))
    weights = builder.constant(np.random.default_rng(1).normal(size=(4, 2, 2)))
    start = builder.broadcast(builder.constant(np.array([0.1, -0.2])), (N, 2))
    top, lasts = builder.loop(over_layers, [builder.transpose(x, (1, 0, 2)), weights, start])
    (counted,) = builder.loop(counting, [start, builder.reduce(x, "sum", [1])])
    return builder.program([top.named("top"), lasts.named("lasts"), counted.named("counted")]).verify()


DOMAINS = {  # the domains of primitives that are not defined everywhere
    **dict.fromkeys(("acos", "asin", "asin_slope", "atanh", "atanh_slope"), (-1.0, 1.0)),
    **dict.fromkeys(("log", "log10", "log2", "sqrt", "sqrt_slope"), (0.0, 50.0)),
    **dict.fromkeys(("gamma", "lgamma", "lgamma_derivative"), (0.1, 20.0)),
    "acosh": (1.0, 50.0),
    "acosh_slope": (1.0, 50.0),
    "log1p": (-1.0, 50.0),
    "power": (0.0, 5.0),
    "xlogy": (0.0, 5.0),
}
OPERANDS = {
    **dict.fromkeys(("add", "sub", "mul", "div", "maximum", "minimum", "power", "constant_power", "hypot"), 2),
    **dict.fromkeys(("atan2", "xlogy", "ratio", "hypot_slope", "copysign", "fmod", "remainder"), 2),
    **dict.fromkeys(("where", "max", "min", "prod", "logsumexp", "norm", "fsum", "entry_at"), 3),
    "lgamma_derivative": 2,
    "atan2_derivative": 4,
    "power_derivative": 4,
}


def points(name: str, margin: float = 1e-9, count: int = 400) -> list[np.ndarray[Any, Any]]:
    """Return numbers of all sizes in a primitive's domain, as close to its ends as the margin; many are small."""
    chance = np.random.default_rng(0)
    low, high = DOMAINS.get(name, (-50.0, 50.0))
    arrays = []
    for _ in range(OPERANDS.get(name, 1)):
        sizes = chance.uniform(low, high, count) * 10.0 ** -chance.integers(0, 6, count)
        sizes[::4] = np.clip(chance.uniform(low, high, len(sizes[::4])), -3, 3)
        arrays.append(np.clip(sizes, low + margin, high - margin))
    fixed = {"constant_power": 3.0, "lgamma_derivative": 1.0}
    if name in fixed:
        arrays[1] = np.full(count, fixed[name])
    if name in ("entry_at", "where"):
        arrays[2 if name == "entry_at" else 0] = chance.integers(0, 2, count).astype(float)
    return arrays


UNARY = [
    *(primitives.sigmoid, primitives.tanh, primitives.exp, primitives.sin, primitives.softplus, primitives.neg),
    *(primitives.relu, primitives.absolute, primitives.atan),
]
BINARY = [primitives.add, primitives.sub, primitives.mul, primitives.maximum, primitives.minimum]


def build_program(seed: int, size: int = 12) -> ArrayProgram:
    """Return a program of two arguments, three arrays of parameters and about this many operations, of all kinds."""
    chance = random.Random(seed)
    builder, masks = Builder(), list[Handle]()
    width = chance.randint(1, 5)
    values = [builder.argument("x", width), builder.argument("y", chance.randint(1, 4))]
    values.append(builder.parameter(np.arange(3 * width).reshape(3, width), "w"))
    values.append(builder.parameter(np.arange(3 * width, 3 * width + 3), "b"))
    values.append(builder.parameter(np.array([1, 0, 1]), "p"))
    values.append(builder.constant(np.linspace(-1, 1, 3)))
    for k in range(size):
        value = _operation(builder, chance, values, masks)
        if chance.random() < 0.6:
            value = value.named(f"v_{k}_")
        values.append(value)
    columns = [_column(builder, x) for x in values[-3:]]
    output = builder.concatenate(columns, 1).named("result")
    return builder.program([output], masks=masks).verify()


def _column(builder: Builder, x: Handle) -> Handle:
    """Return one number per sample: the sum of all numbers of an array."""
    if not any(isinstance(length, Batch) for length in x.shape):
        x = builder.reduce(x, "sum", list(range(len(x.shape))))
        return builder.broadcast(x, (Batch(1), 1))
    if isinstance(x.shape[0], Batch) and x.shape[0].times > 1:
        x = builder.reshape(x, (Batch(1), x.shape[0].times, *x.shape[1:]))
    x = builder.reduce(x, "sum", list(range(1, len(x.shape))))
    return builder.reshape(x, (Batch(1), 1))


def _operation(builder: Builder, chance: random.Random, values: list[Handle], masks: list[Handle]) -> Handle:
    x = chance.choice(values)
    last = len(x.shape) - 1
    width = x.shape[last] if x.shape else 1
    assert isinstance(width, int)
    match chance.randint(0, 14):
        case 0 | 1:
            return builder.apply(chance.choice(UNARY), x, careful=chance.random() < 0.3)
        case 2 | 3 | 4:
            others = [y for y in values if _fit(x, y)]
            return builder.apply(chance.choice(BINARY), x, chance.choice(others), careful=chance.random() < 0.3)
        case 5:
            return builder.apply(primitives.constant_power, x, 2.0)
        case 6:
            tables = [
                y for y in values if len(y.shape) == 2 and not isinstance(y.shape[0], Batch) and y.shape[1] == width
            ]
            if len(x.shape) == 2 and tables:
                return builder.contract(x, chance.choice(tables), "nk", "ck", "nc")
        case 7:
            function = chance.choice(["sum", "max", "min", "logsumexp"])
            return builder.reduce(x, function, [last], keepdims=True, careful=chance.random() < 0.3) if last > 0 else x
        case 8:
            if isinstance(x.shape[0], Batch) and x.shape[0].times == 1 and len(x.shape) == 2:
                return builder.reshape(x, (Batch(1), 1, width) if chance.random() < 0.5 else (Batch(width), 1))
        case 9:
            start = chance.randrange(width)
            return builder.slice(x, last, start, chance.randint(start + 1, width), chance.randint(1, 2))
        case 10:
            others = [y for y in values if y.shape[:-1] == x.shape[:-1]]
            return builder.concatenate([x, chance.choice(others), x], last)
        case 11:
            start = chance.randrange(3)
            return builder.pad(x, last, start, start + width, 1, start + width + chance.randrange(3))
        case 12:
            return builder.take(x, [chance.randint(-1, width - 1) for _ in range(chance.randint(1, 6))])
        case 14:
            return builder.accumulate(x, last, chance.random() < 0.5)
        case 13:
            length = chance.randint(1, 4)
            return builder.place(x, [chance.randint(-1, length - 1) for _ in range(width)], length)
    masks.append(builder.apply(COMPARISONS[">"], x, 0.1))
    return builder.guard(x, len(masks) - 1)


def _fit(x: Handle, y: Handle) -> bool:
    pairs = list(zip(x.shape[::-1], y.shape[::-1]))
    return all(a == b or 1 in (a, b) for a, b in pairs)


def compute_by_torch(
    program: ArrayProgram, arguments: dict[str, torch.Tensor], parameters: torch.Tensor
) -> list[torch.Tensor]:
    """Return the results of a program as PyTorch computes them, operation by operation."""
    return _run_by_torch(program, arguments, parameters, max(len(x) for x in arguments.values()))


def _run_by_torch(
    program: ArrayProgram, arguments: dict[str, torch.Tensor], parameters: torch.Tensor, samples: int
) -> list[torch.Tensor]:
    import torch

    values: list[Any] = []
    for operation in program.operations:
        xs = [values[k] for k in operation.operands]
        if operation.kind == "loop":
            values.append(_loop_by_torch(operation.attribute, xs, samples))
            continue
        shape = tuple([samples * n.times if isinstance(n, Batch) else n for n in operation.shape])
        attribute: Any = operation.attribute
        match operation.kind:
            case "argument":
                value = arguments[attribute[0]]
            case "parameter":
                value = parameters[torch.tensor(attribute.array)]
            case "constant":
                value = torch.tensor(attribute.array if isinstance(attribute, Data) else attribute, dtype=torch.float64)
            case "contract":
                assert isinstance(attribute, Labels)
                value = torch.einsum(f"{attribute.left},{attribute.right}->{attribute.result}", *xs)
            case "reshape":
                value = xs[0].reshape(shape)
            case "transpose":
                value = xs[0].permute(attribute)
            case "broadcast":
                value = xs[0].broadcast_to(shape)
            case "slice":
                value = xs[0].index_select(
                    attribute.axis, torch.arange(attribute.start, attribute.stop, attribute.step)
                )
            case "concatenate":
                value = torch.cat(xs, dim=attribute)
            case "pad":
                places = torch.arange(attribute.start, attribute.stop, attribute.step)
                value = torch.zeros(shape, dtype=torch.float64).index_copy(attribute.axis, places, xs[0])
            case "take":
                index = torch.tensor(attribute.array)
                value = torch.where(index < 0, torch.zeros(()), xs[0][..., index])
            case "place":
                assert isinstance(attribute, Placement)
                kept = [k for k, p in enumerate(attribute.positions.array.tolist()) if p >= 0]
                places = torch.tensor([attribute.positions.array[k] for k in kept], dtype=torch.int64)
                value = torch.zeros(shape, dtype=torch.float64).index_add(-1, places, xs[0][..., kept])
            case "accumulate":
                axes = [attribute.axis] * attribute.backward
                value = xs[0].flip(axes).cumsum(attribute.axis).flip(axes)
            case "result":
                value = xs[0][attribute]
            case "guard":
                value = torch.where(xs[0] > 0.1, xs[0], xs[0].detach())  # the mask of all guards here
            case "reduce":
                assert isinstance(attribute, Reduction)
                value = _reduced(xs[0], *attribute[:3])
            case _:
                assert isinstance(attribute, Application), operation
                value = _applied(attribute.primitive.name, xs)
        values.append(value)
    return [values[at] for at in program.outputs]


def _loop_by_torch(loop: Loop, operands: list[torch.Tensor], samples: int) -> list[torch.Tensor]:
    """Return the results of a loop, unrolled."""
    import torch

    names = [loop.body.operations[at].name for at in loop.arguments]
    first = loop.carried + len(loop.read)
    states, arrays, same = operands[: loop.carried], operands[loop.carried : first], operands[first:]
    written: list[list[torch.Tensor]] = [[] for _ in loop.written]
    for t in range(loop.steps):
        read = [x.select(axis, loop.steps - 1 - t if back else t) for x, (axis, back) in zip(arrays, loop.read)]
        arguments = dict(zip(names, [*states, *read, *same]))
        results = _run_by_torch(loop.body, arguments, torch.zeros(0), samples)
        states = results[: loop.carried]
        for several, x in zip(written, results[loop.carried :]):
            several.append(x)
    stacks = [torch.stack(xs[::-1] if back else xs, dim=axis) for xs, (axis, back) in zip(written, loop.written)]
    return [*states, *stacks]


def _reduced(x: torch.Tensor, function: str, axes: tuple[int, ...], keepdims: bool) -> torch.Tensor:
    import torch

    by_name = {"sum": torch.sum, "max": torch.amax, "min": torch.amin, "logsumexp": torch.logsumexp}
    return by_name[function](x, dim=axes, keepdim=keepdims)  # type: ignore[operator, no-any-return]


def _applied(name: str, xs: list[torch.Tensor]) -> torch.Tensor:
    import torch

    match name:
        case "constant_power":
            return xs[0] ** xs[1].item()
        case "identity":
            return xs[0] + 0.0
        case "greater":
            return (xs[0] > xs[1]).double()
        case "softplus":
            return torch.nn.functional.softplus(xs[0], threshold=math.inf)
    names = {"absolute": "abs", "sum": "add"}
    return getattr(torch, names.get(name, name))(*xs)  # type: ignore[no-any-return]
