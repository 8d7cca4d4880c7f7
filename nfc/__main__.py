"""`python -m nfc` is the command `nfc`."""

import sys

from nfc.cli import main

sys.exit(main())
