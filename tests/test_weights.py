"""Weight files: round trips, conversions, and what is refused with which words."""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from safetensors.torch import save_file as save_torch_file

from nfc.diagnostics import Diagnostic, NfcError, Sink
from nfc.ir.digest import network_digest
from nfc.ir.fabric import Fabric
from nfc.ir.factors import Kron
from nfc.ir.initial_weights import initial_weights
from nfc.ir.network import Network, Norm
from nfc.ir.parameters import Weights
from nfc.passes.initialise import Initialise
from nfc.weights import DIGEST_KEY, digest_tensor, from_state_dict, read_weights, write_weights
from tests.build import FABRICS, butterfly, linear, network


def built(fabric: Fabric, *norms: str, name: str = "net") -> Network:
    width = fabric.rows
    body = (
        linear("head", fabric),
        *(Norm(path=f"norm{k}", input=(width,), output=(width,), norm=norm) for k, norm in enumerate(norms)),
    )
    return Initialise().run(network(name, body), Sink())


NET = built(butterfly(8), "batch", "rms")
WEIGHTS = initial_weights(NET, 0)
SUFFIXES = [".safetensors", ".pt", ".pth"]


def state(weights: Weights = WEIGHTS, net: Network = NET) -> dict[str, np.ndarray]:
    return {**weights, DIGEST_KEY: digest_tensor(network_digest(net))}


def refused(path: Path, net: Network = NET) -> tuple[Diagnostic, ...]:
    with pytest.raises(NfcError) as error:
        read_weights(path, net)
    return error.value.diagnostics


def refused_state(source: object, net: Network = NET) -> tuple[Diagnostic, ...]:
    with pytest.raises(NfcError) as error:
        from_state_dict(source, net)
    return error.value.diagnostics


def assert_same(found: Weights, expected: Weights) -> None:
    assert list(found) == list(expected)
    for name, value in expected.items():
        assert found[name].dtype == np.float32
        np.testing.assert_array_equal(found[name], value)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("name", FABRICS)
def test_what_is_written_is_read(tmp_path: Path, name: str, suffix: str) -> None:
    net = built(FABRICS[name], "layer")
    weights, path = initial_weights(net, 1), tmp_path / f"w{suffix}"
    write_weights(path, weights, net)
    assert_same(read_weights(path, net), weights)
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_the_file_holds_the_digest_as_a_module_keeps_it(tmp_path: Path) -> None:
    write_weights(tmp_path / "w.safetensors", WEIGHTS, NET)
    digest = load_file(tmp_path / "w.safetensors")["_extra_state"]
    assert digest.dtype == np.uint8
    assert bytes(digest).decode() == network_digest(NET)


def test_writing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_weights(tmp_path / f"{name}.safetensors", WEIGHTS, NET)
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_floats_become_float32(tmp_path: Path, suffix: str, dtype: torch.dtype) -> None:
    tensors = {name: torch.from_numpy(value).to(dtype) for name, value in WEIGHTS.items()}
    tensors[DIGEST_KEY] = torch.from_numpy(digest_tensor(network_digest(NET)))
    path = tmp_path / f"w{suffix}"
    if suffix == ".safetensors":
        save_torch_file(tensors, path)
    else:
        torch.save(tensors, path)
    expected = {name: tensors[name].float().numpy() for name in WEIGHTS}
    assert_same(read_weights(path, NET), expected)
    assert_same(from_state_dict(tensors, NET), expected)


class Module(torch.nn.Module):
    """What an emitted module is to a weight reader."""

    def __init__(self) -> None:
        super().__init__()
        self.head = torch.nn.Linear(3, 2)
        self.norm0 = torch.nn.BatchNorm1d(2)

    def get_extra_state(self) -> torch.Tensor:
        return torch.from_numpy(digest_tensor(network_digest(built(Kron(1, 2, 3, 1)))))

    def set_extra_state(self, state: torch.Tensor) -> None:
        pass


def test_a_module_is_read_like_its_state_dict() -> None:
    module = Module()
    weights = from_state_dict(module, built(Kron(1, 2, 3, 1), "batch"))
    np.testing.assert_array_equal(weights["head.weight"], module.head.weight.detach().numpy())
    assert set(weights) == set(module.state_dict()) - {DIGEST_KEY, "norm0.num_batches_tracked"}


def test_a_file_without_the_digest_is_refused(tmp_path: Path) -> None:
    save_file(WEIGHTS, tmp_path / "w.safetensors")
    (diagnostic,) = refused(tmp_path / "w.safetensors")
    assert diagnostic.code == "NF752"
    assert "does not say which topology" in diagnostic.message


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod."])
def test_a_wrapped_module_gets_a_hint(prefix: str) -> None:
    (diagnostic,) = refused_state({prefix + name: value for name, value in state().items()})
    assert f"`{prefix}`" in diagnostic.hints[0]


@pytest.mark.parametrize(
    "digest",
    [
        np.zeros(4, np.float32),
        np.zeros((2, 2), np.uint8),
        np.full(30, 255, np.uint8),
        np.zeros(10**6, np.uint8),
        np.zeros(0, np.uint8),
    ],
)
def test_a_digest_that_is_none_is_refused(digest: np.ndarray) -> None:
    assert [each.code for each in refused_state({**WEIGHTS, DIGEST_KEY: digest})] == ["NF752"]


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        (built(Kron(1, 8, 8, 1), "batch", "rms"), "`head.fabric.0.weight`, which it lacks"),
        (built(butterfly(16), "batch", "rms"), "`head.fabric.0.weight`: [8, 2, 2] there, [4, 2, 2] needed"),
        (built(Kron(2, 4, 4, 1), "batch"), "`head.fabric.0.weight`, which it lacks"),
    ],
)
def test_another_topology_is_refused_with_both_digests_and_the_first_difference(
    tmp_path: Path, other: Network, difference: str
) -> None:
    write_weights(tmp_path / "w.safetensors", initial_weights(other, 0), other)
    (diagnostic,) = refused(tmp_path / "w.safetensors")
    assert diagnostic.code == "NF752"
    for part in (network_digest(other), network_digest(NET), difference):
        assert part in diagnostic.message


def test_other_wiring_under_the_same_names_is_refused(tmp_path: Path) -> None:
    first, second = built(Kron(2, 2, 2, 2)), built(Kron(2, 2, 4, 1))
    assert initial_weights(first, 0)["head.weight"].size == initial_weights(second, 0)["head.weight"].size
    table = built(FABRICS["fan_in"])
    flipped = built(type(table.body[0].fabric)(7, 6 - table.body[0].fabric.table[:, ::-1]))  # type: ignore[attr-defined]
    write_weights(tmp_path / "w.safetensors", initial_weights(table, 0), table)
    (diagnostic,) = refused(tmp_path / "w.safetensors", flipped)
    assert "all names and shapes agree, the edges differ" in diagnostic.message


def test_an_extra_layer_is_the_first_difference(tmp_path: Path) -> None:
    more = Initialise().run(network("net", (*NET.body, linear("tail", Kron(8, 1, 1, 1)))), Sink())
    write_weights(tmp_path / "w.safetensors", initial_weights(more, 0), more)
    (diagnostic,) = refused(tmp_path / "w.safetensors")
    assert "the first difference is `tail." in diagnostic.message
    assert ", which the network lacks" in diagnostic.message


def test_names_that_do_not_fit_are_all_listed_with_near_ones() -> None:
    tensors = state()
    tensors["norm0.wieght"] = tensors.pop("norm0.weight")
    tensors["stray"] = np.zeros(1, np.float32)
    found = refused_state(tensors)
    assert [(each.code, each.message, each.hints) for each in found] == [
        ("NF753", "the state dict lacks `norm0.weight`", ("did you mean `norm0.wieght`?",)),
        (
            "NF753",
            "the state dict holds `norm0.wieght`, which the network lacks",
            ("did you mean `norm0.weight`?",),
        ),
        ("NF753", "the state dict holds `stray`, which the network lacks", ()),
    ]


def test_long_lists_of_findings_are_cut() -> None:
    tensors = state()
    tensors |= {f"stray{index}": np.zeros(1) for index in range(25)}
    found = refused_state(tensors)
    assert len(found) == 11
    assert found[-1].message == "15 more findings of this kind are not shown"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.zeros(9, np.float32), "has the shape [9] in the state dict, expected [8]"),
        (np.zeros((8, 1), np.float32), "has the shape [8, 1] in the state dict, expected [8]"),
        (np.float32(0), "has the shape [] in the state dict, expected [8]"),
        (np.zeros(8, np.int64), "is int64 in the state dict, expected one of float32"),
        (torch.zeros(8, dtype=torch.complex64), "is complex64 in the state dict"),
        (torch.zeros(8, dtype=torch.float8_e4m3fn), "is float8_e4m3fn in the state dict"),
    ],
)
def test_shapes_and_types_that_do_not_fit(value: object, words: str) -> None:
    (diagnostic,) = refused_state({**state(), "head.bias": value})
    assert diagnostic.code == "NF753"
    assert diagnostic.message.startswith(f"`head.bias` {words}")


def test_what_is_no_tensor_counts_as_missing() -> None:
    (diagnostic,) = refused_state({**state(), "head.bias": [0.0] * 8})
    assert diagnostic.message == "the state dict lacks `head.bias`"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e39])
def test_values_that_are_not_finite_are_refused(value: float) -> None:
    bias = np.zeros(8)
    bias[[3, 5]] = value
    (diagnostic,) = refused_state({**state(), "head.bias": bias})
    assert diagnostic.code == "NF754"
    assert "at [3]; 2 of 8 are not finite in float32" in diagnostic.message


@pytest.mark.parametrize("source", [None, 5, [1], "w.pt"])
def test_what_is_no_state_dict_is_refused(source: object) -> None:
    assert [each.code for each in refused_state(source)] == ["NF753"]


def whole_file() -> bytes:
    from safetensors.numpy import save

    return save(state())


def header(document: object, data: bytes = b"") -> bytes:
    text = json.dumps(document).encode()
    return len(text).to_bytes(8, "little") + text + data


DAMAGED = {
    "empty": b"",
    "short": b"abc",
    "huge header": (2**62).to_bytes(8, "little") + b"{}",
    "long header": (2**27).to_bytes(8, "little") + b"{}",
    "no json": (4).to_bytes(8, "little") + b"{{{{",
    "list": header([1, 2]),
    "deep": (200_000).to_bytes(8, "little") + b"[" * 200_000,
    "overlap": header({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}} | {
        "b": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, bytes(4)),
    "past the end": header({"a": {"dtype": "F32", "shape": [9], "data_offsets": [0, 36]}}, bytes(4)),
    "overflow": header({"a": {"dtype": "F32", "shape": [2**62, 2**62], "data_offsets": [0, 4]}}, bytes(4)),
    "negative": header({"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}, bytes(4)),
    "no type": header({"a": {"dtype": "X99", "shape": [1], "data_offsets": [0, 4]}}, bytes(4)),
    "truncated": whole_file()[:-7],
    "longer": whole_file() + b"more",
    "pickle": pickle.dumps({"a": 1}),
}  # fmt: skip


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("kind", DAMAGED)
def test_damaged_files_give_one_diagnostic(tmp_path: Path, kind: str, suffix: str) -> None:
    path = tmp_path / f"w{suffix}"
    path.write_bytes(DAMAGED[kind])
    (diagnostic,) = refused(path)
    assert diagnostic.code in ("NF751", "NF752")
    assert str(path) in diagnostic.message
    assert "\n" not in diagnostic.message


@pytest.mark.parametrize("cut", [1, 100, 500, 2000])
def test_truncated_torch_files_give_one_diagnostic(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "w.pt"
    write_weights(path, WEIGHTS, NET)
    path.write_bytes(path.read_bytes()[:-cut])
    assert [each.code for each in refused(path)] == ["NF751"]


class Hostile:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, ...]:
        return (self.target.write_text, ("executed",))


def test_pickled_objects_are_never_executed(tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    torch.save({"head.bias": Hostile(tmp_path / "trace")}, path)
    (diagnostic,) = refused(path)
    assert diagnostic.code == "NF751"
    assert "Python objects" in diagnostic.message
    assert not (tmp_path / "trace").exists()


def test_a_whole_module_is_refused(tmp_path: Path) -> None:
    torch.save(Module(), tmp_path / "w.pt")
    (diagnostic,) = refused(tmp_path / "w.pt")
    assert "`torch.save(model.state_dict(), …)`" in diagnostic.hints[0]


def test_a_lone_tensor_is_no_state_dict(tmp_path: Path) -> None:
    torch.save(torch.zeros(3), tmp_path / "w.pt")
    (diagnostic,) = refused(tmp_path / "w.pt")
    assert diagnostic.message.endswith("it holds a Tensor, expected a state dict")


@pytest.mark.parametrize(
    ("name", "words"),
    [("absent.safetensors", "no such file"), ("absent.pt", "no such file"), ("folder.pt", "it is a folder")],
)
def test_files_that_are_not_there(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "folder.pt").mkdir()
    (diagnostic,) = refused(tmp_path / name)
    assert diagnostic.code == "NF751"
    assert words in diagnostic.message


def test_unknown_suffixes_are_refused_both_ways(tmp_path: Path) -> None:
    (diagnostic,) = refused(tmp_path / "w.safetensor")
    assert (diagnostic.code, diagnostic.hints) == ("NF751", ("did you mean `.safetensors`?",))
    with pytest.raises(NfcError) as error:
        write_weights(tmp_path / "w.npz", WEIGHTS, NET)
    assert [each.code for each in error.value.diagnostics] == ["NF751"]


def test_without_torch_its_files_are_refused_and_others_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for suffix in (".pt", ".safetensors"):
        write_weights(tmp_path / f"w{suffix}", WEIGHTS, NET)
    monkeypatch.setitem(sys.modules, "torch", None)
    (diagnostic,) = refused(tmp_path / "w.pt")
    assert diagnostic.code == "NF751"
    assert "neurofabric[torch]" in diagnostic.hints[0]
    assert_same(read_weights(tmp_path / "w.safetensors", NET), WEIGHTS)


def test_a_failed_write_keeps_the_old_file(tmp_path: Path) -> None:
    with pytest.raises(NfcError) as error:
        write_weights(tmp_path / "missing" / "w.safetensors", WEIGHTS, NET)
    assert [each.code for each in error.value.diagnostics] == ["NF750"]
