nf 1

# Handwritten digits with 13 % of the dense network's weights: two layers in which every pixel
# reaches every neuron by two paths, each of two hops of 32 inputs.

param width = 1024  # can be overridden: nfc show mnist.nf -D width=2048
param layers = 2

topology mixer(r) = parallel(2, butterfly(radix=r))

network mnist {
    input [28, 28]
    flatten
    pad width
    repeat layers {
        linear width via mixer(32)
        relu
    }
    head: linear 10
}

check mnist {
    params <= 310k
    depth <= 5
    each linear { connected; fan_out.max <= 64 }
    head.density == 100%
    variance.forward in 0.5..2 as "signals must survive"
}
