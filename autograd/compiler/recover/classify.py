"""Classify the nodes of one level: those that do equal work on the same arrays become one group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autograd import primitives
from autograd.arrays import np
from autograd.compiler import cost
from autograd.compiler.arrays.operations import PADDING
from autograd.compiler.recover.contractions import contractions
from autograd.compiler.recover.groups import CONSTANT, Application, Numbers, Places, Reduction, SumOfProducts, View
from autograd.compiler.recover.index import Positions
from autograd.compiler.recover.padding import columns_of_rows, table
from autograd.compiler.recover.terms import Parts, Scaling, Terms
from autograd.compiler.scalars.nodes import ABSENT
from autograd.primitives import Primitive


def applications(
    nodes: Sequence[int],
    made_by: Sequence[Primitive | None],
    operands: Mapping[int, tuple[int, ...]],
    places: Places,
) -> list[Application | Reduction]:
    """Group applications by their primitive and the arrays that their operands come from.

    Args:
        nodes: those of one level.
        made_by: the primitive of each node of the program.
        operands: of these nodes.
    """
    classes: dict[tuple[Primitive | None, tuple[int, ...], tuple[float, ...]], list[int]] = {}
    exponents_are_data = _has_many_exponents(nodes, made_by, operands, places)
    for i in nodes:
        primitive = made_by[i]
        sources = tuple([int(places.source[k]) for k in operands[i]])
        numbers: tuple[float, ...] = ()
        if primitive is primitives.constant_power and not exponents_are_data:  # few are written as x ** 2
            numbers = (float(places.number[operands[i][1]]),)
        elif primitive is not None and primitive.reduces and len(set(sources)) == 1:  # of any number of elements
            sources = sources[:1]
        classes.setdefault((primitive, sources, numbers), []).append(i)
    groups: list[Application | Reduction] = []
    for (primitive, sources, _), members in classes.items():
        batched = any(s != CONSTANT and places.batched[s] for s in sources)
        if primitive is not None and primitive.reduces and len(sources) == 1 and sources[0] != CONSTANT:
            for some, view in _tables(members, operands, sources[0], places):
                what = len(places.widths) + len(groups), tuple(some), batched, primitive
                groups.append(Reduction(*what, view))
        else:
            index = np.array([operands[i] for i in members])
            views = [_operand(index[:, k], source, places) for k, source in enumerate(sources)]
            what = len(places.widths) + len(groups), tuple(members), batched, primitive
            groups.append(Application(*what, tuple(views)))
    return groups


def _has_many_exponents(
    nodes: Sequence[int],
    made_by: Sequence[Primitive | None],
    operands: Mapping[int, tuple[int, ...]],
    places: Places,
) -> bool:
    """Return whether powers have so many constant exponents that these are data, and each has a slope n xⁿ⁻¹."""
    powers = [i for i in nodes if made_by[i] is primitives.constant_power]
    exponents = {float(places.number[operands[i][1]]) for i in powers}
    return cost.worth_exponents(len(exponents)) and all(n and n - 1 + 1 == n for n in exponents)


def _tables(
    members: list[int], operands: Mapping[int, tuple[int, ...]], source: int, places: Places
) -> list[tuple[list[int], View]]:
    """Return what members reduce as one table, with padding where they reduce fewer elements; or one for each length."""
    lengths = np.array([len(operands[i]) for i in members])
    row = np.repeat(np.arange(len(members)), lengths)
    positions = places.position[np.array([k for i in members for k in operands[i]])]
    positions = positions[np.lexsort((positions, row))]
    column = columns_of_rows(row, [positions], len(members), [places.widths[source]])
    if column is not None:
        return [(members, View(source, table(row, column, positions, len(members), PADDING)))]
    tables = []
    for length in dict.fromkeys(lengths.tolist()):
        of_length = lengths == length
        some = [members[n] for n in np.flatnonzero(of_length).tolist()]
        tables.append((some, View(source, positions[of_length[row]].reshape(len(some), length))))
    return tables


def _operand(nodes: Positions, source: int, places: Places) -> View | float | Numbers:
    if source != CONSTANT:
        return View(source, places.position[nodes])
    numbers: Numbers = places.number[nodes]
    return float(numbers[0]) if (numbers == numbers[0]).all() else numbers


def sums_of_products(nodes: Sequence[int], terms: Terms, scaling: Scaling, places: Places) -> list[SumOfProducts]:
    """Group sums of products by the pairs of arrays that their factors come from.

    Args:
        nodes: those of one level.
        terms: of these nodes, a row for each.
    """
    terms = oriented(terms, places)
    pair = (places.source[terms.left] + 1) * (len(places.widths) + 1) + places.source_of(terms.right) + 1
    order = np.lexsort((places.place_of(terms.left), places.place_of(terms.right), pair, terms.slot, terms.row))
    terms = terms.reordered(order)
    groups: list[SumOfProducts] = []
    for rows in _same_structure(terms, pair[order], scaling.leads.tolist(), places):
        chosen = np.array(rows)
        parts = _by_pair(terms.of_rows(chosen, len(nodes)), places)
        for members, blocks, of_members in contractions([nodes[r] for r in rows], parts, scaling.taken(chosen), places):
            group = SumOfProducts(
                len(places.widths) + len(groups),
                tuple(members),
                any(places.batched[view.source] for _, block in blocks for view in block.factors),
                blocks=tuple([block for _, block in blocks]),
                slots=tuple([slot for slot, _ in blocks]),
            )
            groups.append(of_members.applied(group))
    return groups


def oriented(terms: Terms, places: Places) -> Terms:
    """The same terms, the factor that does not depend on the arguments to the left, where there is one."""
    batched = np.array([*places.batched, True])  # an absent factor, at -1, stays to the right
    a, b = places.source[terms.left], places.source_of(terms.right)
    swap = (b != ABSENT) & np.where(batched[a] == batched[b], a > b, batched[a])
    swap &= np.abs(terms.coefficients) == 1.0  # in (c x) y, x is multiplied by c
    return terms._replace(left=np.where(swap, terms.right, terms.left), right=np.where(swap, terms.left, terms.right))


def _same_structure(terms: Terms, pair: Positions, leads: list[bool], places: Places) -> list[list[int]]:
    """Rows that take their terms from the same pairs of sources; they may differ in how many.

    Weights with labels of their own, such as those of queries, keys and values, stay apart, so that a reader finds them.

    Args:
        pair: the two sources of each term as one number.
        leads: of each row whether its constant comes first.
    """
    changes = (np.diff(terms.row) != 0) | (np.diff(pair) != 0) | (np.diff(terms.slot) != 0)
    starts = np.flatnonzero(np.r_[True, changes])[: len(pair)]
    structure: list[list[tuple[int, ...]]] = [[(int(first),)] for first in leads]
    family = np.where(terms.right == ABSENT, 0, places.family[terms.left])  # of weights
    for start in starts.tolist():
        key = int(pair[start]), int(terms.slot[start]), int(family[start])
        structure[int(terms.row[start])].append(key)
    classes: dict[tuple[tuple[int, ...], ...], list[int]] = {}
    for row, of_row in enumerate(structure):
        classes.setdefault(tuple(of_row), []).append(row)
    return list(classes.values())


def _by_pair(terms: Terms, places: Places) -> Parts:
    """The terms of each slot and pair of sources, in positions instead of nodes."""
    a, b = places.source[terms.left], places.source_of(terms.right)
    parts = {}
    order = np.argsort(terms.nth)
    for slot, left, right in dict.fromkeys(zip(*(part[order].tolist() for part in (terms.slot, a, b)))):
        chosen = terms.reordered(np.flatnonzero((terms.slot == slot) & (a == left) & (b == right)))
        in_place = chosen._replace(left=places.place_of(chosen.left), right=places.place_of(chosen.right))
        parts[slot, left, right] = in_place
    return parts
