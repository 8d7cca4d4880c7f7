"""How a phase gives up on one thing: exceptions that carry the diagnostic to report."""

from __future__ import annotations

from collections.abc import Sequence

from nfc.diagnostics import Diagnostic, Label, Severity
from nfc.source import Span


class SemanticError(Exception):
    """Something has no meaning; `diagnostic` says what and where."""

    def __init__(
        self,
        code: str,
        message: str,
        span: Span | None,
        *,
        labels: Sequence[Label] = (),
        hints: Sequence[str] = (),
    ) -> None:
        super().__init__(message)
        self.diagnostic = Diagnostic(code, message, span, Severity.ERROR, tuple(labels), tuple(hints))

    @classmethod
    def of(cls, diagnostic: Diagnostic) -> SemanticError:
        """The error that carries a diagnostic made elsewhere."""
        return cls(
            diagnostic.code,
            diagnostic.message,
            diagnostic.span,
            labels=diagnostic.labels,
            hints=diagnostic.hints,
        )


class EvaluationError(SemanticError):
    """An expression has no value."""


class LimitError(SemanticError):
    """A limit of the language is passed; what is being elaborated is given up as a whole."""


class AlreadyReported(Exception):  # noqa: N818
    """What is needed is broken, and that has been reported where it is defined."""
