nf 1

# The dense twin of ../mixer.nf: the same layers, each with all of its weights.

param width = 64
param layers = 4

network mixer {
    input [28, 28]
    reshape [7, 4, 7, 4]
    transpose
    reshape [7, 16, 7]
    transpose
    reshape [49, 16]
    patches: linear width
    repeat layers {
        residual {
            norm layer
            transpose
            up: linear 98
            gelu
            down: linear 49
            transpose
        }
        residual {
            norm layer
            up: linear 2 * width
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

check mixer {
    density == 100%
}
