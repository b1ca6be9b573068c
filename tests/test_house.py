"""The packages follow CONTRIBUTING: imports go one way, and no file, function or folder is too long."""

from __future__ import annotations

import ast
import builtins
import importlib
from collections import Counter
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
PACKAGES = ("autograd", "nn", "playground", "docs", "benchmarks")
FILES = sorted(path for package in PACKAGES for path in (CHECKOUT / package).rglob("*.py"))
LONGEST_FILE, LONGEST_FUNCTION, MOST_FILES = 300, 60, 24


def named(path: Path) -> str:
    return path.relative_to(CHECKOUT).as_posix()


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the number of lines of a function, without its docstring."""
    lines = function.end_lineno - function.lineno + 1  # type: ignore[operator]
    first = function.body[0]
    if ast.get_docstring(function) is not None:
        lines -= first.end_lineno - first.lineno + 1  # type: ignore[operator]
    return lines


def test_no_file_or_function_is_too_long() -> None:
    long: dict[str, int] = {}
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        lines = {named(path): len(text.splitlines())}
        functions = [f for f in ast.walk(ast.parse(text)) if isinstance(f, (ast.FunctionDef, ast.AsyncFunctionDef))]
        of_functions = {f"{named(path)}: {f.name}": length(f) for f in functions}
        long |= {name: count for name, count in lines.items() if count > LONGEST_FILE}
        long |= {name: count for name, count in of_functions.items() if count > LONGEST_FUNCTION}
    assert long == {}


def test_no_folder_is_too_full() -> None:
    counts = Counter(named(path.parent) for path in [*FILES, *(CHECKOUT / "tests").rglob("*.py")])
    assert not {folder for folder, count in counts.items() if count > MOST_FILES}


def imports(path: Path) -> list[tuple[str, str]]:
    """Return the modules and names that a file imports; for `import a.b`, only the module."""
    imported: list[tuple[str, str]] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            imported += [(node.module, alias.name) for alias in node.names]
        elif isinstance(node, ast.Import):
            imported += [(alias.name, "") for alias in node.names]
    return imported


def test_nn_uses_public_names_of_autograd_alone() -> None:
    hidden = []
    for path in (CHECKOUT / "nn").rglob("*.py"):
        for module, name in imports(path):
            if module.partition(".")[0] != "autograd" or not name:
                continue
            origin = importlib.import_module(module)
            public = {*getattr(origin, "__all__", ())}
            public |= {public for public in vars(origin) if hasattr(builtins, public) and public[0] != "_"}
            if name not in public and not hasattr(getattr(origin, name), "__all__"):  # a module of public names
                hidden.append(f"{named(path)}: {module}.{name}")
    assert hidden == []


@pytest.mark.parametrize("package", ["nn", "playground"])
def test_autograd_does_not_know_what_is_built_on_it(package: str) -> None:
    known = [
        named(path)
        for path in (CHECKOUT / "autograd").rglob("*.py")
        for module, _ in imports(path)
        if module.partition(".")[0] == package
    ]
    assert known == []
