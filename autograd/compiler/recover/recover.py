"""Recover the array program that scalars spell out: nodes that do equal work become one operation on arrays.

            schedule    nodes level by level, as early as possible; all parts of a running sum at the level of the first
            align       nodes of layers that would become many operations; this is tried only for these
        join        arrays that equal nodes read
        classify    the nodes of a level into groups of equal work
        contract    sums of products as matrix products, batched or over patches, as sums of slices, or row by row
        pad         rows that differ only in length, so that they form one table
        order       the members of each array, so that readers read slices

Earlier passes have collected chains of additions into sums, so the level of a node does not depend on its number of
terms, and the edges of a padded convolution are at the same level as its middle.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from autograd import primitives
from autograd.arrays import NDArray, np
from autograd.compiler import cost
from autograd.compiler.recover.alignment import Layers, exchanged, interchanged
from autograd.compiler.recover.classify import applications, sums_of_products
from autograd.compiler.recover.groups import Application, Grouping
from autograd.compiler.recover.join import in_one_array
from autograd.compiler.recover.joined_arrays import Arrays
from autograd.compiler.recover.lookups import choices, look_ups
from autograd.compiler.recover.loops.arrays import Arrangement, repetition, results
from autograd.compiler.recover.loops.repetitions import Repetition
from autograd.compiler.recover.order import ordered
from autograd.compiler.recover.schedule import schedule
from autograd.compiler.recover.sums.blocks import View
from autograd.compiler.recover.sums.running import Chain, chains_of, grouped, running_sum
from autograd.compiler.recover.sums.terms import columns_of
from autograd.compiler.scalars.loops.repeat import RESULT, Repeat
from autograd.compiler.scalars.program import ScalarProgram
from autograd.compiler.scalars.sums.empty_rows import zeros_in_place


def recover(
    scalars: ScalarProgram, padding: bool = True, batched: Sequence[bool] | None = None, aligned: bool = False
) -> Grouping:
    """Group the nodes of a program into operations on arrays.

    Args:
        scalars: a program prepared for arrays (`scalars/passes.py`).
        padding: whether zeros may multiply numbers that the graph does not read, which gives nan if these are infinite;
            if not, rows of several lengths are padded only with masks.
        batched: which arguments of a loop's body have a row for each sample; all arguments of a function have.
        aligned: whether to align layers (`alignment.py`).
    """
    arrays = Arrays(scalars, padding)
    arrays.new_source(scalars.parameters, batched=False)
    for n, nodes in enumerate(scalars.arguments):
        arrays.new_source(nodes, batched=batched is None or batched[n])
    numbers = {
        arrays.new_source(nodes, batched=False): arrays.places.number[list(nodes)] for nodes in scalars.constant_arrays
    }
    levels = _Levels(scalars, arrays, padding)
    levels.group(scalars.operations, aligned)
    levels.group(scalars.guard_operations)
    return ordered(arrays.grouping(numbers), scalars.outputs)


class _Levels:
    """Groups the nodes of a program level by level.

    Args:
        arrays: contains the leaves; receives the groups.
    """

    def __init__(self, scalars: ScalarProgram, arrays: Arrays, padding: bool) -> None:
        self._scalars, self._arrays, self._padding = scalars, arrays, padding
        self._chains = chains_of(scalars)
        self._loops: dict[int, tuple[Repetition, Arrangement]] = {}
        self._zeros = zeros_in_place(scalars)

    def group(self, order: Sequence[int], aligned: bool = False) -> None:
        """Group nodes level by level."""
        is_sum, operands_of, zeros = self._scalars.is_sum, self._scalars.operands_of, self._zeros
        chain_of = {i: chain for chain in self._chains for i in chain.parts}

        def operands(i: int) -> Sequence[int]:
            i = zeros.get(i, i)  # zeros are scheduled with the nodes that they replace
            chain = chain_of.get(i)
            return operands_of(i if chain is None else chain.parts[0])

        levels = schedule(order, operands)
        layers = None
        if aligned:
            layers = Layers.of(self._scalars, levels, operands, {*chain_of, *zeros, *zeros.values()})
            levels = layers.levels
        for t, nodes in enumerate(levels):
            if layers:
                self._unite_interchanged(layers.reads(self._scalars, t), layers.last >= t)
            self._group_running_sums([chain_of[i] for i in nodes if i in chain_of and i == chain_of[i].parts[0]])
            self._group_sums([i for i in nodes if is_sum(i) and i not in chain_of], aligned)
            others = self._without_loops([i for i in nodes if not is_sum(i) and i not in zeros])
            self._group_applications(others)
            self._group_zeros([i for i in nodes if i in zeros])

    def _unite_interchanged(self, reads: list[list[list[int]]], needed: NDArray[np.bool_]) -> None:
        """Concatenate arrays that nodes of one kind read in place of one another.

        Args:
            reads: for each kind, the nodes that each of its nodes reads.
            needed: which nodes are still read.
        """
        rows = [self._arrays.read(np.array(of_kind, dtype=np.int64)) for of_kind in reads]
        for sources in interchanged(rows, self._arrays.places):
            self._arrays.unite_sources(sources, needed)

    def _without_loops(self, nodes: list[int]) -> list[int]:
        """Group the loops among nodes, and the loops' results; return the other nodes."""
        others: list[int] = []
        read: dict[int, dict[int, int]] = {}
        for i in nodes:
            primitive = self._arrays.made_by[i]
            if isinstance(primitive, Repeat):
                self._group_loop(i, primitive)
            elif primitive is RESULT:
                loop, number = self._scalars.operands_of(i)
                read.setdefault(loop, {})[int(self._scalars.constants[number])] = i
            else:
                others.append(i)
        for loop, numbers in read.items():
            repeat = self._arrays.made_by[loop]
            assert isinstance(repeat, Repeat)
            for group in results(*self._loops[loop], repeat, numbers, len(self._arrays.places.widths)):
                self._arrays.add_source(group)
        return others

    def _group_loop(self, i: int, repeat: Repeat) -> None:
        padding = self._padding and self._arrays.places.may_pad([i])
        group, arrangement = repetition(
            repeat,
            self._scalars.operands_of(i),
            lambda: self._arrays.places,
            self._arrays.one_array,
            lambda body, batched: recover(body, padding, batched),
            lambda: len(self._arrays.places.widths),
        )
        self._loops[i] = group, arrangement
        self._arrays.add_source(group)

    def _group_running_sums(self, chains: list[Chain]) -> None:
        arrays, (widths, batched) = self._arrays, self._arrays.places[3:5]
        for alike in grouped(chains, arrays.places):
            nodes = arrays.read(np.array([chain.added for chain in alike]))
            sources = arrays.places.source[nodes]
            if (sources != sources[0, 0]).any():
                arrays.concatenate(in_one_array(nodes, arrays.places))
                view = View(len(widths) - 1, np.arange(nodes.size).reshape(nodes.shape))
            else:
                view = View(int(sources[0, 0]), arrays.places.position[nodes])
            arrays.add([running_sum(alike, view, len(widths), batched[view.source])])

    def _group_sums(self, nodes: list[int], aligned: bool) -> None:
        if not nodes:
            return
        arrays = self._arrays
        terms, scaling = columns_of([self._scalars.sum_of(i) for i in nodes])
        terms = arrays.united_terms(arrays.joined_terms(arrays.read_terms(terms), len(nodes)))
        if aligned:
            terms = exchanged(terms, scaling.leads, arrays.places)
        sums = sums_of_products(nodes, terms, scaling, arrays.places)
        arrays.add(sums)
        arrays.unite_results(sums)

    def _group_zeros(self, nodes: list[int]) -> None:
        """Append zeros to the arrays of the nodes that they replace."""
        replaced = self._arrays.read(np.array([self._zeros[i] for i in nodes], dtype=np.int64))
        of_source: dict[int, list[int]] = {}
        for i, source in zip(nodes, self._arrays.places.source[replaced].tolist()):
            of_source.setdefault(source, []).append(i)
        for source, members in of_source.items():
            own = len(self._arrays.places.widths)
            zeros = np.zeros(len(members))
            self._arrays.add_source(Application(own, tuple(members), False, primitives.identity, (zeros,)))
            self._arrays.unite_sources([source, own])

    def _group_applications(self, nodes: list[int]) -> None:
        arrays, made_by = self._arrays, self._arrays.made_by
        operands = arrays.read_operands({i: self._scalars.operands_of(i) for i in nodes})
        first = len(arrays.groups)
        arrays.add(look_ups(nodes, made_by, operands, arrays.places))
        arrays.add(choices(nodes, made_by, operands, arrays.places))
        looked_up = {i for group in arrays.groups[first:] for i in group.members}
        nodes = [i for i in nodes if i not in looked_up]
        kinds: dict[Hashable, list[int]] = {}
        for i in nodes:
            primitive = made_by[i]
            as_rows = primitive is not None and (primitive.reduces or primitive is primitives.entry_at)
            if 1 < len(operands[i]) <= cost.MOST_READ and not as_rows:
                kinds.setdefault((made_by[i], len(operands[i])), []).append(i)
        for kind, members in kinds.items():
            reads = arrays.joined(kind, np.array([operands[i] for i in members]))
            operands.update(zip(members, map(tuple, reads.tolist())))
        of_primitives = applications(nodes, made_by, arrays.united_operands(operands), arrays.places)
        arrays.add(of_primitives)
        arrays.unite_results(of_primitives)
