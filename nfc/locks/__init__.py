"""Lock files: what the networks of a file are, layer by layer, to be compared with what they become."""
