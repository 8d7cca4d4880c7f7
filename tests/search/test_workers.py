"""Where tasks run changes nothing: in this process, in others, or on a Dask cluster of two workers."""

from __future__ import annotations

import os

import pytest

from nfc.api import load
from nfc.diagnostics import NfcError
from nfc.search import workers
from nfc.search.definitions import Definitions
from nfc.search.facts import facts
from nfc.search.subject import Subject
from nfc.search.workers import Workers
from nfc.source import Source

TOPOLOGIES = ("dense", "butterfly(radix=4)", "random(fan_in=3, seed=1)", "no_such")
MINE = load(Source("mine.nf", "nf 1\nparam k = 2\nmask ring[o, i] = (o - i) % cols <= k\n"))
SUBJECTS = [
    *(Subject(each, 16, 16, Definitions.of()) for each in TOPOLOGIES),
    Subject("ring >> butterfly", 16, 16, Definitions.of(MINE.elaborated)),
]


def place(task: int) -> tuple[int, int]:
    return task, os.getpid()


@pytest.mark.parametrize("where", [Workers(2), Workers(2, "dask")], ids=["loky", "dask"])
def test_other_processes_give_what_this_one_gives(where: Workers) -> None:
    with Workers().running() as run:
        expected = dict(run(facts, SUBJECTS))
    with where.running() as run:
        assert dict(run(facts, SUBJECTS)) == expected
        places = dict(run(place, range(4)))
    assert [found[0] for _, found in sorted(places.items())] == [0, 1, 2, 3]
    assert os.getpid() not in {process for _, process in places.values()}
    assert expected[0] is not None
    assert expected[3] is None
    assert expected[4] is not None
    assert expected[4].params == 16 * 3 + 16 * 2 * 4


def test_a_dask_cluster_that_runs_already_is_used_and_left_alone() -> None:
    from distributed import Client, LocalCluster

    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "processes": False}
    with LocalCluster(**options) as cluster:
        with Workers(2, "dask", cluster.scheduler_address).running() as run:
            assert len(dict(run(facts, SUBJECTS))) == len(SUBJECTS)
        with Client(cluster) as client:
            assert len(client.scheduler_info()["workers"]) == 2


@pytest.mark.parametrize("backend", ["loky", "dask", "ray"])
def test_what_is_not_installed_is_said(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "is_installed", lambda package: False)
    with pytest.raises(NfcError, match="NF640"), Workers(2, backend).running():
        pass
    assert workers.usual_jobs() == 1
    with Workers(1).running() as run:
        assert dict(run(place, [7]))[0][0] == 7


def test_no_cluster_at_the_address() -> None:
    with pytest.raises(NfcError, match="NF640"), Workers(1, "dask", "tcp://127.0.0.1:9").running():
        pass


def test_no_more_local_processes_than_processors_can_feed() -> None:
    assert Workers(1000).processes == 4 * workers.processors()
    assert Workers(1000, "dask").processes == 1000
    assert Workers(2).processes == 2
