"""List the third-party software in the pages, with the full texts of the licences."""

from __future__ import annotations

import html
import importlib.metadata
import json
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent / "licences"
CHECKOUT = Path(__file__).parents[1]

# The files of the site that belong to each entry, by prefix.
COVERED = {
    "pyodide": ("vendor/pyodide/",),
    "Python": ("vendor/pyodide/python_stdlib.zip", "vendor/pyodide/pyodide.asm.wasm"),
    "@hpcc-js/wasm-graphviz": ("vendor/graphviz.js",),
    "Graphviz": ("vendor/graphviz.js",),
    "katex": ("vendor/katex/",),
    "codemirror": ("vendor/codemirror.js",),
    "graphviz": ("python/packages.zip",),
    "tqdm": ("python/packages.zip",),
    "lucidgrad": ("js/", "css/", "index.html", "network.html", "licences.html", "python/lucidgrad-",
                  "python/worker.zip", ".lucidgrad-playground"),
}  # fmt: skip


class Entry(NamedTuple):
    """One piece of software.

    Attributes:
        name, version: the authors' name and version.
        licence: the licence's short name.
        source: the address of its source.
        text: the full licence.
    """

    name: str
    version: str
    licence: str
    source: str
    text: str


def entries(modules: Path, bundled: Iterable[str], version: str) -> list[Entry]:
    """Return an entry for each piece of software shipped.

    Args:
        modules: npm's folder of packages.
        bundled: the packages in the editor's bundle.
        version: the version of this package.
    """
    licences = [Entry("lucidgrad", version, "MIT", "", _text(CHECKOUT / "LICENSE"))]
    pyodide = _of_npm(modules, "pyodide", _text(HERE / "MPL-2.0.txt"))
    licences += [
        pyodide,
        Entry("Python", "3.13", "PSF-2.0", "https://github.com/python/cpython", _text(HERE / "PSF-2.0.txt")),
        Entry("Parts compiled into Python and Graphviz", "", "MIT and others", "", _text(HERE / "MIT-parts.txt")),
        _of_npm(modules, "@hpcc-js/wasm-graphviz"),
        Entry("Graphviz", "", "EPL-2.0", "https://gitlab.com/graphviz/graphviz", _text(HERE / "EPL-2.0.txt")),
        _of_npm(modules, "katex"),
    ]
    licences += [_of_npm(modules, name) for name in sorted(bundled)]
    for name in ("graphviz", "tqdm"):
        licences.append(_of_python(name))
    return licences


def _of_npm(modules: Path, name: str, text: str | None = None) -> Entry:
    described = json.loads(_text(modules / name / "package.json"))
    repository = described.get("repository", "")
    source = repository.get("url", "") if isinstance(repository, dict) else repository
    if text is None:
        text = _text(next(path for path in sorted((modules / name).iterdir()) if path.name.startswith("LICENSE")))
    return Entry(name, described["version"], described["license"], source.removeprefix("git+"), text)


def _of_python(name: str) -> Entry:
    distribution = importlib.metadata.distribution(name)
    metadata = distribution.metadata
    file = next(file for file in distribution.files or () if file.name.startswith(("LICENSE", "LICENCE")))
    text = _text(Path(str(distribution.locate_file(file))))
    licence = next((metadata[key] for key in ("License-Expression", "License") if key in metadata), "")
    if "MPL-2.0" in licence:
        text += "\n" + _text(HERE / "MPL-2.0.txt")
    return Entry(f"{name} (for Python)", distribution.version, licence, f"https://pypi.org/project/{name}", text)


def package_of(path: str) -> str:
    """Return the npm package of a file in `node_modules`.

    >>> package_of("node_modules/@codemirror/view/dist/index.js")
    '@codemirror/view'
    """
    parts = path.split("/")[1:]
    return "/".join(parts[: 2 if parts[0].startswith("@") else 1])


def as_html(entries: Iterable[Entry]) -> str:
    """Return the entries as HTML, each with a text to unfold."""
    return "\n".join(
        f"<details><summary>{html.escape(' '.join(filter(None, (e.name, e.version))))}: {html.escape(e.licence)}"
        f'</summary>\n{f"<p>Source: {html.escape(e.source)}</p>" if e.source else ""}<pre tabindex="0">'
        f"{html.escape(e.text)}</pre></details>"
        for e in entries
    )


def unaccounted(site: Path) -> list[str]:
    """Return the files of a site that belong to no entry."""
    covered = tuple(start for starts in COVERED.values() for start in starts)
    names = (path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file())
    return sorted(name for name in names if not name.startswith(covered))


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")
