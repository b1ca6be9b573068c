"""Free arrays after their last use: those of a loop are as large as all its steps together."""

from __future__ import annotations

import ast


def free_after_last_use(tree: ast.Module) -> None:
    """Let functions with loops delete each variable after the last statement that reads it.

    A loop counts as one statement. Arguments are not deleted, since the caller still holds them.

    >>> tree = ast.parse("def f(x):\\n for t in range(2):\\n  y = x * t\\n z = y + 1\\n return z")
    >>> free_after_last_use(tree)
    >>> print(ast.unparse(tree))
    def f(x):
        for t in range(2):
            y = x * t
        del t
        z = y + 1
        del y
        return z
    """
    for function in tree.body:
        if isinstance(function, ast.FunctionDef) and any(isinstance(x, ast.For) for x in function.body):
            function.body = _with_frees(function.body)


def _with_frees(statements: list[ast.stmt]) -> list[ast.stmt]:
    """Return statements, the last of which returns, with deletions between them."""
    last: dict[str, int] = {}
    written = set()
    for place, statement in enumerate(statements):
        for node in ast.walk(statement):
            if isinstance(node, ast.Name):
                last[node.id] = place
                if isinstance(node.ctx, ast.Store):
                    written.add(node.id)
    freed: list[list[str]] = [[] for _ in statements]
    for name in last:
        if name in written:
            freed[last[name]].append(name)
    result = []
    for statement, names in zip(statements, freed):
        result.append(statement)
        if names and statement is not statements[-1]:
            targets: list[ast.expr] = [ast.Name(name, ast.Del()) for name in names]
            result.append(ast.copy_location(ast.Delete(targets), statement))
            for target in targets:
                ast.copy_location(target, statement)
    return result
