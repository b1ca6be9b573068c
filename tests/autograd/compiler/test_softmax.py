"""Softmax is recognized if it is spelled out along one axis, and in no other case."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from autograd import primitives
from autograd.compiler.arrays.builder import Builder
from autograd.compiler.arrays.handle import Handle
from autograd.compiler.arrays.operations import N
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.arrays.softmax import with_softmax
from autograd.compiler.differentiate.reverse import to_arguments
from autograd.compiler.trace.comparisons import COMPARISONS
from autograd.primitives import Primitive


def spelled_out(detached: bool = True, axis: int = 2, total_of: int = 2) -> ArrayProgram:
    """Return exp(x - max) / Σ exp(x - max) of three rows of four, with the results in one row."""
    builder = Builder()
    x = builder.reshape(builder.argument("x", 12), (N, 3, 4))
    largest = builder.reduce(x, "max", [axis], keepdims=True)
    if detached:
        largest = builder.apply(primitives.detached, largest)
    exponentials = builder.apply(primitives.exp, builder.apply(primitives.sub, x, largest))
    total = builder.reduce(exponentials, "sum", [total_of], keepdims=True)
    shares: Handle = builder.apply(primitives.div, exponentials, total).named("quotient1")
    return builder.program([builder.reshape(shares, (N, 12)).named("y")]).verify()


NEAR_MISSES: dict[str, dict[str, Any]] = {
    "the smallest": {"largest": "min"},
    "a product of all": {"total": "prod"},
    "the largest added": {"shift": primitives.add},
    "a hyperbolic sine": {"exponential": primitives.sinh},
    "a product": {"share": primitives.mul},
    "the largest of others": {"largest_of_others": True},
    "the sum of others": {"total_of_others": True},
}


def nearly(
    largest: str = "max",
    total: str = "sum",
    shift: Primitive = primitives.sub,
    exponential: Primitive = primitives.exp,
    share: Primitive = primitives.div,
    largest_of_others: bool = False,
    total_of_others: bool = False,
) -> ArrayProgram:
    """Softmax of rows of four, except for one part."""
    builder = Builder()
    x, others = (builder.reshape(builder.argument(name, 12), (N, 3, 4)) for name in ("x", "others"))
    peak = builder.reduce(others if largest_of_others else x, largest, [2], keepdims=True)
    e = builder.apply(exponential, builder.apply(shift, x, builder.apply(primitives.detached, peak)))
    sums = builder.reduce(others if total_of_others else e, total, [2], keepdims=True)
    return builder.program([builder.apply(share, e, sums).named("y")]).verify()


@pytest.mark.parametrize("change", NEAR_MISSES.values(), ids=list(NEAR_MISSES))
def test_what_only_looks_like_it_stays_as_it_is(change: dict[str, Any]) -> None:
    assert "slopes" in kinds(with_softmax(nearly()).verify())
    program = nearly(**change)
    assert with_softmax(program) is program


def kinds(program: ArrayProgram) -> list[str]:
    return [operation.kind for operation in program.operations]


@pytest.mark.parametrize("detached", [True, False])
def test_it_is_one_operation_that_computes_the_same(detached: bool) -> None:
    program = spelled_out(detached)
    recognised = with_softmax(program).verify()
    assert "slopes" in kinds(recognised)
    assert not any(o.kind == "apply" for o in recognised.operations)
    assert "= logsumexp over (2,) kept (" in str(recognised)
    x = np.random.default_rng(0).normal(size=(5, 12)) * 10
    assert recognised.evaluate({"x": x}, [])[0] == pytest.approx(program.evaluate({"x": x}, [])[0], rel=1e-15)


def test_it_keeps_a_name_that_a_user_gave_it() -> None:
    builder = Builder()
    x = builder.argument("x", 4)
    for name in ("shares", "quotient", "quotient2"):
        shifted = builder.apply(primitives.sub, x, builder.reduce(x, "max", [1], keepdims=True))
        e = builder.apply(primitives.exp, shifted)
        x = builder.apply(primitives.div, e, builder.reduce(e, "sum", [1], keepdims=True)).named(name)
    recognised = with_softmax(builder.program([x]).verify()).verify()
    names = [operation.name for operation in recognised.operations if operation.kind == "slopes"]
    assert names == ["shares", "softmax1", "softmax2"]


@pytest.mark.parametrize("padded", [False, True])
def test_guards_within_it_are_dropped_with_their_masks(padded: bool) -> None:
    """Only the guard of what follows stays, and the guard of what its mask is computed from."""
    builder = Builder()
    x = builder.argument("x", 4)
    masks = [builder.apply(COMPARISONS[">"], x, -0.5)]
    masks += [builder.apply(COMPARISONS[">"], builder.guard(x, 0) * 3.0, 0.0)]
    masks += [builder.apply(COMPARISONS[">"], x, 0.25)]
    scores, largest = builder.guard(x, 2), builder.reduce(x, "max", [1], keepdims=True)
    e = builder.apply(primitives.exp, builder.guard(builder.apply(primitives.sub, scores, largest), 2))
    total = builder.reduce(builder.guard(e, 2), "sum", [1], keepdims=True)
    shares = builder.apply(primitives.div, builder.guard(e, 2), total)
    program = replace(builder.program([builder.guard(shares, 1) * 2.0], masks=masks), padded=padded).verify()
    recognised = with_softmax(program).verify()
    assert "slopes" in kinds(recognised)
    assert kinds(recognised).count("guard") == len(recognised.masks) == 2
    assert recognised.padded
    assert not with_softmax(spelled_out()).padded
    given = {"x": np.random.default_rng(0).normal(size=(5, 4))}
    assert recognised.evaluate(given)[0] == pytest.approx(program.evaluate(given)[0], rel=1e-15)


def test_its_derivative_is_that_of_pytorch() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch, which it is compared with, is not installed")
    backward = to_arguments(with_softmax(spelled_out()), 12, False).verify()
    chance = np.random.default_rng(1)
    x, gradient = chance.normal(size=(2, 5, 12))
    leaf = torch.tensor(x, requires_grad=True)
    torch.softmax(leaf.reshape(5, 3, 4), -1).reshape(5, 12).backward(torch.tensor(gradient))
    (_, derivative) = backward.evaluate({"x": x, "gradient": gradient}, [])
    assert np.linalg.norm(derivative - leaf.grad.numpy()) <= 1e-14


@pytest.mark.parametrize(("axis", "total_of"), [(1, 1), (2, 1), (1, 2)])
def test_along_other_axes_it_stays_as_it_is(axis: int, total_of: int) -> None:
    program = spelled_out(axis=axis, total_of=total_of)
    assert with_softmax(program) is program
