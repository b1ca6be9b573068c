"""The classes of local derivatives: which can be infinite or nan, of sums and of each primitive, by its operands."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from autograd import primitives
from autograd.compiler.scalars.builder import Builder
from autograd.compiler.scalars.nodes import ABSENT, Sum
from autograd.compiler.scalars.program import ScalarProgram
from autograd.compiler.scalars.signs import Sign
from autograd.compiler.scalars.slopes import Edge, chooses_share, dependent_on_arguments, edges, weighted_terms
from autograd.compiler.trace.comparisons import COMPARISONS
from autograd.primitives import Primitive
from autograd.table import Slope

FINITE, BOUNDED, LIKE_VALUE = Slope.FINITE, Slope.BOUNDED, Slope.LIKE_VALUE
WEIGHT, SINGULAR = Slope.WEIGHT, Slope.SINGULAR
X, Y, V, W = range(4)  # two numbers of an argument, and two parameters


def total_of(terms: Sequence[tuple[int, int]]) -> Sum:
    return Sum([1.0] * len(terms), [x for x, _ in terms], [y for _, y in terms], [0] * len(terms))


def test_what_depends_on_arguments() -> None:
    builder = Builder([1], 1)
    tanh, mul = builder.opcode(primitives.tanh), builder.opcode(primitives.mul)
    of_x, of_w = builder.application(tanh, [0]), builder.application(tanh, [1])
    number = builder.constant(2.0)
    product = builder.application(mul, [of_x, of_w])
    of_weights = builder.application(mul, [of_w, number])
    again = builder.application(tanh, [product])
    program = builder.program([again, of_weights])
    assert dependent_on_arguments(program) == {0, of_x, product, again}


def test_weighted_terms_have_a_factor_that_no_argument_affects() -> None:
    total = total_of([(X, Y), (V, X), (X, ABSENT), (Y, W), (V, W), (X, X)])
    assert weighted_terms(total, {X, Y}) == {1, 3, 4}
    one = total_of([(X, Y), (V, X), (V, ABSENT)])
    assert weighted_terms(one, {X, Y}) == set()
    assert weighted_terms(one, {X, Y}, 1) == {1}
    assert weighted_terms(total_of([(V, X), (W, Y)]), {X, Y}) == {0, 1}


SUMS: list[tuple[list[tuple[int, int]], set[int], bool, list[tuple[int, Slope]]]] = [  # with finite nodes, and shown
    ([(X, ABSENT), (Y, ABSENT)], set(), False, [(X, FINITE), (Y, FINITE)]),
    ([(X, Y)], set(), False, [(X, LIKE_VALUE), (Y, LIKE_VALUE)]),
    ([(X, Y)], {Y}, False, [(X, FINITE), (Y, LIKE_VALUE)]),
    ([(X, Y)], {X}, True, [(X, LIKE_VALUE), (Y, FINITE)]),
    ([(V, X)], set(), False, [(V, LIKE_VALUE), (X, LIKE_VALUE)]),
    ([(V, X)], set(), True, [(V, WEIGHT), (X, WEIGHT)]),
    ([(V, X), (W, Y)], set(), False, [(V, WEIGHT), (X, WEIGHT), (W, WEIGHT), (Y, WEIGHT)]),
    ([(V, X), (W, Y)], {X, Y}, False, [(V, WEIGHT), (X, WEIGHT), (W, WEIGHT), (Y, WEIGHT)]),
    ([(V, X), (X, Y)], set(), True, [(V, WEIGHT), (X, WEIGHT), (X, LIKE_VALUE), (Y, LIKE_VALUE)]),
]


@pytest.mark.parametrize(("terms", "finite", "shown", "slopes"), SUMS)
def test_slopes_of_sums(
    terms: list[tuple[int, int]], finite: set[int], shown: bool, slopes: list[tuple[int, Slope]]
) -> None:
    """The slope of a product is the other factor, exempt if that is a weight; a sum hides neither inf nor nan."""
    builder = Builder([2], 2)
    total = builder.sum(total_of(terms))
    program = builder.program([total])
    yielded = list(edges(program, total, {X, Y}, [Sign.ANY] * 5, finite, shown))
    assert yielded == [Edge(0, k, slope, True, True) for k, slope in slopes]


def test_nothing_is_finite_or_shown_unless_it_is_said() -> None:
    builder = Builder([1], 1)
    total = builder.sum(total_of([(1, 0)]))
    program = builder.program([total])
    assert [edge.slope for edge in edges(program, total, {0}, [Sign.ANY] * 3)] == [LIKE_VALUE, LIKE_VALUE]


APPLIED: list[tuple[Primitive, list[Sign | float], list[tuple[int, Slope]]]] = [  # places and slopes
    (primitives.exp, [Sign.POSITIVE], [(0, LIKE_VALUE)]),
    (primitives.sin, [Sign.ANY], [(0, BOUNDED)]),
    (primitives.sqrt, [Sign.ANY], [(0, SINGULAR)]),
    (primitives.sqrt, [Sign.NONNEGATIVE], [(0, SINGULAR)]),
    (primitives.sqrt, [Sign.POSITIVE], [(0, BOUNDED)]),
    (primitives.log, [Sign.POSITIVE], [(0, BOUNDED)]),
    (primitives.cbrt, [Sign.POSITIVE], [(0, SINGULAR)]),
    (primitives.div, [Sign.ANY, Sign.ANY], [(0, SINGULAR), (1, SINGULAR)]),
    (primitives.div, [Sign.POSITIVE, Sign.ANY], [(0, SINGULAR), (1, SINGULAR)]),
    (primitives.div, [Sign.ANY, Sign.POSITIVE], [(0, LIKE_VALUE), (1, LIKE_VALUE)]),
    (primitives.constant_power, [Sign.ANY, 2.0], [(0, LIKE_VALUE), (1, LIKE_VALUE)]),
    (primitives.constant_power, [Sign.ANY, 3.0], [(0, LIKE_VALUE), (1, LIKE_VALUE)]),
    (primitives.constant_power, [Sign.ANY, 4.0], [(0, SINGULAR), (1, SINGULAR)]),
    (primitives.constant_power, [Sign.ANY, 1.0], [(0, SINGULAR), (1, SINGULAR)]),
    (primitives.constant_power, [Sign.POSITIVE, 1.0], [(0, BOUNDED), (1, BOUNDED)]),
    (primitives.constant_power, [Sign.POSITIVE, 0.5], [(0, BOUNDED), (1, BOUNDED)]),
    (primitives.constant_power, [Sign.POSITIVE, 1.5], [(0, SINGULAR), (1, SINGULAR)]),
    (primitives.where, [Sign.ANY] * 3, [(1, FINITE), (2, FINITE)]),
    (primitives.entry_at, [Sign.ANY] * 3, [(0, FINITE), (1, FINITE)]),
    (primitives.maximum, [Sign.ANY] * 2, [(0, FINITE), (1, FINITE)]),
    (COMPARISONS[">"], [Sign.ANY] * 2, [(0, Slope.NONE), (1, Slope.NONE)]),
]


@pytest.mark.parametrize(("primitive", "operands", "slopes"), APPLIED)
def test_slopes_of_applications(
    primitive: Primitive, operands: list[Sign | float], slopes: list[tuple[int, Slope]]
) -> None:
    """A slope that is infinite only at 0 is not for an operand, or a denominator, that is at least some number."""
    builder = Builder([3], 0)
    known = [x if isinstance(x, Sign) else Sign.POSITIVE for x in operands]
    nodes = [k if isinstance(x, Sign) else builder.constant(x) for k, x in enumerate(operands)]
    signs = [*known, *[Sign.ANY] * (3 - len(known)), Sign.POSITIVE, Sign.ANY]
    node = builder.application(builder.opcode(primitive), nodes)
    yielded = list(edges(builder.program([node]), node, {0, 1, 2}, signs))
    keeps = (0,) if operands in ([Sign.ANY, 2.0], [Sign.ANY, 3.0]) else primitive.keeps_infinity
    shows = not primitive.hides_nan
    assert yielded == [Edge(place, nodes[place], slope, place in keeps, shows) for place, slope in slopes]


def shares(
    coefficients: Sequence[float] = (1.0, 1.0),
    summed: Sequence[int] = (0, 1),
    rights: Sequence[int] = (ABSENT, ABSENT),
    constant: float | None = None,
    second: Primitive = primitives.div,
    totals: int = 1,
    chooser: Primitive = primitives.entry_at,
) -> tuple[ScalarProgram, int]:
    """The choice of one of two shares of a total, with something changed."""
    builder = Builder([4], 0)
    of_terms = Sum(list(coefficients), list(summed), list(rights), [0] * len(summed))
    total = builder.sum(of_terms if constant is None else of_terms._replace(constant=constant))
    other = total if totals == 1 else builder.application(builder.opcode(primitives.exp), [2])
    first = builder.application(builder.opcode(primitives.div), [0, total])
    last = builder.application(builder.opcode(second), [1, other])
    choice = builder.application(builder.opcode(chooser), [first, last, 3])
    return builder.program([choice]), choice


def test_a_choice_of_one_of_all_shares_of_a_total() -> None:
    assert chooses_share(*shares())
    assert chooses_share(*shares(summed=(1, 0)))


@pytest.mark.parametrize(
    "changed",
    [
        shares(coefficients=(1.0, 2.0)),
        shares(coefficients=(2.0, 2.0)),
        shares(coefficients=(0.0, 0.0)),
        shares(summed=(0, 2)),
        shares(summed=(0, 1, 2), coefficients=(1.0,) * 3, rights=(ABSENT,) * 3),
        shares(rights=(2, 2)),
        shares(rights=(2, ABSENT)),
        shares(constant=1e-6),
        shares(second=primitives.mul),
        shares(totals=2),
        shares(chooser=primitives.where),
    ],
)
def test_a_choice_of_anything_else(changed: tuple[ScalarProgram, int]) -> None:
    assert not chooses_share(*changed)


def test_shares_of_a_total_that_is_no_sum() -> None:
    builder = Builder([3], 0)
    exp, div = builder.opcode(primitives.exp), builder.opcode(primitives.div)
    total = builder.application(exp, [0])
    choice = builder.application(
        builder.opcode(primitives.entry_at), [builder.application(div, [k, total]) for k in (0, 1)] + [2]
    )
    assert not chooses_share(builder.program([choice]), choice)
