"""Scalar programs written node by node: the groups that are recovered, and the array programs of both forms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest

from autograd import primitives
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.differentiate.reverse import to_arguments
from autograd.compiler.recover.families import families, numbered
from autograd.compiler.recover.groups import Application, Concatenation, Reduction, SumOfProducts
from autograd.compiler.recover.lower import lower
from autograd.compiler.recover.recover import recover
from autograd.compiler.recover.reorder import renumbered, reordered
from autograd.compiler.recover.sums.blocks import Matrix, Rows, View
from autograd.compiler.recover.sums.terms import columns_of, dense, uniform
from autograd.compiler.recover.unrolled import lower_scalars
from autograd.compiler.scalars.builder import Builder
from autograd.compiler.scalars.columns import Guards
from autograd.compiler.scalars.nodes import ABSENT, NOTHING, Sum
from autograd.compiler.scalars.program import ScalarProgram
from autograd.compiler.trace.comparisons import COMPARISONS


def dot(weights: Sequence[int], xs: Sequence[int], bias: int | None = None) -> Sum:
    """Return Σ weights · xs + bias, to be added in any order."""
    lefts = [*weights, *([] if bias is None else [bias])]
    rights = [*xs, *([] if bias is None else [ABSENT])]
    return Sum([1.0] * len(lefts), lefts, rights, [0] * len(lefts))


def layer() -> ScalarProgram:
    """Make two neurons tanh(w x + b) of three numbers, with the weights of each before its bias."""
    builder = Builder([3], 8)
    sums = [builder.sum(dot(range(first, first + 3), range(3), first + 3)) for first in (3, 7)]
    tanh = builder.opcode(primitives.tanh)
    return builder.program([builder.application(tanh, [z]) for z in sums]).verify()


def convolution() -> ScalarProgram:
    """Slide a kernel of two weights over four numbers."""
    builder = Builder([4], 2)
    return builder.program([builder.sum(dot([4, 5], [p, p + 1])) for p in range(3)]).verify()


def heat() -> ScalarProgram:
    """Take two steps of u[i - 1] - 2 u[i] + u[i + 1] on ten cells with fixed ends; return the inner ones."""
    builder = Builder([10], 0)
    cells = list(range(10))
    for _ in range(2):
        inner = [
            builder.sum(Sum([1.0, -2.0, 1.0], [cells[i - 1], cells[i], cells[i + 1]], [ABSENT] * 3, [0, 1, 2]))
            for i in range(1, 9)
        ]
        cells = [0, *inner, 9]
    return builder.program(cells[1:9]).verify()


def largest() -> ScalarProgram:
    """Return the largest number of each of two rows of three."""
    builder = Builder([6], 0)
    opcode = builder.opcode(primitives.max_)
    return builder.program([builder.application(opcode, [0, 1, 2]), builder.application(opcode, [3, 4, 5])]).verify()


def lines(program: ArrayProgram) -> list[str]:
    """Return the printed operations, without their shapes."""
    return [line.split("  ")[0] for line in str(program).splitlines()]


# Recover and lower


def test_a_layer_is_recovered_as_a_matrix_and_its_activation() -> None:
    grouping = recover(layer())
    z, a = grouping.groups
    assert isinstance(z, SumOfProducts)
    matrix, bias = z.blocks
    assert isinstance(matrix, Matrix) and matrix.weights is not None
    assert matrix.weights.positions.tolist() == [[0, 1, 2], [4, 5, 6]]
    assert isinstance(bias, Rows)
    assert bias.left.positions.tolist() == [[3], [7]]
    assert isinstance(a, Application) and a.primitive is primitives.tanh
    assert lines(lower(grouping, ["x"]).verify()) == [
        "x = argument",
        "w1 = parameter",
        "b1 = parameter",
        "v3 = contract nk,ck->nc (x, w1)",
        "z1 = add (v3, b1)",
        "a1 = tanh (z1)",
        "return a1",
    ]


def test_a_convolution_is_recovered_as_a_product_over_patches() -> None:
    (group,) = recover(convolution()).groups
    assert isinstance(group, SumOfProducts)
    (block,) = group.blocks
    assert isinstance(block, Matrix)
    assert block.columns.positions.tolist() == [[0, 1], [1, 2], [2, 3]]


def test_a_simulation_is_recovered_as_a_step_after_the_other() -> None:
    grouping = recover(heat())
    first, joined, second = grouping.groups
    assert isinstance(joined, Concatenation)
    assert [(piece.source, piece.positions.tolist()) for piece in joined.pieces] == [
        *((1, [0]), (2, list(range(8))), (1, [9]))
    ]
    for group in (first, second):
        assert isinstance(group, SumOfProducts)
        assert [block.coefficients for block in group.blocks] == [1.0, -2.0, 1.0]
    program = lower(grouping, ["u"]).verify()
    assert [operation.kind for operation in program.operations].count("take") == 0
    u = [0.0, 1.0, 5.0, 2.0, 0.0, 0.0, 3.0, 0.0, 1.0, 0.0]
    once = [0.0, *(a - 2 * b + c for a, b, c in zip(u, u[1:], u[2:])), 0.0]
    assert once == [0.0, 3.0, -7.0, 1.0, 2.0, 3.0, -6.0, 4.0, -2.0, 0.0]
    twice = [a - 2 * b + c for a, b, c in zip(once, once[1:], once[2:])]
    assert program.evaluate({"u": [u]})[0].tolist() == [twice]


def test_rows_of_a_table_are_recovered_as_one_reduction() -> None:
    grouping = recover(largest())
    (group,) = grouping.groups
    assert isinstance(group, Reduction)
    assert group.view.positions.tolist() == [[0, 1, 2], [3, 4, 5]]
    program = lower(grouping, ["x"]).verify()
    assert program.evaluate({"x": [[3.0, 7.0, 5.0, -1.0, -4.0, -2.0]]})[0].tolist() == [[7.0, -1.0]]


@pytest.mark.parametrize("program", [layer(), convolution(), heat(), largest()])
def test_both_forms_compute_what_the_scalars_do(program: ScalarProgram) -> None:
    chance = np.random.default_rng(0)
    rows, parameters = chance.normal(size=(3, program.argument_sizes[0])), chance.normal(size=program.parameter_count)
    expected = [program.evaluate([row], parameters.tolist()) for row in rows.tolist()]
    for form in (lower(recover(program), ["x"]), lower_scalars(program, ["x"])):
        (values,) = form.verify().evaluate({"x": rows}, parameters)
        assert values == pytest.approx(np.array(expected), rel=1e-14)


# Unroll


def test_a_sum_is_unrolled_slot_by_slot() -> None:
    """The sum is 2 · (0.25 + x[0] p + (-0.5 x[1] + p)) / 3."""
    builder = Builder([2], 1)
    total = builder.sum(Sum([1.0, -0.5, 1.0], [0, 1, 2], [2, ABSENT, ABSENT], [0, 1, 1], 0.25, True, 2.0, 3.0))
    program = lower_scalars(builder.program([total]), ["x"]).verify()
    exact = 2 * (0.25 + 3.0 * 7.0 + (-0.5 * 5.0 + 7.0)) / 3
    assert program.evaluate({"x": [[3.0, 5.0]]}, [7.0])[0].tolist() == [[exact]]
    applied = [o.attribute.primitive.name for o in program.operations if o.kind == "apply"]
    assert applied == ["mul", "mul", "neg", "add", "add", "add", "mul", "div"]


@pytest.mark.parametrize("constant", [NOTHING, 0.0, 1.5])
def test_a_sum_of_nothing_is_its_constant(constant: float) -> None:
    builder = Builder([1], 0)
    nothing = builder.sum(Sum([], [], [], [], constant))
    program = lower_scalars(builder.program([nothing]).verify(), ["x"]).verify()
    ((value,),) = program.evaluate({"x": [[3.0]]})[0].tolist()
    assert (value, math.copysign(1.0, value)) == (constant, math.copysign(1.0, constant))


def test_what_begins_with_a_difference_is_negated_first() -> None:
    builder = Builder([2], 0)
    difference = builder.sum(Sum([-1.0, -1.0], [0, 1], [ABSENT, ABSENT], [0, 1]))
    program = lower_scalars(builder.program([difference]), ["x"]).verify()
    assert program.evaluate({"x": [[3.0, 5.0]]})[0].tolist() == [[-8.0]]
    applied = [o.attribute.primitive.name for o in program.operations if o.kind == "apply"]
    assert applied == ["neg", "sub"]


def test_what_a_choice_does_not_take_is_guarded() -> None:
    """The derivative of sqrt(x) counts only where x > 0: the mask comes last, and the guard refers to it."""
    builder = Builder([1], 0)
    root = builder.application(builder.opcode(primitives.sqrt), [0])
    mask = builder.application(builder.opcode(COMPARISONS[">"]), [0, builder.constant(0.0)])
    guards = Guards(2, MappingProxyType({root: mask}), frozenset(), frozenset())
    scalars = replace(builder.program([root]), guards=guards).verify()
    program = lower_scalars(scalars, ["x"]).verify()
    (guard,) = [operation for operation in program.operations if operation.kind == "guard"]
    assert program.operations[guard.operands[0]].name == "x"
    (place,) = program.masks
    assert program.operations[place].name == f"v{mask}"
    assert program.outputs[0] < place
    given = {"x": [[0.0], [4.0]], "gradient": [[1.0], [1.0]]}
    assert to_arguments(program, 1, unrolled=True).evaluate(given)[1].tolist() == [[0.0], [0.25]]


# Terms, families, order


def test_sums_are_columns_of_terms() -> None:
    sums = [Sum([1.0, 2.0], [7, 8], [ABSENT, 3], [0, 1], 0.5, True, 1.0, 4.0), Sum([3.0], [9], [2], [0])]
    terms, scaling = columns_of(sums)
    assert terms.row.tolist() == [0, 0, 1]
    assert (terms.left.tolist(), terms.right.tolist()) == ([7, 8, 9], [ABSENT, 3, 2])
    assert (terms.coefficients.tolist(), terms.slot.tolist(), terms.nth.tolist()) == ([1, 2, 3], [0, 1, 0], [0, 1, 2])
    assert (scaling.constant.tolist(), scaling.divisor.tolist()) == ([0.5, -0.0], [4.0, 1.0])
    assert not scaling.is_uniform
    same = scaling.taken(np.array([1, 1]))
    assert same.is_uniform
    for name in ("constant", "factor", "divisor"):
        assert not same._replace(**{name: np.array([1.0, 2.0])}).is_uniform
    later = terms.of_rows(np.array([1, 0]), 2)
    assert (later.row.tolist(), later.left.tolist()) == ([0, 1, 1], [9, 7, 8])


def test_terms_are_dense_where_every_row_has_as_many() -> None:
    terms, _ = columns_of([dot([4, 5], [0, 1]), dot([6, 7], [2, 3])])
    columns = dense(terms, 2)
    assert columns is not None
    assert [column.tolist() for column in columns] == [[[4, 5], [6, 7]], [[0, 1], [2, 3]], [[1, 1], [1, 1]]]
    assert dense(columns_of([dot([4], [0]), dot([5, 6], [1, 2]), dot([6, 7, 8], [2, 3, 0])])[0], 3) is None


def test_numbers_are_uniform_only_with_the_same_sign_of_zero() -> None:
    assert uniform(np.array([2.0, 2.0])) == 2.0
    assert isinstance(uniform(np.array([0.0, -0.0])), np.ndarray)


def test_rows_are_numbered_and_sources_have_families() -> None:
    number, first = numbered(np.array([[3, -1], [2, 5], [3, -1]]))
    assert number[0] == number[2] != number[1]
    assert sorted(first.tolist()) == [0, 1]
    assert families([[1, 2, 1], [2, 2, 2], [7, 7, 9]]) == {1: 1, 2: 1, 7: 7, 9: 9}


def test_a_group_in_another_order_reads_in_that_order() -> None:
    order = np.array([2, 0, 1])
    group = Application(
        5, (10, 11, 12), True, primitives.maximum, (View(1, np.array([4, 5, 6])), np.array([0.1, 0.2, 0.3]))
    )
    after = reordered(group, order)
    assert isinstance(after, Application)
    view, numbers = after.operands
    assert isinstance(view, View) and isinstance(numbers, np.ndarray)
    assert (after.members, view.positions.tolist(), numbers.tolist()) == ((12, 10, 11), [6, 4, 5], [0.3, 0.1, 0.2])
    matrix = Matrix(1.0, View(0, np.arange(6).reshape(3, 2)), View(1, np.array([[0, 1]])), None)
    sums = SumOfProducts(6, (20, 21, 22), True, (matrix,), (0,), np.array([1.0, 2.0, 3.0]))
    moved = reordered(sums, order)
    assert isinstance(moved, SumOfProducts) and isinstance(moved.blocks[0], Matrix)
    assert moved.blocks[0].weights is not None
    assert moved.blocks[0].weights.positions.tolist() == [[4, 5], [0, 1], [2, 3]]
    assert np.array_equal(moved.constant, [3.0, 1.0, 2.0])
    with pytest.raises(TypeError, match=r"concatenation.* cannot be reordered"):
        reordered(Concatenation(7, (30,), True, (View(1, np.array([0])),)), np.array([0]))


def test_readers_of_renumbered_elements_read_them_where_they_are() -> None:
    number = np.array([2, 0, 1])  # the current positions of elements 0, 1 and 2 of source 4
    group = Application(5, (10, 11), True, primitives.maximum, (View(4, np.array([0, 2])), View(1, np.array([0, 2]))))
    after = renumbered(group, 4, number)
    assert isinstance(after, Application)
    assert [x.positions.tolist() for x in after.operands if isinstance(x, View)] == [[2, 1], [0, 2]]
    table = Reduction(6, (20,), True, primitives.max_, View(4, np.array([[0, 1, 2]])))
    sorted_table = renumbered(table, 4, number)
    assert isinstance(sorted_table, Reduction)
    assert sorted_table.view.positions.tolist() == [[0, 1, 2]]
