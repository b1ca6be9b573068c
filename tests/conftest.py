"""Fixtures that the tests of both packages share."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mpmath
import pytest
from hypothesis import HealthCheck, settings

# Tests run in parallel, one process per core: more threads would only wait for each other. NumPy reads this once.
for _library in ("OPENBLAS", "OMP", "MKL"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")
# The tests run each function that JAX compiles only once or twice.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")

import autograd  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

# No deadline: a test must not depend on the clock of a busy machine.
settings.register_profile("lucidgrad", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("lucidgrad")

# Tests that share something slow to make, by prefixes of their names: the pages, and a process that forks.
TOGETHER = ("tests/playground/", "tests/nn/cli/test_command_line")
# Tests that take long.
LONG = (
    *TOGETHER,
    "tests/test_packaging.py",
    "tests/test_types.py",
    "tests/test_main_job.py",
    "tests/autograd/compiled/test_compiler_random.py",
    "tests/autograd/compiled/test_compiler_masks.py",
    "tests/autograd/teaching/test_engine_mutants.py",
    "tests/autograd/drawing/test_hostile_labels.py",
    "tests/autograd/drawing/test_step_through.py",
    "tests/autograd/test_copying.py",
    "tests/nn/tables/",
    "tests/nn/training/test_training.py",
    "tests/autograd/compiler/",
    "tests/autograd/compiled/",
    "tests/autograd/drawing/",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--interrupts", type=int, default=60, metavar="N", help="how many places in each action are interrupted"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put slow tests first, so that parallel processes end at about the same time."""
    ranks = {start: rank for rank, start in enumerate(LONG)}
    items.sort(key=lambda item: ranks.get(next(filter(item.nodeid.startswith, LONG), ""), len(LONG)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Run one process more than there are cores, since some wait for a browser."""
    return 1 + (os.cpu_count() or 1)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give all files that share something slow to make to one process, if processes are given whole files."""
    if config.option.dist != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Files(LoadFileScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return next(filter(nodeid.startswith, TOGETHER), super()._split_scope(nodeid))

    config.option.loadscopereorder = False
    return Files(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Exclude over a million objects that stay to the end from garbage collection, while they are made and later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(scope="module", autouse=True)
def spare_the_collector() -> Iterator[None]:
    """Exclude objects that a file leaves behind, too: caches, reports, and those of Hypothesis."""
    yield
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def interrupts(pytestconfig: pytest.Config) -> int:
    """Return the number of places in each action that are interrupted."""
    return int(pytestconfig.getoption("--interrupts"))


@pytest.fixture(scope="module")
def fifty_digits() -> Iterator[None]:
    """Let mpmath compute with 50 digits in tests that say `usefixtures("fifty_digits")`."""
    with mpmath.workdps(50):
        yield


@pytest.fixture(scope="session")
def run_python() -> Callable[..., str]:
    """Return a function that runs source in a fresh interpreter with the same packages, and returns what it prints."""

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


@pytest.fixture(scope="session")
def thin() -> Callable[[str], AbstractContextManager[None]]:
    """Return a context in which even short programs are straight-line code, run as "machine code" or as "Python".

    They run as Python because llvmlite cannot be imported, as if it were not installed. In the context "arrays",
    programs are array operations, even on single numbers.
    """

    @contextmanager
    def thin(way: str) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            if way == "arrays":
                patch.setattr("autograd.compiler.cost.worth_grouping", lambda *numbers: True)
                patch.setattr("autograd.compiler.cost.MOST_NUMBERS_ALONE", -1)
                yield
                return
            if way == "machine code":
                pytest.importorskip("llvmlite", reason="llvmlite, which makes machine code, is not installed")
            else:
                patch.setitem(sys.modules, "llvmlite", None)
            patch.setattr("autograd.compiler.cost.MACHINE_CODE_FROM", 0)
            patch.setattr("autograd.compiler.cost.worth_grouping", lambda *numbers: False)
            yield

    return thin


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Yield headless Chromium, driven as a person would."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright, which drives the browser, is not installed")
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        pytest.skip("no chromium, chromium-browser or google-chrome is on the PATH")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def tab(browser: Browser) -> Iterator[Page]:
    """Yield a page that tests share, since opening one takes longer than most tests. It is blank between them."""
    page = browser.new_page()
    yield page
    page.close()


@pytest.fixture
def blank(tab: Page) -> Iterator[Page]:
    """Yield the page that tests share, and leave it blank."""
    yield tab
    tab.mouse.move(0, 0)
    tab.goto("about:blank")
