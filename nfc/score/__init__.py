"""The data-free score of a topology: how well a layer of it will train, before any is trained."""

from nfc.score.score import Score, score

__all__ = ["Score", "score"]
