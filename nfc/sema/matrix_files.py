"""The topology `file(path, key="mask")`: 0/1 matrices from files, each read once a program."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol

from nfc.diagnostics import NfcError
from nfc.ir.digest import fabric_digest
from nfc.ir.factors import Factor
from nfc.matrices import MatrixError, Request, read_pattern
from nfc.sema.budget import Budget
from nfc.sema.errors import SemanticError
from nfc.source import Source, Span


class DataFile(Protocol):
    """A file that a topology reads: where it is, symbolic links followed, and its content with its size."""

    @property
    def real(self) -> str: ...

    def opened(self) -> AbstractContextManager[tuple[BinaryIO, int]]: ...


class DataFiles(Protocol):
    """The files that topologies may read, by the path that a source writes; `nfc.opening` has them."""

    def locate(self, path: str, user: Source, /) -> DataFile: ...


@dataclass(frozen=True)
class FileCall:
    """A call of `file` in a place of rows × cols, with its arguments and where they are written."""

    path: str
    key: str
    rows: int
    cols: int
    path_span: Span
    key_span: Span
    span: Span


@dataclass
class MatrixFiles:
    """The matrices that are read already, and the files that can be.

    Attributes:
        data: None where no file is within reach.
    """

    data: DataFiles | None = None
    _factors: dict[tuple[str, str], Factor] = field(default_factory=dict)
    _wrong: dict[tuple[str, str, int, int], MatrixError] = field(default_factory=dict)

    def factor(self, call: FileCall, budget: Budget, edges: int) -> Factor:
        """The factor of a file's matrix.

        Args:
            edges: those that the network has already.

        Raises:
            SemanticError: NF702 or NF705 where the file cannot be read, NF707 where it holds no
                matrix, NF708 where one of its entries is neither 0 nor 1, NF301 for another shape.
            LimitError: there are too many edges, or it takes too long.
        """

        def check(found: int) -> None:
            budget.check_time(call.span)
            budget.check_edges(edges + found, call.span, "there are")

        request = Request(call.path, call.key, call.rows, call.cols, check)
        try:
            if self.data is None:
                message = f"cannot read `{call.path}`: there is no folder to read from"
                raise SemanticError("NF702", message, call.path_span)
            file = self.data.locate(call.path, call.path_span.source)
            return self._known_or_read(file, request)
        except NfcError as error:
            (found,) = error.diagnostics
            raise SemanticError(found.code, found.message, call.path_span, hints=found.hints) from None
        except MatrixError as error:
            span = call.key_span if error.argument == "key" else call.path_span
            raise SemanticError(error.code, f"`{call.path}` {error.what}", span, hints=error.hints) from None

    def digests(self) -> list[str]:
        """The digests of all matrices that were read, in the order of reading."""
        return [fabric_digest(factor) for factor in self._factors.values()]

    def _known_or_read(self, file: DataFile, request: Request) -> Factor:
        key = file.real, request.key
        factor = self._factors.get(key)
        if factor is not None:
            request.check_shape(factor.shape)
            return factor
        attempt = *key, request.rows, request.cols
        if attempt in self._wrong:
            raise self._wrong[attempt]
        try:
            with file.opened() as (opened, size):
                self._factors[key] = read_pattern(opened, size, request)
        except MatrixError as error:
            self._wrong[attempt] = error
            raise
        return self._factors[key]
