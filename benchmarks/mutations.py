"""What lock and diff catch: 200 mutations that change a topology, 200 rewrites of the same meaning.

Usage: python -m benchmarks.mutations [COUNT] [SEED]
"""

from __future__ import annotations

import sys
from collections import Counter

from tests.mutations import MUTATIONS, REWRITES, Case, cases


def main() -> int:
    given = [int(argument) for argument in sys.argv[1:3]]
    count, seed = [*given, *(200, 0)[len(given) :]]
    mutations = list(cases(MUTATIONS, count, seed, changing=True))
    rewrites = list(cases(REWRITES, count, seed, changing=False))
    missed = [case for case in mutations if not (case.lock and case.diff)]
    alarms = [case for case in rewrites if case.changed or case.lock or case.diff]
    print(f"{count} mutations of a topology: {_kinds(mutations)}")
    print(f"  caught by lock {sum(c.lock for c in mutations)}, by diff {sum(c.diff for c in mutations)}")
    print(f"{count} rewrites of the same meaning: {_kinds(rewrites)}")
    print(f"  alarms {len(alarms)}")
    for case in (*missed, *alarms):
        print(f"--- {case.spec}, {case.kind}: lock {case.lock}, diff {case.diff}\n{case.text}")
    return 1 if len(missed) > 0.05 * count or alarms else 0


def _kinds(found: list[Case]) -> str:
    return ", ".join(f"{kind} {number}" for kind, number in sorted(Counter(c.kind for c in found).items()))


if __name__ == "__main__":
    sys.exit(main())
