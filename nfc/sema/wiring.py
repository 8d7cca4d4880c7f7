"""Elaboration of topologies: an expression at a place of rows × cols becomes a fabric."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from nfc.ir.fabric import Fabric, cascade, factors, total
from nfc.ir.factors import Indices
from nfc.ir.permute import permute_inputs, permute_outputs
from nfc.limits import Limits
from nfc.sema.arguments import fitted
from nfc.sema.budget import Budget
from nfc.sema.calls import Match, arguments_of, callee, match_call
from nfc.sema.environment import Auto, Closure, Environment
from nfc.sema.errors import AlreadyReported, SemanticError
from nfc.sema.names import formals_of
from nfc.sema.predefined import COMBINATORS, STRICT, VARIADIC, family_parameters
from nfc.sema.scope import Entry
from nfc.sema.seeds import automatic_seed, inner
from nfc.sema.tree import chain
from nfc.sema.values import Interval, Value, kind_of, show
from nfc.source import Span
from nfc.syntax import ast
from nfc.topologies import FAMILIES, build, combinators
from nfc.topologies.family import AUTO, Family, Parameter, TopologyError
