"""What a name in an assertion asks for: a property, else a property at a path, else a constant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from nfc.analysis.properties import LAYER_PROPERTIES, NETWORK_PROPERTIES
from nfc.checks.layers import Paths, Placed
from nfc.diagnostics import did_you_mean
from nfc.ir.network import Inline, WeightedLayer
from nfc.sema.errors import EvaluationError
from nfc.sema.values import Value
from nfc.source import Span
from nfc.syntax import ast


@dataclass(frozen=True)
class Question:
    """A property of the network (`group` is None), or of a layer with all its copies.

    Attributes:
        group: the layer's path as the check names it.
        layers: its copies.
    """

    property: str
    group: str | None
    layers: tuple[Placed, ...] = ()


@dataclass(frozen=True)
class Scope:
    """The names that an assertion sees.

    Attributes:
        each: inside an `each` block, the layer at hand: its path and its copies.
    """

    paths: Paths
    constants: Mapping[str, Value]
    each: tuple[str, tuple[Placed, ...]] | None = None

    def resolve(self, node: ast.Name | ast.Path) -> Question | Value:
        """What the name asks for, or the value of a constant.

        Raises:
            EvaluationError: it is unknown (NF502), or asks something for what it does not have (NF503).
        """
        name = node.name if isinstance(node, ast.Name) else ".".join(node.parts)
        if self.each is not None and name in LAYER_PROPERTIES:
            return Question(name, *self.each)
        if self.each is None and name in NETWORK_PROPERTIES:
            return Question(name, None)
        path, rest, group = self._split(name)
        if group and isinstance(group[0].op, WeightedLayer):
            if rest in LAYER_PROPERTIES:
                return Question(rest, path, group)
            raise _not_of_layer(node.span, path, rest)
        if group:
            raise self._not_of_operation(node.span, path, rest, group[0])
        if name in self.constants:
            return self.constants[name]
        raise self._unknown(node.span, name)

    def _split(self, name: str) -> tuple[str, str, tuple[Placed, ...]]:
        """A name as a path, the property behind it, and what lies there; the longest path counts."""
        parts = name.split(".")
        for count in range(len(parts), 0, -1):
            group = self.paths.named(".".join(parts[:count]))
            if group:
                return ".".join(parts[:count]), ".".join(parts[count:]), tuple(group)
        return name, "", ()

    def _not_of_operation(self, span: Span, path: str, rest: str, placed: Placed) -> EvaluationError:
        """The error of asking an operation without weights, or for a path that ends nowhere."""
        inside = [layer for layer in self.paths.of_kind("layer") if layer.startswith(f"{placed.path}.")]
        if rest and rest not in LAYER_PROPERTIES and rest not in NETWORK_PROPERTIES:
            return self._unknown(span, f"{path}.{rest}", like=f"{placed.path}.{rest}")
        kind = "inlined network" if isinstance(placed.op, Inline) else type(placed.op).__name__.lower()
        article = "an" if kind[0] in "aeiou" else "a"
        message = f"`{path}` is {article} {kind}; only networks and weighted layers have properties"
        hints = (f"its first weighted layer is `{inside[0]}`",) if inside else ()
        return EvaluationError("NF503", message, span, hints=hints)

    def _unknown(self, span: Span, name: str, *, like: str = "") -> EvaluationError:
        """The error of an unknown name; `like` is the name that suggestions are to be near, if another."""
        if name in LAYER_PROPERTIES:
            message = f"`{name}` is a property of weighted layers, not of a network"
            return EvaluationError("NF503", message, span, hints=(self._of_layers(name),))
        if name in NETWORK_PROPERTIES:
            message = f"`{name}` is a property of networks; inside `each`, a name asks the layer at hand"
            return EvaluationError("NF503", message, span)
        message = f"`{name}` is no property, path or constant"
        wanted = like or name
        hints = did_you_mean(wanted, self._known(wanted))
        return EvaluationError("NF502", message, span, hints=(*hints, *self._asked_of_layers(hints)))

    def _asked_of_layers(self, hints: tuple[str, ...]) -> Iterator[str]:
        """How to ask for the first property of layers alone that is suggested for a name about the network."""
        if self.each is not None:
            return
        meant = {*NETWORK_PROPERTIES, *self.constants, *self.paths.by_path}
        alone = (name for name in LAYER_PROPERTIES if name not in meant)
        suggested = [name for name in alone if any(f"`{name}`" in hint for hint in hints)]
        if suggested:
            yield f"`{suggested[0]}` is asked of layers: {self._of_layers(suggested[0])}"

    def _of_layers(self, name: str) -> str:
        first = next(iter(self.paths.of_kind("layer")), "head")
        return f"ask every layer with `each layer {{ … }}`, or one as in `{first}.{name}`"

    def _known(self, name: str) -> Iterator[str]:
        """Names to suggest for an unknown one."""
        yield from NETWORK_PROPERTIES if self.each is None else ()
        yield from LAYER_PROPERTIES
        yield from self.constants
        yield from self.paths.by_path
        asked = [wanted for wanted in LAYER_PROPERTIES if name.endswith(f".{wanted}")]
        yield from (f"{path}.{wanted}" for path in self.paths.of_kind("layer") for wanted in asked)


def _not_of_layer(span: Span, path: str, rest: str) -> EvaluationError:
    if not rest:
        message = f"`{path}` is a layer; an assertion is about one of its properties"
        return EvaluationError("NF503", message, span, hints=(f"as in `{path}.density`",))
    if rest in NETWORK_PROPERTIES:
        return EvaluationError("NF503", f"`{rest}` is a property of networks; `{path}` is a layer", span)
    hints = did_you_mean(rest, LAYER_PROPERTIES)
    return EvaluationError("NF502", f"a layer such as `{path}` has no property `{rest}`", span, hints=hints)
