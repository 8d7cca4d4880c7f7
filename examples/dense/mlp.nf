nf 1

# The dense twin of ../mlp.nf: the same layers, each with all of its weights.

param width = 256
param layers = 2

network mlp {
    input [28, 28]
    flatten
    view: linear width
    relu
    repeat layers {
        residual {
            norm layer
            linear width
            relu
        }
    }
    head: linear 10
}

check mlp {
    density == 100%
}
