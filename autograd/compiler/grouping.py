"""Stage 3, group: scalar nodes that do the same become one operation on arrays.

Nodes go together that lie at the same depth of the simplified program, apply the same primitive, and take their
operands from the same arrays; sums of products are then parted so that each part is one matrix product
(`products.py`), and each array is ordered as suits those who read it (`ordering.py`). Because chains of additions are
one sum by now, the depth of a node does not tell how many terms it has, so that the edges of a padded convolution lie
as deep as its middle.
"""

from __future__ import annotations

from collections.abc import Iterable

from autograd import primitives
from autograd.arrays import np
from autograd.compiler.data import lift_data
from autograd.compiler.joining import Joining
from autograd.compiler.levels import levels, split_projections
from autograd.compiler.ordering import Ordering, reordered_block
from autograd.compiler.products import (
    NONE,
    Group,
    Index,
    Matrix,
    Numbers,
    Parts,
    Rows,
    Scaling,
    Terms,
    View,
    as_matrix,
    as_rows,
    by_length,
    constant_matrix,
    shared,
    weights_index,
)
from autograd.compiler.simplify import Scalars
from autograd.compiler.stencils import apart
from autograd.compiler.sums import NOTHING, Sum
from autograd.compiler.targets.kernels import REDUCTIONS
from autograd.primitives import Primitive


class Grouping:
    """All groups of a program, in an order in which they can be computed, and where each node is found.

    Attributes:
        groups: the operations.
        masks: how many of them, the last ones, compute masks for backward passes.
        source, position: for each node, the array it is in, and its place there.
        widths: the length of each array.
        batched: whether each array has a row for each sample.
        data: the numbers of those arrays that are constants.
    """

    def __init__(self, scalars: Scalars, captured: list[int]) -> None:
        scalars, data = lift_data(scalars, set(captured))
        self.scalars = scalars
        split_projections(scalars, set(captured))
        size = self._size = scalars.size
        self.source = np.full(size, NONE)
        self.position = np.zeros(size, dtype=np.int64)
        self.number = np.zeros(size)
        self.groups: list[Group] = []
        self.widths: list[int] = []
        self.batched: list[bool] = []
        for i, number in scalars.constants.items():
            self.number[i] = number
        self._new_source(captured, False)
        for indices in scalars.trace.arguments:
            self._new_source(indices, True)
        self.data = {self._new_source(nodes, False): self.number[nodes] for nodes in data}
        self._joining = Joining(self)
        self._group_levels(scalars)
        self.masks = -len(self.groups)
        self._group_levels(scalars._replace(order=scalars.masks.order))
        self.masks += len(self.groups)
        Ordering(self, scalars.outputs)

    def _group_levels(self, scalars: Scalars) -> None:
        for nodes in levels(scalars):
            self._group_sums([i for i in nodes if i in scalars.sums])
            self._group_applications([i for i in nodes if i not in scalars.sums])

    def _new_source(self, nodes: list[int], batched: bool) -> int:
        """A number for an array of these nodes; -1 among them is the place of a number that is not used."""
        number = len(self.widths)
        indices = np.array(nodes, dtype=np.int64)
        used = indices >= 0
        self.source[indices[used]] = number
        self.position[indices[used]] = np.flatnonzero(used)
        self.widths.append(len(nodes))
        self.batched.append(batched)
        return number

    def _add(
        self,
        members: list[int],
        batched: bool,
        primitive: Primitive | None,
        operands: tuple[View | float | Numbers, ...],
        blocks: tuple[Rows | Matrix, ...] = (),
        constant: float | Numbers = NOTHING,
    ) -> None:
        source = self._new_source(members, batched)
        self.groups.append(Group(source, members, batched, primitive, operands, blocks, constant))

    def join(self, pieces: list[View], width: int) -> int:
        """Put pieces side by side in an array of this width; gives the first of the nodes that stand for its places."""
        first, self._size = self._size, self._size + width
        if self._size > len(self.source):
            more = np.zeros(max(width, first))
            self.source = np.append(self.source, np.full(len(more), NONE))
            self.position = np.append(self.position, more.astype(np.int64))
            self.number = np.append(self.number, more)
        members = list(range(first, self._size))
        batched = any(self.batched[view.source] for view in pieces)
        source = self._new_source(members, batched)
        self.groups.append(Group(source, members, batched, None, (), (), NOTHING, tuple(pieces)))
        return first

    def _group_applications(self, nodes: list[int]) -> None:
        """Nodes of one primitive whose operands come from the same arrays, one array for each operand."""
        found: dict[tuple[Primitive | None, tuple[int, ...], tuple[float, ...]], list[int]] = {}
        operands = self._joining.operands(nodes, self.scalars.operands)
        for i in nodes:
            sources = tuple([int(self.source[k]) for k in operands[i]])
            primitive = self.scalars.trace.primitives[i]
            numbers: tuple[float, ...] = ()
            if primitive is primitives.constant_power:  # whose derivative asks what the exponent is
                numbers = tuple([float(self.number[k]) for k, s in zip(operands[i], sources) if s == NONE])
            found.setdefault((primitive, sources, numbers), []).append(i)
        for (primitive, sources, _), members in found.items():
            index = np.array([operands[i] for i in members])
            batched = any(s != NONE and self.batched[s] for s in sources)
            views: list[View | float | Numbers]
            if primitive in REDUCTIONS and len(set(sources)) == 1:
                views = [View(sources[0], np.sort(self.position[index], axis=1))]
            else:
                views = [self._operand(index[:, k], source) for k, source in enumerate(sources)]
            self._add(members, batched, primitive, tuple(views))

    def _operand(self, nodes: Index, source: int) -> View | float | Numbers:
        if source != NONE:
            return View(source, self.position[nodes])
        numbers = self.number[nodes]
        return float(numbers[0]) if (numbers == numbers[0]).all() else numbers

    # Sums of products

    def _group_sums(self, nodes: list[int]) -> None:
        if not nodes:
            return
        sums = self._joining.sums([self.scalars.sums[i] for i in nodes])
        terms = self._oriented(sums)
        pair = (self.source[terms.left] + 1) * (len(self.widths) + 1) + self._source_or_none(terms.right) + 1
        order = np.lexsort((self._place(terms.left), self._place(terms.right), pair, terms.slot, terms.row))
        terms = terms.reordered(order)
        for rows in self._same_structure(terms, pair[order], [found.leads for found in sums]):
            parts = self._by_pair(terms.of_rows(np.array(rows), len(nodes)))
            self._arrange([nodes[r] for r in rows], parts, Scaling.of([sums[r] for r in rows]))

    def _oriented(self, sums: list[Sum]) -> Terms:
        """All terms, the factor that does not depend on the arguments to the left, where there is one such."""
        lengths = [len(found.lefts) for found in sums]
        left = np.array([k for found in sums for k in found.lefts], dtype=np.int64)
        right = np.array([k for found in sums for k in found.rights], dtype=np.int64)
        coefficients = np.array([c for found in sums for c in found.coefficients])
        slot = np.array([k for found in sums for k in found.slots], dtype=np.int64)
        batched = np.array([*self.batched, True])  # a factor that is lacking, at -1, stays to the right
        a, b = self.source[left], self._source_or_none(right)
        swap = (b != NONE) & np.where(batched[a] == batched[b], a > b, batched[a])
        swap &= np.abs(coefficients) == 1.0  # in (c x) y, x is multiplied by c
        left, right = np.where(swap, right, left), np.where(swap, left, right)
        row = np.repeat(np.arange(len(sums)), lengths)
        return Terms(row, left, right, coefficients, slot, np.arange(len(row)))

    def _source_or_none(self, nodes: Index) -> Index:
        return np.where(nodes < 0, NONE, self.source[nodes])

    def _place(self, nodes: Index) -> Index:
        return np.where(nodes < 0, 0, self.position[nodes])

    def _is_weighted(self, left: int, right: int) -> bool:
        """Whether products of these sources have a factor that is the same for all samples, and another."""
        return right != NONE and not self.batched[left]

    def _same_structure(self, terms: Terms, pair: Index, leads: list[bool]) -> Iterable[list[int]]:
        """Rows that take their terms from the same pairs of sources; weighted sums may differ in how many terms."""
        changes = (np.diff(terms.row) != 0) | (np.diff(pair) != 0) | (np.diff(terms.slot) != 0)
        starts = np.flatnonzero(np.r_[True, changes])[: len(pair)]
        lengths = np.diff(np.r_[starts, len(pair)]).tolist()
        structure: list[list[tuple[int, ...]]] = [[(int(first),)] for first in leads]
        for start, length in zip(starts.tolist(), lengths):
            left, right = divmod(int(pair[start]), len(self.widths) + 1)
            slot = int(terms.slot[start])
            weighted = self._is_weighted(left - 1, right - 1)
            structure[int(terms.row[start])].append((int(pair[start]), slot, 0 if weighted else length))
        found: dict[tuple[tuple[int, ...], ...], list[int]] = {}
        for row, key in enumerate(structure):
            found.setdefault(tuple(key), []).append(row)
        return found.values()

    def _by_pair(self, terms: Terms) -> Parts:
        """The terms of each slot and pair of sources, in positions instead of nodes."""
        a, b = self.source[terms.left], self._source_or_none(terms.right)
        found = {}
        order = np.argsort(terms.nth)
        for slot, left, right in dict.fromkeys(zip(*(part[order].tolist() for part in (terms.slot, a, b)))):
            chosen = terms.reordered(np.flatnonzero((terms.slot == slot) & (a == left) & (b == right)))
            found[slot, left, right] = chosen._replace(left=self._place(chosen.left), right=self._place(chosen.right))
        return found

    def _arrange(self, members: list[int], parts: Parts, scaling: Scaling) -> None:
        """Make one group of members with the same structure; or several, where that makes dense products of them."""
        rows = len(members)
        blocks: list[Rows | Matrix | None] = []
        for (_, left, right), terms in parts.items():
            block: Rows | Matrix | None = None
            if self._is_weighted(left, right) and (self.batched[right] or rows > 1) and len(terms.row) > 1:
                block = as_matrix(terms, rows, left, right)
            else:
                found = as_rows(terms, rows, left, None if right == NONE else right)
                block = None if found is None else constant_matrix(found)
            blocks.append(block)
        if None in blocks:
            buckets = self._buckets(parts, rows)
            if buckets is not None:
                return self._arrange_apart(buckets, members, parts, scaling)
            for i, ((_, left, right), terms) in enumerate(parts.items()):
                if blocks[i] is None:
                    blocks[i] = shared(terms, rows, left, right) or as_rows(terms, rows, left, right)
        if None in blocks:
            return self._arrange_apart(by_length(parts, rows), members, parts, scaling)
        return self._finish(members, blocks, scaling, parts)  # type: ignore[arg-type]

    def _arrange_apart(
        self,
        buckets: list[list[int]],
        members: list[int],
        parts: Parts,
        scaling: Scaling,
    ) -> None:
        """Each bucket of rows as a group of its own."""
        for bucket in buckets:
            chosen = np.array(bucket)
            self._arrange(
                [members[r] for r in bucket],
                {pair: terms.of_rows(chosen, len(members)) for pair, terms in parts.items()},
                scaling.taken(chosen),
            )

    def _buckets(self, parts: Parts, rows: int) -> list[list[int]] | None:
        """Rows over the same columns, where no weight is shared between buckets: each is a matrix product."""
        signature: list[tuple[bytes, ...]] = [()] * rows
        weighted = [terms for (_, left, right), terms in parts.items() if self._is_weighted(left, right)]
        for terms in weighted:
            ends = np.searchsorted(terms.row, np.arange(rows + 1)).tolist()
            for r in range(rows):
                signature[r] += (terms.right[ends[r] : ends[r + 1]].tobytes(),)
        found: dict[tuple[bytes, ...], list[int]] = {}
        for r, key in enumerate(signature):
            found.setdefault(key, []).append(r)
        size = sum(len(terms.row) for terms in weighted)
        if len(found) < 2 or size < 8 * len(found) or size == len(weighted) * rows:  # of one term: elementwise work
            return None
        number = np.empty(rows, dtype=np.int64)
        for n, bucket in enumerate(found.values()):
            number[bucket] = n
        for terms in weighted:
            pairs = np.unique(np.stack([terms.left, number[terms.row]]), axis=1)
            if len(np.unique(pairs[0])) < pairs.shape[1]:
                return None
        return list(found.values())

    def _finish(
        self,
        members: list[int],
        blocks: list[Rows | Matrix],
        scaling: Scaling,
        parts: Parts,
    ) -> None:
        """Add the group, its members in the order in which a product over patches gives them."""
        batched = any(self.batched[s] for _, *pair in parts for s in pair if s != NONE)
        product = next((b for b in blocks if isinstance(b, Matrix) and b.place is not None), None)
        if product is not None and len(blocks) == 1 and scaling.is_uniform:
            everything = np.full(len(product.columns.index) * len(weights_index(product)), NONE)
            everything[product.place] = members  # the places of others are computed for nothing
            members, blocks = everything.tolist(), [product._replace(place=None)]
        elif product is not None and product.place is not None:
            order = np.argsort(product.place)
            members = [members[r] for r in order.tolist()]
            scaling = scaling.taken(order)
            blocks = [reordered_block(block, order) for block in blocks]
        pieces = [(slot, part) for (slot, _, _), block in zip(parts, blocks) for part in apart(block, self.widths)]
        source = self._new_source(members, batched)
        group = Group(source, members, batched, None, (), tuple([part for _, part in pieces]), NOTHING)
        self.groups.append(scaling.applied(group._replace(slots=tuple([slot for slot, _ in pieces]))))
