"""Links from a walkthrough's cells to the playground, each with a program that runs there by itself."""

from __future__ import annotations

import base64
import json
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docs import VERSION
from docs.slices import Statement, needed, statements

OURS = {"autograd", "nn"}
NEITHER = {
    "time",
    "os",
    "sys",
    "pathlib",
    "tempfile",
    "subprocess",
    "threading",
}  # useless or different in the playground
MOST_LETTERS, LONGEST = 16_000, 12_000  # characters of a program and of a link, below the playground's limits
PLAYGROUND = "../playground/index.html"


def with_links(path: Path) -> str:
    """Return a notebook as JSON, with a link after each cell that runs in the playground."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    programs = dict(programs_of(notebook))
    cells = []
    for k, cell in enumerate(notebook["cells"]):
        tags = set(cell["metadata"].get("tags", []))
        after = notebook["cells"][k + 1]["metadata"].get("tags", []) if k + 1 < len(notebook["cells"]) else []
        if {"check", "install"} & tags or "install" in after:  # asserts, and the setup of a hosted notebook
            continue
        if "check-answer" in tags:
            cell["metadata"]["tags"].append("remove-input")
        cells.append(cell)
        if k in programs:
            link = f'<p class="in-playground"><a class="in-playground" href="{PLAYGROUND}{fragment(programs[k])}">'
            cells.append({"cell_type": "markdown", "metadata": {}, "source": f"{link}open in the playground</a></p>"})
    notebook["cells"] = cells
    notebook["nbformat"], notebook["nbformat_minor"] = 4, 4  # before cells had ids
    for cell in cells:
        cell.pop("id", None)
    return json.dumps(notebook)


def programs_of(notebook: Any) -> Iterator[tuple[int, str]]:
    """Yield the number of each cell that runs without NumPy, with a program that runs by itself.

    An exercise includes the cell that checks its answer.
    """
    cells = notebook["cells"]
    tags = [set(cell["metadata"].get("tags", [])) for cell in cells]
    sources = ["".join(cell["source"]) if cell["cell_type"] == "code" else "" for cell in cells]
    plain = ["" if {"check", "check-answer", "install"} & tags[k] else source for k, source in enumerate(sources)]
    for k, source in enumerate(plain):
        if not source:
            continue
        checks = sources[k + 1] if k + 1 < len(cells) and "check-answer" in tags[k + 1] else ""
        text = _shown(f"{source}\n\n{checks}".strip())
        all_statements = statements([*plain[:k], text])
        own = [statement for statement in all_statements if statement.cell == k]
        before, missing = needed(all_statements, k)
        if not own or missing or any(map(_needs_more, [*before, *own])):
            continue
        program = "\n".join([*_text(before), *([""] if before else []), text]) + "\n"
        if len(program) <= MOST_LETTERS and len(fragment(program)) <= LONGEST:
            yield k, program


def _shown(cell: str) -> str:
    """Replace a final semicolon, which hides the cell's result in a notebook, so that the playground hides it too."""
    return f"{cell[:-1]}\npass" if cell.endswith(";") else cell


def fragment(program: str) -> str:
    """Return the fragment of a link to the playground, in the format of `playground/PROTOCOL.md`."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = compressor.compress(program.encode()) + compressor.flush()
    return f"#1;{VERSION};{base64.urlsafe_b64encode(packed).decode().rstrip('=')}"


def _needs_more(statement: Statement) -> bool:
    """Tell whether a statement imports a module that the playground does not have."""
    return any(module not in OURS and (module not in sys.stdlib_module_names or module in NEITHER)
               for module in statement.imports)  # fmt: skip


def _text(statements: list[Statement]) -> Iterator[str]:
    """Yield statements as lines, with a blank line between cells."""
    for previous, statement in zip([None, *statements], statements):
        if previous is not None and previous.cell != statement.cell:
            yield ""
        yield statement.text
