"""Execute the walkthroughs: `python notebooks/run.py [--write] [NOTEBOOK ...]`.

Each runs from top to bottom in its own kernel and folder, against the installed packages; a failing cell, including
cells tagged `check`, stops it with an error. Each exercise then gets right answers (its solution and others), wrong
ones (`wrong_answers.json`), and invalid or missing ones; its check must respond to each as expected. With `--write`,
the outputs are stored, without anything that differs between runs or machines.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import tempfile
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

FOLDER = Path(__file__).parent
SECONDS_A_CELL = 300
NO_ANSWERS = (
    "None", "'abc'", "[]", "{}", "object()", "True", "float('nan')", "float('inf')", "10**400", "1j", "[['a']]",
    "(None, None)",
    "__import__('autograd').Value(123.456)", "__import__('numpy').zeros((2, 3, 4))", "[float('nan')] * 3", "range(0)",
    "lambda: 1", "lambda *given: None", "lambda *given: given[99]", "lambda *given: 'abc'", "lambda *given: {}",
    "lambda *given: float('nan')", "lambda *given: __import__('sys').exit()", "int",
)  # fmt: skip
SOLUTION = re.compile(r"<details>.*?```python\n(.*?)```", re.DOTALL)


class Answer(NamedTuple):
    """An answer to an exercise, and the expected feedback."""

    code: str
    says: str  # as a regular expression


def execute(path: Path) -> NotebookNode:
    """Return the notebook with fresh outputs.

    Raises:
        CellExecutionError: if a cell fails.
        AssertionError: if the check of an exercise gives unexpected feedback.
    """
    notebook = nbformat.read(path, as_version=4)
    stored = len(notebook.cells)
    answers = _answers(path, notebook)
    for answer, check in answers:
        notebook.cells.append(nbformat.v4.new_code_cell(f"{answer.code}\n{check.source}"))
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook,
            timeout=SECONDS_A_CELL,
            kernel_name="python3",
            resources={"metadata": {"path": folder}},
            coalesce_streams=True,  # otherwise the splitting of lines depends on the run
        )
        client.execute(
            env={**os.environ, "PYTHONWARNINGS": "error,ignore::PendingDeprecationWarning", "PYTHONHASHSEED": "0"}
        )
    misfits = []
    for (answer, _), cell in zip(answers, notebook.cells[stored:]):
        feedback = "".join(output.get("text", "") for output in cell.outputs)
        if not re.fullmatch(answer.says, feedback, re.DOTALL):
            misfits.append(f"for {answer.code!r} the check should say {answer.says!r}, not {feedback!r}")
    assert not misfits, "\n".join([path.name, *misfits])
    del notebook.cells[stored:]
    return notebook


def _answers(path: Path, notebook: NotebookNode) -> list[tuple[Answer, NotebookNode]]:
    """Return missing, wrong, right and invalid answers to each exercise, with the cell that checks them."""
    wrong = json.loads((FOLDER / "wrong_answers.json").read_text(encoding="utf-8")).get(path.name[:2])
    if wrong is None:
        return []
    checks = [cell for cell in notebook.cells if "check-answer" in cell.metadata.get("tags", [])]
    solutions = [match[1] for cell in notebook.cells if (match := SOLUTION.search(cell.source))]
    assert len(checks) == len(solutions) == len(wrong), f"{path.name}: exercises, solutions and wrong answers differ"
    answers = []
    for k, (check, solution, tried) in enumerate(zip(checks, solutions, wrong), start=1):
        answers.append((Answer(f"answer_{k} = ...", "Not answered yet.*"), check))
        for mistake in tried["wrong"]:
            says = f"Not yet: .*{re.escape(mistake['says'])}.*"
            answers.append((Answer(mistake["answer"], says), check))
        answers += [(Answer(code, ".*Right\\.\\n"), check) for code in (solution, *tried["right"])]
        # One line about the answer, rather than an error in the check.
        refused = r"Not yet: (?!it raised)[^\n]*\n"
        answers += [(Answer(f"answer_{k} = {code}", refused), check) for code in NO_ANSWERS]
    return answers


def clean(notebook: NotebookNode) -> NotebookNode:
    """Return the notebook without anything that differs between runs: ids in order, no times, no kernel version."""
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for i, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{i}"
        tags = cell.metadata.get("tags", [])
        hidden = {"jupyter": {"source_hidden": True}} if {"check", "check-answer"} & set(tags) else {}
        cell["metadata"] = {**({"tags": tags} if tags else {}), **hidden}
    return notebook


def main() -> None:
    """Execute the notebooks named, or all of them."""
    parser = argparse.ArgumentParser(description="Execute the walkthroughs from top to bottom.")
    parser.add_argument("notebooks", nargs="*", type=Path, help="which ones (default: all)")
    parser.add_argument("--write", action="store_true", help="store the outputs")
    arguments = parser.parse_args()
    start = perf_counter()
    for path in arguments.notebooks or sorted(FOLDER.glob("[0-9]*.ipynb")):
        before = perf_counter()
        notebook = clean(execute(path))
        print(f"{path.name}: {perf_counter() - before:.0f} s", flush=True)
        if arguments.write:
            nbformat.write(notebook, path)
    print(f"all: {perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
