"""Compiled files against the networks that they should hold, edge for edge and whatever their labels say."""
