"""Every network of the corpus gives the same numbers in every executor."""

from __future__ import annotations

from pathlib import Path

import pytest

import nfc
from tests.agreement.executors import Case, trained_like

CORPUS = sorted((Path(__file__).parents[1] / "corpus").glob("*.nf"))


def networks(path: Path) -> list[nfc.Network]:
    return list(nfc.load(path).networks.values())


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_executors_agree(path: Path) -> None:
    for network in networks(path):
        Case(network.ir, trained_like(network.ir)).check()


@pytest.mark.parametrize("sparse", ["constant", "initializer", "dense"])
def test_sparse_forms_agree(sparse: str) -> None:
    for stem in ("activations", "algebra", "branches"):
        for network in networks(CORPUS[0].parent / f"{stem}.nf"):
            Case(network.ir, trained_like(network.ir), sparse=sparse).check()
