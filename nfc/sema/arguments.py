"""Values of the arguments of calls in topologies, automatic seeds among them."""

from __future__ import annotations

from dataclasses import dataclass

from nfc.sema.calls import Match
from nfc.sema.environment import Environment
from nfc.sema.errors import SemanticError
from nfc.sema.seeds import automatic_seed
from nfc.sema.values import Interval, Value, is_integer, kind_of, show
from nfc.source import Span
from nfc.topologies.arguments import accepted
from nfc.topologies.family import AUTO, Family, Parameter

SEED_BITS = 64


@dataclass
class CallArguments:
    """The arguments of the calls in one layer's topology.

    Attributes:
        network: the network's name, and
        path: the layer's concrete path: automatic seeds come from them.
        automatic: how many automatic seeds were drawn; a fabric without any is the same elsewhere.
    """

    network: str
    path: str
    automatic: int = 0

    def value(self, parameter: Parameter, match: Match, environment: Environment, place: str) -> Value | None:
        """The value of an argument, None where it is absent or for the family to work out.

        Raises:
            SemanticError: NF401 for a value that the parameter does not accept.
        """
        node = match.given.get(parameter.name)
        if node is None and parameter.default != AUTO:
            return None if parameter.default is None else parameter.default  # type: ignore[return-value]
        if node is None or environment.is_auto(node):
            return self._automatic(parameter, place, None if node is None else node.span)
        return fitted(parameter, environment.value(node), node.span)

    def of_family(
        self, family: Family, match: Match, environment: Environment, place: str
    ) -> dict[str, Value]:
        """The given arguments and automatic seeds; kinds, bounds and defaults are left to `nfc.topologies`."""
        values: dict[str, Value] = {}
        for parameter in family.parameters:
            node = match.given.get(parameter.name)
            if node is not None and not environment.is_auto(node):
                values[parameter.name] = _no_range(parameter, environment.value(node), node.span)
            elif node is not None or parameter.default == AUTO:
                value = self._automatic(parameter, place, None if node is None else node.span)
                values.update({} if value is None else {parameter.name: value})
        return values

    def _automatic(self, parameter: Parameter, place: str, span: Span | None) -> int | None:
        """What `auto` stands for; None where the family works it out."""
        if parameter.kind == "seed":
            self.automatic += 1
            return automatic_seed(self.network, self.path, place)
        if parameter.default != AUTO:
            raise no_automatic(parameter, span)
        return None


def no_automatic(parameter: Parameter, span: Span | None) -> SemanticError:
    """The error for `auto` where the parameter's value has to be given."""
    message = f"`{parameter.name}` is {accepted(parameter)}; it has no `auto`"
    return SemanticError("NF401", message, span)


def _no_range(parameter: Parameter, value: Value, span: Span) -> Value:
    if isinstance(value, Interval):
        raise SemanticError("NF205", f"`{parameter.name}` takes no range; found {show(value)}", span)
    return value


def fitted(parameter: Parameter, value: Value, span: Span) -> Value:
    """The value, if it is of the parameter's kind and in its bounds.

    Raises:
        SemanticError: NF401, as for the arguments of a standard topology.
    """
    if not (_has_kind(value, parameter.kind) and _in_bounds(parameter, value)):
        message = f"`{parameter.name}` is {accepted(parameter)}; found {kind_of(value)} ({show(value)})"
        hints = ("`//` divides integers",) if isinstance(value, float) else ()
        raise SemanticError("NF401", message, span, hints=hints)
    if parameter.kind == "seed" and not 0 <= value < 2**SEED_BITS:  # type: ignore[operator]
        raise SemanticError("NF401", f"a seed lies in 0..<2**{SEED_BITS}; found {show(value)}", span)
    return value


def _has_kind(value: Value, kind: str) -> bool:
    match kind:
        case "integer" | "seed":
            return is_integer(value)
        case "boolean":
            return isinstance(value, bool)
        case "string":
            return isinstance(value, str)
        case _:
            return isinstance(value, tuple) and bool(value) and all(is_integer(item) for item in value)


def _in_bounds(parameter: Parameter, value: Value) -> bool:
    if parameter.minimum is None:
        return True
    numbers = value if isinstance(value, tuple) else (value,)
    return all(number >= parameter.minimum for number in numbers)  # type: ignore[operator]
