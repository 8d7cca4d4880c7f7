"""Where a statement that does not parse ends, told by brackets and line ends alone."""

from __future__ import annotations

import re
from bisect import bisect_left

from nfc.syntax.brackets import Repairs
from nfc.syntax.scan import Scan
from nfc.syntax.words import DEFINITIONS, OPERATIONS

_KIND = {"LPAR": "(", "LSQB": "[", "SET_OPEN": "set{", "BLOCK_OPEN": "{"}
_STATEMENT = re.compile(r"(?P<indent>[ \t]*)(?:[A-Za-z_]\w*[ \t]*:[ \t]*)?(?P<word>[A-Za-z_]\w*|[^\s#}])")
_GOES_ON = re.compile(r"\n[ \t]*(?:>>|[-+*/%|&<>=]|(?:and|or|xor|in)\b)")


class Regions:
    """The outline of a text with its repairs made."""

    def __init__(self, text: str, scanned: Scan, repairs: Repairs) -> None:
        self._text = text
        kept = [(offset, 1, kind) for offset, kind in scanned.marks if text[offset] != " "]
        added = [(offset, 0, kind) for offset, kinds in repairs.insertions.items() for kind in kinds]
        self._events = sorted([*kept, *added], key=lambda event: event[:2])
        self._offsets = [offset for offset, _, _ in self._events]

    def header_end(self, offset: int, stack: tuple[str, ...]) -> tuple[int, bool]:
        """Where the statement at `offset` ends, and whether a block begins there.

        `stack` holds the brackets that are open at `offset`, as `Layout` names them.
        """
        return self._end(offset, self._inline(stack), over_blocks=False)

    def end(self, offset: int, stack: tuple[str, ...] = ()) -> int:
        """Where the statement at `offset` ends, its blocks passed over."""
        return self._end(offset, self._inline(stack), over_blocks=True)[0]

    def end_of_definition(self, offset: int, stack: tuple[str, ...] = ()) -> int:
        """The same at file level, over the next lines too where they belong to it or make the same mistake.

        Those are lines that are indented or start like operations, unless they start like definitions.
        """
        end = self.end(offset, stack)
        while end < len(self._text):
            match = _STATEMENT.match(self._text, end + 1)
            if match is None or match["word"] in DEFINITIONS:
                break
            if not match["indent"] and match["word"] not in OPERATIONS:
                break
            end = self.end(end + 1)
        return end

    @staticmethod
    def _inline(stack: tuple[str, ...]) -> list[str]:
        kinds = [_KIND[opener] for opener in stack]
        blocks = [index for index, kind in enumerate(kinds) if kind == "{"]
        return kinds[blocks[-1] + 1 if blocks else 0 :]

    def _end(self, offset: int, inner: list[str], *, over_blocks: bool) -> tuple[int, bool]:
        for index in range(bisect_left(self._offsets, offset), len(self._events)):
            place, _, kind = self._events[index]
            if not inner and (kind in "\n;}" or (kind == "{" and not over_blocks)):
                if _GOES_ON.match(self._text, place):
                    continue
                return place, kind == "{"
            if kind in ("(", "[", "set{", "{"):
                inner.append(kind)
            elif kind in ")]" and inner and inner[-1] in ("(", "[", "set{"):
                inner.pop()
            elif kind == "}":
                while inner and inner.pop() not in ("{", "set{"):
                    pass
        return len(self._text), False
