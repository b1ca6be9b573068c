"""Choose the arrays of shape (samples, steps, ...) that are ordered by step in memory: those that loops access so."""

from __future__ import annotations

from collections.abc import Sequence

from autograd.compiler.arrays.operations import Batch, Shape
from autograd.compiler.targets.notation import Term

_KEEP_ORDER = frozenset({"apply", "contract", "slice", "concatenate", "result"})
"""The kinds of terms whose result has the memory order of the operands."""


def arrays_by_step(terms: Sequence[Term]) -> set[int]:
    """Return the arrays that should be ordered by step in memory.

    They are those that loops read and write along the axis after that of samples, and the arrays that elementwise
    operations combine with them or compute from them.
    """
    neighbours: list[set[int]] = [set() for _ in terms]
    several = {at for at, term in enumerate(terms) if _has_steps(term.shape)}
    for at in several:
        if terms[at].kind in _KEEP_ORDER:
            for k in several.intersection(terms[at].operands):
                neighbours[at].add(k)
                neighbours[k].add(at)
    stack = [at for at in _by_loops(terms) if at in several]
    reached = set(stack)
    while stack:
        new = neighbours[stack.pop()] - reached
        reached |= new
        stack += new
    return reached


def comes_by_sample(term: Term) -> bool:
    """Return whether an operation returns an array ordered by sample, for any order of its operands."""
    return term.kind not in _KEEP_ORDER


def _has_steps(shape: Shape) -> bool:
    if len(shape) != 3 or not isinstance(shape[0], Batch):
        return False
    return shape[1] != 1 and not any(isinstance(n, Batch) for n in shape[1:])


def _by_loops(terms: Sequence[Term]) -> list[int]:
    """Return the arrays that loops read and write along their second axis."""
    places = []
    for at, term in enumerate(terms):
        if term.kind == "loop":
            steppings = zip(term.operands, term.attribute.steppings)
            places += [k for k, stepping in steppings if stepping is not None and stepping.axis == 1]
        elif term.kind == "result":
            loop = terms[term.operands[0]].attribute
            number = term.attribute - loop.carried
            if number >= 0 and loop.written[number].axis == 1:
                places.append(at)
    return places
