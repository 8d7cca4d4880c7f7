"""The factors of masks, each built once for equal arguments and sizes."""

from __future__ import annotations

from dataclasses import dataclass, field

from nfc.ir.factors import Factor
from nfc.sema.budget import Budget
from nfc.sema.masks.neighbours import neighbour_factor
from nfc.sema.masks.predicate import predicate_factor
from nfc.sema.resolve import Masked

Key = tuple[int, int, int, str]


@dataclass
class MaskFactors:
    """The masks that are built already: by definition, sizes and the text of the arguments' values."""

    _built: dict[Key, Factor] = field(default_factory=dict)

    def factor(self, masked: Masked, budget: Budget, used: int) -> Factor:
        """The factor of a mask; neurons without edges are left to the caller.

        Args:
            used: edges of the network so far.

        Raises:
            SemanticError: the mask has no value at an index, which is named, or asks about too many.
            AlreadyReported: it hangs on what is broken.
            LimitError: there are too many edges, or it takes too long.
        """
        mask, environment = masked.definition, masked.environment
        # The text tells 1, 1.0 and true apart, which are equal as keys.
        key = (id(mask), *environment.sizes, repr(sorted(environment.bindings.items())))
        if key not in self._built:
            build = neighbour_factor if mask.input is None else predicate_factor
            self._built[key] = build(mask, environment, budget, used)
        return self._built[key]
