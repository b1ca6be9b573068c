"""Execute the walkthroughs: `python notebooks/run.py [--write] [NOTEBOOK ...]`.

Each runs from top to bottom in a kernel of its own, in a folder of its own, against the installed packages; a cell
that fails, a cell tagged `check` too, ends it with its error. With `--write`, the outputs are stored, and whatever
differs from run to run or from machine to machine is taken out first.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

FOLDER = Path(__file__).parent
SECONDS_A_CELL = 300


def execute(path: Path) -> NotebookNode:
    """The notebook with fresh outputs. Raises nbclient's CellExecutionError where a cell fails."""
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook, timeout=SECONDS_A_CELL, kernel_name="python3", resources={"metadata": {"path": folder}}
        )
        client.execute(env={**os.environ, "PYTHONWARNINGS": "error", "PYTHONHASHSEED": "0"})
    return notebook


def clean(notebook: NotebookNode) -> NotebookNode:
    """The notebook without what differs from run to run: ids in order, no times, no version of the kernel."""
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for i, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{i}"
        tags = cell.metadata.get("tags", [])
        hidden = {"jupyter": {"source_hidden": True}} if "check" in tags else {}
        cell["metadata"] = {**({"tags": tags} if tags else {}), **hidden}
    return notebook


def main() -> None:
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
    sys.exit(main())
