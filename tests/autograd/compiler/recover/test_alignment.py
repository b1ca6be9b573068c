"""Alignment: nodes of a kind wait for one another, arrays are joined that they interchange, and terms are exchanged."""

from __future__ import annotations

import numpy as np
import pytest

from autograd import primitives
from autograd.compiler.recover.alignment import Layers, delayed, exchanged, interchanged
from autograd.compiler.recover.groups import Places
from autograd.compiler.recover.schedule import schedule
from autograd.compiler.recover.sums.terms import columns_of
from autograd.compiler.scalars.builder import Builder
from autograd.compiler.scalars.nodes import ABSENT, Sum
from autograd.compiler.targets.lookup_kernels import Scatter

READS = {2: [0], 3: [1], 4: [3], 5: [2], 6: [4], 7: [5, 6]}
"""Node 2 is one level higher than node 4, and so are their readers, 5 and 6, which node 7 reads."""

KINDS = {2: 0, 3: 1, 4: 0, 5: 2, 6: 2, 7: 3}


def places(*sources: int) -> Places:
    """Return places of nodes in these arrays."""
    source, widths = np.array(sources), [1] * (max(sources) + 1)
    return Places(source, np.zeros_like(source), np.zeros(len(source)), widths, [True] * len(widths), len(source))


def test_nodes_of_a_kind_wait_for_one_another() -> None:
    levels = schedule(list(READS), READS.__getitem__)
    assert levels == [[2, 3], [4, 5], [6], [7]]
    assert delayed(levels, READS.__getitem__, KINDS) == [[3], [2, 4], [5, 6], [7]]


def test_a_node_does_not_wait_if_it_is_read_before() -> None:
    reads = {**READS, 8: [2], 9: [8]}
    kinds = {**KINDS, 8: 4, 9: 3}
    levels = schedule(list(reads), reads.__getitem__)
    late = delayed(levels, reads.__getitem__, kinds)
    depth = {i: t for t, nodes in enumerate(late) for i in nodes}
    assert depth[2] < depth[8] < depth[9]
    assert depth[2] == 0


def test_fixed_nodes_do_not_wait() -> None:
    levels = schedule(list(READS), READS.__getitem__)
    assert delayed(levels, READS.__getitem__, KINDS, fixed=[5]) == levels


def test_nodes_of_other_kinds_do_not_wait() -> None:
    kinds = {i: i for i in READS}
    levels = schedule(list(READS), READS.__getitem__)
    assert delayed(levels, READS.__getitem__, kinds) == levels


def test_arrays_read_in_place_of_one_another_are_interchanged() -> None:
    of = places(1, 2, 3, 4, 5)
    assert interchanged([np.array([[0, 2], [1, 2]])], of) == [[1, 2]]
    assert interchanged([np.array([[0, 2], [1, 3]])], of) == [[1, 2], [3, 4]]
    assert interchanged([np.array([[0, 2], [1, 0]])], of) == [[1, 2, 3]]
    assert interchanged([np.array([[0, 1], [0, 1]]), np.array([[3], [4]])], of) == [[4, 5]]


def test_parameters_and_literals_are_not_interchanged() -> None:
    of = places(1, 0, -1, 2)
    assert interchanged([np.array([[0], [1], [2]])], of) == []
    assert interchanged([np.array([[0], [1], [2], [3]])], of) == [[1, 2]]


@pytest.mark.parametrize("leads", [False, True])
def test_two_products_are_exchanged_unless_a_constant_comes_first(leads: bool) -> None:
    sums = [Sum([1.0, 2.0], [0, 1], [2, 3], [0, 1]), Sum([3.0, 4.0], [1, 0], [3, 2], [0, 1], 5.0, leads)]
    terms, scaling = columns_of(sums)
    result = exchanged(terms, scaling.leads, places(1, 2, 1, 2))
    order = [0, 1, 2, 3] if leads else [0, 1, 3, 2]
    assert result.left.tolist() == terms.left[order].tolist()
    assert result.right.tolist() == terms.right[order].tolist()
    assert result.coefficients.tolist() == terms.coefficients[order].tolist()
    assert result.slot.tolist() == terms.slot.tolist()


@pytest.mark.parametrize(
    "one", [Sum([1.0, -1.0], [1, 0], [ABSENT, ABSENT], [0, 1]), Sum([1.0] * 3, [1, 1, 0], [1, 0, 0], [0, 1, 2])]
)
def test_other_sums_keep_their_order(one: Sum) -> None:
    terms, scaling = columns_of([one])
    assert exchanged(terms, scaling.leads, places(1, 2)).left.tolist() == terms.left.tolist()


def test_factors_and_products_are_compared_in_the_order_of_their_kinds() -> None:
    builder = Builder([4], 0)
    sigmoid, exp = (
        [builder.application(builder.opcode(one), [k]) for k in (0, 1)] for one in (primitives.sigmoid, primitives.exp)
    )
    first = builder.sum(Sum([1.0, 1.0], [sigmoid[0], exp[0]], [2, 3], [0, 1]))
    second = builder.sum(Sum([1.0, 1.0], [3, 2], [exp[1], sigmoid[1]], [0, 1]))
    program = builder.program([first, second])
    levels = schedule(program.operations, program.operands_of)
    layers = Layers.of(program, levels, program.operands_of, ())
    assert layers.reads(program, 1) == [[[2, sigmoid[0], 3, exp[0]], [2, sigmoid[1], 3, exp[1]]]]
    assert layers.last[[0, 1, 2, 3, sigmoid[0], exp[1], first, second]].tolist() == [0, 0, 1, 1, 1, 1, 2, 2]


@pytest.mark.parametrize(
    ("index", "width"),
    [([1, 0], 2), ([0, 0, 1, 1], 2), ([2, 0, 2, 0], 3), ([0, 1, 0], 2), ([-1, 0, -1, 0], 1), ([0] * 9, 1), ([-1], 2)],
)
def test_a_scatter_adds_each_column(index: list[int], width: int) -> None:
    x = np.random.default_rng(3).normal(size=(2, len(index)))
    expected = np.zeros((2, width))
    for k, column in enumerate(index):
        if column >= 0:
            expected[:, column] += x[:, k]
    np.testing.assert_allclose(Scatter(np.array(index), width)(x), expected, rtol=0, atol=1e-15)
