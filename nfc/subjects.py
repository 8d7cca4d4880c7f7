"""What a change's message is about: changes of one subject at one place are those of a repeat's copies."""

from __future__ import annotations

import re

_COPY_NUMBER = re.compile(r"\.\d+(?=[.`])")
_PREDICATE = re.compile(r" (?:is|has) ")


def subject(message: str) -> str:
    """The message up to its verb, without the numbers of copies.

    The kernel and the padding of one convolution, and the four layers of an attention, share a place
    in the file, but no subject; a layer shares both with itself in another copy.
    """
    return _PREDICATE.split(_COPY_NUMBER.sub("", message), maxsplit=1)[0]
