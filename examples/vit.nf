nf 1

# A small vision transformer on digits (Dosovitskiy et al., ICLR 2021): patches as tokens. `via` after `attention`
# wires four layers, for queries, keys, values and outputs, each with edges and weights of its own.

param width = 64  # a multiple of `heads`
param layers = 4
param heads = 4

network vit {
    input [28, 28]
    reshape [7, 4, 7, 4]  # rows and columns of patches, with the pixels of each between
    transpose  # [7, 4, 4, 7]
    reshape [7, 16, 7]
    transpose  # [7, 7, 16]
    reshape [49, 16]  # 49 patches of 4 × 4 pixels
    patches: linear width
    position width  # without it the order of the patches would not count
    repeat layers {
        residual {
            norm layer
            attn: attention heads via monarch
        }
        residual {
            norm layer
            up: linear 4 * width via random(width // 4)
            gelu
            down: linear width via random(width)
        }
    }
    norm layer
    transpose
    reshape [width, 7, 7]
    pool global  # the mean over patches
    head: linear 10
}

check vit {
    params <= 65k
    density <= 27%
    each attention { density == 25%; connected; paths.min == 1 }
    repeat1.residual2.up.fan_in.max <= width // 4
    depth == layers * (4 + 2) + 2  # two monarch layers of two factors lie behind one another in attention
    head.connected
    variance.forward in 0.05..2  # the mean over patches takes most of it
}
