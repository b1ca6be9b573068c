"""Arrays stored step by step: they hold the same numbers, with those of each step contiguous."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from autograd.compiler.arrays.builder import Builder
from autograd.compiler.arrays.loop import Loop, Stepping
from autograd.compiler.arrays.operations import N
from autograd.compiler.targets.notation import Notation
from autograd.compiler.targets.step_kernels import by_step, dot_of_rows, makers_of_arrays, rows_dot, sum_rows
from autograd.compiler.targets.step_layout import arrays_by_step

SAMPLES, STEPS, WIDTH = 40, 5, 3
RNG = np.random.default_rng(0)
ROWS, OTHERS, MATRIX = (RNG.normal(size=shape) for shape in ((SAMPLES, STEPS, WIDTH), (SAMPLES, STEPS, 2), (WIDTH, 4)))


def test_what_a_step_reads_lies_side_by_side() -> None:
    array = by_step(ROWS)
    np.testing.assert_array_equal(array, ROWS)
    assert all(array[:, t].flags.c_contiguous for t in range(STEPS))
    assert by_step(array) is array


def test_what_a_step_fills_lies_side_by_side() -> None:
    array = makers_of_arrays(np.dtype(np.float32))["empty_by_step"]((SAMPLES, STEPS, WIDTH))
    assert array.shape == (SAMPLES, STEPS, WIDTH)
    assert array.dtype == np.float32
    assert array[:, 2].flags.c_contiguous


@pytest.mark.parametrize("left", [ROWS, by_step(ROWS)])
@pytest.mark.parametrize("right", [OTHERS, by_step(OTHERS)])
def test_products_and_sums_do_not_depend_on_the_order_in_memory(left: NDArray[Any], right: NDArray[Any]) -> None:
    np.testing.assert_allclose(rows_dot(left, MATRIX), np.einsum("ntk,kc->ntc", ROWS, MATRIX), rtol=1e-13)
    expected = np.einsum("nta,ntb->ab", ROWS, OTHERS)
    np.testing.assert_allclose(dot_of_rows(left, right), expected, rtol=1e-13, atol=1e-13)
    into = np.empty(expected.shape)
    dot_of_rows(left, right, into)
    np.testing.assert_allclose(into, expected, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(sum_rows(left), [sum(column) for column in ROWS.reshape(-1, WIDTH).T], rtol=1e-12)


def test_what_is_computed_with_arrays_of_loops_lies_as_they_do() -> None:
    body = Builder()
    body_program = body.program([(body.argument("h", 2) + body.argument("x_t", 2)).named("a")])
    b = Builder()
    x, y = (b.reshape(b.argument(name, 2 * STEPS), (N, STEPS, 2)) for name in ("x", "y"))
    doubled = (x * 2.0).named("doubled")
    loop = Loop(body_program, STEPS, 1, (Stepping(1),))
    (last,) = b.loop(loop, [b.broadcast(b.constant(0.0), (N, 2)), doubled])
    unrelated, difference = (y * 3.0).named("unrelated"), (x - 1.0).named("difference")
    program = b.program([last.named("last"), unrelated, difference])
    names = {program.operations[at].name for at in arrays_by_step(Notation(program).terms)}
    assert names == {"doubled", "difference", ""}
