"""Model files: saved and loaded to the same bits, and the errors for damaged, foreign or hostile files."""

from __future__ import annotations

import json
import math
import pickle
import random
import re
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file
from safetensors.numpy import save as to_safetensors

import nn
from autograd import Value
from nn.layers import Activation
from nn.training import files
from nn.training.models import load, read_metadata, save

Array = NDArray[np.float64]

MODEL = "lucidgrad model 1"
DAMAGED = r"model\.safetensors is damaged"
ARCHITECTURE = {"nin": 2, "nouts": [3, 1], "activations": ["tanh", "sigmoid"], "elementary": False}


def some_model() -> nn.MLP:
    return nn.MLP(2, [3, 1], activation="tanh", seed=0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Save a model of 2 inputs, 3 tanh neurons and 1 sigmoid neuron; return its path."""
    save(some_model(), tmp_path / "model.safetensors", {"name": "a model", "scale": [1.5, -2.0]})
    return tmp_path / "model.safetensors"


# Saving and loading


@pytest.mark.parametrize("elementary", [False, True])
@pytest.mark.parametrize(
    ("nin", "nouts", "activation", "output_activation"),
    [
        (1, [1], "sigmoid", "identity"),
        (2, [3, 1], "tanh", "sigmoid"),
        (4, [3, 5, 2], ["relu", "softplus"], "tanh"),
        (3, [2, 2, 2, 2], "identity", "softplus"),
    ],
)
def test_a_model_comes_back_bit_for_bit(
    nin: int, nouts: list[int], activation: Any, output_activation: Activation, elementary: bool, tmp_path: Path
) -> None:
    model = nn.MLP(nin, nouts, activation, output_activation, seed=0, elementary=elementary)
    for k, parameter in enumerate(model.parameters()):
        parameter.data += math.sin(k) / 3
    save(model, tmp_path / "model.safetensors")
    other = load(tmp_path / "model.safetensors")
    assert {k: v.hex() for k, v in other.state_dict().items()} == {k: v.hex() for k, v in model.state_dict().items()}
    assert repr(other) == repr(model)
    assert [n.elementary for layer in other.layers for n in layer.neurons] == [elementary] * sum(nouts)
    assert [p.label for p in other.parameters()] == [p.label for p in model.parameters()]
    x = np.random.default_rng(0).normal(size=(5, nin))
    assert nn.predict(other, x).tolist() == nn.predict(model, x).tolist()


@pytest.mark.parametrize("number", [-0.0, 5e-324, sys.float_info.max, -sys.float_info.max, 0.1])
def test_any_finite_float_comes_back(number: float, tmp_path: Path) -> None:
    model = some_model()
    model.layers[0].neurons[1].weights[1].data = number
    model.layers[1].neurons[0].bias.data = number
    save(model, tmp_path / "model.safetensors")
    other = load(tmp_path / "model.safetensors")
    for restored in (other.layers[0].neurons[1].weights[1].data, other.layers[1].neurons[0].bias.data):
        assert struct.pack("<d", restored) == struct.pack("<d", number)


def test_a_loaded_model_learns_like_the_saved_one(path: Path) -> None:
    model, other = some_model(), load(path)
    for network in (model, other):
        nn.fit(network, [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0], epochs=3, seed=0, progress=False)
    assert other.state_dict() == model.state_dict()
    assert other.state_dict() != some_model().state_dict()


def test_other_programs_read_the_matrices_and_vectors_of_the_texts(path: Path) -> None:
    """The file has w1, b1, w2 and b2, where w has a row for each neuron."""
    model, tensors = some_model(), load_file(path)
    assert set(tensors) == {"w1", "b1", "w2", "b2"}
    for k, layer in enumerate(model.layers, start=1):
        assert tensors[f"w{k}"].tolist() == [[w.data for w in neuron.weights] for neuron in layer.neurons]
        assert tensors[f"b{k}"].tolist() == [neuron.bias.data for neuron in layer.neurons]


def test_loading_draws_nothing_from_the_global_random_state(path: Path) -> None:
    before = random.getstate()
    load(path)
    assert random.getstate() == before


@pytest.mark.parametrize(
    "metadata", [{}, {"a": [1, 2.5, None, True, "σ → 日本"], "b": {"c": {"d": -1e300}}}, {"": "empty"}], ids=str
)
def test_metadata_come_back(metadata: dict[str, Any], tmp_path: Path) -> None:
    save(some_model(), tmp_path / "model.safetensors", metadata)
    assert read_metadata(tmp_path / "model.safetensors") == metadata


def test_the_order_of_metadata_makes_no_other_file(tmp_path: Path) -> None:
    """Files of equal models can therefore be compared by their digests."""
    metadata = {"name": "a model", "scale": {"a": 1, "b": 2}}
    turned = {"scale": {"b": 2, "a": 1}, "name": "a model"}
    digests = []
    for name, texts in (("one", metadata), ("other", turned)):
        save(some_model(), tmp_path / name, texts)
        header = (tmp_path / name).read_bytes()
        digests.append(re.findall(rb'"sha256":"(\w+)"', header))
    assert digests[0] == digests[1] != []


def test_without_safetensors_it_says_what_to_install(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    for use in (lambda: save(some_model(), path), lambda: load(path)):
        with pytest.raises(ImportError, match="model files need safetensors and NumPy: pip install safetensors numpy"):
            use()


def test_without_metadata_there_are_none(tmp_path: Path) -> None:
    save(some_model(), tmp_path / "model.safetensors")
    assert read_metadata(tmp_path / "model.safetensors") == {}


def test_paths_may_be_texts_and_have_any_letters(tmp_path: Path) -> None:
    name = str(tmp_path / "größe σ 日本.safetensors")
    save(some_model(), name)
    assert load(name).state_dict() == some_model().state_dict()


# Errors of save, and interrupted saves


def test_only_modules_with_parameters_can_be_saved(tmp_path: Path) -> None:
    others: list[Any] = [{"w": 1.0}, None, Value(1.0), [nn.Neuron(2, seed=0)]]
    for other in others:
        with pytest.raises(TypeError, match=r"save writes a Module, such as an MLP or one of your own, not a \w+"):
            save(other, tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match="this Module has no parameters to save"):
        save(nn.Module(), tmp_path / "model.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_metadata_that_json_cannot_hold_leave_the_old_file_as_it_was(path: Path) -> None:
    before = path.read_bytes()
    bad: list[dict[str, Any]] = [{"a": object()}, {"a": {1, 2}}, {"a": Value(1.0)}, {"a": np.zeros(2)}]
    for metadata in bad:
        with pytest.raises(TypeError):
            save(some_model(), path, metadata)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_that_does_not_exist_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        save(some_model(), tmp_path / "nowhere" / "model.safetensors")


def test_a_folder_cannot_be_overwritten(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").mkdir()
    with pytest.raises(OSError, match=r"model\.safetensors"):
        save(some_model(), tmp_path / "model.safetensors")
    assert list(tmp_path.iterdir()) == [tmp_path / "model.safetensors"]


def test_a_disk_that_is_full_leaves_the_old_file_and_nothing_else(path: Path, run_python: Callable[..., str]) -> None:
    """The system limits this process to 1,000 bytes per file; the new model needs 80,000."""
    pytest.importorskip("resource", reason="only POSIX systems can limit the size of files")
    before = path.read_bytes()
    source = f"""
import resource, nn
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    nn.save(nn.MLP(100, [100], seed=0), {str(path)!r})
except OSError as error:
    print("OSError", error.errno)
"""
    assert run_python(source).startswith("OSError")
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


# Files that are no models


def refused(path: Path) -> str:
    """Return the error message for a file, which is the same for each function that reads one."""
    messages = []
    for read in (load, read_metadata):
        with pytest.raises(ValueError, match=re.escape(path.name)) as caught:
            read(path)
        messages.append(str(caught.value))
    return messages[0]


def test_every_truncation_of_a_file_is_refused(path: Path) -> None:
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        refused(path)


def test_bytes_appended_to_a_file_are_refused(path: Path) -> None:
    content = path.read_bytes()
    for extra in (b"\0", b"x" * 8, content):
        path.write_bytes(content + extra)
        refused(path)


@pytest.mark.parametrize("flip", [0x01, 0x20, 0x80, 0xFF], ids=hex)
def test_a_flipped_byte_anywhere_is_refused_or_without_effect(flip: int, path: Path) -> None:
    """It can have no effect only in the blanks that pad the header."""
    content = path.read_bytes()
    state, metadata = load(path).state_dict(), read_metadata(path)
    for position in range(len(content)):
        damaged = bytearray(content)
        damaged[position] ^= flip
        path.write_bytes(damaged)
        try:
            loaded = load(path).state_dict(), read_metadata(path)
        except ValueError as error:
            assert path.name in str(error)
        else:
            assert chr(content[position]).isspace(), f"byte {position} was not missed"
            assert loaded == (state, metadata)


def test_a_file_that_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    for read in (load, read_metadata):
        with pytest.raises(FileNotFoundError):
            read(tmp_path / "none.safetensors")
        with pytest.raises(OSError, match=tmp_path.name):
            read(tmp_path)


def png() -> bytes:
    """Return a valid picture of one black pixel."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")


class Touches:
    """An object that makes a file when it is unpickled."""

    def __init__(self, flag: Path) -> None:
        self.flag = flag

    def __reduce__(self) -> Any:
        return Path.touch, (self.flag,)


def raw(header: Any, content: bytes = b"") -> bytes:
    """Return a file in the format of safetensors: the length of the header, the header, the numbers."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + content


def header(**tensors: Any) -> dict[str, Any]:
    return {"__metadata__": {"format": MODEL, "architecture": json.dumps(ARCHITECTURE), "sha256": "0"}, **tensors}


FOREIGN: dict[str, bytes] = {
    "empty": b"",
    "a text": b"w1 = 0.5\n",
    "zeros": b"\0" * 1000,
    "a picture": png(),
    "a model of another program": to_safetensors({"weight": np.zeros((3, 2), np.float32)}, {"format": "pt"}),
    "a model without metadata": to_safetensors({"w1": np.zeros((3, 2)), "b1": np.zeros(3)}),
    "another version": to_safetensors({"w1": np.zeros((3, 2)), "b1": np.zeros(3)}, {"format": "lucidgrad model 2"}),
    "a header longer than the file": struct.pack("<Q", 10**6) + b"{}",
    "a header longer than memory": struct.pack("<Q", 2**63) + b"{}",
    "a header that is no JSON": raw(b"{]"),
    "a header that is a list": raw([1, 2]),
    "a header of nested lists": raw(b"[" * 100_000 + b"]" * 100_000),
    "a header of nested objects": raw(b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "metadata that are a number": raw({"__metadata__": 5}),
    "more numbers than there are": raw(
        header(w1={"dtype": "F64", "shape": [10**9, 10**9], "data_offsets": [0, 8]}), b"\0" * 8
    ),
    "a shape that overflows": raw(header(w1={"dtype": "F64", "shape": [2**63, 2], "data_offsets": [0, 0]})),
    "a negative shape": raw(header(w1={"dtype": "F64", "shape": [-1], "data_offsets": [0, 8]}), b"\0" * 8),
    "offsets outside the file": raw(header(w1={"dtype": "F64", "shape": [1], "data_offsets": [10**12, 10**12 + 8]})),
    "offsets that overlap": raw(
        header(
            w1={"dtype": "F64", "shape": [1], "data_offsets": [0, 8]},
            b1={"dtype": "F64", "shape": [1], "data_offsets": [0, 8]},
        ),
        b"\0" * 8,
    ),
    "an unknown kind of number": raw(header(w1={"dtype": "F65", "shape": [1], "data_offsets": [0, 8]}), b"\0" * 8),
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=list(FOREIGN))
def test_a_foreign_file_is_refused_by_its_name(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "foreign.safetensors").write_bytes(content)
    refused(tmp_path / "foreign.safetensors")


@pytest.mark.parametrize(
    ("dtype", "size"),
    [
        ("F32", 4),
        ("F16", 2),
        ("BF16", 2),
        ("F8_E4M3", 1),
        ("F8_E5M2", 1),
        ("I64", 8),
        ("U8", 1),
        ("BOOL", 1),
        ("C64", 8),
    ],
)
def test_numbers_of_another_kind_are_refused(dtype: str, size: int, tmp_path: Path) -> None:
    """NumPy does not have some of these types at all."""
    tensor = {"dtype": dtype, "shape": [2], "data_offsets": [0, 2 * size]}
    (tmp_path / "model.safetensors").write_bytes(raw(header(b1=tensor), b"\0" * 2 * size))
    refused(tmp_path / "model.safetensors")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_is_refused_and_never_runs(protocol: int, tmp_path: Path) -> None:
    flag, path = tmp_path / "flag", tmp_path / "model.safetensors"
    path.write_bytes(pickle.dumps(Touches(flag), protocol))
    refused(path)
    assert not flag.exists()
    pickle.loads(path.read_bytes())  # unpickling it does run the code
    assert flag.exists()


def test_a_checkpoint_is_no_model(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    nn.fit(some_model(), [[0, 0]], [1], epochs=1, checkpoint=path, progress=False)
    assert "checkpoint.safetensors is not a lucidgrad model: lucidgrad checkpoint 1" in refused(path)


# Files whose author knows the format, digest and all


def forged(
    path: Path, architecture: Any, tensors: dict[str, Array] | None = None, texts: dict[str, str] | None = None
) -> Path:
    """Write a file that is consistent except for these contents: a forger can compute its digest, too."""
    if tensors is None:
        tensors = dict(load_file(path))
    content = {"architecture": json.dumps(architecture), "metadata": "{}", **(texts or {})}
    digest = files.digest(tensors, content)
    path.write_bytes(to_safetensors(tensors, {**content, "format": MODEL, "sha256": digest}))
    return path


def test_the_forger_below_knows_the_format(path: Path) -> None:
    """Otherwise the tests below would prove nothing."""
    assert load(forged(path, ARCHITECTURE)).state_dict() == some_model().state_dict()


CLAIMS: dict[str, Any] = {
    "a billion neurons": {"nouts": [10**9, 1]},
    "a billion inputs": {"nin": 10**9},
    "more than memory": {"nin": 10**30, "nouts": [10**30]},
    "a billion outputs": {"nouts": [3, 10**9]},
    "no inputs": {"nin": 0},
    "no neurons": {"nouts": [0, 1]},
    "fewer than no inputs": {"nin": -2},
    "fewer than no neurons": {"nouts": [-3, 1]},
    "sizes with a point": {"nin": 2.0},
    "neurons with a point": {"nouts": [3.0, 1.0]},
    "infinitely many": {"nin": math.inf},
    "True inputs": {"nin": True},
    "True neurons": {"nouts": [3, True]},
    "inputs in words": {"nin": "2"},
    "no sizes": {"nin": None, "nouts": None},
    "a number of layers": {"nouts": 3},
    "layers in words": {"nouts": "31"},
    "layers in an object": {"nouts": {"3": 1}},
    "nested layers": {"nouts": [[3], 1]},
    "no layers": {"nouts": [], "activations": []},
    "a layer too few": {"nouts": [3], "activations": ["tanh"]},
    "a layer too many": {"nouts": [3, 1, 1], "activations": ["tanh", "tanh", "tanh"]},
    "layers in another order": {"nouts": [1, 3]},
    "an unknown activation": {"activations": ["tanh", "system"]},
    "an activation too few": {"activations": ["tanh"]},
    "an activation too many": {"activations": ["tanh", "tanh", "tanh"]},
    "activations in one word": {"activations": "tanh"},
    "activations in an object": {"activations": {"tanh": 1, "sigmoid": 2}},
    "activations that are lists": {"activations": [["tanh"], ["sigmoid"]]},
    "activations that are objects": {"activations": [{}, {}]},
    "activations that are numbers": {"activations": [0, 1]},
    "no activations": {"activations": None},
    "elementary as a number": {"elementary": 1},
    "elementary as a word": {"elementary": "no"},
}


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=list(CLAIMS))
def test_an_architecture_that_the_numbers_do_not_bear_out_is_refused(claim: dict[str, Any], path: Path) -> None:
    with pytest.raises(ValueError, match=DAMAGED):
        load(forged(path, {**ARCHITECTURE, **claim}))


@pytest.mark.parametrize("architecture", [None, 5, "text", [], [1, 2], {}, True, {"nin": 2}], ids=repr)
def test_an_architecture_that_is_none_is_refused(architecture: Any, path: Path) -> None:
    with pytest.raises(ValueError, match=DAMAGED):
        load(forged(path, architecture))


@pytest.mark.parametrize(
    "change",
    [
        lambda tensors: tensors.pop("w1"),
        lambda tensors: tensors.pop("b2"),
        lambda tensors: tensors.clear(),
        lambda tensors: tensors.update(w3=np.zeros((1, 1))),
        lambda tensors: tensors.update(w1=tensors["w1"].T.copy()),
        lambda tensors: tensors.update(b1=tensors["b1"].reshape(3, 1)),
        lambda tensors: tensors.update(b2=np.zeros(0)),
        lambda tensors: tensors.update(w1=tensors["w1"].astype(np.float32)),
        lambda tensors: tensors.update(w1=tensors["w1"].astype(np.int64)),
        lambda tensors: tensors.update(w1=tensors["w1"] > 0),
    ],
    ids=[
        *("w1 missing", "b2 missing", "all missing", "one too many", "transposed", "a column", "empty"),
        *("float32", "int64", "bool"),
    ],
)
def test_other_tensors_than_the_architectures_are_refused(change: Callable[[Any], Any], path: Path) -> None:
    tensors = dict(load_file(path))
    change(tensors)
    with pytest.raises(ValueError, match=f"{DAMAGED}|not a readable safetensors file"):  # 0.4.0 requires tensors
        load(forged(path, ARCHITECTURE, tensors))


BOMBS = {
    "nested lists": "[" * 200_000 + "]" * 200_000,
    "nested objects": '{"a":' * 200_000 + "1" + "}" * 200_000,
    "unfinished": "[" * 200_000,
    "a number of many digits": "9" * 100_000,
    "no JSON": "{]",
    "nothing": "",
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=list(BOMBS))
def test_json_bombs_are_refused(bomb: str, path: Path) -> None:
    for key in ("architecture", "metadata"):
        refused(forged(path, ARCHITECTURE, None, {key: bomb}))
        save(some_model(), path)


@pytest.mark.parametrize("metadata", ["5", "null", "[]", '"text"', "true"])
def test_metadata_that_are_no_object_are_refused(metadata: str, path: Path) -> None:
    with pytest.raises(ValueError, match=r"model\.safetensors"):
        read_metadata(forged(path, ARCHITECTURE, None, {"metadata": metadata}))


def test_a_change_without_a_new_digest_is_noticed(path: Path) -> None:
    """One weight is changed in a file that is otherwise intact."""
    damaged = bytearray(path.read_bytes())
    position = damaged.rindex(load_file(path)["w2"].tobytes())
    damaged[position : position + 8] = struct.pack("<d", 0.5)
    path.write_bytes(damaged)
    assert "damaged" in refused(path)


def test_the_digest_is_of_shapes_too(path: Path) -> None:
    """The same bytes, read as a matrix of another shape, are not what was written."""
    written = path.read_bytes()
    w2 = load_file(path)["w2"]
    rows, columns = w2.shape
    assert rows != columns
    before, after = (f'"shape":[{shape}]'.encode() for shape in (f"{rows},{columns}", f"{columns},{rows}"))
    assert written.count(before) == 1
    path.write_bytes(written.replace(before, after))
    assert "its contents are not what was written" in refused(path)


@pytest.mark.parametrize(("number", "text"), [(math.inf, "inf"), (-math.inf, "-inf"), (math.nan, "nan")])
def test_the_first_number_that_is_not_finite_is_named(number: float, text: str, path: Path) -> None:
    tensors = {name: array.copy() for name, array in load_file(path).items()}
    tensors["w1"][1, 0] = tensors["w1"][2, 1] = number
    with pytest.raises(ValueError, match=re.escape(f"holds {text} in w1[1, 0]: its model is unusable")):
        load(forged(path, ARCHITECTURE, tensors))


# Checkpoints, which `fit` reads


def start() -> tuple[nn.MLP, nn.Optimizer]:
    model = some_model()
    return model, nn.SGD(model.parameters(), learning_rate=0.1, momentum=0.9)


def resume(path: Path, model: nn.MLP, optimizer: nn.Optimizer) -> nn.History:
    x, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    return nn.fit(
        model, x, y, optimizer=optimizer, epochs=3, checkpoint=path, resume=path.exists(), progress=False, seed=0
    )


@pytest.fixture
def interrupted(tmp_path: Path) -> Path:
    """Return the checkpoint of a training of three epochs."""
    path = tmp_path / "checkpoint.safetensors"
    resume(path, *start())
    return path


@pytest.mark.parametrize("content", FOREIGN.values(), ids=list(FOREIGN))
def test_a_foreign_file_is_no_checkpoint(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "foreign.safetensors"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"foreign\.safetensors"):
        resume(path, *start())
    assert path.read_bytes() == content


def test_every_tenth_truncation_of_a_checkpoint_is_refused(interrupted: Path) -> None:
    content = interrupted.read_bytes()
    for length in range(0, len(content), 10):
        interrupted.write_bytes(content[:length])
        with pytest.raises(ValueError, match=r"checkpoint\.safetensors"):
            resume(interrupted, *start())


def test_a_pickle_is_no_checkpoint_and_never_runs(tmp_path: Path) -> None:
    flag, path = tmp_path / "flag", tmp_path / "checkpoint"
    path.write_bytes(pickle.dumps(Touches(flag)))
    with pytest.raises(ValueError, match="checkpoint"):
        resume(path, *start())
    assert not flag.exists()


def forged_checkpoint(path: Path, change: Callable[[dict[str, Array], dict[str, Any]], Any]) -> None:
    """Change a checkpoint's tensors and texts, and give it the right digest."""
    tensors, texts, _ = files.read(path, files.CHECKPOINT)
    change(tensors, texts)
    content = {key: text if isinstance(text, str) else json.dumps(text) for key, text in texts.items()}
    digest = files.digest(tensors, content)
    path.write_bytes(to_safetensors(tensors, {**content, "format": files.CHECKPOINT, "sha256": digest}))


def test_the_forger_below_knows_the_format_of_checkpoints(interrupted: Path) -> None:
    forged_checkpoint(interrupted, lambda tensors, texts: tensors["parameters"].fill(0.25))
    model, optimizer = start()
    resume(interrupted, model, optimizer)
    assert set(model.state_dict().values()) == {0.25}


WRONG: dict[str, Callable[[dict[str, Array], dict[str, Any]], Any]] = {
    "no parameters": lambda tensors, texts: tensors.pop("parameters"),
    "a parameter too few": lambda tensors, texts: tensors.update(parameters=np.zeros(12)),
    "parameters in a matrix": lambda tensors, texts: tensors.update(parameters=np.zeros((13, 1))),
    "no names": lambda tensors, texts: texts.pop("names"),
    "a number of names": lambda tensors, texts: texts.update(names=13),
    "other names": lambda tensors, texts: texts.update(names=[str(k) for k in range(13)]),
    "the same names": lambda tensors, texts: texts.update(names=["layers.0.neurons.0.bias"] * 13),
    "no optimizer": lambda tensors, texts: texts.pop("optimizer"),
    "an optimizer of nothing": lambda tensors, texts: texts.update(optimizer={}),
    "an optimizer in words": lambda tensors, texts: texts.update(optimizer='"SGD"'),
    "another optimizer": lambda tensors, texts: texts["optimizer"].update(rule="Adam"),
    "steps in words": lambda tensors, texts: texts["optimizer"].update(steps="many"),
    "steps that are None": lambda tensors, texts: texts["optimizer"].update(steps=None),
    "infinitely many steps": lambda tensors, texts: texts["optimizer"].update(steps=math.inf),
    "a state too short": lambda tensors, texts: tensors.update({"optimizer.change": np.zeros(12)}),
    "no epochs": lambda tensors, texts: texts.pop("epochs"),
    "a number of epochs": lambda tensors, texts: texts.update(epochs=3),
    "epochs of nothing": lambda tensors, texts: texts.update(epochs=[{}]),
    "epochs with more to them": lambda tensors, texts: texts["epochs"][0].update(more=1),
    "no random state": lambda tensors, texts: texts.pop("random"),
    "a random state of nothing": lambda tensors, texts: texts.update(random={}),
    "a random state in words": lambda tensors, texts: texts.update(random='"PCG64"'),
    "another generator": lambda tensors, texts: texts["random"].update(bit_generator="MT19937"),
    "a random state too large": lambda tensors, texts: texts["random"]["state"].update(state=2**200),
    "a random state below 0": lambda tensors, texts: texts["random"]["state"].update(inc=-1),
    "nested lists": lambda tensors, texts: texts.update(random="[" * 200_000 + "]" * 200_000),
}


@pytest.mark.parametrize("change", WRONG.values(), ids=list(WRONG))
def test_a_checkpoint_at_odds_with_itself_is_refused_and_changes_nothing(
    change: Callable[[dict[str, Array], dict[str, Any]], Any], interrupted: Path
) -> None:
    forged_checkpoint(interrupted, change)
    model, optimizer = start()
    before = model.state_dict()
    with pytest.raises(ValueError, match="checkpoint"):
        resume(interrupted, model, optimizer)
    assert model.state_dict() == before
    assert optimizer.steps == 0
    assert optimizer.state == {}
