"""Stage 5b, emit: the statements as source, and the source as functions that tracebacks can quote."""

from __future__ import annotations

import ast
import hashlib
import linecache
import re
from collections.abc import Iterable, Mapping, Sequence
from types import CodeType
from typing import Any

from autograd.compiler.derivatives import Backward
from autograd.compiler.forward import forward_statements, output_text
from autograd.compiler.targets.kernels import HELPERS
from autograd.compiler.writer import Statement, Writer, shape_text

_WORD = re.compile(r"[A-Za-z_]\w*")
_COMMENT_AT = 60
_LONGEST = 100  # characters of a line
_DEEPEST = 6  # brackets within which a line is broken


class Emitter:
    """The source of a program of array operations, piece by piece, each when it is asked for.

    Attributes:
        writer: holds names and constants.
        forward: computes outputs, and what the backward pass needs of the way there.
        backward: from the outputs' derivatives to those of the captured leaves.
    """

    def __init__(self, writer: Writer, seeds: int) -> None:
        self.writer = writer
        self._seeds = seeds
        self._statements, self._masks = forward_statements(writer)
        self._output = output_text(writer)
        backward = Backward(writer, seeds, to_arguments=False)
        names = [array.name for array in writer.parameters]
        results = [
            Statement(f"nabla_{name}", text, shape_text(array.index.shape))
            for name, text, array in zip(names, backward.results, writer.parameters)
            if text is not None
        ]
        returned = [f"nabla_{name}" if text is not None else "0.0" for name, text in zip(names, backward.results)]
        lines = [*self._masks_for([*backward.statements, *results]), *backward.statements, *results]
        used = _words(line.text for line in lines)
        saved = [s.name for s in self._statements if s.name in used]
        self.operations = len(self._statements) + len(lines)
        self.arguments = [*writer.name[1 : 1 + len(writer.scalars.arguments)], *names]
        self.forward = "\n".join(
            [
                f"def forward({', '.join(self.arguments)}):",
                *_sized(self._first_argument(), [*self._statements, Statement("", self._output, "")]),
                *_lines(self._statements),
                f"    return {self._output}, {_tuple(saved)}",
            ]
        )
        self.backward = "\n".join(
            [
                f"def backward(gradient, saved, {', '.join(self.arguments)}):".replace(", )", ")"),
                *_sized("gradient", lines),
                *([f"    {_tuple(saved)} = saved"] if saved else []),
                *_lines(lines),
                f"    return {_tuple(returned)}",
            ]
        )

    def input_gradients(self) -> str:
        """A function for the outputs and, of each sample, the derivatives to its arguments."""
        backward = Backward(self.writer, self._seeds, to_arguments=True)
        results = [text or "0.0" for text in backward.results]
        read = [*backward.statements, *(Statement("", text, "") for text in results)]
        lines = [*self._statements, *self._masks_for(read), *backward.statements]
        return "\n".join(
            [
                f"def input_gradients(gradient, {', '.join(self.arguments)}):".replace(", )", ")"),
                *_sized("gradient", [*lines, *(Statement("", text, "") for text in results)]),
                *_lines(lines),
                f"    return {self._output}, {_tuple(results)}",
            ]
        )

    def _masks_for(self, statements: Iterable[Statement]) -> list[Statement]:
        """The masks that some statements read, and what these are computed from."""
        needed = _words(statement.text for statement in statements)
        found = []
        for mask in reversed(self._masks):
            if mask.name in needed:
                found.append(mask)
                needed |= _words([mask.text])
        return found[::-1]

    def _first_argument(self) -> str:
        widths, names = self.writer.grouping.widths, self.arguments
        return next((name for name, width in zip(names, widths[1:]) if width), "[0]")

    def prelude(self) -> list[str]:
        """Functions and notes that the rest refers to."""
        return ["\n".join(self.writer.notes)] * bool(self.writer.notes) + self.writer.prelude


def prepared(name: str, source: str, tree: ast.Module | None = None) -> tuple[CodeType, str]:
    """Source, or the tree that stands for it, compiled under a file name of its own: tracebacks can show its lines."""
    file = f"<compiled {name} {hashlib.sha256(source.encode()).hexdigest()[:12]}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    return compile(tree or source, file, "exec"), file


def execute(code: CodeType, file: str, constants: Mapping[str, Any]) -> dict[str, Any]:
    """What a source defines, with all that it may refer to."""
    namespace: dict[str, Any] = {**HELPERS, **constants, "__name__": file}
    exec(code, namespace)
    return namespace


def _words(texts: Iterable[str]) -> set[str]:
    return {word for text in texts for word in _WORD.findall(text)}


def _sized(first: str, lines: Sequence[Statement]) -> list[str]:
    """The number of samples, where a line asks for it."""
    return [f"    n = len({first})"] if "n" in _words(line.text for line in lines) else []


def _lines(statements: Iterable[Statement]) -> list[str]:
    lines = []
    for name, text, shape in statements:
        line = f"    {name} = {text}"
        if len(line) > _LONGEST + 10:
            line = f"    {name} = (\n        {_wrapped(text)}\n    )"
        lines.append(f"{line:<{_COMMENT_AT}}  # {shape}" if shape else line)
    return lines


def _wrapped(text: str) -> str:
    """A long expression in several lines, broken before terms and behind commas, in as few brackets as will do."""
    pieces = [text]
    for brackets in range(_DEEPEST):
        pieces = _broken(text, brackets)
        if max(map(len, pieces)) <= _LONGEST:
            break
    return "\n        ".join(pieces)


def _broken(text: str, brackets: int) -> list[str]:
    """The lines, broken where that is within so many brackets at most, and only where the next part would not fit."""
    pieces, depth, start, last = [], 0, 0, 0
    for match in re.finditer(r"[()\[\]]|, | [+-] |$", text):
        token = match.group()
        if token and token in "([":
            depth += 1
        elif token and token in ")]":
            depth -= 1
        elif depth <= brackets:
            place = match.end() if token == ", " else match.start()
            if place - start > _LONGEST and last > start:
                pieces.append(text[start:last].strip())
                start = last
            last = place
    return [*pieces, text[start:].strip()]


def _tuple(names: Sequence[str]) -> str:
    return f"({', '.join(names)}{',' if len(names) == 1 else ''})"
