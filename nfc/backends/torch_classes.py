"""The classes of an emitted module: one a block, equal blocks sharing theirs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

from nfc.backends.torch_convolutions import reads_positions
from nfc.backends.torch_layers import (
    attention_module,
    index_variable,
    product_call,
    product_module,
    simple_module,
    weightless,
)
from nfc.backends.torch_names import Namespace, camel_case
from nfc.backends.torch_tables import modules_read_tables
from nfc.backends.torch_writer import INDENT, Call, Comprehension, Expression, Items, assign, statement
from nfc.ir.names import attribute_of
from nfc.ir.network import (
    Block,
    Concat,
    Inline,
    Norm,
    Op,
    Pad,
    Repeat,
    Reshape,
    Residual,
    Shape,
    Sum,
    is_image,
)
from nfc.ir.sequences import Attention, vocabulary
from nfc.lowering.plan import Product

BODY = INDENT * 2


@dataclass(frozen=True)
class Body:
    """The lines of a class: the modules that `__init__` makes, and `forward` after its first line."""

    modules: list[str]
    forward: list[str]
    reads_tables: bool


@dataclass(frozen=True)
class Nested:
    """The class of a block inside another block."""

    name: str
    reads_tables: bool

    def instance(self, path: str) -> Expression:
        """A new instance, whose tables lie under `path`."""
        if not self.reads_tables:
            return Call(self.name, ())
        return Call(self.name, (f'under(tables, {"f" if "{" in path else ""}"{path}")',))


IDENTITY = Nested("nn.Identity", reads_tables=False)
"""Stands for a block without operations."""


@dataclass
class ClassWriter:
    """Writes classes in the order in which a module has to define them."""

    names: Namespace
    texts: list[str] = field(default_factory=list)
    known: dict[tuple[str, str], Nested] = field(default_factory=dict)

    def body(self, block: Block, hint: str, around: Residual | None = None) -> Body:
        """The lines of a block, or of the residual block `around` it; `hint` starts its classes' names."""
        modules = [line for op in block for line in self._module_lines(op, hint)]
        if around is None:
            return Body(modules, _forward(block), modules_read_tables(block))
        shortcut = "x"
        if around.project is not None:
            modules = [*self._module_lines(cast("Op", around.project), hint), *modules]
            shortcut = "self.project(x)"
        steps = [line for op in block for line in _step(op, "x = ")]
        forward = [f"{BODY}shortcut = {shortcut}", *steps, f"{BODY}return shortcut + x"]
        return Body(modules, forward, modules_read_tables((around,)))

    def _module_lines(self, op: Op, hint: str) -> list[str]:
        name = attribute_of(op.path)
        match op:
            case Product():
                return [*_comment(op), *assign(f"self.{name}", product_module(op, name), 2)]
            case Attention():
                wired = cast("Product", op.q)
                return [*_comment(wired), *assign(f"self.{name}", attention_module(op, name), 2)]
            case Repeat(copies=copies):
                module = self._numbered(copies, "nn.ModuleList", name, hint + camel_case(name))
            case Sum(branches=branches):
                module = self._numbered(branches, "Sum", name, f"{hint}{camel_case(name)}Branch")
            case Concat(branches=branches):
                kind = "ConcatChannels" if is_image(op.output) else "Concat"
                module = self._numbered(branches, kind, name, f"{hint}{camel_case(name)}Branch")
            case Residual(body=body):
                module = self._nested(body, hint + camel_case(name), op).instance(name)
            case Inline(network=network, body=body):
                nested = self._nested(body, camel_case(network)) if body else IDENTITY
                module = nested.instance(name)
            case _:
                simple = simple_module(op)
                if simple is None:
                    return []
                module = simple
        return assign(f"self.{name}", module, 2)

    def _nested(self, block: Block, hint: str, around: Residual | None = None) -> Nested:
        """The class of a block inside another: an equal one that exists, or a new one."""
        body = self.body(block, hint, around)
        ends = (around.input, around.output) if around else (block[0].input, block[-1].output)
        argument = "tables: dict[str, Tensor]" if body.reads_tables else ""
        text = "\n".join(
            [f"{INDENT}{document(*ends, tokens=vocabulary(block) is not None)}", *methods(body, argument)]
        )
        if (hint, text) not in self.known:
            nested = Nested(self.names.unique(hint), body.reads_tables)
            self.known[hint, text] = nested
            self.texts.append(f"class {nested.name}(nn.Module):\n{text}")
        return self.known[hint, text]

    def _numbered(self, blocks: tuple[Block, ...], kind: str, path: str, hint: str) -> Expression:
        """A container of a block's copies or branches: by a comprehension where they share a class."""
        classes = [self._nested(block, hint) if block else IDENTITY for block in blocks]
        if len(set(classes)) == 1:
            index = index_variable(0)
            counter = index if classes[0].reads_tables else "_"
            clause = f"for {counter} in range({len(blocks)})"
            return Call(kind, (Comprehension(classes[0].instance(f"{path}.{{{index}}}"), clause),))
        each = (nested.instance(f"{path}.{number}") for number, nested in enumerate(classes))
        return Call(kind, (Items(tuple(each)),))


def document(before: Shape, after: Shape, *, tokens: bool = False) -> str:
    """A docstring that says the shapes, and whether the input is token ids."""
    sizes = [", ".join(["batch", *map(str, shape)]) for shape in (before, after)]
    return f'"""Input [{sizes[0]}]{" of token ids" if tokens else ""}, output [{sizes[1]}]."""'


def methods(body: Body, argument: str, last: str | None = None) -> list[str]:
    """`__init__` with this argument and perhaps a last statement, and `forward`, each after an empty line."""
    lines: list[str] = []
    if body.modules or last:
        signature = f"self, {argument}" if argument else "self"
        lines += ["", f"{INDENT}def __init__({signature}):", f"{BODY}super().__init__()", *body.modules]
        lines += [f"{BODY}{last}"] if last else []
    return [*lines, "", f"{INDENT}def forward(self, x: Tensor) -> Tensor:", *body.forward]


def one_line(text: str) -> str:
    """Text for a comment: one line of printable ASCII, whatever it held."""
    return " ".join(text.split()).encode("unicode_escape").decode()


def _comment(op: Product) -> list[str]:
    return [] if op.topology == "dense" else [f"{BODY}# {one_line(f'topology: {op.topology}')}"]


def _forward(block: Block) -> list[str]:
    """The steps of a block, the last of which returns."""
    steps = [op for op in block if _step(op, "")]
    if not steps or isinstance(steps[-1], Repeat):
        return [*(line for op in steps for line in _step(op, "x = ")), f"{BODY}return x"]
    return [*(line for op in steps[:-1] for line in _step(op, "x = ")), *_step(steps[-1], "return ")]


def _step(op: Op, prefix: str) -> list[str]:
    """The lines in `forward` of one operation; none where it changes nothing."""
    name = attribute_of(op.path)
    match op:
        case Pad():
            return [f"{line}  # pad {op.output[-1]}" for line in statement(weightless(op) or "", 2, prefix)]
        case Repeat():
            return [f"{BODY}for block in self.{name}:", f"{BODY}{INDENT}x = block(x)"]
        case Reshape() if op.input == op.output:
            return []
        case Norm() if is_image(op.input) and reads_positions(op):
            return statement(f"self.{name}(x.movedim(1, -1)).movedim(-1, 1)", 2, prefix)
        case Norm(norm="batch") if len(op.input) > 1 and not is_image(op.input):
            flat = f"self.{name}(x.flatten(0, -2)).reshape"
            return statement(Call(flat, ("x.shape",)), 2, prefix)
        case Product():
            return statement(product_call(op), 2, prefix)
        case _:
            return statement(weightless(op) or Call(f"self.{name}", ("x",)), 2, prefix)
