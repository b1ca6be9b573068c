"""A program's LLVM module: a function for each loop nest, and one that calls them, block by block."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from autograd.arrays import np
from autograd.compiler.arrays.operations import Batch
from autograd.compiler.targets.native.blas import matrix_product
from autograd.compiler.targets.native.nests import AnyNest, Nest, Rows, Target, coalesce
from autograd.compiler.targets.native.nodes import Node, Place, leaves
from autograd.compiler.targets.native.planning.phases import Phase
from autograd.compiler.targets.native.planning.plan import Item, Plan, Slot, Steps
from autograd.compiler.targets.native.writing.code import Code, Extent, extents, product
from autograd.compiler.targets.native.writing.evaluate import Evaluator
from autograd.compiler.targets.native.writing.lanes import Declarations, Lanes
from autograd.compiler.targets.native.writing.rows import RowWriter, write_several
from autograd.compiler.targets.native.writing.sums import write_reduction

NAME = "run"
"""The function to call, with the pointer table, the working memory, and the numbers of samples and per block."""

_PARAMETERS = "(ptr %t, ptr %a, i64 %n, i64 %b, i1 %later)"
"""The pointer table, the working memory, the samples of this block, those of a full block, and whether it is later."""


class ModuleWriter:
    """Writes the module of a plan."""

    def __init__(self, plan: Plan, dtype: np.dtype[Any]) -> None:
        self._plan, self._dtype = plan, dtype
        self._declarations = Declarations()
        self._functions: list[str] = []
        self._element = "double" if dtype.itemsize == 8 else "float"
        self._names: dict[tuple[str, tuple[str, ...]], str] = {}  # functions of nests, by their code
        self._integers: set[Place] = set()  # arrays of integers

    def text(self) -> str:
        """Return the module."""
        phases: tuple[Phase, ...] = ("before", "block", "after")
        for phase in phases:
            code = Code()
            self._items(code, self._plan.items[phase])
            self._define(f"internal void @{phase}{_PARAMETERS}", code)
        self._main()
        return "\n".join([*self._declarations.texts.values(), *self._functions])

    def _define(self, head: str, code: Code) -> None:
        self._functions.append("\n".join([f"define {head} nounwind {{", "entry:", *code.lines, "ret void", "}"]))

    def _main(self) -> None:
        """Add the function that divides the samples into blocks, and passes pointers to the rows of each."""
        slots, code = self._plan.slots, Code()
        table = code.value(f"alloca [{max(len(slots), 1)} x ptr]")
        for k in range(len(slots)):
            code.do(f"store ptr {self._pointer(code, '%table', k)}, ptr {self._entry(code, table, k)}")
        code.do(f"call void @before(ptr {table}, ptr %a, i64 %n, i64 %b, i1 false)")

        def block(start: str, _: list[str]) -> list[str]:
            rest = code.value(f"sub i64 %n, {start}")
            is_last = code.value(f"icmp slt i64 {rest}, %b")
            count = code.value(f"select i1 {is_last}, i64 {rest}, i64 %b")
            for k, slot in enumerate(slots):
                stride = self._bytes_per_sample(slot)
                if stride:
                    moved = code.value(f"mul i64 {start}, {stride}")
                    pointer = code.value(f"getelementptr i8, ptr {self._pointer(code, '%table', k)}, i64 {moved}")
                    code.do(f"store ptr {pointer}, ptr {self._entry(code, table, k)}")
            later = code.value(f"icmp sgt i64 {start}, 0")
            code.do(f"call void @block(ptr {table}, ptr %a, i64 {count}, i64 %b, i1 {later})")
            return []

        self._blocks(code, block)
        code.do(f"call void @after(ptr {table}, ptr %a, i64 %n, i64 %b, i1 false)")
        self._define(f"void @{NAME}(ptr %table, ptr %a, i64 %n, i64 %b)", code)

    def _blocks(self, code: Code, block: Any) -> None:
        head, done = code.fresh("block"), code.fresh("done")
        before = code.block
        code.do(f"br label %{head}")
        code.begin(head)
        index, at = f"%{code.fresh('s')}", len(code.lines)
        block(index, [])
        following = code.value(f"add i64 {index}, %b")
        more = code.value(f"icmp slt i64 {following}, %n")
        code.do(f"br i1 {more}, label %{head}, label %{done}")
        code.lines.insert(at, f"{index} = phi i64 [ 0, %{before} ], [ {following}, %{code.block} ]")
        code.begin(done)

    def _entry(self, code: Code, table: str, k: int) -> str:
        return code.value(f"getelementptr ptr, ptr {table}, i64 {k}")

    def _pointer(self, code: Code, table: str, k: int) -> str:
        return code.value(f"load ptr, ptr {self._entry(code, table, k)}")

    def _bytes_per_sample(self, slot: Slot) -> int:
        if slot.kind == "moving" or not slot.shape or not isinstance(slot.shape[0], Batch):
            return 0
        return product(extents(slot.shape)).factor * (8 if slot.kind == "index" else self._dtype.itemsize)

    def _items(self, code: Code, items: list[Item]) -> None:
        for item in items:
            if isinstance(item, Steps):
                self._steps(code, item)
                continue
            name, places = self._nest(item)
            pointers = [f"ptr {self._address(code, place, start)}" for place, start in places]
            code.do(f"call void @{name}({', '.join([*pointers, 'i64 %n', 'i1 %later'])})")

    def _steps(self, code: Code, steps: Steps) -> None:
        """Add a loop over steps, each of which sets the pointers that it reads and writes through."""
        arrays = [(self._address(code, move.array.place, (0, 0)), code.size(move.stride)) for move in steps.moves]

        def step(index: str, _: list[str]) -> list[str]:
            for move, (array, stride) in zip(steps.moves, arrays):
                place = index if move.last is None else code.value(f"sub i64 {move.last}, {index}")
                offset = code.value(f"mul i64 {place}, {stride}")
                pointer = code.value(f"getelementptr {self._element}, ptr {array}, i64 {offset}")
                code.do(f"store ptr {pointer}, ptr {self._entry(code, '%t', move.slot)}")
            self._items(code, steps.items)
            return []

        code.loop(str(steps.count), step)

    def _address(self, code: Code, place: Place, start: tuple[int, int]) -> str:
        """Return the address of an element of an array, at an offset of a constant and a multiple of n."""
        known, of_samples = start
        if place.kind == "address":
            pointer = f"inttoptr (i64 {place.at} to ptr)"
        elif place.kind == "table":
            pointer = self._pointer(code, "%t", place.at)
        elif place.kind == "shared":
            pointer, known = "%a", known + place.at
        else:
            offset = code.value(f"mul i64 %b, {place.at}")
            pointer, known = (
                code.value(f"getelementptr {self._element}, ptr %a, i64 {offset}"),
                known + self._plan.shared,
            )
        size = "i64" if place in self._integers else self._element
        if of_samples:
            pointer = code.value(f"getelementptr {size}, ptr {pointer}, i64 {code.size(Extent(of_samples, 1))}")
        return code.value(f"getelementptr {size}, ptr {pointer}, i64 {known}") if known else pointer

    def _nest(self, nest: AnyNest) -> tuple[str, list[tuple[Place, tuple[int, int]]]]:
        """Add the function of a nest; return its name, and the elements whose addresses are its arguments.

        Nests that differ only in the addresses that they read and write share a function.
        """
        code, (width, registers) = Code(), self._plan.machine
        lanes = Lanes(code, self._dtype, self._declarations)
        places: dict[tuple[Place, tuple[int, int]], str] = {}

        def address(place: Place, start: tuple[int, int]) -> str:
            return places.setdefault((place, start), f"%p{len(places)}")

        if isinstance(nest, Nest):
            flat = coalesce(nest.lengths, nest.reduced, [nest.node], nest.target)
            self._note_integers(flat.nodes, flat.target)
            evaluator = Evaluator(code, lanes, max(1, len(flat.lengths)), address)
            blas = matrix_product(self._dtype.itemsize)
            write_reduction(evaluator, flat, nest.combine, width, registers, blas)
        elif isinstance(nest, Rows):
            self._note_integers(nest.nodes, nest.target)
            evaluator = Evaluator(code, lanes, len(nest.lengths), address)
            RowWriter(evaluator, nest, min(width, _power_of_2_up_to(nest.lengths[-1].factor))).write()
        else:
            self._note_integers(nest.nodes, nest.target)
            evaluator = Evaluator(code, lanes, len(nest.lengths) + 1, address)
            write_several(evaluator, nest)
        head = ", ".join([*(f"ptr {x}" for x in places.values()), "i64 %n", "i1 %later"])
        key = head, tuple(code.lines)
        if key not in self._names:
            self._names[key] = f"nest.{len(self._names)}"
            self._define(f"internal void @{self._names[key]}({head}) noinline", code)
        return self._names[key], list(places)

    @property
    def nests(self) -> int:
        """The number of distinct nests."""
        return len(self._names)

    def _note_integers(self, nodes: Sequence[Node], target: Target) -> None:
        """Record which arrays hold integers."""
        indices = leaves(*nodes, *(looked.position for looked in target.looked))
        self._integers |= {leaf.place for leaf in indices if leaf.is_integer}


def _power_of_2_up_to(n: int) -> int:
    return 1 << int(math.log2(max(n, 1)))
