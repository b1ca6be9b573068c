"""Every page of the built site, also as a browser shows it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

OWN = "playground/"  # pages of the playground, which has its own tests


class Links(HTMLParser):
    """The links of a page, the files that it loads, and its anchors."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag == "link" and given.get("rel") in ("canonical", "index", "search", "next", "prev"):
            return
        self.loaded += [given[name] for name in ("src", "href", "data-page") if name in given and tag != "a"]


@pytest.fixture(scope="module")
def pages(built_site: Path) -> dict[str, Links]:
    """Return each page by its path."""
    paths = sorted(path for path in built_site.rglob("*.html"))
    return {path.relative_to(built_site).as_posix(): Links(path.read_text(encoding="utf-8")) for path in paths}


def own_pages(pages: dict[str, Links]) -> list[str]:
    return [path for path in pages if not path.startswith((OWN, "live/", "_static/"))]


def test_the_pages_that_a_reader_expects_are_there(pages: dict[str, Links]) -> None:
    expected = {f"{name}.html" for name in (
        "index", "engine", "pictures", "networks", "tables", "compile", "walkthroughs", "from-micrograd",
        "from-microgpt", "from-pytorch", "from-nielsen", "how-the-compiler-works", "reference/autograd",
        "reference/nn", "speed", "contributing", "changelog", "playground/index", "search",
    )}  # fmt: skip
    expected |= {f"notebooks/{path.stem}.html" for path in Path(__file__).parents[2].glob("notebooks/[0-9]*.ipynb")}
    assert expected <= set(pages)


def test_no_link_no_anchor_and_no_file_is_missing(built_site: Path, pages: dict[str, Links]) -> None:
    broken = []
    for path, page in pages.items():
        for link in [*page.links, *page.loaded]:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or link == "{{link}}":
                continue
            target, anchor = urldefrag(urljoin(path, link))
            target = unquote(target.partition("?")[0]) or path
            target = f"{target}index.html" if target.endswith("/") else target
            if not (built_site / target).is_file():
                broken.append(f"{path}: {link}")
            elif target.startswith(OWN):  # whose addresses hold programs behind the #
                continue
            elif anchor and unquote(anchor) not in pages[target].anchors:
                broken.append(f"{path}: {link}")
    assert broken == []


def test_nothing_is_loaded_from_elsewhere(pages: dict[str, Links]) -> None:
    elsewhere = {link for page in pages.values() for link in page.loaded if urlsplit(link).netloc}
    assert elsewhere == set()


def test_the_start_page_goes_from_what_it_is_to_the_first_compile(built_site: Path) -> None:
    text = (built_site / "index.html").read_text(encoding="utf-8")
    article = text[text.index("<article") :]
    marks = ["<h1>lucidgrad", "<img", "Try it in the page", "<h2>Install", "<h2>First gradient", "<h2>First network",
             "<h2>First compile"]  # fmt: skip
    places = [article.index(mark) for mark in marks]
    assert places == sorted(places)


# In a browser


class Opened:
    """A page in a browser, which records errors and failed requests."""

    def __init__(self, browser: Browser, address: str, **options: Any) -> None:
        self.context = browser.new_context(**options)
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("response", lambda answer: self.complaints.append(answer.url) if answer.status >= 400 else None)
        self.page.on("request", lambda request: self._check(request.url))
        self.address = address

    def _check(self, url: str) -> None:
        if not url.startswith((self.address, "data:", "blob:", "about:")):
            self.complaints.append(url)

    def go(self, path: str) -> None:
        self.page.goto(self.address + path, wait_until="load")


@pytest.fixture(scope="module")
def wide(browser: Browser, site_address: str) -> Iterator[Opened]:
    opened = Opened(browser, site_address, viewport={"width": 1280, "height": 900}, color_scheme="light")
    yield opened
    opened.context.close()


@pytest.fixture(scope="module")
def narrow(browser: Browser, site_address: str) -> Iterator[Opened]:
    """Yield a page as wide as a phone, in dark mode."""
    opened = Opened(browser, site_address, viewport={"width": 400, "height": 800}, color_scheme="dark")
    yield opened
    opened.context.close()


LOOK = """() => {
  const luminance = (c) => {
    const [r, g, b] = c.map((x) => x / 255).map((x) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const numbers = (color) => (color.match(/[\\d.]+/g) || []).map(Number);
  const behind = (element) => {
    for (; element; element = element.parentElement) {
      const c = numbers(getComputedStyle(element).backgroundColor);
      if (c.length === 3 || (c.length === 4 && c[3] > 0.5)) return c.slice(0, 3);
    }
    return matchMedia('(prefers-color-scheme: dark)').matches ? [0, 0, 0] : [255, 255, 255];
  };
  const faint = [];
  const texts = ['p', 'li', 'h1', 'h2', 'code', 'span', 'a', 'td', 'dt'].map((tag) => `article ${tag}`).join();
  for (const element of document.querySelectorAll(texts)) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || element.closest('svg, .katex, .headerlink') || !element.getClientRects().length) continue;
    if (element.classList.contains('headerlink')) continue;
    const [a, b] = [numbers(getComputedStyle(element).color).slice(0, 3), behind(element)].map(luminance);
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 3) faint.push(`${element.textContent.trim().slice(0, 40)}: ${ratio.toFixed(2)}`);
  }
  return {
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    images: [...document.images].filter((i) => !(i.complete && i.naturalWidth)).map((i) => i.src),
    mathematics: document.querySelectorAll('.math').length,
    typeset: document.querySelectorAll('.math .katex').length,
    wrong: document.querySelectorAll('.katex-error').length,
    faint: [...new Set(faint)].slice(0, 5),
    dark: luminance(behind(document.body)) < 0.1,
  };
}"""


def look(opened: Opened, path: str) -> dict[str, Any]:
    opened.go(path)
    opened.page.locator("html[data-mathematics=typeset]").wait_for(state="attached")
    seen: dict[str, Any] = opened.page.evaluate(LOOK)
    return seen


def faults(opened: Opened, pages: dict[str, Links], dark: bool) -> dict[str, Any]:
    """List the faults of each page; empty if there are none."""
    by_page = {}
    for path in own_pages(pages):
        opened.complaints.clear()
        seen = look(opened, path)
        wrong: list[Any] = [*opened.complaints, *seen["images"], *seen["faint"]]
        if seen["overflow"] > 0:
            wrong.append(f"{seen['overflow']} pixels wider than the window")
        if seen["typeset"] < seen["mathematics"] or seen["wrong"]:
            wrong.append(f"{seen['typeset']} of {seen['mathematics']} formulas are typeset, {seen['wrong']} wrongly")
        if seen["dark"] != dark:
            wrong.append("dark" if seen["dark"] else "not dark")
        if wrong:
            by_page[path] = wrong
    return by_page


def test_every_page_is_whole_on_a_screen(wide: Opened, pages: dict[str, Links]) -> None:
    assert faults(wide, pages, dark=False) == {}


def test_every_page_is_legible_on_a_telephone_in_the_dark(narrow: Opened, pages: dict[str, Links]) -> None:
    assert faults(narrow, pages, dark=True) == {}


def test_there_are_formulas_to_typeset(wide: Opened) -> None:
    assert look(wide, "notebooks/04_the_four_equations.html")["typeset"] > 20
    assert look(wide, "from-nielsen.html")["typeset"] >= 4


@pytest.mark.parametrize(("word", "page"), [("Value", "autograd.Value"), ("softmax", "autograd.softmax")])
def test_search_finds(word: str, page: str, wide: Opened) -> None:
    wide.complaints.clear()
    wide.go("search.html")
    wide.page.locator("input[name=q]").last.fill(word)
    wide.page.keyboard.press("Enter")
    wide.page.locator("#search-results li a", has_text=page).first.wait_for()
    assert wide.complaints == []


def test_what_pages_show_live_works(wide: Opened) -> None:
    wide.complaints.clear()
    for name in ("step_through", "network"):
        wide.go(f"live/{name}.html")
        assert wide.page.locator("svg").count() >= 1
    assert wide.complaints == []


def test_the_playground_opens_in_the_start_page_and_runs(wide: Opened) -> None:
    wide.complaints.clear()
    wide.go("index.html")
    assert wide.page.locator("iframe").count() == 0
    wide.page.click("button.try-it")
    frame = wide.page.frame_locator("iframe.playground")
    frame.locator("html[data-runs='1']").wait_for(state="attached", timeout=240_000)
    assert "g = 24.7041, dg/da = 138.8338, dg/db = 645.5773" in frame.locator("#output").inner_text()
    assert wide.complaints == []


def test_a_cell_of_a_walkthrough_opens_in_the_playground_and_runs(wide: Opened, built_site: Path) -> None:
    wide.complaints.clear()
    wide.go("notebooks/00_write_your_own_value.html")
    links = wide.page.locator("a.in-playground")
    assert links.count() > 10
    links.nth(3).click()
    wide.page.locator("html[data-python=ready]").wait_for(state="attached", timeout=240_000)
    assert "came with the link" in wide.page.inner_text("#notice")
    wide.page.click("#run")
    wide.page.locator("html[data-runs='1']").wait_for(state="attached", timeout=240_000)
    assert "Error" not in wide.page.inner_text("#output")
    assert wide.complaints == []


def test_the_search_index_has_every_public_name(built_site: Path) -> None:
    import autograd
    import nn

    text = (built_site / "searchindex.js").read_text(encoding="utf-8")
    index = json.loads(text[text.index("(") + 1 : text.rindex(")")])
    for package in (autograd, nn):
        names = {entry[-1] if isinstance(entry, list) else entry for entry in index["objects"][package.__name__]}
        assert set(package.__all__) <= names
