"""Expand a program of small arrays and loops into instructions on single numbers, for one sample."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from autograd import primitives
from autograd.arrays import np
from autograd.compiler import cost
from autograd.compiler.arrays.loop import Loop
from autograd.compiler.arrays.operations import PADDING, Data, Labels, Operation
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.differentiate.transposes import GRADIENT
from autograd.compiler.targets.straight_line.arranged import arranged, longest, moved, sized, together, with_zeros
from autograd.compiler.targets.straight_line.block_builder import BlockBuilder, Scope, UnexpandableError
from autograd.compiler.targets.straight_line.blocks import (
    ARGUMENTS,
    CONSTANTS,
    PARAMETERS,
    SEEDS,
    SPACE,
    Block,
    Blocks,
    Carried,
    Codes,
    Copy,
    ForLoop,
    Put,
    Read,
    flat,
    row,
)
from autograd.compiler.targets.straight_line.fuse import fused
from autograd.primitives import Primitive

_REDUCTIONS = {
    "max": primitives.max_,
    "min": primitives.min_,
    "prod": primitives.prod_,
    "logsumexp": primitives.logsumexp,
}


def expand(program: ArrayProgram) -> Blocks:
    """Return a program as instructions on single numbers.

    Args:
        program: computes values, or values and gradients.

    Raises:
        UnexpandableError: if an operation cannot be expanded, or there are too many.
    """
    return fused(_Expansion(program).blocks())


class _Expansion:
    def __init__(self, program: ArrayProgram) -> None:
        self._program = program
        self._arguments = self._seeds = 0
        self._names: dict[int, str] = {}
        self._numbers = BlockBuilder()
        self._forward = self._numbers.scope

    def blocks(self) -> Blocks:
        values = self._run(self._program, {}, set(range(len(self._program.operations))))
        results: list[Codes | None] = [values[at] for at in self._program.outputs]
        for n, at in enumerate(self._program.outputs[1:], 1):
            if self._program.operations[at].kind == "constant":
                results[n] = None  # the gradient is zero
        backward = Block() if self._numbers.scope is self._forward else self._numbers.scope.block
        sizes = self._arguments, self._seeds
        numbers = self._numbers
        return Blocks(self._forward.block, backward, results, numbers.constants, numbers.buffers, *sizes, self._names)

    def _run(self, program: ArrayProgram, given: Mapping[int, Any], needed: set[int]) -> list[Any]:
        """Return the codes of each operation's results.

        Args:
            given: the codes of a body's arguments.
            needed: the live operations of a body.
        """
        values: list[Any] = []
        for at, operation in enumerate(program.operations):
            if operation.kind in ("argument", "parameter"):
                is_body = program is not self._program
                values.append(given.get(at) if is_body else self._leaf(operation))
            elif at not in needed:
                values.append(None)
            elif operation.kind == "loop":
                used = {o.attribute for k, o in enumerate(program.operations) if o.operands == (at,) and k in needed}
                values.append(self._loop(operation.attribute, [values[k] for k in operation.operands], used))
            else:
                values.append(self._expanded(operation, [values[k] for k in operation.operands]))
        return values

    # Leaves

    def _leaf(self, operation: Operation) -> Codes:
        shape = sized(operation.shape)
        size = math.prod(shape)
        if operation.kind == "parameter":
            codes: Codes = PARAMETERS * SPACE + operation.attribute.array
        elif operation.attribute[0] == GRADIENT:
            self._numbers.scope = Scope(self._forward)
            self._seeds = size
            codes = row(SEEDS, size)
        else:
            codes = self._arguments + row(ARGUMENTS, size)
            self._arguments += size
        if operation.name:
            several = flat(codes)
            for k, code in enumerate(several):
                self._names.setdefault(code, f"{operation.name}_{k}" if len(several) > 1 else operation.name)
        arranged_codes: Codes = codes.reshape(shape)
        return arranged_codes

    # Operations

    def _expanded(self, operation: Operation, operands: list[Any]) -> Any:
        attribute = operation.attribute
        match operation.kind:
            case "constant" if isinstance(attribute, Data):
                first = len(self._numbers.constants)
                self._numbers.constants += map(float, attribute.array.reshape(-1).tolist())
                return (CONSTANTS * SPACE + first + np.arange(attribute.array.size)).reshape(attribute.array.shape)
            case "constant":
                return np.array(self._numbers.constant(attribute))
            case "apply":
                return self._elementwise(operation, operands)
            case "contract":
                return self._contraction(attribute, *operands)
            case "reduce":
                return self._reduction(operation, operands[0])
            case "slopes":
                return self._slopes(attribute, operands)
            case "look up" | "scatter" | "accumulate" | "index":
                raise UnexpandableError(operation.kind)
            case "place":
                return self._placed(operation, operands[0])
        return arranged(operation, operands, self._numbers.constant(0.0))

    def _placed(self, operation: Operation, x: Codes) -> Codes:
        positions = operation.attribute.positions.array.reshape(-1).tolist()
        shape = sized(operation.shape)
        total = np.zeros(shape, dtype=np.int64) + self._numbers.constant(0.0)
        parts = x.reshape(*shape[:-1], -1)
        for k, position in enumerate(positions):
            if position != PADDING:
                total[..., position] = self._map(primitives.add, [total[..., position], parts[..., k]])
        return total

    def _map(self, primitive: Primitive, operands: Sequence[Any], name: str = "") -> Codes:
        """Apply a primitive elementwise, to many elements in a loop."""
        arrays = together(operands)
        zero = self._numbers.constant(0.0)
        if primitive is primitives.add and (np.stack(arrays) == zero).any():
            a, b = arrays
            return with_zeros(a, b, zero, lambda *rest: self._map(primitives.add, rest))
        axis = longest(arrays[0].shape)
        if arrays[0].size > cost.MOST_ELEMENTS or self._numbers.are_by_step([(x, axis) for x in arrays]):
            rows = [(x, axis) for x in arrays]
            return moved(self._numbers.stepped(rows, lambda *x: self._map(primitive, x)), 0, axis)
        several = [flat(x) for x in arrays]
        count = len(several[0])
        names = [f"{name}_{k}" for k in range(count)] if name and count > 1 else [name] * count
        results = [self._numbers.applied(primitive, numbers, own) for numbers, own in zip(zip(*several), names)]
        return np.array(results, dtype=np.int64).reshape(arrays[0].shape)

    def _elementwise(self, operation: Operation, operands: list[Any]) -> Codes:
        if operation.attribute.primitive is primitives.identity:
            return np.broadcast_to(operands[0], sized(operation.shape))
        return self._map(operation.attribute.primitive, operands, operation.name)

    def _contraction(self, labels: Labels, a: Codes, b: Codes) -> Codes:
        lengths = {**dict(zip(labels.left, a.shape)), **dict(zip(labels.right, b.shape))}
        letter = max(lengths, key=lambda x: lengths[x])
        along = [(x, own.index(letter)) for x, own in zip((a, b), labels) if letter in own]
        if lengths[letter] > cost.MOST_ELEMENTS or self._numbers.are_by_step(along):
            return self._contraction_by_step(labels, letter, a, b)
        summed = [letter for letter in lengths if letter not in labels.result]
        results = []
        for place in itertools.product(*(range(lengths[letter]) for letter in labels.result)):
            total = None
            for inner in itertools.product(*(range(lengths[letter]) for letter in summed)):
                at = dict(zip((*labels.result, *summed), (*place, *inner)))
                factors = int(a[tuple(at[x] for x in labels.left)]), int(b[tuple(at[x] for x in labels.right)])
                product = self._numbers.applied(primitives.mul, factors)
                total = product if total is None else self._numbers.applied(primitives.add, (total, product))
            results.append(total)
        return np.array(results, dtype=np.int64).reshape([lengths[letter] for letter in labels.result])

    def _contraction_by_step(self, labels: Labels, letter: str, a: Codes, b: Codes) -> Codes:
        """Return a contraction as a loop along one of its axes."""
        rest = Labels(*[own.replace(letter, "") for own in labels])
        rows = [(x, own.index(letter) if letter in own else None) for x, own in zip((a, b), labels)]
        if letter in labels.result:
            results = self._numbers.stepped(rows, lambda x, y: self._contraction(rest, x, y))
            return moved(results, 0, labels.result.index(letter))
        lengths = {**dict(zip(labels.left, a.shape)), **dict(zip(labels.right, b.shape))}
        zeros = np.full([lengths[x] for x in rest.result], self._numbers.constant(0.0))
        return self._numbers.stepped(
            rows, lambda total, x, y: self._map(primitives.add, [total, self._contraction(rest, x, y)]), zeros
        )

    def _reduction(self, operation: Operation, x: Codes) -> Codes:
        function, axes, _, _ = operation.attribute
        others = [k for k in range(x.ndim) if k not in axes]
        rows = x.transpose([*axes, *others])
        if function == "sum":
            return self._sum(rows, len(axes)).reshape(sized(operation.shape))
        several = list(rows.reshape(-1, *(x.shape[k] for k in others)))
        if len(several) > 1 and function not in _REDUCTIONS:
            raise UnexpandableError(function)
        result = self._map(_REDUCTIONS[function], several) if len(several) > 1 else several[0]
        return result.reshape(sized(operation.shape))

    def _sum(self, x: Codes, axes: int) -> Codes:
        """Sum along the first axes, with a loop along a long one."""
        if not axes:
            return x
        along_axis = longest(x.shape[:axes])
        along = moved(x, along_axis, 0)
        if len(along) > cost.MOST_ELEMENTS or self._numbers.are_by_step([(along, 0)]):
            zeros = np.full(x.shape[axes:], self._numbers.constant(0.0))
            return self._numbers.stepped(
                [(along, 0)], lambda total, y: self._map(primitives.add, [total, self._sum(y, axes - 1)]), zeros
            )
        total = self._sum(along[0], axes - 1)
        for y in along[1:]:
            total = self._map(primitives.add, [total, self._sum(y, axes - 1)])
        return total

    def _slopes(self, primitive: Primitive, operands: list[Any]) -> Codes:
        *arrays, out = operands
        if len(arrays) == 1:  # along the last axis
            rows, values = arrays[0].reshape(-1, arrays[0].shape[-1]), flat(out)
            several = [
                self._numbers.applied(primitive, (*flat(r), value), slopes=rows.shape[-1])
                for r, value in zip(rows, values)
            ]
            return np.array(several, dtype=np.int64).reshape(arrays[0].shape)
        arrays = together([*arrays, out])
        columns = zip(*[flat(x) for x in arrays])
        several = [self._numbers.applied(primitive, numbers, slopes=len(arrays) - 1) for numbers in columns]
        return np.array(several, dtype=np.int64).T.reshape(len(arrays) - 1, *arrays[0].shape)

    # Loops

    def _loop(self, loop: Loop, operands: list[Any], used: set[int]) -> list[Any]:
        """Add a loop; return the codes of its used results."""
        body, arguments = loop.body, loop.arguments
        outputs = [k for k in range(len(body.outputs)) if k < loop.carried or k in used]
        needed = body.needed([body.outputs[k] for k in outputs])
        scope, self._numbers.scope = self._numbers.scope, Scope(self._numbers.scope, is_in_loop=True)
        given: dict[int, Any] = {}
        states, read, rows = [], list[Read](), list[Copy]()
        for k, (at, x, stepping) in enumerate(zip(arguments, operands, loop.steppings)):
            if at not in needed and k >= loop.carried:
                continue
            name = body.operations[at].name
            if k < loop.carried:
                given[at] = self._numbers.new(x.shape)
                states.append((given[at], x, name))
            elif stepping is None:
                given[at] = x
            else:
                along = moved(x, stepping.axis, 0)
                along = along[::-1] if stepping.backward else along
                given[at] = self._numbers.by_step(along, name, read, rows, scope)
        values = self._run(body, given, needed)
        carried, last = [], []
        for (registers, first, name), at in zip(states, body.outputs):
            following = np.broadcast_to(values[at], registers.shape)
            for n, codes in enumerate(zip(flat(registers), flat(first), flat(following))):
                carried.append(Carried(*codes, f"{name}_{n}" if registers.size > 1 else name))
            last.append(self._numbers.new(registers.shape))
        puts, arrays = self._written(loop, values, used)
        after = [register for x in last for register in flat(x)]
        scope.block.instructions.append(
            ForLoop(loop.steps, carried, read, rows, self._numbers.scope.block, puts, after)
        )
        self._numbers.scope = scope
        return [*last, *arrays]

    def _written(self, loop: Loop, values: list[Any], used: set[int]) -> tuple[list[Put | Copy], list[Any]]:
        """Return a step's stores into buffers, and the codes of the written arrays."""
        puts: list[Put | Copy] = []
        arrays: list[Any] = []
        for n, (stepping, at) in enumerate(zip(loop.written, loop.body.outputs[loop.carried :]), loop.carried):
            if n not in used:
                arrays.append(None)
                continue
            all_steps = self._numbers.put(values[at], loop.steps, puts)
            arrays.append(moved(all_steps[::-1] if stepping.backward else all_steps, 0, stepping.axis))
        return puts, arrays
