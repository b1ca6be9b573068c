"""Stage 6, run: the emitted source in the form in which NumPy is quickest.

The source shows `nabla_w1 = delta1.T @ x`, as a text would write it. What runs is `matmul(delta1.T, x, nabla_w1)`,
where `nabla_w1` is a view of the vector of all gradients, which `backward` is called with: nothing is made only to be
copied. Other products run as `x.dot(w1.T)`, and the numbers of the source are handed to NumPy as arrays without axes,
both of which it takes in half the time where arrays are small. Lines keep their places, so that tracebacks quote the
source that is shown.
"""

from __future__ import annotations

import ast
from typing import Any

from autograd.arrays import NDArray, np

Array = NDArray[Any]


def running_form(source: str, dtype: np.dtype[Any]) -> tuple[ast.Module, dict[str, Any]]:
    """The tree to compile in place of a source, and the numbers that it refers to by names.

    A function `backward` in it takes one argument more for each of its results, which it writes there.
    """
    quicker = _Quicker(dtype)
    tree = quicker.visit(ast.parse(source))
    for function in tree.body:
        if isinstance(function, ast.FunctionDef) and function.name == "backward":
            _write_results(function)
    return ast.fix_missing_locations(tree), quicker.found


def takes_one_seed(backward: str, batched: set[str]) -> bool:
    """Whether the outputs' derivatives only ever multiply arrays of a row a sample, so that one number for all will do.

    Of that NumPy makes half the work of a column.

    Args:
        backward: the source of the pass.
        batched: the names of such arrays.
    """
    uses = good = 0
    for node in ast.walk(ast.parse(backward)):
        match node:
            case ast.Name("gradient"):
                uses += 1
            case ast.BinOp(
                ast.Name("gradient") | ast.BinOp(ast.Constant(), ast.Mult(), ast.Name("gradient")),
                ast.Mult(),
                ast.Name(other),
            ):
                good += other in batched
    return uses == good


class _Quicker(ast.NodeTransformer):
    """Puts names for the numbers that arrays are added to or multiplied with, and a function for sums of products.

    The name of a number is the number itself, as source, which no name in the source can be.
    """

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self._dtype = dtype
        self.found: dict[str, Array] = {}

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.op, ast.MatMult):
            return ast.copy_location(ast.Call(ast.Attribute(node.left, "dot", ast.Load()), [node.right], []), node)
        if isinstance(node.op, (ast.Add, ast.Sub, ast.Mult, ast.Div)) and not _counts(node):
            node.left, node.right = self._named(node.left), self._named(node.right)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        match node:
            case ast.Call(
                ast.Attribute(ast.BinOp(a, ast.Mult(), b), "sum"),
                [],
                [ast.keyword("axis", ast.Constant(1)), ast.keyword("keepdims")],
            ):
                return ast.copy_location(_call("sum_products", a, b), node)
        return node

    def _named(self, node: ast.expr) -> ast.expr:
        match node:
            case ast.Constant(number):
                pass
            case ast.UnaryOp(ast.USub(), ast.Constant(float() | int() as positive)):
                number = -positive
            case _:
                return node
        name = repr(number)
        self.found[name] = np.array(number, self._dtype)
        return ast.copy_location(ast.Name(name, ast.Load()), node)


def _counts(node: ast.BinOp) -> bool:
    """Whether this computes a number of rows from n, the number of samples."""
    return any(isinstance(side, ast.Name) and side.id == "n" for side in (node.left, node.right))


def _write_results(backward: ast.FunctionDef) -> None:
    """Results go where the function's last arguments say, from the lines that compute them on."""
    *lines, last = backward.body
    assert isinstance(last, ast.Return) and isinstance(last.value, ast.Tuple)
    results = {result.id for result in last.value.elts if isinstance(result, ast.Name)}
    body: list[ast.stmt] = []
    for line in lines:
        if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name) and line.targets[0].id in results:
            body.append(ast.copy_location(_written(line.targets[0].id, line.value), line))
        else:
            body.append(line)
    for k, result in enumerate(last.value.elts):
        name = result.id if isinstance(result, ast.Name) else f"result {k}"
        backward.args.args.append(ast.copy_location(ast.arg(name), last))
        if not isinstance(result, ast.Name):
            body.append(ast.copy_location(_written(name, result), last))
    backward.body = body or [ast.copy_location(ast.Pass(), last)]


def _written(name: str, value: ast.expr) -> ast.stmt:
    """A statement that writes a value into the array of a name."""
    into = ast.Name(name, ast.Load())
    match value:
        case ast.Call(ast.Attribute(left, "dot"), [right], []):
            return ast.Expr(_call("matmul", left, right, into))
        case ast.Call(ast.Attribute(array, "sum"), [], [ast.keyword("axis", ast.Constant(0))]):
            return ast.Expr(_call("sum_samples", array, into))
    return ast.Assign([ast.Subscript(into, ast.Constant(...), ast.Store())], value)


def _call(function: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(function, ast.Load()), list(arguments), [])
