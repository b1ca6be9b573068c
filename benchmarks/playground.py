"""Measure the playground in headless Chromium, with a fresh browser per number: `python -m benchmarks playground`."""

from __future__ import annotations

import json
import shutil
import statistics
import sys
import tempfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from time import perf_counter
from typing import Any

from benchmarks.measure import Job, Numbers, alternate, median, print_table, print_target, spread
from playground.build import build

GRAPH = """from autograd import Value
x = Value(0.5, "x")
y = x
for k in range({steps}):
    y = (y * x).tanh() if k % 2 else y + x
y
"""
TRAINING = """import time, random, nn
from nn.training.eager import Eager
from nn.training.samples import Samples
from autograd.arrays import np
model = nn.MLP(2, [8, 8, 1], "tanh", "identity", seed=0)
chance = random.Random(0)
samples = np.array([[chance.uniform(-1, 1), chance.uniform(-1, 1)] for _ in range(100)])
targets = np.array([[float(k % 2)] for k in range(100)])
engine = Eager(model, nn.binary_cross_entropy_with_logits, nn.SGD(model.parameters(), 0.1), "mean")
times = []
for _ in range(7):
    start = time.perf_counter()
    engine.update(1, Samples(samples, targets))
    times.append(time.perf_counter() - start)
print(sorted(times)[3])
"""
SLIDE = """async (count) => {
    const range = document.querySelector("#leaf-0");
    const start = performance.now();
    for (let k = 0; k < count; k += 1) {
        const settled = new Promise((done) => addEventListener("settled", done, { once: true }));
        range.value = String(0.2 + 0.6 * k / count);
        range.dispatchEvent(new Event("input"));
        await settled;
    }
    return count / (performance.now() - start) * 1000;
}"""
FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--no-first-run"]


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: Any) -> None:
        pass


def measure(folder: str) -> Numbers:
    """Time the first picture, a later run of 40 nodes, and a training step; count slider updates per second."""
    from playwright.sync_api import sync_playwright

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    Thread(target=server.serve_forever, daemon=True).start()
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        page = browser.new_page()
        page.set_default_timeout(300_000)
        start = perf_counter()
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        _runs(page, 1)
        first = perf_counter() - start
        later = statistics.median(_run(page, GRAPH.format(steps=26), n) for n in range(2, 7))
        _run(page, GRAPH.format(steps=13), 7)
        updates = page.evaluate(SLIDE, 60)
        _run(page, TRAINING, 8)
        training = float(page.inner_text("#output"))
        browser.close()
    server.shutdown()
    return {"first": first, "later": later, "updates": updates, "training": training}


def _runs(page: Any, count: int) -> None:
    page.locator(f"html[data-runs='{count}']").wait_for(state="attached")


def _run(page: Any, program: str, count: int) -> float:
    page.locator(".cm-content").focus()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(program)
    start = perf_counter()
    page.keyboard.press("Control+Enter")
    _runs(page, count)
    return perf_counter() - start


def run(rounds: int) -> None:
    """Build the pages, and print the results of several fresh browsers."""
    with tempfile.TemporaryDirectory() as parent:
        folder = str(Path(parent) / "pages")
        build(Path(folder))
        job: Job = ("-m", "benchmarks.playground", folder)
        measured = alternate([job], rounds, "browsers")[job]
    rows = [
        [what, f"{median(measured, key):.2f}", spread(measured, key, digits=2)]
        for what, key in (
            ("first picture after opening the page, s", "first"),
            ("a later run, 39 nodes, s", "later"),
            ("a training step, 2-8-8-1 on 100 points, s", "training"),
            ("a slider, 20 nodes, updates a second", "updates"),
        )
    ]
    print_table(f"The playground (medians of {rounds} browsers)", ["", "median", "min-max"], rows)
    print_target("the first picture, s", median(measured, "first"), at_most=10)
    print_target("a later run, s", median(measured, "later"), at_most=0.3)
    print_target("a training step, s", median(measured, "training"), at_most=0.5)
    print_target("updates of a slider, a second", median(measured, "updates"), at_least=20)


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1])))
