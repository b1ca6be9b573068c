"""`python -m playground`: the files that it builds, and its errors."""

from __future__ import annotations

import doctest
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from playground import licences
from playground.build import MARK, BuildError, build

HERE = Path(__file__).parents[2]


def test_every_file_has_a_licence(site: Path, tmp_path: Path) -> None:
    assert licences.unaccounted(site) == []
    (tmp_path / "vendor").mkdir()
    (tmp_path / "vendor" / "new.js").write_text("")
    assert licences.unaccounted(tmp_path) == ["vendor/new.js"]


def test_the_licences_are_shown_in_full(site: Path) -> None:
    page = (site / "licences.html").read_text(encoding="utf-8")
    for words in (
        "Mozilla Public License Version 2.0", "Eclipse Public License - v 2.0", "Apache License", "The MIT License",
        "PYTHON SOFTWARE FOUNDATION LICENSE VERSION 2", "@codemirror/view", "katex", "tqdm", "graphviz",
    ):  # fmt: skip
        assert words in page
    entries = {name.split(" ")[0] for name in re.findall(r"<summary>(.*?):", page)}
    lock = json.loads((HERE / "playground" / "package-lock.json").read_text(encoding="utf-8"))
    bundled = {name.removeprefix("node_modules/") for name, p in lock["packages"].items() if name and not p.get("dev")}
    not_shipped = {"ws", "@types/emscripten", "commander", "@codemirror/streamparser"}  # npm packages for servers only
    assert bundled - not_shipped <= entries


def test_packages_are_pinned_with_hashes_and_from_no_machine(site: Path) -> None:
    lock = json.loads((HERE / "playground" / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert all(package["integrity"].startswith("sha512-") for package in packages.values())
    assert not any("resolved" in package for package in packages.values())
    wanted = json.loads((HERE / "playground" / "package.json").read_text(encoding="utf-8"))
    pins = {**wanted["dependencies"], **wanted["devDependencies"]}
    assert {name: packages[f"node_modules/{name}"]["version"] for name in pins} == pins


def test_the_wheel_is_of_this_checkout(site: Path) -> None:
    (wheel,) = (site / "python").glob("lucidgrad-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        for name in ("autograd/value.py", "nn/training/fit.py", "autograd/drawing/assets/zoom.js"):
            path = HERE / name
            if path.exists():
                assert archive.read(name) == path.read_bytes()


def test_pages_send_nothing_anywhere_and_run_no_scripts_but_their_own(site: Path) -> None:
    for page in site.glob("*.html"):
        text = page.read_text(encoding="utf-8")
        policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
        assert policy
        assert "default-src &#x27;none&#x27;" in policy[1]
        assert "unsafe-eval" not in policy[1].replace("wasm-unsafe-eval", "")
        assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|(?:src|href)=\"(?:https?:)?//", text)
    scripts = [path.read_text(encoding="utf-8") for path in (site / "js").glob("*.js")]
    assert not any(
        re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|https?://(?!www\.w3\.org|localhost)", s)
        for s in scripts
    )


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(BuildError, match="holds other files"):
        build(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_without_npm_it_says_what_to_install(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "playground", tmp_path / "out"], cwd=HERE, capture_output=True, text=True,
        env={**os.environ, "PATH": str(tmp_path)}, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "npm is not on the PATH" in done.stderr and "nodejs.org" in done.stderr
    assert not (tmp_path / "out").exists()


def test_the_examples_of_the_docstrings_run() -> None:
    from playground import build as builder

    for module in (licences, builder):
        assert doctest.testmod(module).failed == 0


def test_it_is_marked_as_built(site: Path) -> None:
    assert (site / MARK).exists()
