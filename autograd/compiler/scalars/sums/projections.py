"""Split projections of inputs off the sums of a recurrence, so that those of all steps have the same depth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from autograd.compiler.scalars.builder import Builder, renumbered
from autograd.compiler.scalars.columns import Columns
from autograd.compiler.scalars.depths import depths
from autograd.compiler.scalars.nodes import ABSENT, SUM, Sum
from autograd.compiler.scalars.program import ScalarProgram
from autograd.compiler.scalars.rewrite import rebuild


def split_projections(program: ScalarProgram) -> ScalarProgram:
    """Turn weighted sums of arguments or data into separate nodes if they share their weights with others.

    The weighted sum of a step's inputs is a part of the step's sum. As a separate node it depends only on leaves, so
    the products of all steps with their inputs have the same depth, for any depth of the steps.
    """
    projections = _projections(program)
    if not projections:
        return program

    def split(builder: Builder, i: int, new: Sequence[int]) -> int:
        total, places = renumbered(program.sum_of(i), new), projections[i]
        part = total.with_terms(places)
        projection = builder.sum(Sum(part.coefficients, part.lefts, part.rights, [0] * len(places)))
        return builder.sum(_with(total, places, projection))

    return rebuild(program, projections, split)


def _projections(program: Columns) -> dict[int, list[int]]:
    """Return the places of the terms to split off each sum."""
    weighted: dict[int, list[int]] = {}
    uses: Counter[int] = Counter()
    mixed = False
    is_input = bytearray(len(program))
    for i in (*range(program.parameters.start), *program.constants):  # constants that sums read are data
        is_input[i] = True
    for i in program.operations:
        if program.opcodes[i] == SUM:
            chosen, weights, has_others = _weighted_inputs(program, i, is_input)
            uses.update(weights)
            if chosen:
                weighted[i] = chosen
                mixed = mixed or has_others
    if not mixed:
        return {}
    depth = depths(program.operations, program.operands_of)
    deep: set[int] = set()
    for i in weighted:
        if depth[i] > 0:
            deep.update(weight for weight in _weights(program, i, weighted[i]) if uses[weight] > 1)
    return {
        i: places
        for i, places in weighted.items()
        if deep.issuperset(_weights(program, i, places)) and len(places) < program.counts[i]
    }


def _weighted_inputs(program: Columns, i: int, is_input: Sequence[int]) -> tuple[list[int], list[int], bool]:
    """Find parameters times inputs in a sum; return the places in one slot, all parameters, and if others exist."""
    start, slots, parameters = program.starts[i], program.slots, program.parameters
    end = start + program.counts[i]
    chosen: list[int] = []
    weights: list[int] = []
    has_others = False
    for n, x, y in zip(range(start, end), program.lefts[start:end], program.rights[start:end]):
        if y == ABSENT:
            continue
        has_weight = x in parameters or y in parameters
        if has_weight and (is_input[x] or is_input[y]):
            weights.append(x if x in parameters else y)
            if not chosen or slots[n] == slots[start + chosen[0]]:
                chosen.append(n - start)
        elif not (x in parameters and y in parameters):
            has_others = True
    return chosen, weights, has_others


def _weights(program: Columns, i: int, places: Sequence[int]) -> list[int]:
    start, parameters = program.starts[i], program.parameters
    factors = [(program.lefts[start + n], program.rights[start + n]) for n in places]
    return [x if x in parameters else y for x, y in factors]


def _with(total: Sum, places: Sequence[int], part: int) -> Sum:
    """Return a sum in which a node replaces the terms that it sums."""
    rest = total.with_terms([n for n in range(len(total.lefts)) if n not in places])
    at = places[-1] + 1 - len(places)
    (slot,) = {total.slots[n] for n in places}
    return total._replace(
        coefficients=[*rest.coefficients[:at], 1.0, *rest.coefficients[at:]],
        lefts=[*rest.lefts[:at], part, *rest.lefts[at:]],
        rights=[*rest.rights[:at], ABSENT, *rest.rights[at:]],
        slots=[*rest.slots[:at], slot, *rest.slots[at:]],
    )
