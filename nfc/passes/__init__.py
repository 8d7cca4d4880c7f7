"""Passes over the network IR, one a file."""
