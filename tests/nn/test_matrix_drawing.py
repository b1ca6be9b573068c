"""Pictures of modules for sequences: each number has a tile, whose tooltip describes it; layers without a bias."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import autograd
import nn
from autograd.drawing.picture import Picture
from nn import draw

SVG = "{http://www.w3.org/2000/svg}"
TITLE = re.compile(r"(.+)\[(\d+), (\d+)\] = (\S+)(?:\n(.*))?")
SEQUENCE = [[math.sin(4 * t + k) for k in range(4)] for t in range(5)]


class Tile:
    """A number, as a reader of the SVG sees it."""

    def __init__(self, rect: ElementTree.Element) -> None:
        title = rect.findtext(f"{SVG}title") or ""
        match = TITLE.fullmatch(title)
        assert match, title
        self.symbol, self.number, self.label = match[1], float(match[4]), match[5] or ""
        self.place = int(match[2]), int(match[3])
        self.colour, self.opacity = rect.get("class"), float(rect.get("fill-opacity", "1"))
        self.x, self.y = (float(rect.get(name, "nan")) for name in "xy")


def tiles(picture: Picture) -> list[Tile]:
    root = ElementTree.fromstring(picture.svg)
    rects = [rect for group in root.iter(f"{SVG}g") if group.get("class") == "matrix" for rect in group]
    return [Tile(rect) for rect in rects if rect.find(f"{SVG}title") is not None]


def words(picture: Picture) -> str:
    return " ".join("".join(text.itertext()) for text in ElementTree.fromstring(picture.svg).iter(f"{SVG}text"))


def modules() -> list[Any]:
    return [nn.Embedding(9, 3, seed=0), nn.RMSNorm(4), nn.CausalSelfAttention(4, 2, seed=0, name="attention")]


@pytest.mark.parametrize("module", modules(), ids=repr)
def test_each_parameter_has_a_tile_with_its_number_in_full_and_its_label(module: Any) -> None:
    numbers = {tile.label: tile.number for tile in tiles(draw(module))}
    assert numbers == {parameter.label: parameter.data for parameter in module.parameters()}


def test_rows_lie_below_each_other_and_columns_side_by_side() -> None:
    places = {tile.place: (tile.x, tile.y) for tile in tiles(draw(nn.Embedding(4, 3, seed=0)))}
    for (i, k), (x, y) in places.items():
        assert x == places[0, k][0]
        assert y == places[i, 0][1]
    assert [places[0, k][0] for k in range(3)] == sorted(places[0, k][0] for k in range(3))
    assert [places[i, 0][1] for i in range(4)] == sorted(places[i, 0][1] for i in range(4))


def test_tiles_are_as_strong_as_their_numbers_and_show_the_sign() -> None:
    by_size = sorted(tiles(draw(nn.Embedding(6, 5, seed=1))), key=lambda tile: abs(tile.number))
    assert [tile.opacity for tile in by_size] == sorted(tile.opacity for tile in by_size)
    assert by_size[-1].opacity == 1.0
    assert {tile.colour for tile in by_size} == {"positive", "negative"}
    assert all((tile.colour == "negative") == (tile.number < 0) for tile in by_size)


def test_given_a_sequence_attention_shows_where_its_heads_look() -> None:
    module = nn.CausalSelfAttention(4, 2, seed=0)
    numbers = {(tile.symbol, *tile.place): tile.number for tile in tiles(draw(module, SEQUENCE))}
    expected = {
        (f"share of head {h}", t, s): share.data
        for h, rows in enumerate(module.shares(SEQUENCE))
        for t, row in enumerate(rows)
        for s, share in enumerate(row)
    }
    assert numbers == expected
    assert len(numbers) == 2 * (1 + 2 + 3 + 4 + 5)


def test_large_tables_are_shown_in_part_and_what_is_left_out_is_counted() -> None:
    picture = draw(nn.Embedding(100, 3, seed=0), most=9)
    rows = sorted({tile.place[0] for tile in tiles(picture)})
    assert rows == [0, 1, 2, 3, 96, 97, 98, 99]
    assert "⋮ 92 more" in words(picture)
    assert f"Not shown: {92 * 3} of 300 numbers" in words(picture)
    wide = draw(nn.Embedding(2, 100, seed=0), most=9)
    assert sorted({tile.place[1] for tile in tiles(wide)}) == rows
    assert f"Not shown: {92 * 2} of 200 numbers" in words(wide)


def test_a_table_of_ten_thousand_rows_makes_no_huge_picture() -> None:
    assert len(draw(nn.Embedding(10_000, 8, seed=0)).svg) < 300_000


@pytest.mark.parametrize("number", [0.0, math.inf, -math.inf, math.nan, 1e300])
def test_any_number_can_be_drawn(number: float) -> None:
    module = nn.RMSNorm(3)
    module.gains[1].data = number
    assert [str(tile.number) for tile in tiles(draw(module))] == ["1.0", str(number), "1.0"]


def test_labels_are_text_and_nothing_else() -> None:
    module = nn.RMSNorm(2, name='"><script>alert(1)</script>')
    assert "<script>" not in draw(module).svg
    assert len(tiles(draw(module))) == 2


def test_nothing_changes() -> None:
    for module in modules():
        before = [(p.data, p.grad, p.label) for p in module.parameters()]
        draw(module)
        assert [(p.data, p.grad, p.label) for p in module.parameters()] == before


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m: draw(m[0], [0, 1]), ValueError, "inputs are drawn for networks and CausalSelfAttention"),
        (lambda m: draw(m[1], targets=[1.0]), ValueError, "not for RMSNorm"),
        (lambda m: draw(m[2], SEQUENCE, SEQUENCE), ValueError, "not for CausalSelfAttention"),
        (lambda m: draw(m[2], lines="gradients"), ValueError, "not for CausalSelfAttention"),
        (lambda m: draw(m[2], most=2), ValueError, "most must be an integer of at least 3, got 2"),
        (lambda m: draw(m[2], [[0.0] * 3]), ValueError, "expects 4 inputs, got 3"),
    ],
)
def test_what_matrices_do_not_show_is_refused(call: Callable[[Any], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call(modules())


def test_the_picture_can_be_saved(tmp_path: Path) -> None:
    draw(modules()[2], SEQUENCE).save(tmp_path / "shares.svg")
    ElementTree.parse(tmp_path / "shares.svg")


# User-defined modules


class GPT(nn.Module):
    def __init__(self) -> None:
        self.embedding, self.norm = nn.Embedding(30, 8, seed=0, name="embedding"), nn.RMSNorm(8)
        self.attention = nn.CausalSelfAttention(8, 2, seed=0, name="attention")
        self.layers = [nn.Layer(8, 40, "relu", seed=1), nn.Layer(40, 8, "identity", bias=False, seed=2)]
        self.by_head = [[[autograd.Value(h + i - k) for k in range(3)] for i in range(2)] for h in range(2)]
        self.scale = autograd.Value(-1.5)


def test_a_module_of_the_users_own_is_a_matrix_for_each_array() -> None:
    gpt, shown = GPT(), tiles(draw(GPT()))
    numbers: dict[str, dict[tuple[int, int], float]] = {}
    for tile in shown:
        numbers.setdefault(tile.symbol, {})[tile.place] = tile.number
    assert sorted(tile.number for tile in shown) == sorted(parameter.data for parameter in gpt.parameters())
    assert numbers["embedding.table"][29, 7] == gpt.embedding.table[29][7].data
    assert numbers["layers.0.neurons.weights"][39, 2] == gpt.layers[0].neurons[39].weights[2].data
    assert numbers["layers.0.neurons.bias"][0, 39] == 0.0
    assert numbers["by_head"] == {(2 * h + i, k): h + i - k for h in range(2) for i in range(2) for k in range(3)}
    assert numbers["scale"] == {(0, 0): -1.5}


def test_many_matrices_stand_on_shelves_and_do_not_overlap() -> None:
    picture = draw(GPT())
    places = [(tile.x, tile.y) for tile in tiles(picture)]
    assert len(set(places)) == len(places)
    assert max(x for x, _ in places) < 1400
    assert draw(GPT()).svg == picture.svg
    assert f"GPT, {len(places):,} parameters" in words(picture)


def test_inputs_to_a_module_of_the_users_own_are_refused() -> None:
    with pytest.raises(ValueError, match="inputs are drawn for networks and CausalSelfAttention; for GPT only"):
        draw(GPT(), [1, 2])
    for other in (nn.Module(), [nn.RMSNorm(2)]):
        with pytest.raises(TypeError, match="expected an MLP, a Layer or a Neuron, got"):
            draw(other)  # type: ignore[arg-type]


# Layers without a bias


def test_a_layer_without_a_bias_is_drawn_without_one() -> None:
    picture = words(draw(nn.Layer(3, 2, "tanh", bias=False, seed=0)))
    assert "tanh(w¹a⁰)" in picture
    assert "b¹" not in picture
    assert "bias" not in picture
    assert not re.search(r"\bb [−\d]", picture)


def test_errors_of_neurons_without_a_bias_are_those_of_their_weighted_sums() -> None:
    layer = nn.Layer(3, 2, "tanh", bias=False, seed=0)
    svg = draw(layer, [1.0, 0.5, -0.5], [0.1, 0.2]).svg
    outputs = layer([1.0, 0.5, -0.5])
    nn.half_squared_error(outputs, [0.1, 0.2]).backward()
    for output in outputs:
        assert f"δ = {output.parents[0].grad!r}" in svg


# Their graphs


def test_the_graph_of_attention_is_framed_by_heads() -> None:
    attention = nn.CausalSelfAttention(2, 1, seed=0)
    chance = random.Random(1)
    inputs = [[autograd.Value(chance.gauss(0, 1), f"x.{t}.{k}") for k in range(2)] for t in range(3)]
    svg = autograd.draw(attention(inputs)[2][0], expand="heads.0").svg
    for group in ("heads.0.products.2", "heads.0.scores.2", "heads.0.shares.2", "heads.0.mixed.2", "query.neurons.0"):
        assert group in svg


def test_tables_and_gains_are_drawn_as_parameters() -> None:
    norm, embedding = nn.RMSNorm(2), nn.Embedding(2, 2, seed=0)
    picture = autograd.draw(norm(embedding(1))[0])
    assert "table.1.0 (parameter)" in picture.source
    assert "gains.0 (parameter)" in picture.source
