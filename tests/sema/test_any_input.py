"""Whatever the text, analysis ends with diagnostics and never with an exception."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from nfc.diagnostics import Severity
from nfc.ir.network import Network, walk, weighted_layers
from nfc.limits import Limits
from tests.sema.programs import analyse, in_network
from tests.sema.test_networks import LANGUAGE_EXAMPLE

SMALL = Limits(operations=200, width=2**11, edges=2**20, seconds=2.0)
TEXTS = [
    LANGUAGE_EXAMPLE,
    in_network(
        "init xavier\ninput [4, 6]\nlinear 8 bias=false via noise(2)\nresidual project=true {\n linear 4 init=kaiming\n}\n"
        "sum { { enc } { linear 4 via t(dense, k=3) } }\nconcat { { relu } { leaky_relu slope=a } }\n"
        'repeat count { norm rms; dropout 10%; linear 8 via permute("shuffle") >> cascade(s in 0..<2: butterfly(radix=2 + s)) }\n'
        "reshape [2, 16]\nsoftmax axis=-2\nflatten\npad 2**6\ncrop max(3, len(list))",

        "param count = 2",
        "let a = count / 4",
        "let list = [1, count, 1..<3]",
        "let yes = not (count == 3 and 1 < count <= 4) or count in 1..3",
        "topology noise(k, s=auto) = random(k, seed=s) + parallel(2, random(k), shuffle=3)",
        "topology t(x, k=1) = x >> transpose(direct_sum(x, x, sizes=[1, 2])) >> random(k, width=rows)",
        "network enc { input [4, 4]; relu; tail: linear 4 via band(1, wrap=true) }",
    ),
    in_network(
        "input [3, 8, 8]\nconv 16 kernel=[1, 2] via m\nnorm group groups=4\npool max kernel=2\nflatten\n"
        "linear 10 via m(2) & ~dense - file(\"a.npz\")\nattention 2 causal=true\nembed 10 20",
        "mask m(k=1)[o] = { o } + { o xor 2**b for b in 0..<log2(cols) if b > k }",
    ),
]  # fmt: skip
TOKENS = [re.findall(r'"[^"\n]*"|[A-Za-z_0-9.]+|[^\sA-Za-z_0-9]|\s+', text) for text in TEXTS]
VOCABULARY = sorted(
    {token for tokens in TOKENS for token in tokens}
    | {"0", "-1", "10**9", "1e308", "auto", "via", "~", "mask"}
)


@st.composite
def mutants(draw: st.DrawFn) -> str:
    tokens = list(draw(st.sampled_from(TOKENS)))
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, len(tokens) - 1))
        match draw(st.sampled_from(["drop", "repeat", "replace", "swap"])):
            case "drop":
                del tokens[place]
            case "repeat":
                tokens.insert(place, tokens[place])
            case "replace":
                tokens[place] = draw(st.sampled_from(VOCABULARY))
            case _:
                other = draw(st.integers(0, len(tokens) - 1))
                tokens[place], tokens[other] = tokens[other], tokens[place]
    return "".join(tokens)


@settings(max_examples=150, deadline=None)
@given(mutants())
def test_any_text(text: str) -> None:
    program, diagnostics = analyse(text, limits=SMALL)
    for network in program.networks.values():
        verify(network)
    if not any(each.severity is Severity.ERROR for each in diagnostics):
        assert not program.broken


def verify(network: Network) -> None:
    """What every network keeps to: paths occur once, fabrics have their layers' sizes, shapes follow."""
    paths = [op.path for op in walk(network.body)]
    assert len(set(paths)) == len(paths)
    for layer in weighted_layers(network):
        assert (layer.fabric.cols, layer.fabric.rows) == (layer.input[-1], layer.output[-1])
    shape = network.input
    for op in network.body:
        assert op.input == shape
        shape = op.output
    assert shape == network.output
