"""Divide the statements of a program: the forward pass computes the values, the backward pass the rest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.targets.contractions import as_outer_product
from autograd.compiler.targets.notation import Notation, reads_samples

GRADIENT = "gradient"


@dataclass(frozen=True)
class Schedule:
    """The statements of a program's functions, by the places of their operations.

    Attributes:
        notation: the program's terms.
        arguments: the names of the functions' arguments: the program's arguments, then its parameters.
        first: the name of an argument with a row for each sample; "" if there is none.
        forward: the statements that the values depend on, in order.
        backward: the statements that only gradients depend on, in order.
        saved: the results of the forward pass that the backward pass reads.
        values: the place of the values.
        gradients: the places of the gradients.
    """

    notation: Notation
    arguments: list[str]
    first: str
    forward: list[int]
    backward: list[int]
    saved: list[int]
    values: int
    gradients: list[int]


def schedule(program: ArrayProgram) -> Schedule:
    """Divide the statements of a program into those that the first result depends on, and the others."""
    operations, notation = program.operations, Notation(program)
    values, *gradients = program.outputs
    ahead, back = program.needed([values]), program.needed(gradients)
    forward = [at for at in sorted(ahead) if notation.is_statement(at)]
    backward = [at for at in sorted(back - ahead) if notation.is_statement(at)]
    inline = [at for at in gradients if notation.is_inline(at)]
    read = {k for at in written(notation, [*backward, *inline]) for k in notation.terms[at].operands} | set(gradients)
    given = [o for o in operations if o.kind in ("argument", "index") and o.attribute[0] != GRADIENT]
    results = [at for at, o in enumerate(operations) if o.kind == "result" and o.operands[0] in ahead]
    parameters = [o.name for o in operations if o.kind == "parameter"]
    return Schedule(
        notation=notation,
        arguments=[*(o.name for o in given), *parameters],
        first=next((o.name for o in given if o.shape[1] != 0), ""),
        forward=forward,
        backward=_gradients_last(notation, backward, gradients),
        saved=[at for at in sorted([*forward, *results]) if at in read],
        values=values,
        gradients=gradients,
    )


def _gradients_last(notation: Notation, backward: list[int], gradients: list[int]) -> list[int]:
    """Move gradients that no other statement reads to the end, in the order in which they are returned."""
    read = {k for at in written(notation, backward) for k in notation.terms[at].operands}
    computed = set(backward)
    last = dict.fromkeys([at for at in gradients if at in computed and at not in read])
    return [*(at for at in backward if at not in last), *last]


def written(notation: Notation, statements: Iterable[int]) -> set[int]:
    """Return the operations that statements or results contain, including themselves."""
    seen = set(statements)
    stack = list(seen)
    while stack:
        for k in notation.terms[stack.pop()].operands:
            if k not in seen and notation.is_inline(k):
                seen.add(k)
                stack.append(k)
    return seen


def says_samples(notation: Notation, statements: Iterable[int], results: Iterable[int]) -> bool:
    """Return whether any statement or result contains the number of samples."""
    inline = [at for at in results if notation.is_inline(at)]
    return any(reads_samples(notation.terms[at]) for at in written(notation, [*statements, *inline]))


def statement_count(notation: Notation, statements: Iterable[int]) -> int:
    """Count statements, including those in the bodies of loops."""
    count = 0
    for at in statements:
        count += 1
        if notation.terms[at].kind == "loop":
            body = Notation(notation.terms[at].attribute.body)
            count += statement_count(body, filter(body.is_statement, range(len(body.terms))))
    return count


def _products_of(body: ArrayProgram) -> int:
    """Count the matrix products in the body of a loop."""
    notation = Notation(body)
    return sum(products(notation, filter(notation.is_statement, range(len(notation.terms))), body.outputs))


def products(notation: Notation, statements: Iterable[int], results: Iterable[int]) -> list[int]:
    """Return the number of matrix products in each statement and result that has any."""
    counts: dict[int, int] = {}

    def count(at: int) -> int:
        term = notation.terms[at]
        inner = sum(counts[k] for k in term.operands if notation.is_inline(k))
        if term.kind == "loop":
            return inner + _products_of(term.attribute.body)
        return inner + (term.kind == "contract" and as_outer_product(term.attribute) is None)

    roots = [*statements, *(at for at in results if notation.is_inline(at))]
    for root in roots:
        stack = [root]
        while stack:
            missing = [k for k in notation.terms[stack[-1]].operands if notation.is_inline(k) and k not in counts]
            if missing:
                stack += missing
                continue
            at = stack.pop()
            counts[at] = count(at)
    return [counts[at] for at in roots if counts[at]]
