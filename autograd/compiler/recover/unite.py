"""Unite arrays whose elements are read in place of one another, where that saves operations.

Rows whose lengths differ too much for one padded table become several operations. If their results stayed separate
arrays, whatever reads both would become several operations, too, and in the next layer of a graph network, there would
be an operation each for nodes whose neighbours lie in one array, in the other, and in both. So the results are
concatenated if rows of different lengths alternate; and so are other arrays if there are more kinds of such nodes than
arrays.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Hashable, Sequence

from autograd.arrays import np
from autograd.compiler import cost
from autograd.compiler.arrays.operations import PADDING
from autograd.compiler.recover.components import components
from autograd.compiler.recover.groups import PARAMETERS, Group, Places, Reduction, SumOfProducts
from autograd.compiler.recover.index import Positions, distinct
from autograd.compiler.recover.sums.blocks import Matrix, Rows
from autograd.compiler.recover.sums.terms import Terms
from autograd.compiler.scalars.first_weights import share_weights
from autograd.compiler.scalars.nodes import ABSENT, is_nothing


def results_to_unite(groups: Sequence[Group], places: Places) -> list[Positions]:
    """Return the nodes to concatenate, group by group, for each array that pays.

    Args:
        groups: the groups of nodes of one level.
    """
    kinds: dict[Hashable, list[Group]] = {}
    for group in groups:
        kind = _kind(group)
        if kind is not None:
            kinds.setdefault(kind, []).append(group)
    return [
        np.array([i for group in alike for i in group.members])
        for alike in kinds.values()
        if len(alike) > 1
        and (cost.alternate(_runs(alike)) or share_weights(places.first_weights(), [group.members for group in alike]))
    ]


def _kind(group: Group) -> Hashable:
    """Return the arrays whose elements a group adds or reduces, and the first weights of its sums; None for others."""
    if isinstance(group, Reduction):
        return group.primitive, group.view.source
    if not isinstance(group, SumOfProducts) or PADDING in group.members:
        return None
    sources = frozenset([tuple([view.source for view in block.factors]) for block in group.blocks])
    matrices = [block.weights for block in group.blocks if isinstance(block, Matrix) and block.weights is not None]
    return group.leads, sources, frozenset(matrices[0].positions[:, 0].tolist() if matrices else ())


def copied(groups: Sequence[Group]) -> dict[int, tuple[int, int]]:
    """Return the nodes that are copies of elements, each with the source and the position of its element."""
    copies: dict[int, tuple[int, int]] = {}
    for group in groups:
        if isinstance(group, SumOfProducts) and len(group.blocks) == 1 and _only_adds(group):
            (block,) = group.blocks
            if isinstance(block, Rows) and block.right is None and block.left.positions.shape[1] == 1:
                elements = zip(group.members, block.left.positions.reshape(-1).tolist())
                copies.update({i: (block.left.source, at) for i, at in elements})
    return copies


def _only_adds(group: SumOfProducts) -> bool:
    """Return whether a group adds its terms, without coefficients or scaling."""
    numbers = (*[block.coefficients for block in group.blocks], group.factor, group.divisor)
    is_plain = all(isinstance(number, float) and number == 1.0 for number in numbers)
    return is_plain and isinstance(group.constant, float) and is_nothing(group.constant)


def _runs(groups: Sequence[Group]) -> int:
    """Return the number of runs of nodes of one group, in the graph's order."""
    nodes = np.array([i for group in groups for i in group.members])
    number = np.repeat(np.arange(len(groups)), [len(group.members) for group in groups])[np.argsort(nodes)]
    return 1 + int(np.count_nonzero(np.diff(number)))


def summands_to_unite(terms: Terms, places: Places) -> list[list[int]]:
    """Return the arrays to concatenate because many sums add elements of several of them, in any combination.

    Args:
        terms: the terms of the sums, in order.
    """
    if not len(terms.row):
        return []
    number = terms.row * (1 + int(terms.slot.max())) + terms.slot
    single, left, right = terms.right == ABSENT, places.source[terms.left], places.source_of(terms.right)
    weighted = (left == PARAMETERS) | (right == PARAMETERS)
    return [
        sources
        for chosen, source in ((single, left), (~single & ~weighted, left), (~single & ~weighted, right))
        for sources in elements_to_unite(number[chosen], source[chosen])
    ]


def elements_to_unite(number: Positions, source: Positions) -> list[list[int]]:
    """Return the arrays to concatenate because many rows contain elements of several of them, in any combination.

    Args:
        number: the number of each element's row, ascending.
        source: the source of each element.

    >>> elements_to_unite(np.arange(12) // 2, np.array([3, 4, 3, 3, 4, 4, 3, 3, 4, 3, 4, 4]))
    [[3, 4]]
    >>> elements_to_unite(np.arange(12) // 2, np.array([3, 4, 3, 4, 3, 4, 3, 4, 3, 4, 3, 4]))
    []
    """
    chosen = source > PARAMETERS
    number, source = number[chosen], source[chosen]
    if not ((number[1:] == number[:-1]) & (source[1:] != source[:-1])).any():
        return []
    numbers = distinct(number)
    row = np.searchsorted(numbers, number)
    rows: list[list[int]] = [[] for _ in numbers]
    for r, s in zip(row.tolist(), source.tolist()):
        rows[r].append(s)
    component = components(row, source, len(rows)).tolist()
    united = []
    for k in dict.fromkeys(component):
        structures = [tuple(sorted(of)) for of, c in zip(rows, component) if c == k]
        sources = sorted({s for of in structures for s in of})
        runs = 1 + sum([a != b for a, b in itertools.pairwise(structures)])
        if len(Counter(structures)) > len(sources) > 1 and cost.alternate(runs):
            united.append(sources)
    return united
