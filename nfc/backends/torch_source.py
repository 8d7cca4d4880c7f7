"""Plan to PyTorch source: one module that stands alone, and the tables that it reads."""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace
from functools import cached_property

from nfc.backends.torch_classes import Body, ClassWriter, document, methods, one_line
from nfc.backends.torch_draws import draw_lines, uses_orthogonal
from nfc.backends.torch_layers import NORM_MODULES
from nfc.backends.torch_library import closure, import_lines, library
from nfc.backends.torch_names import Namespace, camel_case, file_stem
from nfc.backends.torch_tables import Table, digest_of, draws_read_tables, tables
from nfc.backends.torch_writer import INDENT
from nfc.ir.network import Norm, walk
from nfc.lowering.kernels import block_kernels
from nfc.lowering.plan import Plan
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


def emit_torch(plan: Plan) -> TorchSource:
    """The source of a module with the plan's network; the same plan gives the same bytes."""
    found = {name: table for kernel in block_kernels(plan.body) for name, table in tables(kernel)}
    names = Namespace()
    class_name = names.unique(camel_case(plan.name))
    writer = ClassWriter(names)
    body = writer.body(plan.body, "")
    index_name = f"{plan.name}.index.safetensors"
    main = _main_class(plan, class_name, body)
    text = _module(plan, [*writer.texts, main], found, index_name)
    ast.parse(text)
    return TorchSource(text, found, class_name, file_stem(plan.name), index_name)


def _module(plan: Plan, classes: list[str], found: dict[str, Table], index_name: str) -> str:
    """The header, the imports, the helpers that are used, then the classes."""
    used = {node.id for node in ast.walk(ast.parse("\n\n\n".join(classes))) if isinstance(node, ast.Name)}
    helpers = closure(used)
    needed = used.union(*(library()[name].names for name in helpers))
    header = [
        f"# {one_line(f'Compiled from {plan.source_name} by nfc {VERSION}.')}",
        f"# The source's digest is {one_line(plan.source_digest)}.",
    ]
    constants = [f'INDEX_FILE = "{index_name}"', f'INDEX_DIGEST = "{digest_of(found)}"'] if found else []
    top = [*header, "", *import_lines(needed), *(["", *constants] if constants else [])]
    return "\n\n\n".join(["\n".join(top), *(library()[name].text for name in helpers), *classes]) + "\n"


def _main_class(plan: Plan, class_name: str, body: Body) -> str:
    if body.reads_tables:
        body = replace(body, modules=[f"{INDENT * 2}tables = load_tables()", *body.modules])
    lines = [
        f"class {class_name}(Network):",
        INDENT + document(plan.input, plan.output),
        "",
        f'{INDENT}topology_digest = "{plan.topology_digest}"',
        *methods(body, "seed: int = 0", "self.reset_parameters(seed)"),
        "",
        *_reset_parameters(plan),
    ]
    return "\n".join(lines)


def _reset_parameters(plan: Plan) -> list[str]:
    draws = draw_lines(plan.body, 2)
    lines = [
        f"{INDENT}@torch.no_grad()",
        f"{INDENT}def reset_parameters(self, seed: int = 0) -> None:",
        f'{INDENT * 2}"""Draw the weights anew; biases and shifts are 0, scales 1."""',
    ]
    norms = sorted({NORM_MODULES[op.norm] for op in walk(plan.body) if isinstance(op, Norm)})
    if norms:
        kinds = norms[0] if len(norms) == 1 else f"({', '.join(norms)})"
        lines += [
            f"{INDENT * 2}for module in self.modules():",
            f"{INDENT * 3}if isinstance(module, {kinds}):",
            f"{INDENT * 4}module.reset_parameters()",
        ]
    if draws:
        lines += [
            f"{INDENT * 2}for name, parameter in self.named_parameters():",
            f'{INDENT * 3}if name.endswith(".bias"):',
            f"{INDENT * 4}nn.init.zeros_(parameter)",
        ]
        kind = "OrthogonalDraws" if uses_orthogonal(plan.body) else "Draws"
        lines += [f"{INDENT * 2}tables = load_tables()"] if draws_read_tables(plan.body) else []
        lines += [f"{INDENT * 2}draw = {kind}(seed)", *draws]
    return lines
