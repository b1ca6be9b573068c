"""Stage 2, simplify: constants folded, equal nodes merged, chains of additions made into sums.

What spells out the sigmoid or tanh is read as that before (`idioms.py`); sums are collected by `sums.py`.

What is left are two sorts of nodes: applications of a primitive, and sums of products

    c · (constant + Σ cᵢ xᵢ yᵢ + Σ cⱼ xⱼ)        (c, cᵢ, cⱼ numbers; xᵢ, yᵢ, xⱼ other nodes)

into which every `+`, `-`, `*`, `sum` and `dot` has gone that nothing else refers to, as far as a sum can compute it in
the order in which the graph does. So a neuron is one sum, however it was written.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from autograd import primitives
from autograd.compiler.forms import written_out
from autograd.compiler.idioms import Formulas
from autograd.compiler.sums import SUMS, Collector, Sum, is_nothing
from autograd.compiler.trace.tracing import Trace

_DOT, _POWER = primitives.dot, primitives.constant_power
_WHERE, _IDENTITY = primitives.where, primitives.identity
_REDUCTIONS = (primitives.logsumexp, primitives.max_, primitives.min_)
_ADD, _SUB, _MUL, _NEG = primitives.add, primitives.sub, primitives.mul, primitives.neg


class Masks(NamedTuple):
    """What a backward pass asks about choices; see `choices.py`.

    Attributes:
        order: the nodes that compute conditions, parents before children.
        reached: for nodes that a derivative reaches only under a condition, that condition's node.
        choices: the nodes that choose, at which a derivative can arrive that is infinite or nan.
        unreached: nodes that no derivative ever reaches, and whose slopes can be infinite or nan.
    """

    order: list[int] = []  # noqa: RUF012
    reached: dict[int, int] = {}  # noqa: RUF012
    choices: frozenset[int] = frozenset()
    unreached: frozenset[int] = frozenset()


class Scalars(NamedTuple):
    """The simplified program, in the numbering of the trace.

    Attributes:
        trace: where it came from.
        order: the nodes to compute, parents before children.
        sums: those of them that are sums of products.
        operands: of the others, the nodes that their primitive is applied to.
        constants: the numbers of the nodes that are constants.
        outputs: the nodes that stand for the function's results.
        masks: what backward passes compute besides.
    """

    trace: Trace
    order: list[int]
    sums: dict[int, Sum]
    operands: dict[int, tuple[int, ...]]
    constants: dict[int, float]
    outputs: list[int]
    masks: Masks = Masks()

    @property
    def size(self) -> int:
        """The first number that no node has."""
        return 1 + max(len(self.trace.primitives) - 1, max(self.sums, default=0), max(self.constants, default=0))


def simplify(trace: Trace, captured: set[int]) -> Scalars:
    """Bring a trace into its simplest form.

    Args:
        captured: the leaves that stay variable; the others that are no arguments are constants.
    """
    operands, constants, new = _merge(trace, captured)
    outputs = [new[i] for i in trace.outputs]
    formulas = Formulas(trace.primitives, operands, constants, _uses(operands, outputs))
    formulas.recognise()
    traced, trace, operands = trace, trace.of_others(formulas.made_by), formulas.operands
    uses = _uses(operands, outputs)
    order: list[int] = []
    sums: dict[int, Sum] = {}
    kept: dict[int, tuple[int, ...]] = {}
    merged = written_out(trace.primitives, operands, constants, captured, uses)
    merged.update(_short_sums(trace, operands, constants, uses))
    if merged:
        merged.difference_update([new[i] for i, n in enumerate(_uses(traced.operands, traced.outputs)) if n > 1])
    collect = Collector(trace.primitives, operands, constants, captured, uses, merged)
    needed = bytearray(len(operands))
    for i in outputs:
        needed[i] = 1
    for i in range(len(operands) - 1, -1, -1):
        if not needed[i] or not operands[i]:
            continue
        order.append(i)
        if collect.is_linear(i):
            found = sums[i] = collect(i)
            for k in found.lefts:
                needed[k] = 1
            for k in found.rights:
                if k >= 0:
                    needed[k] = 1
        else:
            kept[i] = operands[i]
            for k in operands[i]:
                needed[k] = 1
    order.reverse()
    return _merge_again(Scalars(trace, order, sums, kept, constants, outputs))


def _short_sums(
    trace: Trace, operands: list[tuple[int, ...]], constants: dict[int, float], uses: list[int]
) -> Iterator[int]:
    """Multiples of nodes and chains of them, no reductions among them, that several others refer to.

    In a simulation on a grid, the cells at its ends have the first terms of their sums in common with themselves a step
    later, which the other cells have not.
    """
    made_by = trace.primitives
    short = set()
    for i, parents in enumerate(operands):
        if not uses[i] or not parents:
            continue
        primitive, first = made_by[i], parents[0]
        if primitive is _MUL:
            is_short = first in constants or parents[1] in constants
        elif primitive in (_ADD, _SUB):
            is_chain = made_by[first] is primitive is _ADD
            is_short = made_by[first] not in SUMS or (first in short and not is_chain)
        else:
            is_short = primitive is _NEG
        if is_short:
            short.add(i)
            if uses[i] > 1:
                yield i


def _merge_again(scalars: Scalars) -> Scalars:
    """Let those be one that turned out equal: x + y and y + x, or 1 x and x."""
    new: dict[int, int] = {}
    seen: dict[object, int] = {}
    for i in scalars.order:
        found = scalars.sums.get(i)
        key: object
        if found is None:
            operands = scalars.operands[i] = tuple([new.get(k, k) for k in scalars.operands[i]])
            key = (scalars.trace.primitives[i], operands)
        else:
            if new:
                lefts, rights = [new.get(k, k) for k in found.lefts], [new.get(k, k) for k in found.rights]
                found = scalars.sums[i] = found._replace(lefts=lefts, rights=rights)
            key = _key(found)
        stands = seen.setdefault(key, i) if found is None or not _is_another(found) else found.lefts[0]
        if stands != i:
            new[i] = stands
    if not new:
        return scalars
    order = [i for i in scalars.order if i not in new]
    for i in new:
        scalars.sums.pop(i, None)
        scalars.operands.pop(i, None)
    return scalars._replace(order=order, outputs=[new.get(i, i) for i in scalars.outputs])


def _key(found: Sum) -> object:
    """What is equal for sums that compute the same. Of the first two terms, and of two factors, either may be first."""
    slots = found.slots
    if slots[:3] in ([0, 1], [0, 1, 2]) and not found.leads:
        slots = [0, 0, *slots[2:]]
    terms = [
        (slot, c, y, x) if abs(c) == 1.0 and x < y else (slot, c, x, y)
        for slot, c, x, y in zip(slots, found.coefficients, found.lefts, found.rights)
    ]
    return (*sorted(terms), repr(found.constant), *found[5:])


def _is_another(found: Sum) -> bool:
    """Whether a sum is one other node, and nothing else."""
    return found._replace(lefts=[0]) == _ONE_TERM and is_nothing(found.constant)


_ONE_TERM = Sum([1.0], [0], [-1], [0])


def _merge(trace: Trace, captured: set[int]) -> tuple[list[tuple[int, ...]], dict[int, float], list[int]]:
    """Fold constants, and let equal nodes be one.

    Gives operands and constants in terms of what is left, and for each node the one that stands for it.
    """
    arguments = {i for indices in trace.arguments for i in indices}
    new: list[int] = []  # for each node the one that stands for it
    seen: dict[object, int] = {}
    constants: dict[int, float] = {}
    operands: list[tuple[int, ...]] = []
    for i, primitive in enumerate(trace.primitives):
        merged: tuple[int, ...] = tuple([new[k] for k in trace.operands[i]])
        operands.append(merged)
        number = trace.numbers[i]
        if primitive is None:
            variable = i in arguments or i in captured
        else:
            variable = not constants.keys() >= set(merged)
            if variable and primitive is _DOT and _is_cancelled(merged, constants, captured):
                variable, number = False, constants[merged[-1]]
            if variable and primitive is _POWER and constants[merged[1]] in (0.0, 1.0):
                variable = constants[merged[1]] == 1.0
                primitive = _IDENTITY
        if not variable:
            stands = seen.setdefault((number, math.copysign(1.0, number)), i)
            constants[stands] = number
            operands[i] = ()
        elif primitive is None:
            stands = i
        elif primitive is _IDENTITY or (primitive in _REDUCTIONS and len(merged) == 1):
            stands = merged[0]
        elif primitive is _WHERE and merged[0] in constants:
            stands = merged[1] if constants[merged[0]] else merged[2]
        else:
            stands = seen.setdefault((primitive, merged), i)
        new.append(stands)
    return operands, constants, new


def _is_cancelled(operands: tuple[int, ...], constants: dict[int, float], captured: set[int]) -> bool:
    """Whether constants 0 multiply the captured leaves of a weighted sum, as for a recurrent network's first state."""
    n = len(operands) // 2
    return operands[-1] in constants and all(
        (constants.get(x) == 0.0 and y in captured) or (constants.get(y) == 0.0 and x in captured)
        for x, y in zip(operands[:n], operands[n:])
    )


def _uses(operands: Sequence[tuple[int, ...]], outputs: Sequence[int]) -> list[int]:
    """How many nodes refer to each, of those that the outputs need; an output counts as two more."""
    uses = [0] * len(operands)
    for i in outputs:
        uses[i] += 2
    for i in range(len(operands) - 1, -1, -1):
        if uses[i]:
            for k in operands[i]:
                uses[k] += 1
    return uses
