"""Lift captured numeric literals into constant arrays, which are read like arguments.

If a function captures its samples as plain numbers, they are coefficients in its first layer: neuron j computes
bias[j] + Σₖ data[s, k] · weights[j, k] for sample s. Once the numbers are elements of an array, all these sums are
recovered as one matrix product, as if the samples were an argument.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from autograd.arrays import NDArray, np
from autograd.compiler import cost
from autograd.compiler.scalars.builder import Builder, renumbered
from autograd.compiler.scalars.columns import Columns
from autograd.compiler.scalars.nodes import ABSENT, APPLY, SUM, Sum
from autograd.compiler.scalars.program import ScalarProgram
from autograd.compiler.scalars.rewrite import rebuild


class Terms(NamedTuple):
    """Numbers times parameters, in a node's first slot.

    Attributes:
        node: the sum; for a lone bias, a number after the program's nodes.
        weights: the parameters.
        numbers: the number that multiplies each.
    """

    node: int
    weights: list[int]
    numbers: list[float]


class Channel(NamedTuple):
    """Sums that read the same weights, such as those of one neuron for all samples.

    Attributes:
        sums: the nodes.
        weights: the parameters that they read, without the bias.
        numbers: the numbers that multiply them, of shape (sums, weights); 0 for a missing term.
        terms: the number of terms, including those of the bias.
    """

    sums: list[int]
    weights: NDArray[np.int64]
    numbers: NDArray[np.float64]
    terms: int


class LoneBias(NamedTuple):
    """A parameter that some applications read directly, while others like them read sums that contain it."""

    bias: int
    readers: list[int]


def lift_constants(program: ScalarProgram) -> ScalarProgram:
    """Return the program with literals in `constant_arrays`, one for each layer, sample by sample."""
    lone = _lone_biases(program)
    layers: dict[tuple[tuple[int, ...], bytes], list[Channel]] = {}
    for channel in _channels(_candidates(program, lone)):
        layers.setdefault((channel.numbers.shape, channel.numbers.tobytes()), []).append(channel)
    chosen = [layer for layer in layers.values() if _is_worthwhile(layer)]
    return _lifted(program, lone, chosen) if chosen else program


def _lifted(program: ScalarProgram, lone: Mapping[int, LoneBias], layers: Sequence[Sequence[Channel]]) -> ScalarProgram:
    builder = Builder.like(program)
    arrays: list[tuple[int, ...]] = []
    data: dict[int, tuple[list[int], list[int]]] = {}  # each sum's weights, and the constants that multiply them
    for layer in layers:
        first, *_ = layer
        order = np.argsort(first.weights)
        numbers = first.numbers[:, order].tolist()
        samples = [[builder.constant(x) for x in sample] for sample in numbers]
        arrays.append(tuple([i for sample in samples for i in sample]))
        for channel in layer:
            weights = channel.weights[order].tolist()
            data.update({i: (weights, sample) for i, sample in zip(channel.sums, samples)})
    biased: dict[int, dict[int, int]] = {}  # for each reader of lone biases, the sums that it reads instead
    for i, (bias, readers) in lone.items():
        if i in data:
            node = builder.sum(_with_data(_alone(bias), *data[i]))
            for reader in readers:
                biased.setdefault(reader, {})[bias] = node

    def lifted(builder: Builder, i: int, new: Sequence[int]) -> int:
        if i in data:
            return builder.sum(_with_data(renumbered(program.sum_of(i), new), *data[i]))
        operands = [biased[i].get(k, new[k]) for k in program.operands_of(i)]
        return builder.application(program.opcodes[i], operands)

    chosen = (data.keys() | biased.keys()) - lone.keys()
    result = rebuild(program, chosen, lifted, builder)
    return replace(result, constant_arrays=(*result.constant_arrays, *arrays))


def _alone(parameter: int) -> Sum:
    return Sum([1.0], [parameter], [ABSENT], [0])


def _with_data(total: Sum, weights: list[int], sample: list[int]) -> Sum:
    """Return a sum in which a sample's numbers, now nodes, multiply these weights."""
    lifted = set(weights)
    rest = [
        n for n, (x, y) in enumerate(zip(total.lefts, total.rights)) if total.slots[n] or y != ABSENT or x not in lifted
    ]
    return total._replace(
        coefficients=[*[1.0] * len(weights), *(total.coefficients[n] for n in rest)],
        lefts=[*weights, *(total.lefts[n] for n in rest)],
        rights=[*sample, *(total.rights[n] for n in rest)],
        slots=[*[0] * len(weights), *(total.slots[n] for n in rest)],
    )


def _lone_biases(program: Columns) -> dict[int, LoneBias]:
    """Find lone biases: the remains of neurons' sums for samples of zeros, which activations read directly.

    Each such sum gets a number after the program's nodes. A parameter is a bias if the same primitive is applied to
    sums that contain it.
    """
    applications = [i for i in (*program.operations, *program.guard_operations) if program.opcodes[i] >= APPLY]
    readers: dict[tuple[int, int], dict[int, list[int]]] = {}
    for i in applications:
        for place, k in enumerate(program.operands_of(i)):
            if k in program.parameters:
                readers.setdefault((program.opcodes[i], place), {}).setdefault(k, []).append(i)
    if not readers:
        return {}
    biases: dict[int, list[int]] = {}
    for i in applications:
        for place, k in enumerate(program.operands_of(i)):
            by_bias = readers.get((program.opcodes[i], place))
            if by_bias and program.opcodes[k] == SUM:
                total = program.sum_of(k)
                for c, x, y in zip(total.coefficients, total.lefts, total.rights):
                    if c == 1.0 and y == ABSENT and x in by_bias:
                        biases.setdefault(x, []).extend(by_bias.pop(x))
    return {len(program) + n: LoneBias(*item) for n, item in enumerate(biases.items())}


def _candidates(program: Columns, lone: Mapping[int, LoneBias]) -> list[Terms]:
    """Return the sums of numbers times parameters, except for a bias alone that is added to other terms."""
    candidates = [Terms(i, [bias], [1.0]) for i, (bias, _) in lone.items()]
    for i in program.operations:
        if program.opcodes[i] != SUM:
            continue
        start = program.starts[i]
        end = start + program.counts[i]
        rights = program.rights[start:end]
        if ABSENT not in rights:
            continue
        places = [
            n
            for n, y in enumerate(rights, start)
            if y == ABSENT and program.lefts[n] in program.parameters and program.slots[n] == 0
        ]
        numbers = [program.coefficients[n] for n in places]
        if places and not (numbers == [1.0] and max(rights) != ABSENT):
            candidates.append(Terms(i, [program.lefts[n] for n in places], numbers))
    return candidates


def _channels(candidates: Sequence[Terms]) -> list[Channel]:
    """Group the sums of numbers times parameters that share parameters."""
    members = _connected([terms.weights for terms in candidates])
    groups = [[candidates[n] for n in together] for together in members]
    lengths = [sum(len(terms.weights) for terms in group) for group in groups]
    alike = Counter(lengths)
    channels = [_channel(group, length, alike[length]) for group, length in zip(groups, lengths) if len(group) > 1]
    return [channel for channel in channels if channel is not None]


def _connected(sets: Sequence[Sequence[int]]) -> list[list[int]]:
    """Return the connected components of sets that share elements.

    >>> _connected([[1, 2], [3], [2, 4], [4]])
    [[0, 2, 3], [1]]
    """
    parent = list(range(len(sets)))

    def root(n: int) -> int:
        while parent[n] != n:
            parent[n] = n = parent[parent[n]]
        return n

    first: dict[int, int] = {}
    for n, elements in enumerate(sets):
        for x in elements:
            a, b = root(n), root(first.setdefault(x, n))
            parent[max(a, b)] = min(a, b)
    together: dict[int, list[int]] = {}
    for n in range(len(sets)):
        together.setdefault(root(n), []).append(n)
    return list(together.values())


def _channel(group: Sequence[Terms], size: int, most: int) -> Channel | None:
    """Return a channel, one of at most `most` of a layer; None if its numbers are the same for all sums, or too few.

    Args:
        size: the number of terms.
    """
    row = np.repeat(np.arange(len(group)), [len(terms.weights) for terms in group])
    flat = np.array([weight for terms in group for weight in terms.weights], dtype=np.int64)
    weights, column = np.unique(flat, return_inverse=True)
    if len(group) * len(weights) > cost.DATA_PER_TERM * most * size:
        return None
    if len(np.unique(row * len(weights) + column)) < size:  # two terms share a weight
        return None
    numbers = np.zeros((len(group), len(weights)))
    numbers[row, column] = np.array([x for terms in group for x in terms.numbers])
    if (numbers == numbers.max(axis=0)).all():
        return None
    order = np.lexsort(numbers)  # by numbers, so that corresponding weights of channels have the same place
    biases = np.flatnonzero((numbers[:, order] == 1.0).all(axis=0))
    order = np.delete(order, biases[:1])
    return Channel([terms.node for terms in group], weights[order], numbers[:, order], size)


def _is_worthwhile(layer: Sequence[Channel]) -> bool:
    """Return whether data and weights are few for these terms. One channel without zeros is recovered without data."""
    first, *_ = layer
    rows, columns = first.numbers.shape
    lengths = set(np.count_nonzero(first.numbers, axis=1).tolist())
    if len(layer) == 1 and columns > 1 and len(lengths) == 1:
        return False
    return cost.worth_data(rows, columns, len(layer), first.terms)
