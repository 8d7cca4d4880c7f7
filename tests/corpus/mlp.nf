nf 1

# The shape of examples/mnist.nf at a size that a golden file can show.
param width = 16
param layers = 2

topology mixer(r) = parallel(2, butterfly(radix=r))

network mlp {
    input [3, 4]
    flatten
    pad width
    repeat layers {
        linear width via mixer(4)
        relu
    }
    head: linear 5
}

check mlp {
    depth <= 5
    each linear { connected; fan_out.max <= 16 }
    head.density == 100%
}
