"""Lift captured numeric literals into constant arrays, which are read as arguments are.

A function that captures its samples as plain numbers has them as coefficients in its first layer: for neuron j and
sample s it is bias[j] + Σₖ data[s, k] · weights[j, k]. Once the numbers are the elements of an array, all these sums
are found to be the one matrix product that they would be if the samples were an argument.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from autograd.arrays import NDArray, np
from autograd.compiler import cost
from autograd.compiler.scalars.builder import DROPPED, Builder, renumbered
from autograd.compiler.scalars.columns import Columns
from autograd.compiler.scalars.nodes import ABSENT, APPLY, SUM, Sum
from autograd.compiler.scalars.program import ScalarProgram


class Terms(NamedTuple):
    """Numbers times parameters, in a node's first slot.

    Attributes:
        node: the sum; or a number behind the program's nodes, for a lone bias.
        weights: the parameters.
        numbers: what multiplies each.
    """

    node: int
    weights: list[int]
    numbers: list[float]


class Channel(NamedTuple):
    """Sums that read the same weights, such as those of one neuron for all samples.

    Attributes:
        sums: the nodes.
        weights: the parameters that they read, the bias aside.
        numbers: of shape (sums, weights), what multiplies them; 0 where a sum lacks one.
        terms: how many there are, those with the bias included.
    """

    sums: list[int]
    weights: NDArray[np.int64]
    numbers: NDArray[np.float64]
    terms: int


class LoneBias(NamedTuple):
    """A parameter that applications read directly, where they read sums with it for other samples."""

    bias: int
    readers: list[int]


def lift_constants(program: ScalarProgram) -> ScalarProgram:
    """The program whose data are constants in arrays: `constant_arrays`, one a layer, sample by sample."""
    lone = _lone_biases(program)
    layers: dict[tuple[tuple[int, ...], bytes], list[Channel]] = {}
    for channel in _channels(_candidates(program, lone)):
        layers.setdefault((channel.numbers.shape, channel.numbers.tobytes()), []).append(channel)
    chosen = [layer for layer in layers.values() if _is_worthwhile(layer)]
    return _lifted(program, lone, chosen) if chosen else program


def _lifted(program: ScalarProgram, lone: Mapping[int, LoneBias], layers: Sequence[Sequence[Channel]]) -> ScalarProgram:
    builder = Builder.like(program)
    arrays: list[tuple[int, ...]] = []
    data: dict[int, tuple[list[int], list[int]]] = {}  # of each sum its weights, and the constants that multiply them
    for layer in layers:
        order = np.argsort(layer[0].weights)
        numbers = layer[0].numbers[:, order].tolist()
        samples = [[builder.constant(x) for x in sample] for sample in numbers]
        arrays.append(tuple([i for sample in samples for i in sample]))
        for channel in layer:
            weights = channel.weights[order].tolist()
            data.update({i: (weights, sample) for i, sample in zip(channel.sums, samples)})
    biased: dict[int, dict[int, int]] = {}  # of each reader of lone biases, the sums that it reads instead
    for i, (bias, readers) in lone.items():
        if i in data:
            node = builder.sum(_with_data(_alone(bias), *data[i]))
            for reader in readers:
                biased.setdefault(reader, {})[bias] = node
    new = [*range(program.interior.start), *[DROPPED] * len(program.interior)]
    for i in program.interior:
        if i in data:
            new[i] = builder.sum(_with_data(renumbered(program.sum_of(i), new), *data[i]))
        elif i in biased:
            operands = [biased[i].get(k, new[k]) for k in program.operands_of(i)]
            new[i] = builder.application(program.opcodes[i], operands)
        else:
            new[i] = builder.copy(program, i, new)
    before = [tuple([new[i] for i in nodes]) for nodes in program.constant_arrays]
    return builder.successor(program, new, range(len(program)), constant_arrays=(*before, *arrays))


def _alone(parameter: int) -> Sum:
    return Sum([1.0], [parameter], [ABSENT], [0])


def _with_data(total: Sum, weights: list[int], sample: list[int]) -> Sum:
    """A sum in which the numbers of a sample, now nodes, multiply these weights."""
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
    """The remains of neurons' sums for samples of zeros: biases, which the activations read instead.

    Each such sum gets a number behind the program's nodes. A parameter is a bias where the same primitive is applied to
    sums with it.
    """
    applications = [i for i in (*program.operations[::-1], *program.guard_operations) if program.opcodes[i] >= APPLY]
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
    """The sums of numbers times parameters; but for those of nothing but a bias over something else."""
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
    """The sums of numbers times parameters, together where they have parameters in common."""
    members = _connected([terms.weights for terms in candidates])
    groups = [[candidates[n] for n in together] for together in members]
    lengths = [sum(len(terms.weights) for terms in group) for group in groups]
    alike = Counter(lengths)
    channels = [_channel(group, length, alike[length]) for group, length in zip(groups, lengths) if len(group) > 1]
    return [channel for channel in channels if channel is not None]


def _connected(sets: Sequence[Sequence[int]]) -> list[list[int]]:
    """The places of sets, together where they have elements in common, directly or by way of others.

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
    """One of at most so many of a layer; None where its numbers are the same for all sums, or too few.

    Args:
        size: how many terms there are.
    """
    row = np.repeat(np.arange(len(group)), [len(terms.weights) for terms in group])
    flat = np.array([weight for terms in group for weight in terms.weights], dtype=np.int64)
    weights, column = np.unique(flat, return_inverse=True)
    if len(group) * len(weights) > cost.DATA_PER_TERM * most * size:
        return None
    if len(np.unique(row * len(weights) + column)) < size:  # two numbers times one weight are two terms
        return None
    numbers = np.zeros((len(group), len(weights)))
    numbers[row, column] = np.array([x for terms in group for x in terms.numbers])
    if (numbers == numbers[0]).all():
        return None
    order = np.lexsort(numbers[::-1])  # by their numbers, which tell the weights of another channel apart
    biases = np.flatnonzero((numbers[:, order] == 1.0).all(axis=0))
    order = np.delete(order, biases[:1])
    return Channel([terms.node for terms in group], weights[order], numbers[:, order], size)


def _is_worthwhile(layer: Sequence[Channel]) -> bool:
    """Tell whether data and weights are few for all these terms; sums of one channel may be alike without zeros too."""
    first = layer[0]
    rows, columns = first.numbers.shape
    lengths = np.count_nonzero(first.numbers, axis=1)
    if len(layer) == 1 and columns > 1 and (lengths == lengths[0]).all():
        return False
    return cost.worth_data(rows, columns, len(layer), first.terms)
