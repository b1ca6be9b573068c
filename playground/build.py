"""Build the pages: templates filled in, npm's packages bundled or copied, Python packed, licences collected.

Everything goes into the folder that is asked for. npm's packages are installed in a temporary folder, at the versions
and with the integrity hashes of package-lock.json.
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
PURE = ("graphviz", "tqdm")  # packages that the wheel requires, which are plain Python
PYODIDE = ("pyodide.js", "pyodide.asm.js", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json")
# What the worker is handed by the page, which shows how much of it is there.
HANDED_OVER = ("vendor/pyodide/pyodide.asm.wasm", "vendor/pyodide/python_stdlib.zip")
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src blob:; connect-src 'self'; "
    "style-src 'self' 'unsafe-inline'; font-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'"
)
MARK = ".lucidgrad-playground"  # a folder with this file was built by us, and may be built anew


class BuildError(Exception):
    """A reason why the pages cannot be built, and what to do."""


def build(out: Path) -> None:
    """Build all pages.

    Args:
        out: an empty folder, one that does not exist, or one that was built before, which is replaced.

    Raises:
        BuildError: where npm is missing or fails, or the folder holds something else.
        OSError: where the folder cannot be written.
    """
    out = out.absolute()  # builders work in folders of their own; `tempfile` keeps a relative one before Python 3.12
    if out.exists() and any(out.iterdir()) and not (out / MARK).exists():
        raise BuildError(f"{out} holds something else: give an empty folder, or one that was built before")
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
    """Install npm's packages into a folder; gives where they are."""
    npm = shutil.which("npm")
    if npm is None:
        raise BuildError(
            "npm is not on the PATH. It comes with Node.js: https://nodejs.org/en/download, or on Debian and Ubuntu "
            "`apt install npm`; version 20 of Node.js or newer"
        )
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, work)
    _run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], work)
    return work / "node_modules"


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        raise BuildError(f"`{' '.join(Path(part).name for part in command[:2])}` failed:\n{said[-2000:]}")


def _vendor(modules: Path, vendor: Path, work: Path) -> set[str]:
    """Other people's code: copied, or for the editor bundled; gives the names of the packages in the bundle."""
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
    """The script without the line that points to a file which is not shipped."""
    return "".join(line for line in script.splitlines(keepends=True) if not line.startswith("//# sourceMappingURL="))


def _python(folder: Path, work: Path) -> str:
    """The wheel of this checkout, and what else runs in the worker; gives the wheel's version."""
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
    """The modules and the licence of an installed package."""
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
    """A page with what the templates leave open."""
    page = (PAGES / name).read_text(encoding="utf-8")
    parts |= {"header": (PAGES / "header.html").read_text(encoding="utf-8"), "policy": html.escape(POLICY)}
    for key, text in parts.items():
        page = page.replace(f"{{{{{key}}}}}", text)
    return page.replace("{{version}}", html.escape(version))
