"""What `import nfc` gives: programs, networks, layers and fabrics, with properties by their language names.

Everything wrong with an input is an `NfcError` whose `diagnostics` say where and how to mend it.
"""

from nfc.api.fabric import Fabric, topology
from nfc.api.loading import load, read_program
from nfc.api.network import Layer, Network
from nfc.api.program import Program, Report

__all__ = ["Fabric", "Layer", "Network", "Program", "Report", "load", "read_program", "topology"]
