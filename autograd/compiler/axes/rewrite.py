"""Rewrite a program with divided axes where that takes fewer operations."""

from __future__ import annotations

from dataclasses import replace

from autograd.compiler.arrays.builder import Builder
from autograd.compiler.arrays.dead_code import without_dead_operations
from autograd.compiler.arrays.handle import Handle
from autograd.compiler.arrays.operations import Operation, Shape
from autograd.compiler.arrays.program import LEAVES, ArrayProgram
from autograd.compiler.arrays.shapes import is_batched
from autograd.compiler.axes.divisions import divisions
from autograd.compiler.axes.lengths import divided, is_by_sample, size_of
from autograd.compiler.axes.rules import written
from autograd.compiler.axes.step import Step, fitted, trimmed
from autograd.compiler.axes.views import View

_STRUCTURE = frozenset({"reshape", "transpose", "broadcast"})


def with_axes(program: ArrayProgram) -> ArrayProgram:
    """Return a program whose arrays have their real axes, such as (n, T, d), if that has fewer operations.

    Arrays with one row per sample are divided into the axes that their readers use. Chains of reshape, broadcast,
    transpose and reshape for each reader are replaced by axes that broadcast. Arguments and results keep their shapes.

    >>> from autograd.compiler.arrays.operations import N
    >>> b = Builder()
    >>> x = b.argument("x", 6)
    >>> largest = b.reduce(b.reshape(x, (N, 2, 3)), "max", [2]).named("largest")
    >>> repeated = b.reshape(b.broadcast(b.reshape(largest, (N, 2, 1)), (N, 2, 3)), (N, 6))
    >>> print(with_axes(b.program([(x - repeated).named("shifted")])))
    x = argument                                                (n, 6)
    v1 = reshape (x)                                            (n, 2, 3)
    largest = max over (2,) (v1)                                (n, 2)
    v3 = reshape (largest)                                      (n, 2, 1)
    shifted = sub (v1, v3)                                      (n, 2, 3)
    v5 = reshape (shifted)                                      (n, 6)
    return v5
    """
    if not any(o.kind in _STRUCTURE for o in program.operations):
        return program
    result = rewritten(program)
    return result if _count(result) < _count(program) else program


def rewritten(program: ArrayProgram) -> ArrayProgram:
    """Return a program with divided axes, even if it has more operations; unchanged if an operation mixes samples."""
    if not _is_by_sample(program):
        return program
    return replace(without_dead_operations(_Rewriter(program).program()), padded=program.padded)


def _count(program: ArrayProgram) -> int:
    """Return the number of live operations."""
    needed = program.needed([*program.outputs, *program.masks])
    return sum([program.operations[at].kind not in LEAVES for at in needed])


def _is_by_sample(program: ArrayProgram) -> bool:
    """Return whether samples lie along the first axis of every array, and no operation moves them."""
    for kind, operands, attribute, shape, _ in program.operations:
        if not all(map(is_by_sample, shape if kind == "loop" else [shape])):  # type: ignore[arg-type]
            return False
        have_samples = [is_batched(program.operations[k].shape) for k in operands]
        if kind == "reduce" and have_samples == [True] and 0 in attribute.axes:
            return False
        if kind == "contract":
            labels_of_samples = [side[0] for side, has_samples in zip(attribute, have_samples) if has_samples]
            if not set(labels_of_samples) <= set(attribute.result):
                return False
    return True


class _Rewriter:
    """Rewrites the operations of a program in order."""

    def __init__(self, program: ArrayProgram) -> None:
        self._program, self._lengths, self._builder = program, divisions(program), Builder()
        self._views: list[View] = []
        self._masks: dict[tuple[int, Shape, Shape, tuple[int, ...]], int] = {}
        self._loops: dict[int, Handle] = {}

    def program(self) -> ArrayProgram:
        """Return the rewritten program."""
        program = self._program
        for at, operation in enumerate(program.operations):
            self._views.append(self._view(at, operation))
        outputs = [self._views[at].as_shape(program.operations[at].shape) for at in program.outputs]
        layers = {self._views[at].handle.at: layer for at, layer in program.layers.items()}
        masks = [self._mask(*key) for key in self._masks]
        return self._builder.program(outputs, layers, masks)

    def _view(self, at: int, operation: Operation) -> View:
        """Rewrite an operation; return its result as a view, named if possible."""
        operations, lengths = self._program.operations, self._lengths[at]
        views = [self._views[k] for k in operation.operands]
        step = Step(self._builder, operation, [operations[k].shape for k in operation.operands], views, lengths)
        match operation.kind:
            case "guard":
                view = self._guard(step)
            case "loop":
                self._loops[at] = self._with_old_shapes(step)
                return View(self._loops[at], (), ())
            case "result":
                (loop,) = operation.operands
                result = self._builder.result(self._loops[loop], operation.attribute)
                view = _by_sample(result.named(operation.name) if operation.name else result)
            case _:
                view = written(step) or _by_sample(self._with_old_shapes(step))
        view = view.divided(lengths)
        new = view.handle.operation
        may_be_named = operation.kind not in (*LEAVES, "result")  # a result has its name before it is divided
        if operation.name and may_be_named and not new.name and new.kind not in LEAVES:
            view.handle.named(operation.name)
        return view

    def _with_old_shapes(self, step: Step) -> Handle:
        """Copy an operation, on operands reshaped to their old shapes."""
        operation = step.operation
        operands = tuple([view.as_shape(shape).at for view, shape in zip(step.views, step.shapes)])
        name = operation.name if operation.kind in ("argument", "index") else ""
        return Handle(self._builder, self._builder.add(operation.kind, operands, operation.attribute, name))

    def _guard(self, step: Step) -> View:
        """Guard an array by a mask that may come later; the mask will follow the order of the array's axes."""
        (view,), number = step.views, step.operation.attribute
        mask = self._program.operations[self._program.masks[number]].shape
        view = view.divided(step.lengths)
        if size_of(mask) > 1 or mask == step.operation.shape:
            view = view.with_axes(range(len(step.lengths)))
        elif is_batched(mask):  # a number per sample
            view = view.with_axes([0])
        key = (self._program.masks[number], step.operation.shape, step.lengths, view.axes)
        new = self._masks.setdefault(key, len(self._masks))
        return view._replace(handle=self._builder.guard(view.handle, new))

    def _mask(self, at: int, shape: Shape, lengths: Shape, axes: tuple[int, ...]) -> Handle:
        """Return a mask for an array of this shape with divided axes in the given order."""
        mask = fitted(self._views[at], self._program.operations[at].shape, shape, lengths)
        return trimmed(View(mask.handle, lengths, mask.axes), axes)


def _by_sample(x: Handle) -> View:
    return View.of(x.builder.reshape(x, divided(x.shape)))
