"""Expressions that stand in no file: values of `-D`, topologies given to the command line and to Python."""

from __future__ import annotations

from nfc.diagnostics import Sink
from nfc.limits import Limits
from nfc.sema.errors import SemanticError
from nfc.syntax import ast
