"""Stage 2, simplify: constants folded, equal nodes merged, chains of additions and multiplications made into sums.

What spells out the sigmoid or tanh is read as that before (`idioms.py`); sums are collected by `sums.py`.

What is left are two sorts of nodes: applications of a primitive, and sums of products

    constant + Σ cᵢ xᵢ yᵢ + Σ cⱼ xⱼ        (cᵢ, cⱼ numbers; xᵢ, yᵢ, xⱼ other nodes)

into which every `+`, `-`, `*`, `sum` and `dot`, every sign and every scaling has gone that nothing else refers to. So a
neuron is one sum, however it was written.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from autograd import primitives
from autograd.compiler.forms import written_out
from autograd.compiler.idioms import Formulas
from autograd.compiler.sums import Collector, Sum, without_repeats
from autograd.compiler.tracing import Trace
from autograd.primitives import Primitive

_MUL, _DOT, _POWER = primitives.mul, primitives.dot, primitives.constant_power
_WHERE, _IDENTITY = primitives.where, primitives.identity
_REDUCTIONS = (primitives.logsumexp, primitives.max_, primitives.min_)


class Masks(NamedTuple):
    """What a backward pass asks about choices; see `choices.py`.

    Attributes:
        order: the nodes that compute conditions, parents before children.
        reached: for nodes that a derivative reaches only under a condition, that condition's node.
        choices: the nodes that choose, at which a derivative can arrive that is infinite or nan.
    """

    order: list[int] = []  # noqa: RUF012
    reached: dict[int, int] = {}  # noqa: RUF012
    choices: frozenset[int] = frozenset()


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
    operands, constants, outputs = _merge(trace, captured)
    formulas = Formulas(trace.primitives, operands, constants, _uses(operands, outputs))
    formulas.recognise()
    trace, operands = trace.of_others(formulas.made_by), formulas.operands
    uses = _uses(operands, outputs)
    order: list[int] = []
    sums: dict[int, Sum] = {}
    kept: dict[int, tuple[int, ...]] = {}
    shared = written_out(trace.primitives, operands, constants, captured, uses)
    collect = Collector(trace.primitives, operands, constants, uses, shared)
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


def _merge_again(scalars: Scalars) -> Scalars:
    """Let those be one that turned out equal: x + y and y + x, or 2 x and x + x, or 1 x and x."""
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
                found = scalars.sums[i] = without_repeats(found._replace(lefts=lefts, rights=rights))
            pairs = [(y, x) if x < y else (x, y) for x, y in zip(found.lefts, found.rights)]
            key = (found.constant, tuple(sorted(zip(pairs, found.coefficients))))
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


def _is_another(found: Sum) -> bool:
    """Whether a sum is one other node, and nothing else."""
    return found.coefficients == [1.0] and found.rights == [-1] and found.constant == 0.0


def _merge(trace: Trace, captured: set[int]) -> tuple[list[tuple[int, ...]], dict[int, float], list[int]]:
    """Fold constants, and let equal nodes be one; gives operands, constants and outputs in terms of what is left."""
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
            if variable and _is_cancelled(primitive, merged, constants):
                variable, number = False, constants[merged[-1]] if primitive is _DOT else 0.0
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
    return operands, constants, [new[i] for i in trace.outputs]


def _is_cancelled(primitive: Primitive, operands: tuple[int, ...], constants: dict[int, float]) -> bool:
    """Whether constants 0 multiply all that varies, as in the weighted sums of a recurrent network's first state."""
    if primitive is _MUL:
        return any(constants.get(k) == 0.0 for k in operands)
    if primitive is not _DOT or operands[-1] not in constants:
        return False
    n = len(operands) // 2
    return all(0.0 in (constants.get(x), constants.get(y)) for x, y in zip(operands[:n], operands[n:]))


def _uses(operands: list[tuple[int, ...]], outputs: list[int]) -> list[int]:
    """How many nodes refer to each, of those that the outputs need; an output counts as two more."""
    uses = [0] * len(operands)
    for i in outputs:
        uses[i] += 2
    for i in range(len(operands) - 1, -1, -1):
        if uses[i]:
            for k in operands[i]:
                uses[k] += 1
    return uses
