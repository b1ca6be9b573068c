"""`check_engine` detects every small mistake in a correct engine that changes its behaviour.

Whether a mistake changes anything is decided by random programs, on the broken engine and on lucidgrad.
"""

from __future__ import annotations

import ast
import math
import random
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from autograd import Value, check_engine
from autograd.teaching.engine_check import Rung

SOURCE = Path(__file__).with_name("pupil_engines.py").read_text(encoding="utf-8")
OTHER_NAME = {"self": ("other", "out"), "other": ("self",), "out": ("self",), "node": ("parent", "self")}
OTHER_ATTRIBUTE = {"data": "grad", "grad": "data"}
OTHER_OPERATOR: dict[type[ast.operator], tuple[type[ast.operator], ...]] = {
    ast.Add: (ast.Sub, ast.Mult), ast.Sub: (ast.Add,), ast.Mult: (ast.Add, ast.Div), ast.Div: (ast.Mult, ast.FloorDiv),
    ast.Pow: (ast.Mult,),
}  # fmt: skip
OTHER_COMPARISON: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Gt: (ast.Lt, ast.GtE), ast.Lt: (ast.Gt, ast.LtE), ast.NotIn: (ast.In,), ast.In: (ast.NotIn,),
}  # fmt: skip
OTHER_FUNCTION = {"tanh": "sin", "exp": "exp2", "log": "log10", "max": "min"}
ENGINES = ("Longhand", "Compact", "Stored")
FUNCTIONS = ("exp", "log", "tanh", "sigmoid", "relu")
RUNG = {
    "__add__": "plus|parents|seed|chain|used twice|constant right",
    "__mul__": "times|parents|chain|used twice|const",
}
RUNG |= {"__sub__": "minus", "__rsub__": "minus", "__neg__": "negative", "__pow__": "power", "__truediv__": "divided"}
RUNG |= {"__rtruediv__": "divided", "__radd__": "constant left", "__rmul__": "constant left"}
RUNG |= {name: name for name in FUNCTIONS}
CAUSE = {  # the text that the first explanation must contain, by kind of mistake
    "missing": r"[Dd]efine (it|`{method}`)",
    "assigns": r"`{method}` assign the gradient instead of adding|the sign",
    "sign": r"sign",
    "out.grad missing": r"in `{method}`, is the local derivative multiplied by the gradient of the result",
    "called at once": r"without the parentheses",
    "not kept": r"does `{method}` give its result a backward function",
    "return missing": r"without `return out`",
    "not wrapped": r"wrap numbers first",
    "rounded": r"is it converted to an integer",
}


OPERATIONS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "+": lambda x, y, k: x + y, "-": lambda x, y, k: x - y, "*": lambda x, y, k: x * y, "/": lambda x, y, k: x / y,
    "+k": lambda x, y, k: x + k, "-k": lambda x, y, k: x - k, "*k": lambda x, y, k: x * k, "/k": lambda x, y, k: x / k,
    "k+": lambda x, y, k: k + x, "k-": lambda x, y, k: k - x, "k*": lambda x, y, k: k * x, "k/": lambda x, y, k: k / x,
    "neg": lambda x, y, k: -x, "cube": lambda x, y, k: x**3, "square": lambda x, y, k: x**2,
    "inverse": lambda x, y, k: x**-1, "sum": lambda x, y, k: sum([x, y, x]),
}  # fmt: skip


class Mutant(NamedTuple):
    """A class with one mistake: its method, its kind, and the changed line."""

    method: str
    kind: str
    line: str
    engine: type[Any]

    def __str__(self) -> str:
        return f"{self.method}: {self.kind}: {self.line}"


def mutants(name: str, every: int = 1) -> Iterator[Mutant]:
    """Yield every n-th class that differs from this one by a small mistake; some behave the same."""
    (body,) = (node for node in ast.parse(SOURCE).body if isinstance(node, ast.ClassDef) and node.name == name)
    for method, kind, line, instead in islice(mistakes(body), None, None, every):
        yield Mutant(method.name, kind, line, build(body, method, instead))


def mistakes(body: ast.ClassDef) -> Iterator[tuple[ast.FunctionDef, str, str, list[ast.stmt]]]:
    """Yield each small mistake: the method, its kind, the changed line, and the new method."""
    for method in body.body:
        if not isinstance(method, ast.FunctionDef):
            continue
        if method.name not in ("__init__", "backward"):
            yield method, "missing", "", []
        seen = {ast.unparse(method)}
        for node in ast.walk(method):
            for kind, other in changes(node):
                changed = replaced(method, node, other)
                source = ast.unparse(changed)
                if source not in seen:
                    seen.add(source)
                    line = " ".join(ast.unparse(other).split())[:90] if other else ""
                    yield method, kind, line, [changed]


def replaced(method: ast.FunctionDef, node: ast.AST, other: Any) -> ast.FunctionDef:
    """Return a copy of a method in which a node is replaced, or removed."""

    class Replace(ast.NodeTransformer):
        def visit(self, visited: ast.AST) -> Any:
            if visited is node:
                return other
            fields = {name: list(x) if isinstance(x, list) else x for name, x in ast.iter_fields(visited)}
            visited = self.generic_visit(ast.copy_location(type(visited)(**fields), visited))
            if isinstance(visited, (ast.FunctionDef, ast.For, ast.If, ast.While)) and not visited.body:
                visited.body = [ast.Pass()]
            return visited

    result: ast.FunctionDef = ast.fix_missing_locations(Replace().visit(method))
    return result


def build(body: ast.ClassDef, method: ast.stmt | None = None, instead: Sequence[ast.stmt] = ()) -> type[Any]:
    """Return the class of a syntax tree with another method."""
    statements = [new for old in body.body for new in (instead if old is method else [old])]
    tree = ast.Module([ast.copy_location(ast.ClassDef(body.name, body.bases, [], statements, []), body)], [])
    names: dict[str, Any] = {"math": math, "Any": Any, "__name__": "pupil"}
    exec(compile(tree, "<pupil>", "exec"), names)
    made: type[Any] = names[body.name]
    return made


def changes(node: ast.AST) -> Iterator[tuple[str, Any]]:
    """Yield the mistakes that can be made at a node of a syntax tree: the kind, and the replacement."""
    if isinstance(node, ast.AugAssign):
        yield "assigns", ast.Assign([node.target], node.value, lineno=0)
        for operator in OTHER_OPERATOR[type(node.op)][:1]:
            yield "sign", ast.AugAssign(node.target, operator(), node.value)
    if isinstance(node, ast.AugAssign) and (one := {"out.grad": 1.0, "-out.grad": -1.0}.get(ast.unparse(node.value))):
        yield "out.grad missing", ast.AugAssign(node.target, node.op, ast.Constant(one))
    if isinstance(node, ast.Return):
        yield "return missing", None
    if isinstance(node, ast.Assign) and ast.unparse(node) == "out._backward = _backward":
        yield "not kept", None
    if isinstance(node, (ast.AugAssign, ast.Assign, ast.Expr, ast.If)):
        yield "statement missing", None
    if isinstance(node, ast.BinOp):
        factor = isinstance(node.op, ast.Mult) and ast.unparse(node.right) == "out.grad"
        yield "out.grad missing" if factor else "right side missing", node.left
        yield "left side missing", node.right
        yield "turned round", ast.BinOp(node.right, node.op, node.left)
        for operator in OTHER_OPERATOR.get(type(node.op), ()):
            yield "operator", ast.BinOp(node.left, operator(), node.right)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "sign", node.operand
    if isinstance(node, ast.Compare):
        for comparison in OTHER_COMPARISON.get(type(node.ops[0]), ()):
            yield "comparison", ast.Compare(node.left, [comparison()], node.comparators)
    if isinstance(node, ast.IfExp):
        yield "not wrapped" if "isinstance" in ast.unparse(node.test) else "no choice", node.body
        yield "no choice", node.orelse
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        for name in OTHER_NAME.get(node.id, ()):
            yield "name", ast.Name(name, ast.Load())
        if node.id in OTHER_FUNCTION:
            yield "function", ast.Name(OTHER_FUNCTION[node.id], ast.Load())
        if node.id == "_backward":
            yield "called at once", ast.Call(node, [], [])
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
        if node.attr in OTHER_ATTRIBUTE:
            yield "attribute", ast.Attribute(node.value, OTHER_ATTRIBUTE[node.attr], ast.Load())
            yield "no attribute", node.value
        if node.attr in OTHER_FUNCTION:
            yield "function", ast.Attribute(node.value, OTHER_FUNCTION[node.attr], ast.Load())
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and node.attr in OTHER_ATTRIBUTE:
        yield "attribute", ast.Attribute(node.value, OTHER_ATTRIBUTE[node.attr], ast.Store())
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        for number in (node.value + 1, node.value - 1):
            yield "number", ast.Constant(number)
    if isinstance(node, ast.Tuple) and isinstance(node.ctx, ast.Load):
        for i in range(len(node.elts)):
            yield "parent missing", ast.Tuple(node.elts[:i] + node.elts[i + 1 :], ast.Load())
        yield "turned round", ast.Tuple(node.elts[::-1], ast.Load())
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name) and node.func.id in ("reversed", "float"):
            yield "call missing", node.args[0]
        if isinstance(node.func, ast.Name) and node.func.id == "float":
            yield "rounded", ast.Call(ast.Name("int", ast.Load()), node.args, [])
        for i in range(len(node.args)):
            yield "argument missing", ast.Call(node.func, node.args[:i] + node.args[i + 1 :], node.keywords)


def first_failure(mutant: Mutant) -> Rung | None:
    seconds = 0.3 if mutant.method == "backward" else 60.0  # other methods terminate
    rung = RUNG.get(mutant.method, "|")
    # The ladder runs in parts, up to rungs that use the method, since most mutants fail early.
    for stage in ("chain", "everything", "relu", None) if "|" in rung else (rung, None):
        if failure := check_engine(mutant.engine, up_to=stage, seconds=seconds).first_failure:
            return failure
    return None


def run(engine: Any, choices: random.Random, functions: tuple[str, ...]) -> list[float]:
    """Return all numbers of a random program on an engine: data and gradients, of two backward passes and two roots."""
    leaves = [engine(choices.uniform(-2.0, 2.0)) for _ in range(3)]
    nodes = list(leaves)
    for _ in range(choices.randint(1, 8)):
        x, y = choices.choice(nodes), choices.choice(nodes)
        k = choices.choice([-2, 3, 0.5, 1, 0])
        operation = choices.choice([*OPERATIONS, *functions])
        nodes.append(OPERATIONS[operation](x, y, k) if operation in OPERATIONS else getattr(x, operation)())
    seen = [node.data for node in nodes]
    for root in (nodes[-1], nodes[-1], nodes[-2]):
        for leaf in leaves:
            leaf.grad = 0.0
        root.backward()
        seen += [leaf.grad for leaf in leaves]
    return [*seen, *(node.data for node in nodes)]


@cache
def expected_of(seed: int, functions: tuple[str, ...]) -> list[float]:
    """Return all numbers of a random program on lucidgrad; [] if they do not exist or are very large."""
    try:
        numbers = run(Value, random.Random(seed), functions)
    except (ValueError, ArithmeticError):
        return []
    return numbers if all(math.isfinite(x) and abs(x) < 1e6 for x in numbers) else []


def differs(engine: type[Any]) -> str:
    """Describe the first difference between an engine and lucidgrad; "" if there is none."""
    functions = tuple(name for name in FUNCTIONS if hasattr(engine, name))
    for seed in range(300):
        expected = expected_of(seed, functions)
        if not expected:
            continue
        try:
            result = run(engine, random.Random(seed), functions)
        except Exception as error:
            return f"program {seed} raised {error!r}"
        if not all(abs(a - b) <= 1e-6 * max(1.0, abs(b)) for a, b in zip(result, expected)):
            return f"program {seed} gave {result}, expected {expected}"
    return ""


@pytest.mark.parametrize("name", ENGINES)
def test_the_right_ones_pass_and_compute_what_lucidgrad_does(name: str) -> None:
    (engine,) = (build(node) for node in ast.parse(SOURCE).body if isinstance(node, ast.ClassDef) and node.name == name)
    assert check_engine(engine).passed
    assert differs(engine) == ""


@pytest.mark.filterwarnings("ignore")  # the exception that stops an endless loop may hit a callback
@pytest.mark.parametrize("name", ENGINES)
def test_every_mistake_is_found_and_the_common_ones_are_named(name: str) -> None:
    caught = 0
    every = 1 if name == "Longhand" else 3  # the others do in few places what Longhand does in many
    for mutant in mutants(name, every):
        failure = first_failure(mutant)
        if failure is None:
            assert differs(mutant.engine) == "", f"{mutant} passes"
            continue
        caught += 1
        assert not misplaced(mutant, failure), f"{mutant}: {failure}"
    assert caught > 100


def misplaced(mutant: Mutant, failure: Rung) -> bool:
    """Return whether the first explanation names a different operation, or cause, than the mistake."""
    if rungs := RUNG.get(mutant.method, ""):
        if mutant.engine.__name__ == "Compact":
            rungs = ".*"  # its operations are made of others
        if not re.match(rungs, failure.name):
            return True
    cause = CAUSE.get(mutant.kind, "").format(method=mutant.method)
    return bool(mutant.engine.__name__ == "Longhand" and rungs and cause and not re.search(cause, failure.explanation))
