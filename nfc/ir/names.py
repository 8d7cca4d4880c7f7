"""Names that are safe as attributes of a `torch.nn.Module`, and so in state dicts and weight files."""

from __future__ import annotations

import keyword

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
    zero_grad topology_digest
    """.split()
)
"""Public attributes of `nn.Module` (a test compares them with torch's), and those of emitted classes."""


def attribute(label: str) -> str:
    """A label as a module's attribute: `_` is appended where Python or `nn.Module` uses the name.

    One to one: a label that already ends with underscores after a used name gets one more.
    """
    stem = label.rstrip("_")
    if label.startswith("_"):
        return f"u{label}"  # nn.Module's private attributes, and Python's name mangling
    taken = keyword.iskeyword(stem) or keyword.issoftkeyword(stem) or stem in MODULE_NAMES
    return f"{label}_" if taken or label in MODULE_NAMES else label


def attribute_path(path: str) -> str:
    """A path with every label made safe; numbers of copies and branches stay."""
    return ".".join(part if part.isdigit() else attribute(part) for part in path.split("."))
