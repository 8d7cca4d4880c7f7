"""Masks: from a definition's expression to the factor of its edges (LANGUAGE, section 3)."""
