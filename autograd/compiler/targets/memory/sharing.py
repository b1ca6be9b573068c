"""Alias analysis: determine which arrays may share memory, since a slice or a reshape of an array is a view."""

from __future__ import annotations

from collections.abc import Sequence

from autograd.compiler.arrays.loop import Loop
from autograd.compiler.targets.notation import INFIX, SLOPES, Notation, Term, comparison
from autograd.primitives import Primitive
from autograd.table import OURS

_NEW = SLOPES | {"concatenate", "contract", "stack"}
"""The kinds of terms whose result is a new array; the result of others may alias an operand."""

Owners = frozenset[int]
"""The places of the terms whose memory an array may alias, including leaves, whose memory the caller owns."""


def owners(terms: Sequence[Term]) -> list[Owners]:
    """Return, for each term of a notation, the terms whose memory it may alias; none for a loop, which is no array."""
    known: dict[int, Owners] = {}
    aliases = {at: _aliases(term.attribute) for at, term in enumerate(terms) if term.kind == "loop"}

    def of(at: int) -> Owners:
        if at not in known:
            known[at] = computed(terms[at], at)
        return known[at]

    def computed(term: Term, at: int) -> Owners:
        if term.kind == "loop":
            return frozenset()
        if term.kind == "result":
            operands = terms[term.operands[0]].operands
            places = aliases[term.operands[0]].get(term.attribute, [])
            return frozenset({at}).union(*[of(operands[k]) for k in places])
        if not term.operands or term.kind in _NEW or _computes(term):
            return frozenset({at})
        return frozenset().union(*map(of, term.operands))

    return [of(at) for at in range(len(terms))]  # recursion, to terms that notation appended, is at most two deep


def _computes(term: Term) -> bool:
    """Return whether a term applies a primitive that returns a new array; users' primitives may return an argument."""
    if term.kind != "apply":
        return False
    primitive: Primitive = term.attribute.primitive
    if primitive in INFIX or comparison(primitive):
        return True
    return primitive.name in OURS and isinstance(primitive.array, str) and not primitive.reduces


def states_in(loop: Loop, terms: Sequence[Term]) -> dict[int, set[int]]:
    """Return, for each state of a loop, the numbers of the operands whose memory it may alias after a step.

    Args:
        terms: the body's terms.
    """
    numbers = {at: k for k, at in enumerate(loop.arguments)}
    of_body = owners(terms)
    result = {k: {numbers[at] for at in of_body[loop.body.outputs[k]] if at in numbers} for k in range(loop.carried)}
    while True:
        before = {k: len(operands) for k, operands in result.items()}
        for operands in result.values():
            operands.update(*[result[j] for j in list(operands) if j < loop.carried])
        if all(len(operands) == before[k] for k, operands in result.items()):
            return result


def _aliases(loop: Loop) -> dict[int, list[int]]:
    """Return, for each state of a loop, the operands whose memory it may alias after the last step."""
    return {k: sorted({k, *operands}) for k, operands in states_in(loop, Notation(loop.body).terms).items()}
