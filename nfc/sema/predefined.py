"""Names that the language gives a meaning, and the parameters of what it lets one call."""

from __future__ import annotations

from nfc.sema.functions import FUNCTIONS
from nfc.topologies import FAMILIES
from nfc.topologies.family import AUTO, REQUIRED, Parameter

SIZES = ("rows", "cols")
"""The sizes at hand where a topology is elaborated."""

COMBINATORS: dict[str, tuple[Parameter, ...]] = {
    "cascade": (Parameter("n", "integer", minimum=1), Parameter("t", "topology")),
    "parallel": (
        Parameter("p", "integer", minimum=1),
        Parameter("t", "topology"),
        Parameter("shuffle", "seed", None),
    ),
    "transpose": (Parameter("t", "topology"),),
    "kron": (
        Parameter("a", "topology"),
        Parameter("b", "topology"),
        Parameter("size", "integer", minimum=1),
    ),
    "direct_sum": (Parameter("sizes", "integers", None, minimum=1),),
    "permute": (
        Parameter("kind", "string"),
        Parameter("radix", "integer", 2, minimum=2),
        Parameter("seed", "seed", AUTO),
    ),
}
"""Topologies made of topologies; `direct_sum` takes its parts by position, as many as there are."""

VARIADIC = frozenset({"direct_sum"})

STRICT = Parameter("strict", "boolean", False)
"""Every standard topology takes it."""

FILE = (Parameter("path", "string", REQUIRED), Parameter("key", "string", "mask"))


def family_parameters(name: str) -> tuple[Parameter, ...] | None:
    """The parameters of a standard topology, in order; None where there is none of that name."""
    if name == "file":
        return FILE
    family = FAMILIES.get(name)
    return None if family is None else (*family.parameters, STRICT)


def is_topology_name(name: str) -> bool:
    return name in COMBINATORS or name in FAMILIES or name == "file"


def topology_names() -> list[str]:
    return [*FAMILIES, "file", *COMBINATORS]


def predefined_kind(name: str) -> str | None:
    """What the language means by a name, with its article; None where it is free."""
    if name in FUNCTIONS:
        return "a standard function"
    if is_topology_name(name):
        return "a standard topology"
    if name in SIZES:
        return "a size at hand in every topology"
    return "a word for arguments" if name == AUTO else None
