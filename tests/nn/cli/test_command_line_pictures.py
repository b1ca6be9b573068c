"""`lucidgrad grad` and `lucidgrad draw`, as a user calls them."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

import nn
from nn.__main__ import main

FORMULA = "sin(x*y) + x**2"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Return the error for invalid arguments, which is printed only to stderr."""
    assert main(arguments) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    return said.err


def test_grad_prints_the_value_and_the_gradient(capsys: pytest.CaptureFixture[str]) -> None:
    """d(sin xy + x²) = (y cos xy + 2x) dx + x cos xy dy."""
    assert main(["grad", FORMULA, "x=2", "y=-3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(" = ")[0] for line in lines] == [FORMULA, "∂/∂x", "∂/∂y"]
    value, to_x, to_y = (float(line.partition(" = ")[2]) for line in lines)
    assert value == pytest.approx(math.sin(-6) + 4, rel=1e-15)
    assert to_x == pytest.approx(-3 * math.cos(-6) + 4, rel=1e-15)
    assert to_y == pytest.approx(2 * math.cos(-6), rel=1e-15)


@pytest.mark.parametrize("expression", ["-x**2", "-(x)", "-x"])
def test_an_expression_may_begin_with_a_minus(expression: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["grad", expression, "x=3"]) == 0
    assert f"{expression} = -" in capsys.readouterr().out


def test_grad_writes_the_picture_and_the_page(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["grad", FORMULA, "x=2", "y=-3", "--svg", "f.svg", "--html", "f.html"]) == 0
    out = capsys.readouterr().out
    assert "wrote f.svg" in out
    assert "wrote f.html" in out
    texts = [e.text for e in ElementTree.parse(tmp_path / "f.svg").iter("{http://www.w3.org/2000/svg}text")]
    assert {"x", "y", "sin", "data", "grad"} <= set(texts)
    page = (tmp_path / "f.html").read_text(encoding="utf-8")
    steps = json.loads(page.partition('id="passes">')[2].partition("</script>")[0])["steps"]
    assert [step["phase"] for step in steps].count("backward") == 1 + 7  # the start, and each of seven edges


def test_grad_explains_a_derivative(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["grad", "x*y + x", "x=2", "y=-3", "--explain", "x", "y"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"= −2\.0$", out, re.MULTILINE)  # ∂/∂x = y + 1
    assert "∂x" in out
    assert "∂y" in out


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("x.__class__", "x=2"), "^"),
        (("__import__('os')",), "^"),
        (("log(x)", "x=-1"), "log"),
        (("x*z", "x=2"), "z has no value"),
        (("x", "x"), "name=number"),
        (("x", "x=two"), "name=number"),
        (("x", "x=inf"), "name=number"),
        (("x", "x=1", "x=2"), "given twice"),
        (("x", "x=1", "--explain", "y"), "no variable 'y'"),
        (("x", "x=1", "--svg", "f.png"), ".svg"),
        (("x", "x=1", "--svg", "nowhere/f.svg"), "nowhere"),
    ],
)
def test_what_cannot_be_differentiated_is_refused(
    arguments: tuple[str, ...], part: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["grad", *arguments]) == 1
    assert part in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_offending_part_is_underlined(capsys: pytest.CaptureFixture[str]) -> None:
    *_, line, underline, _ = refused(capsys, "grad", "sin(x) + spam(x)", "x=1").splitlines()
    assert line[underline.index("^") : underline.rindex("^") + 1] == "spam"


def test_draw_writes_a_picture_of_a_saved_model(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    nn.save(nn.MLP(3, [4, 2], seed=0), "model.safetensors")
    assert main(["draw", "model.safetensors"]) == 0
    assert main(["draw", "model.safetensors", "--inputs", "0.5", "-1", "2", "--output", "with.html"]) == 0
    assert capsys.readouterr().out == "wrote network.svg\nwrote with.html\n"
    drawn = ElementTree.parse(tmp_path / "network.svg").getroot()
    assert len(drawn.findall(".//{http://www.w3.org/2000/svg}circle")) >= 3 + 4 + 2
    assert "<svg" in (tmp_path / "with.html").read_text(encoding="utf-8")


def test_a_model_that_cannot_be_drawn_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"no model")
    assert "model.safetensors" in refused(capsys, "draw", "model.safetensors")
    assert "missing.safetensors" in refused(capsys, "draw", "missing.safetensors")
    nn.save(nn.MLP(3, [4, 2], seed=0), "good.safetensors")
    assert "3 inputs" in refused(capsys, "draw", "good.safetensors", "--inputs", "1")
