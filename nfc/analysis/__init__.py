"""Properties of fabrics and networks."""
