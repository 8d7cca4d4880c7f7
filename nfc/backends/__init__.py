"""Printers and runners of Plans; they know nothing of topologies."""
