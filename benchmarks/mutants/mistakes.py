"""Mistakes to put into a file, as cosmic-ray makes them, and what of the file each of them changes."""

from __future__ import annotations

import ast
import contextlib
import difflib
import re
from collections.abc import Iterator
from types import CodeType
from typing import Any

import cosmic_ray.plugins
from cosmic_ray.mutating import mutate_code

EXCLUDED = re.compile(
    r"core/ReplaceBinaryOperator_(?!(Add_Sub|Sub_Add|Mul_Div|Div_Mul|Pow_Mul|FloorDiv_Mul|Mod_Mul)$)"
    r"|core/ReplaceComparisonOperator_(?!(Eq_NotEq|NotEq_Eq|Lt_LtE|LtE_Lt|Gt_GtE|GtE_Gt|Is_IsNot|IsNot_Is)$)"
    r"|core/ReplaceUnaryOperator_(?!(USub_UAdd|Delete_Not)$)"
)
"""Operators that are left out: of the eleven ways to replace + one is taken, which others would not outlive."""


def mutants(source: str) -> Iterator[str]:
    """Yield the source with each of cosmic-ray's mistakes in it, but for those in what only a type checker reads."""
    original = _meaning(source)
    for name in cosmic_ray.plugins.operator_names():
        operator = cosmic_ray.plugins.get_operator(name)
        if EXCLUDED.match(name) or operator.arguments():
            continue
        occurrence = 0
        while (mutant := mutate_code(source, operator(), occurrence)) is not None:
            occurrence += 1
            with contextlib.suppress(SyntaxError):
                if _meaning(mutant) != original:
                    yield mutant


def _meaning(source: str) -> str:
    """Return what Python runs: the source without what is there for type checkers alone."""
    return ast.dump(_WithoutTypes().visit(ast.parse(source)))


class _WithoutTypes(ast.NodeTransformer):
    """Leaves out annotations, overloads, literal types and what stands under `if TYPE_CHECKING`."""

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.annotation = ast.Constant(None)
        return self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST | None:
        node.returns = None
        is_overload = ast.unparse(node.body[-1]) == "..."
        return None if is_overload else self.generic_visit(node)

    def visit_If(self, node: ast.If) -> Any:
        self.generic_visit(node)
        return node.orelse if "TYPE_CHECKING" in ast.unparse(node.test) else node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST | None:
        return None if ast.unparse(node.value) == "Literal" else self.generic_visit(node)


def changed_lines(source: str, mutant: str) -> set[int]:
    """Return the numbers of the lines of the source that are not in the mutant."""
    blocks = difflib.SequenceMatcher(None, source.splitlines(), mutant.splitlines(), autojunk=False).get_opcodes()
    return {line + 1 for tag, start, end, *_ in blocks if tag != "equal" for line in range(start, end)}


def exchanged(old: CodeType, new: CodeType) -> Iterator[tuple[CodeType, CodeType]]:
    """Yield the code objects that differ, each with what takes its place, those within others among them."""
    if old == new:
        return
    yield old, new
    inner = [[const for const in code.co_consts if isinstance(const, CodeType)] for code in (old, new)]
    if len(inner[0]) == len(inner[1]):
        for pair in zip(*inner):
            yield from exchanged(*pair)


def runs_at_import(code: CodeType) -> tuple[object, ...]:
    """Return what a module or a class does when it is imported, apart from what functions do later."""
    return code.co_code, code.co_names, *[const for const in code.co_consts if not isinstance(const, CodeType)]
