"""Make mistakes in a file with cosmic-ray, and determine which code each of them changes."""

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
"""Operators that are left out: of eleven replacements of +, one is used, since tests that kill it kill the others."""


def mutants(source: str) -> Iterator[str]:
    """Yield the source with each of cosmic-ray's mistakes, except those that change nothing that Python runs."""
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
    """Return the source without the code that only type checkers read, and with one form of `reshape(-1)`."""
    return ast.dump(_Meaning().visit(ast.parse(source)))


class _Meaning(ast.NodeTransformer):
    """Removes annotations, overloads, literal types, `if TYPE_CHECKING` blocks and sizes of caches.

    Negative lengths in calls of `reshape` become -1: NumPy treats all of them alike.
    """

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Attribute) and node.func.attr == "reshape":
            node.args = [ast.Constant(-1) if _is_negative(length) else length for length in node.args]
        if ast.unparse(node.func).endswith("lru_cache"):
            node.args, node.keywords = [], []
        return self.generic_visit(node)

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


def _is_negative(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.UnaryOp)
        and isinstance(node.op, ast.USub)
        and isinstance(node.operand, ast.Constant)
        and isinstance(node.operand.value, int)
        and node.operand.value > 0
    )


def changed_lines(source: str, mutant: str) -> set[int]:
    """Return the line numbers of the source that the mutant changes."""
    blocks = difflib.SequenceMatcher(None, source.splitlines(), mutant.splitlines(), autojunk=False).get_opcodes()
    return {line + 1 for tag, start, end, *_ in blocks if tag != "equal" for line in range(start, end)}


def exchanged(old: CodeType, new: CodeType) -> Iterator[tuple[CodeType, CodeType]]:
    """Yield the code objects that differ, with their replacements, including nested ones."""
    if old == new:
        return
    yield old, new
    inner = [[const for const in code.co_consts if isinstance(const, CodeType)] for code in (old, new)]
    if len(inner[0]) == len(inner[1]):
        for pair in zip(*inner):
            yield from exchanged(*pair)


def runs_at_import(code: CodeType) -> tuple[object, ...]:
    """Return the part of a module or class body that runs at import, without the code of functions."""
    return code.co_code, code.co_names, *[const for const in code.co_consts if not isinstance(const, CodeType)]
