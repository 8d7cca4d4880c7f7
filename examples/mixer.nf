nf 1

# Digits as sequences of patches, after MLP-Mixer (Tolstikhin et al., NeurIPS 2021): one layer mixes patches,
# the next one features, each through a sparse topology.

param width = 64
param layers = 4

network mixer {
    input [28, 28]
    reshape [7, 4, 7, 4]  # rows and columns of patches, with the pixels of each between
    transpose  # [7, 4, 4, 7]
    reshape [7, 16, 7]
    transpose  # [7, 7, 16]
    reshape [49, 16]  # 49 patches of 4 × 4 pixels
    linear width
    repeat layers {
        residual {
            norm layer
            transpose  # [width, 49]
            linear 98 via random(16)
            gelu
            linear 49 via random(32)
            transpose
        }
        residual {
            norm layer
            linear 2 * width via random(16)
            gelu
            linear width via random(32)
        }
    }
    norm layer
    flatten
    head: linear 10
}

check mixer {
    params <= 80k
    repeat1.residual1.linear1.fan_in.max <= 16
    head.connected
    variance.forward in 0.5..2
}
