"""Running sums as groups: which chains there are, what they add, and which of them are rows of one table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autograd.compiler.arrays.operations import PADDING
from autograd.compiler.recover.groups import Places
from autograd.compiler.recover.sums.blocks import View
from autograd.compiler.recover.sums.running import Chain, chains_of, grouped, running_sum
from autograd.compiler.scalars.builder import Builder
from autograd.compiler.scalars.nodes import ABSENT, Sum
from autograd.compiler.scalars.program import ScalarProgram


def running(
    terms: Sequence[tuple[float, int, int]], first: Sequence[tuple[float, int, int]], is_left: bool = True
) -> tuple[ScalarProgram, list[int]]:
    """Return the program of a first sum and of partial sums that add a term each, and the partial sums."""
    builder = Builder([9], 0)
    coefficients, lefts, rights = (list(column) for column in zip(*first))
    parts = [builder.sum(Sum(coefficients, lefts, rights, list(range(len(first)))))]
    for term in terms:
        both = [(1.0, parts[-1], ABSENT), term] if is_left else [term, (1.0, parts[-1], ABSENT)]
        coefficients, lefts, rights = (list(column) for column in zip(*both))
        parts.append(builder.sum(Sum(coefficients, lefts, rights, [0, 1])))
    return builder.program(parts).verify(), parts


def nodes(*numbers: int) -> list[tuple[float, int, int]]:
    return [(1.0, i, ABSENT) for i in numbers]


def test_the_parts_of_a_chain_and_what_they_add() -> None:
    for is_left in (True, False):
        program, parts = running(nodes(3, 8, 2, 5), nodes(7, 4), is_left)
        assert chains_of(program) == [Chain([7, 4, 3, 8, 2, 5], parts)]
        program, parts = running(nodes(3, 8, 2), nodes(7), is_left)
        assert chains_of(program) == [Chain([7, 3, 8, 2], parts)]


def test_chains_add_nodes_that_are_neither_scaled_nor_multiplied() -> None:
    for at in range(4):
        for other in ((2.0, 6, ABSENT), (-1.0, 6, ABSENT), (1.0, 6, 1)):
            terms = nodes(3, 8, 2, 5)
            terms[at] = other
            assert chains_of(running(terms, nodes(7, 4))[0]) == []
    assert chains_of(running(nodes(3, 8, 2, 5), [(1.0, 7, ABSENT), (2.0, 4, ABSENT)])[0]) == []
    assert chains_of(running(nodes(3, 8, 2, 5), [(1.0, 7, 6), (1.0, 4, ABSENT)])[0]) == []


def test_chains_of_one_length_over_the_same_arrays_are_rows_of_a_table() -> None:
    source = np.array([1] * 10 + [2] * 10)
    places = Places(source, np.arange(20) % 10, np.zeros(20), [0, 10, 10], [False, True, True], 20)
    chains = [Chain([0, 1, 2], [30, 31]), Chain([3, 4, 5], [32, 33]), Chain([3, 4, 15], [34, 35])]
    chains += [Chain([3, 4, 5], [36, 37, 38]), Chain([6, 7, 15], [39, 40])]
    assert grouped(chains, places) == [chains[:2], [chains[2], chains[4]], [chains[3]]]


def test_the_first_node_of_a_chain_may_not_be_a_partial_sum() -> None:
    view = View(1, np.arange(6).reshape(2, 3))
    group = running_sum([Chain([0, 1, 2], [30, 31]), Chain([3, 4, 5], [32, 33])], view, 7, True)
    assert (group.source, group.members, group.batched) == (7, (PADDING, 30, 31, PADDING, 32, 33), True)
    assert group.view is view
    every = running_sum([Chain([0, 1, 2], [30, 31, 32])], view[:1], 7, False)
    assert (every.members, every.batched) == ((30, 31, 32), False)
