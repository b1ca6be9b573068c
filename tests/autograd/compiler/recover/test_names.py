"""The names of groups: labels first, else those of textbooks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from autograd import primitives
from autograd.compiler.arrays.operations import PADDING
from autograd.compiler.names import Names
from autograd.compiler.recover.groups import (
    PARAMETERS,
    Application,
    Choice,
    Concatenation,
    Group,
    Grouping,
    LookUps,
    Reduction,
    RunningSum,
    SumOfProducts,
)
from autograd.compiler.recover.loops.repetitions import LoopResult, Repetition
from autograd.compiler.recover.naming import group_names, parameter_name
from autograd.compiler.recover.sums.blocks import Block, Matrix, Product, Rows, View
from autograd.compiler.scalars.builder import Builder
from autograd.compiler.scalars.lookups import Table
from autograd.primitives import Primitive

NOTHING = np.zeros(0, dtype=np.int64)


def view(source: int, *positions: Any) -> View:
    return View(source, np.array(positions))


def applied(primitive: Any, *operands: Any, source: int = 2, members: tuple[int, ...] = (1, 2)) -> Application:
    return Application(source, members, True, primitive, operands or (view(1, 0, 1),))


def sums_of(*blocks: Block, source: int = 2, members: tuple[int, ...] = (1, 2)) -> SumOfProducts:
    return SumOfProducts(source, members, True, blocks, (0,) * len(blocks))


COLUMN, TWO, THREE = (Rows(1.0, view(1, *([0] * n for _ in range(2))), None) for n in (1, 2, 3))
MINUS = COLUMN._replace(coefficients=-1.0)
MATRIX = Matrix(1.0, view(PARAMETERS, [0, 1], [2, 3]), view(1, [0, 1]), None)
PRODUCT = Product(1.0, view(1, [[0, 1]]), view(1, [[0, 1], [2, 3]]), None)
TABLE = Table("t0", np.array([[3], [4]]), np.zeros((2, 1)), False, frozenset())
LOOP = Repetition(2, (), True, 3, (), (), (), NOTHING, None, ())


def names_of(*groups: Group, outputs: Any = (9,), labels: dict[int, str] | None = None) -> list[str]:
    builder = Builder([20], 0)
    scalars = builder.program(list(outputs), labels=labels or {})
    grouping = Grouping(scalars, groups, NOTHING, NOTHING, np.zeros(0), (), (), {})
    return group_names(grouping, Names([]))[0]


@pytest.mark.parametrize(
    ("group", "name"),
    [
        (applied(primitives.constant_power, view(1, 0, 1), 2.0), "square"),
        (applied(primitives.constant_power, view(1, 0, 1), 3.0), "cube"),
        (applied(primitives.constant_power, view(1, 0, 1), -1.0), "inverse"),
        (applied(primitives.constant_power, view(1, 0, 1), 1.5), "power"),
        (applied(primitives.constant_power, view(1, 0, 1), np.array([2.0, 3.0])), "powers"),
        (applied(primitives.div, view(1, 0, 1), 3.0), "quotient"),
        (applied(primitives.tanh), "tanh"),
        (applied(Primitive("?", lambda x: x, lambda x, out: (1.0,))), "f"),
        (Reduction(2, (1, 2), True, primitives.max_, view(1, [0, 1], [2, 3])), "max"),
        (Concatenation(2, (1, 2), True, (view(1, 0), view(1, 1))), "joined"),
        (RunningSum(2, (1, 2), True, view(1, [0, 1])), "sums"),
        (LookUps(2, (1, 2), True, TABLE, np.array([0]), view(1, 0)), "rows"),
        (Choice(2, (1, 2), True, view(1, [0, 1]), view(1, 0)), "chosen"),
        (LoopResult(2, (1, 2), True, 6, 0, False), "states"),
        (sums_of(TWO), "s"),
        (sums_of(THREE), "s"),
        (sums_of(COLUMN), "y"),
        (sums_of(TWO, COLUMN), "y"),
        (sums_of(COLUMN, TWO), "y"),
        (sums_of(COLUMN, COLUMN), "y"),
        (sums_of(COLUMN, MINUS), "e"),
        (sums_of(MINUS, COLUMN), "e"),
        (sums_of(COLUMN, MINUS, MINUS), "y"),
        (sums_of(PRODUCT, MINUS), "y"),
        (sums_of(MATRIX), "z"),
        (sums_of(COLUMN, MATRIX), "z"),
    ],
)
def test_a_group_without_a_label_has_the_name_of_its_function(group: Group, name: str) -> None:
    assert names_of(group) == [f"{name}1"]
    assert names_of(group, labels={1: "label", 2: "label"}) == ["label1"]


def test_labels_of_padding_lanes_do_not_count() -> None:
    group = applied(primitives.tanh, members=(0, PADDING, 1))
    assert names_of(group, labels={0: "label", 1: "label"}) == ["label1"]
    assert names_of(group, labels={1: "label"}) == ["tanh1"], "node 0 has no label"


def test_a_layer_and_its_activation_share_a_number() -> None:
    first, second = sums_of(MATRIX, source=2), sums_of(MATRIX, source=4)
    activations = [applied(primitives.tanh, view(k, 0, 1), source=k + 1) for k in (2, 4)]
    of_two = applied(primitives.maximum, view(2, 0, 1), view(4, 0, 1), source=6)
    of_parameters, of_argument = applied(primitives.exp, view(0, 0, 1)), applied(primitives.exp, view(1, 0, 1))
    groups = (first, activations[0], second, activations[1], of_two, of_parameters, of_argument)
    assert names_of(*groups) == ["z1", "a1", "z2", "a2", "maximum1", "exp1", "exp2"]


def test_a_loop_has_no_name_and_what_follows_has() -> None:
    assert names_of(LOOP, applied(primitives.tanh)) == ["", "tanh1"]


def test_the_output_is_a_loss_or_y() -> None:
    one = applied(primitives.tanh, members=(9,))
    assert names_of(one) == ["y"]
    assert names_of(one, labels={9: "energy"}) == ["energy"]
    assert names_of(applied(primitives.tanh, members=(9, 8))) == ["tanh1"]
    assert names_of(applied(primitives.tanh, members=(8,))) == ["tanh1"]


def test_parameters_are_named_by_labels_or_by_their_role() -> None:
    def name(labels: set[str], layer: int | None = None, single: bool = False) -> str:
        return parameter_name(Names([]), labels, "w", layer, single)

    assert name({""}, 3) == "w3"
    assert name({"w_1_2", "w_1_3"}, 3) == name({"w_1_2"}, 3)
    assert name({"scale"}, single=True) == "scale"
    assert name({"scale"}, 2, single=True) == "scale"
    assert name({"scale"}, 2) == "scale2"
    assert name({"w[0]"}, 2, single=True) == "w2"
    assert name({""}, 2, single=True) == "w2"
