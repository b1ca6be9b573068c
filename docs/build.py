"""Build the site: collect its pages in a separate folder, convert them to HTML with Sphinx, add the playground.

Pages in `docs/pages` are written by hand. The walkthroughs, the changelog and sections of README and CONTRIBUTING are
included unchanged; the reference is generated from docstrings (`reference.py`).
"""

from __future__ import annotations

import re
import runpy
import shutil
import tempfile
from contextlib import chdir
from pathlib import Path

from docs import CHECKOUT

HERE = Path(__file__).parent
MARK = ".lucidgrad-site"  # marks a folder that this build created and may replace
SPLIT_BY_SECTION = ("README.md", "CONTRIBUTING.md")


class BuildError(Exception):
    """A reason why the site cannot be built, and what to do."""


def build(out: Path) -> None:
    """Build the whole site.

    Args:
        out: an empty or new folder, or one from an earlier build, which is replaced.

    Raises:
        BuildError: if something is not installed, a page has an error, or the folder holds other files.
        OSError: if the folder cannot be written.
    """
    out = out.absolute()  # builders change the folder, and `tempfile` keeps a relative path before Python 3.12
    if out.exists() and any(out.iterdir()) and not (out / MARK).exists():
        raise BuildError(f"{out} holds other files: give an empty folder, or one from an earlier build")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory(dir=out.parent) as parent:
        source, site = Path(folder) / "source", Path(parent) / "site"
        _playground(site / "playground")
        collect(source, site / "playground")
        _sphinx(source, site)
        _run_live(site / "live")
        (site / MARK).write_text("Built by `python -m docs`.\n", encoding="utf-8")
        (site / ".nojekyll").touch()  # without it, GitHub Pages ignores folders that begin with an underscore
        if out.exists():
            shutil.rmtree(out)
        site.rename(out)


def collect(source: Path, playground: Path) -> None:
    """Collect Sphinx's input in a folder.

    Args:
        source: a folder that does not exist yet.
        playground: the built playground, whose KaTeX the site uses.
    """
    from docs.playground_links import with_links
    from docs.reference import pages

    shutil.copytree(HERE / "pages", source)
    shutil.copy(HERE / "conf.py", source)
    shutil.copytree(HERE / "static", source / "static")
    shutil.copytree(playground / "vendor" / "katex", source / "static" / "katex")
    shutil.copytree(HERE / "live", source / "live")
    for picture in [*HERE.glob("*.png"), *HERE.glob("*.svg")]:
        _copy(picture, source / "docs" / picture.name)
    for folder in ("recipes", "walkthroughs"):
        shutil.copytree(HERE / folder, source / "docs" / folder)
    for name in SPLIT_BY_SECTION:
        for title, text in sections((CHECKOUT / name).read_text(encoding="utf-8")).items():
            _write(source / "sections" / Path(name).stem / f"{slug(title)}.md", text)
    shutil.copy(CHECKOUT / "CHANGELOG.md", source / "changelog.md")
    for path in sorted((CHECKOUT / "notebooks").glob("[0-9]*.ipynb")):
        _write(source / "notebooks" / path.name, with_links(path))
    for name, text in pages().items():
        _write(source / "reference" / f"{name}.md", text)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _copy(path: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(path, to)


def sections(text: str) -> dict[str, str]:
    """Split a page into sections by title, without the titles, and with inner headings raised by one level.

    The text before the first section has the title "start".

    >>> sections("# Page\\n\\nHello.\\n\\n## One\\n\\nText.\\n\\n### Part\\n")
    {'start': 'Hello.\\n', 'One': 'Text.\\n\\n## Part\\n'}
    """
    title, fenced = "start", False
    parts: dict[str, list[str]] = {title: []}
    for line in text.splitlines()[1:]:
        fenced ^= line.lstrip().startswith("```")
        if not fenced and line.startswith("## "):
            title = line[3:]
            parts[title] = []
        else:
            parts[title].append(line[1:] if not fenced and re.match(r"###+ ", line) else line)
    return {title: "\n".join(lines).strip() + "\n" for title, lines in parts.items()}


def slug(title: str) -> str:
    """Convert a title to a file name.

    >>> slug("If you come from")
    'if-you-come-from'
    """
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def _playground(folder: Path) -> None:
    from playground import build as playground

    try:
        playground.build(folder)
    except playground.BuildError as error:
        raise BuildError(f"the playground, which is part of the site: {error}") from None
    (folder / playground.MARK).unlink()


def _sphinx(source: Path, site: Path) -> None:
    try:
        from sphinx.cmd.build import build_main
    except ImportError:
        raise BuildError("Sphinx is not installed: pip install '.[docs]'") from None
    with tempfile.TemporaryDirectory() as doctrees:
        options = ["--quiet", "--fail-on-warning", "--keep-going", "--jobs", "auto", "--doctree-dir", doctrees]
        if build_main(["--builder", "html", *options, str(source), str(site)]):
            raise BuildError("Sphinx found errors in the pages: see above")
    (site / ".buildinfo").unlink(missing_ok=True)


def _run_live(folder: Path) -> None:
    """Run the programs in `docs/live`, each of which writes a page that another page embeds."""
    folder.mkdir()
    for path in sorted((HERE / "live").glob("*.py")):
        with chdir(folder):
            runpy.run_path(str(path))
