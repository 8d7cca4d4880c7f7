"""`random`: a fixed number of inputs an output, balanced over the inputs.

The draw follows the configuration model (Bollobás, 1980): every input puts as many stubs in a pool
as it shall have edges, the pool is shuffled and dealt out, `fan_in` stubs an output. Outputs that
hold an input twice then trade with a random partner (global curveball trades, Carstens, Berger and
Strona, 2018): what both hold goes to each of them once, the rest is dealt anew. A trade keeps all
fan-ins and fan-outs and never adds a repeat, and as no input has more stubs than there are outputs,
some partner always removes one; so it ends. Past `ROUNDS` rounds such a partner is looked up.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nfc.ir.fabric import Fabric
from nfc.ir.factors import Factor, Indices
from nfc.ir.structure import fan_in as fan_in_factor
from nfc.ir.structure import kron
from nfc.topologies.arguments import integer, require_width
from nfc.topologies.draws import Draws, Purpose
from nfc.topologies.family import AUTO, Arguments, Extent, Family, Parameter, TopologyError

ROUNDS = 64
_VALUE_BITS = 29


def balanced(rows: int, cols: int, fan_in: int, draws: Draws) -> Factor:
    """A factor with `fan_in` inputs an output whose fan-outs differ by at most 1.

    Args:
        draws: step 0 orders the inputs (the first ones get the edges left over), step 1 shuffles
            the stubs, and round t of trades takes steps 2 + 2t (partners) and 3 + 2t (deals).
    """
    require_fan_in(fan_in, cols)
    if fan_in == cols:
        return kron(1, rows, cols, 1)
    if 2 * fan_in > cols:
        return fan_in_factor(cols, _complement(_draw(rows, cols, cols - fan_in, draws), cols))
    return fan_in_factor(cols, _draw(rows, cols, fan_in, draws))


def require_fan_in(fan_in: int, cols: int) -> None:
    """Raise TopologyError NF301 when an output cannot read `fan_in` of `cols` inputs."""
    if fan_in > cols:
        message = f"`fan_in` is at most the number of inputs, {cols}, not {fan_in}"
        raise TopologyError("NF301", message, argument="fan_in", hint=f"`fan_in={cols}` reads them all")
    if cols > 2**_VALUE_BITS:
        message = f"a random topology has at most 2^{_VALUE_BITS} inputs, not {cols}"
        raise TopologyError("NF301", message)


def _complement(table: Indices, cols: int) -> Indices:
    absent = np.ones((len(table), cols), np.bool_)
    np.put_along_axis(absent, table, False, axis=1)
    return np.nonzero(absent)[1].reshape(len(table), -1).astype(np.int64)


def _draw(rows: int, cols: int, fan_in: int, draws: Draws) -> Indices:
    """The inputs of each output, ascending and distinct, [rows, fan_in]; fan_in ≤ cols / 2."""
    stubs = np.resize(draws.permutation(0, cols), rows * fan_in)
    table = _shuffled(stubs, cols, draws).reshape(rows, fan_in)
    table.sort(axis=1)
    unsettled = np.flatnonzero(_has_repeats(table))
    for turn in range(ROUNDS):
        if not len(unsettled):
            return table
        pairs = _partners(unsettled, rows, draws, 2 + 2 * turn)
        _trade(table, pairs, draws.words(3 + 2 * turn, pairs.size * fan_in))
        unsettled = _unsettled(table, unsettled, pairs)
    while len(unsettled):
        pairs = _certain_pair(table, unsettled[0])
        _trade(table, pairs, np.zeros(2 * fan_in, np.uint32))
        unsettled = _unsettled(table, unsettled, pairs)
    return table


def _shuffled(stubs: Indices, cols: int, draws: Draws) -> Indices:
    """The stubs in the order of random integers whose low bits, enough for `cols`, are the stub itself."""
    low = np.uint64((1 << (cols - 1).bit_length()) - 1)
    keys = draws.integers(1, len(stubs))
    keys &= ~low
    keys |= stubs.view(np.uint64)
    keys.sort()
    keys &= low
    return keys.view(np.int64)


def _has_repeats(table: Indices) -> NDArray[np.bool_]:
    return np.asarray((table[:, 1:] == table[:, :-1]).any(axis=1))


def _unsettled(table: Indices, before: Indices, pairs: Indices) -> Indices:
    suspects = np.union1d(before, pairs)
    return suspects[_has_repeats(table[suspects])]


def _partners(unsettled: Indices, rows: int, draws: Draws, step: int) -> Indices:
    """Disjoint random pairs of outputs, an unsettled one in each, [pairs, 2]."""
    pairs = draws.permutation(step, rows)[: rows // 2 * 2].reshape(-1, 2)
    return pairs[np.isin(pairs, unsettled).any(axis=1)]


def _certain_pair(table: Indices, output: int) -> Indices:
    """An output and the first one that does not hold what it holds twice, [1, 2]."""
    held = table[output]
    twice = held[1:][held[1:] == held[:-1]][0]
    return np.array([[output, (table == twice).any(axis=1).argmin()]])


def _trade(table: Indices, pairs: Indices, deals: NDArray[np.uint32]) -> None:
    """Deal the stubs of each pair of outputs anew, in place; `deals` are random, one a stub."""
    fan_in = table.shape[1]
    pool = np.sort(table[pairs].reshape(len(pairs), 2 * fan_in), axis=1)
    follows = np.zeros(pool.shape, np.bool_)
    follows[:, 1:] = pool[:, 1:] == pool[:, :-1]
    first, second = np.zeros_like(follows), np.zeros_like(follows)
    first[:, :-1] = ~follows[:, :-1] & follows[:, 1:]
    second[:, 1:] = first[:, :-1]
    # The lower half of the keys goes to the one output, the upper half to the other.
    keys = deals.reshape(pool.shape).astype(np.int64) + 1
    keys[first], keys[second] = 0, 2**33
    dealt = _sorted_by(keys, pool)
    table[pairs] = np.sort(dealt.reshape(len(pairs), 2, fan_in), axis=2)


def _sorted_by(keys: Indices, values: Indices) -> Indices:
    """The values of each row in the order of their keys, below 2^34, then of themselves."""
    ordered: Indices = np.sort(keys << _VALUE_BITS | values, axis=1)
    ordered &= 2**_VALUE_BITS - 1
    return ordered


def _build(rows: int, cols: int, arguments: Arguments) -> Fabric:
    require_width(rows, arguments)
    draws = Draws(integer(arguments, "seed"), Purpose.RANDOM)
    return balanced(rows, cols, integer(arguments, "fan_in"), draws)


def _extent(rows: int, cols: int, arguments: Arguments) -> Extent:
    return Extent(max(rows, cols), rows * integer(arguments, "fan_in"))


RANDOM = Family(
    name="random",
    parameters=(
        Parameter("fan_in", "integer", minimum=1),
        Parameter("seed", "seed", AUTO),
        Parameter("width", "integer", None, minimum=1),
    ),
    build=_build,
    next_width=None,
    definition="every output reads exactly `fan_in` random inputs; fan-outs differ by at most 1",
    source="B. Bollobás, A probabilistic proof of an asymptotic formula for the number of labelled regular graphs, 1980",
    extent=_extent,
)
