"""Write loops as Python statements: `for t in range(50):`, followed by the statements of the body.

States are variables; results written by step are arrays, in which each step fills one place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from autograd.compiler.arrays.loop import Loop, Stepping
from autograd.compiler.arrays.operations import listed
from autograd.compiler.targets.expressions import Expressions
from autograd.compiler.targets.memory.order import StepOrder
from autograd.compiler.targets.notation import Notation, described

Assign = Callable[[str, str, str], str]
"""Writes a statement: the name, the expression and a comment."""


class LoopStatements(NamedTuple):
    """The statements of a loop.

    Attributes:
        before: initial states, operands that are the same at each step, and arrays to fill.
        block: the loop, with an indented body.
        after: the last states.
        variables: the names that these statements assign.
    """

    before: list[str]
    block: list[str]
    after: list[str]
    variables: set[str]

    @property
    def lines(self) -> list[str]:
        """All statements in order."""
        return [*self.before, *self.block, *self.after]


def loop_statements(at: int, outer: Expressions, assign: Assign, depth: int = 0) -> LoopStatements:
    """Return the statements of a loop.

    Args:
        at: the loop's place in the program.
        outer: writes expressions of the program.
        assign: writes statements.
        depth: the number of enclosing loops.
    """
    return _LoopWriter(at, outer, assign, depth).statements()


class _LoopWriter:
    """Writes one loop. For the arguments see `loop_statements`."""

    def __init__(self, at: int, outer: Expressions, assign: Assign, depth: int) -> None:
        self._outer, self._write, self._depth = outer, assign, depth
        self._term = outer.terms[at]
        self._loop: Loop = self._term.attribute
        self._notation = Notation(self._loop.body)
        self._body = type(outer)(self._notation, outer.references)
        self._names = [self._notation.terms[k].name for k in self._loop.arguments]
        of_loop = [(k, x) for k, x in enumerate(outer.terms) if x.kind == "result" and x.operands == (at,) and x.name]
        self._results = {x.attribute: k for k, x in of_loop}
        self._order = StepOrder(self._loop, self._notation)
        self._needed = self._loop.body.needed([*self._states(), *(output for _, _, output in self._stacks())])
        self._step = outer.references.local(("step", depth), "t")
        steppings = [*self._loop.read, *(stepping for _, stepping, _ in self._stacks())]
        self._is_reversed = 2 * sum(stepping.backward for stepping in steppings) > len(steppings)
        self._variables = {self._step}

    def statements(self) -> LoopStatements:
        steps = f"range({self._loop.steps})"
        head = f"    for {self._step} in {f'reversed({steps})' if self._is_reversed else steps}:"
        step = [*self._read(), *self._computed(), *self._written(False), *self._updated(), *self._written(True)]
        results = [(k, self._outer.terms[at]) for k, at in sorted(self._results.items()) if k < self._loop.carried]
        last = [self._assign([result.name], [self._names[k]], described(result)) for k, result in results]
        block = [head, *map(_indented, step or ["    pass"])]
        return LoopStatements(self._ahead(), block, last, self._variables)

    def _assign(self, names: Sequence[str], texts: Sequence[str], comment: str) -> str:
        self._variables.update(names)
        return self._write(", ".join(names), ", ".join(texts), comment)

    def _states(self) -> Sequence[int]:
        """Return the places of the states after a step."""
        return self._loop.body.outputs[: self._loop.carried]

    def _stacks(self) -> list[tuple[int, Stepping, int]]:
        """Return the written arrays: the place of the result, the stepping, and the place of the body's output."""
        loop = self._loop
        outputs = enumerate(zip(loop.written, loop.body.outputs[loop.carried :]), loop.carried)
        return [(self._results[k], stepping, at) for k, (stepping, at) in outputs if k in self._results]

    def _ahead(self) -> list[str]:
        """Return the statements before the loop: initial states, loop-invariant operands, and arrays to fill."""
        lines, terms = [], self._outer.terms
        states, arrays, same = self._loop.split(list(zip(self._term.operands, self._names)))
        for k, name in [*states, *((k, self._array(k, name)) for k, name in arrays), *same]:
            if terms[k].name != name:
                lines.append(self._assign([name], [self._outer.read(k).text], listed(terms[k].shape)))
        names = {k: self._array(k, name) for k, name in arrays}
        for result, stepping, _ in self._stacks():
            text = self._outer.array_to_fill(result, stepping.axis, names)
            lines.append(self._assign([terms[result].name], [text], listed(terms[result].shape)))
        return lines

    def _array(self, k: int, argument: str) -> str:
        """Return the name of an array that is read by step."""
        return self._outer.terms[k].name or self._outer.references.local((self._loop, argument), f"{argument}_by_step")

    def _read(self) -> list[str]:
        places = dict(zip(self._names, self._loop.arguments))
        _, arrays, _ = self._loop.split(list(zip(self._term.operands, self._names)))
        needed = [(k, name, by) for (k, name), by in zip(arrays, self._loop.read) if places[name] in self._needed]
        self._variables.update([name for _, name, _ in needed])
        return [f"    {name} = {self._array(k, name)}{self._index(stepping)}" for k, name, stepping in needed]

    def _index(self, stepping: Stepping) -> str:
        place = self._step if stepping.backward == self._is_reversed else f"-1 - {self._step}"
        return f"[{':, ' * stepping.axis}{place}]"

    def _computed(self) -> list[str]:
        """Return the statements of the body."""
        lines, terms = [], self._notation.terms
        for at in sorted(filter(self._notation.is_statement, self._needed)):
            if terms[at].kind == "loop":
                inner = loop_statements(at, self._body, self._write, self._depth + 1)
                lines += inner.lines
                self._variables |= inner.variables
            else:
                lines.append(self._assign([terms[at].name], [self._body.definition(at).text], described(terms[at])))
        return lines

    def _written(self, late: bool) -> list[str]:
        return [
            f"    {self._outer.terms[result].name}{self._index(stepping)} = {self._body.read(at).text}"
            for result, stepping, at in self._stacks()
            if (self._outer.terms[result].attribute - self._loop.carried in self._order.late) == late
        ]

    def _updated(self) -> list[str]:
        """Return the updates of states: in sequence if no state is read after it is overwritten, else at once."""
        outputs, arguments = self._states(), self._loop.arguments
        reads = self._order.reads
        pending = list(reads)
        lines = []
        while pending:
            free = [k for k in pending if not any(arguments[k] in reads[j] for j in pending if j != k)]
            together = free[:1] or pending
            names = [self._names[k] for k in together]
            texts = [self._body.read(outputs[k]).text for k in together]
            shapes = ", ".join([listed(self._notation.terms[outputs[k]].shape) for k in together])
            lines.append(self._assign(names, texts, shapes))
            pending = [k for k in pending if k not in together]
        return lines


def _indented(statement: str) -> str:
    return "\n".join([f"    {line}" for line in statement.split("\n")])
