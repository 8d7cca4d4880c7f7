"""The search for topologies: candidates of all families, what is measured of them, and how a budget is divided."""
