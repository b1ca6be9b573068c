"""The page "How the compiler works" in CONTRIBUTING.md: its code runs, and prints what the page says."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd
from autograd.compiler import pipeline
from autograd.compiler.scalars.passes import SIMPLIFY
from autograd.primitives import TABLE

CONTRIBUTING = Path(__file__).parents[1] / "CONTRIBUTING.md"
BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.DOTALL | re.MULTILINE)


Blocks = list[tuple[str, str]]


@pytest.fixture
def blocks(monkeypatch: pytest.MonkeyPatch) -> Blocks:
    """Return the page's code, block by block, each with the output that the page states."""
    for name in ("swish", "two_to"):  # added by the first recipe; removed afterwards
        monkeypatch.delitem(TABLE, name, raising=False)
    page = CONTRIBUTING.read_text(encoding="utf-8")
    (section,) = re.findall(r"^## How the compiler works\n(.*?)^## ", page, re.DOTALL | re.MULTILINE)
    return [(code, says.rstrip()) for code, says in BLOCK.findall(section)]


def run(code: str, names: dict[str, Any]) -> str:
    """Return what a block prints, given the names that those before it defined."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, CONTRIBUTING.name, "exec"), names)
    return printed.getvalue().rstrip()


def test_what_is_printed_on_the_page_is_what_its_code_prints_now(blocks: Blocks) -> None:
    names: dict[str, Any] = {}
    for code, says in blocks:
        assert run(code, names) == says, code


def test_the_page_shows_every_stage_the_passes_and_the_source(blocks: Blocks) -> None:
    said = "\n\n".join(says for _, says in blocks)
    names: dict[str, Any] = {}
    run(blocks[0][0], names)
    program = names["program"]
    forward, backward = str(program.stages["arrays"]), str(program.stages["backward"])
    shared = len(forward.splitlines()) - 1  # without its return
    assert backward.splitlines()[:shared] == forward.splitlines()[:shared]
    added = "\n".join(backward.splitlines()[shared:])
    for shown in (f"{program.nodes} nodes", str(program.stages["scalars"]), forward, added, program.source.rstrip()):
        assert shown in said
    assert all(f"{record.name:<28}{record.before:>3} -> {record.after}" in said for record in program.passes)


def test_a_recogniser_in_the_list_of_passes_is_part_of_the_compiler(
    blocks: Blocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: dict[str, Any] = {}
    (code,) = [code for code, _ in blocks if "def recognise_log1p" in code]
    run(code, names)
    monkeypatch.setattr(pipeline, "SIMPLIFY", (("recognise log1p", names["recognise_log1p"]), *SIMPLIFY))
    program = autograd.compile(lambda x: [2.0 * autograd.log(1 + x_k) for x_k in x], [0.5, 1.0, 2.0])
    assert "log1p(x)" in program.source
    assert program.passes[0].name == "recognise log1p"
    assert np.allclose(program([1e-20, 1.0, 3.0]), [2e-20, 2 * np.log(2), 2 * np.log(4)], rtol=1e-15, atol=0)
