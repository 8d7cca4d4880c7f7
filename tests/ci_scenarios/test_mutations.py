"""Changed specs: those with another topology are caught by lock and diff, those of the same meaning raise no alarm.

A part of the study of `benchmarks/mutations.py`, which runs 200 of each.
"""

from __future__ import annotations

from tests.mutations import MUTATIONS, REWRITES, cases

COUNT = 40


def test_changes_of_a_topology_are_caught() -> None:
    found = list(cases(MUTATIONS, COUNT, seed=1, changing=True))
    assert {case.kind for case in found} == set(MUTATIONS)
    print(f"{COUNT} mutations: lock caught {sum(c.lock for c in found)}, diff {sum(c.diff for c in found)}")  # noqa: T201
    assert [f"{case.spec}: {case.kind}" for case in found if not (case.lock and case.diff)] == []


def test_rewrites_of_the_same_meaning_raise_no_alarm() -> None:
    found = list(cases(REWRITES, COUNT, seed=2, changing=False))
    assert {case.kind for case in found} == set(REWRITES)
    alarms = [case for case in found if case.changed or case.lock or case.diff]
    print(f"{COUNT} rewrites: {len(alarms)} alarms")  # noqa: T201
    assert [f"{case.spec}: {case.kind}\n{case.text}" for case in alarms] == []
