nf 1

# The dense twin of ../vit.nf: the same layers, each with all of its weights.

param width = 64
param layers = 4
param heads = 4

network vit {
    input [28, 28]
    reshape [7, 4, 7, 4]
    transpose
    reshape [7, 16, 7]
    transpose
    reshape [49, 16]
    patches: linear width
    position width
    repeat layers {
        residual {
            norm layer
            attn: attention heads
        }
        residual {
            norm layer
            up: linear 4 * width
            gelu
            down: linear width
        }
    }
    norm layer
    transpose
    reshape [width, 7, 7]
    pool global
    head: linear 10
}

check vit {
    density == 100%
}
