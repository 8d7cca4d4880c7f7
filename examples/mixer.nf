nf 1

# Digits as sequences of patches, after MLP-Mixer (Tolstikhin et al., NeurIPS 2021): one layer mixes patches,
# the next one features. A fifth of a dense mixer's weights suffices: what two sparse layers and a residual do
# not join in one block, the next blocks join.

param width = 64  # features of a patch
param layers = 4
param patches_read = 10  # patches that a neuron reads, of 49
param features_read = 12  # features that a neuron reads, of `width`

network mixer {
    input [28, 28]
    reshape [7, 4, 7, 4]  # rows and columns of patches, with the pixels of each between
    transpose  # [7, 4, 4, 7]
    reshape [7, 16, 7]
    transpose  # [7, 7, 16]
    reshape [49, 16]  # 49 patches of 4 × 4 pixels
    patches: linear width
    repeat layers {
        residual {
            norm layer
            transpose  # [width, 49]: the last axis is the one that a layer mixes
            up: linear 98 via random(patches_read)
            gelu
            down: linear 49 via random(2 * patches_read)
            transpose
        }
        residual {
            norm layer
            up: linear 2 * width via random(features_read)
            gelu
            down: linear width via random(2 * features_read)
        }
    }
    norm layer
    transpose
    reshape [width, 7, 7]
    pool global  # the mean over patches
    head: linear 10
}

check mixer {
    params <= 27k
    density <= 25%
    repeat1.residual1.up.fan_in.max <= patches_read
    repeat1.residual2.up.fan_in.max <= features_read
    repeat1.residual1.up.bandwidth == 49 as "no patch is squeezed out"
    depth == 4 * layers + 2
    head.connected
    variance.forward in 0.05..2  # the mean over patches takes most of it
}
