"""What embeddings, positions and attention do to signals at initialisation.

Attention mixes tokens, so it asks for one more moment than other operations: E[h_t h_s], the
covariance of two tokens of one input (`Signal.tokens`). Scores q_t · k_s / √d of a head of d
features are sums of many products of independent weights: for one t they are normal over s, with
variance E[q²] (E[k²] − E[k_t k_s]) around a part that all s share, which the softmax takes off. The
values' weights are independent of the scores', so that a mean of values by shares p has
E[m²] = Σ E[p_s²] E[v²] + (1 − Σ E[p_s²]) E[v_t v_s], and of order 1 / D what a query's preference adds:
the tokens themselves decide the scores. docs/initialisation.md derives it and says what is approximate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import log

import numpy as np

from nfc.analysis.signal import Array, Signal
from nfc.analysis.variance import Pullback
from nfc.ir.network import Linear
from nfc.ir.sequences import Attention, Embed, Position, Table

Step = tuple[Signal, Pullback]
"""An operation's output, and the way back."""

_REACH = 8.0
_STEP = 0.25
_MOST = 400.0
"""A variance of scores from which one token has nearly all of the share; greater ones are taken as this."""


def embedded(op: Embed) -> Step:
    """Rows of independent numbers; two tokens are the same row with probability 1 / vocabulary.

    The way back ends here: the embedding counts as the network's input.
    """
    square = np.full(op.output, _variance(op))
    alike = square / op.vocabulary
    return Signal(square, alike, np.zeros(op.output), alike), lambda gradient: gradient


def positioned(op: Position, signal: Signal) -> Step:
    """Both inputs get the same row at the same position, and two positions get independent ones."""
    square = _variance(op)
    output = Signal(signal.second + square, signal.shared + square, signal.mean, signal.between)
    return output, lambda gradient: gradient


def _variance(op: Table) -> float:
    if op.draw is None:
        raise ValueError(f"{op.path}: no draw is set; the initialisation pass has to run before")
    assert isinstance(op.draw.std, float)
    return op.draw.std**2


def attended(op: Attention, signal: Signal, through: Callable[[Linear, Signal], Step]) -> Step:
    """Behind attention; `through` is the step of one of its layers."""
    (q, back_q), (k, back_k), (v, back_v) = (through(layer, signal) for layer in (op.q, op.k, op.v))
    mixing = _Mixing(op.heads, op.causal, q, k, v)
    output, back_o = through(op.o, mixing.output())

    def pullback(gradient: Array) -> Array:
        to_q, to_k, to_v = mixing.gradients(back_o(gradient))
        return back_q(to_q) + back_k(to_k) + back_v(to_v)

    return output, pullback


@dataclass(frozen=True, eq=False)
class _Mixing:
    """Queries, keys and values on their way to the heads' means of values; arrays of heads are [T, heads]."""

    heads: int
    causal: bool
    q: Signal
    k: Signal
    v: Signal

    def output(self) -> Signal:
        """The means of values, in which all tokens seen count alike but for what their shares tell apart."""
        common = self._seen(self.v.between)
        itself = self._seen(self.v.second) - common
        cross = self._seen(self._cross(self.v))
        same = self._seen(self.v.shared) - cross
        one, two, other = map(self._features, self._shares)
        towards_one, towards_two, towards_other = map(self._features, self._leanings())
        return Signal(
            common + (one + (1.0 - one) * towards_one) * itself,
            cross + other * same + (1.0 - other) * towards_other * itself,
            self._seen(self.v.mean),
            common + (two + (1.0 - two) * towards_two) * itself,
        )

    def gradients(self, gradient: Array) -> tuple[Array, Array, Array]:
        """The gradients of queries, keys and values, [T, D] each, from that of the means.

        A score's is p_s (v_s − m) · g: over s, its squares add up to (Σ p² − 2 Σ p³ + (Σ p²)²) times the
        squares of g and of what values have to themselves, taken as Σ p² (1 − Σ p²), which is exact for
        equal shares and for a single one.
        """
        one, _, _ = self._shares
        itself = self._seen(self.v.second - self.v.between)
        scores = one * (1.0 - one) * self._by_head(gradient * itself).sum(axis=-1)
        spread = self._features(scores) / self._head_features
        return (
            spread * self._seen(self.k.second - self.k.between),
            self._seeing(spread / self._counts * self.q.second),
            self._seeing(self._features(one) / self._counts * gradient),
        )

    @property
    def _head_features(self) -> int:
        return int(self.q.second.shape[-1]) // self.heads

    @property
    def _counts(self) -> Array:
        """How many tokens each token sees, [T, 1]."""
        tokens = len(self.q.second)
        seen = np.arange(1, tokens + 1) if self.causal else np.full(tokens, tokens)
        return np.asarray(seen[:, None], np.float64)

    @cached_property
    def _shares(self) -> tuple[Array, Array, Array]:
        """Σ_s E[p_s p'_s], [T, heads], for one token, with another token of the input, and with another input."""
        keys = self._seen(self.k.second - self.k.between)
        variance = self._mean(self.q.second) * self._mean(keys)
        one = participation(variance, self._counts)
        ahead = np.log(one * self._counts)
        between = self._mean(self.q.between) * self._mean(keys)
        across = self._mean(self.q.shared) * self._mean(self._seen(self.k.shared - self._cross(self.k)))
        return (
            one,
            self._overlap * np.exp(ahead * _ratio(between, variance)),
            np.exp(ahead * _ratio(across, variance)) / self._counts,
        )

    @property
    def _overlap(self) -> Array:
        """The mean over other tokens of Σ_s p_s p'_s for equal shares: 1 / max of the two counts, [T, 1]."""
        counts = self._counts[:, 0]
        pairs = 1.0 / np.maximum(counts[:, None], counts)
        others = max(1, len(counts) - 1)
        return np.asarray((pairs.sum(axis=1) - (1.0 / counts if len(counts) > 1 else 0.0)) / others)[:, None]

    def _leanings(self) -> tuple[Array, Array, Array]:
        """What means have from the keys that they prefer, [T, heads], as `_shares`.

        Shares e^z move the mean of normal tokens by their variance times the gradient of z, whose square,
        spread over the features, is the scores' variance over their number.
        """
        keys = self._mean(self._seen(self.k.second - self.k.between)) / self.k.second.shape[-1]
        one, two, other = (self._mean(each) * keys for each in (self.q.second, self.q.between, self.q.shared))
        return one, two, other

    def _cross(self, signal: Signal) -> Array:
        """E[h h'] at another position of another input: at most either moment at one of the two."""
        return np.minimum(signal.shared, signal.between)

    def _seen(self, values: Array) -> Array:
        """The mean over the tokens that each token sees, [T, …] → [T, …]."""
        if self.causal:
            return np.asarray(np.cumsum(values, axis=0) / self._counts)
        return np.broadcast_to(values.mean(axis=0), values.shape)

    def _seeing(self, values: Array) -> Array:
        """The sum over the tokens by which each token is seen, [T, …] → [T, …]."""
        if self.causal:
            return np.cumsum(values[::-1], axis=0)[::-1]
        return np.broadcast_to(values.sum(axis=0), values.shape)

    def _by_head(self, values: Array) -> Array:
        return values.reshape(len(values), self.heads, -1)

    def _mean(self, values: Array) -> Array:
        return np.asarray(self._by_head(values).mean(axis=-1))

    def _features(self, values: Array) -> Array:
        """Numbers of heads as numbers of their features, [T, heads] → [T, D]."""
        return np.repeat(values, self._head_features, axis=-1)


def participation(variance: Array, counts: Array) -> Array:
    """E[Σ p²] of softmax shares p of `counts` normal scores of this variance, broadcast; e^variance / count in the limit.

    With φ(λ) = E[e^(−λ e^z)] it is n ∫ λ φ''(λ) φ(λ)^(n − 1) dλ, as 1 / S² = ∫ λ e^(−λ S) dλ.
    """
    variance, counts = np.broadcast_arrays(np.minimum(np.nan_to_num(variance, nan=_MOST), _MOST), counts)
    result = np.empty(variance.shape)
    rounded = np.round(np.maximum(variance, 0.0), 9)
    for value in np.unique(rounded):
        where = rounded == value
        result[where] = _participation(float(value), counts[where])
    return np.clip(result, 1.0 / counts, 1.0)


def _participation(variance: float, counts: Array) -> Array:
    """For one variance and each count, [counts]; λ on a logarithmic scale."""
    deviation = np.sqrt(variance)
    low = -log(counts.max()) - variance - _REACH * deviation - 8.0
    scale = np.arange(low, 8.0 + _REACH * deviation, _STEP)
    nodes = np.linspace(-_REACH, _REACH, 81 + 40 * int(deviation))
    density = np.exp(-(nodes**2) / 2.0)
    density /= density.sum()
    terms = np.exp(np.minimum(scale[:, None] + deviation * nodes, 8.0))
    bent = (terms**2 * np.exp(-terms)) @ density
    lost = -np.expm1(-terms) @ density
    distinct, where = np.unique(counts, return_inverse=True)
    left = np.maximum(1.0 - lost, 0.0)[:, None] ** (distinct - 1.0)
    return np.asarray((distinct * (bent @ left) * _STEP)[where.ravel()])


def _ratio(part: Array, whole: Array) -> Array:
    return np.divide(part, whole, out=np.zeros_like(whole), where=whole > 0.0)
