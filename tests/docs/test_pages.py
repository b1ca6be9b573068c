"""The pages' examples run, and the sources of the site are complete; nothing is built."""

from __future__ import annotations

import ast
import doctest
import importlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

import autograd
import nn
from autograd.table import Primitive
from docs import CHECKOUT, build, docstrings, playground_links, reference, slices

PAGES = sorted((CHECKOUT / "docs" / "pages").rglob("*.md"))
NOTEBOOKS = sorted((CHECKOUT / "notebooks").glob("[0-9]*.ipynb"))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_examples_of_a_page(path: Path) -> None:
    names: dict[str, Any] = {}
    if path.stem == "engine":  # which continues the README's section
        exec("import autograd\nfrom autograd import Value", names)
    flags = doctest.ELLIPSIS
    assert (
        doctest.testfile(str(path), module_relative=False, globs=names, optionflags=flags, encoding="utf-8").failed == 0
    )


def test_there_are_examples_on_the_pages_that_teach() -> None:
    taught = {path.stem for path in PAGES if ">>> " in path.read_text(encoding="utf-8")}
    assert taught >= {"index", "engine", "pictures", "networks", "compile", "from-micrograd", "from-microgpt",
                      "from-pytorch", "from-nielsen"}  # fmt: skip


@pytest.mark.parametrize("module", [build, docstrings, reference, slices, playground_links])
def test_examples_of_the_builder(module: Any) -> None:
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize("path", sorted((CHECKOUT / "docs" / "live").glob("*.py")), ids=lambda path: path.stem)
def test_a_live_program_writes_the_page_that_is_shown(path: Path, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(path.read_text(encoding="utf-8"), path.name, "exec"), {})
    shown = (CHECKOUT / "docs" / "pages" / "pictures.md").read_text(encoding="utf-8")
    (page,) = tmp_path.iterdir()
    assert f'src="live/{page.name}"' in shown
    assert "<svg" in page.read_text(encoding="utf-8")


def test_sections_that_pages_include_are_there() -> None:
    for path in PAGES:
        for name, slug in re.findall(r"\{include\} sections/(\w+)/([\w-]+)\.md", path.read_text(encoding="utf-8")):
            titles = build.sections((CHECKOUT / f"{name}.md").read_text(encoding="utf-8"))
            assert slug in map(build.slug, titles), f"{path.name}: {name}/{slug}"


def test_every_section_of_the_readme_is_on_the_site() -> None:
    written = "".join(path.read_text(encoding="utf-8") for path in PAGES)
    own = {
        "start",
        "quickstart",
        "in-the-browser",
        "documentation",
        "if-you-come-from",
        "more",
    }  # written in the site's own words
    for title in build.sections((CHECKOUT / "README.md").read_text(encoding="utf-8")):
        assert build.slug(title) in own or f"sections/README/{build.slug(title)}.md" in written, title


# The reference


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return reference.pages()


@pytest.mark.parametrize("package", [autograd, nn])
def test_the_reference_describes_every_public_name(package: Any, pages: dict[str, str]) -> None:
    described = set(re.findall(r"^::::\{py:\w+\} (\w+)", pages[package.__name__], re.MULTILINE))
    assert described >= set(package.__all__)
    assert {"sum", "max", "min", "compile"} <= described or package is nn  # which `import *` leaves out


def test_the_reference_has_the_primitives_and_what_is_imported_lazily(pages: dict[str, str]) -> None:
    rows = {name for name in dir(autograd) if isinstance(getattr(autograd, name), Primitive)}
    assert len(rows) > 25
    for name in rows:
        assert re.search(rf"^::::\{{py:function\}} {name}\(\w+(, \w+)*\)$", pages["autograd"], re.MULTILINE), name
    for name in ("draw", "explain", "step_through", "check_engine"):
        assert f"\n::::{{py:function}} {name}(" in pages["autograd"]
    assert "use_layout" in pages["autograd.drawing"]
    assert "\n::::{py:class} MLPClassifier(" in pages["nn.estimators"]
    assert "\n::::{py:data} pi\n" in pages["autograd.math"]


def test_every_entry_has_a_text(pages: dict[str, str]) -> None:
    for name, page in pages.items():
        for entry in re.findall(
            r"^::::\{py:\w+\} (?:.*\n)(?::module: .*\n)?\n(.*?)^::::$", page, re.MULTILINE | re.DOTALL
        ):
            assert entry.strip(), name


def test_a_signature_is_as_it_is_called(pages: dict[str, str]) -> None:
    assert "\n::::{py:class} Value(data: SupportsFloat, label: str = '')\n" in pages["autograd"]
    assert ":::{py:method} backward(gradient: float = 1.0) -> None\n" in pages["autograd"]
    assert "loss: Loss = nn.half_squared_error" in pages["nn"]
    assert "<function" not in "".join(pages.values())
    assert " at 0x" not in "".join(pages.values())


def test_foreign_names_are_not_in_the_reference(pages: dict[str, str]) -> None:
    assert not re.search(r"\{py:\w+\} (_prev|item|numpy|train|eval)\b", pages["autograd"] + pages["nn"])


# Cells that open in the playground


def test_what_a_cell_needs_is_found() -> None:
    cells = [
        "import math\nimport numpy as np\nfrom autograd import Value",
        "x = Value(2.0)\nunrelated = np.zeros(3)",
        "y = x * x\ny.backward()",
        "def f(v):\n    return v * x",
        "z = f(y)\nx.grad",
    ]
    program = slices.statements(cells)
    before, missing = slices.needed(program, 4)
    assert [statement.text for statement in before] == [
        "from autograd import Value", "x = Value(2.0)", "y = x * x", "y.backward()", "def f(v):\n    return v * x",
    ]  # fmt: skip
    assert missing == set()


def test_a_name_that_nothing_binds_is_missing() -> None:
    assert slices.needed(slices.statements(["display(a)"]), 0)[1] == {"display", "a"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_programs_of_a_walkthrough_are_whole(path: Path) -> None:
    programs = dict(playground_links.programs_of(json.loads(path.read_text(encoding="utf-8"))))
    assert programs
    for program in programs.values():
        tree = ast.parse(program)
        imports = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        assert imports.isdisjoint({"numpy", "matplotlib.pyplot", "sklearn", "pandas", "torch"})
        assert len(program) <= 20_000


def test_public_modules_have_pages(pages: dict[str, str]) -> None:
    for name in pages:
        assert importlib.import_module(name).__doc__
