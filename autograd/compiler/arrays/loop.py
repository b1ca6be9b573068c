"""Loops: a body program that runs once per step, with state carried from each step to the next."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from autograd.compiler.arrays.operations import Batch, Operation, Shape, listed

if TYPE_CHECKING:
    from autograd.compiler.arrays.program import ArrayProgram

T = TypeVar("T")


class Stepping(NamedTuple):
    """An axis of an array along which each step of a loop reads or writes one place.

    Attributes:
        axis: of the same length as the loop; the body's array lacks it.
        backward: whether the first step accesses the last place.
    """

    axis: int
    backward: bool = False

    def place(self, step: int, steps: int) -> int:
        """Return the place along the axis at a step."""
        return steps - 1 - step if self.backward else step

    def outer(self, shape: Shape, steps: int) -> Shape:
        """Return the shape of the full array, given the shape at one place."""
        return (*shape[: self.axis], steps, *shape[self.axis :])

    def reversed(self) -> Stepping:
        return self._replace(backward=not self.backward)


@dataclass(frozen=True, eq=False)
class Loop:
    """A loop. Its operands are, in order: initial states, arrays read by step, and loop-invariant arrays.

    The body is a program with one argument for each operand: the states before the step, the places that the step
    reads, and the invariant arrays. Its outputs are the states after the step, followed by the places that the step
    writes. The loop's results are the states after the last step, followed by the written arrays.

    The value of a loop is the tuple of its results, and its shape the tuple of their shapes. Only `result` operations
    read a loop. So every other operation has a single array as its result; a loop runs once however many of its results
    are read; unread results are dead code; and results can be added to a loop without changing the readers of the
    others, as differentiation does to save values for the backward loop.

    The derivative of a loop is a loop over the same steps in the opposite order (backpropagation through time: Werbos,
    1990): it carries the cotangents of the states and the accumulated cotangents of the invariant arrays, writes along
    the axes that the loop reads, and reads along those that it writes. See `differentiate.loops`.

    Loops compare by identity.

    Attributes:
        body: has no parameters; they are operands of the loop.
        steps: the number of steps.
        carried: the number of initial states.
        read: the axis along which each of the next operands is read.
        written: the axis along which each array is written.
    """

    body: ArrayProgram
    steps: int
    carried: int
    read: tuple[Stepping, ...] = ()
    written: tuple[Stepping, ...] = ()

    @property
    def arguments(self) -> list[int]:
        """The places of the body's arguments."""
        return [at for at, operation in enumerate(self.body.operations) if operation.kind == "argument"]

    def split(self, operands: Sequence[T]) -> tuple[Sequence[T], Sequence[T], Sequence[T]]:
        """Split a sequence with an item for each operand: states, arrays read by step, and loop-invariant ones."""
        first = self.carried + len(self.read)
        return operands[: self.carried], operands[self.carried : first], operands[first:]

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the shapes of the results.

        Raises:
            ValueError: where an operand, or a state after the step, does not have the shape that the body expects.
        """
        operations, arguments = self.body.operations, self.arguments
        before, after = ([operations[at].shape for at in places] for places in (arguments, self.body.outputs))
        if len(shapes) != len(before) or len(after) != self.carried + len(self.written):
            raise ValueError(
                f"a loop of {len(shapes)} operands, {self.carried} states and {len(self.written)} arrays written has a "
                f"body of {len(before)} arguments and {len(after)} outputs"
            )
        for shape, expected, stepping, at in zip(shapes, before, self.steppings, arguments):
            if stepping is not None and not self._reads(shape, stepping):
                raise ValueError(f"{self.steps} steps along axis {stepping.axis} do not fit an operand {listed(shape)}")
            shape = shape if stepping is None else (*shape[: stepping.axis], *shape[stepping.axis + 1 :])
            if shape != expected:
                raise ValueError(f"{operations[at].name} is {listed(expected)} in a loop's body, but {listed(shape)}")
        for first, last in zip(before[: self.carried], after):
            if first != last:
                raise ValueError(f"a state of a loop is {listed(first)} before a step, and {listed(last)} after it")
        written = after[self.carried :]
        if any(not 0 <= stepping.axis <= len(shape) for stepping, shape in zip(self.written, written)):
            raise ValueError(
                f"a loop writes arrays {', '.join(map(listed, written))} along axes that these cannot have"
            )
        return (*after[: self.carried], *(s.outer(shape, self.steps) for s, shape in zip(self.written, written)))

    @property
    def steppings(self) -> list[Stepping | None]:
        """The stepping of each operand; None for one that is the same at every step."""
        same = len(self.arguments) - self.carried - len(self.read)
        return [*[None] * self.carried, *self.read, *[None] * same]

    def _reads(self, shape: Shape, stepping: Stepping) -> bool:
        return self.steps > 0 and 0 <= stepping.axis < len(shape) and shape[stepping.axis] == self.steps

    def __str__(self) -> str:
        steppings = [("reads", self.read), ("writes", self.written)]
        by_step = [f"{verb} along {', '.join(map(_described, several))}" for verb, several in steppings if several]
        return "; ".join([f"loop of {self.steps} steps, {self.carried} carried", *by_step])


def _described(stepping: Stepping) -> str:
    return f"{stepping.axis}{' backward' if stepping.backward else ''}"


def is_of_numbers(loop: Loop) -> bool:
    """Return whether each operation of a step computes a single number per sample."""
    return all(
        is_of_numbers(operation.attribute) if operation.kind == "loop" else _size(operation.shape) == 1
        for operation in loop.body.operations
        if operation.kind in ("apply", "contract", "reduce", "slopes", "loop")
    )


def _size(shape: Shape) -> int:
    """Return the number of elements of an array per sample."""
    return math.prod([n.times if isinstance(n, Batch) else n for n in shape])


def numbers_a_step(loop: Loop) -> int:
    """Estimate the number of elements that a step computes per sample; an inner loop counts with one of its steps."""
    numbers = 0
    for operation in loop.body.operations:
        if operation.kind == "loop":
            numbers += numbers_a_step(operation.attribute)
        elif operation.kind in ("apply", "contract", "reduce", "slopes"):
            shapes = [operation.shape, *[loop.body.operations[k].shape for k in operation.operands]]
            numbers += max(map(_size, shapes))
    return numbers


def names(operations: Sequence[Operation]) -> Iterator[str]:
    """Yield the names of operations, including those in the bodies of loops."""
    for operation in operations:
        if operation.name:
            yield operation.name
        elif operation.kind == "loop":
            yield from names(operation.attribute.body.operations)


def verify_loop(program: ArrayProgram, at: int) -> None:
    """Check a loop's body, and that only named results read the loop.

    Args:
        program: the program that contains the loop.
        at: the loop's place in the program.

    Raises:
        ValueError: if a check fails.
    """
    operations, label = program.operations, program.label(at)
    body = operations[at].attribute.body.verify()
    if any(operation.kind == "parameter" for operation in body.operations):
        raise ValueError(f"the body of {label} has parameters, which must be operands of the loop")
    readers = [k for k, operation in enumerate(operations) if at in operation.operands]
    if at in (*program.outputs, *program.masks) or any(operations[k].kind != "result" for k in readers):
        raise ValueError(f"{label} is a loop: only `result` operations may read it")
    unnamed = {k for k in readers if not operations[k].name}
    if operations[at].name or not all(unnamed.isdisjoint(operation.operands) for operation in operations):
        raise ValueError(f"{label} is a loop: it must have no name, and its results must have one")
    _verify_names(program, at, set())


def _verify_names(program: ArrayProgram, at: int, enclosing: set[str]) -> None:
    """Check that bodies do not reuse the names of enclosing programs, so that all fit into one printed function.

    A loop-invariant array may have the same name in the body as outside.
    """
    operations, loop = program.operations, program.operations[at].attribute
    body: ArrayProgram = loop.body
    taken = {*enclosing, *(operation.name for operation in operations if operation.name)}
    _, _, same = loop.split(list(zip(loop.arguments, operations[at].operands)))
    own = {body.operations[k].name for k, x in same if body.operations[k].name == operations[x].name}
    clash = sorted(taken & {operation.name for operation in body.operations if operation.name} - own)
    if clash:
        raise ValueError(f"the body of {program.label(at)} reuses names of the enclosing program: {', '.join(clash)}")
    for k, operation in enumerate(body.operations):
        if operation.kind == "loop":
            _verify_names(body, k, taken)
