"""Names that are safe as attributes of a `torch.nn.Module`, and so in state dicts and weight files."""

from __future__ import annotations

import keyword
import re

MODULE_NAMES = frozenset(
    """
    T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda double
    dump_patches eval extra_repr float forward get_buffer get_extra_state get_parameter get_submodule
    half ipu load_state_dict modules mtia named_buffers named_children named_modules named_parameters
    parameters register_backward_hook register_buffer register_forward_hook
    register_forward_pre_hook register_full_backward_hook register_full_backward_pre_hook
    register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module
    register_parameter register_state_dict_post_hook register_state_dict_pre_hook requires_grad_
    set_extra_state set_submodule share_memory state_dict to to_empty train training type xpu
    zero_grad topology_digest reset_parameters
    """.split()
)
"""Public attributes of `nn.Module` (a test compares them with torch's), and those of emitted classes."""


def attribute(label: str) -> str:
    """A label as a module's attribute: `_` is appended where Python or `nn.Module` uses the name.

    Names that start with `_` get a `u` before it, as `nn.Module` and Python's name mangling use
    such names. One to one: a label that looks like a changed one is changed in the same way.
    """
    if re.match("u*_", label):
        return f"u{label}"
    stems = (label[:end] for end in range(len(label.rstrip("_")), len(label) + 1))
    return f"{label}_" if any(_taken(stem) for stem in stems) else label


def _taken(name: str) -> bool:
    return keyword.iskeyword(name) or keyword.issoftkeyword(name) or name in MODULE_NAMES


def attribute_path(path: str) -> str:
    """A path with every label made safe; numbers of copies and branches stay."""
    return ".".join(part if part.isdigit() else attribute(part) for part in path.split("."))
