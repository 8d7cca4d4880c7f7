"""Which rule of `sparsify` a layer falls under."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from nfc.diagnostics import did_you_mean

Rules = Mapping[str, str | None]
"""Topologies by name pattern; None leaves the layers alone."""


def check_rules(
    rules: Rules, names: Sequence[Sequence[str]], fabrics: Mapping[str, str] | None = None
) -> None:
    """Every rule has to match a layer; `names` are those of each, `fabrics` the classes of layers swapped before.

    Raises:
        ValueError: a rule matches no layer, or there is no rule.
        TypeError: rules are no mapping, or one is no pattern with a topology.
    """
    if not isinstance(rules, Mapping):
        raise TypeError(f"expected rules such as {{'*.mlp.*': 'monarch'}}, found {rules!r}")
    if not rules:
        raise ValueError("expected rules, such as {'*.mlp.*': 'monarch'}, found none")
    flat = [name for each in names for name in each]
    for pattern, topology in rules.items():
        if not isinstance(pattern, str) or not isinstance(topology, str | None):
            raise TypeError(
                f"a rule is a name pattern with a topology's text or None, found {pattern!r}: {topology!r}"
            )
        if not any(fnmatchcase(name, pattern) for name in flat):
            hint = _swapped(pattern, fabrics or {}) or _hint(pattern, flat)
            raise ValueError(f"the rule `{pattern}` matches no linear layer or convolution; {hint}")


def rule_for(names: Sequence[str], rules: Rules) -> str | None:
    """The first rule that matches any of a layer's names; None where none does."""
    for pattern in rules:
        if any(fnmatchcase(name, pattern) for name in names):
            return pattern
    return None


def _swapped(pattern: str, fabrics: Mapping[str, str]) -> str | None:
    """What to say where a rule matches a layer that is a fabric already."""
    name = next((name for name in fabrics if fnmatchcase(name, pattern)), None)
    return None if name is None else f"`{name}` is a {fabrics[name]} already"


def _hint(pattern: str, names: Sequence[str]) -> str:
    near = next((each for each in _near(pattern, names) if any(fnmatchcase(n, each) for n in names)), None)
    if near is not None:
        return f"did you mean `{near}`?"
    if not names:
        return "the model has none"
    more = ", …" if len(names) > 3 else ""
    return f"there are {', '.join(f'`{name}`' for name in names[:3])}{more}"


def _near(pattern: str, names: Iterable[str]) -> Iterator[str]:
    """Patterns like this one: what lies under it or ends with it, then the same with its words corrected."""
    words = {word for name in names for word in name.split(".")}
    corrected = ".".join(_word(part, words) for part in pattern.split("."))
    for each in dict.fromkeys((pattern, corrected)):
        yield from (each, f"{each}.*", f"*.{each}", f"*.{each}.*", each.removeprefix("*."))


def _word(part: str, words: set[str]) -> str:
    """A part of a pattern, or the word that it is nearest to."""
    bare = part.strip("*")
    hints = did_you_mean(bare, words) if bare and bare not in words else ()
    return part.replace(bare, hints[0].split("`")[1]) if hints else part
