"""The graph page, used as a person uses it: in a browser, with clicks and keys."""

from __future__ import annotations

import base64
import json
import re
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from playground.worker.messages import Worker

if TYPE_CHECKING:
    from playwright.sync_api import Page

MINUS = "\N{MINUS SIGN}"
ENDLESS = "while True:\n    pass\n"


@pytest.fixture(scope="module")
def page(open_page: Callable[..., Page]) -> Page:
    """Return the page after its first picture. Tests share it, since Python takes seconds to start."""
    page = open_page(
        "index.html", viewport={"width": 1400, "height": 1000}, permissions=["clipboard-read", "clipboard-write"]
    )
    wait_for_runs(page, 1)
    return page


def wait_for_runs(page: Page, count: int) -> None:
    page.locator(f"html[data-runs='{count}']").wait_for(state="attached")


def runs(page: Page) -> int:
    return int(page.get_attribute("html", "data-runs") or 0)


def write(page: Page, program: str) -> None:
    """Replace the program, as by pasting."""
    page.locator(".cm-content").focus()
    page.keyboard.press("Control+A")
    page.keyboard.press("Delete")
    page.keyboard.insert_text(program)


def run(page: Page, program: str) -> str:
    """Run a program; return the output."""
    before = runs(page)
    write(page, program)
    page.click("#run")
    wait_for_runs(page, before + 1)
    if page.locator("#tab-picture").is_visible():
        page.click("#tab-picture")
    return page.inner_text("#output")


def rows(page: Page) -> list[list[str]]:
    """Return the graph as the table shows it: name, role, from, data, gradient."""
    texts: list[list[str]] = page.evaluate(
        "[...document.querySelectorAll('#rows tr')].map((row) => [...row.cells].map((cell) => cell.textContent))"
    )
    return texts


def places(page: Page) -> list[str]:
    texts: list[str] = page.evaluate(
        "[...document.querySelectorAll('#picture .box')].map((b) => b.getAttribute('transform'))"
    )
    return texts


def in_cpython(program: str) -> tuple[dict[str, Any], str]:
    """Return the answer to a run in this interpreter, and the printed output."""
    answers: list[dict[str, Any]] = []
    main = sys.modules["__main__"]
    try:
        Worker(lambda text: answers.append(json.loads(text))).handle(
            json.dumps({"id": 0, "kind": "run", "program": program})
        )
    finally:
        sys.modules["__main__"] = main
    return answers[-1], "".join(answer["text"] for answer in answers[:-1])


def same_words(shown: str, expected: str) -> bool:
    """Tell whether two texts are equal, apart from last digits, which depend on mathematical libraries."""

    def parts(text: str) -> list[Any]:
        words = re.split(r"(-?\d+\.\d+(?:e[+-]\d+)?)", " ".join(text.split()))
        return [pytest.approx(float(w), rel=1e-9, abs=1e-15) if k % 2 else w for k, w in enumerate(words)]

    numbers = [word.expected if hasattr(word, "expected") else word for word in parts(shown)]
    return numbers == parts(expected)


def as_float(text: str) -> float:
    return float(text.replace(MINUS, "-"))


def fragment(program: str, version: str = "", format: str = "1") -> str:
    """Encode the part of a link after #, by an independent implementation of PROTOCOL.md."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = compressor.compress(program.encode()) + compressor.flush()
    return f"#{format};{version};{base64.urlsafe_b64encode(packed).decode().rstrip('=')}"


# Programs


def test_the_page_says_which_version_it_runs(page: Page) -> None:
    version = re.search(r'^version = "(.+)"', (Path(__file__).parents[2] / "pyproject.toml").read_text(), re.MULTILINE)
    assert version
    assert page.inner_text("#version") == f"version {version[1]}"


def test_every_example_runs_with_the_numbers_of_cpython(page: Page) -> None:
    for example in page.locator("#example option").all()[1:]:
        before = runs(page)
        page.select_option("#example", example.get_attribute("value"))
        wait_for_runs(page, before + 1)
        program = page.evaluate("document.querySelector('.cm-content').cmTile?.view?.state.doc.toString() ?? ''")
        program = program or "\n".join(page.locator(".cm-line").all_inner_texts())
        answer, printed = in_cpython(program)
        assert answer["failure"] is None
        assert same_words(page.inner_text("#output"), printed)
        for k, item in enumerate(answer["items"]):
            if len(answer["items"]) > 1:
                page.select_option("#item", str(k))
            if item["kind"] != "graph":
                assert page.locator("#picture svg").count() >= 1
                continue
            shown = rows(page)
            assert [row[0] for row in shown] == [row["name"] for row in item["rows"]]
            for row, expected in zip(shown, item["rows"]):
                assert as_float(row[3]) == pytest.approx(expected["data"], rel=1e-5)
                assert as_float(row[4]) == pytest.approx(expected["grad"], rel=1e-5, abs=1e-12)


def test_a_slider_moves_every_number_and_no_node(page: Page) -> None:
    run(page, "from autograd import *\nx = Value(0.5, 'x')\ny = Value(2.0, 'y')\nz = (x * y).tanh() + x.exp()\nz")
    before, where = rows(page), places(page)
    page.locator("#leaf-0").focus()
    for _ in range(7):
        page.keyboard.press("ArrowRight")
    x = as_float(page.locator(".slider input[type=number]").first.input_value())
    assert x != 0.5
    page.locator("#rows tr", has_text=str(x)[:6]).first.wait_for(state="attached")
    program = f"from autograd import *\nx = Value({x!r}, 'x')\ny = Value(2.0, 'y')\nz = (x * y).tanh() + x.exp()\nz"
    expected = in_cpython(program)[0]["items"][0]["rows"]
    page.wait_for_timeout(300)
    after = rows(page)
    for row, old, wanted in zip(after, before, expected):
        assert as_float(row[3]) == pytest.approx(wanted["data"], rel=1e-4)
        assert as_float(row[4]) == pytest.approx(wanted["grad"], rel=1e-4)
        depends = row[0] not in ("y", "z")
        assert (row[3] != old[3]) is (row[0] != "y")
        assert not depends or row[0] in ("x", *[r[0] for r in after if "of" in r[2]])
    assert places(page) == where
    shown = page.locator("#picture .box text.data").all_text_contents()
    assert {as_float(text) for text in shown} == {float(f"{wanted['data']:.4g}") for wanted in expected}


def test_a_number_where_the_value_is_undefined_is_said(page: Page) -> None:
    run(page, "from autograd import *\nx = Value(0.5, 'x')\nx.log()")
    number = page.locator(".slider input[type=number]").first
    number.fill("-1")
    page.locator("#trouble", has_text="log(").wait_for()
    number.fill("1")
    page.locator("#trouble").wait_for(state="hidden")
    assert [row[3] for row in rows(page)] == ["1", "0"]


@pytest.mark.parametrize(
    ("program", "line", "last"),
    [
        ("x = 1\ny = = 2\n", 2, "SyntaxError: invalid syntax"),
        ("def f(x):\n    return 1 / x\n\nf(0)\n", 2, "ZeroDivisionError: division by zero"),
        ("from autograd import *\n\nlog(Value(-1.0))\n", 3, "ValueError: log("),
    ],
)
def test_errors_mark_the_users_line(page: Page, program: str, line: int, last: str) -> None:
    output = run(page, program)
    assert last in output
    assert "site-packages" not in output and "/lib/" not in output and "playground" not in output
    assert page.locator(".error-line").count() == 1
    assert page.locator(".error-line").inner_text() == program.splitlines()[line - 1]
    run(page, "print('fine')")
    assert page.locator(".error-line").count() == 0


def test_an_endless_loop_is_stopped_and_the_page_goes_on(page: Page) -> None:
    run(page, "from autograd import Value\nx = Value(3.0, 'x')\nx * x")
    before = runs(page)
    write(page, ENDLESS)
    page.click("#run")
    page.locator("#stop:not([disabled])").click()
    wait_for_runs(page, before + 1)
    assert "you stopped it" in page.inner_text("#output")
    assert "while True" in page.inner_text(".cm-content")
    assert rows(page)[0][3] == "3"  # the picture is still there
    assert run(page, "print(6 * 7)").split() == ["42"]


def test_a_million_prints_are_cut_off(page: Page) -> None:
    assert "Cut off" in run(page, "for i in range(300_000):\n    print(i)\n")


def test_deep_and_huge_graphs_leave_the_page_working(page: Page) -> None:
    program = "from autograd import Value\nx = y = Value(1.0)\nfor _ in range(200_000):\n    y = y + x\n"
    program += "y.backward()\nprint(x.grad)\ny"
    output = run(page, program)
    assert "200001.0" in output
    assert "more than 20,000 nodes" in output
    assert run(page, "del_me = 1\nprint('alive')").split() == ["alive"]


def test_recursion_is_an_error_and_not_the_end(page: Page) -> None:
    assert "RecursionError" in run(page, "def f():\n    return f()\nf()\n")
    assert run(page, "print('alive')").split() == ["alive"]


def test_other_things_are_shown(page: Page) -> None:
    run(page, "import autograd\nfrom autograd import Value\nx = Value(2.0, 'x')\nautograd.explain(x * x, x)")
    page.locator("#derivation .katex").first.wait_for()
    run(page, "import autograd\nautograd.compile(lambda a, b: a * b, 1.0, 2.0)")
    page.locator("#source", has_text="def forward").wait_for()


def test_the_tabs_hold_steps_chain_rule_and_source(page: Page) -> None:
    run(page, "from autograd import *\nx = Value(2.0, 'x')\ny = Value(3.0, 'y')\nx * y + x")
    page.click("#tab-steps")
    page.locator(".walk [data-go=next]").click()
    assert "x × y = 2.0 × 3.0 = 6.0" in page.inner_text(".walk .formula")
    page.locator(".walk [data-go=end]").click()
    assert "y.grad = 0.0 + 2.0 = 2.0" in page.inner_text(".walk .total")
    page.click("#tab-explain")
    page.locator("#derivation .katex").first.wait_for()
    assert page.locator("#derivation .katex-error").count() == 0
    page.click("#tab-source")
    page.locator("#source", has_text="def forward").wait_for()
    page.click("#tab-picture")


def test_layers_open_and_close_by_clicking(page: Page) -> None:
    program = "import nn\nm = nn.MLP(3, [4, 4, 1], seed=0)\n"
    run(page, program + "sum(nn.half_squared_error(m([a, 1.0, 2.0]), 1.0) for a in (1.0, 2.0))")
    frames = page.locator("#picture .frame").count()
    box = page.locator("#picture .openable").first
    group = box.get_attribute("data-group")
    box.click()
    page.locator(f"#picture .closable[data-group='{group}']").wait_for()
    assert page.locator("#picture .frame").count() > frames
    page.locator(f"#picture .closable[data-group='{group}'] text").click()
    page.locator(f"#picture .openable[data-group='{group}']").wait_for()


# Links


def test_a_link_opens_the_same_program_and_runs_it_only_after_a_click(
    open_page: Callable[..., Page], page: Page
) -> None:
    program = "from autograd import Value\n# überall: ∂g/∂a\nprint('ran')\nx = Value(2.0, 'x')\nx**2\n"
    run(page, program)
    page.click("#link")
    page.locator("#link", has_text="Copied").wait_for()
    link = page.evaluate("navigator.clipboard.readText()")
    other = open_page(f"index.html{link[link.index('#') :]}")
    other.locator("html[data-python=ready]").wait_for(state="attached")
    other.wait_for_timeout(500)
    assert "runs when you press Run" in other.inner_text("#notice")
    assert "older" not in other.inner_text("#notice") and "version" not in other.inner_text("#notice")
    assert other.inner_text("#output") == ""
    other.click("#run")
    wait_for_runs(other, 1)
    assert other.inner_text("#output").split() == ["ran"]
    assert [row[0] for row in rows(other)] == [row[0] for row in rows(page)]
    other.close()


def test_links_of_other_versions_formats_and_lengths(page: Page) -> None:
    before = runs(page)

    def follow(link: str) -> str:
        page.evaluate("(link) => { location.hash = link; }", link)
        page.locator("#notice:not([hidden])").wait_for()
        page.wait_for_timeout(200)
        return page.inner_text("#notice")

    assert "made with version 0.0.1" in follow(fragment("print('old')", "0.0.1"))
    assert "print('old')" in page.inner_text(".cm-content")
    assert "format 9" in follow(fragment("print('new')", "1.0", "9"))
    assert "too long" in follow(f"#1;0.1.0;{'A' * 20_000}")
    assert "damaged" in follow(fragment("x" * 1_000_000, "0.1.0"))  # a small link that unpacks to something huge
    assert "damaged" in follow("#1;0.1.0;%%%"[:10])
    assert "no program" in follow("#hello")
    assert "print('old')" in page.inner_text(".cm-content")
    assert runs(page) == before
    write(page, "".join(f"# {Random(i).randbytes(120).hex()}\n" for i in range(100)))  # which hardly compresses
    page.click("#link")
    page.locator("#link", has_text="Too long").wait_for()


def test_the_program_is_kept_across_reloads(open_page: Callable[..., Page]) -> None:
    page = open_page("index.html")
    wait_for_runs(page, 1)
    run(page, "print('kept')\n")
    page.goto(page.url.partition("#")[0])
    page.locator(".cm-content", has_text="print('kept')").wait_for()
    page.locator("#notice", has_text="from an earlier visit").wait_for()
    page.close()  # otherwise Python starts there during the next tests


# Hostile programs


def test_a_program_reaches_no_other_origin(
    open_page: Callable[..., Page], serve: Callable[[Path], tuple[str, list[str]]], tmp_path: Path
) -> None:
    (tmp_path / "secret.js").write_text("self.reached = true;")
    elsewhere, asked = serve(tmp_path)
    page = open_page("index.html", allowed=("Content Security Policy", "Refused", "ERR_", "violates", elsewhere))
    wait_for_runs(page, 1)
    program = f"""
import js
from pyodide.ffi import to_js, run_sync
from pyodide.code import run_js
url = {elsewhere + "secret.js"!r}
def attempt(name, act):
    try:
        act()
        print(name, "went through")
    except BaseException as error:
        print(name, "refused:", type(error).__name__)
def request():
    request = js.XMLHttpRequest.new()
    request.open("GET", url, False)
    request.send()
attempt("XMLHttpRequest", request)
attempt("importScripts", lambda: js.importScripts(url))
attempt("eval", lambda: run_js("fetch('" + url + "')"))
attempt("function", lambda: js.Function.new("return 1"))
js.fetch(url).then(lambda r: js.console.assert_(False), lambda e: None)
attempt("socket", lambda: js.WebSocket.new(url.replace("http", "ws")))
attempt("events", lambda: js.EventSource.new(url))
attempt("worker", lambda: js.Worker.new(url))
attempt("navigate", lambda: setattr(js.location, "href", url))
"""
    output = run(page, program)
    page.wait_for_timeout(500)
    for name in ("XMLHttpRequest", "importScripts", "eval", "function"):
        assert f"{name} refused" in output
    assert asked == []
    assert page.url.startswith(page.evaluate("location.origin"))
    assert run(page, "print('alive')").split() == ["alive"]
    page.close()


HOSTILE = """
import js, json
from autograd import Value
bad = '<img src=x onerror="document.title=1"><script>document.title=2</script></text></svg>&lt;b&gt;]]>\\x00\\u202e'
print(bad)
x = Value(2.0, bad)
svg = ('<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" onload="document.title=3">'
       '<script>document.title=4</script><style>body{display:none}</style><a xlink:href="javascript:document.title=5">'
       '<text>a</text></a><foreignObject><iframe src="javascript:document.title=6"/></foreignObject>'
       '<rect onclick="document.title=7" width="9" height="9" fill="url(http://127.0.0.1:1/)"/>'
       '<image href="http://127.0.0.1:1/x.png"/><animate onbegin="document.title=8"/><use href="#page"/></svg>')
class Picture:
    pass
picture = Picture()
picture.svg = svg
show(picture)
for message in ("not json", "[]", "null", "{}", '{"id": 1, "kind": "run", "items": 5}', '{"kind": "output"}',
                json.dumps({"kind": "output", "id": 1, "stream": bad, "text": bad})):
    js.postMessage(message)
x * x
"""


def test_hostile_labels_pictures_and_messages_run_nothing(page: Page) -> None:
    title = page.title()
    run(page, HOSTILE)
    for k in ("0", "1"):
        page.select_option("#item", k)
        page.wait_for_timeout(200)
        elements = page.evaluate("[...document.querySelectorAll('#picture svg *, #output *')].map((e) => e.localName)")
        assert not {"script", "img", "iframe", "foreignObject", "image", "a", "use", "animate", "style"} & set(elements)
        handlers = page.evaluate(
            "[...document.querySelectorAll('#picture *, #output *')]"
            ".flatMap((e) => [...e.attributes].map((a) => a.name)).filter((name) => /^on|href|src/.test(name))"
        )
        assert handlers == []
    for tab in ("steps", "explain", "source", "picture"):
        page.click(f"#tab-{tab}")
        page.wait_for_timeout(400)
    assert page.title() == title
    assert page.locator("#page").is_visible()
    assert run(page, "print('alive')").split() == ["alive"]


def test_a_flood_of_messages_ends_the_program_and_not_the_page(page: Page) -> None:
    before = runs(page)
    write(page, "import js\nwhile True:\n    js.postMessage('x')\n")
    page.click("#run")
    wait_for_runs(page, before + 1)
    assert "too many messages" in page.inner_text("#output")
    assert run(page, "print('alive')").split() == ["alive"]


# With a keyboard and with a screen reader


def test_run_slider_and_steps_by_keyboard_alone(page: Page) -> None:
    write(page, "from autograd import Value\nx = Value(2.0, 'x')\nx * x")
    before = runs(page)
    page.keyboard.press("Control+Enter")
    wait_for_runs(page, before + 1)

    def tab_to(selector: str) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.evaluate("(selector) => document.activeElement?.matches(selector) ?? false", selector):
                return
        raise AssertionError(f"{selector} cannot be reached with Tab")

    tab_to("#tab-picture")
    tab_to("#leaf-0")
    page.keyboard.press("ArrowRight")
    page.locator("#rows tr", has_text="2.02").first.wait_for(state="attached")
    page.keyboard.press("Shift+Tab")
    page.locator("#tab-picture").focus()
    page.keyboard.press("ArrowRight")
    page.locator(".walk .phase").wait_for()
    tab_to(".walk [data-go=next]")
    page.keyboard.press("Enter")
    assert "step 1 of" in page.inner_text(".walk .phase")
    page.keyboard.press("ArrowRight")
    assert "step 2 of" in page.inner_text(".walk .phase")
    page.click("#tab-picture")


def test_the_output_is_copied(page: Page) -> None:
    run(page, "print('to be copied')")
    page.click("#copy-output")
    page.locator("#copy-output", has_text="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()").strip() == "to be copied"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(page: Page, modules: Path, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    run(
        page,
        "import nn\nfrom autograd import *\nprint('a')\nx = Value(2.0, 'x')\nm = nn.MLP(1, [2, 1], seed=0)\nm([x])",
    )
    for tab in ("picture", "steps", "explain", "source"):
        page.click(f"#tab-{tab}")
        page.wait_for_timeout(500)
        assert violations(page, modules) == []
    page.click("#tab-picture")
    page.emulate_media(color_scheme="light")


def violations(page: Page, modules: Path) -> list[Any]:
    """List axe-core's objections: the rule, and the elements."""
    page.evaluate((modules / "axe-core" / "axe.min.js").read_text(encoding="utf-8") + "; null")
    objections: list[Any] = page.evaluate(
        "async () => (await axe.run()).violations.map((v) => [v.id, v.nodes.map((n) => n.html.slice(0, 150))])"
    )
    return objections


# Sizes


@pytest.mark.parametrize("width", [400, 1000, 1600])
def test_nothing_is_wider_than_the_screen(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    for tab in ("picture", "steps", "explain", "source"):
        page.click(f"#tab-{tab}")
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.click("#presenter")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.click("#presenter")
    page.set_viewport_size({"width": 1400, "height": 1000})


def test_a_page_from_a_file_says_what_to_do(chromium: Any, site: Path) -> None:
    page = chromium.new_page()
    page.goto((site / "index.html").as_uri())
    page.wait_for_timeout(300)
    assert "python -m http.server" in page.inner_text("#needs")
    page.close()


def test_without_webassembly_the_page_says_so(chromium: Any, address: str) -> None:
    page = chromium.new_page()
    page.add_init_script("delete globalThis.WebAssembly")
    page.goto(address)
    page.wait_for_timeout(300)
    assert "WebAssembly" in page.inner_text("#needs")
    assert not page.locator("#page").is_visible()
    page.close()
