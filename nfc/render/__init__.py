"""Diagnostics and results as text and JSON."""
