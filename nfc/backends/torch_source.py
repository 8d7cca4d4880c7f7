"""Plan to PyTorch source: one module that stands alone, and the tables that it reads."""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace
from functools import cached_property

from nfc.backends.torch_classes import Body, ClassWriter, document, methods, one_line
from nfc.backends.torch_convolutions import norm_class
from nfc.backends.torch_draws import draw_lines
from nfc.backends.torch_groups import group_lines
from nfc.backends.torch_library import helpers, import_lines
from nfc.backends.torch_names import Namespace, camel_case, file_stem
from nfc.backends.torch_tables import Table, digest_of, tables
from nfc.backends.torch_writer import INDENT, WIDTH, Expression, Items, assign
from nfc.ir.network import Norm, walk
from nfc.ir.sequences import vocabulary
from nfc.lowering.kernels import block_kernels
from nfc.lowering.plan import Plan, Product
from nfc.version import VERSION


@dataclass(frozen=True)
class TorchSource:
    """An emitted module.

    Attributes:
        text: the source, formatted as `ruff format --line-length 100` leaves it.
        tables: what the module reads from the index file, by name; empty where it needs none.
        class_name: the network's class.
        stem: the file's name without `.py`.
        index_name: the name of the index file, which lies beside the source.
    """

    text: str
    tables: dict[str, Table]
    class_name: str
    stem: str
    index_name: str

    @cached_property
    def index_bytes(self) -> bytes | None:
        """The index file, safetensors; None where the module needs none."""
        if not self.tables:
            return None
        from safetensors.numpy import save

        return bytes(save(self.tables, metadata={"digest": digest_of(self.tables)}))


def emit_torch(plan: Plan, seed: int = 0) -> TorchSource:
    """The source of a module with the plan's network; the same plan and seed give the same bytes.

    Args:
        seed: of the initial weights where the module is built without one.
    """
    found = {name: table for kernel in block_kernels(plan.body) for name, table in tables(kernel)}
    names = Namespace()
    class_name = names.unique(camel_case(plan.name))
    writer = ClassWriter(names)
    body = writer.body(plan.body, "")
    index_name = f"{plan.name}.index.safetensors"
    main = _main_class(plan, class_name, body, seed)
    text = _module(plan, [*writer.texts, main], found, index_name)
    ast.parse(text)
    return TorchSource(text, found, class_name, file_stem(plan.name), index_name)


def _module(plan: Plan, classes: list[str], found: dict[str, Table], index_name: str) -> str:
    """The header, the imports, the helpers that are used, then the classes."""
    used = helpers("\n\n\n".join(classes))
    texts = [*(helper.text for helper in used), *classes]
    header = [
        f"# {one_line(f'Compiled from {plan.source_name} by nfc {VERSION}.')}",
        f"# The source's digest is {one_line(plan.source_digest)}.",
    ]
    constants: list[str] = []
    if found:
        header.append(f"# Its index tables lie beside this file, in {index_name}.")
        constants = ["", f'INDEX_FILE = "{index_name}"', f'INDEX_DIGEST = "{digest_of(found)}"']
    return "\n\n\n".join(["\n".join([*header, "", *import_lines(texts), *constants]), *texts]) + "\n"


def _main_class(plan: Plan, class_name: str, body: Body, seed: int) -> str:
    if body.reads_tables:
        body = replace(body, modules=[f"{INDENT * 2}tables = load_tables()", *body.modules])
    draws = draw_lines(plan.body, 2)
    shapes = document(plan.input, plan.output, tokens=vocabulary(plan.body) is not None)
    if draws:
        seeded = "`seed` fixes the initial weights; PyTorch's generator has no part in them."
        shapes = shapes.removesuffix('"""') + f'\n\n{INDENT}{seeded}\n{INDENT}"""'
    lines = [
        f"class {class_name}(Network):",
        INDENT + shapes,
        "",
        f'{INDENT}topology_digest = "{plan.topology_digest}"',
        *methods(body, f"seed: int = {seed}", "self.reset_parameters(seed)"),
        "",
        *_reset_parameters(plan, draws, seed),
        "",
        *group_lines(plan.body),
    ]
    return "\n".join(lines)


def _reset_parameters(plan: Plan, draws: list[str], seed: int) -> list[str]:
    norms = sorted({op.norm for op in walk(plan.body) if isinstance(op, Norm)})
    classes = {norm_class(op): None for op in walk(plan.body) if isinstance(op, Norm)}
    biases = any(isinstance(op, Product) and op.bias is not None for op in walk(plan.body))
    lines = [
        f"{INDENT}@torch.no_grad()",
        f"{INDENT}def reset_parameters(self, seed: int = {seed}) -> None:",
        f'{INDENT * 2}"""{_reset_document(bool(draws), biases, norms)}"""',
    ]
    if norms:
        modules = sorted(classes, key=str.lower)
        kinds: Expression = modules[0] if len(modules) == 1 else Items(tuple(modules), "()")
        test = f"{INDENT * 3}if isinstance(module, {kinds}):"
        if len(test) > WIDTH:
            lines += assign("norms", kinds, 2)
            test = f"{INDENT * 3}if isinstance(module, norms):"
        lines += [
            f"{INDENT * 2}for module in self.modules():",
            test,
            f"{INDENT * 4}module.reset_parameters()",
        ]
    if biases:
        lines += [
            f"{INDENT * 2}for name, parameter in self.named_parameters():",
            f'{INDENT * 3}if name.endswith(".bias"):',
            f"{INDENT * 4}nn.init.zeros_(parameter)",
        ]
    return [*lines, *([f"{INDENT * 2}draw = Draws(self, seed)", *draws] if draws else [])]


def _reset_document(draws: bool, biases: bool, norms: list[str]) -> str:
    """What `reset_parameters` sets, in one sentence."""
    parts = ["the weights of `seed`"] if draws else []
    parts += ["biases to 0"] if biases else []
    parts += [f"norms{' and their statistics' if 'batch' in norms else ''} as new ones"] if norms else []
    return f"Set {', '.join(parts)}." if parts else "Nothing to set: the network has no parameters."
