"""The memory that a process has taken."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

STATUS = Path("/proc/self/status")


def resident_peak() -> int:
    """The largest resident memory of this process so far, in bytes.

    Linux tells it in a file; what `getrusage` says there is at least the peak of the process that
    started this one.
    """
    if STATUS.exists():
        lines = (line.split() for line in STATUS.read_text("ascii", "replace").splitlines())
        return next(int(words[1]) for words in lines if words[0] == "VmHWM:") * 1024
    kibibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kibibytes * (1 if sys.platform == "darwin" else 1024)
