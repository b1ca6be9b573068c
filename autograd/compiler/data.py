"""Stage 3, group, its first step: numbers that multiply weights become arrays of data, as arguments are.

A function that captures its samples as plain numbers has them as coefficients in its first layer: for neuron j and
sample s it is bias[j] + Σₖ data[s, k] · weights[j, k]. Once the numbers are the elements of an array, all these sums
are found to be the one matrix product that they would be if the samples were an argument.
"""

from __future__ import annotations

from typing import NamedTuple

from autograd.arrays import np
from autograd.compiler import cost
from autograd.compiler.recover.groups import Numbers
from autograd.compiler.recover.index import Positions
from autograd.compiler.recover.patches import channel_of
from autograd.compiler.recover.terms import Terms
from autograd.compiler.simplify import Scalars
from autograd.compiler.sums import Sum
from autograd.primitives import Primitive


class Channel(NamedTuple):
    """Sums that read the same weights, such as those of one neuron for all samples.

    Attributes:
        sums: the nodes.
        weights: the leaves that they read, the bias aside.
        numbers: of shape (sums, weights), what multiplies them; 0 where a sum lacks one.
        terms: how many there are, those with the bias included.
    """

    sums: list[int]
    weights: Positions
    numbers: Numbers
    terms: int


def lift_data(scalars: Scalars, captured: set[int]) -> tuple[Scalars, list[list[int]]]:
    """The program with its data as nodes that are constants, and these nodes layer by layer, sample by sample."""
    lone = _lone_biases(scalars, captured)
    layers: dict[tuple[tuple[int, ...], bytes], list[Channel]] = {}
    for channel in _channels(scalars, captured, lone):
        layers.setdefault((channel.numbers.shape, channel.numbers.tobytes()), []).append(channel)
    chosen = [layer for layer in layers.values() if _is_worthwhile(layer)]
    if not chosen:
        return scalars, []
    sums, operands, constants = dict(scalars.sums), dict(scalars.operands), dict(scalars.constants)
    data: list[list[int]] = []
    new = scalars.size + len(lone)
    for layer in chosen:
        order = np.argsort(layer[0].weights)
        numbers = layer[0].numbers[:, order]
        nodes: Positions = new + np.arange(numbers.size).reshape(numbers.shape)
        new += numbers.size
        data.append(nodes.reshape(-1).tolist())
        constants.update(zip(data[-1], numbers.reshape(-1).tolist()))
        for channel in layer:
            weights = channel.weights[order].tolist()
            for i, sample in zip(channel.sums, nodes.tolist()):
                sums[i] = _with_data(sums[i] if i in sums else _alone(lone[i][0]), weights, sample)
    made = [i for i in lone if i in sums]
    for i in made:
        bias, readers = lone[i]
        operands.update({k: tuple([i if x == bias else x for x in operands[k]]) for k in readers})
    return scalars._replace(order=[*made, *scalars.order], sums=sums, operands=operands, constants=constants), data


def _alone(leaf: int) -> Sum:
    return Sum([1.0], [leaf], [-1], [0])


def _with_data(found: Sum, weights: list[int], sample: list[int]) -> Sum:
    """A sum in which the numbers of a sample, now nodes, multiply these weights."""
    lifted = set(weights)
    rest = [n for n, (x, y) in enumerate(zip(found.lefts, found.rights)) if found.slots[n] or y >= 0 or x not in lifted]
    return found._replace(
        coefficients=[*[1.0] * len(weights), *(found.coefficients[n] for n in rest)],
        lefts=[*weights, *(found.lefts[n] for n in rest)],
        rights=[*sample, *(found.rights[n] for n in rest)],
        slots=[*[0] * len(weights), *(found.slots[n] for n in rest)],
    )


def _lone_biases(scalars: Scalars, captured: set[int]) -> dict[int, tuple[int, list[int]]]:
    """What is left of a neuron's sum for a sample of zeros: its bias, which the activation reads instead.

    Gives each such sum a number as a node, with the bias and what reads it. A leaf is a bias where the same operation
    is applied to sums with it.
    """
    readers: dict[tuple[Primitive | None, int], dict[int, list[int]]] = {}
    for i, operands in scalars.operands.items():
        for slot, k in enumerate(operands):
            if k in captured:
                readers.setdefault((scalars.trace.primitives[i], slot), {}).setdefault(k, []).append(i)
    if not readers:
        return {}
    found: dict[int, list[int]] = {}
    for i, operands in scalars.operands.items():
        for slot, k in enumerate(operands):
            by_bias = readers.get((scalars.trace.primitives[i], slot))
            if by_bias and k in scalars.sums:
                terms = scalars.sums[k]
                for c, x, y in zip(terms.coefficients, terms.lefts, terms.rights):
                    if c == 1.0 and y < 0 and x in by_bias:
                        found.setdefault(x, []).extend(by_bias.pop(x))
    return {scalars.size + n: item for n, item in enumerate(found.items())}


def _channels(scalars: Scalars, captured: set[int], lone: dict[int, tuple[int, list[int]]]) -> list[Channel]:
    """The sums of numbers times leaves, together where they have leaves in common."""
    nodes: list[int] = []
    row: list[int] = []
    left: list[int] = []
    coefficients: list[float] = []
    for i in [*lone, *scalars.order]:
        found = _alone(lone[i][0]) if i in lone else scalars.sums.get(i)
        if found is None or -1 not in found.rights:
            continue
        chosen = [n for n, y in enumerate(found.rights) if y < 0 and found.lefts[n] in captured and found.slots[n] == 0]
        numbers = [found.coefficients[n] for n in chosen]
        if numbers == [1.0] and max(found.rights) >= 0:
            continue  # the bias of a layer over something else
        row += [len(nodes)] * len(chosen)
        left += [found.lefts[n] for n in chosen]
        coefficients += numbers
        nodes.append(i)
    if len(nodes) < 2 or not row:
        return []
    order = np.arange(len(row))
    terms = Terms(np.array(row), np.array(left), np.array(left), np.array(coefficients), 0 * order, order)
    number = channel_of(terms, len(nodes))
    several = np.bincount(number) > 1
    of_term = number[terms.row]
    order = np.argsort(of_term, kind="stable")
    ends = np.searchsorted(of_term[order], np.arange(len(several) + 1))
    lengths = np.diff(ends)
    found_channels = [
        _channel(terms.reordered(order[ends[c] : ends[c + 1]]), np.array(nodes), int((lengths == lengths[c]).sum()))
        for c in np.flatnonzero(several).tolist()
    ]
    return [channel for channel in found_channels if channel is not None]


def _channel(terms: Terms, nodes: Positions, most: int) -> Channel | None:
    """One of at most so many of a layer; None where its numbers are the same for all sums, or too few."""
    sums, row = np.unique(terms.row, return_inverse=True)
    weights, column = np.unique(terms.left, return_inverse=True)
    if len(sums) * len(weights) > cost.DATA_PER_TERM * most * len(terms.row):
        return None
    if len(np.unique(row * len(weights) + column)) < len(row):  # two numbers times one weight are two terms
        return None
    numbers = np.zeros((len(sums), len(weights)))
    numbers[row, column] = terms.coefficients
    if (numbers == numbers[0]).all():
        return None
    order = np.lexsort(numbers[::-1])  # by their numbers, the weights of another channel are told which is which
    biases = np.flatnonzero((numbers[:, order] == 1.0).all(axis=0))
    order = np.delete(order, biases[:1])
    return Channel(nodes[sums].tolist(), weights[order], numbers[:, order], len(terms.row))


def _is_worthwhile(layer: list[Channel]) -> bool:
    """Whether data and weights are few for all these terms; sums of one channel may be alike without zeros too."""
    first = layer[0]
    rows, columns = first.numbers.shape
    lengths = np.count_nonzero(first.numbers, axis=1)
    if len(layer) == 1 and columns > 1 and (lengths == lengths[0]).all():
        return False
    return cost.worth_data(rows, columns, len(layer), first.terms)
