"""Networks that fit a screen: stacked boxes, and groups that open and close by clicking, in a browser."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import autograd
import nn
from autograd import Value, summary
from autograd.drawing import Drawing, draw, step_through

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Error, Page

SAMPLES = [([2.0, 3.0, -1.0], 1.0), ([3.0, -1.0, 0.5], 0.0), ([0.5, 1.0, 1.0], 0.0), ([1.0, 1.0, -1.0], 1.0)]
SEEN = ".picture svg.lucidgrad-graph"


def loss_of_samples() -> Value:
    model = nn.MLP(3, [4, 4, 1], seed=0)
    return autograd.sum([nn.half_squared_error(model(x), y) for x, y in SAMPLES])


def size(drawing: Drawing) -> tuple[int, int]:
    root = ET.fromstring(drawing.svg)
    return int(root.get("width", "")), int(root.get("height", ""))


def names(drawing: Drawing) -> list[str]:
    texts = ET.fromstring(drawing.svg).iter("{http://www.w3.org/2000/svg}text")
    return [text.text or "" for text in texts if text.get("class") == "name"]


def totals(drawing: Drawing) -> tuple[int, int]:
    counts = {name: sum(map(int, re.findall(rf'data-{name}="(\d+)"', drawing.svg))) for name in
              ("nodes", "edges", "inside")}  # fmt: skip
    return counts["nodes"], counts["edges"] + counts["inside"]


def test_a_loss_of_several_samples_fits_a_screen_and_counts_every_node() -> None:
    loss = loss_of_samples()
    drawing = draw(loss)
    width, height = size(drawing)
    assert width <= 1920 and height <= 1080
    assert totals(drawing) == (summary(loss).nodes, summary(loss).edges)
    assert "4 × z" in names(drawing)  # one box for four samples
    assert "12 constants" in names(drawing)


def test_inputs_of_a_wide_network_share_a_box() -> None:
    model = nn.MLP(64, [30, 10], seed=0)
    drawing = draw(nn.half_squared_error(model([0.1] * 64), [0.0] * 10))
    assert "64 constants" in names(drawing)
    assert names(drawing).count("constant") <= 12  # the targets and the loss's own


def test_time_is_not_stacked() -> None:
    """Steps of an unrolled network have the same labels, but each is computed from the previous one."""
    weights = Value(0.5, "layers.0.weights"), Value(0.25, "layers.0.bias")
    h = Value(0.1, "h")
    for _ in range(3):
        h = weights[0] * h + weights[1]
        h.label = "layers.0.z"
    assert not any(" × " in name for name in names(draw(h)))


def test_what_is_not_a_network_is_not_stacked() -> None:
    x = Value(2.0, "x")
    root = autograd.sum([x * k for k in range(30)])
    assert len(names(draw(root, limit=200))) == len(names(draw(root)))


@pytest.fixture
def page(blank: Page) -> Iterator[Page]:
    blank.set_viewport_size({"width": 1400, "height": 900})
    complaints: list[str] = []

    def note_error(error: Error) -> None:
        complaints.append(str(error))

    def note_message(message: ConsoleMessage) -> None:
        complaints.append(message.text)

    blank.on("pageerror", note_error)
    blank.on("console", note_message)
    yield blank
    blank.remove_listener("pageerror", note_error)
    blank.remove_listener("console", note_message)
    assert complaints == []


def groups(page: Page, kind: str) -> set[str]:
    texts: list[str] = page.evaluate(
        "(kind) => [...document.querySelectorAll(`.picture .${kind}`)].map((part) => part.dataset.group)", kind
    )
    return set(texts)


def test_groups_open_and_close_by_click_and_by_key(page: Page, tmp_path: Path) -> None:
    draw(loss_of_samples()).save(tmp_path / "graph.html")
    page.goto((tmp_path / "graph.html").as_uri())
    closed, opened = groups(page, "openable"), groups(page, "closable")
    assert "layers.0.neurons.2" in closed and "layers.0" in opened
    page.click(".picture .openable[data-group='layers.0.neurons.2']")
    assert "layers.0.neurons.2" in groups(page, "closable")
    assert "layers.0.neurons.2.weights" in groups(page, "openable")
    page.keyboard.press("Enter")  # the frame has the focus
    assert (groups(page, "openable"), groups(page, "closable")) == (closed, opened)
    page.locator(".picture .closable[data-group='layers.0'] text").click()
    assert "layers.0" in groups(page, "openable")
    page.focus(".picture .openable[data-group='layers.0'] [role=button]")
    page.keyboard.press(" ")
    assert "layers.0" in groups(page, "closable")


def test_zoom_drag_and_overview(page: Page, tmp_path: Path) -> None:
    draw(loss_of_samples(), limit=500).save(tmp_path / "graph.html")
    page.goto((tmp_path / "graph.html").as_uri())

    def view() -> list[float]:
        return [float(x) for x in (page.get_attribute(SEEN, "viewBox") or "").split()]

    start = view()
    assert page.locator(".overview").is_visible()  # only a part of it is visible
    page.click("[aria-label='zoom in']")
    assert view()[2] < start[2]
    before = view()
    page.mouse.move(700, 500)
    page.mouse.down()
    page.mouse.move(600, 450, steps=4)
    page.mouse.up()
    assert view()[0] > before[0] and view()[1] > before[1] and view()[2:] == before[2:]
    page.click("[aria-label='show the whole picture']")
    assert not page.locator(".overview").is_visible()
    page.keyboard.down("Control")
    page.mouse.move(700, 500)
    page.mouse.wheel(0, -300)
    page.keyboard.up("Control")
    page.locator(".overview").wait_for()


def test_stepping_with_closed_groups_and_by_layers(page: Page, tmp_path: Path) -> None:
    loss = loss_of_samples()
    step_through(loss).save(tmp_path / "steps.html")
    page.goto((tmp_path / "steps.html").as_uri())
    assert "layers.0.neurons.0" in groups(page, "openable")
    slider = page.locator("input[type=range]")
    last = int(slider.get_attribute("max") or 0)
    page.locator("[data-by=layer]").check()
    clicks = 0
    while int(slider.input_value()) < last:
        page.click("[data-go=next]")
        clicks += 1
    assert clicks < last / 2
    page.keyboard.press("Home")
    page.click("[data-go=next]")
    assert page.inner_text(".formula").startswith("layers.0: ")
    page.locator("[data-by=layer]").uncheck()
    reached = slider.input_value()
    page.click(".picture .openable[data-group='layers.0.neurons.0']")
    assert slider.input_value() == reached  # after opening, the step is the same
    page.keyboard.press("End")
    bias = page.locator(".picture .box.parameter", has_text="b1[0]")
    loss.backward()
    expected = next(node for node in autograd.leaves(loss) if node.label == "layers.0.neurons.0.bias")
    assert bias.locator("text.grad").text_content() == autograd.drawing.text.number(expected.grad)


def test_those_who_touch_are_told_how(browser: Browser, tmp_path: Path) -> None:
    step_through(Value(2.0, "x") * 3.0).save(tmp_path / "steps.html")
    context = browser.new_context(has_touch=True, is_mobile=True, viewport={"width": 400, "height": 800})
    page = context.new_page()
    page.goto((tmp_path / "steps.html").as_uri())
    assert page.inner_text(".uses").startswith("Tap a node")
    page.locator(".box", has_text="x").first.tap()
    assert page.inner_text(".uses").startswith("x.grad = ")
    context.close()
