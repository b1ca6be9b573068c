"""Fixtures that provide a built site, if a build is given."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

CHECKOUT = Path(__file__).parents[2]
sys.path.append(str(CHECKOUT))  # at the end: the packages tested are the installed ones


@pytest.fixture(scope="session")
def built_site() -> Path:
    """Return the folder that `python -m docs` built; the tests do not build it, since this takes half a minute."""
    folder = os.environ.get("LUCIDGRAD_SITE")
    if folder is None:
        pytest.skip("no site to look at: build one, `python -m docs FOLDER`, and say LUCIDGRAD_SITE=FOLDER")
    return Path(folder).resolve()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *said: object) -> None:
        pass


@pytest.fixture(scope="session")
def site_address(built_site: Path) -> Iterator[str]:
    """Yield the address at which the site is served."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(built_site)))
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
