"""Shapes of array operations: valid ones follow from the definitions, and invalid operations raise, at the limits."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from autograd import primitives
from autograd.compiler.arrays.builder import Builder
from autograd.compiler.arrays.loop import Loop
from autograd.compiler.arrays.operations import (
    PADDING,
    Accumulation,
    Application,
    Batch,
    Data,
    Labels,
    LookUp,
    Padding,
    Placement,
    Reduction,
    Scattering,
    Shape,
    Slice,
)
from autograd.compiler.arrays.shapes import broadcast_shape, check_form, infer, is_batched, size

N = Batch(1)
PLACES = Data(np.array([[0, 3], [PADDING, 2]]))
BEFORE_PADDING = Data(np.array([[0, 3], [PADDING - 1, 2]]))
NOWHERE = Data(np.zeros((0, 2), int))
ADD, TANH = Application(primitives.add), Application(primitives.tanh)


@pytest.mark.parametrize(
    ("kind", "shapes", "attribute", "shape"),
    [
        ("parameter", [], Data(np.array([[0, 3, 5], [2, 1, 0]])), (2, 3)),
        ("parameter", [], NOWHERE, (0, 2)),
        ("constant", [], 2.5, ()),
        ("constant", [], Data(np.ones((2, 3))), (2, 3)),
        ("argument", [], ("x", (N, 3)), (N, 3)),
        ("index", [], ("i", (N,)), (N,)),
        ("apply", [(N, 3), (3,)], ADD, (N, 3)),
        ("apply", [(N, 1), (1, 3)], ADD, (N, 3)),
        ("apply", [(), (Batch(2), 1)], ADD, (Batch(2), 1)),
        ("apply", [(N, 3)], TANH, (N, 3)),
        ("contract", [(N, 4), (3, 4)], Labels("nk", "ck", "nc"), (N, 3)),
        ("contract", [(4,), (4,)], Labels("k", "k", ""), ()),
        ("contract", [(N, 2), (3,)], Labels("nk", "c", "cnk"), (3, N, 2)),
        ("reduce", [(N, 3)], Reduction("sum", (1,)), (N,)),
        ("reduce", [(N, 3)], Reduction("any", (0,)), (3,)),
        ("reduce", [(N, 3)], Reduction("max", (0, 1)), ()),
        ("reduce", [(2, N, 3)], Reduction("min", (2, 0), keepdims=True), (1, N, 1)),
        ("reduce", [(N, 3)], Reduction("prod", ()), (N, 3)),
        ("reduce", [(N, 3)], Reduction("logsumexp", (1,)), (N,)),
        ("slopes", [(N, 3), (N, 1)], primitives.max_, (N, 3)),
        ("slopes", [(N, 3), (3,), (N, 3)], primitives.max_, (2, N, 3)),
        ("reshape", [(N, 6)], (N, 2, 3), (N, 2, 3)),
        ("reshape", [(N, 6)], (Batch(6),), (Batch(6),)),
        ("reshape", [(Batch(2), 3)], (N, 6), (N, 6)),
        ("reshape", [(1, 1)], (), ()),
        ("transpose", [(N, 2, 3)], (2, 0, 1), (3, N, 2)),
        ("transpose", [()], (), ()),
        ("broadcast", [(3,)], (N, 3), (N, 3)),
        ("broadcast", [(N, 1)], (N, 3), (N, 3)),
        ("slice", [(N, 5)], Slice(1, 1, 4), (N, 3)),
        ("slice", [(N, 5)], Slice(1, 0, 5, 2), (N, 3)),
        ("slice", [(N, 5)], Slice(1, 1, 5, 2), (N, 2)),
        ("slice", [(2, 5, N)], Slice(0, 1, 2), (1, 5, N)),
        ("concatenate", [(N, 2), (N, 3), (N, 1)], 1, (N, 6)),
        ("concatenate", [(2, 3), (4, 3)], 0, (6, 3)),
        ("concatenate", [(N, 3)], 1, (N, 3)),
        ("concatenate", [(N, 2, 4), (N, 1, 4)], 1, (N, 3, 4)),
        ("pad", [(N, 2)], Padding(1, 1, 4, 2, 6), (N, 6)),
        ("pad", [(2, N)], Padding(0, 3, 5, 1, 5), (5, N)),
        ("pad", [(2, 3)], Padding(0, 0, 2, 1, 5), (5, 3)),
        ("take", [(N, 4)], PLACES, (N, 2, 2)),
        ("take", [(4,)], Data(np.array([1, 1, 1])), (3,)),
        ("place", [(N, 2, 2)], Placement(PLACES, 4), (N, 4)),
        ("place", [(2, 2)], Placement(PLACES, 7), (7,)),
        ("accumulate", [(N, 3)], Accumulation(1), (N, 3)),
        ("accumulate", [(3, N)], Accumulation(0, backward=True), (3, N)),
        ("look up", [(5, 3), (N, 2)], LookUp(), (N, 2, 3)),
        ("look up", [(N, 5, 3), (N, 2)], LookUp(1), (N, 2, 3)),
        ("look up", [(N, 5), (N,)], LookUp(1), (N,)),
        ("scatter", [(N, 2, 3), (N, 2)], Scattering(0, 5), (5, 3)),
        ("scatter", [(N, 2, 3), (N, 2)], Scattering(1, 5), (N, 5, 3)),
        ("scatter", [(N, 2, 3), (N, 2)], Scattering(2, 1), (N, 2, 1, 3)),
        ("result", [((N, 2), (3,))], 0, (N, 2)),
        ("result", [((N, 2), (3,))], 1, (3,)),
        ("guard", [(N, 3)], 0, (N, 3)),
    ],
)
def test_an_operation_has_the_shape_of_its_definition(kind: Any, shapes: Any, attribute: Any, shape: Shape) -> None:
    assert infer(kind, shapes, attribute) == shape


@pytest.mark.parametrize(
    ("kind", "shapes", "attribute"),
    [
        ("parameter", [], Data(np.array([[0, 3], [-1, 1]]))),
        ("argument", [], ("x", (N, 3), 1)),
        ("argument", [], ("x", [N, 3])),
        ("argument", [], ("x", (N, 3.0))),
        ("argument", [], (1, (N, 3))),
        ("apply", [(N, 3), (2,)], ADD),
        ("apply", [(N,), (3,)], ADD),
        ("apply", [(Batch(2),), (N,)], ADD),
        ("apply", [(N, 3)], Application(abs)),
        ("contract", [(N, 4), (3, 5)], Labels("nk", "ck", "nc")),
        ("contract", [(N, 4), (3, 4)], Labels("n", "ck", "nc")),
        ("contract", [(N, 4), (3, 4)], Labels("nkk", "ck", "nc")),
        ("contract", [(4, 4), (3,)], Labels("kk", "c", "kc")),
        ("contract", [(3,), (4, 4)], Labels("c", "kk", "kc")),
        ("contract", [(N, 4), (3, 4)], Labels("nk", "ck", "nz")),
        ("contract", [(N, 4), (3, 4)], Labels("nk", "ck", "ncc")),
        ("reduce", [(N, 3)], Reduction("sum", (2,))),
        ("reduce", [(N, 3)], Reduction("sum", (-1,))),
        ("reduce", [(N, 3)], Reduction("sum", (1, 1))),
        ("reduce", [(N, 3)], Reduction("median", (1,))),
        ("slopes", [(3,), (N, 1)], primitives.max_),
        ("slopes", [(N, 3), (N, 2)], primitives.max_),
        ("slopes", [(N, 3), (N, 3), (N, 1)], primitives.max_),
        ("slopes", [(N, 3), (N, 2), (N, 3)], primitives.max_),
        ("reshape", [(N, 6)], (N, 5)),
        ("reshape", [(N, 6)], (6,)),
        ("reshape", [(6,)], (Batch(6),)),
        ("reshape", [(N, 6)], (N, 6.0)),
        ("transpose", [(N, 2)], (0,)),
        ("transpose", [(N, 2)], (0, 0)),
        ("transpose", [(N, 2)], (0, 1, 1)),
        ("transpose", [(N, 2)], (1, 2)),
        ("broadcast", [(N, 3)], (3,)),
        ("broadcast", [(2,)], (N, 3)),
        ("broadcast", [(3,)], (1,)),
        ("broadcast", [(3,)], (N, 3.0)),
        ("slice", [(N, 5)], Slice(1, 0, 6)),
        ("slice", [(N, 5)], Slice(1, 2, 2)),
        ("slice", [(N, 5)], Slice(1, -1, 3)),
        ("slice", [(N, 5)], Slice(1, 0, 3, 0)),
        ("slice", [(N, 5)], Slice(1, 0, 3, -1)),
        ("slice", [(N, 5)], Slice(0, 0, 1)),
        ("slice", [(N, 5)], Slice(2, 0, 1)),
        ("slice", [(N, 5)], Slice(-1, 0, 1)),
        ("concatenate", [(2, 3), (4, 2)], 0),
        ("concatenate", [(2, 3), (2,)], 0),
        ("concatenate", [(N, 3), (2, 3)], 1),
        ("concatenate", [(2, 3, 4), (2, 1, 5)], 1),
        ("concatenate", [(N, 3), (N, 3)], 0),
        ("concatenate", [(2, 3), (2, 3)], 2),
        ("concatenate", [(2, 3), (2, 3)], -1),
        ("pad", [(N, 2)], Padding(1, -1, 1, 1, 5)),
        ("pad", [(N, 2)], Padding(1, 4, 6, 1, 5)),
        ("pad", [(N, 2)], Padding(1, 1, 4, 1, 5)),
        ("pad", [(N, 0)], Padding(1, 2, 2, 1, 5)),
        ("pad", [(N, 2)], Padding(2, 1, 3, 1, 5)),
        ("pad", [(N, 2)], Padding(-1, 1, 3, 1, 5)),
        ("pad", [(N, 2)], Padding(0, 1, 3, 1, 5)),
        ("take", [(N, 3)], PLACES),
        ("take", [(N, 4)], BEFORE_PADDING),
        ("take", [(N, 4)], NOWHERE),
        ("take", [(4, N)], PLACES),
        ("take", [()], PLACES),
        ("place", [(N, 2, 2)], Placement(PLACES, 3)),
        ("place", [(N, 2, 2)], Placement(BEFORE_PADDING, 4)),
        ("place", [(N, 4)], Placement(PLACES, 4)),
        ("place", [(N, 0, 2)], Placement(NOWHERE, 4)),
        ("accumulate", [(N, 3)], Accumulation(0)),
        ("accumulate", [(N, 3)], Accumulation(2)),
        ("accumulate", [(N, 3)], Accumulation(-1)),
        ("look up", [(N,), (N,)], LookUp()),
        ("look up", [(), (N,)], LookUp()),
        ("look up", [(N,), (N,)], LookUp(1)),
        ("look up", [(N, 5), (3, N)], LookUp(1)),
        ("scatter", [(N, 2, 3), (N, 2)], Scattering(0, 0)),
        ("scatter", [(N, 2, 3), (N, 2)], Scattering(3, 5)),
        ("scatter", [(N, 2, 3), (N, 3)], Scattering(0, 5)),
        ("result", [((N, 2), (3,))], 2),
        ("result", [((N, 2), (3,))], -1),
        ("result", [(N, 2)], 0),
    ],
)
def test_what_does_not_fit_has_no_shape(kind: Any, shapes: Any, attribute: Any) -> None:
    with pytest.raises(ValueError, match=f"{kind} .* does not fit operands of shapes"):
        infer(kind, shapes, attribute)


def test_shapes_are_broadcast_as_numpy_does() -> None:
    shapes = [shape for axes in range(4) for shape in itertools.product((1, 2, 3), repeat=axes)]
    for pair in itertools.product(shapes, repeat=2):
        try:
            expected = np.broadcast_shapes(*pair)
        except ValueError:
            expected = None
        assert broadcast_shape(pair) == expected


def test_sizes_of_batches_are_polynomials_in_the_number_of_samples() -> None:
    assert [size(shape) for shape in ((), (2, 3), (N, 3), (Batch(2), 3, Batch(5)))] == [(1, 0), (6, 0), (3, 1), (30, 2)]
    assert [is_batched(shape) for shape in ((), (3,), (3, N), (N, 3))] == [False, False, False, True]


SEVERAL = {1, 2, 3}
OPERANDS: dict[str, tuple[Any, set[int]]] = {
    "parameter": (PLACES, {0}),
    "constant": (0.5, {0}),
    "argument": (("x", (N,)), {0}),
    "index": (("i", (N,)), {0}),
    "apply": (ADD, {2}),
    "contract": (Labels("nk", "ck", "nc"), {2}),
    "reduce": (Reduction("sum", (0,)), {1}),
    "slopes": (primitives.max_, {2, 3}),
    "reshape": ((N, 2), {1}),
    "transpose": ((1, 0), {1}),
    "broadcast": ((N, 2), {1}),
    "slice": (Slice(0, 0, 1), {1}),
    "concatenate": (1, SEVERAL),
    "pad": (Padding(0, 0, 1, 1, 2), {1}),
    "take": (PLACES, {1}),
    "place": (Placement(PLACES, 4), {1}),
    "accumulate": (Accumulation(0), {1}),
    "look up": (LookUp(), {2}),
    "scatter": (Scattering(0, 4), {2}),
    "loop": (Loop(Builder().program([]), 1, 0), SEVERAL),
    "result": (0, {1}),
    "guard": (0, {1}),
}


def test_applications_have_as_many_operands_as_their_primitives() -> None:
    check_form("apply", 1, TANH)
    with pytest.raises(ValueError, match=r"tanh .* applied to 2 operand"):
        check_form("apply", 2, TANH)


@pytest.mark.parametrize("kind", OPERANDS)
def test_an_operation_has_so_many_operands_and_carries_what_its_kind_does(kind: str) -> None:
    attribute, counts = OPERANDS[kind]
    for count in range(4):
        if count in counts:
            check_form(kind, count, attribute)
        else:
            with pytest.raises(ValueError, match=rf"{count} operand\(s\)"):
                check_form(kind, count, attribute)
    for wrong in (None, "text", Slice(0, 0, 1) if kind != "slice" else (0, 0, 1, 1)):
        with pytest.raises(ValueError, match=repr(kind)):
            check_form(kind, min(counts), wrong)


def test_a_kind_that_does_not_exist_has_no_form() -> None:
    with pytest.raises(ValueError, match="no operations of kind 'convolve'"):
        check_form("convolve", 1, None)
