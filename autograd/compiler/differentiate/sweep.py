"""The reverse sweep through a program, operation by operation."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from autograd import primitives
from autograd.compiler import cost
from autograd.compiler.arrays.algebra import Simplified
from autograd.compiler.arrays.builder import Builder
from autograd.compiler.arrays.handle import Handle
from autograd.compiler.arrays.operations import Operation
from autograd.compiler.arrays.program import LEAVES, ArrayProgram
from autograd.compiler.arrays.shapes import is_batched
from autograd.compiler.arrays.written import length_written
from autograd.compiler.differentiate.cotangents import total
from autograd.compiler.differentiate.loops import LoopEdge, pull_back_loop
from autograd.compiler.differentiate.transposes import GRADIENT, Edge, pull_back
from autograd.compiler.names import Names, names_of

_SCALINGS = frozenset({primitives.neg, primitives.mul, primitives.div})


class Sweep:
    """A reverse sweep, from a program's results to the operations `wrt`.

    Args:
        sums_after: whether sums over the steps of loops are computed after the loops.

    Attributes:
        builder: builds the new program.
        names: generates unused names.
    """

    def __init__(
        self,
        program: ArrayProgram,
        wrt: Sequence[int],
        in_training: bool = False,
        names: Names | None = None,
        sums_after: bool = True,
    ) -> None:
        self._program, self._wrt, self._in_training, self._sums_after = program, wrt, in_training, sums_after
        self.names: Names = names_of(program) if names is None else names
        self.builder: Builder = Builder()
        self._places = self._copied()
        self._depends = self._dependent()
        self._group = self._groups()
        self._users = program.users()
        self._uses: dict[int, int] = {}
        self._parts: dict[int, int] = {}  # operations that a statement finally scales, with the statement
        self._arrived: dict[int, list[tuple[tuple[int, int, int], Simplified]]] = {}
        self._of_loops: dict[int, dict[int, Simplified]] = {}  # the cotangents of loops' results
        self._unnamed: dict[int, str] = {}  # unnamed results of loops, with names to give them

    def _copied(self) -> list[int]:
        """Copy the operations, replacing guards by their operands."""
        if not any(operation.kind == "guard" for operation in self._program.operations):
            self.builder = Builder(self._program)
            return list(range(len(self._program.operations)))
        places: list[int] = []
        for operation in self._program.operations:
            if operation.kind == "guard":
                places.append(places[operation.operands[0]])
                continue
            operands = tuple([places[k] for k in operation.operands])
            if operation.kind == "apply":  # `apply` drops broadcasts that only a guard needed
                handles = [Handle(self.builder, k) for k in operands]
                primitive, careful = operation.attribute
                copied = self.builder.apply(primitive, *handles, careful=careful, name=operation.name)
                places.append(copied.at)
            else:
                places.append(self.builder.add(operation.kind, operands, operation.attribute, operation.name))
        return places

    def value(self, at: int) -> Simplified:
        """Return the result of an operation of the old program."""
        return Simplified(self.builder, self._places[at])

    def _dependent(self) -> list[bool]:
        """Return, for each operation, whether it depends on an operation in `wrt`."""
        depends: list[bool] = []
        wrt = set(self._wrt)
        for at, operation in enumerate(self._program.operations):
            depends.append(at in wrt or any(depends[k] for k in operation.operands))
        return depends

    def _groups(self) -> list[int]:
        """Return, for each operation, the next named one: the statement that contains it."""
        groups, group = [], len(self._program.operations)
        for at in range(len(self._program.operations) - 1, -1, -1):
            if self._program.operations[at].name:
                group = at
            groups.append(group)
        return groups[::-1]

    def gradients(self) -> list[Any]:
        """Sweep; return the gradient of each operation in `wrt`, 0.0 if there is none."""
        for at in range(len(self._program.operations) - 1, -1, -1):
            if at in self._arrived and self._program.operations[at].kind not in LEAVES:
                self._visit(at)
        gradients = []
        for at in self._wrt:
            base = f"part_of_{self._program.operations[at].name}_" if self._in_training else "d_part"
            gradients.append(self._total(at, base) if at in self._arrived else 0.0)
        return gradients

    def arrive(self, at: int, cotangent: Handle) -> None:
        """Add a cotangent of a result of the program."""
        if self._depends[at]:
            key = (-len(self._program.operations), -at, len(self._arrived.get(at, ())))
            self._arrived.setdefault(at, []).append((key, Simplified.of(cotangent)))

    def seed(self, seeds: int) -> None:
        """Add the cotangent of the differentiated results, part by part if they are concatenated."""
        (output,) = self._program.outputs
        if not self._depends[output]:
            return
        shape = self._program.operations[output].shape
        axis = len(shape) - 1
        gradient = Simplified.of(self.builder.argument(GRADIENT, seeds))
        if not is_batched(shape):
            gradient = Simplified.of(self.builder.reduce(gradient, "sum", [0]))
        for at, start, width in self._results(output):
            stop = min(start + width, seeds)
            if start < stop and self._depends[at]:
                part = self.builder.slice(gradient, axis, start, stop)
                seed = Simplified.of(self.builder.pad(part, axis, 0, stop - start, 1, width))
                key = (-len(self._program.operations), -output, start)
                self._arrived.setdefault(at, []).append((key, seed))

    def _results(self, output: int) -> list[tuple[int, int, int]]:
        """Return the parts that the output is concatenated from: the place, the first column and the width of each."""
        operation = self._program.operations[output]
        parts = operation.operands if operation.kind == "concatenate" and not operation.name else (output,)
        widths: list[Any] = [self._program.operations[at].shape[-1] for at in parts]
        first = itertools.accumulate(widths, initial=0)
        return list(zip(parts, first, widths))

    def _total(self, at: int, base: str = "d_part") -> Simplified:
        parts = [part for _, part in sorted(self._arrived.pop(at), key=lambda arrived: arrived[0])]
        return total(parts, self.names, base)

    def _visit(self, at: int) -> None:
        """Propagate the cotangent of an operation to its operands."""
        operation = self._program.operations[at]
        if operation.kind == "loop":
            self._visit_loop(at)
            return
        cotangent = self._total(at)
        statement = at if operation.name else self._parts.pop(at, None)
        if statement is not None:
            if (scaled := self._scaled(operation, statement in self._program.layers)) is not None:
                self._parts[scaled] = statement  # its cotangent will be read together with the number
            else:
                cotangent = self._named(statement, at, cotangent)
        elif operation.kind in ("concatenate", "contract") and self._handed_on(at) > 1:
            cotangent = self._part(cotangent, "d_part" if operation.kind == "concatenate" else "d_product")
        operands, wanted, values = self._operands(operation)
        if operation.kind == "result":
            self._hand_to_loop(operands[0], operation.attribute, cotangent)
            return
        if operation.kind == "guard":
            values.append(self.value(self._program.masks[operation.attribute]))
        edge = Edge(operation, values, self.value(at), cotangent, wanted, self.names)
        self._hand_out(at, zip(wanted, pull_back(edge)))

    def _operands(self, operation: Operation) -> tuple[tuple[int, ...], list[int], list[Simplified]]:
        """Return an operation's operands, those whose cotangents are needed, and all as handles in the new program."""
        operands = operation.operands
        wanted = [k for k, operand in enumerate(operands) if self._depends[operand]]
        return operands, wanted, [self.value(k) for k in operands]

    def _hand_out(self, at: int, parts: Iterable[tuple[int, Any]]) -> None:
        """Add cotangents of operands of an operation."""
        operands = self._program.operations[at].operands
        for k, part in parts:
            if isinstance(part, Handle):
                key = (-self._group[at], at, k)
                self._arrived.setdefault(operands[k], []).append((key, Simplified.of(part)))

    def _hand_to_loop(self, loop: int, result: int, cotangent: Simplified) -> None:
        """Add a cotangent of a loop's result."""
        self._arrived.setdefault(loop, [])
        known = self._of_loops.setdefault(loop, {})
        known[result] = known[result] + cotangent if result in known else cotangent

    def _visit_loop(self, at: int) -> None:
        """Propagate the cotangents of a loop's results to its operands."""
        del self._arrived[at]
        _, wanted, values = self._operands(self._program.operations[at])
        edge = LoopEdge(self.value(at), values, self._of_loops.pop(at), wanted, self.names, self._sums_after)
        parts, unnamed = pull_back_loop(edge, self._of_body)
        self._unnamed.update(unnamed)
        self._hand_out(at, parts.items())

    def _of_body(self, body: ArrayProgram, wrt: Sequence[int], names: Names) -> Sweep:
        return Sweep(body, wrt, names=names, sums_after=self._sums_after)

    def name_results(self) -> None:
        """Name the unnamed results of loops of the backward pass."""
        for at, name in self._unnamed.items():
            if not self.builder.operations[at].name:
                Handle(self.builder, at).named(self.names.plain(name))

    def _scaled(self, operation: Operation, is_layer: bool) -> int | None:
        """Return the operation that a statement finally multiplies by a number, or by a constant array, or reshapes.

        A delta has the shape of the layer's z, as in textbooks.
        """
        is_scaling = operation.kind == "apply" and operation.attribute.primitive in _SCALINGS
        if not is_scaling and (is_layer or operation.kind not in ("reshape", "transpose")):
            return None
        operations = self._program.operations
        others = [k for k in operation.operands if operations[k].kind != "constant"]
        if len(others) != 1 or operations[others[0]].name or operations[others[0]].kind in LEAVES:
            return None
        (scaled,) = others
        is_own = len(self._users[scaled]) == 1  # nothing else reads it
        return scaled if is_own and self._depends[scaled] else None

    def _named(self, statement: int, at: int, cotangent: Simplified) -> Simplified:
        """Name the cotangent of a statement, unless it is short and read once.

        Args:
            at: the operation whose cotangent this is: the statement's, without a final scaling or reshape.
        """
        layer = self._program.layers.get(statement)
        is_delta = layer is not None and len(self._program.operations[statement].shape) > 1  # a vector is not a layer
        if not is_delta and self._handed_on(at) < 2 and length_written(cotangent) <= cost.LONGEST_INLINE:
            return cotangent
        own = f"d_{self._program.operations[statement].name}"
        if layer is None or not self._in_training:
            return self._with_name(cotangent, lambda: self.names.plain(own))
        return self._with_name(cotangent, lambda: self.names.numbered("delta", layer))

    def _part(self, cotangent: Simplified, base: str) -> Simplified:
        """Name a cotangent that is read in parts, or by two products, unless it is a short sum of names."""
        operation = cotangent.operation
        is_named = all(cotangent.builder.operations[k].name for k in operation.operands)
        if is_named and operation.kind in ("reshape", "transpose"):
            return cotangent
        is_simple = is_named and operation.kind == "apply"
        if is_simple and length_written(cotangent) <= cost.LONGEST_REPEATED:
            return cotangent
        return self._with_name(cotangent, lambda: self.names.numbered(base))

    def _with_name(self, cotangent: Simplified, name: Callable[[], str]) -> Simplified:
        """Name a cotangent if it is unnamed; for a broadcast one, name the source."""
        operation = cotangent.operation
        if operation.name:
            return cotangent
        if operation.kind == "broadcast":
            inner = self._with_name(cotangent.builder.operand(cotangent), name)
            repeated: Simplified = Simplified.of(cotangent.builder.broadcast(inner, cotangent.shape))
            return repeated
        named: Simplified = Simplified.of(cotangent.named(name()))
        return named

    def _handed_on(self, at: int) -> int:
        """Count the reads of a statement's cotangent up to the next named ones; a product reads it twice."""
        if at not in self._uses:
            operation = self._program.operations[at]
            if operation.kind == "contract":
                self._uses[at] = sum(self._depends[k] for k in operation.operands)
            elif operation.kind == "reduce" and operation.attribute.function != "sum":
                self._uses[at] = 2
            else:
                read = dict.fromkeys(map(self._unscaled, operation.operands))
                self._uses[at] = sum(self._reads(k) for k in read if self._depends[k])
        return self._uses[at]

    def _unscaled(self, at: int) -> int:
        """Return the operand that an unnamed operation scales by a number; other operations are returned unchanged."""
        operations = self._program.operations
        operation = operations[at]
        if operation.name or operation.kind != "apply" or operation.attribute.primitive not in _SCALINGS:
            return at
        others = [k for k in operation.operands if operations[k].kind != "constant"]
        return others[0] if len(others) == 1 else at

    def _reads(self, at: int) -> int:
        operation = self._program.operations[at]
        is_read_once = operation.name or operation.kind in (*LEAVES, "concatenate")  # its cotangent is named
        return 1 if is_read_once else max(1, self._handed_on(at))
