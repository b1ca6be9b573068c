"""Find eliminations: forward substitution and Gauss's and Cholesky's algorithms become loops over rows.

The body has all places at every step, and the pivot is the first of them. The places beyond the shrunken matrix are
copies of its last row and column: nothing reads their results, and they contain no pivot, so they are finite where the
matrix is.
"""

from __future__ import annotations

from collections.abc import Iterator

from autograd.compiler import cost_of_loops
from autograd.compiler.scalars.builder import Builder, new_numbers
from autograd.compiler.scalars.depths import levels
from autograd.compiler.scalars.eliminations.accumulators import with_accumulators
from autograd.compiler.scalars.eliminations.body import EliminationBody
from autograd.compiler.scalars.eliminations.elimination import NoEliminationError, elimination_of
from autograd.compiler.scalars.loops.repeat import RESULT
from autograd.compiler.scalars.nodes import CONSTANT
from autograd.compiler.scalars.program import ScalarProgram
from autograd.compiler.scalars.rewrite import rewrite


def find_eliminations(program: ScalarProgram) -> ScalarProgram:
    """Turn each elimination into a loop.

    Products are added in another order than in the graph only if there is no elimination otherwise, as in back
    substitution that subtracts the products of the newest numbers first.
    """
    if not cost_of_loops.may_have_eliminations(len(program.operations) + len(program.lefts), levels(program)):
        return program
    while True:
        looped = next((after for form, after in _attempts(program) if after is not form), program)
        if looped is program:
            return program
        program = looped


def _attempts(program: ScalarProgram) -> Iterator[tuple[ScalarProgram, ScalarProgram]]:
    """Yield forms of a program, each with its largest elimination turned into a loop, or unchanged if it has none."""
    yield program, _with_loop(program)
    for reorder in (False, True):
        form = with_accumulators(program, reorder)
        if form is not program:
            yield form, _with_loop(form)


def _with_loop(program: ScalarProgram) -> ScalarProgram:
    """Turn the largest elimination into a loop; return the program unchanged if there is none."""
    try:
        return _rewritten(program, EliminationBody(program, elimination_of(program)))
    except NoEliminationError:
        return program


def _rewritten(program: ScalarProgram, body: EliminationBody) -> ScalarProgram:
    members = body.members
    guards = program.guards
    if members & {*guards.of, *guards.choices, *guards.unreached, *guards.of.values()}:
        raise NoEliminationError
    after = _after(program, members)
    if any(after[k] or k in members for k in body.operands if k >= 0):
        raise NoEliminationError
    read = {k for i in program.operations if i not in members for k in program.operands_of(i)}
    read |= {*program.outputs, *(k for i in program.guard_operations for k in program.operands_of(i))}
    first_row = body.first_row(read)
    repeat, places = body.repeat(sorted(read & members), first_row)
    builder = Builder.like(program)
    new = new_numbers(program)
    first = len(program) - guards.size
    before = [i for i in range(program.interior.start, first) if not after[i] and i not in members]
    for i in before:
        new[i] = builder.copy(program, i, new)
    numbers = [builder.constant(x) for x in body.numbers]
    loop = builder.application(builder.opcode(repeat), [new[k] if k >= 0 else numbers[-1 - k] for k in body.operands])
    known = list(new)  # the numbers of nodes, for readers after the loop
    for i, place in places.items():
        known[i] = builder.application(builder.opcode(RESULT), [loop, builder.constant(float(place))])
        if i in members:
            new[i] = known[i]
    for i in range(program.interior.start, len(program)):
        if after[i] or i >= first:
            new[i] = known[i] = builder.copy(program, i, known)
    looped = builder.successor(program, new, range(len(program)))
    return rewrite(looped, range(len(looped)))


def _after(program: ScalarProgram, members: set[int]) -> list[bool]:
    """Return, for each node, whether it is not a member and depends on one."""
    depends = [i in members for i in range(len(program))]
    for i in program.interior:
        if program.opcodes[i] != CONSTANT and not depends[i]:
            depends[i] = any(depends[k] for k in program.operands_of(i))
    return [depends[i] and i not in members for i in range(len(program))]
