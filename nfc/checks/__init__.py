"""Check blocks: assertions about a network, measured."""
