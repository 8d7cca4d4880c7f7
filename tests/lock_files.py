"""Specs with locks that do not fit, as the pages of their codes name them."""

from __future__ import annotations

from pathlib import Path

from nfc import load
from nfc.locks.lock import FORMAT, lock_of
from nfc.locks.writer import render_lock


def write_wrong_locks(folder: Path) -> None:
    """Write `wider.nf`, another network than that of `mnist.nf`, and `stale`, `merged` and `future.nf` with locks."""
    text = (folder / "mnist.nf").read_text("utf-8")
    lock = render_lock(lock_of(load(folder / "mnist.nf").elaborated, {}))
    wider = text.replace("head: linear 10", "head: linear 12")
    (folder / "wider.nf").write_text(wider, "utf-8")
    for name, spec, locked in (
        ("stale", wider, lock),
        ("merged", text, f"<<<<<<< ours\n{lock}"),
        ("future", text, lock.replace(f"version = {FORMAT}", f"version = {FORMAT + 1}")),
    ):
        (folder / f"{name}.nf").write_text(spec, "utf-8")
        (folder / f"{name}.nf.lock").write_text(locked, "utf-8")
