"""The standard topologies, one family a file."""
