"""Programs with divided axes compute what they did, and are as they would be written by hand."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograd import primitives
from autograd.compiler.arrays.builder import Builder
from autograd.compiler.arrays.handle import Handle
from autograd.compiler.arrays.operations import Batch, Length, N
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.axes.rewrite import rewritten
from autograd.compiler.differentiate.reverse import to_arguments, to_parameters
from autograd.compiler.targets.numpy_run import NumpyEngine
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
        """Return the program of the last three results, a column each, and of some of one of them."""
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


@pytest.mark.parametrize("seed", range(150))
def test_random_programs_compute_what_they_did(seed: int, by_torch: Callable[..., Any]) -> None:
    """Values and gradients are PyTorch's of the program as it was."""
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
