"""Free arrays after their last use: those of a loop are as large as all its steps together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain

from autograd.compiler.targets.loops import LoopStatements
from autograd.compiler.targets.schedule import GRADIENT, Schedule, written


def variables_to_delete(
    plan: Schedule,
    statements: Sequence[int],
    results: Sequence[int],
    loops: Mapping[int, LoopStatements],
    last_loops: Mapping[str, int],
) -> dict[int, list[str]]:
    """Return, for each statement, the variables that no later one reads.

    Arguments are not deleted, since the caller still holds them.

    Args:
        plan: the schedule that the statements belong to.
        statements: the places of a function's statements, in order.
        results: the places of the results that the function returns afterwards.
        loops: the statements of each loop among them.
        last_loops: the last loop that uses further variables, by name.
    """
    terms = plan.notation.terms

    def read(at: int) -> list[str]:
        return [terms[k].name for x in written(plan.notation, [at]) for k in (x, *terms[x].operands)]

    variables = {terms[at].name for at in plan.saved}
    last: dict[str, int] = {}
    for at in statements:
        own = loops[at].variables if at in loops else {terms[at].name}
        variables |= own
        last.update(dict.fromkeys([*read(at), *own], at))
    last |= {name: at for name, at in last_loops.items() if at in loops}
    variables |= last_loops.keys()
    inline = [at for at in results if plan.notation.is_inline(at)]
    kept = {"", GRADIENT, *plan.arguments, *(terms[at].name for at in results), *chain(*map(read, inline))}
    deleted: dict[int, list[str]] = {at: [] for at in statements}
    for name, at in last.items():
        if name in variables and name not in kept:
            deleted[at].append(name)
    return deleted
