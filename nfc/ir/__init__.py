"""The intermediate representation: networks, fabrics, factors."""
