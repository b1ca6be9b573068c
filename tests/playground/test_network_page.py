"""The network page: it learns, with the numbers of `nn`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from playground.worker.messages import Worker

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.fixture(scope="module")
def page(open_page: Callable[..., Page]) -> Page:
    page = open_page("network.html", viewport={"width": 1400, "height": 1000}, reduced_motion="reduce")
    page.locator("html[data-python=ready]").wait_for(state="attached")
    return page


def choose(page: Page, **settings: str) -> None:
    """Choose settings; each choice makes a new network."""
    for name, value in settings.items():
        before = page.get_attribute("html", "data-network")
        if page.locator(f"#{name}").evaluate("(e) => e.localName") == "select":
            page.select_option(f"#{name}", value)
        else:
            page.fill(f"#{name}", value)
            page.locator(f"#{name}").blur()
        page.locator(f"html:not([data-network='{before}'])").wait_for(state="attached")


def weights(page: Page) -> list[float]:
    """Return all weights, which the tooltips of the lines show in full."""
    titles: list[str] = page.locator("#net .wire title").all_text_contents()
    return [float(re.search(r"w = (\S+)", title)[1]) for title in titles]  # type: ignore[index]


def play_until(page: Page, accuracy: int) -> int:
    """Play until this percentage is right, then pause; return the number of updates."""
    page.click("#play")
    for _ in range(2_000):
        shown = page.inner_text("#accuracy")
        if shown.removesuffix(" %").isdigit() and int(shown.removesuffix(" %")) >= accuracy:
            break
        page.wait_for_timeout(100)
    page.click("#play")
    page.locator("#play", has_text="Play").wait_for()
    page.locator("html[data-playing=no]").wait_for(state="attached")
    return int(page.inner_text("#updates"))


@pytest.mark.parametrize(("data", "rate"), [("xor", "1"), ("moons", "1")])
def test_it_learns_with_the_numbers_of_cpython(page: Page, data: str, rate: str) -> None:
    choose(page, data=data)
    choose(page, rate=rate)
    updates = play_until(page, 97)
    answers: list[Any] = []
    worker = Worker(lambda text: answers.append(json.loads(text)))
    settings = {"data": data, "count": 100, "layers": [8, 8], "activation": "tanh", "rate": float(rate), "batch": 10,
                "seed": 1, "points": []}  # fmt: skip
    for request in ({"kind": "network", "settings": settings}, {"kind": "train", "updates": updates, "seconds": 1e9},
                    {"kind": "boundary", "size": 48}):  # fmt: skip
        worker.handle(json.dumps({"id": 1, **request}))
    _, state, boundary = answers
    expected = [w for layer in state["weights"] for neuron in layer for w in neuron]
    assert weights(page) == pytest.approx(expected, rel=1e-6, abs=1e-9)
    assert page.inner_text("#accuracy") == f"{100 * state['accuracy']:.0f} %"
    check_boundary(page, boundary["probabilities"], 48)


def check_boundary(page: Page, probabilities: list[float], size: int) -> None:
    """Check the plane's colours: blue if the probability is above a half, unless a point lies there."""
    colours: list[list[int]] = page.evaluate(
        """(size) => {
            const canvas = document.querySelector("#plane");
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            const side = canvas.width / size;
            const middle = (k) => Math.floor((k + 0.5) * side);
            const at = (k) => 4 * (middle(Math.floor(k / size)) * canvas.width + middle(k % size));
            return Array.from({ length: size * size }, (_, k) => [data[at(k)], data[at(k) + 2]]);
        }""",
        size,
    )
    agreeing = sum((blue > red) == (p > 0.5) for (red, blue), p in zip(colours, probabilities))
    assert agreeing > 0.93 * size * size
    shades = {tuple(colour) for colour in colours}
    assert len(shades) > 20  # more than two flat halves


def test_a_step_of_one_sample_and_a_neuron_with_every_number(page: Page) -> None:
    choose(page, data="circles")
    before = weights(page)
    page.click("#one")
    page.locator("html[data-settled='1']").wait_for(state="attached")
    assert "Updated" in page.inner_text("#phase")
    assert weights(page) != before
    page.locator("#net .unit").nth(9).click()
    page.locator("#neuron[open] #picture svg.lucidgrad-graph").wait_for()
    names = page.locator("#rows tr td:first-child").all_text_contents()
    assert {"w2[1, 0]", "b2[1]", "z2[1]", "a2[1]", "a1[0]"} <= set(names)
    label = page.locator("#net .unit").nth(9).get_attribute("aria-label") or ""
    page.click("#close")
    assert "layer 2, neuron 2" in label


def test_points_of_ones_own(page: Page) -> None:
    page.select_option("#data", "own")
    page.locator("#drawing:not([hidden])").wait_for()
    page.locator("#trouble", has_text="both classes").wait_for()
    before = page.get_attribute("html", "data-network")
    box = page.locator("#plane").bounding_box()
    assert box is not None
    for x, y, label in ((0.2, 0.2, "1"), (0.3, 0.2, "1"), (0.8, 0.8, "0"), (0.7, 0.9, "0")):
        page.select_option("#class", label)
        page.locator("#plane").click(position={"x": x * box["width"], "y": y * box["height"]})
    page.locator(f"html:not([data-network='{before}'])").wait_for(state="attached")
    assert page.locator("#points li").count() == 4
    play_until(page, 100)


def test_wrong_settings_are_said(page: Page) -> None:
    for text, words in (("9", "1 to 8 neurons"), ("a", "whole numbers"), ("1,1,1,1,1", "up to 4")):
        page.fill("#layers", text)
        page.locator("#layers").blur()
        page.locator("#trouble", has_text=words).wait_for()
    choose(page, layers="4")
    assert page.locator("#net .unit").count() == 5


def test_by_keyboard_alone(page: Page) -> None:
    choose(page, data="moons")
    page.locator("#play").focus()
    page.keyboard.press("Enter")
    page.locator("#play", has_text="Pause").wait_for()
    page.keyboard.press("Enter")
    page.locator("html[data-playing=no]").wait_for(state="attached")
    page.locator("#plane").focus()
    page.keyboard.press("ArrowRight")
    page.locator("#net .unit").first.focus()
    page.keyboard.press("Enter")
    page.locator("#neuron[open] #picture svg.lucidgrad-graph").wait_for()
    page.keyboard.press("Escape")
    page.locator("#neuron[open]").wait_for(state="detached")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(page: Page, modules: Path, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.evaluate((modules / "axe-core" / "axe.min.js").read_text(encoding="utf-8") + "; null")
    for opened in (False, True):
        if opened:
            page.locator("#net .unit").first.click()
        page.wait_for_timeout(800)
        texts = page.evaluate(
            "async () => (await axe.run()).violations.map((v) => [v.id, v.nodes.map((n) => n.html.slice(0, 150))])"
        )
        assert texts == []
    page.click("#close")
    page.emulate_media(color_scheme="light")


@pytest.mark.parametrize("width", [400, 1000, 1600])
def test_nothing_is_wider_than_the_screen(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
