"""Text to syntax tree."""

from nfc.syntax.parser import parse, parse_expression

__all__ = ["parse", "parse_expression"]
