"""The IR's text form reads back exactly, and malformed text gives one clear error."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nfc.ir.deviations import ByRow
from nfc.ir.factors import FanIn, Kron, Restricted, Shifts
from nfc.ir.network import Draw, Network
from nfc.ir.text import IrTextError, parse_network, print_network
from tests.build import FABRICS, linear, network
from tests.strategies import networks, same


@pytest.mark.parametrize("name", FABRICS)
def test_every_kind_of_fabric_reads_back(name: str) -> None:
    original = network(name, (linear("linear1", FABRICS[name]),))
    assert same(parse_network(print_network(original)), original)


@settings(max_examples=150, deadline=None)
@given(networks())
def test_random_networks_read_back(original: Network) -> None:
    text = print_network(original)
    assert same(parse_network(text), original)
    assert print_network(parse_network(text)) == text


def test_the_text_is_readable() -> None:
    layer = linear("head", Restricted(Kron(2, 2, 2, 2), np.arange(6) < 5, np.arange(8) > 1), leading=(3,))
    drawn = replace(layer, draws=(Draw("uniform", 0.1, 7),))
    text = print_network(network("small", (drawn,)))
    assert (
        text
        == f"""nfir 1
network "small" [3, 8] -> [3, 6] from "small.nf" "sha256:{"0" * 64}" {{
    head: linear [3, 8] -> [3, 6] bias balanced "by hand" drawn {{
        restricted(kron(2, 2, 2, 2), flags(5, 1), flags(0, 2, 6)) uniform(0.1, stream=7)
    }}
}}
"""
    )


def test_shifts_are_printed_as_their_formula() -> None:
    text = print_network(network("ring", (linear("ring", Shifts((4, 2), ((0, 0), (3, 1)))),)))
    assert "shifts([4, 2], [[0, 0], [3, 1]])" in text


def test_long_tables_are_encoded() -> None:
    table = np.sort(np.stack([np.random.default_rng(row).permutation(90)[:30] for row in range(50)]), axis=1)
    layer = replace(
        linear("head", FanIn(90, table)), draws=(Draw("uniform", ByRow(np.linspace(0.1, 1 / 3, 50)), 0),)
    )
    original = network("long", (layer,))
    text = print_network(original)
    assert "i64([50, 30]," in text
    assert "f64([50]," in text
    assert same(parse_network(text), original)


HEAD = 'nfir 1\nnetwork "n" [4] -> [4] from "n.nf" "d" {'
INLINE = 'a: inline [4] -> [4] "m" { '


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: expected 'nfir', found the end"),
        ("nfir 2", "line 1: expected '1', found '2'"),
        ("nfir 1\nnetwork n", "line 2: expected a quoted text, found 'n'"),
        (f"{HEAD}\n  a: relu [4] [4] }}", "line 3: expected '->', found '['"),
        (f"{HEAD}\n a: rleu [4] -> [4] }}", "line 3: expected an operation (linear, relu"),
        (f"{HEAD} }} more", "expected the end, found 'more'"),
        (f"{HEAD} ?", "line 2: unexpected character '?'"),
        (f'{HEAD} l: linear [4] -> [4] balanced "x" {{ dense }} }}', "expected a factor (kron, blocks"),
        (f'{HEAD} l: linear [4] -> [4] balanced "x" {{ cascade {{ }} }} }}', "a cascade has no parts"),
        (f'{HEAD} l: linear [4] -> [4] balanced "x" {{ kron(1, 4, 4) }} }}', "expected ',', found ')'"),
        (f'{HEAD} l: linear [4] -> [4] balanced "x" {{ kron(1.5, 4, 4, 1) }} }}', "expected an integer"),
        (
            f'{HEAD} l: linear [4] -> [4] balanced "x" {{ fan_in(4, [[1], [2, 3]]) }} }}',
            "a table is malformed",
        ),
        (f'{HEAD} l: linear [4] -> [4] balanced "x" {{ fan_in(4, [1, 2]) }} }}', "expected i64 in 2 axes"),
        (f'{HEAD} l: linear [4] -> [4] balanced "x" {{ fan_in(4, i64([2, 1], "AAAA")) }} }}', "malformed"),
        (f'{HEAD} l: linear [4] -> [4] balanced "x" {{ fan_in(4, i64([2, 1], "?")) }} }}', "malformed"),
        (
            f'{HEAD} l: linear [4] -> [4] balanced "x" {{ restricted(kron(1, 2, 2, 1), flags(-1), flags(2)) }} }}',
            "a run",
        ),
        (
            f'{HEAD} l: linear [4] -> [4] balanced "x" {{ restricted(fan_in(1, [[0]]), flags(1), flags(1)) }} }}',
            "a kron",
        ),
        (
            f"{HEAD} r: residual [4] -> [4] {{ }} project {{ p: relu [4] -> [4] }} }}",
            "expected a weighted operation",
        ),
        (f"{HEAD} d: dropout [4] -> [4] x }}", "expected a number, found 'x'"),
        (f"{HEAD} {INLINE * 300}", "nested deeper than 150"),
        (f'{HEAD} l: linear [4] -> [4] balanced "x" {{ {"sum { " * 300}', "nested deeper than 150"),
        (f'{HEAD} l: linear [4] -> [4] balanced "x" {{ fan_in(4, {"[" * 300}', "nested deeper than 150"),
    ],
)
def test_malformed_text_says_where_and_what(text: str, message: str) -> None:
    with pytest.raises(IrTextError) as caught:
        parse_network(text)
    assert message in str(caught.value)


@settings(max_examples=100, deadline=None)
@given(networks(), st.data())
def test_damaged_text_gives_a_network_or_an_error(original: Network, data: st.DataObject) -> None:
    text = print_network(original)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 6)))
    word = data.draw(st.sampled_from(["", "[", "}", "0", '"', "kron(1, 1, 1, 1)", "-9", "1e999"]))
    with suppress(IrTextError):  # and no other exception
        parse_network(text[:start] + word + text[end:])
