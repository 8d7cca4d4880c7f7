"""Names, values, sizes: from the syntax tree to the network IR."""
