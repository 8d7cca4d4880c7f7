"""What changed between two programs, in terms of networks: pure functions from IR to changes."""
