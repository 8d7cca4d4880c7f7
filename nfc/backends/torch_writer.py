"""Lays out Python expressions as `ruff format` does, so that emitted modules pass it unchanged."""

from __future__ import annotations

from dataclasses import dataclass, replace

WIDTH = 100
INDENT = "    "


@dataclass(frozen=True)
class Call:
    """`function(arguments)`; `function` may be any text that ends before the bracket."""

    function: str
    arguments: tuple[Expression, ...]

    def __str__(self) -> str:
        return f"{self.function}({', '.join(map(str, self.arguments))})"


@dataclass(frozen=True)
class Named:
    """`name=value` among a call's arguments."""

    name: str
    value: Expression

    def __str__(self) -> str:
        return f"{self.name}={self.value}"


@dataclass(frozen=True)
class Items:
    """A list or, with round brackets, a tuple."""

    items: tuple[Expression, ...]
    brackets: str = "[]"

    def __str__(self) -> str:
        comma = "," if self.brackets == "()" and len(self.items) == 1 else ""
        return f"{self.brackets[0]}{', '.join(map(str, self.items))}{comma}{self.brackets[1]}"


@dataclass(frozen=True)
class Comprehension:
    """`element for variable in iterable`, a call's only argument; with `star` it is `*(…)`."""

    element: Expression
    clause: str
    star: bool = False

    def __str__(self) -> str:
        text = f"{self.element} {self.clause}"
        return f"*({text})" if self.star else text


@dataclass(frozen=True)
class Entry:
    """`tables["…"]`; a key with a `{variable}` in it is an f-string."""

    key: str

    def __str__(self) -> str:
        return f'tables[{"f" if "{" in self.key else ""}"{self.key}"]'


Expression = str | Entry | Call | Named | Items | Comprehension


def assign(target: str, value: Expression, indent: int) -> list[str]:
    """The lines of `target = value`, `indent` levels deep."""
    return _lines(f"{target} = ", value, "", indent)


def statement(value: Expression, indent: int, prefix: str = "") -> list[str]:
    """The lines of an expression statement, or of `return …` with that prefix."""
    return _lines(prefix, value, "", indent)


def tuple_of(value: int | tuple[object, ...]) -> Expression:
    """Integers in nested tuples as an expression."""
    if isinstance(value, tuple):
        return Items(tuple(tuple_of(item) for item in value), "()")  # type: ignore[arg-type]
    return str(value)


def with_index(value: Expression, variable: str, index: int | str) -> Expression:
    """The expression with a number or a label in place of `{variable}` in the keys of its tables."""
    match value:
        case Entry(key=key):
            return Entry(key.replace(f"{{{variable}}}", str(index)))
        case Call(function=function, arguments=arguments):
            return Call(function, tuple(with_index(each, variable, index) for each in arguments))
        case Named(name=name, value=inner):
            return Named(name, with_index(inner, variable, index))
        case Items(items=items, brackets=brackets):
            return Items(tuple(with_index(each, variable, index) for each in items), brackets)
        case Comprehension(element=element):
            return replace(value, element=with_index(element, variable, index))
        case _:
            return value


def _lines(prefix: str, value: Expression, suffix: str, indent: int) -> list[str]:
    """`prefix value suffix` on one line where it fits, else split at the value's outermost bracket."""
    flat = f"{INDENT * indent}{prefix}{value}{suffix}"
    if len(flat) <= WIDTH:
        return [flat]
    margin = INDENT * indent
    match value:
        case Named(name=name, value=inner):
            return _lines(f"{prefix}{name}=", inner, suffix, indent)
        case Call(function=function, arguments=arguments) if arguments:
            body = _arguments(arguments, indent + 1)
            return [f"{margin}{prefix}{function}(", *body, f"{margin}){suffix}"]
        case Items(items=items, brackets=brackets) if items:
            body = _one_a_line(items, indent + 1)
            return [f"{margin}{prefix}{brackets[0]}", *body, f"{margin}{brackets[1]}{suffix}"]
        case Comprehension(element=element, clause=clause, star=True):
            inner = Comprehension(element, clause)
            body = _lines("", inner, "", indent + 1)
            return [f"{margin}{prefix}*(", *body, f"{margin}){suffix}"]
        case Comprehension(element=element, clause=clause):
            return [*_lines(prefix, element, "", indent), f"{margin}{clause}{suffix}"]
        case _:
            return [flat]


def _arguments(arguments: tuple[Expression, ...], indent: int) -> list[str]:
    """All arguments on one line where they fit, else one a line; a lone comprehension gets no comma."""
    flat = INDENT * indent + ", ".join(map(str, arguments))
    if len(flat) <= WIDTH:
        return [flat]
    match arguments:
        case (Comprehension(star=False) as only,):
            return _lines("", only, "", indent)
        case _:
            return _one_a_line(arguments, indent)


def _one_a_line(items: tuple[Expression, ...], indent: int) -> list[str]:
    return [line for item in items for line in _lines("", item, ",", indent)]
