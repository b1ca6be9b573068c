"""Array programs: immutable, in single-assignment form; each prints, verifies and evaluates itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from autograd.arrays import NDArray
from autograd.compiler.arrays.loop import verify_loop
from autograd.compiler.arrays.operations import (
    Application,
    Data,
    Labels,
    Operation,
    Padding,
    Placement,
    Reduction,
    Scattering,
    Slice,
    listed,
)
from autograd.compiler.arrays.shapes import broadcast_shape, check_form, infer

LEAVES = ("argument", "index", "parameter", "constant")
STRUCTURE = ("reshape", "transpose", "broadcast", "slice", "concatenate")
"""Kinds of operations that only rearrange or repeat the elements of their operands."""


@dataclass(frozen=True, repr=False)
class ArrayProgram:
    """Operations in execution order, and which of them are the results.

    Attributes:
        operations: each refers to earlier ones by their place in this tuple.
        outputs: the places of the results. A function's program has one, with a column for each number returned; a
            differentiated program has that, followed by a gradient for each requested array.
        layers: the number of the layer, by the place of the operation, for operations that are layers of a network.
        masks: the places of the masks, which guards refer to by number. A mask may come after the guarded operation:
            that of sqrt(x) in maximum(sqrt(x), y) compares the two.
        padded: whether padding lanes multiply zeros by elements that the graph does not read, or guards were omitted. A
            result may then be nan where the graph's is finite, but is never finite where the graph's is nan.

    >>> from autograd.compiler.arrays.builder import Builder
    >>> b = Builder()
    >>> x, w = b.argument("x", 3), b.parameter([[0, 1, 2]], "w")
    >>> print(b.program([b.contract(x, w, "nk", "ck", "nc").named("z")]))
    x = argument                                                (n, 3)
    w = parameter                                               (1, 3)
    z = contract nk,ck->nc (x, w)                               (n, 1)
    return z
    """

    operations: tuple[Operation, ...]
    outputs: tuple[int, ...]
    layers: Mapping[int, int] = field(default_factory=dict)
    masks: tuple[int, ...] = ()
    padded: bool = False

    def __str__(self) -> str:
        lines = []
        for at, operation in enumerate(self.operations):
            read = [*operation.operands, *([self.masks[operation.attribute]] if operation.kind == "guard" else [])]
            operands = ", ".join(map(self.label, read))
            text = " ".join(filter(None, [_described(operation), f"({operands})" if operands else ""]))
            if operation.kind != "loop":
                lines.append(f"{f'{self.label(at)} = {text}':<59} {listed(operation.shape)}")
            else:
                lines.append(f"{self.label(at)} = {text}")
                lines += [f"    {line}" for line in str(operation.attribute.body).splitlines()]
        return "\n".join([*lines, f"return {', '.join(map(self.label, self.outputs))}"])

    def __repr__(self) -> str:
        return f"<ArrayProgram of {sum([o.kind not in LEAVES for o in self.operations]):,} operations>"

    def label(self, at: int) -> str:
        """Return an operation's name or, if it has none, its place."""
        operation = self.operations[at]
        if operation.kind == "constant" and isinstance(operation.attribute, float):
            return f"{operation.attribute:g}"
        return operation.name or f"v{at}"

    def verify(self) -> ArrayProgram:
        """Check that the program is well formed; return it.

        Raises:
            ValueError: if an operation lacks the form of its kind, an operand is not defined before its use, a shape
                differs from what `infer` returns, a mask does not fit the guarded operation, a name is defined twice,
                numbers have the wrong dtype, an index is not made of integers, a result does not exist, or a loop's
                body is not well formed.
        """
        if not all(0 <= at < len(self.operations) for at in [*self.outputs, *self.layers, *self.masks]):
            raise ValueError(
                f"outputs {self.outputs}, layers {[*self.layers]} and masks {self.masks} must be places of "
                f"{len(self.operations)} operations"
            )
        checked: dict[
            int, int
        ] = {}  # operand count by id of the application; even a long program has few distinct ones
        shapes = [shape for _, _, _, shape, _ in self.operations]
        for at, (kind, operands, attribute, shape, _) in enumerate(self.operations):
            has_shape = differs = False
            for k in operands:
                if not 0 <= k < at:
                    raise ValueError(f"{self.label(at)} reads {operands}, which must all come before it")
                other = shapes[k]
                if other is shape or other == shape:
                    has_shape = True
                elif other:
                    differs = True
            if kind != "apply":
                check_form(kind, len(operands), attribute)
            elif checked.get(id(attribute)) != len(operands):
                check_form(kind, len(operands), attribute)
                checked[id(attribute)] = len(operands)
            if kind != "apply" or differs or not has_shape:  # in a long program, most operands have the result's shape
                self._verify_operation(at, self.operations[at])
        names = [name for _, _, _, _, name in self.operations if name]
        if len(set(names)) != len(names):
            repeated = [name for name, n in Counter(names).items() if n > 1]
            raise ValueError(f"each name must be defined once, these are defined again: {', '.join(repeated)}")
        return self

    def _verify_operation(self, at: int, operation: Operation) -> None:
        shape = infer(operation.kind, [self.operations[k].shape for k in operation.operands], operation.attribute)
        if shape != operation.shape:
            raise ValueError(
                f"{self.label(at)} declares shape {listed(operation.shape)}, but has shape {listed(shape)}"
            )
        for data, kind in _data(operation):
            if data.array.dtype.kind != kind:
                raise ValueError(f"{self.label(at)} holds {data.array.dtype}, where kind {kind!r} is expected")
        if operation.kind == "guard":
            self._verify_guard(at)
        if operation.kind == "loop":
            verify_loop(self, at)
        if operation.kind in ("look up", "scatter") and not self._is_of_integers(operation.operands[1]):
            raise ValueError(
                f"{self.label(at)} looks up at {self.label(operation.operands[1])}, which must be an index"
            )

    def _is_of_integers(self, at: int) -> bool:
        """Return whether an array holds indices: an index argument, or elements of index arguments."""
        operation = self.operations[at]
        has_only_elements = operation.kind in (*STRUCTURE, "take")
        return operation.kind == "index" or (has_only_elements and all(map(self._is_of_integers, operation.operands)))

    def _verify_guard(self, at: int) -> None:
        """Check that a guard's mask exists and broadcasts to the shape of the guarded operand."""
        operation = self.operations[at]
        if not 0 <= operation.attribute < len(self.masks):
            raise ValueError(f"{self.label(at)} refers to mask {operation.attribute} of {len(self.masks)}")
        mask = self.operations[self.masks[operation.attribute]].shape
        if broadcast_shape([operation.shape, mask]) != operation.shape:
            raise ValueError(f"{self.label(at)} is {listed(operation.shape)}, its mask {listed(mask)}")

    def evaluate(self, arguments: Mapping[str, Any], parameters: Any = ()) -> list[NDArray[Any]]:
        """Compute the results, one operation at a time. This defines the program's meaning.

        Args:
            arguments: arrays by name, with one row per sample.
            parameters: a vector.

        Raises:
            KeyError: if an argument is missing.
        """
        from autograd.compiler.arrays.evaluate import evaluate

        return evaluate(self, arguments, parameters)

    def with_parameters_at(self, places: NDArray[Any]) -> ArrayProgram:
        """Return the same program for another parameter vector.

        Args:
            places: the place in the other vector of each element of this one.
        """
        operations = [
            o._replace(attribute=Data(places[o.attribute.array])) if o.kind == "parameter" else o
            for o in self.operations
        ]
        return replace(self, operations=tuple(operations))

    def needed(self, outputs: Sequence[int]) -> set[int]:
        """Return the operations that these depend on, including themselves."""
        needed = set(outputs)
        for at in range(max(outputs, default=-1), -1, -1):
            if at in needed:
                needed.update(self.operations[at].operands)
        return needed

    def users(self) -> list[list[int]]:
        """Return the readers of each operation, once for each operand that reads it."""
        users: list[list[int]] = [[] for _ in self.operations]
        for at, operation in enumerate(self.operations):
            for k in operation.operands:
                users[k].append(at)
        return users


def _described(operation: Operation) -> str:
    """Describe an operation as text."""
    attribute: Any = operation.attribute
    match attribute:
        case Application():
            return f"{attribute.primitive.name}{' carefully' if attribute.careful else ''}"
        case Labels():
            return f"contract {attribute.left},{attribute.right}->{attribute.result}"
        case Reduction():
            return f"{attribute.function} over {listed(attribute.axes)}{' kept' if attribute.keepdims else ''}"
        case Slice(axis, start, stop, step):
            return f"slice {start}:{stop}{f':{step}' if step > 1 else ''} of axis {axis}"
        case Padding(axis, start, stop, step, length):
            return f"pad to {start}:{stop}{f':{step}' if step > 1 else ''} of {length} along axis {axis}"
        case Scattering():
            return f"scatter to {attribute.length}"
        case Placement():
            return f"place at {attribute.positions!r} of {attribute.length}"
    if operation.kind in ("argument", "index", "parameter", "look up", "reshape", "broadcast", "guard"):
        return operation.kind
    if operation.kind == "loop":
        return str(attribute)
    if operation.kind == "slopes":
        return f"slopes of {attribute.name}"
    return f"{operation.kind} {attribute!r}"


def _data(operation: Operation) -> list[tuple[Data, str]]:
    """Return the arrays that an operation holds, each with its expected kind of dtype."""
    match operation.kind, operation.attribute:
        case "constant", Data():
            return [(operation.attribute, "f")]
        case (("parameter" | "take"), Data()):
            return [(operation.attribute, "i")]
        case "place", Placement(positions, _):
            return [(positions, "i")]
    return []
