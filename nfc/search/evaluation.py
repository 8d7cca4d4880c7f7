"""Scoring many topologies: what is known already is taken from the results, the rest is run and kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from nfc.search.facts import Facts, facts
from nfc.search.measure import Effort, Scores, scores
from nfc.search.results import Results, result_key
from nfc.search.subject import Subject
from nfc.search.workers import Run

Report = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """A topology in its place, with what is known of it at once."""

    subject: Subject
    facts: Facts


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Where and how topologies are evaluated.

    Attributes:
        run: the workers.
        results: what is known; gets each new result as it comes.
        report: told of the progress.
    """

    run: Run
    results: Results
    report: Report

    def survey(self, subjects: Sequence[Subject]) -> list[Candidate]:
        """Those that take their place, with their facts, in order; of those with equal edges the first."""
        found: dict[int, Facts | None] = {}
        for number, each in self.run(facts, subjects):
            found[number] = each
            self.report("looking at candidates", len(found), len(subjects))
        distinct: dict[str, Candidate] = {}
        for number, subject in enumerate(subjects):
            known = found[number]
            if known is not None:
                distinct.setdefault(known.digest, Candidate(subject, known))
        return list(distinct.values())

    def score(self, candidates: Sequence[Candidate], effort: Effort) -> list[Scores | None]:
        """The scores of candidates, in order; None for one that costs too much.

        Raises:
            NfcError: a result cannot be kept, or one that was kept is not of this effort.
        """
        keys = [result_key(each.facts.digest, each.facts.family, effort) for each in candidates]
        open_ = [number for number, key in enumerate(keys) if not self.results.holds(key, effort)]
        doing = "scoring" if effort.steps is None else "a first look"
        tasks = [candidates[number].subject for number in open_]
        done = len(keys) - len(open_)
        self.report(doing, done, len(keys))
        for place, found in self.run(partial(scores, effort=effort), tasks):
            self.results.add(keys[open_[place]], found)
            done += 1
            self.report(doing, done, len(keys))
        return [self.results.known[key] for key in keys]
