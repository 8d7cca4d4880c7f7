"""Structure found in edges: what makes equal patterns equal factors, however they were written.

`nfc.ir.structure` builds every factor through these analyses, so the kind of a factor and its
parameters are functions of the edges alone:

- `components`: complete bipartite components, which are `Kron` or `Blocks` where all are equal.
- `padding`: complete components that are what is left of a `Kron`, which are `Restricted`.
- `circulant`: rows that are translations of one another in mixed radix, which are `Shifts`.

All take time in the edges, up to sorting, and work in slices.
"""
