"""Every contender trained on every task, with several seeds; results go to a file as they come.

A run that was stopped goes on where it was. Conditions stand in the order of what they tell.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import product
from pathlib import Path
from typing import Any

from examples.study.data import Condition
from examples.study.topologies import Contender, contenders
from examples.study.training import Configuration, Outcome, outcome_of, usual_steps

CONDITIONS = (
    Condition("mnist", "reconstruct", "rotated"),
    Condition("mnist", "classify", "rotated"),
    Condition("digits", "classify", "rotated"),
    Condition("mnist", "classify", "natural"),
    Condition("mnist", "classify", "permuted"),
    Condition("digits", "reconstruct", "rotated"),
    Condition("mnist", "teacher", "rotated"),
)
SEEDS = 5


def measure(path: Path, wanted: Sequence[Configuration], jobs: int) -> list[Outcome]:
    """The outcomes of all configurations; those that the file lacks are added to it, a line each."""
    done = {each.configuration: each for each in read(path)}
    missing = [each for each in wanted if each not in done]
    with path.open("a") as file:
        for number, outcome in enumerate(run(missing, jobs), start=1):
            done[outcome.configuration] = outcome
            file.write(json.dumps(to_record(outcome)) + "\n")
            file.flush()
            print(f"{number}/{len(missing)} {line(outcome)}", flush=True)
    return [done[each] for each in wanted]


def run(wanted: Sequence[Configuration], jobs: int) -> Iterator[Outcome]:
    """The outcomes as they come, one process a job; one job runs in this one."""
    if jobs == 1:
        yield from map(outcome_of, wanted)
        return
    with ProcessPoolExecutor(jobs) as pool:
        for future in as_completed([pool.submit(outcome_of, each) for each in wanted]):
            yield future.result()


def configurations(
    conditions: Sequence[Condition], names: Sequence[str] | None, seeds: int, steps: int | None
) -> Iterator[Configuration]:
    """All contenders, or those named, under all conditions and seeds; the seeds of one contender together."""
    chosen = [each for each in contenders() if names is None or each.name in names]
    for condition, contender in product(conditions, chosen):
        for seed in range(seeds):
            yield Configuration(condition, contender, seed, steps or usual_steps(condition))


def read(path: Path) -> list[Outcome]:
    """The outcomes so far; none where there is no file."""
    if not path.exists():
        return []
    return [from_record(json.loads(text)) for text in path.read_text().splitlines()]


def to_record(outcome: Outcome) -> dict[str, Any]:
    """An outcome as its line holds it."""
    run = outcome.configuration
    return {
        **vars(run.condition), **vars(run.contender), "seed": run.seed, "steps": run.steps,
        "quality": round(outcome.quality, 5), "loss": round(outcome.loss, 5),
        "seconds": round(outcome.seconds, 1),
    }  # fmt: skip


def from_record(record: dict[str, Any]) -> Outcome:
    condition = Condition(record["data_set"], record["task"], record["form"])
    contender = Contender(record["via"], record["group"], record["hidden"])
    run = Configuration(condition, contender, record["seed"], record["steps"])
    return Outcome(run, record["quality"], record["loss"], record["seconds"])


def line(outcome: Outcome) -> str:
    run = outcome.configuration
    return (
        f"{run.condition} {run.contender.name} seed {run.seed}: {outcome.quality:.3f} "
        f"({outcome.seconds:.1f} s)"
    )
