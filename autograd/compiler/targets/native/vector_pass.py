"""Write machine code for one pass over vectors, which runs a scalar program on each element."""

from __future__ import annotations

from collections.abc import Sequence

from autograd.arrays import np
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.targets.native.module import NAME
from autograd.compiler.targets.native.writing.code import Code
from autograd.compiler.targets.native.writing.lanes import Declarations, Lanes, repeated, vector_type

NUMBERS = 2
"""The numbers of a pass come after two results: the largest |x| of one vector, and of all results."""

_WITHOUT_SIGN = 2**63 - 1


def vector_pass_text(program: ArrayProgram, vectors: int, numbers: int, measured: int, width: int) -> str:
    """Return a module with a function of a table of pointers, an array of numbers, and the length of the vectors.

    The table lists the vectors, then the results, which must not alias the vectors. The function writes two numbers to
    the front of the array: the largest |x| of one of the vectors, and of all results. If an x is inf or nan, that is
    the largest.

    Args:
        program: a program whose arguments are this many vectors, followed by this many numbers.
        measured: the vector whose largest |x| is computed.
        width: the number of lanes of the processor's vectors.

    Raises:
        UnwritableError: if the program cannot be written as machine code.
    """
    return _Writer(program, vectors, numbers, measured).text(width)


class _Writer:
    def __init__(self, program: ArrayProgram, vectors: int, numbers: int, measured: int) -> None:
        self._program, self._vectors, self._numbers, self._measured = program, vectors, numbers, measured
        self._needed = program.needed(program.outputs) | {measured}
        self._code, self._declarations = Code(), Declarations()
        self._lanes = Lanes(self._code, np.dtype(float), self._declarations)

    def text(self, width: int) -> str:
        """Return the module."""
        code = self._code
        results = len(self._program.outputs)
        pointers = [self._read("ptr", "%table", k) for k in range(self._vectors + results)]
        numbers = [self._read("double", "%a", NUMBERS + k) for k in range(self._numbers)]
        full = code.value(f"and i64 %n, {-width}")
        wide = [self._lanes.splat(number, width) for number in numbers]
        largest = code.loop(
            full,
            lambda index, largest: self._step(pointers, wide, index, largest, width),
            [(vector_type("i64", width), "zeroinitializer")] * NUMBERS,
            width,
        )
        alone = [self._lanes.across(self._as_numbers(x, width), width, self._larger_numbers) for x in largest]
        rest = code.value(f"sub i64 %n, {full}")
        largest = code.loop(
            rest,
            lambda index, largest: self._step(
                pointers, numbers, code.value(f"add nuw nsw i64 {full}, {index}"), largest, 1
            ),
            [("i64", self._as_bits(x, 1)) for x in alone],
        )
        for k, bits in enumerate(largest):
            code.do(f"store i64 {bits}, ptr {self._element('%a', str(k))}, align 8")
        head = f"define void @{NAME}(ptr %table, ptr %a, i64 %n, i64 %b) nounwind {{"
        return "\n".join([*self._declarations.texts.values(), head, "entry:", *code.lines, "ret void", "}"])

    def _step(
        self, pointers: Sequence[str], numbers: Sequence[str], index: str, largest: Sequence[str], width: int
    ) -> list[str]:
        """Add the code for this many elements; return the largest magnitudes so far."""
        kind = self._lanes.type(width)
        vectors = [
            self._code.value(f"load {kind}, ptr {self._element(pointers[k], index)}, align 8")
            if k in self._needed
            else "poison"
            for k in range(self._vectors)
        ]
        results = self._lanes.expanded(self._program, [*vectors, *numbers], width)
        for pointer, result in zip(pointers[self._vectors :], results, strict=True):
            self._code.do(f"store {kind} {result}, ptr {self._element(pointer, index)}, align 8")
        of_vector, of_results = largest
        of_vector = self._larger(of_vector, self._magnitude(vectors[self._measured], width), width)
        for result in results:
            of_results = self._larger(of_results, self._magnitude(result, width), width)
        return [of_vector, of_results]

    def _magnitude(self, x: str, width: int) -> str:
        """Return |x| as an integer. Such integers have the order of the magnitudes, with nan above inf."""
        kind = vector_type("i64", width)
        return self._code.value(f"and {kind} {self._as_bits(x, width)}, {repeated('i64', str(_WITHOUT_SIGN), width)}")

    def _larger(self, a: str, b: str, width: int) -> str:
        kind, name = vector_type("i64", width), f"llvm.smax.{'' if width == 1 else f'v{width}'}i64"
        self._declarations.intrinsic(name, f"declare {kind} @{name}({kind}, {kind})")
        return self._code.value(f"call {kind} @{name}({kind} {a}, {kind} {b})")

    def _larger_numbers(self, a: str, b: str, width: int) -> str:
        larger = self._larger(self._as_bits(a, width), self._as_bits(b, width), width)
        return self._as_numbers(larger, width)

    def _as_bits(self, x: str, width: int) -> str:
        return self._code.value(f"bitcast {vector_type('double', width)} {x} to {vector_type('i64', width)}")

    def _as_numbers(self, bits: str, width: int) -> str:
        return self._code.value(f"bitcast {vector_type('i64', width)} {bits} to {vector_type('double', width)}")

    def _read(self, kind: str, base: str, k: int) -> str:
        return self._code.value(f"load {kind}, ptr {self._code.value(f'getelementptr {kind}, ptr {base}, i64 {k}')}")

    def _element(self, pointer: str, index: str) -> str:
        return self._code.value(f"getelementptr double, ptr {pointer}, i64 {index}")
