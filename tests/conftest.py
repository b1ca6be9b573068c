"""What the tests of both packages share."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import mpmath
import pytest
from hypothesis import HealthCheck, settings

import autograd

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# No deadline: a test must not depend on the clock of a busy machine.
settings.register_profile("lucidgrad", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("lucidgrad")


@pytest.fixture(scope="module")
def fifty_digits() -> Iterator[None]:
    """mpmath computes with 50 digits while the tests of a module run that say `usefixtures("fifty_digits")`."""
    with mpmath.workdps(50):
        yield


@pytest.fixture(scope="session")
def run_python() -> Callable[..., str]:
    """Run source in a fresh interpreter that sees the same packages, and give what it prints."""

    def run(source: str, **environment: str) -> str:
        packages = str(Path(autograd.__file__).parents[1])
        process = subprocess.run(
            [sys.executable, "-c", source],
            env={**os.environ, "PYTHONPATH": packages, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert process.returncode == 0, process.stderr
        return process.stdout

    return run


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium, driven as a person would drive it."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright, which drives the browser, is not installed")
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        pytest.skip("no chromium, chromium-browser or google-chrome is on the PATH")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()
