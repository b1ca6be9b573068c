"""The built pages, served to a browser that can reach nothing else."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, Never

import pytest

CHECKOUT = Path(__file__).parents[2]
sys.path.append(str(CHECKOUT))  # at the end: the packages tested are the installed ones

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page, Request

FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-quic", "--no-first-run"]  # fmt: skip
PATIENCE = 240_000  # milliseconds; a bound for hanging pages, not a measure


def missing(what: str) -> Never:
    """Skip the test with this reason, or fail if the pages must be tested."""
    if os.environ.get("LUCIDGRAD_REQUIRE_PAGES"):
        pytest.fail(f"the pages cannot be tested: {what}")
    pytest.skip(what)


@pytest.fixture(scope="session")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install npm's packages; return their folder."""
    from playground.build import install

    if shutil.which("npm") is None:
        missing("npm, which the pages are built with, is not on the PATH")
    return install(tmp_path_factory.mktemp("npm"))


@pytest.fixture(scope="session")
def site(modules: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the pages, built once from the installed npm packages."""
    from playground.build import build

    def install(work: Path) -> Path:
        return Path(shutil.copytree(modules, work / "node_modules", symlinks=True))

    folder = tmp_path_factory.mktemp("pages") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("playground.build.install", install)
        build(folder)
    return folder


class Handler(SimpleHTTPRequestHandler):
    """Serves files, and records the requests."""

    def __init__(self, *arguments: Any, asked: list[str], **options: Any) -> None:
        self.asked = asked
        super().__init__(*arguments, **options)

    def log_message(self, *arguments: Any) -> None:
        pass

    def do_GET(self) -> None:
        self.asked.append(self.path)
        super().do_GET()


@pytest.fixture(scope="session")
def serve() -> Iterator[Callable[[Path], tuple[str, list[str]]]]:
    """Yield a function that serves a folder from a free port, and returns its address and the list of requests."""
    servers = []

    def serve(folder: Path) -> tuple[str, list[str]]:
        asked: list[str] = []
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, asked=asked, directory=str(folder)))
        servers.append(server)
        Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/", asked

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="session")
def address(site: Path, serve: Callable[[Path], tuple[str, list[str]]]) -> str:
    return serve(site)[0]


@pytest.fixture(scope="module")  # Playwright cannot be started twice in one process, as other tests do
def chromium() -> Iterator[Browser]:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("playwright, which drives the browser, is not installed")
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        missing("no chromium, chromium-browser or google-chrome is on the PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def open_page(chromium: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """Yield a function that opens a page, which must request nothing from elsewhere and log only `expected` errors."""
    contexts = []
    complaints: list[str] = []
    expected: list[str] = []

    def open_page(path: str, allowed: tuple[str, ...] = (), **options: Any) -> Page:
        expected.extend(allowed)
        context = chromium.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)

        def note_request(request: Request) -> None:
            if not request.url.startswith((address, "data:", "blob:")):
                complaints.append(request.url)

        def note_message(message: ConsoleMessage) -> None:
            complaints.append(message.text)

        page.on("request", note_request)
        page.on("console", note_message)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address + path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    unexpected = [text for text in complaints if not any(part in text for part in expected)]
    assert "\n".join(unexpected) == ""
