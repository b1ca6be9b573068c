"""Sums of products as array operations: each bit is that of the sum computed in order, in plain Python."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from autograd import primitives
from autograd.compiler.arrays.builder import Builder as ArrayBuilder
from autograd.compiler.arrays.operations import PADDING
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.recover.groups import CONSTANT, PARAMETERS, Grouping, SumOfProducts
from autograd.compiler.recover.lower import lower
from autograd.compiler.recover.recover import recover
from autograd.compiler.recover.sums.blocks import Block, Matrix, Product, Rows, View
from autograd.compiler.recover.sums.lower import named
from autograd.compiler.recover.sums.summands import is_subtracted, slots, starts_with_a_sign
from autograd.compiler.scalars.builder import Builder
from autograd.compiler.scalars.columns import Guards
from autograd.compiler.scalars.nodes import ABSENT, NOTHING, Sum
from autograd.compiler.scalars.program import ScalarProgram

X = [[0.1, -2.3, 1e16, 0.7, 3.3, -0.9, 1.3, 5.9], [2.1, 0.3, -4.1, 1e16, 1.7, 0.6, -3.1, 0.2]]
P = [1.1, -0.7, 2.9, 0.3, 1.9, -1.3, 0.9, 0.1, 4.7]


def lowered(
    group: SumOfProducts, data: Sequence[float] | None = None, unreached: bool = False, padding: bool = True
) -> ArrayProgram:
    """Lower one group of sums, whose sources are the parameters (0), the argument x (1) and constant data (2).

    Args:
        unreached: whether no derivative reaches the first member.
        padding: whether zeros may multiply numbers that may be infinite.
    """
    builder = Builder([len(X[0])], len(P))
    read = len(X[0]) + len(P)
    sums = [builder.constant(float(k)) for k in range(sum(i != PADDING for i in group.members))]
    scalars = builder.program(sums)
    if unreached:
        scalars = replace(scalars, guards=Guards(0, MappingProxyType({}), frozenset(), frozenset(sums[:1])))
    nodes = read + len(sums)
    source, position = np.full(nodes, CONSTANT), np.zeros(nodes, dtype=np.int64)
    source[: len(X[0])], position[: len(X[0])] = 1, np.arange(len(X[0]))
    source[len(X[0]) : read], position[len(X[0]) : read] = PARAMETERS, np.arange(len(P))
    of = 2 if data is None else 3
    members = iter(sums)
    group = group._replace(source=of, members=tuple([i if i == PADDING else next(members) for i in group.members]))
    for place, i in enumerate(group.members):
        if i != PADDING:
            source[i], position[i] = of, place
    widths = [len(P), len(X[0]), *([] if data is None else [len(data)]), len(group.members)]
    batched = [False, True, *([] if data is None else [False]), group.batched]
    arrays = {} if data is None else {2: np.array(data)}
    grouping = Grouping(
        scalars, (group,), source, position, np.zeros(nodes), tuple(widths), tuple(batched), arrays, padding
    )
    return lower(grouping, ["x"]).verify()


def values(group: SumOfProducts, data: Sequence[float] | None = None) -> list[list[float]]:
    (result,) = lowered(group, data).evaluate({"x": X}, P)
    return result.tolist()  # type: ignore[no-any-return]


def sums_of(*blocks: Block, members: int = 2, **others: Any) -> SumOfProducts:
    slots = others.pop("slots", (0,) * len(blocks))
    batched = others.pop("batched", True)
    return SumOfProducts(2, tuple(range(members)), batched, blocks, slots, **others)


def x(*positions: Any) -> View:
    return View(1, np.array(positions))


def p(*positions: Any) -> View:
    return View(PARAMETERS, np.array(positions))


def column(c: Any, left: View, right: View | None = None) -> Rows:
    return Rows(c, left[:, None], None if right is None else right[:, None])


A, B, C, D = (column(1.0, x(k, k + 1)) for k in (0, 1, 2, 3))


def minus(block: Rows) -> Rows:
    return block._replace(coefficients=-1.0)


Sample = Callable[[Sequence[float], int], float]
"""The sum of a member, 0 or 1, from a sample."""

ORDERS: dict[str, tuple[SumOfProducts, Sample]] = {
    "one slot adds its blocks in order": (sums_of(A, B, C, D), lambda x, m: x[m] + x[m + 1] + x[m + 2] + x[m + 3]),
    "slots are added up first": (
        sums_of(A, B, C, D, slots=(0, 0, 1, 1)),
        lambda x, m: (x[m] + x[m + 1]) + (x[m + 2] + x[m + 3]),
    ),
    "a constant comes last": (sums_of(A, C, constant=0.3), lambda x, m: x[m] + x[m + 2] + 0.3),
    "a negative constant is subtracted": (sums_of(A, C, constant=-0.3), lambda x, m: x[m] + x[m + 2] - 0.3),
    "a constant that leads the slots": (
        sums_of(A, C, slots=(0, 1), constant=0.3, leads=True),
        lambda x, m: 0.3 + x[m] + x[m + 2],
    ),
    "a constant comes after all slots": (
        sums_of(A, C, slots=(0, 1), constant=0.3),
        lambda x, m: x[m] + x[m + 2] + 0.3,
    ),
    "a constant of each member": (
        sums_of(A, C, constant=np.array([0.3, -1.7])),
        lambda x, m: x[m] + x[m + 2] + (0.3, -1.7)[m],
    ),
    "zero is a constant, nothing is none": (sums_of(minus(A), constant=0.0), lambda x, m: 0.0 - x[m]),
    "a difference": (sums_of(A, minus(C), D), lambda x, m: x[m] - x[m + 2] + x[m + 3]),
    "a number minus others": (sums_of(minus(A), minus(C), constant=0.3), lambda x, m: 0.3 - x[m] - x[m + 2]),
    "others minus a number": (sums_of(minus(A), minus(C), constant=-0.3), lambda x, m: -x[m] - x[m + 2] - 0.3),
    "factor and divisor come last": (
        sums_of(A, C, factor=3.0, divisor=7.0),
        lambda x, m: (3.0 * (x[m] + x[m + 2])) / 7.0,
    ),
    "the opposite": (sums_of(A, C, factor=-1.0), lambda x, m: -(x[m] + x[m + 2])),
    "factors and divisors of each member": (
        sums_of(A, C, factor=np.array([3.0, 0.1]), divisor=np.array([7.0, 0.3])),
        lambda x, m: ((3.0, 0.1)[m] * (x[m] + x[m + 2])) / (7.0, 0.3)[m],
    ),
    "a coefficient multiplies the first factor": (
        sums_of(column(0.1, x(0, 1), x(3, 4))),
        lambda x, m: (0.1 * x[m]) * x[m + 3],
    ),
    "the coefficient of each member": (
        sums_of(column(np.array([[0.1], [-0.7]]), x(0, 1), x(3, 4))),
        lambda x, m: ((0.1, -0.7)[m] * x[m]) * x[m + 3],
    ),
    "a negative coefficient": (sums_of(column(-0.1, x(0, 1), x(3, 4))), lambda x, m: (-0.1 * x[m]) * x[m + 3]),
    "a subtracted coefficient": (
        sums_of(A, column(-0.1, x(3, 4), x(4, 5))),
        lambda x, m: x[m] - (0.1 * x[m + 3]) * x[m + 4],
    ),
    "parameters and the argument": (
        sums_of(column(1.0, p(2, 3), x(0, 1)), column(1.0, p(5, 6))),
        lambda x, m: P[m + 2] * x[m] + P[m + 5],
    ),
}


@pytest.mark.parametrize("name", ORDERS)
def test_sums_are_added_up_in_order(name: str) -> None:
    group, sample = ORDERS[name]
    expected = [[sample(row, m) for m in range(2)] for row in X]
    assert [[repr(x) for x in row] for row in values(group)] == [[repr(x) for x in row] for row in expected]


OPERATIONS: dict[str, list[str]] = {
    "a difference": ["sub", "add"],
    "a negative constant is subtracted": ["add", "sub"],
    "a number minus others": ["sub", "sub"],
    "others minus a number": ["neg", "sub", "sub"],
    "the opposite": ["add", "neg"],
    "a coefficient multiplies the first factor": ["mul", "mul"],
    "a subtracted coefficient": ["mul", "mul", "sub"],
    "factor and divisor come last": ["add", "mul", "div"],
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_sums_are_written_as_few_operations(name: str) -> None:
    """Nothing is multiplied by 1 or -1, and no negated term is added."""
    assert primitives_of(ORDERS[name][0]) == OPERATIONS[name]


def test_the_product_of_a_sign_is_the_opposite() -> None:
    product = x(0, 1), x(3, 4)
    assert primitives_of(sums_of(column(-1.0, *product))) == ["neg", "mul"]
    assert primitives_of(sums_of(column(1.0, *product))) == ["mul"]
    for table in (x([0, 3], [5, 1]), x([0, 3], [0, 3])):
        group = sums_of(Rows(-1.0, table, None))
        assert primitives_of(group) == ["neg"]
        assert kinds(group).index("reduce") < kinds(group).index("apply"), "the sums are fewer than the terms"
    assert primitives_of(sums_of(Matrix(-1.0, p([0, 1], [3, 4]), x([0, 1]), None))) == ["neg"]


def test_a_sum_of_constants_alone_is_its_constant() -> None:
    for constant, number in ((0.75, 0.75), (NOTHING, -0.0)):
        group = SumOfProducts(2, (0,), False, (), (), constant)
        (result,) = lowered(group).evaluate({"x": X}, P)
        assert repr(result.tolist()) == repr([number])


def test_very_long_sums_are_named_in_parts() -> None:
    blocks = [column(1.0, x(k % 8, (k + 1) % 8)) for k in range(120)]
    group = sums_of(*blocks)
    names = [operation.name for operation in lowered(group).operations]
    assert [name for name in names if name.startswith("part_of")] == ["part_of_y1_1", "part_of_y1_2"]
    expected = []
    for row in X:
        totals = [row[0], row[1]]
        for k in range(1, 120):
            totals = [total + row[(k + m) % 8] for m, total in enumerate(totals)]
        expected.append(totals)
    assert values(group) == expected


# With integers, the order of addition makes no difference


WHOLE = np.arange(1.0, 9.0) ** 2
WEIGHTS = np.array([2.0, -3.0, 5.0, 7.0, -11.0, 13.0, 17.0, -19.0, 23.0])


def whole(group: SumOfProducts, data: Sequence[float] | None = None) -> list[float]:
    """Return the members' numbers for x = 1, 4, 9, ... and signed primes as parameters, of three equal samples."""
    (result,) = lowered(group, data).evaluate({"x": [WHOLE] * 3}, WEIGHTS)
    assert all((row == result[0]).all() for row in result)
    return result[0].tolist()  # type: ignore[no-any-return]


def kinds(group: SumOfProducts, data: Sequence[float] | None = None) -> list[str]:
    return [operation.kind for operation in lowered(group, data).operations]


def primitives_of(group: SumOfProducts) -> list[str]:
    return [operation.attribute.primitive.name for operation in lowered(group).operations if operation.kind == "apply"]


@pytest.mark.parametrize("c", [1.0, -1.0, 0.5, np.array([[1.0, 2.0], [3.0, -4.0]])])
def test_tables_are_added_up_row_by_row(c: Any) -> None:
    table = np.array([[0, 3], [5, 1]])
    coefficients = np.broadcast_to(c, (2, 2))
    assert whole(sums_of(Rows(c, View(1, table), None))) == (coefficients * WHOLE[table]).sum(axis=1).tolist()
    other = np.array([[2, 4], [7, 6]])
    expected = (coefficients * WHOLE[table] * WHOLE[other]).sum(axis=1).tolist()
    assert whole(sums_of(Rows(c, View(1, table), View(1, other)))) == expected


@pytest.mark.parametrize("c", [1.0, -1.0, 0.5, np.array([[1.0, 2.0, -4.0]] * 2)])
def test_members_that_add_the_same_terms_share_one_sum(c: Any) -> None:
    table = np.array([[0, 3, 4]] * 2)
    coefficients = np.broadcast_to(c, (2, 3))
    group = sums_of(Rows(c, View(1, table), None))
    assert whole(group) == (coefficients * WHOLE[table]).sum(axis=1).tolist()
    (reduction,) = [operation for operation in lowered(group).operations if operation.kind == "reduce"]
    assert reduction.shape[-1] == 1


def test_members_that_add_the_same_terms_with_other_coefficients_do_not() -> None:
    table, c = np.array([[0, 3, 4]] * 2), np.array([[1.0, 2.0, -4.0], [1.0, 2.0, 3.0]])
    assert whole(sums_of(Rows(c, View(1, table), None))) == (c * WHOLE[table]).sum(axis=1).tolist()


def test_a_single_member_adds_its_terms() -> None:
    for c in (1.0, np.array([[1.0, 2.0, -4.0]])):
        group = sums_of(Rows(c, x([0, 3, 4]), None), members=1)
        assert whole(group) == [(np.broadcast_to(c, (1, 3)) * WHOLE[[0, 3, 4]]).sum()]


def test_a_number_that_is_added_to_itself_is_multiplied() -> None:
    group = sums_of(Rows(1.0, x([3, 3, 3, 3], [3, 3, 3, 3]), None))
    assert whole(group) == [64.0, 64.0]
    assert "reduce" not in kinds(group)
    (weight,) = lowered(sums_of(Rows(1.0, p([3] * 4, [3] * 4), None), batched=False)).evaluate({"x": [WHOLE]}, WEIGHTS)
    assert weight.tolist() == [28.0, 28.0]


@pytest.mark.parametrize("c", [1.0, -1.0, 2.0, np.array([[1.0, 2.0, 3.0], [4.0, 5.0, -6.0]])])
def test_a_matrix_product(c: Any) -> None:
    weights = np.array([[0, 1, 2], [4, 5, 6]])
    group = sums_of(Matrix(c, View(PARAMETERS, weights), View(1, np.array([[1, 2, 3]])), None))
    assert whole(group) == ((c * WEIGHTS[weights]) @ WHOLE[1:4]).tolist()
    assert kinds(group).count("contract") == 1


def test_a_matrix_product_over_patches() -> None:
    weights, patches = np.array([[0, 1], [4, 5]]), np.array([[0, 1], [1, 2], [2, PADDING]])
    columns = np.where(patches == PADDING, 0.0, WHOLE[patches])
    expected = (columns @ WEIGHTS[weights].T).reshape(-1)
    block = Matrix(1.0, View(PARAMETERS, weights), View(1, patches), None)
    assert whole(sums_of(block, members=6)) == expected.tolist()
    place = np.array([5, 0, 3])
    assert whole(sums_of(block._replace(place=place), members=3)) == expected[place].tolist()


@pytest.mark.parametrize("positions", [1, 2, 3])
def test_parameters_times_parameters(positions: int) -> None:
    weights, columns = np.array([[0, 1], [4, 5]]), np.array([[2, 3], [3, 6], [7, 8]])[:positions]
    block = Matrix(1.0, View(PARAMETERS, weights), View(PARAMETERS, columns), None)
    group = sums_of(block, members=2 * positions, batched=False)
    (result,) = lowered(group).evaluate({"x": [WHOLE]}, WEIGHTS)
    assert result.tolist() == (WEIGHTS[columns] @ WEIGHTS[weights].T).reshape(-1).tolist()


def test_patches_are_gathered_once() -> None:
    patches = x([0, 1], [1, 2], [2, 3])
    blocks = [Matrix(1.0, p([a, a + 1], [a + 4, a + 5]), patches, None) for a in (0, 2)]
    program = lowered(sums_of(*blocks, members=6))
    assert [operation.name for operation in program.operations if operation.name.startswith("patches")] == ["patches1"]


def test_data_of_zeros_of_both_signs_stay_two_numbers() -> None:
    factors = View(2, np.array([[0], [1]]))
    results = values(sums_of(Rows(1.0, factors, x([3], [4]))), data=[0.0, -0.0])
    assert np.signbit(results).tolist() == [[False, True]] * len(X), "the numbers of x are positive"


def test_patches_of_data_are_a_constant() -> None:
    data = [1.0, 4.0, 9.0, 16.0]
    weights, patches = np.array([[0, 1], [4, 5]]), np.array([[0, 1], [1, 2], [2, 3]])
    group = sums_of(Matrix(1.0, View(PARAMETERS, weights), View(2, patches), None), members=6, batched=False)
    expected = (np.array(data)[patches] @ WEIGHTS[weights].T).reshape(-1)
    (result,) = lowered(group, data).evaluate({"x": [WHOLE]}, WEIGHTS)
    assert result.reshape(-1).tolist() == expected.tolist()
    (constant,) = [operation for operation in lowered(group, data).operations if operation.kind == "constant"]
    assert constant.shape == (3, 2)


def test_a_constant_matrix() -> None:
    matrix = np.array([[1.0, -2.0], [3.0, 4.0], [0.0, 5.0]])
    group = sums_of(Matrix(matrix, None, x([1, 4]), None), members=3)
    assert whole(group) == (matrix @ WHOLE[[1, 4]]).tolist()


def test_products_with_single_weights_are_elementwise_unless_they_are_a_layer() -> None:
    """A contraction would lose the sign of -0.0; in a layer, which adds a bias, that does not matter."""
    single = Matrix(1.0, p([0], [4]), x([2]), None)
    assert whole(sums_of(single)) == [18.0, -99.0]
    assert "contract" not in kinds(sums_of(single))
    layer = sums_of(single, column(1.0, p(2, 3)))
    assert whole(layer) == [23.0, -92.0]
    assert "contract" in kinds(layer)
    for other in (column(1.0, x(2, 3)), column(1.0, p(2, 3), x(2, 3))):
        assert "contract" not in kinds(sums_of(single, other))


@pytest.mark.parametrize("c", [1.0, -1.0, 0.5])
@pytest.mark.parametrize(
    ("left", "right"),
    [
        ([[[0, 1], [2, 3]]], [[[4, 5], [6, 7], [1, 0]]]),
        ([[[0, 1]], [[2, 3]]], [[[4, 5], [6, 7]], [[1, 0], [3, 2]]]),
        ([[[0], [1]], [[2], [3]]], [[[4], [5]], [[6], [7]]]),
        ([[[0, 1], [2, PADDING]]], [[[4, 5], [6, 7]]]),
    ],
)
def test_a_batched_product(left: Any, right: Any, c: float) -> None:
    def read(positions: Any) -> Any:
        return np.where(np.array(positions) == PADDING, 0.0, WHOLE[positions])

    expected = (c * read(left) @ read(right).transpose(0, 2, 1)).reshape(-1)
    block = Product(c, x(*left), x(*right), None)
    assert whole(sums_of(block, members=len(expected))) == expected.tolist()
    place = np.array([len(expected) - 1, 0, 1])
    assert whole(sums_of(block._replace(place=place), members=3)) == expected[place].tolist()
    assert np.allclose(whole(sums_of(block.rows, members=len(expected))), expected)
    assert np.allclose(whole(sums_of(block._replace(place=place).rows, members=3)), expected[place])


def test_batched_products_have_no_axes_of_length_1() -> None:
    for left, right, labels in (
        (x([[0, 1], [2, 3]]), x([[4, 5], [6, 7]]), ("nik", "njk", "nij")),
        (x([[0], [1]]), x([[4], [5]]), ("ni", "nj", "nij")),
        (x([[0, 1]], [[2, 3]]), x([[4, 5], [6, 7]], [[1, 0], [3, 2]]), ("nbk", "nbjk", "nbj")),
    ):
        block = Product(1.0, left, right, None)
        (product,) = [o for o in lowered(sums_of(block, members=4)).operations if o.kind == "contract"]
        assert tuple(product.attribute) == labels


def test_products_of_what_a_choice_may_not_take_are_padded_or_row_by_row() -> None:
    """A matrix product has no guards: its derivatives may be 0 times infinity, which the caller checks for."""
    product = sums_of(Product(1.0, x([[0, 1], [2, 3]]), x([[4, 5], [6, 7]]), None), members=4)
    for unreached, padding, kind, padded in (
        (False, True, "contract", False),
        (True, True, "contract", True),
        (False, False, "contract", False),
        (True, False, "reduce", False),
    ):
        program = lowered(product, unreached=unreached, padding=padding)
        assert program.padded == padded
        assert kind in [operation.kind for operation in program.operations]
    two = sums_of(*(product.blocks * 2), members=4)
    assert lowered(two, unreached=True).padded


def test_a_result_that_others_read_is_named_in_a_copy() -> None:
    builder = ArrayBuilder()
    argument = builder.argument("x", 2)
    before = argument + argument
    start = len(builder.operations)
    after = argument * argument
    assert named(after, "a", start).at == after.at
    copy = named(before, "b", start)
    assert copy.at != before.at
    assert (copy.operation.name, before.operation.name, copy.operation.operands) == ("b", "", before.operation.operands)
    assert named(before, "c").at == before.at
    again = named(before, "d", start)
    assert (again.operation.name, before.operation.name) == ("d", "c")


def test_layers_name_their_weights_and_biases_which_others_read_parts_of() -> None:
    scale = column(1.0, p(0, 1), x(4, 5))  # the first row of the weights
    matrix, bias = Matrix(1.0, p([0, 1], [3, 4]), x([0, 1]), None), column(1.0, p(2, 5))
    group = sums_of(scale, matrix, bias, slots=(0, 1, 1))
    assert whole(group) == [2 * 25 + 2 * 1 - 3 * 4 + 5, -3 * 36 + 7 * 1 - 11 * 4 + 13]
    operations = lowered(group).operations
    assert [operation.name for operation in operations if operation.kind == "parameter"] == ["w1", "b1"]
    scaled = lowered(sums_of(matrix, column(1.0, p(2, 5), x(0, 1)))).operations
    assert [operation.name for operation in scaled if operation.kind == "parameter"] == ["w1", "b1"]


def parameters_of(program: ScalarProgram) -> list[tuple[str, tuple[Any, ...]]]:
    """Return the names and shapes of the arrays of parameters, in the order in which they are read."""
    operations = lower(recover(program.verify()), ["x"]).verify().operations
    return [(operation.name, operation.shape) for operation in operations if operation.kind == "parameter"]


def weighted(weights: Sequence[int], xs: Sequence[int], other: tuple[int, int]) -> Sum:
    """Return Σ weights · xs, plus another product or node."""
    return Sum([1.0] * (len(xs) + 1), [*weights, other[0]], [*xs, other[1]], [0] * (len(xs) + 1))


def test_the_arrays_of_a_layer_have_its_number() -> None:
    """The first two neurons have biases; the other two have multiples of the argument instead."""
    builder = Builder([2], 12)
    first = [builder.sum(weighted([2 + 2 * j, 3 + 2 * j], [0, 1], (10 + j, ABSENT))) for j in range(2)]
    tanh = builder.opcode(primitives.tanh)
    hidden = [builder.application(tanh, [z]) for z in first]
    second = [builder.sum(weighted([6 + 2 * j, 7 + 2 * j], hidden, (12 + j, j))) for j in range(2)]
    arrays = parameters_of(builder.program(second))
    assert dict(arrays) == {"w1": (2, 2), "b1": (2,), "w2": (2, 2), "b2": (2,)}


def test_layers_are_read_before_what_comes_first() -> None:
    """The first row of the weights also multiplies the argument, before the layer: it is a part of the matrix."""
    builder = Builder([2], 6)
    scaled = [builder.sum(Sum([1.0], [2 + k], [k], [0])) for k in range(2)]
    layer = [builder.sum(weighted([2 + 2 * j, 3 + 2 * j], scaled, (6 + j, ABSENT))) for j in range(2)]
    assert dict(parameters_of(builder.program(layer))) == {"w1": (2, 2), "b1": (2,)}


# The order of blocks


def test_products_come_first_and_what_is_subtracted_last() -> None:
    matrix = Matrix(1.0, p([0, 1], [3, 4]), x([0, 1]), None)
    group = sums_of(minus(A), B, matrix)
    assert slots(group) == [[matrix, B, minus(A)]]
    assert slots(group._replace(slots=(0, 1, 1))) == [[minus(A)], [matrix, B]]


def test_the_cells_of_a_stencil_keep_their_order() -> None:
    """The terms of u₀ - 2u₁ + u₂ stay in order; two terms, or three of several arrays, are sorted."""
    stencil = [A, column(-2.0, x(1, 2)), C]
    assert slots(sums_of(*stencil)) == [stencil]
    assert slots(sums_of(minus(A), C)) == [[C, minus(A)]]
    mixed = [minus(A), column(1.0, p(1, 2)), C]
    assert slots(sums_of(*mixed)) == [[mixed[1], C, minus(A)]]
    begins = [A, B, minus(C)]
    assert slots(sums_of(minus(mixed[1]), *begins)) == [[*begins, minus(mixed[1])]]


def test_blocks_with_one_negative_coefficient_are_subtracted() -> None:
    """They are subtracted only if this rounds the same: -(Σ) and -(c x) do, but 0.5 Σ may differ from Σ 0.5 x."""
    table, matrix = Rows(1.0, x([0, 1], [1, 2]), None), Matrix(1.0, p([0, 1], [3, 4]), x([0, 1]), None)
    for c, of_a_column, of_others in (
        (-1.0, True, True),
        (-0.5, True, False),
        (-2.0, True, False),
        (0.0, False, False),
        (0.5, False, False),
        (1.0, False, False),
    ):
        assert is_subtracted(A._replace(coefficients=c)) == of_a_column
        assert is_subtracted(table._replace(coefficients=c)) == of_others
        assert is_subtracted(matrix._replace(coefficients=c)) == of_others
        assert starts_with_a_sign(matrix._replace(coefficients=c)) == (c < 0)
    assert not is_subtracted(A._replace(coefficients=np.array([[-1.0], [-2.0]])))
    assert not starts_with_a_sign(A._replace(coefficients=np.array([[-1.0], [-2.0]])))
