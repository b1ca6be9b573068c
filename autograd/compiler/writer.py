"""What forward and backward pass have in common: names, constants, and how views of arrays are written."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from autograd import primitives
from autograd.arrays import np
from autograd.compiler.calls import Calls
from autograd.compiler.names import sanitised, stem
from autograd.compiler.recover.groups import PARAMETERS, Group, Grouping, Matrix, Numbers, Rows, View
from autograd.compiler.recover.index import PADDING, Axes, Band, Positions, as_axes, as_band, as_pieces, as_slice
from autograd.compiler.symbols import Symbol, reshaped
from autograd.compiler.targets.kernels import Scatter
from autograd.forking import computed_once

_POWERS = {2.0: "square", 3.0: "cube", -1.0: "inverse"}


class Statement(NamedTuple):
    """One line of the source: name = text, with a shape to tell in a comment."""

    name: str
    text: str
    shape: str


@dataclass(frozen=True)
class ParameterArray:
    """An array of captured leaves: its name, and which leaves, as positions among them."""

    name: str
    index: Positions


class Writer(Calls):
    """Names for everything that is computed, and views of it as source.

    Attributes:
        notes: comments, on each index array and array of numbers among others.
        parameters: the arrays of captured leaves.
        name: of the array of each source; "" for the captured leaves, which come in several arrays.
    """

    def __init__(self, grouping: Grouping, arguments: list[str]) -> None:
        super().__init__()
        self.scalars, self.grouping = grouping.scalars, grouping
        self.notes: list[str] = []
        self.parameters: list[ParameterArray] = []
        self._index_names: dict[tuple[bytes, tuple[int, ...]], str] = {}
        self._number_names: dict[tuple[bytes, tuple[int, ...]], str] = {}
        self._scatter_names: dict[tuple[bytes, int], str] = {}
        self._parameter_names: dict[tuple[bytes, tuple[int, ...]], str] = {}
        self.name = ["", *(self.names.plain(name) for name in arguments), *[""] * len(grouping.data)]
        self.patches: dict[tuple[int, bytes], str] = {}  # gathered columns that have a name
        self.layer: dict[int, int] = {}  # the number of the layer that a group belongs to
        for group in grouping.groups:
            self.name.append(self._name_group(group))

    # Names

    def _name_group(self, group: Group) -> str:
        labels = self.scalars.labels
        label = stem([labels.get(i, "") for i in group.members if i >= 0])
        if any(isinstance(block, Matrix) for block in group.blocks):
            layer = self.layer[group.source] = 1 + max(self.layer.values(), default=0)
            return self.names.numbered(label or "z", layer)
        if group.primitive is not None and len(group.operands) == 1:
            (operand,) = group.operands
            if isinstance(operand, View) and operand.source in self.layer and self._is_activation(operand):
                layer = self.layer[operand.source]
                if self.grouping.groups[operand.source - self._first_group].blocks:
                    return self.names.numbered(label or "a", layer)
        if set(group.members) <= set(self.scalars.outputs) and len(group.members) == 1:
            return self.names.plain(label or ("loss" if self.scalars.single else "y"))
        if label:
            return self.names.numbered(label)
        return self.names.numbered(_base(group))

    @staticmethod
    def _is_activation(operand: View) -> bool:
        return operand.source > PARAMETERS and operand.index.ndim == 1

    def batched_names(self) -> set[str]:
        """The arrays that have a row for each sample."""
        return {name for name, batched in zip(self.name, self.grouping.batched) if batched}

    @property
    def _first_group(self) -> int:
        return len(self.grouping.widths) - len(self.grouping.groups)

    # Constants

    def note(self, text: str) -> None:
        """A comment above the functions; said twice, it stands there once."""
        if f"# {text}" not in self.notes:
            self.notes.append(f"# {text}")

    def index(self, index: Positions) -> str:
        """The name of an index array."""
        key = (index.tobytes(), index.shape)
        if key not in self._index_names:
            name = self._index_names[key] = self.names.numbered("i")
            self.constants[name] = index
            self.note(f"{name}: positions, {shape_text(index.shape)}{_few(index)}")
        return self._index_names[key]

    def numbers(self, numbers: float | Numbers) -> Any:
        """A float as it is; an array of constants by a name."""
        if not isinstance(numbers, np.ndarray):
            return numbers
        key = (numbers.tobytes(), numbers.shape)
        if key not in self._number_names:
            name = self._number_names[key] = self.names.numbered("c")
            self.constants[name] = numbers
            self.note(f"{name}: constants, {shape_text(numbers.shape)}{_few(numbers)}")
        return self.symbol(self._number_names[key], numbers.shape[-1])

    def scatter(self, index: Positions, width: int) -> str:
        """The name of a function that adds columns up where an index says."""
        key = (index.tobytes(), width)
        if key not in self._scatter_names:
            name = self._scatter_names[key] = self.names.numbered("scatter")
            self.constants[name] = Scatter(index.reshape(-1), width)
            self.note(f"{name}: adds its {index.size} columns up into {width}{_few(index)}")
        return self._scatter_names[key]

    # Views

    def parameter(self, index: Positions, role: str, layer: int | None = None) -> str:
        """The name of an array of captured leaves."""
        key = (index.tobytes(), index.shape)
        if key in self._parameter_names:
            return self._parameter_names[key]
        if index.ndim == 2:
            turned = np.ascontiguousarray(index.T)
            if (turned.tobytes(), turned.shape) in self._parameter_names:
                return f"{self._parameter_names[turned.tobytes(), turned.shape]}.T"
        labels, nodes = self.scalars.labels, self.captured
        label = stem([labels.get(nodes[int(k)], "") for k in index.reshape(-1)[:100] if k >= 0])
        name = self._parameter_names[key] = self.names.numbered(label or role, layer)
        self.parameters.append(ParameterArray(name, index))
        return name

    @computed_once
    def captured(self) -> list[int]:
        """The nodes that are captured leaves, by position."""
        nodes = np.flatnonzero(self.grouping.source == PARAMETERS)
        found: list[int] = nodes[np.argsort(self.grouping.position[nodes])].tolist()
        return found

    def vector(self, view: View, layer: int | None = None) -> Symbol:
        """A view of one element a column."""
        index = view.index
        if len(index) > 1 and (index == index[0]).all():
            index = index[:1]
        if view.source == PARAMETERS:
            return self._parameter_vector(index, layer)
        return self.columns(view.source, index)

    def _parameter_vector(self, index: Positions, layer: int | None) -> Symbol:
        period = _period(index)
        if period < len(index):
            name = self.parameter(index[:period], "b", layer)
            return self._function("tile", np.tile, f"{name}, {len(index) // period}", len(index))
        return self.symbol(self.parameter(index, "b", layer), len(index))

    def _function(self, name: str, function: Callable[..., Any], arguments: str, width: int) -> Symbol:
        self.constants[name] = function
        return self.symbol(f"{name}({arguments})", width)

    def columns(self, source: int, index: Positions) -> Symbol:
        """Columns of a source, each as often as the index has it."""
        if source == PARAMETERS:
            return self.symbol(self.parameter(index, "p"), len(index))
        if source in self.grouping.data:
            return self.data(source, index)
        name = self.name[source]
        before = ":, " if self.grouping.batched[source] else ""
        found = as_slice(index)
        if found is not None:
            return self.slice(source, *found)
        axes = as_axes(index)
        if axes is not None:
            part = self.slice(source, axes.start, axes.stop)
            return self._along_axes(part, axes, self.grouping.batched[source])
        pieces = as_pieces(index)
        if pieces is not None:
            texts = [self.slice(source, *piece).text for piece in pieces]
            return self.symbol(f"concatenate([{', '.join(texts)}], axis=-1)", len(index))
        band = as_band(index, self.grouping.widths[source])
        if band is not None:
            return self._band(source, band)
        if (index == PADDING).any():
            return self.symbol(f"gather({name}, {self.index(index)})", len(index))
        return self.symbol(f"{name}[{before}{self.index(index)}]", len(index))

    def data(self, source: int, index: Positions) -> Symbol:
        """Elements of an array of constants, by a name of their own."""
        found: Symbol = self.numbers(self.grouping.data[source][index])
        return found

    def slice(self, source: int, start: int, stop: int, step: int = 1) -> Symbol:
        """The columns of a source from start to stop; its name where that is all of them."""
        name, width = self.name[source], self.grouping.widths[source]
        if (start, stop, step) == (0, width, 1):
            return self.symbol(name, width)
        before = ":, " if self.grouping.batched[source] else ""
        by = f":{step}" if step != 1 else ""
        return self.symbol(f"{name}[{before}{start}:{stop}{by}]", len(range(start, stop, step)))

    def _band(self, source: int, band: Band) -> Symbol:
        """Some columns of each period of a slice."""
        batched = self.grouping.batched[source]
        rows, length = (band.stop - band.start) // band.period, band.last - band.first
        samples, before = ("-1, ", ":, ") if batched else ("", "")
        text = reshaped(self.slice(source, band.start, band.stop), f"{samples}{rows}, {band.period}")
        text = f"{text}[{before}:, {band.first}:{band.last}].reshape({samples}{rows * length})"
        part = self.symbol(text, rows * length)
        return part if band.axes is None else self._along_axes(part, band.axes, batched)

    def _along_axes(self, part: Symbol, axes: Axes, batched: bool) -> Symbol:
        """A slice whose axes are turned or repeated."""
        width, first = math.prod(axes.shape), int(batched)  # the number of axes in front
        if axes.place == [0, -1]:
            return self.symbol(f"{part.text}.repeat({axes.shape[1]}, axis={first})", width)
        if axes.place == [-1, 0]:
            times = f"(1, {axes.shape[0]})" if batched else str(axes.shape[0])
            return self._function("tile", np.tile, f"{part.text}, {times}", width)
        samples, each = ("-1, ", "n, ") if batched else ("", "")
        own = [k for k in axes.place if k >= 0]
        if own != sorted(own):
            text = reshaped(part, f"{samples}{_listed(axes.own)}")
            part = self.symbol(f"{text}.transpose({'0, ' * first}{_listed([k + first for k in own])})", part.width)
        if len(own) < len(axes.place):
            apart = [length if k >= 0 else 1 for length, k in zip(axes.shape, axes.place)]
            text = reshaped(part, f"{samples}{_listed(apart)}")
            part = self.symbol(f"broadcast_to({text}, ({each}{_listed(axes.shape)}))", width)
        return self.symbol(f"{part.text}.reshape({samples}{width})", width)

    def table(self, view: View, role: str = "w", layer: int | None = None) -> Symbol:
        """A view of shape (rows, terms) as an array of that shape; behind the samples' axis, where there is one."""
        rows, terms = view.index.shape
        if view.source == PARAMETERS:
            return self.symbol(self.parameter(view.index, role, layer), terms)
        flat = self.columns(view.source, view.index.reshape(-1))
        before = "-1, " if self.grouping.batched[view.source] else ""
        return self.symbol(reshaped(flat, f"{before}{rows}, {terms}"), terms)

    def is_batched(self, view: View | None) -> bool:
        return view is not None and self.grouping.batched[view.source]

    def shape(self, source: int) -> str:
        return shape_text(
            ("n", self.grouping.widths[source]) if self.grouping.batched[source] else (self.grouping.widths[source],)
        )


def _period(index: Positions) -> int:
    """After how many elements an index begins again; its length where it does not."""
    again = np.flatnonzero(index[1:] == index[0])
    if not len(again):
        return len(index)
    period = int(again[0]) + 1
    if len(index) % period or not (index.reshape(-1, period) == index[:period]).all():
        return len(index)
    return period


def _base(group: Group) -> str:
    """What a group is called that has no label: as its function, `s` for a sum, `e` for a difference, else `y`."""
    if group.pieces:
        return "joined"
    if group.primitive is primitives.constant_power:
        return next((name for n, name in _POWERS.items() if n == group.operands[1]), "power")
    if group.primitive is not None:
        return "quotient" if group.primitive is primitives.div else sanitised(group.primitive.name) or "f"
    if len(group.blocks) == 1 and isinstance(group.blocks[0], Rows) and group.blocks[0].left.index.shape[1] > 1:
        return "s"
    signs = {b.coefficients for b in group.blocks if isinstance(b, Rows) and isinstance(b.coefficients, float)}
    return "e" if len(group.blocks) == 2 and signs == {1.0, -1.0} else "y"


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers))


def shape_text(shape: tuple[Any, ...]) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def _few(array: Any) -> str:
    return f" = {array.tolist()}" if array.size <= 12 else ""
