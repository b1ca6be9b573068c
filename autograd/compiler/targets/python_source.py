"""Programs as readable Python: functions `forward`, `backward` and `input_gradients` over NumPy arrays.

Each named operation is a statement with its shape in a comment; other operations are written inline.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from autograd.compiler.targets.expressions import Expressions
from autograd.compiler.targets.loops import LoopStatements, loop_statements
from autograd.compiler.targets.notation import Notation, described
from autograd.compiler.targets.references import References
from autograd.compiler.targets.schedule import GRADIENT, Schedule, products, says_samples, statement_count
from autograd.compiler.targets.text import assignment, listed


class Function(NamedTuple):
    """A function: its first line and its statements, each of one or more lines."""

    head: str
    statements: list[str]

    def __str__(self) -> str:
        return "\n".join([self.head, *self.statements])


class Writer:
    """Writes the functions of a program.

    Args:
        plan: the statements of each function.
        references: names for the objects that the functions refer to.

    Attributes:
        operations: the number of statements.
        products: the number of matrix products of each statement that has any.
    """

    schedule: Schedule
    references: References

    expressions: type[Expressions] = Expressions

    def __init__(self, plan: Schedule, references: References) -> None:
        self.schedule, self.references = plan, references
        self._notation = plan.notation
        self._write = self.expressions(plan.notation, references)
        self.operations: int = statement_count(plan.notation, [*plan.forward, *plan.backward])
        self.products: list[int] = products(
            self._notation, [*plan.forward, *plan.backward], [plan.values, *plan.gradients]
        )

    @property
    def matrix_products(self) -> int:
        """The number of matrix products in the source."""
        return sum(self.products)

    @property
    def counts_seeds(self) -> bool:
        """Return whether the backward pass uses the number of samples."""
        return says_samples(self._notation, self.schedule.backward, self.schedule.gradients)

    def forward(self) -> Function:
        """Return the function that computes the values, and the results that the backward pass reads."""
        plan = self.schedule
        return Function(
            f"def forward({', '.join(plan.arguments)}):",
            [
                *self._samples(plan.first, plan.forward, [plan.values]),
                *self._statements(plan.forward, self._statement, [plan.values, *plan.saved]),
                f"    return {self._result(plan.values)}, {self._packed()}",
            ],
        )

    def backward(self) -> Function:
        """Return the function that computes the gradients from the values' cotangents and the saved results."""
        plan = self.schedule
        return Function(
            f"def backward({', '.join([GRADIENT, 'saved', *plan.arguments])}):",
            [
                *self._samples(GRADIENT, plan.backward, plan.gradients),
                *[self._unpacked()] * bool(self._saved()),
                *self._statements(plan.backward, self._statement_of_backward, plan.gradients),
                f"    return {listed(list(map(self._result, plan.gradients)))}",
            ],
        )

    def input_gradients(self) -> Function:
        """Return the function that computes the values and the arguments' gradients, forward and backward in one."""
        plan = self.schedule
        statements = [*plan.forward, *plan.backward]
        return Function(
            f"def input_gradients({', '.join([GRADIENT, *plan.arguments])}):",
            [
                *self._samples(GRADIENT, statements, [plan.values, *plan.gradients]),
                *self._statements(statements, self._statement, [plan.values, *plan.gradients]),
                f"    return {self._result(plan.values)}, {listed(list(map(self._result, plan.gradients)))}",
            ],
        )

    def definitions(self) -> list[Function]:
        """Return the functions that the functions written so far refer to."""
        functions = []
        for name, definition in self.references.definitions.items():
            arguments = [o.name for o in definition.operations if o.kind == "argument"]
            (result,) = definition.outputs
            text = self.expressions(Notation(definition), self.references).read(result).text
            functions.append(Function(f"def {name}({', '.join(arguments)}):", [f"    return {text}"]))
        return functions

    def _statements(self, places: Sequence[int], write: Callable[[int], str], results: Sequence[int]) -> list[str]:
        """Write one statement for each operation, several for a loop.

        Args:
            places: the operations.
            write: writes the statement of an operation that is no loop.
            results: the operations that the function returns after the statements.
        """
        loops = self._loops(places)
        return [line for at in places for line in (loops[at].lines if at in loops else [write(at)])]

    def _loops(self, places: Iterable[int]) -> dict[int, LoopStatements]:
        """Write the operations that are loops."""
        loops = [at for at in places if self._notation.terms[at].kind == "loop"]
        return {at: loop_statements(at, self._write, self._assigned) for at in loops}

    def _statement(self, at: int) -> str:
        term = self._notation.terms[at]
        return self._assigned(term.name, self._write.definition(at).text, described(term))

    def _assigned(self, name: str, text: str, comment: str) -> str:
        return assignment(name, text, comment)

    def _statement_of_backward(self, at: int) -> str:
        return self._statement(at)

    def _result(self, at: int) -> str:
        return self._write.read(at).text

    def _packed(self) -> str:
        return listed(self._saved())

    def _unpacked(self) -> str:
        return f"    {listed(self._saved())} = saved"

    def _saved(self) -> list[str]:
        return [self._notation.terms[at].name for at in self.schedule.saved]

    def _samples(self, first: str, statements: Iterable[int], results: Iterable[int]) -> list[str]:
        """Return the statement that defines the number of samples, if it is used."""
        return [f"    n = len({first or '[0]'})"] * says_samples(self._notation, statements, results)


class Source(NamedTuple):
    """Functions, with the objects that they refer to.

    Attributes:
        notes: comments on these objects.
        definitions: helper functions that the others call.
        functions: the functions.
    """

    notes: list[str]
    definitions: list[Function]
    functions: list[Function]

    def __str__(self) -> str:
        notes = ["\n".join(f"# {note}" for note in self.notes)] if self.notes else []
        return "\n\n".join([*notes, *map(str, self.definitions), *map(str, self.functions)]) + "\n"


def passes(writer: Writer) -> Source:
    """Return the source of the forward and the backward pass.

    >>> from autograd.compiler.arrays.builder import Builder
    >>> from autograd.compiler.differentiate.reverse import to_parameters
    >>> from autograd.compiler.targets.schedule import schedule
    >>> b = Builder()
    >>> x, w = b.argument("x", 3), b.parameter([[0, 1, 2]], "w")
    >>> program = to_parameters(b.program([b.contract(x, w, "nk", "ck", "nc").named("z")]), 1)
    >>> print(passes(Writer(schedule(program), References(program))))
    def forward(x, w):
        z = x @ w.T                                               # (n, 1)
        return z, ()
    <BLANKLINE>
    def backward(gradient, saved, x, w):
        nabla_w = gradient.T @ x                                  # (1, 3)
        return (nabla_w,)
    <BLANKLINE>
    """
    functions = [writer.forward(), writer.backward()]
    return Source(writer.references.notes, writer.definitions(), functions)


def to_inputs(writer: Writer) -> Source:
    """Return the source of the values and the gradients of the arguments."""
    functions = [writer.input_gradients()]
    return Source(writer.references.notes, writer.definitions(), functions)
