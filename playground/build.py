"""Build the pages: fill in templates, bundle or copy npm packages, pack Python files, collect licences.

All output goes to the given folder. npm packages are installed in a temporary folder, with the versions and integrity
hashes of package-lock.json.
"""

from __future__ import annotations

import html
import importlib.metadata
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

from playground import licences, styles

HERE = Path(__file__).parent
CHECKOUT = HERE.parent
PAGES = HERE / "pages"
PURE = ("graphviz", "tqdm")  # pure-Python packages that the wheel requires
PYODIDE = ("pyodide.js", "pyodide.asm.js", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json")
# Files that the page loads for the worker, to show the progress.
HANDED_OVER = ("vendor/pyodide/pyodide.asm.wasm", "vendor/pyodide/python_stdlib.zip")
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src blob:; connect-src 'self'; "
    "style-src 'self' 'unsafe-inline'; font-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'"
)
MARK = ".lucidgrad-playground"  # marks a folder that this build created and may replace


class BuildError(Exception):
    """A reason why the pages cannot be built, and what to do."""


def build(out: Path) -> None:
    """Build all pages.

    Args:
        out: an empty or new folder, or one from an earlier build, which is replaced.

    Raises:
        BuildError: if npm is missing or fails, or the folder holds other files.
        OSError: if the folder cannot be written.
    """
    out = out.absolute()  # builders change the folder, and `tempfile` keeps a relative path before Python 3.12
    if out.exists() and any(out.iterdir()) and not (out / MARK).exists():
        raise BuildError(f"{out} holds other files: give an empty folder, or one from an earlier build")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory(dir=out.parent) as parent:
        work, site = Path(folder), Path(parent) / "site"
        modules = install(work)
        shutil.copytree(PAGES / "js", site / "js", ignore=shutil.ignore_patterns("editor-bundle.js"))
        shutil.copytree(PAGES / "css", site / "css")
        (site / MARK).write_text("Built by `python -m playground`.\n", encoding="utf-8")
        bundled = _vendor(modules, site / "vendor", work)
        version = _python(site / "python", work)
        _pages(site, version)
        (site / "licences.html").write_text(
            _filled("licences.html", version, entries=licences.as_html(licences.entries(modules, bundled, version))),
            encoding="utf-8",
        )
        if out.exists():
            shutil.rmtree(out)
        site.rename(out)


def install(work: Path) -> Path:
    """Install the npm packages in a folder, and return the path of `node_modules`."""
    npm = shutil.which("npm")
    if npm is None:
        raise BuildError(
            "npm is not on the PATH. It comes with Node.js, version 20 or newer: https://nodejs.org/en/download, or on "
            "Debian and Ubuntu `apt install npm`"
        )
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, work)
    _run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], work)
    return work / "node_modules"


def _run(command: list[str], folder: Path) -> None:
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if result.returncode:
        output = (result.stderr or result.stdout).strip()
        raise BuildError(f"`{' '.join(Path(part).name for part in command[:2])}` failed:\n{output[-2000:]}")


def _vendor(modules: Path, vendor: Path, work: Path) -> set[str]:
    """Copy third-party code and bundle the editor; return the names of the packages in the bundle."""
    (vendor / "pyodide").mkdir(parents=True)
    for name in PYODIDE:
        shutil.copy(modules / "pyodide" / name, vendor / "pyodide")
    graphviz = (modules / "@hpcc-js" / "wasm-graphviz" / "dist" / "index.js").read_text(encoding="utf-8")
    (vendor / "graphviz.js").write_text(_without_source_map(graphviz), encoding="utf-8")
    katex = vendor / "katex"
    (katex / "fonts").mkdir(parents=True)
    for name in ("katex.mjs", "katex.min.css"):
        shutil.copy(modules / "katex" / "dist" / name, katex)
    for font in (modules / "katex" / "dist" / "fonts").glob("*.woff2"):
        shutil.copy(font, katex / "fonts")
    shutil.copy(PAGES / "js" / "editor-bundle.js", work)
    command = [str(modules / ".bin" / "esbuild"), "editor-bundle.js", "--bundle", "--minify", "--format=esm",
               f"--outfile={(vendor / 'codemirror.js').resolve()}", "--metafile=bundle.json",
               "--legal-comments=none", "--log-level=error"]  # fmt: skip
    _run(command, work)
    inputs = json.loads((work / "bundle.json").read_text(encoding="utf-8"))["inputs"]
    return {licences.package_of(path) for path in inputs if path.startswith("node_modules/")}


def _without_source_map(script: str) -> str:
    """Remove the line that refers to a source map, which is not shipped."""
    return "".join(line for line in script.splitlines(keepends=True) if not line.startswith("//# sourceMappingURL="))


def _python(folder: Path, work: Path) -> str:
    """Build the wheel of this checkout and pack the worker's other files; return the wheel's version."""
    folder.mkdir()
    source = work / "source"
    for name in ("autograd", "nn"):
        shutil.copytree(CHECKOUT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.cfg", "setup.py", "README.md", "LICENSE"):
        shutil.copy(CHECKOUT / name, source)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(source)]
    _run([*pip, "--disable-pip-version-check"], work)
    files = [(path, path.relative_to(CHECKOUT).as_posix()) for path in sorted((HERE / "worker").glob("*.py"))]
    _zip(folder / "worker.zip", [(HERE / "__init__.py", "playground/__init__.py"), *files])
    _zip(folder / "packages.zip", [pair for name in PURE for pair in _files_of(name)])
    return next(folder.glob("*.whl")).name.split("-")[1]


def _files_of(name: str) -> Iterable[tuple[Path, str]]:
    """Yield the modules and the licence of an installed package."""
    try:
        distribution = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        raise BuildError(f"the package {name} is not installed: pip install .") from None
    for file in distribution.files or ():
        text = file.as_posix()
        if text.startswith((f"{name}/", f"{name}-")) and text.endswith((".py", "METADATA", "LICENCE", "LICENSE.txt")):
            yield Path(str(distribution.locate_file(file))), text


def _zip(path: Path, files: Iterable[tuple[Path, str]]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file, name in files:
            archive.write(file, name)


def _pages(site: Path, version: str) -> None:
    assets = CHECKOUT / "autograd" / "drawing" / "assets"
    for name in ("zoom.js", "fold.js", "step_through.js"):
        shutil.copy(assets / name, site / "js")
    steps = (assets / "step_through.html").read_text(encoding="utf-8")
    steps = steps.partition("<main>\n")[2].partition("</main>")[0].replace("{{pictures}}", "")
    graph = (PAGES / "graph.html").read_text(encoding="utf-8")
    for name in ("index.html", "network.html"):
        page = _filled(name, version, graph=graph, steps=steps)
        (site / name).write_text(page, encoding="utf-8")
    (site / "css" / "graph.css").write_text(styles.of_pictures(), encoding="utf-8")
    handed_over = [*HANDED_OVER, *sorted(f"python/{path.name}" for path in (site / "python").iterdir())]
    sizes = {name: (site / name).stat().st_size for name in handed_over}
    (site / "js" / "build.js").write_text(
        "// Written by the build.\n"
        f"export const VERSION = {json.dumps(version)};\n"
        f"export const WASM = {json.dumps(HANDED_OVER[0])};\n"
        f"export const FILES = {json.dumps(sizes)};\n",
        encoding="utf-8",
    )


def _filled(name: str, version: str, **parts: str) -> str:
    """Return a page with the templates' placeholders filled in."""
    page = (PAGES / name).read_text(encoding="utf-8")
    parts |= {"header": (PAGES / "header.html").read_text(encoding="utf-8"), "policy": html.escape(POLICY)}
    for key, text in parts.items():
        page = page.replace(f"{{{{{key}}}}}", text)
    return page.replace("{{version}}", html.escape(version))
