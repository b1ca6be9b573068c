"""Scalar programs, operation by operation: the bits of the scalars; names, guards, and no operation too many."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from types import MappingProxyType

import pytest

from autograd import primitives
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.differentiate.reverse import to_arguments
from autograd.compiler.recover.unrolled import lower_scalars
from autograd.compiler.scalars.builder import Builder
from autograd.compiler.scalars.columns import Guards
from autograd.compiler.scalars.nodes import ABSENT, NOTHING, Sum
from autograd.compiler.trace.comparisons import COMPARISONS


def applied(program: ArrayProgram) -> list[str]:
    return [o.attribute.primitive.name for o in program.operations if o.kind == "apply"]


def names(program: ArrayProgram) -> list[str]:
    return [o.name for o in program.operations if o.name]


@pytest.mark.parametrize("seed", range(40))
def test_every_bit_is_that_of_the_scalars(seed: int) -> None:
    """Sums of terms in slots, with coefficients, factors and constants of either sign, of two arguments and weights."""
    chance = random.Random(seed)
    builder = Builder([3, 2], 2)
    nodes = list(range(7))
    coefficients = [1.0, 1.0, -1.0, 0.1, -0.7, 0.0, -0.0]
    for _ in range(5):
        count = chance.randint(1, 6)
        slots = sorted(chance.randrange(3) for _ in range(count))
        leads = chance.random() < 0.5
        slots = list(range(count)) if leads else [sorted(set(slots)).index(slot) for slot in slots]
        rights = [chance.choice([ABSENT, *nodes]) for _ in range(count)]
        lefts = [chance.choice(nodes) for _ in range(count)]
        constant = chance.choice([NOTHING, 0.1, -0.3, 0.0])
        factor, divisor = chance.choice([1.0, 1.0, 0.3, -7.0]), chance.choice([1.0, 1.0, 3.0])
        total = Sum(
            chance.choices(coefficients, k=count),
            lefts,
            rights,
            slots,
            constant,
            leads,
            factor,
            divisor,
        )
        nodes.append(builder.sum(total))
    scalars = builder.program(nodes[chance.randrange(6) :]).verify()
    x, y, parameters = ([chance.uniform(-2, 2) for _ in range(n)] for n in (3, 2, 2))
    ((row,),) = (
        x.tolist() for x in lower_scalars(scalars, ["x", "y"]).verify().evaluate({"x": [x], "y": [y]}, parameters)
    )
    assert list(map(repr, row)) == list(map(repr, scalars.evaluate([x, y], parameters)))


def test_a_constant_that_leads_is_followed_by_the_terms_of_the_first_slot_one_by_one() -> None:
    """As in the graph: 1e16 + 1 is rounded to 1e16, twice; 1e16 + (1 + 1) is not."""
    builder = Builder([1], 0)
    for leads, constant, exact in ((True, 1e16, 1e16 + 2.0), (False, 1e16, 1e16 + 4.0)):
        total = builder.sum(Sum([1.0] * 4, [0] * 4, [ABSENT] * 4, [0, 0, 1, 1], constant, leads))
        program = lower_scalars(builder.program([total]), ["x"]).verify()
        assert program.evaluate({"x": [[1.0]]})[0].tolist() == [[exact]]


@pytest.mark.parametrize(
    ("total", "expected"),
    [
        (Sum([1.0], [0], [ABSENT], [0], factor=2.0), ["mul"]),
        (Sum([1.0], [0], [ABSENT], [0], divisor=2.0), ["div"]),
        (Sum([1.0, 1.0, 1.0, -1.0], [0] * 4, [ABSENT] * 4, [0, 1, 1, 2]), ["add", "add", "sub"]),
        (Sum([1.0, -1.0], [0, 0], [ABSENT, 0], [0, 1]), ["mul", "sub"]),
        (Sum([], [], [], [], 0.5, factor=2.0), ["mul"]),
    ],
)
def test_no_operation_is_in_vain(total: Sum, expected: list[str]) -> None:
    builder = Builder([1], 0)
    program = lower_scalars(builder.program([builder.sum(total)]), ["x"])
    assert [name for name in applied(program) if name != "identity"] == expected
    assert not any(o.kind == "concatenate" for o in program.operations)


def test_leaves_are_read_once_each_by_their_names() -> None:
    builder = Builder([2, 1], 2)
    products = [builder.sum(Sum([1.0], [k], [3 + k % 2], [0])) for k in (0, 1, 2, 0)]
    program = lower_scalars(builder.program(products, labels={4: "scale", products[2]: "an own name"}), ["x", "y"])
    assert names(program) == ["x", "y", "parameters", "x_0", "p0", "v5", "x_1", "scale", "v6", "an_own_name", "v8"]
    assert Counter(o.kind for o in program.operations) == {
        "argument": 2,
        "parameter": 1,
        "slice": 4,
        "broadcast": 2,
        "apply": 4,
        "concatenate": 1,
    }


def test_one_parameter_is_not_sliced_and_constants_are_columns_of_the_output() -> None:
    builder = Builder([1], 1)
    program = lower_scalars(builder.program([1, 0, builder.constant(0.5), 1]), ["x"]).verify()
    assert program.evaluate({"x": [[3.0]]}, [7.0])[0].tolist() == [[7.0, 3.0, 0.5, 7.0]]
    assert [o.kind for o in program.operations] == [
        *("argument", "parameter", "broadcast", "constant", "broadcast", "concatenate")
    ]
    assert not any(o.kind == "parameter" for o in lower_scalars(Builder([1], 0).program([0]), ["x"]).operations)


@pytest.mark.parametrize(("operations", "is_labelled"), [(199, True), (200, False)])
def test_operations_of_long_programs_are_not_named_by_labels(operations: int, is_labelled: bool) -> None:
    builder = Builder([1], 0)
    tanh = builder.opcode(primitives.tanh)
    last = 0
    for _ in range(operations):
        last = builder.application(tanh, [last])
    program = lower_scalars(builder.program([last], labels={last: "result"}), ["x"])
    assert ("result" in names(program)) == is_labelled


def test_a_sum_of_one_node_is_a_copy_with_a_name_of_its_own() -> None:
    builder = Builder([1], 0)
    tanh = builder.application(builder.opcode(primitives.tanh), [0])
    copy = builder.sum(Sum([1.0], [tanh], [ABSENT], [0]))
    program = lower_scalars(builder.program([copy], labels={copy: "copy"}), ["x"]).verify()
    assert applied(program) == ["tanh", "identity"]
    assert names(program) == ["x", "v1", "copy"]


def gradients(total: Sum, condition: str, x: list[float]) -> list[float]:
    """Return the derivatives of a sum of three numbers that counts only where the first one is greater than 0."""
    builder = Builder([3], 1)
    node = builder.sum(total)
    root = builder.application(builder.opcode(primitives.sqrt), [0])
    mask = builder.application(builder.opcode(COMPARISONS[condition]), [0, builder.constant(0.0)])
    guards = Guards(2, MappingProxyType({node: mask, root: mask}), frozenset(), frozenset())
    program = lower_scalars(replace(builder.program([node, root]), guards=guards).verify(), ["x"])
    assert len(program.masks) == 1
    assert applied(program).count("mul") == sum(
        (y != ABSENT) + (abs(c) != 1.0) for c, y in zip(total.coefficients, total.rights)
    )
    _, of_x = to_arguments(program, 1, unrolled=True).evaluate({"x": [x], "gradient": [[1.0]]}, [10.0])
    return of_x[0].tolist()  # type: ignore[no-any-return]


def test_products_of_a_guarded_sum_have_derivatives_only_where_the_sum_is_reached() -> None:
    """Terms without a second factor, and weighted sums of at least two terms, have finite slopes."""
    of_product = Sum([2.0, 1.0, -1.0], [1, 0, 2], [2, ABSENT, 1], [0, 0, 0], 0.5)
    assert gradients(of_product, ">", [1.0, 3.0, 5.0]) == [1.0, 2 * 5.0 - 5.0, 2 * 3.0 - 3.0]
    assert gradients(of_product, ">", [-1.0, 3.0, 5.0]) == [1.0, 0.0, 0.0]
    weighted = Sum([1.0, -3.0, 1.0], [3, 1, 0], [1, 3, ABSENT], [0, 0, 0])
    assert gradients(weighted, ">", [-1.0, 3.0, 5.0]) == [1.0, 10.0 - 30.0, 0.0]
    one_weight = Sum([1.0, 1.0], [3, 2], [1, ABSENT], [0, 0])
    assert gradients(one_weight, ">", [-1.0, 3.0, 5.0]) == [0.0, 0.0, 1.0]
    assert gradients(one_weight, ">", [1.0, 3.0, 5.0]) == [0.0, 10.0, 1.0]


def test_a_guarded_operand_is_guarded_once_for_each_mask() -> None:
    """Constants need no guard; masks are lowered last, in the order of their guards."""
    builder = Builder([2], 0)
    zero = builder.constant(0.0)
    sqrt, greatest = builder.opcode(primitives.sqrt), builder.opcode(primitives.maximum)
    nodes = [builder.application(sqrt, [0]), builder.application(greatest, [0, zero]), builder.application(sqrt, [0])]
    masks = [builder.application(builder.opcode(COMPARISONS[c]), [1, zero]) for c in (">", "<")]
    conditions = {nodes[0]: masks[1], nodes[1]: masks[1], nodes[2]: masks[0]}
    guards = Guards(2, MappingProxyType(conditions), frozenset(nodes[1:2]), frozenset())
    scalars = replace(builder.program(nodes, labels={masks[0]: "a mask"}), guards=guards).verify()
    program = lower_scalars(scalars, ["x"]).verify()
    assert [o.attribute for o in program.operations if o.kind == "guard"] == [0, 1]
    assert [program.operations[at].attribute.primitive.name for at in program.masks] == ["less", "greater"]
    assert "a_mask" not in names(program)
    assert [o.attribute.careful for o in program.operations if o.kind == "apply"] == [False, True, *[False] * 3]
