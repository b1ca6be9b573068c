"""Provide a backward loop with the values of the forward loop's body that it reads."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import NamedTuple

from autograd.compiler.arrays.algebra import Simplified
from autograd.compiler.arrays.builder import Builder
from autograd.compiler.arrays.handle import Handle
from autograd.compiler.arrays.loop import Loop, Stepping
from autograd.compiler.arrays.operations import Operation
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.differentiate.over_steps import ByStep
from autograd.compiler.differentiate.saving import least_saved
from autograd.compiler.names import Names


class Input(NamedTuple):
    """An argument of the backward body.

    Attributes:
        at: its place in the program from which the body is extracted.
        operand: the operand of the backward loop.
        stepping: how the operand is read by step; None if it is not.
    """

    at: int
    operand: Handle
    stepping: Stepping | None = None


class Inputs(NamedTuple):
    """The forward values and cotangents that a backward loop reads.

    Attributes:
        before: for states that are carried backward, the place of the value before a step.
        carried: for these states, the value after the step, initially that after the last step.
        given: all other inputs, those read by step first.
        by_step: the values of all steps as arrays, by their places in the body.
    """

    before: list[int]
    carried: list[Input]
    given: list[Input]
    by_step: dict[int, ByStep]


class ForwardValues:
    """The values of a loop's body, in the program of a reverse sweep through the body.

    Args:
        out: the loop, in the new program.
        operands: the loop's operands.
        body: the sweep's program: the forward operations, followed by the added ones.
        forward: the number of forward operations in it.
        value: returns the place in it of an operation of the loop's body.
    """

    def __init__(
        self,
        out: Simplified,
        operands: Sequence[Simplified],
        names: Names,
        body: Builder,
        forward: int,
        value: Callable[[int], Handle],
    ) -> None:
        self._out, self._operands, self._names, self._body, self._forward = out, operands, names, body, forward
        loop = self._loop
        self._arguments = [value(at).at for at in loop.arguments]
        self._outputs = [value(at).at for at in loop.body.outputs]
        self._numbers = {at: k for k, at in enumerate(self._arguments)}
        after = enumerate(self._outputs[: loop.carried])
        self._after = {at: k for k, at in after if at not in self._numbers}
        by_step = enumerate(self._outputs[loop.carried :])
        self._written = {at: n for n, at in by_step if self._numbers.get(at, -1) < loop.carried}

    @property
    def _loop(self) -> Loop:
        loop: Loop = self._out.operation.attribute
        return loop

    def is_forward(self, at: int) -> bool:
        """Return whether the forward loop computes or reads a value."""
        operation = self._body.operations[at]
        return at < self._forward or (operation.kind == "result" and operation.operands[0] < self._forward)

    def differs_by_step(self, at: int) -> bool:
        """Return whether the forward loop reads this value by step, carries it, or can write it by step."""
        k = self._numbers.get(at)
        if k is not None:
            return k < self._loop.carried + len(self._loop.read)
        return self.is_forward(at) and self._body.operations[at].kind != "constant"

    @property
    def in_order(self) -> Stepping:
        """The default axis and direction in which values are written."""
        return Stepping(0, any(stepping.backward for stepping in self._loop.read[:1]))

    def stepping_of(self, at: int) -> Stepping:
        """Return the axis and direction in which a value that differs by step is, or will be, written."""
        loop, k = self._loop, self._numbers.get(at, -1)
        if k >= loop.carried:
            return loop.read[k - loop.carried]
        after = self._outputs[k] if k >= 0 else at
        for place in (at, after):
            if place in self._written:
                return loop.written[self._written[place]]
        return self.in_order

    def inputs(self, outputs: Sequence[int], wanted: Collection[int], cotangents: Sequence[Input]) -> Inputs:
        """Choose the values to save, and extend the forward loop to write them.

        Args:
            outputs: the outputs of the backward body.
            wanted: values of all steps that are read after the backward loop.
            cotangents: the cotangents that are read by step.
        """
        operations = self._body.operations
        fixed = {at for at in (*self._written, *wanted) if operations[at].kind not in ("argument", "constant")}

        def is_given(at: int) -> bool:
            return at in fixed or self._numbers.get(at, -1) >= self._loop.carried or operations[at].kind == "constant"

        roots = needed_for(operations, outputs, lambda at: operations[at].kind == "argument" or self.is_forward(at))
        saved = least_saved(operations, [at for at in roots if self.is_forward(at)], is_given) | fixed
        needed = needed_for(operations, outputs, lambda at: operations[at].kind == "argument" or at in saved)
        carried = [
            at
            for at, k in self._after.items()
            if at in needed and at in saved and at not in fixed and self._arguments[k] in needed
        ]
        to_save, same = set[int](), list[Input]()
        read = [x for x in cotangents if x.at in needed]
        for at in sorted(needed):
            k = self._numbers.get(at)
            if k is not None and k >= self._loop.carried:
                stepping = self._loop.steppings[k]
                several = same if stepping is None else read
                several.append(Input(at, self._operands[k], stepping and stepping.reversed()))
            elif (k is not None or at in saved) and at not in carried:
                to_save.add(at)
        after = {k: at for at, k in self._after.items()}
        shifted = {}  # maps values before a step to the saved values after it
        for at in wanted:
            k = self._numbers.get(at)
            if k is None:
                to_save.add(at)
            elif k < self._loop.carried and at not in to_save:
                if k in after and (after[k] in self._written or after[k] in to_save):
                    shifted[at] = after[k]
                else:
                    to_save.add(at)
        arrays = self._saved(sorted({*to_save, *shifted.values()}))
        for at in wanted:
            k = self._numbers.get(at, -1)
            if at in shifted:
                arrays[at] = arrays[shifted[at]]._replace(before=self._operands[k])
            elif k >= self._loop.carried:
                stepping = self._loop.steppings[k]
                assert stepping is not None
                arrays[at] = ByStep(self._operands[k], stepping)
        from_steps = [Input(at, arrays[at].array, arrays[at].stepping.reversed()) for at in sorted(to_save & needed)]
        last = [Input(at, self._result(self._after[at], at)) for at in carried]
        before = [self._arguments[self._after[at]] for at in carried]
        return Inputs(before, last, [*read, *from_steps, *same], arrays)

    def _saved(self, places: Sequence[int]) -> dict[int, ByStep]:
        """Extend the loop to write these values of its body by step."""
        loop, builder = self._loop, self._out.builder
        for at in places:
            if not self._body.operations[at].name:
                Handle(self._body, at).named(self._names.numbered("value"))
        numbers = dict(self._written)
        more = [at for at in places if at not in numbers]
        numbers.update(zip(more, range(len(loop.written), len(loop.written) + len(more))))
        if more:
            body = cut_out(self._body, [*self._outputs, *more], self._arguments)
            loop = replace(loop, body=body, written=(*loop.written, *map(self.stepping_of, more)))
            builder.give_attribute(self._out, loop)
        return {
            at: ByStep(self._result(loop.carried + numbers[at], at, "_by_step"), loop.written[numbers[at]])
            for at in places
        }

    def _result(self, number: int, at: int, suffix: str = "") -> Simplified:
        """Return a result of the loop, named."""
        builder = self._out.builder
        result = builder.result(self._out, number)
        if not result.operation.name:
            base = self._body.operations[at].name or "output"
            result = result.named(self._names.plain(f"{base}{suffix}"))
        simplified: Simplified = Simplified.of(result)
        return simplified


def needed_for(operations: Sequence[Operation], outputs: Sequence[int], is_known: Callable[[int], bool]) -> set[int]:
    """Return the operations that these depend on, including themselves, up to and including known ones."""
    needed, stack = set(outputs), list(outputs)
    while stack:
        at = stack.pop()
        if not is_known(at):
            new = set(operations[at].operands) - needed
            needed |= new
            stack += new
    return needed


def cut_out(builder: Builder, outputs: Sequence[int], arguments: Sequence[int]) -> ArrayProgram:
    """Extract the part of a program that computes outputs from arguments."""
    operations, given = builder.operations, set(arguments)
    place = {at: k for k, at in enumerate(arguments)}
    part = [
        Operation("argument", (), (o.name, o.shape), o.shape, o.name) for o in map(operations.__getitem__, arguments)
    ]
    for at in sorted(needed_for(operations, outputs, given.__contains__) - given):
        place[at] = len(part)
        operation = operations[at]
        part.append(operation._replace(operands=tuple([place[k] for k in operation.operands])))
    return ArrayProgram(tuple(part), tuple([place[at] for at in outputs]))
