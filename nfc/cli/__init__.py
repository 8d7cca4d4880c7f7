"""The command line, one file a verb. `main` holds the policy of exits; verbs return an exit code.

0: all is well. 1: the spec has errors, cannot be read, or a check failed. 2: wrong usage or an
internal fault. 130 and 141, as shells report it: interrupted, and the reader of a pipe went away.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

OK, FAILED, FAULT = 0, 1, 2
INTERRUPTED, BROKEN_PIPE = 130, 141

FAULT_MESSAGE = """\
nfc: internal fault: {kind}: {fault}
This is a mistake in nfc, not in the file. Please report it with the file and the command:
https://github.com/neurofabric/nfc/issues (NFC_DEBUG=1 shows the traceback)
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run nfc and return its exit code; nothing but the code leaves, whatever happens inside."""
    import click

    from nfc.cli.verbs import nfc

    _survive_narrow_encodings()
    try:
        code = nfc.main(arguments, prog_name="nfc", standalone_mode=False)
    except click.ClickException as usage:
        usage.show()
        return FAULT
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except Exception as fault:
        if os.environ.get("NFC_DEBUG"):
            raise
        message = str(fault).partition("\n")[0]
        sys.stderr.write(FAULT_MESSAGE.format(kind=type(fault).__name__, fault=message))
        return FAULT
    return code if isinstance(code, int) else OK


def _survive_narrow_encodings() -> None:
    """Escape what a terminal's encoding lacks instead of failing on it."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
