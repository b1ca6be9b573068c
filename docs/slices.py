"""Find the statements of a notebook that a cell depends on, so that it can run by itself.

A statement is needed if it binds a needed name, or may change the object of such a name: by calling a method of it or
of an object computed from it, such as `backward`, by assigning to a part of it, or by passing it to a function.
"""

from __future__ import annotations

import ast
import builtins
import symtable
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

BUILTINS = set(dir(builtins))
HARMLESS = {name for name in dir(builtins) if name[0].islower()} - {"setattr", "delattr", "exec", "next"}
HARMLESS |= {"Value", "draw", "explain", "step_through", "grad", "hessian", "jacobian", "value_and_grad"}
HARMLESS |= {"check_answer", "check_engine", "check_gradient"}


@dataclass
class Statement:
    """A statement at the top level of a cell.

    Attributes:
        cell: the number of the cell.
        text: the source.
        binds: the names that it binds.
        loads: the names read by it or by a function in it.
        changes: the names whose objects it may change.
        imports: the modules that it imports.
    """

    cell: int
    text: str
    binds: set[str] = field(default_factory=set)
    loads: set[str] = field(default_factory=set)
    changes: set[str] = field(default_factory=set)
    imports: set[str] = field(default_factory=set)


def statements(cells: Sequence[str]) -> list[Statement]:
    """Return the statements of cells, in order, skipping cells that are not plain Python."""
    program: list[Statement] = []
    modules: set[str] = set()
    origins: dict[str, set[str]] = {}  # the names that a name's object was computed from
    for k, source in enumerate(cells):
        try:
            tree = ast.parse(source)
        except SyntaxError:
            continue
        lines = source.splitlines()
        for node in tree.body:
            first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
            statement = _read(k, node, "\n".join(lines[first - 1 : node.end_lineno]))
            modules |= statement.binds if statement.imports else set()
            statement.changes -= modules
            statement.changes |= {origin for name in statement.changes for origin in origins.get(name, ())}
            statement.changes -= BUILTINS - origins.keys()  # built-in functions, which no statement changes
            below = statement.loads | {origin for name in statement.loads for origin in origins.get(name, ())}
            origins.update((name, below) for name in statement.binds)
            program.append(statement)
    return program


def needed(all_statements: Sequence[Statement], cell: int) -> tuple[list[Statement], set[str]]:
    """Return the earlier cells' statements that a cell needs, in order, and the names that none of them binds."""
    own = [statement for statement in all_statements if statement.cell == cell]
    names: set[str] = set()
    for statement in reversed(own):
        names = names - statement.binds | statement.loads
    selected: list[Statement] = []
    for statement in reversed([statement for statement in all_statements if statement.cell < cell]):
        if names.isdisjoint(statement.binds | statement.changes):
            continue
        selected.append(statement)
        names = names - statement.binds | statement.loads
    return selected[::-1], names - BUILTINS


def _read(cell: int, node: ast.stmt, text: str) -> Statement:
    statement = Statement(cell, text)
    table = symtable.symtable(text, "cell", "exec")
    symbols = table.get_symbols()
    statement.binds = {symbol.get_name() for symbol in symbols if symbol.is_assigned() or symbol.is_imported()}
    statement.loads = {symbol.get_name() for symbol in symbols if symbol.is_referenced()} | _globals(table)
    if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.For, ast.With, ast.While, ast.If, ast.Try)):
        statement.loads -= statement.binds
    statement.loads |= _read_before_bound(node)
    for part in _outside_functions(node):
        if isinstance(part, (ast.Import, ast.ImportFrom)):
            modules = [part.module or ""] if isinstance(part, ast.ImportFrom) else [alias.name for alias in part.names]
            statement.imports |= {module.partition(".")[0] for module in modules}
        elif isinstance(part, (ast.Attribute, ast.Subscript)) and isinstance(part.ctx, (ast.Store, ast.Del)):
            statement.changes |= _root(part)
        elif isinstance(part, ast.Call):
            statement.changes |= _changed_by(part)
    statement.changes -= statement.binds - statement.loads
    return statement


def _globals(table: symtable.SymbolTable) -> set[str]:
    """Return the global names that functions in a statement read."""
    inside = [
        symbol.get_name() for child in table.get_children() for symbol in child.get_symbols() if symbol.is_global()
    ]
    return {*inside, *(name for child in table.get_children() for name in _globals(child))}


def _outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a statement and its parts, except the bodies of functions."""
    yield node
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
        for child in ast.iter_child_nodes(node):
            yield from _outside_functions(child)


def _read_before_bound(node: ast.AST) -> set[str]:
    """Return the names that a loop or a branch updates from their earlier values, and the bases of a class."""
    roots = {name for base in getattr(node, "bases", ()) for name in _root(base)}
    for part in _outside_functions(node):
        if isinstance(part, ast.AugAssign):
            roots |= _root(part.target)
        elif isinstance(part, ast.Assign):
            read = {name.id for name in ast.walk(part.value) if isinstance(name, ast.Name)}
            roots |= {name for target in part.targets for name in _root(target)} & read
    return roots


def _changed_by(call: ast.Call) -> set[str]:
    """Return the names whose objects a call may change: the object of its method, and the arguments of a function."""
    passed = {name for argument in [*call.args, *(k.value for k in call.keywords)] for name in _root(argument)}
    if isinstance(call.func, ast.Name):
        return set() if call.func.id in HARMLESS else passed
    return _root(call.func) | (passed if isinstance(call.func, ast.Attribute) and call.func.attr == "fit" else set())


def _root(node: ast.AST) -> set[str]:
    """Return the first name of an expression such as `a.b[0].c`, or those of the elements of a list."""
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Starred, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    if isinstance(node, (ast.List, ast.Tuple)):
        return {name for element in node.elts for name in _root(element)}
    return {node.id} if isinstance(node, ast.Name) else set()
