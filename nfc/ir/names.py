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
    zero_grad

    _apply _backward_hooks _backward_pre_hooks _buffers _call_impl _compiled_call_impl _forward_hooks
    _forward_hooks_always_called _forward_hooks_with_kwargs _forward_pre_hooks
    _forward_pre_hooks_with_kwargs _get_backward_hooks _get_backward_pre_hooks _get_name
    _is_full_backward_hook _load_from_state_dict _load_state_dict_post_hooks
    _load_state_dict_pre_hooks _maybe_warn_non_full_backward_hook _modules _named_members
    _non_persistent_buffers_set _parameters _register_load_state_dict_pre_hook
    _register_state_dict_hook _replicate_for_data_parallel _save_to_state_dict _slow_forward
    _state_dict_hooks _state_dict_pre_hooks _version _wrapped_call_impl

    topology_digest reset_parameters parameter_groups
    """.split()
)
"""Attributes of `nn.Module` (a test compares them with torch's), and those of emitted classes."""


def attribute(label: str) -> str:
    """A label as a module's attribute: `_` is appended where Python or `nn.Module` uses the name.

    One to one: a label that looks like a changed one is changed in the same way. Names that start
    with two underscores get three at the end: Python mangles names that do not end so, and uses `__class__`.
    """
    if label.startswith("__"):
        return f"{label}___"
    stems = (label[:end] for end in range(len(label.rstrip("_")), len(label) + 1))
    return f"{label}_" if any(_taken(stem) for stem in stems) else label


def _taken(name: str) -> bool:
    return keyword.iskeyword(name) or name in MODULE_NAMES


def attribute_path(path: str) -> str:
    """A path with every label made safe; numbers of copies and branches stay."""
    return ".".join(part if part.isdigit() else attribute(part) for part in path.split("."))


def attribute_of(path: str) -> str:
    """The attribute that holds the module of the operation at a path, in the class of its block."""
    return attribute(path.rpartition(".")[2])
