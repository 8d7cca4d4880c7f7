nf 1

# A small vision transformer on digits (Dosovitskiy et al., ICLR 2021): patches as tokens, attention of four
# sparse layers, and a head on all tokens.

param width = 64
param layers = 4
param heads = 4

network vit {
    input [28, 28]
    reshape [7, 4, 7, 4]  # rows and columns of patches, with the pixels of each between
    transpose
    reshape [7, 16, 7]
    transpose
    reshape [49, 16]  # 49 patches of 4 × 4 pixels
    patches: linear width
    position width
    repeat layers {
        residual {
            norm layer
            attn: attention heads via monarch
        }
        residual {
            norm layer
            linear 4 * width via random(16)
            gelu
            linear width via random(64)
        }
    }
    norm layer
    flatten
    head: linear 10
}

check vit {
    params <= 110k
    each attention { density == 25%; connected }
    variance.forward in 0.5..2
}
