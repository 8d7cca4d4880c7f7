"""The canonical layout of `.nf` files: `nfc fmt`."""

from nfc.formatting.format import LINE_LENGTH, format_source
from nfc.formatting.proof import FormattingError

__all__ = ["LINE_LENGTH", "FormattingError", "format_source"]
