"""What the command line, the API and the layers assume alike where nothing else is said."""

BATCH = 64
"""Samples at a time that kernels are chosen for."""
