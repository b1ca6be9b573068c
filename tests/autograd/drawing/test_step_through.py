"""The page that plays the two passes, used as a person does: in a browser, with clicks and keys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

import autograd
import nn
from autograd import Value, topological_order
from autograd.drawing import step_through

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Request

# The contents of the page: the name, classes and numbers of every box, the classes of every line, and the texts.
STATE = """() => {
    const text = (selector, part = document) => part.querySelector(selector)?.textContent ?? null;
    return {
        boxes: [...document.querySelectorAll(".box")].map((box) => ({
            name: text(".name", box), data: text(".data", box), grad: text(".grad", box), classes: [...box.classList],
        })),
        lines: [...document.querySelectorAll(".line")].map((line) => [...line.classList]),
        phase: text(".phase"), formula: text(".formula"), total: text(".total"), words: text(".words"),
        slider: Number(document.querySelector("input").value),
    };
}"""
# The boxes that each line starts and ends at, by their positions on the screen.
ENDS = """() => {
    const frames = [...document.querySelectorAll(".box path:first-of-type")].map((box) => box.getBoundingClientRect());
    const nearest = (path, end) => {
        const p = path.getPointAtLength(end * path.getTotalLength()).matrixTransform(path.getScreenCTM());
        const distance = (f) => Math.hypot(
            Math.max(f.left - p.x, 0, p.x - f.right), Math.max(f.top - p.y, 0, p.y - f.bottom));
        return frames.map(distance).reduce((best, d, k, all) => (d < all[best] ? k : best), 0);
    };
    return [...document.querySelectorAll(".line .curve")].map((path) => [nearest(path, 0), nearest(path, 1)]);
}"""


# The end of the line that has just lit up in the backward pass, which the gradient flows to.
CHANGED = """() => {
    const path = document.querySelector(".line.now .curve");
    const p = path.getPointAtLength(0).matrixTransform(path.getScreenCTM());
    return {left: p.x, right: p.x, top: p.y, bottom: p.y};
}"""


@pytest.fixture
def page(blank: Page) -> Iterator[Page]:
    with complaining_of_nothing(blank):
        yield blank


@pytest.fixture
def page_with_a_clock(browser: Browser) -> Iterator[Page]:
    """Yield a separate page, since an installed clock stays with its page."""
    page = browser.new_page()
    with complaining_of_nothing(page):
        page.clock.install()
        yield page
    page.close()


@contextmanager
def complaining_of_nothing(page: Page) -> Iterator[None]:
    """Check that a page requests only the file, and logs no errors."""
    requests: list[str] = []
    complaints: list[str] = []

    def note_request(request: Request) -> None:
        requests.append(request.url)

    def note_message(message: ConsoleMessage) -> None:
        complaints.append(message.text)

    def note_error(error: Error) -> None:
        complaints.append(str(error))

    page.on("request", note_request)
    page.on("console", note_message)
    page.on("pageerror", note_error)
    yield
    page.remove_listener("request", note_request)
    page.remove_listener("console", note_message)
    page.remove_listener("pageerror", note_error)
    assert complaints == []
    assert [url for url in requests if not url.startswith("file://")] == []
    assert len(requests) == len(set(requests)) <= 1


def small_graph() -> Value:
    """Make a graph with a square, a node used by two others, a weighted sum, and a constant."""
    a, b = Value(0.5, "a"), Value(-0.75, "b")
    c = a * b
    c.label = "c"
    d = autograd.dot([a, c], [c, b], 1.5)
    d.label = "d"
    square = c * c
    square.label = "e"
    root = (d - square).tanh() + a
    root.label = "y"
    return root


def load(page: Page, root: Value, folder: Path, precision: int = 17) -> None:
    path = folder / "steps.html"
    step_through(root, precision=precision, limit=1_000).save(path)
    page.goto(path.as_uri())


def state(page: Page) -> dict[str, Any]:
    shown: dict[str, Any] = page.evaluate(STATE)
    return shown


def as_float(text: str) -> float:
    return float(text.replace("\N{MINUS SIGN}", "-"))


def steps_in_all(page: Page) -> int:
    return int(page.get_attribute("input", "max") or "")


def lit_now(classes: list[list[str]]) -> list[int]:
    return [k for k, names in enumerate(classes) if "now" in names]


# Stepping


def test_both_passes_step_by_step_and_back(page: Page, tmp_path: Path) -> None:
    """Numbers, order and running sums are right after each click, and again backwards with the keyboard."""
    root = small_graph()
    order = topological_order(root)
    load(page, root, tmp_path)
    ends = page.evaluate(ENDS)
    edges = sum(len(node.parents) for node in order)
    operations = sum(bool(node.parents) for node in order)
    assert (steps_in_all(page), len(ends)) == (operations + 1 + edges, edges)
    seen = [state(page)]
    leaves = [k for k in range(len(order)) if all(head != k for _, head in ends)]
    assert [k for k, box in enumerate(seen[0]["boxes"]) if "lit" in box["classes"]] == leaves
    assert [k for k, box in enumerate(seen[0]["boxes"]) if box["data"]] == leaves
    assert not any(box["grad"] for box in seen[0]["boxes"])
    for i in range(steps_in_all(page)):
        page.click("[data-go=next]")
        seen.append(state(page))
        assert seen[-1]["slider"] == i + 1 and seen[-1]["phase"].endswith(f"step {i + 1} of {steps_in_all(page)}")
        assert seen[-1]["words"]

    forward, backward = seen[1 : operations + 1], seen[operations + 1 :]
    check_forward(forward, ends, leaves, len(order))
    check_backward(backward, ends, len(order))
    root.backward()
    check_numbers(seen[-1], order)

    page.click("[data-go=next]")
    assert state(page) == seen[-1]
    for expected in reversed(seen[:-1]):
        page.keyboard.press("ArrowLeft")
        assert state(page) == expected
    page.keyboard.press("ArrowLeft")
    assert state(page) == seen[0]


def check_forward(seen: list[dict[str, Any]], ends: list[list[int]], leaves: list[int], nodes: int) -> None:
    """Check that a node lights up once, after all its operands, with all edges that lead to it, and gets its number."""
    lit = list(leaves)
    for moment in seen:
        assert moment["phase"].startswith("forward")
        (box,) = lit_now([box["classes"] for box in moment["boxes"]])
        lines = lit_now(moment["lines"])
        assert lines == [k for k, (_, head) in enumerate(ends) if head == box]
        assert {ends[k][0] for k in lines} <= {*lit}
        lit.append(box)
        assert [k for k, box in enumerate(moment["boxes"]) if box["data"]] == sorted(lit)
        assert moment["formula"].endswith(moment["boxes"][box]["data"])
    assert sorted(lit) == list(range(nodes))


def check_backward(seen: list[dict[str, Any]], ends: list[list[int]], nodes: int) -> None:
    """Check that an edge lights up once its child's gradient is complete, and a node with the last of its uses."""
    complete: list[int] = []
    passed: list[int] = []
    uses = Counter(tail for tail, _ in ends)
    before = None
    for moment in seen:
        assert moment["phase"].startswith("backward")
        boxes, lines = lit_now([box["classes"] for box in moment["boxes"]]), lit_now(moment["lines"])
        if before is None:
            assert (lines, len(boxes)) == ([], 1)
            assert uses[boxes[0]] == 0  # the end of the graph
        else:
            (line,) = lines
            tail, head = ends[line]
            assert head in complete
            passed.append(line)
            assert boxes == ([tail] if sum(ends[k][0] == tail for k in passed) == uses[tail] else [])
            check_running_sum(moment, before["boxes"][tail], moment["boxes"][tail])
        complete += boxes
        before = moment
    assert sorted(complete) == list(range(nodes))
    assert sorted(passed) == list(range(len(ends)))


def check_running_sum(moment: dict[str, Any], before: dict[str, Any], after: dict[str, Any]) -> None:
    """Check `a.grad = 1.0 + 2.0 = 3.0`: the box's number before, the term of the chain rule, the number after."""
    _, addition, total = moment["total"].split(" = ")
    first, second = addition.split(" + ")
    _, _, product, term = moment["formula"].replace(" += ", " = ").split(" = ")
    derivative, gradient = map(as_float, product.split(" × "))
    assert derivative * gradient == as_float(term) == as_float(second)
    assert as_float(first) + as_float(second) == as_float(total)
    if after["grad"] is not None:
        assert (before["grad"], after["grad"]) == (first, total)


def check_numbers(shown: dict[str, Any], order: list[Value]) -> None:
    """Compare the numbers with those of the engine's backward pass, to all 17 digits."""
    expected = [(v.label or "constant", v.data, None if v.is_constant else v.grad) for v in order if v.label]
    formulas = [
        (box["name"], as_float(box["data"]), None if box["grad"] is None else as_float(box["grad"]))
        for box in shown["boxes"]
    ]
    assert len(formulas) == len(order)
    assert {*expected} <= {*formulas}
    gradients = Counter(v.grad for v in order if not v.is_constant)
    assert Counter(as_float(box["grad"]) for box in shown["boxes"] if box["grad"] is not None) == gradients


def test_a_network_ends_with_the_engines_numbers(page: Page, tmp_path: Path) -> None:
    model = nn.MLP(2, [3, 2], seed=0)
    loss = nn.half_squared_error(model([0.5, Value(-1.0, "x")]), [0.0, 1.0])
    load(page, loss, tmp_path)
    page.keyboard.press("End")
    loss.backward()
    order = topological_order(loss)
    shown = state(page)["boxes"]
    assert Counter(as_float(box["data"]) for box in shown) == Counter(v.data for v in order)
    gradients = Counter(v.grad for v in order if not v.is_constant)
    assert Counter(as_float(box["grad"]) for box in shown if box["grad"] is not None) == gradients
    assert all("lit" in box["classes"] for box in shown)


def test_a_leaf_alone(page: Page, tmp_path: Path) -> None:
    load(page, Value(2.0, "x"), tmp_path)
    for formula in ("x = 2.0", "x.grad = ∂x/∂x = 1.0"):
        page.keyboard.press("ArrowRight")
        assert page.inner_text(".formula") == formula


# Buttons, keys and the slider


def test_buttons_and_keys_to_the_start_and_the_end(page: Page, tmp_path: Path) -> None:
    load(page, small_graph(), tmp_path)
    last = steps_in_all(page)
    acts: list[tuple[Callable[[], None], int]] = [
        (lambda: page.keyboard.press("End"), last),
        (lambda: page.keyboard.press("Home"), 0),
        (lambda: page.click("[data-go=end]"), last),
        (lambda: page.click("[data-go=back]"), last - 1),
        (lambda: page.click("[data-go=start]"), 0),
        (lambda: page.click("[data-go=back]"), 0),
        (lambda: page.keyboard.press("ArrowRight"), 1),
        (lambda: page.keyboard.press("Control+ArrowRight"), 1),  # the browser's own
    ]
    for act, expected in acts:
        act()
        assert state(page)["slider"] == expected


def test_the_slider(page: Page, tmp_path: Path) -> None:
    load(page, small_graph(), tmp_path)
    slider = page.locator("input[type=range]")
    slider.fill("7")
    assert "step 7 of" in page.inner_text(".phase")
    assert slider.get_attribute("aria-valuetext") == f"step 7 of {steps_in_all(page)}"
    slider.focus()
    page.keyboard.press("ArrowRight")  # the slider's own key, which must not count twice
    assert "step 8 of" in page.inner_text(".phase")
    page.keyboard.press("Home")
    assert page.inner_text(".phase") == f"{steps_in_all(page)} steps"


def test_play_and_pause(page_with_a_clock: Page, tmp_path: Path) -> None:
    """The test controls the clock, so time passes only when the test says so."""
    page = page_with_a_clock
    load(page, small_graph(), tmp_path)
    page.clock.pause_at(10**12)
    play = page.locator("[data-go=play]")
    play.click()
    assert play.inner_text() == "⏸ pause" and play.get_attribute("aria-label") == "pause"
    page.clock.run_for(6_000)
    reached = state(page)["slider"]
    assert 2 <= reached < steps_in_all(page)
    play.click()
    page.clock.run_for(60_000)
    assert state(page)["slider"] == reached
    assert play.inner_text() == "▶ play" and play.get_attribute("aria-label") == "play"
    page.locator("body").press(" ")  # goes on
    page.clock.run_for(600_000)
    assert state(page)["slider"] == steps_in_all(page)
    assert play.inner_text() == "▶ play"
    page.keyboard.press(" ")  # from the start again
    assert state(page)["slider"] == 0
    page.clock.run_for(6_000)
    assert state(page)["slider"] == reached
    page.keyboard.press("ArrowRight")  # a manual step stops playing
    page.clock.run_for(60_000)
    assert state(page)["slider"] == reached + 1


def test_space_on_a_button_presses_it_and_on_the_slider_plays(page_with_a_clock: Page, tmp_path: Path) -> None:
    page = page_with_a_clock
    load(page, small_graph(), tmp_path)
    page.clock.pause_at(10**12)
    page.locator("[data-go=next]").press(" ")
    assert state(page)["slider"] == 1
    assert page.inner_text("[data-go=play]") == "▶ play"
    page.locator("[data-go=play]").press(" ")
    assert page.inner_text("[data-go=play]") == "⏸ pause"
    page.locator("input[type=range]").press(" ")
    assert page.inner_text("[data-go=play]") == "▶ play"


# Nodes


def test_pointing_at_a_node_shows_its_gradient_as_a_sum_over_its_uses(page: Page, tmp_path: Path) -> None:
    a, b = Value(2.0, "a"), Value(-3.0, "b")
    c = a * b
    c.label = "c"
    root = c * a + a
    root.label = "y"
    load(page, root, tmp_path, precision=4)
    page.locator(".box", has_text="b").first.hover()
    assert page.inner_text(".uses") == "b.grad = ∂c/∂b × c.grad = 2.0 × 2.0 = 4.0 (1 use)"
    page.locator(".box").filter(has=page.get_by_text("a", exact=True)).first.hover()
    said = page.inner_text(".uses")
    assert said.startswith("a.grad = ") and said.endswith(" = −11.0 (3 uses)")  # d(a²b + a)/da = 2ab + 1
    assert "∂y/∂a × y.grad" in said and "∂c/∂a × c.grad" in said and "−3.0 × 2.0" in said


def test_tabbing_to_a_node_shows_the_same_and_says_it_aloud(page: Page, tmp_path: Path) -> None:
    load(page, small_graph(), tmp_path, precision=4)
    page.locator("input[type=range]").focus()
    reached = []
    for _ in range(page.locator(".box").count()):
        page.keyboard.press("Tab")
        focused = page.locator(".box:focus")
        assert focused.get_attribute("aria-label") == page.inner_text(".uses")
        reached.append(focused.locator(".name").first.text_content())
    assert {"a", "b", "c", "d", "e", "y"} < {*reached}
    assert page.get_attribute(".picture svg", "role") == "group"  # the parts of an img are not read aloud


def test_what_is_read_aloud_changes_with_each_step(page: Page, tmp_path: Path) -> None:
    load(page, small_graph(), tmp_path)
    live = page.locator("[aria-live=polite]")
    assert live.get_attribute("aria-atomic") == "true"
    said = [live.inner_text()]
    for _ in range(steps_in_all(page)):
        page.keyboard.press("ArrowRight")
        said.append(live.inner_text())
    assert len(set(said)) == len(said)
    assert "pass starts at the end" in "".join(said)
    for name in ("start", "back", "play", "next", "end"):
        assert page.get_attribute(f"[data-go={name}]", "aria-label")


# The page itself


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """Yield the address of a server on this machine, and the paths requested from it."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_port}", asked
        http.shutdown()


def test_no_other_script_runs_and_nothing_is_loaded(
    browser: Browser, tmp_path: Path, server: tuple[str, list[str]]
) -> None:
    """On a page without the policy, these scripts and requests work, as is shown first; on this one they do not."""
    address, asked = server
    page = browser.new_page()
    inject = """async (address) => {
        const script = document.createElement("script");
        script.textContent = "window.pwned = 1";
        const image = document.createElement("img");
        image.setAttribute("onerror", "window.pwned = 2");
        image.src = `${address}/image`;
        const failed = new Promise((done) => image.addEventListener("error", done));
        document.body.append(script, image);
        await Promise.all([failed, fetch(`${address}/fetch`).catch(() => null)]);
        return window.pwned;
    }"""
    bare = tmp_path / "bare.html"
    bare.write_text("<!DOCTYPE html><body></body>")
    page.goto(bare.as_uri())
    assert page.evaluate(inject, address) == 2
    assert sorted(asked) == ["/fetch", "/image"]
    asked.clear()
    load(page, small_graph(), tmp_path)
    assert page.evaluate(inject, address) is None
    assert asked == []
    policy = page.get_attribute("meta[http-equiv=Content-Security-Policy]", "content") or ""
    assert "default-src 'none'" in policy and "script-src 'sha256-" in policy and "unsafe-eval" not in policy
    page.keyboard.press("End")
    assert "backward pass" in page.inner_text(".phase")
    page.close()


@pytest.mark.parametrize("width", [400, 1600])
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_wide_and_narrow_pages(browser: Browser, tmp_path: Path, width: int, colours: str) -> None:
    """Nothing overflows the page, every control can be clicked, and changed parts are scrolled into view."""
    page = browser.new_page(
        viewport={"width": width, "height": 700}, color_scheme="dark" if colours == "dark" else "light"
    )
    model = nn.MLP(3, [3, 2], seed=0)
    load(page, nn.half_squared_error(model([0.5, 0.25, Value(-1.0, "x")]), [0.0, 1.0]), tmp_path)
    for control in page.locator("[data-go], input").all():
        box = control.bounding_box()
        assert box is not None
        assert box["x"] >= 0 and box["x"] + box["width"] <= width and box["y"] + box["height"] <= 700
        control.click(trial=True)
    for key in ["End", *["ArrowLeft"] * 8]:
        page.keyboard.press(key)
        changed = page.evaluate(CHANGED)
        frame = page.locator(".picture").bounding_box()
        assert frame is not None
        assert frame["x"] - 1 <= changed["left"] and changed["right"] <= frame["x"] + frame["width"] + 1
        assert frame["y"] - 1 <= changed["top"] and changed["bottom"] <= frame["y"] + frame["height"] + 1
    sizes = page.evaluate("[document.documentElement.scrollWidth, document.body.scrollWidth, innerWidth]")
    assert max(sizes) == width
    background, text = (
        page.evaluate(f"getComputedStyle(document.body).{name}.match(/\\d+/g).map(Number)")
        for name in ("backgroundColor", "color")
    )
    assert (sum(background) < sum(text)) == (colours == "dark")
    page.close()


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_reduced_motion(browser: Browser, tmp_path: Path, motion: Any) -> None:
    page = browser.new_page(reduced_motion=motion)
    load(page, small_graph(), tmp_path)
    moving = page.evaluate(
        """() => [...document.querySelectorAll("*")].filter((element) => {
            const style = getComputedStyle(element);
            const durations = [...style.transitionDuration.split(","), ...style.animationDuration.split(",")];
            return style.transitionProperty !== "none" && durations.some((duration) => parseFloat(duration) > 0);
        }).length"""
    )
    assert (moving == 0) == (motion == "reduce")
    page.close()
