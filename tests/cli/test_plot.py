"""`nfc show --plot`: rasters against dense patterns, and files that are whole, like each other, and safe."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import nfc
from nfc.cli import portraits
from nfc.cli.portraits import layer_pictures
from nfc.source import Source
from tests.build import dense_pattern
from tests.documents import nfc as run

SPEC = """nf 1
network net {
    input 24
    repeat 2 { linear 24 via random(fan_in=5, seed=1) }
    linear 36 via butterfly >> band
    linear 5
}
"""


def test_rasters_are_the_shares_of_edges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portraits, "CELLS", 12)
    network = nfc.load(Source("net.nf", SPEC)).network
    random, mixed, dense = layer_pictures([network])
    assert (random.title, len(random.factors)) == ("repeat1.0.linear1 × 2: random(fan_in=5, seed=1)", 1)
    pattern = dense_pattern(network.layers[0].ir.fabric)
    np.testing.assert_allclose(random.factors[0].raster, pattern.reshape(12, 2, 12, 2).mean(axis=(1, 3)))
    assert [(each.rows, each.cols) for each in mixed.factors][-1] == (36, 24)
    assert dense.factors[0].raster.tolist() == [[1.0] * 12] * 5


def test_many_factors_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portraits, "MOST_FACTORS", 2)
    _, mixed, _ = layer_pictures([nfc.load(Source("net.nf", SPEC)).network])
    assert (len(mixed.factors), mixed.left_out) == (2, 4)


def test_every_format_is_written(tmp_path: Path) -> None:
    spec = tmp_path / "net.nf"
    spec.write_text(SPEC)
    for name in ("a.svg", "b.svg", "c.png", "d.html"):
        done = run(["show", str(spec), "--plot", str(tmp_path / name)])
        assert done.code == 0, done.err
        assert done.out.rstrip().endswith(f"wrote {tmp_path / name}")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    texts = {node.text for node in ElementTree.parse(tmp_path / "a.svg").iter() if node.text}
    assert {"24 → 24", "repeat1.0.linear1 × 2: random(fan_in=5, seed=1)"} <= texts
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (tmp_path / "d.html").read_text()


def test_other_formats_are_refused(tmp_path: Path) -> None:
    spec = tmp_path / "net.nf"
    spec.write_text(SPEC)
    done = run(["show", str(spec), "--plot", str(tmp_path / "a.gif")])
    assert done.code == 2
    assert "expected a name in .svg, .png, .html" in done.err
    assert not (tmp_path / "a.gif").exists()


def test_a_file_that_cannot_be_written_is_a_diagnostic(tmp_path: Path) -> None:
    spec = tmp_path / "net.nf"
    spec.write_text(SPEC)
    done = run(["show", str(spec), "--plot", str(tmp_path / "no" / "a.svg")])
    assert done.code in {1, 2}
    assert "NF750" in done.err
