nf 1

# Convolutions wired by structured and by unstructured fabrics, pools, shuffles and norms of channels.

mask ring[o] = { o, (o + 1) % cols, (o + 5) % cols }

network unstructured {
    input [12, 6, 6]
    conv 10 via random(fan_in=4)
    relu
    conv 16 stride=2 via bernoulli(density=40%, seed=3) >> block(size=4)
    silu
    conv 16 via ring
    tanh
    conv 16 kernel=2 padding=0 via parallel(2, butterfly, shuffle=7)
    conv 9 kernel=3 via torus + lowrank(rank=2)
    flatten
    shuffle groups=3
    linear 4 via random(fan_in=5)
}

network structured {
    input [3, 9, 8]
    conv 16 kernel=5 stride=2 padding=1
    norm batch
    relu
    conv 16 via block(size=4)
    norm layer
    gelu
    conv 24 kernel=[3, 1] stride=[1, 2] via monarch
    norm group groups=4
    relu
    conv 16 kernel=1 bias=false via butterfly
    shuffle groups=4
    pool max kernel=2 stride=1
    norm rms
    conv 16 via permute("reverse") >> butterfly(radix=4)
    pool global
    norm group groups=8
    linear 5
}
