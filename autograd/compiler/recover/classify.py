"""Classify the nodes of one level: nodes that do equal work on the same arrays form one group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autograd import primitives
from autograd.arrays import NDArray, np
from autograd.compiler import cost
from autograd.compiler.arrays.operations import PADDING
from autograd.compiler.recover.groups import CONSTANT, Application, Places, Reduction, SumOfProducts
from autograd.compiler.recover.index import Positions, distinct
from autograd.compiler.recover.padding import by_similar_length, columns_of_rows, table
from autograd.compiler.recover.sums.blocks import Block, Matrix, Numbers, Rows, View
from autograd.compiler.recover.sums.contractions import Contraction, contractions
from autograd.compiler.recover.sums.terms import Parts, Scaling, Terms, uniform
from autograd.compiler.scalars.first_weights import share_weights
from autograd.compiler.scalars.nodes import ABSENT
from autograd.primitives import Primitive


def applications(
    nodes: Sequence[int],
    primitive_of: Sequence[Primitive | None],
    operands: Mapping[int, tuple[int, ...]],
    places: Places,
) -> list[Application | Reduction]:
    """Group applications by their primitive and the arrays that their operands come from.

    Args:
        nodes: the nodes of one level.
        primitive_of: the primitive of each node of the program.
        operands: the operands of these nodes.
    """
    classes: dict[tuple[Primitive | None, tuple[int, ...], tuple[float, ...]], list[int]] = {}
    exponents_are_data = _has_many_exponents(nodes, primitive_of, operands, places)
    for i in nodes:
        primitive = primitive_of[i]
        sources = tuple([int(places.source[k]) for k in operands[i]])
        numbers: tuple[float, ...] = ()
        if primitive is primitives.constant_power and not exponents_are_data:  # few exponents are printed as x ** 2
            numbers = (float(places.number[operands[i][1]]),)
        elif primitive is not None and primitive.reduces and len(set(sources)) == 1:  # rows of any length
            sources = sources[:1]
        classes.setdefault((primitive, sources, numbers), []).append(i)
    groups: list[Application | Reduction] = []
    for (primitive, sources, _), members in classes.items():
        batched = any(s != CONSTANT and places.batched[s] for s in sources)
        if primitive is not None and primitive.reduces and len(sources) == 1 and sources != (CONSTANT,):
            for some, view in _tables(members, operands, *sources, places):
                groups.append(Reduction(len(places.widths) + len(groups), tuple(some), batched, primitive, view))
            continue
        index = np.array([operands[i] for i in members])
        views = tuple([_operand(index[:, k], source, places) for k, source in enumerate(sources)])
        groups.append(Application(len(places.widths) + len(groups), tuple(members), batched, primitive, views))
    return groups


def _has_many_exponents(
    nodes: Sequence[int],
    primitive_of: Sequence[Primitive | None],
    operands: Mapping[int, tuple[int, ...]],
    places: Places,
) -> bool:
    """Return whether powers have enough constant exponents to become data, and all have the slope n xⁿ⁻¹."""
    powers = [i for i in nodes if primitive_of[i] is primitives.constant_power]
    exponents = {float(places.number[operands[i][1]]) for i in powers}
    return cost.worth_exponents(len(exponents)) and all(n and n - 1 + 1 == n for n in exponents)


def _tables(
    members: list[int], operands: Mapping[int, tuple[int, ...]], source: int, places: Places
) -> list[tuple[list[int], View]]:
    """Return the elements that members reduce as one table, padded where rows are shorter, or a few tables.

    Each of these has rows of similar lengths, or of one length if rows of equal length are adjacent.
    """
    lengths = np.array([len(operands[i]) for i in members])
    row = np.repeat(np.arange(len(members)), lengths)
    positions = places.position[np.array([k for i in members for k in operands[i]])]
    positions = positions[np.lexsort((positions, row))]
    column = columns_of_rows(row, [positions], len(members), [places.widths[source]])
    if column is not None:
        return [(members, View(source, table(row, column, positions, len(members), PADDING)))]
    tables = []
    similar = by_similar_length(lengths, _share_weights(members, lengths, places))
    for number in dict.fromkeys(similar.tolist()):
        chosen = similar == number
        some, of_some, own = np.flatnonzero(chosen), positions[chosen[row]], lengths[chosen]
        own_row = np.repeat(np.arange(len(some)), own)
        column = columns_of_rows(own_row, [of_some], len(some), [places.widths[source]], gathers=True)
        assert column is not None
        tables.append(
            (
                [members[n] for n in some.tolist()],
                View(source, table(own_row, column, of_some, len(some), PADDING)),
            )
        )
    return tables


def _share_weights(members: Sequence[int], lengths: Positions, places: Places) -> bool:
    """Return whether the same weights multiply members of each length."""
    nodes = np.array(members)
    return share_weights(places.first_weights(), [nodes[lengths == length].tolist() for length in distinct(lengths)])


def _operand(nodes: Positions, source: int, places: Places) -> View | float | Numbers:
    if source != CONSTANT:
        return View(source, places.position[nodes])
    numbers: Numbers = places.number[nodes]
    return uniform(numbers)


def sums_of_products(nodes: Sequence[int], terms: Terms, scaling: Scaling, places: Places) -> list[SumOfProducts]:
    """Group sums of products by the pairs of arrays that their factors come from.

    Args:
        nodes: the nodes of one level.
        terms: their terms, one row per node.
    """
    terms = oriented(terms, places)
    rest = np.ones(len(nodes), dtype=bool)
    sums: list[Contraction] = []
    of_two = _of_two_alike(terms, scaling, places)
    if of_two.any():  # among longer rows, a sum of two numbers is a reduction, too
        merged = _sorted(terms._replace(slot=np.where(of_two[terms.row], 0, terms.slot)), places)
        for rows in _same_structure(merged, scaling.leads.tolist(), places):
            some = of_two[rows].any() and not of_two[rows].all()
            together = _contracted(rows, nodes, merged, scaling, places) if some else []
            if _are_tables(together):
                sums += together
                rest[rows] = False
    others = np.flatnonzero(rest)
    terms, scaling = _sorted(terms.of_rows(others, len(nodes)), places), scaling.taken(others)
    nodes = [nodes[r] for r in others.tolist()]
    for rows in _same_structure(terms, scaling.leads.tolist(), places):
        sums += _contracted(rows, nodes, terms, scaling, places)
    return [_group(len(places.widths) + n, one, places) for n, one in enumerate(sums)]


def _contracted(
    rows: list[int], nodes: Sequence[int], terms: Terms, scaling: Scaling, places: Places
) -> list[Contraction]:
    """Return the contractions of rows with the same structure."""
    chosen = np.array(rows)
    parts = _by_pair(terms.of_rows(chosen, len(nodes)), places)
    return contractions([nodes[r] for r in rows], parts, scaling.taken(chosen), places)


def _group(source: int, sums: Contraction, places: Places) -> SumOfProducts:
    members, blocks, scaling = sums
    group = SumOfProducts(
        source,
        tuple(members),
        any(places.batched[view.source] for _, block in blocks for view in block.factors),
        blocks=tuple([block for _, block in blocks]),
        slots=tuple([slot for slot, _ in blocks]),
    )
    return scaling.applied(group)


def _of_two_alike(terms: Terms, scaling: Scaling, places: Places) -> NDArray[np.bool_]:
    """Return which rows consist of two terms, in two slots, that read the same arrays."""
    counts = np.bincount(terms.row, minlength=len(scaling.constant))
    of_two = (counts == 2) & (scaling.constant == 0.0) & np.signbit(scaling.constant)
    last = np.flatnonzero(of_two[terms.row])[1::2]
    pair, slot = _pairs(terms, places), terms.slot
    of_two[of_two] = (pair[last] == pair[last - 1]) & (slot[last] != slot[last - 1])
    alike: NDArray[np.bool_] = of_two
    return alike


def _are_tables(sums: Sequence[Contraction]) -> bool:
    """Return whether sums became matrix products or padded rows, and round sums of two as the graph does."""
    blocks = [block for one in sums for block in one.blocks]
    return any(map(_is_table, blocks)) and (len(sums) == 1 or all(isinstance(block, Rows) for _, block in blocks))


def _is_table(block: tuple[int, Block]) -> bool:
    """Return whether a block is a matrix product or padded rows, and rounds sums of two as the graph does.

    A product with a constant matrix does if its elements are 0 and ±1.
    """
    match block[1]:
        case Rows(left=left):
            return bool((left.positions == PADDING).any())
        case Matrix(coefficients=coefficients, weights=None):
            return bool((np.abs(coefficients) == (np.asarray(coefficients) != 0)).all())
    return True


def _pairs(terms: Terms, places: Places) -> Positions:
    """Return a number for each term that encodes its two sources."""
    pairs: Positions = places.source[terms.left] * (len(places.widths) + 1) + places.source_of(terms.right)
    return pairs


def _sorted(terms: Terms, places: Places) -> Terms:
    """Sort the terms of each row by slot, pair of sources and right factor."""
    keys = (places.place_of(terms.left), places.place_of(terms.right), _pairs(terms, places), terms.slot, terms.row)
    return terms.reordered(np.lexsort(keys))


def oriented(terms: Terms, places: Places) -> Terms:
    """Swap factors so that one that does not depend on the arguments is on the left."""
    batched = np.array([*places.batched, True])  # an absent factor, at -1, stays on the right
    a, b = places.source[terms.left], places.source_of(terms.right)
    swap = (b != ABSENT) & np.where(batched[a] == batched[b], a > b, batched[a])
    swap &= np.abs(terms.coefficients) == 1.0  # c x y means (c x) y
    return terms._replace(left=np.where(swap, terms.right, terms.left), right=np.where(swap, terms.left, terms.right))


def _same_structure(terms: Terms, leads: list[bool], places: Places) -> list[list[int]]:
    """Group rows whose terms come from the same pairs of sources, in any number.

    Weights with different labels, such as those of queries, keys and values, stay separate to keep the source readable.

    Args:
        terms: sorted.
        leads: whether each row's constant comes first.
    """
    pair = _pairs(terms, places)
    changes = (np.diff(terms.row) != 0) | (np.diff(pair) != 0) | (np.diff(terms.slot) != 0)
    starts = np.flatnonzero(np.r_[True, changes])[: len(pair)]
    structure: list[list[tuple[int, ...]]] = [[(int(first),)] for first in leads]
    for start in starts.tolist():
        key: tuple[int, ...] = int(pair[start]), int(terms.slot[start])
        if terms.right[start] != ABSENT:
            key = *key, places.family.get(int(terms.left[start]), 0)
        structure[int(terms.row[start])].append(key)
    classes: dict[tuple[tuple[int, ...], ...], list[int]] = {}
    for row, of_row in enumerate(structure):
        classes.setdefault(tuple(of_row), []).append(row)
    return list(classes.values())


def _by_pair(terms: Terms, places: Places) -> Parts:
    """Return the terms of each slot and pair of sources, with positions in place of nodes."""
    a, b = places.source[terms.left], places.source_of(terms.right)
    parts = {}
    order = np.argsort(terms.nth)
    for slot, left, right in dict.fromkeys(zip(*(part[order].tolist() for part in (terms.slot, a, b)))):
        chosen = terms.reordered(np.flatnonzero((terms.slot == slot) & (a == left) & (b == right)))
        in_place = chosen._replace(left=places.place_of(chosen.left), right=places.place_of(chosen.right))
        parts[slot, left, right] = in_place
    return parts
