nf 1

# No width here is a power of anything.
network fitted {
    input 13
    linear 11 via butterfly
    relu
    linear 7 via hypercube(depth=2)
    linear 10 via benes
    relu
    linear 9 via monarch
    linear 12 via clos(inputs=3)
    linear 5 via shuffle_exchange
    linear 14 via torus(dims=2, depth=2)
    linear 6 via pixelfly(block=2, rank=1)
    linear 15 via band(width=1)
    linear 4 via block(size=3)
    linear 9 via diagonal
}
